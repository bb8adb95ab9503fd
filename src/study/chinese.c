/* A list of phrases. In it # is a number; the order of numbers is the same in both languages. */
#include "study/chinese.h"

#include "headwise.h"

typedef struct phrase {
    const char *english, *chinese;
} phrase;

static const phrase phrases[] = {
    /* claims */
    { "Several heads against one", "多头对单头" },
    { "models better", "建模效果更好" },
    { "is more robust", "更稳健" },
    { "computes faster in parallel", "并行计算更快" },
    { "is more interpretable", "更可解释" },
    { "is cheaper in subspaces", "子空间计算更省" },
    { "adapts by its number of heads", "可调头数以适应任务" },
    { "allocates attention adaptively", "能自适应地分配注意力" },
    { "reaches over long distances", "能跨越长距离" },
    { "is easier to optimise", "更易优化" },
    { "combines well with capsules", "与胶囊网络结合良好" },
    { "Multi-head attention models better", "多头注意力建模效果更好" },
    { "Multi-head attention is more robust", "多头注意力更稳健" },
    { "Multi-head attention computes faster in parallel", "多头注意力并行计算更快" },
    { "Multi-head attention is more interpretable", "多头注意力更可解释" },
    { "Multi-head attention is cheaper in subspaces", "多头注意力的子空间计算更省" },
    { "Multi-head attention adapts by its number of heads", "多头注意力可调头数以适应任务" },
    { "Multi-head attention allocates attention adaptively", "多头注意力能自适应地分配注意力" },
    { "Multi-head attention reaches over long distances", "多头注意力能跨越长距离" },
    { "Multi-head attention is easier to optimise", "多头注意力更易优化" },
    { "Multi-head attention combines well with capsules", "多头注意力与胶囊网络结合良好" },
    { "exact match of several labels, CAP-MH minus MH", "多标签完全匹配率，CAP-MH 减 MH" },
    { "The sides are not matched: beside MH, CAP-MH has # % parameters and takes # % "
      "operations. Capsules with several heads against capsules with one: # points of exact match "
      "(# to #).",
      "两侧并不匹配：与 MH 相比，CAP-MH 的参数 # %，运算量 # %。多头胶囊对单头胶囊：完全匹配率 # "
      "个百分点（# 至 #）。" },
    { "exact match (95 %)", "完全匹配率（95 %）" },
    { "CAP-MH minus it (95 %)", "CAP-MH 减去它（95 %）" },
    { "F1 of a text (95 %)", "每条文本的 F1（95 %）" },
    { "score on the data as it is (95 %)", "原数据上的得分（95 %）" },
    { "seconds to train", "训练秒数" },
    { "score of MH minus that of SH-A", "MH 的得分减去 SH-A 的得分" },
    { "points lost to corrupted texts, SH-A minus MH", "文本受损所失的分，SH-A 减 MH" },
    { "time of an epoch saved by MH against SH-A", "MH 比 SH-A 每轮节省的时间" },
    { "NAOPC of the best attention explanation, MH minus SH-A",
      "最佳注意力解释的 NAOPC，MH 减 SH-A" },
    { "operations saved by MH against SH-A", "MH 比 SH-A 节省的运算量" },
    { "score with h chosen on the dev part minus with h = 8",
      "用开发集选定的 h 的得分减去 h = 8 的得分" },
    { "score of MH-gate minus that with every gate at its mean",
      "MH-gate 的得分减去各门取均值时的得分" },
    { "score on order over distances, MH minus SH-A", "各距离词序任务的得分，MH 减 SH-A" },
    { "doublings of speed to a target loss, MH against SH-A",
      "到达目标损失的速度翻倍数，MH 对 SH-A" },
    { "points", "个百分点" },
    { "doublings", "次翻倍" },
    /* verdicts */
    { "SUPPORTED", "支持" },
    { "SUPPORTED-BUT-SMALL", "支持但微小" },
    { "REFUTED", "相反" },
    { "NO DIFFERENCE", "无差异" },
    { "INCONCLUSIVE", "无法判定" },
    { "NOT COMPARABLE", "不可比" },
    { "Yes.", "是。" },
    { "Yes, but by less than would matter.", "是，但幅度小到无关紧要。" },
    { "No: the data say the contrary.", "否：数据表明恰恰相反。" },
    { "No: if there is a difference, it is too small to matter.",
      "否：即使有差异，也小到无关紧要。" },
    { "These data cannot say.", "这些数据无法判定。" },
    { "The two sides differ in more than their heads.", "两侧的差别不只在头数。" },
    { "The sides do not match: beside the second, the first has # % parameters and takes # % "
      "operations.",
      "两侧不匹配：与第二侧相比，第一侧的参数 # %，运算量 # %。" },
    { "It would take # seeds, or # test texts.", "约需 # 个随机种子，或 # 条测试文本。" },
    { "It would take # seeds.", "约需 # 个随机种子。" },
    { "It would take # test texts.", "约需 # 条测试文本。" },
    { "Neither more seeds nor more texts alone would decide it.",
      "仅增加种子或仅增加文本都无法判定。" },
    { "# would matter", "达到 # 才算要紧" },
    { "came true", "应验" },
    { "did not come true", "未应验" },
    { "not decided", "未定" },
    { "Verdicts", "结论" },
    { "claim", "主张" },
    { "measured", "所测" },
    { "single", "单头" },
    { "multi", "多头" },
    { "effect", "效应" },
    { "p (Holm)", "p（Holm）" },
    { "verdict", "结论" },
    { "predicted", "预测" },
    { "Effects and their 95 % intervals, in epsilons", "效应及其 95 % 区间，以 epsilon 为单位" },
    { "against the claim ← epsilons → as claimed", "与主张相反 ← epsilon → 与主张一致" },
    { "The band is what is too small to matter; an arrow points to what lies beyond.",
      "色带内小到无关紧要；箭头指向超出范围的部分。" },
    /* prose */
    { "Each claimed advantage of multi-head attention was measured on these data as an experiment "
      "of its own. A verdict is what the data carry, no more.",
      "多头注意力的每项所称优势，都在这些数据上作为一个独立实验来测量。结论只说数据能支撑的，"
      "不多说。" },
    { "Both sides of every comparison are the same arm (an A/A study): a verdict with a direction "
      "is false.",
      "每次比较的两侧是同一方案（A/A 研究）：凡有方向的结论都是错的。" },
    { "# seeds.", "# 个随机种子。" },
    { "# seeds, # test texts.", "# 个随机种子，# 条测试文本。" },
    { "A true effect of # would be found in four of five such studies.",
      "若真实效应为 #，五次这样的研究中有四次能发现。" },
    { "It did not vary between seeds.", "各种子间没有波动。" },
    { "No effect could be found.", "任何效应都无法发现。" },
    { "How to read the verdicts", "如何理解结论" },
    { "there is an effect in the claim's direction (p below 0.05 after Holm's adjustment), and it "
      "is measured as epsilon or more.",
      "存在与主张同向的效应（Holm 校正后 p 小于 0.05），且测得值不小于 epsilon。" },
    { "there is one, but it is measured as less than epsilon.",
      "存在同向效应，但测得值小于 epsilon。" },
    { "there is an effect in the other direction, however small.",
      "存在方向相反的效应，无论大小。" },
    { "the 90 % interval lies within epsilon on both sides of zero: if there is an effect, it is "
      "too small to matter.",
      "90 % 区间落在零两侧的 epsilon 之内：即使有效应，也小到无关紧要。" },
    { "none of these. It does not mean that there is no effect: this study is too small to tell. "
      "What it says it would take is an estimate from the variances seen.",
      "以上都不是。这并不表示没有效应，而是本研究规模太小，无法判断。所说的“约需”是由所见方差"
      "估计的。" },
    { "the two sides were to be of one size, but differ by more than # % in parameters or # % in "
      "operations, so that no verdict on heads is given.",
      "两侧本应同等规模，但参数相差超过 # % 或运算量相差超过 # %，因此不给出关于头的结论。" },
    { "Epsilon, the smallest difference that matters, and the predictions were fixed before the "
      "study. Single and multi are the two sides of a comparison; a positive effect is what the "
      "claim says. Intervals allow for other seeds and other test texts. Holm's adjustment is over "
      "all claims of the study, so that a false direction appears in at most 5 % of studies.",
      "epsilon（要紧的最小差异）和预测都在研究之前定下。“单头”与“多头”是比较的两侧；效应为正即与"
      "主张一致。区间考虑了其他种子和其他测试文本。Holm 校正覆盖本研究的全部主张，因此至多 5 % 的"
      "研究会出现错误的方向。" },
    { "A verdict rests on the one measure named beside it. All other tables and plots are "
      "exploratory: their intervals are not adjusted for how many they are.",
      "结论只依据其旁所列的那一项测量。其余表和图都是探索性的：其区间未按数目作校正。" },
    { "Against h heads of the full width (MH-full) the claim holds: MH takes # % of their "
      "operations.",
      "与 h 个全宽的头（MH-full）相比，该主张成立：MH 的运算量是其 # %。" },
    { "The two sides are steps (geometric means); the target is a log-loss of #.",
      "两侧为步数（几何平均）；目标是对数损失 #。" },
    { "The two sides are microseconds a text while training, on one thread; seeds are pairs of "
      "times. Another run of the study measures other times.",
      "两侧为单线程训练时每条文本的微秒数；种子数是计时的对数。再次运行会测得不同的时间。" },
    { "MH-gate against MH: # points (# to #); it is not worse by epsilon.",
      "MH-gate 对 MH：# 个百分点（# 至 #）；差距不到 epsilon。" },
    { "MH-gate against MH: # points (# to #); it may be worse by epsilon.",
      "MH-gate 对 MH：# 个百分点（# 至 #）；可能差 epsilon 以上。" },
    { "The best explanation of MH against words by chance: # points (# to #).",
      "MH 的最佳解释对随机选词：# 个百分点（# 至 #）。" },
    { "The best explanation of MH against words by chance: # points (# to #). Where it looks does "
      "not say why on these data.",
      "MH 的最佳解释对随机选词：# 个百分点（# 至 #）。在这些数据上，它看哪里并不说明为什么。" },
    /* tables of claims */
    { "All arms", "所有方案" },
    { "dense parameters", "稠密参数" },
    { "score", "得分" },
    { "macro-F1", "宏平均 F1" },
    { "log-loss", "对数损失" },
    { "MH minus it (95 %)", "MH 减去它（95 %）" },
    { "With less to learn from", "训练文本较少时" },
    { "training texts, %", "训练文本，%" },
    { "MH - SH-A (95 %)", "MH − SH-A（95 %）" },
    { "Score under corruption of # and # % of a text", "文本受损 # 和 # % 时的得分" },
    { "corruption", "损坏方式" },
    { "swap", "字符互换" },
    { "delete", "字符删除" },
    { "insert", "字符插入" },
    { "keyboard", "邻键误击" },
    { "lookalike", "形近替换" },
    { "word drop", "丢词" },
    { "word swap", "词互换" },
    { "filler", "重复词" },
    { "truncate", "截断" },
    { "Overfitting: log-loss on the test part and on what was learned from",
      "过拟合：测试集与训练文本上的对数损失" },
    { "test", "测试" },
    { "training", "训练" },
    { "gap", "差距" },
    { "deviation of the score over seeds", "得分在种子间的标准差" },
    { "With wrong labels among those learned from", "训练标签有错时" },
    { "wrong labels, %", "错误标签，%" },
    { "Ratio of median times", "时间中位数之比" },
    { "what", "项目" },
    { "ratio", "比" },
    { "training, MH / SH-A", "训练，MH / SH-A" },
    { "predicting, MH / SH-A", "预测，MH / SH-A" },
    { "training, MH / MH-full", "训练，MH / MH-full" },
    { "predicting, MH / MH-full", "预测，MH / MH-full" },
    { "# to #", "# 至 #" },
    { "# (# to #)", "#（# 至 #）" },
    { "NAOPC of all explanations, in hundredths", "各种解释的 NAOPC，以百分之一计" },
    { "explanation", "解释" },
    { "MH minus by chance (95 %)", "MH 减去随机（95 %）" },
    { "attention", "注意力" },
    { "rollout", "注意力展开" },
    { "norm", "加权范数" },
    { "attention x gradient", "注意力乘梯度" },
    { "gradient x input", "梯度乘输入" },
    { "leaving out", "逐词去除" },
    { "by chance", "随机" },
    { "Each arm with its best explanation", "各方案及其最佳解释" },
    { "best on the dev part", "开发集上最佳" },
    { "Operations of a mean text, and what they buy", "每条文本的平均运算量及其所得" },
    { "thousand operations", "千次运算" },
    { "of SH-A, %", "占 SH-A，%" },
    { "Score by the number of heads", "得分与头数" },
    { "width of a head", "每头宽度" },
    { "seeds whose dev part chose it", "开发集选它的种子数" },
    { "Faint: one training; line: their mean.", "淡色：单次训练；线：其平均。" },
    { "Gates of the text, and others in their place", "文本自身的门，及换用其他门" },
    { "gates", "门" },
    { "the text's own", "文本自身的" },
    { "their means", "各门的均值" },
    { "another text's", "另一文本的" },
    { "none", "无" },
    { "MH-gate minus it (95 %)", "MH-gate 减去它（95 %）" },
    { "What gates do on the test texts (mean over seeds)", "门在测试文本上的表现（各种子的平均）" },
    { "deviation over texts", "各文本间的标准差" },
    { "entropy over heads (all alike: 1)", "各头间的熵（全同为 1）" },
    { "information on the label, bits", "关于标签的信息，比特" },
    { "Score by distance, # heads (without attention: #)", "得分与距离，# 个头（无注意力：#）" },
    { "words between", "间隔词数" },
    { "What was chosen on the task's own dev part", "在该任务自己的开发集上选定的设置" },
    { "Steps to the target (geometric mean), and a log-rank test against SH-A",
      "到达目标的步数（几何平均），及与 SH-A 的对数秩检验" },
    { "steps", "步数" },
    { "seeds that got there", "到达的种子数" },
    { "# of #", "#，共 #" },
    { "Log-loss on the dev part by learning rate (three seeds; - : diverged)",
      "开发集对数损失与学习率（三个种子；-：发散）" },
    { "times the default rate", "默认学习率的倍数" },
    /* what was compared */
    { "What was compared", "比较了什么" },
    { "# seeds. Width #; h = # was best on the dev part.",
      "# 个随机种子。宽度 #；开发集上 h = # 最好。" },
    { "All arms of a seed see the same words, the same order of texts and the same first values "
      "where they have the same parameters.",
      "同一种子下，各方案的词表、文本顺序相同，共有参数的初值也相同。" },
    { "arm", "方案" },
    { "what it is", "说明" },
    { "operations of a text", "每条文本的运算量" },
    { "more than MH, %", "比 MH 多，%" },
    { "learning rate, times the default", "学习率，默认值的倍数" },
    { "log-loss on the dev part", "开发集对数损失" },
    { "trials", "试验次数" },
    { "h heads of width d / h; h is chosen on the dev part", "h 个宽 d / h 的头；h 由开发集选定" },
    { "one head of width d: as many parameters as MH", "一个宽 d 的头：参数量与 MH 相同" },
    { "one head of width d / h", "一个宽 d / h 的头" },
    { "SH-B, what it saves spent on a feed-forward block", "SH-B，省下的参数用于前馈层" },
    { "h layers of one head of width d / h (Liu et al. 2021)",
      "h 层，每层一个宽 d / h 的头（Liu et al. 2021）" },
    { "h heads of width d each", "h 个宽 d 的头" },
    { "MH, all heads with one matrix of attention weights", "MH，所有头共用一个注意力矩阵" },
    { "MH, queries and keys stay at their random first values", "MH，查询与键保持随机初值" },
    { "MH, every word seen alike", "MH，对每个词一视同仁" },
    { "no attention layer", "没有注意力层" },
    { "MH with capsules: every head's output routed to a capsule a label",
      "带胶囊的 MH：各头的输出路由到每个标签的胶囊" },
    { "SH-A with capsules", "带胶囊的 SH-A" },
    { "MH, each head's output times a gate that depends on the text",
      "MH，每个头的输出乘以一个由文本决定的门" },
    { "Data", "数据" },
    { "part", "部分" },
    { "texts", "文本数" },
    { "file", "文件" },
    { "from the input", "取自输入文件" },
    { "to learn from", "训练" },
    { "to choose on", "选择（开发集）" },
    { "to test", "测试" },
    { "# labels, with their texts to learn from:", "# 个标签及其训练文本数：" },
};

