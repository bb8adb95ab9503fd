/* The one table of verbs and the one table of options. Parsing, --help, the manual page and
 * the completions are all read off these two lists, so they cannot disagree. */
#ifndef APP_OPTIONS_H
#define APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// clang-format off

/* X(id, function, name, positional arguments, fewest, most, summary, example) */
#define VERB_LIST(X)                                                                              \
    X(TRAIN, train, "train", "", 0, 0,                                                            \
      "train a classifier (fastText's word supervised works too)",                                \
      "headwise train -input train.txt -output model")                                            \
    X(PREDICT, predict, "predict", "MODEL FILE|- [k] [threshold]", 1, 4,                          \
      "print the label of every line, in order",                                                  \
      "echo 'what a fine film' | headwise predict model -")                                       \
    X(PREDICT_PROB, predict_prob, "predict-prob", "MODEL FILE|- [k] [threshold]", 1, 4,           \
      "print labels and their probabilities",                                                     \
      "echo 'what a fine film' | headwise predict-prob model - 2")                                \
    X(TEST, test, "test", "MODEL FILE|- [k] [threshold]", 1, 4,                                   \
      "print N, precision and recall at k, as fastText does",                                     \
      "headwise test model test.txt")                                                             \
    X(TEST_LABEL, test_label, "test-label", "MODEL FILE|- [k] [threshold]", 1, 4,                 \
      "the same, and F1, precision and recall of every label",                                    \
      "headwise test-label model test.txt")                                                       \
    X(EVAL, eval, "eval", "MODEL FILE|-", 1, 2,                                                   \
      "measure a model: F1, intervals, calibration, confusion",                                   \
      "headwise eval model test.txt")                                                             \
    X(COMPARE, compare, "compare", "MODEL MODEL FILE|-", 2, 3,                                    \
      "which of two models is better, and on which texts",                                        \
      "headwise compare old new test.txt --flips 10")                                             \
    X(CV, cv, "cv", "", 0, 0,                                                                     \
      "cross-validate: train and score on k folds",                                               \
      "headwise cv -input train.txt -k 5")                                                        \
    X(CALIBRATE, calibrate, "calibrate", "MODEL", 1, 1,                                           \
      "fit the temperature to labelled data",                                                     \
      "headwise calibrate model -input valid.txt -output calibrated")                             \
    X(QUANTIZE, quantize, "quantize", "", 0, 0,                                                   \
      "write a smaller copy: int8 n-grams, int8 or bf16 layers",                                  \
      "headwise quantize -input model -output small -valid valid.txt")                            \
    X(PRUNE, prune, "prune", "", 0, 0,                                                            \
      "write a smaller copy: without the heads that matter least",                                \
      "headwise prune -input model -output small -valid valid.txt")                               \
    X(EXPORT, export, "export", "MODEL", 1, 1,                                                    \
      "write a fine-tuned encoder for other programs",                                            \
      "headwise export model -output folder")                                                     \
    X(PRETRAIN, pretrain, "pretrain", "", 0, 0,                                                   \
      "make an encoder out of unlabelled texts",                                                  \
      "headwise pretrain -input texts.txt -output encoder")                                       \
    X(EXPLAIN, explain, "explain", "MODEL TEXT|FILE|-", 1, 2,                                     \
      "show which words made the label, and test it",                                             \
      "headwise explain model 'what a fine film'")                                                \
    X(ATTENTION, attention, "attention", "MODEL TEXT", 2, 2,                                      \
      "show what every head attends to",                                                          \
      "headwise attention model 'what a fine film'")                                              \
    X(HEADS, heads, "heads", "MODEL FILE|-", 1, 2,                                                \
      "what every head does, and what it is worth",                                               \
      "headwise heads model dev.txt --html heads.html")                                           \
    X(TOKENIZE, tokenize, "tokenize", "MODEL FILE|-", 1, 2,                                       \
      "print the token ids of every line",                                                        \
      "echo 'what a fine film' | headwise tokenize encoder -")                                    \
    X(STUDY, study, "study", "", 0, 0,                                                            \
      "measure what several heads are worth against one",                                         \
      "headwise study -input data.txt -output study --quick")                                     \
    X(CHECK_DATA, check_data, "check-data", "FILE [FILE ...]", 1, 64,                             \
      "look for bad lines, label typos, duplicates and leaks",                                    \
      "headwise check-data train.txt test.txt")                                                   \
    X(DUMP, dump, "dump", "MODEL args|dict|input|output", 2, 2,                                   \
      "print what is inside a model",                                                             \
      "headwise dump model args")                                                                 \
    X(VERSION, version, "version", "", 0, 0,                                                      \
      "print version, compiler, kernels and CPUs",                                                \
      "headwise version")                                                                         \
    X(COMPLETION, completion, "completion", "bash|zsh|fish", 1, 1,                                \
      "print a shell completion script",                                                          \
      "source <(headwise completion bash)")                                                       \
    X(HELP, help, "help", "[COMMAND]", 0, 1,                                                      \
      "explain a command",                                                                        \
      "headwise help train")                                                                      \
    X(MANUAL, manual, "manual", "", 0, 0,                                                         \
      "print the manual page in mdoc format",                                                     \
      "headwise manual | mandoc")

