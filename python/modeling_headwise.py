"""A Headwise attention classifier in PyTorch: what `headwise export` puts beside the weights.

    model = AutoModelForSequenceClassification.from_pretrained(folder, trust_remote_code=True)
    logits = model(**model.encode(["A quiet, moving film."])).logits

A text is a sequence of words, each the scaled sum of the vectors of its n-grams; pre-norm multi-head
attention with a relative-position bias reads it in windows; mean, maximum and attention pooling over the
whole text feed a linear readout. If the folder was exported with --fold-temperature, softmax(logits)
(multi-label: sigmoid) are Headwise's probabilities; else they are so after a division by its temperature.
"""

import math
import unicodedata

import torch
from torch import nn
from torch.nn import functional
from transformers import PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

MASK = (1 << 64) - 1


class HeadwiseConfig(PretrainedConfig):
    model_type = "headwise"

    def __init__(self, headwise=None, slots=1, divisor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.headwise = headwise
        self.slots = slots
        self.divisor = divisor


# ---- From a text to the hashes of its n-grams (Headwise: src/text/words.c, src/text/ngrams.c) --------

LETTER, DIGIT, APOSTROPHE, MARK, CJK, SPACE, NOTHING = range(7)

CJK_RANGES = [
    (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x3400, 0x4DBF), (0x20000, 0x3FFFD), (0xF900, 0xFAFF),
    (0xFF66, 0xFF9D), (0x3105, 0x312F), (0x31A0, 0x31BF), (0x31F0, 0x31FF), (0x3005, 0x3007),
    (0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FC, 0x30FF),
]  # fmt: skip


def sort_of_ascii(code):
    character = chr(code)
    if character.isalpha():
        return LETTER
    if character == " " or 9 <= code <= 13:
        return SPACE
    if code < 32 or code == 127:
        return NOTHING
    if character.isdigit():
        return DIGIT
    return APOSTROPHE if character == "'" else MARK


def sort_of_unicode(character):
    code = ord(character)
    if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF:
        return NOTHING
    category = unicodedata.category(character)
    if category[0] in "LM":
        return LETTER
    if category[0] == "N":
        return DIGIT
    if category[0] == "Z":
        return SPACE
    return NOTHING if category in ("Cc", "Cf") else MARK


def read_character(character):
    """(what it is folded to, its sort)"""
    code = ord(character)
    if 0xFF01 <= code <= 0xFF5E:
        code -= 0xFEE0
    if code < 128:
        return chr(code).lower(), sort_of_ascii(code)
    if any(first <= code <= last for first, last in CJK_RANGES):
        return character, CJK
    if code == 0x2019:
        return character, APOSTROPHE
    return character.lower()[0], sort_of_unicode(character)


def split_words(text):
    """[(normalized word, LETTER, CJK or MARK)]"""
    read = [read_character(character) for character in text]
    words, at, space = [], 0, False
    while at < len(read):
        folded, sort = read[at]
        if sort in (SPACE, NOTHING):
            space |= sort == SPACE
            at += 1
            continue
        if space and words and (sort == CJK or words[-1][1] == CJK):
            words.append((" ", CJK))
        space = False
        if sort not in (LETTER, DIGIT):
            words.append((folded, CJK if sort == CJK else MARK))
            at += 1
            continue
        run, previous = "", SPACE
        while at < len(read):
            folded, sort = read[at]
            inside = at + 1 < len(read) and previous == LETTER and read[at + 1][1] == LETTER
            if sort not in (LETTER, DIGIT) and not (sort == APOSTROPHE and inside):
                break
            run += "'" if sort == APOSTROPHE else folded
            previous = sort
            at += 1
        words.append((run, LETTER))
    return words


def mix64(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK
    return x ^ (x >> 31)


def hash_bytes(data):
    hashed, at = (len(data) * 0x9E3779B97F4A7C15) & MASK, 0
    while len(data) - at > 8:
        hashed = mix64(hashed ^ int.from_bytes(data[at : at + 8], "little"))
        at += 8
    rest = data[at:]
    if len(rest) == 8:
        return mix64(hashed ^ int.from_bytes(rest, "little"))
    if len(rest) >= 4:
        tail = int.from_bytes(rest[:4], "little") | int.from_bytes(rest[-4:], "little") << 32
    elif rest:
        tail = rest[0] | rest[len(rest) // 2] << 8 | rest[-1] << 16
    else:
        tail = 0
    return mix64(hashed ^ tail)


def word_sequences(words, hashes, options):
    """(hash, word it ends with) of the n-grams of two and more words."""
    reach = max(options["word_max"], options["cjk_max"])
    for first in range(len(words)):
        all_cjk = words[first][1] == CJK
        hashed = 0x243F6A8885A308D3 ^ hashes[first]
        for n in range(2, min(reach, len(words) - first) + 1):
            last = first + n - 1
            all_cjk = all_cjk and words[last][1] == CJK
            hashed = mix64(((hashed * 0xA4093822299F31D1) & MASK) ^ hashes[last])
            if n <= (options["cjk_max"] if all_cjk else options["word_max"]):
                yield hashed, last


def word_characters(word, options):
    """Hashes of the character n-grams of a word between two boundary marks."""
    codes = [0x110000, *map(ord, word), 0x110000]
    for end in range(1, len(codes)):
        shortest = max(options["char_min"], 2) if end + 1 == len(codes) else options["char_min"]
        for n in range(shortest, min(options["char_max"], end + 1) + 1):
            hashed = 0x13198A2E03707345
            for code in codes[end + 1 - n : end + 1]:
                hashed = (hashed * 0x082EFA98EC4E6C89 + code) & MASK
            yield mix64(hashed)


def token_hashes(text, options):
    """A list of hashes for each word of the text."""
    words = split_words(text.encode("utf-8", "replace")[: 1 << 20].decode("utf-8", "ignore"))
    hashes = [hash_bytes(word.encode()) for word, _ in words]
    tokens = [[hashed] for hashed in hashes]
    for hashed, word in word_sequences(words, hashes, options):
        tokens[word].append(hashed)
    for token, (word, sort) in zip(tokens, words):
        if sort == LETTER and options["char_max"] > 0:
            token.extend(word_characters(word, options))
    return tokens or [[]]


# ---- The network (Headwise: src/model/) --------------------------------------------------------------


def parameter(*shape):
    return nn.Parameter(torch.zeros(shape))


def matrix(rows, columns):
    """One row is a vector in the file."""
    return parameter(columns) if rows == 1 else parameter(rows, columns)


def norm(x, gain, bias):
    return functional.layer_norm(x, gain.shape, gain, bias, 1e-5)


class Layer(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, heads, head_dim, inner = (shape[k] for k in ("width", "heads", "head_dim", "inner_width"))
        self.heads, self.head_dim, self.distance = heads, head_dim, shape["distance"]
        self.kind, self.gates = shape.get("attention", "learned"), shape.get("head_gates", "none")
        shared = shape.get("shared_dim", 0)
        self.query_width = {"uniform": 0, "tied": head_dim, "collaborative": shared}.get(self.kind, heads * head_dim)
        self.attention_norm_gain, self.attention_norm_bias = parameter(width), parameter(width)
        self.qkv = parameter(width, 2 * self.query_width + heads * head_dim)
        self.qkv_bias = parameter(2 * self.query_width + heads * head_dim)
        if self.kind != "uniform":
            self.position = matrix(1 if self.kind == "tied" else heads, 2 * shape["distance"] + 1)
        if self.kind == "talking":
            self.mix_scores, self.mix_weights = matrix(heads, heads), matrix(heads, heads)
        if self.kind == "collaborative":
            self.mix_queries = matrix(heads, shared)
        self.attention_gate = parameter(heads)
        if self.gates == "l0":
            self.gate_alpha = parameter(heads)
        if self.gates == "input":
            self.gate_weight, self.gate_bias = matrix(heads, width), parameter(heads)
        self.output, self.output_bias = matrix(heads * head_dim, width), parameter(width)
        self.has_inner = inner > 0
        if self.has_inner:
            self.inner_norm_gain, self.inner_norm_bias = parameter(width), parameter(width)
            self.inner, self.inner_bias = parameter(width, inner), parameter(inner)
            self.inner_output, self.inner_output_bias = parameter(inner, width), parameter(width)
            self.inner_gate = parameter(1)

    def weigh(self, q, k):
        """[heads, or 1 for all][n][n] of one window; q, k: [n][query_width]"""
        n = len(q)
        if self.kind == "uniform":
            return torch.full((1, n, n), 1 / n, device=q.device)
        if self.kind == "collaborative":
            q, k = q * self.mix_queries.view(self.heads, 1, -1), k[None]
        else:
            q, k = (x.view(n, -1, self.head_dim).transpose(0, 1) for x in (q, k))
        place = torch.arange(n, device=q.device)
        offset = (place[None, :] - place[:, None]).clamp(-self.distance, self.distance) + self.distance
        bias = self.position.view(-1, 2 * self.distance + 1)[:, offset]
        scores = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1]) + bias
        if self.kind != "talking":
            return scores.softmax(-1)
        mix_scores, mix_weights = (mix.view(self.heads, -1) for mix in (self.mix_scores, self.mix_weights))
        weights = torch.einsum("gh,hij->gij", mix_scores, scores).softmax(-1)
        return torch.einsum("gh,hij->gij", mix_weights, weights)

    def gate(self, u):
        """[heads] for the text whose words are u[words][width]"""
        if self.gates == "l0":
            return self.attention_gate * (self.gate_alpha.sigmoid() * 1.2 - 0.1).clamp(0, 1)
        if self.gates == "input":
            return self.attention_gate * (self.gate_weight.view(self.heads, -1) @ u.mean(0) + self.gate_bias).sigmoid()
        return self.attention_gate

    def attend(self, x, cuts):
        u = norm(x, self.attention_norm_gain, self.attention_norm_bias)
        q, k, v = (u @ self.qkv + self.qkv_bias).split(
            [self.query_width, self.query_width, self.heads * self.head_dim], -1
        )
        v = v.view(len(x), self.heads, self.head_dim).transpose(0, 1)
        windows = [slice(begin, end) for begin, end in zip(cuts, cuts[1:])]
        heads = torch.cat([self.weigh(q[w], k[w]) @ v[:, w] for w in windows], 1) * self.gate(u)[:, None, None]
        return x + heads.transpose(0, 1).reshape(len(x), -1) @ self.output.view(-1, x.shape[1]) + self.output_bias

    def forward(self, x, cuts):
        """x: [words of one text][width]; cuts: where its windows begin, and the last ends"""
        x = self.attend(x, cuts)
        if not self.has_inner:
            return x
        inner = norm(x, self.inner_norm_gain, self.inner_norm_bias) @ self.inner + self.inner_bias
        active = functional.gelu(inner, approximate="tanh")
        return x + self.inner_gate * (active @ self.inner_output + self.inner_output_bias)


class Tower(nn.Module):
    def __init__(self, shape, labels):
        super().__init__()
        width, queries, columns = shape["width"], shape["queries"], (labels + 15) // 16 * 16
        self.window, self.labels = shape["window"], labels
        self.embedding = parameter(shape["vocabulary"], width)
        self.norm_gain, self.norm_bias = parameter(width), parameter(width)
        self.query = parameter(queries, width) if queries else torch.zeros(0, width)
        self.readout, self.readout_bias = parameter((2 + queries) * width, columns), parameter(columns)
        self.layer = nn.ModuleList(Layer(shape) for _ in range(shape["layers"]))

    def pool(self, z):
        attention = (self.query @ z.T / math.sqrt(z.shape[1])).softmax(-1)
        return torch.cat([z.mean(0), z.max(0).values, (attention @ z).flatten()])

    def read(self, x):
        """x: [words of one text][width]"""
        windows = -(-len(x) // self.window)
        cuts = [len(x) * i // windows for i in range(windows + 1)]
        for layer in self.layer:
            x = layer(x, cuts)
        return self.pool(norm(x, self.norm_gain, self.norm_bias))

    def forward(self, input_ids, token_offsets, offsets):
        sums = functional.embedding_bag(input_ids, self.embedding, token_offsets, mode="sum", include_last_offset=True)
        x = sums * token_offsets.diff().clamp(min=1).rsqrt()[:, None]
        pooled = torch.stack([self.read(x[begin:end]) for begin, end in zip(offsets, offsets[1:])])
        return (pooled @ self.readout + self.readout_bias)[:, : self.labels]


class Ngrams(nn.Module):
    """The dictionary: slots of (low half of a hash, index + 1), probed from the high half on."""

    def __init__(self, capacity):
        super().__init__()
        self.register_buffer("slots", torch.zeros(capacity, 2, dtype=torch.int64))

    def find(self, hashed):
        mask = len(self.slots) - 1
        slot = hashed >> 32 & mask
        while self.slots[slot, 1]:
            if self.slots[slot, 0] == hashed & 0xFFFFFFFF:
                return int(self.slots[slot, 1]) - 1
            slot = slot + 1 & mask
        return None


class HeadwiseForSequenceClassification(PreTrainedModel):
    config_class = HeadwiseConfig
    main_input_name = "input_ids"

    def __init__(self, config):
        super().__init__(config)
        shape = config.headwise
        self.ngram = Ngrams(config.slots)
        self.tower = nn.ModuleList(Tower(shape["tower"], config.num_labels) for _ in range(shape["towers"]))
        self.post_init()

    def _init_weights(self, module):
        pass

    def encode(self, texts):
        """The arguments of forward: n-grams of all words of all texts, and where words and texts end."""
        ngrams, token_offsets, offsets = [], [0], [0]
        for text in texts:
            for token in token_hashes(text, self.config.headwise["ngram_options"]):
                ngrams.extend(index for index in map(self.ngram.find, token) if index is not None)
                token_offsets.append(len(ngrams))
            offsets.append(len(token_offsets) - 1)
        return {"input_ids": torch.tensor(ngrams, dtype=torch.int64),
                "token_offsets": torch.tensor(token_offsets), "offsets": torch.tensor(offsets)}  # fmt: skip

    def forward(self, input_ids, token_offsets, offsets, labels=None, return_dict=True):
        mean = torch.stack([tower(input_ids, token_offsets, offsets) for tower in self.tower]).mean(0)
        join = self.config.headwise["join"]
        logits = (join["tower"] * mean + join["bias"]) / self.config.divisor
        loss = None if labels is None else functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)