enum { NUMBERS = 6 };

/* The bytes of a number; a point that ends a sentence is not of it. */
static size_t number_length(const char *text) {
    const size_t length = strspn(text, "+-.0123456789");
    return length && text[length - 1] == '.' ? length - 1 : length;
}

static bool matches(hw_text numbers[NUMBERS], const char *pattern, const char *text) {
    for (size_t count = 0; *pattern; pattern++) {
        const bool is_number = *pattern == '#';
        const size_t length = is_number ? number_length(text) : *pattern == *text;
        if (!length) return false;
        if (is_number) numbers[count++] = (hw_text){ text, length };
        text += length;
    }
    return !*text;
}

/* Cut off where there is no more room. */
static void fill(char *text, size_t capacity, const char *pattern, const hw_text *numbers) {
    size_t length = 0;
    for (; *pattern && length + 1 < capacity; pattern++) {
        const hw_text piece = *pattern == '#' ? *numbers++ : (hw_text){ pattern, 1 };
        const size_t room = capacity - 1 - length;
        const size_t taken = piece.length < room ? piece.length : room;
        memcpy(text + length, piece.bytes, taken);
        length += taken;
    }
    text[length] = '\0';
}

bool hw_chinese(char *chinese, size_t capacity, const char *english) {
    hw_text numbers[NUMBERS];
    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++) {
        if (!matches(numbers, phrases[i].english, english)) continue;
        fill(chinese, capacity, phrases[i].chinese, numbers);
        return true;
    }
    return false;
}