typedef enum verb_id {
#define X(id, function, name, positional, fewest, most, summary, example) VERB_##id,
    VERB_LIST(X)
#undef X
    VERB_COUNT
} verb_id;

/* Sets of verbs that share options. */
#define IN(id) (1u << VERB_##id)
#define FITTING (IN(TRAIN) | IN(CV))
#define LEARNING (FITTING | IN(PRETRAIN))
#define PREDICTING (IN(PREDICT) | IN(PREDICT_PROB))
#define TESTING (IN(TEST) | IN(TEST_LABEL))
#define MEASURING (PREDICTING | TESTING | IN(EVAL) | IN(COMPARE))
#define SCORING (MEASURING | IN(CALIBRATE))
#define WINDOWED (MEASURING | IN(EXPLAIN) | IN(ATTENTION) | IN(HEADS))
#define SHRINKING (IN(QUANTIZE) | IN(PRUNE))
#define READING                                                                       \
    (LEARNING | SCORING | SHRINKING | IN(EXPLAIN) | IN(HEADS) | IN(STUDY) | IN(CHECK_DATA))
#define PREFIXED (READING & ~IN(EXPLAIN))
#define EVERY (~0u)

/* X(id, name, alias, kind, argument, lowest, highest, verbs, group, help)
 * A camelCase name is also known by its hyphenated spelling: -wordNgrams, --word-ngrams.
 * alias: names without dashes, "|" between them. CHOICE: the argument lists the words. IGNORED: help
 * says why, after "-name is". */
#define OPTION_LIST(X)                                                                            \
    X(INPUT, "-input", "", TEXT, "FILE", 0, 0,                                                    \
      LEARNING | SCORING | IN(TOKENIZE) | IN(EXPLAIN) | IN(HEADS) | IN(STUDY), OWN,               \
      "the data, or - for standard input")                                                        \
    X(MODEL_INPUT, "-input", "", TEXT, "MODEL", 0, 0, SHRINKING, OWN, "the model to shrink")      \
    X(OUTPUT, "-output", "", TEXT, "MODEL", 0, 0, IN(TRAIN) | IN(CALIBRATE) | SHRINKING, OWN,     \
      "where to write the model; .safetensors is added")                                          \
    X(FOLDER_OUTPUT, "-output", "", TEXT, "FOLDER", 0, 0, IN(EXPORT) | IN(PRETRAIN), OWN,         \
      "the folder to make")                                                                       \
    X(STUDY_OUTPUT, "-output", "", TEXT, "FOLDER", 0, 0, IN(STUDY), OWN,                          \
      "the folder to make, or to go on in")                                                       \
    X(ROWS_OUTPUT, "-output", "", TEXT, "FILE", 0, 0, IN(CV), OWN,                                \
      "write out-of-fold probabilities as JSON lines")                                            \
    X(STUDY_TEST, "-test", "", TEXT, "FILE", 0, 0, IN(STUDY), OWN,                                \
      "texts to test on (20 of 100 of the input)")                                                \
    X(CLAIMS, "--claims", "", TEXT, "LETTERS", 0, 0, IN(STUDY), OWN,                              \
      "some of the claims: a,c,h (all)")                                                          \
    X(QUICK, "--quick", "", FLAG, "", 0, 0, IN(STUDY), OWN, "five seeds, nothing tuned")          \
    X(STANDARD, "--standard", "", FLAG, "", 0, 0, IN(STUDY), OWN, "ten seeds (the default)")      \
    X(FULL, "--full", "", FLAG, "", 0, 0, IN(STUDY), OWN, "twenty seeds")                         \
    X(SEEDS, "--seeds", "", WHOLE, "N", 2, 64, IN(STUDY), OWN, "that many seeds")                 \
    X(EPSILON, "--epsilon", "", NUMBER, "POINTS", 0.001, 100, IN(STUDY), OWN,                     \
      "the smallest difference that matters (0.5)")                                               \
    X(TWINS, "--twins", "", FLAG, "", 0, 0, IN(STUDY), OWN,                                       \
      "an A/A study: compare each arm with itself")                                               \
    X(VALID, "-valid", "", TEXT, "FILE", 0, 0, IN(TRAIN) | IN(STUDY), OWN,                        \
      "held-back data (a share of the input)")                                                    \
    X(SCORED, "-valid", "test", TEXT, "FILE", 0, 0, IN(QUANTIZE), OWN,                            \
      "labelled texts to score both models with")                                                 \
    X(DTYPE, "--dtype", "", CHOICE, "int8|bf16", 0, 0, IN(QUANTIZE), OWN,                         \
      "bf16: bfloat16, of an encoder alone (int8)")                                               \
    X(CHOSEN_ON, "-valid", "", TEXT, "FILE", 0, 0, IN(PRUNE), OWN,                                \
      "labelled texts to choose on, never a test set")                                            \
    X(TOLERANCE, "--tolerance", "", NUMBER, "POINTS", 0, 100, IN(PRUNE), OWN,                     \
      "accuracy (micro-F1) to lose there at most (0.5)")                                          \
    X(KEEP, "--keep", "", WHOLE, "N", 1, 16384, IN(PRUNE), OWN,                                   \
      "heads to keep in all, whatever is lost")                                                   \
    X(PRUNE_BY, "--by", "", CHOICE, "importance|greedy", 0, 0, IN(PRUNE), OWN,                    \
      "greedy: importance anew after each head")                                                  \
    X(CURVE, "--curve", "", FLAG, "", 0, 0, IN(PRUNE), OWN,                                       \
      "no model: this order beside random ones")                                                  \
    X(ORACLE, "--oracle", "", FLAG, "", 0, 0, IN(PRUNE), OWN,                                     \
      "of the curve: add the order greedy by the score")                                          \
    X(MEASURED, "-valid", "test", TEXT, "FILE", 0, 0, IN(EXPORT), OWN,                            \
      "labelled texts whose measures the card shows")                                             \
    X(EXPORT_FORMAT, "--format", "", CHOICE, "hf", 0, 0, IN(EXPORT), OWN,                         \
      "a folder of Hugging Face's (hf)")                                                          \
    X(FOLD_TEMPERATURE, "--fold-temperature", "", FLAG, "", 0, 0, IN(EXPORT), OWN,                \
      "divide the last layer by the temperature")                                                 \
    X(VALID_SPLIT, "--valid-split", "", NUMBER, "SHARE", 0.01, 0.5, FITTING, OWN,                 \
      "share of the input that is held back (0.1)")                                               \
    X(FOLDS, "-k", "folds", WHOLE, "FOLDS", 2, 100, IN(CV), OWN, "number of folds (5)")           \
    X(ARCH, "-arch", "", CHOICE, "hybrid|attention|bag|capsule", 0, 0, FITTING, OWN,              \
      "n-grams and attention (hybrid), or one of them")                                           \
    X(LOSS, "-loss", "", CHOICE, "softmax|ova|one-vs-all|hs|ns", 0, 0, FITTING, OWN,              \
      "ova: multi-label (default: by the data)")                                                  \
    X(BASE, "-base", "", TEXT, "ENCODER", 0, 0, FITTING, OWN,                                     \
      "fine-tune this pretrained encoder")                                                        \
    X(PRETRAIN_BASE, "-base", "", TEXT, "ENCODER", 0, 0, IN(PRETRAIN), OWN,                       \
      "go on from this encoder (a new one)")                                                      \
    X(FREEZE, "-freeze", "", TEXT, "N|embeddings|all", 0, 0, FITTING, ENCODER,                    \
      "what stays as it is: the N lowest layers, embeddings, or all but the readout")             \
    X(FEW_SHOT, "--few-shot", "", FLAG, "", 0, 0, FITTING, ENCODER,                               \
      "learn from pairs of texts first: for 8 to 64 texts a label")                               \
    X(WEIGHT_DECAY, "--weight-decay", "", NUMBER, "W", 0, 1, FITTING, ENCODER,                    \
      "of AdamW (0.01)")                                                                          \
    X(WARMUP, "--warmup", "warmup-ratio", NUMBER, "SHARE", 0, 1, FITTING, ENCODER,                \
      "share of the steps in which the learning rate rises (0.1)")                                \
    X(LAYER_DECAY, "--layer-decay", "", NUMBER, "D", 0.1, 1, FITTING, ENCODER,                    \
      "learning rate of a layer, by that of the next (0.95)")                                     \
    X(MAX_LENGTH, "--max-length", "max-tokens", WHOLE, "N", 1, 1000000, FITTING, ENCODER,         \
      "tokens of a text that are learned from (128)")                                             \
    X(PRETRAIN_LENGTH, "--max-length", "max-tokens", WHOLE, "N", 8, 8192, IN(PRETRAIN), OWN,      \
      "tokens of a text (128)")                                                                   \
    X(WINDOW, "--max-length", "max-tokens", WHOLE, "N", 1, 1000000, WINDOWED, OWN,                \
      "tokens of a window of an encoder (its own)")                                               \
    X(STRIDE, "--stride", "", WHOLE, "N", 0, 1000000, WINDOWED, OWN,                              \
      "tokens that its windows share (a quarter)")                                                \
    X(TRUNCATE, "--truncate", "", FLAG, "", 0, 0, WINDOWED, OWN,                                  \
      "read only the first window of a text")                                                     \
    X(MASK_HEADS, "--mask-heads", "", HEADS, "L.H,...", 0, 0,                                     \
      PREDICTING | TESTING | IN(EVAL) | IN(EXPLAIN) | IN(ATTENTION), OWN,                         \
      "switch heads off: head H of layer L, from 0")                                              \
    X(PRETRAIN_VOCABULARY, "-vocabulary", "", WHOLE, "N", 256, 1000000, IN(PRETRAIN), OWN,        \
      "tokens of the new tokenizer (by the data)")                                                \
    X(PRETRAIN_LAYERS, "-layers", "", WHOLE, "L", 1, 64, IN(PRETRAIN), OWN, "layers (4)")         \
    X(PRETRAIN_HEADS, "-heads", "", WHOLE, "H", 1, 256, IN(PRETRAIN), OWN,                        \
      "attention heads a layer (4)")                                                              \
    X(PRETRAIN_DIM, "-dim", "", WHOLE, "D", 1, 4096, IN(PRETRAIN), OWN, "width (128)")            \
    X(PRETRAIN_INNER_DIM, "-innerDim", "", WHOLE, "D", 1, 16384, IN(PRETRAIN), OWN,               \
      "width of the feed-forward block (512)")                                                    \
    X(MASK_SHARE, "--mask-share", "", NUMBER, "SHARE", 0.01, 0.9, IN(PRETRAIN), OWN,              \
      "share of the tokens to be guessed (0.3)")                                                  \
    X(HEADS, "-heads", "", WHOLE, "H", 1, 256, FITTING, OWN, "attention heads a layer (4)")       \
    X(ATTENTION, "--attention", "", CHOICE,                                                       \
      "learned|uniform|frozen|tied|talking|collaborative", 0, 0, FITTING, HEADS,                  \
      "where heads get their weights from (learned)")                                             \
    X(SHARED_DIM, "--shared-dim", "", WHOLE, "D", 1, 16384, FITTING, HEADS,                       \
      "width of collaborative queries (a quarter)")                                               \
    X(HEAD_GATES, "--head-gates", "", CHOICE, "none|l0|input", 0, 0, FITTING, HEADS,              \
      "gates that learn to close, or that depend on the text (none)")                             \
    X(GATE_PENALTY, "--gate-penalty", "", NUMBER, "W", 0, 1000, FITTING, HEADS,                   \
      "added to the loss for each l0 gate that is open (0.01)")                                   \
    X(DROP_HEAD, "--drop-head", "", NUMBER, "P", 0, 0.9, FITTING, HEADS,                          \
      "chance that a head is left out of a step (0.1)")                                           \
    X(DROP_HEAD_SCHEDULE, "--drop-head-schedule", "", CHOICE, "constant|v", 0, 0, FITTING, HEADS, \
      "v: that chance falls to 0 until half of the steps, and rises again")                       \
    X(DISAGREEMENT, "--disagreement", "", NUMBER, "W", 0, 1000, FITTING, HEADS,                   \
      "weight of the likeness of heads in the loss (0)")                                          \
    X(DISAGREEMENT_OF, "--disagreement-of", "", CHOICE, "outputs|values", 0, 0, FITTING, HEADS,   \
      "what of the heads is to differ (outputs)")                                                 \
    X(ORTHOGONALITY, "--orthogonality", "", NUMBER, "W", 0, 1000, FITTING, HEADS,                 \
      "weight of the overlap of the pooling's queries in the loss (0)")                           \
    X(HEAD_DIM, "-headDim", "", WHOLE, "D", 1, 1024, FITTING, HEADS,                              \
      "width of a head (dim / heads)")                                                            \
    X(LAYERS, "-layers", "", WHOLE, "L", 1, 64, FITTING, OWN, "attention layers (1)")             \
    X(DIM, "-dim", "", WHOLE, "D", 1, 4096, FITTING, OWN, "width, rounded up to 16, 32, ... (32)")\
    X(TOWERS, "-towers", "", WHOLE, "N", 1, 16, FITTING, OWN, "towers that are averaged (2)")     \
    X(CAPSULE_DIM, "--capsule-dim", "", WHOLE, "D", 1, 64, FITTING, CAPSULE,                      \
      "width of a label's capsule (16)")                                                          \
    X(ROUTING, "--routing", "", WHOLE, "N", 1, 16, FITTING, CAPSULE,                              \
      "iterations of routing by agreement (3)")                                                   \
    X(EPOCH, "-epoch", "epochs|num-train-epochs", WHOLE, "N", 1, 10000, LEARNING, OWN,            \
      "passes over the texts (by their number)")                                                  \
    X(LR, "-lr", "learning-rate", NUMBER, "RATE", 1e-6, 1, FITTING, OWN,                          \
      "learning rate (0.004 to 0.016; -base: 5e-5 on)")                                           \
    X(PRETRAIN_LR, "-lr", "learning-rate", NUMBER, "RATE", 1e-6, 1, IN(PRETRAIN), OWN,            \
      "learning rate (0.256 / width; -base: 0.0001)")                                             \
    X(BATCH, "-batch", "batch-size|per-device-train-batch-size", WHOLE, "N", 1, 4096, LEARNING,   \
      OWN, "texts a step (32)")                                                                   \
    X(DROPOUT, "-dropout", "", NUMBER, "P", 0, 0.9, FITTING, OWN,                                 \
      "dropout of the tower (0.5; many texts: 0.1)")                                              \
    X(REGULARIZATION, "-regularization", "C", NUMBER, "C", 1e-6, 1e6, FITTING, OWN,               \
      "C of the n-gram classifier (0.5)")                                                         \
    X(WORD_NGRAMS, "-wordNgrams", "", WHOLE, "N", 1, 6, FITTING, OWN, "longest word n-gram (2)")  \
    X(MINN, "-minn", "", WHOLE, "N", 0, 12, FITTING, OWN, "shortest character n-gram (2)")        \
    X(MAXN, "-maxn", "", WHOLE, "N", 0, 12, FITTING, OWN, "longest character n-gram (5); 0: none")\
    X(MIN_COUNT, "-minCount", "", WHOLE, "N", 0, 1000000, FITTING, OWN,                           \
      "rarer words and n-grams are left out (2)")                                                 \
    X(MIN_COUNT_LABEL, "-minCountLabel", "", WHOLE, "N", 0, 1000000, FITTING, DATA,               \
      "rarer labels are dropped (1)")                                                             \
    X(CLASS_WEIGHT, "--class-weight", "", TEXT, "balanced|FILE", 0, 0, FITTING, OWN,              \
      "weigh labels; FILE: JSON {\"label\": weight}")                                             \
    X(SEED, "-seed", "", WHOLE, "N", 0, INT64_MAX, LEARNING, OWN,                                 \
      "same seed and data: same model, bit for bit (0)")                                          \
    X(RESUME, "--resume", "", FLAG, "", 0, 0, IN(TRAIN) | IN(STUDY), OWN,                         \
      "keep a checkpoint, and go on from it if there")                                            \
    X(SAVE_STEPS, "--save-steps", "", WHOLE, "N", 1, 1000000000, IN(TRAIN), OWN,                  \
      "steps between checkpoints (each epoch)")                                                   \
    X(TOP, "-k", "top-k", WHOLE, "K", -1, 65536, PREDICTING | TESTING, OWN,                       \
      "labels a text (1, or the likely ones); -1: all")                                           \
    X(THRESHOLD, "--threshold", "", NUMBER, "P", 0, 1, PREDICTING | TESTING, OWN,                 \
      "leave out labels less likely than P (0)")                                                  \
    X(CONFUSION, "--confusion", "", CHOICE, "top|all", 0, 0, IN(EVAL), OWN,                       \
      "with over 20 labels: the 20 worst pairs, or all")                                          \
    X(JSON, "--json", "", FLAG, "", 0, 0,                                                         \
      PREDICTING | IN(EVAL) | IN(COMPARE) | IN(CV) | IN(EXPLAIN) | IN(ATTENTION) | IN(HEADS) |    \
      IN(STUDY) | IN(TOKENIZE) | IN(CHECK_DATA) | IN(PRUNE) | IN(VERSION), OWN, "print JSON")     \
    X(FLIPS, "--flips", "", WHOLE, "N", 0, 1000000000, IN(COMPARE), OWN,                          \
      "show N texts that are predicted differently (0)")                                          \
    X(TEXTS, "--texts", "", WHOLE, "N", 1, 1000000000, IN(HEADS), OWN,                            \
      "most texts (2000; with many heads fewer)")                                                 \
    X(HEADS_TOLERANCE, "--tolerance", "", NUMBER, "POINTS", 0, 100, IN(HEADS), OWN,               \
      "that heads off together may cost (0.5)")                                                   \
    X(METHOD, "--method", "", CHOICE, "ig|grad-input|lrp|loo|random|attention|rollout|flow|norm|" \
      "grad-attention", 0, 0, IN(EXPLAIN), OWN,                                                   \
      "how words get their scores (ig)")                                                          \
    X(EXPLAINED, "--label", "", TEXT, "LABEL", 0, 0, IN(EXPLAIN), OWN,                            \
      "the label to explain (the most probable)")                                                 \
    X(STEPS, "--steps", "", WHOLE, "N", 1, 4096, IN(EXPLAIN), OWN,                                \
      "of ig, to begin with (32)")                                                                \
    X(ORDERS, "--random-orders", "", WHOLE, "N", 0, 10000, IN(EXPLAIN), OWN,                      \
      "to compare with (20); 0: do not test")                                                     \
    X(CURVE_ORDERS, "--random-orders", "", WHOLE, "N", 0, 10000, IN(PRUNE), OWN,                  \
      "of the curve, to compare with (20)")                                                       \
    X(ORDERS_SEED, "-seed", "", WHOLE, "N", 0, INT64_MAX, IN(EXPLAIN) | IN(PRUNE), OWN,           \
      "of the random orders (0)")                                                                 \
    X(HTML, "--html", "", TEXT, "FILE", 0, 0, IN(EXPLAIN) | IN(ATTENTION) | IN(HEADS), OWN,       \
      "write a page (no network) instead of printing")                                            \
    X(COLOR, "--color", "", FLAG, "", 0, 0, IN(EXPLAIN), OWN,                                     \
      "colour the words, also if this is no terminal")                                            \
    X(THREAD, "-thread", "threads", WHOLE, "N", 1, 256,                                           \
      LEARNING | SCORING | SHRINKING | IN(EXPORT) | IN(TOKENIZE) | IN(HEADS) | IN(STUDY), OWN,    \
      "threads (all CPUs); no effect on results")                                                 \
    X(PROGRESS, "--progress", "", CHOICE, "auto|bar|json|none", 0, 0,                             \
      LEARNING | IN(HEADS) | IN(PRUNE) | IN(STUDY), OWN,                                          \
      "how progress is shown on standard error")                                                  \
    X(VERBOSE, "-verbose", "", WHOLE, "N", 0, 9,                                                  \
      LEARNING | SHRINKING | IN(HEADS) | IN(STUDY), OWN,                                          \
      "0: silent, 1: summary, 2: progress (2)")                                                   \
    X(FORMAT, "--format", "", CHOICE, "auto|fasttext|tsv|csv|jsonl|text", 0, 0, READING, DATA,    \
      "of the data (default: recognised)")                                                        \
    X(TEXT_COLUMN, "--text-column", "", TEXT, "NAME", 0, 0, READING | IN(EXPORT), DATA,           \
      "column of the text (text)")                                                                \
    X(LABEL_COLUMN, "--label-column", "", TEXT, "NAME", 0, 0, READING | IN(EXPORT), DATA,         \
      "column of the label (label)")                                                              \
    X(LABEL, "-label", "", TEXT, "PREFIX", 0, 0, PREFIXED | IN(EXPORT) | IN(DUMP), DATA,          \
      "prefix of labels in fastText lines (__label__)")                                           \
    X(QUIET, "--quiet", "q", FLAG, "", 0, 0, EVERY, COMMON, "no progress and no notes")           \
    X(HELP, "--help", "h", FLAG, "", 0, 0, EVERY, COMMON, "this text")                            \
    X(WS, "-ws", "", WHOLE, "N", INT64_MIN, INT64_MAX, FITTING, IGNORED,                          \
      "ignored: the tower attends to the whole text")                                             \
    X(NEG, "-neg", "", WHOLE, "N", INT64_MIN, INT64_MAX, FITTING, IGNORED,                        \
      "ignored: there is no negative sampling")                                                   \
    X(T, "-t", "", NUMBER, "T", -1e300, 1e300, FITTING, IGNORED,                                  \
      "ignored: frequent words are not sampled")                                                  \
    X(LR_UPDATE_RATE, "-lrUpdateRate", "", WHOLE, "N", INT64_MIN, INT64_MAX, FITTING, IGNORED,    \
      "ignored: the learning rate changes at every step")                                         \
    X(BUCKET, "-bucket", "", WHOLE, "N", INT64_MIN, INT64_MAX, FITTING, IGNORED,                  \
      "ignored: n-grams are kept in a dictionary, not in buckets")                                \
    X(PRETRAINED, "-pretrainedVectors", "", TEXT, "FILE", 0, 0, FITTING, IGNORED,                 \
      "not offered: word vectors are learned from the data")                                      \
    X(SAVE_OUTPUT, "-saveOutput", "", FLAG, "", 0, 0, FITTING, IGNORED,                           \
      "ignored: headwise dump MODEL output prints that")                                          \
    X(AUTOTUNE_VALIDATION, "-autotune-validation", "", TEXT, "FILE", 0, 0, FITTING, IGNORED,      \
      "not offered as a search: the file is used like -valid")                                    \
    X(AUTOTUNE_METRIC, "-autotune-metric", "", TEXT, "NAME", 0, 0, FITTING, IGNORED,              \
      "not offered: there is no search over options")                                             \
    X(AUTOTUNE_PREDICTIONS, "-autotune-predictions", "", WHOLE, "N", INT64_MIN, INT64_MAX,        \
      FITTING, IGNORED, "not offered: there is no search over options")                           \
    X(AUTOTUNE_DURATION, "-autotune-duration", "", WHOLE, "S", INT64_MIN, INT64_MAX,              \
      FITTING, IGNORED, "not offered: there is no search over options")                           \
    X(AUTOTUNE_MODELSIZE, "-autotune-modelsize", "", TEXT, "SIZE", 0, 0, FITTING, IGNORED,        \
      "not offered: see headwise quantize")                                                       \
    X(QNORM, "-qnorm", "", FLAG, "", 0, 0, IN(TRAIN) | IN(QUANTIZE), IGNORED,                     \
      "ignored: each label's column has its own scale")                                           \
    X(RETRAIN, "-retrain", "", FLAG, "", 0, 0, IN(TRAIN) | IN(QUANTIZE), IGNORED,                 \
      "ignored: int8 needs no retraining")                                                        \
    X(QOUT, "-qout", "", FLAG, "", 0, 0, IN(TRAIN) | IN(QUANTIZE), IGNORED,                       \
      "ignored: the n-gram table is the whole of it")                                             \
    X(CUTOFF, "-cutoff", "", WHOLE, "N", INT64_MIN, INT64_MAX, IN(TRAIN) | IN(QUANTIZE), IGNORED, \
      "ignored: no n-gram is cut off")                                                            \
    X(DSUB, "-dsub", "", WHOLE, "N", INT64_MIN, INT64_MAX, IN(TRAIN) | IN(QUANTIZE), IGNORED,     \
      "ignored: there is no product quantization")

// clang-format on

typedef enum option_id {
#define X(id, name, alias, kind, argument, lowest, highest, verbs, group, help) OPTION_##id,
    OPTION_LIST(X)
#undef X
        OPTION_COUNT
} option_id;

typedef enum option_kind {
    KIND_FLAG,
    KIND_WHOLE,
    KIND_NUMBER,
    KIND_CHOICE,
    KIND_HEADS, /* head_list.h */
    KIND_TEXT
} option_kind;

typedef enum option_group {
    GROUP_OWN,     /* of the verb */
    GROUP_HEADS,   /* of fitting towers: variants of their heads */
    GROUP_ENCODER, /* of fitting with -base */
    GROUP_CAPSULE, /* of fitting with -arch capsule */
    GROUP_DATA,    /* how data is read */
    GROUP_COMMON,  /* of every verb */
    GROUP_IGNORED  /* of fastText, accepted with a note */
} option_group;

typedef struct option_info {
    const char *name;  /* with the dashes it is usually written with; one or two are taken */
    const char *alias; /* names without dashes, "|" between them; "" if there is none */
    option_kind kind;
    const char *argument;
    double lowest, highest;
    uint32_t verbs; /* bit 1 << verb */
    option_group group;
    const char *help;
} option_info;

typedef struct verb_info {
    const char *name, *positional;
    size_t fewest, most; /* positional arguments */
    const char *summary, *example;
} verb_info;

extern const option_info option_table[OPTION_COUNT];
extern const verb_info verb_table[VERB_COUNT];

typedef struct option_value {
    bool given;
    int64_t whole;
    double number;
    const char *text; /* as it was written */
} option_value;

enum { POSITIONAL_LIMIT = 64, USAGE_MESSAGE = 508 };

/* A parsed command line. Strings are those of argv. */
typedef struct arguments {
    verb_id verb;
    option_value values[OPTION_COUNT];
    const char *positional[POSITIONAL_LIMIT];
    size_t positionals;
} arguments;

/* False and one line in message if the command line is wrong. argv[0] is the first word
 * after the verb. If --help was given, the rest is not checked. */
bool arguments_parse(arguments *args, verb_id verb, int argc, char *const *argv,
                     char message[USAGE_MESSAGE]);

/* VERB_COUNT if there is none of this name. */
verb_id verb_find(const char *name);
/* The verb spelled most like name, or VERB_COUNT if none is near. */
verb_id verb_nearest(const char *name);

static inline bool option_applies(option_id id, verb_id verb) {
    return (option_table[id].verbs >> verb & 1u) != 0;
}

/* Reads text as a number in the option's range; false and a message if it is not. */
bool option_read(option_value *value, option_id id, const char *text, char message[USAGE_MESSAGE]);

static inline bool is_given(const arguments *args, option_id id) {
    return args->values[id].given;
}
static inline const char *text_option(const arguments *args, option_id id, const char *otherwise) {
    return is_given(args, id) ? args->values[id].text : otherwise;
}
static inline int32_t whole_option(const arguments *args, option_id id, int32_t otherwise) {
    return is_given(args, id) ? (int32_t)args->values[id].whole : otherwise;
}
static inline double number_option(const arguments *args, option_id id, double otherwise) {
    return is_given(args, id) ? args->values[id].number : otherwise;
}

#endif
