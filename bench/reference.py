"""What `transformers` and `tokenizers` say about a folder of Hugging Face's: the reference."""

import os

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch  # noqa: E402 (the environment is read when they are imported)
import transformers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

transformers.utils.logging.disable_progress_bar()


def tokenizer_of(folder):
    """Without the padding and cutting that a folder may ask for. A folder without tokenizer.json
    is opened from its vocabulary files."""
    path = os.path.join(folder, "tokenizer.json")
    if os.path.exists(path):
        made = Tokenizer.from_file(path)
    else:
        made = transformers.AutoTokenizer.from_pretrained(folder).backend_tokenizer
    made.no_padding()
    made.no_truncation()
    return made


def token_ids(tokenizer, texts, max_tokens):
    """Ids of every text, cut as `transformers` cuts: the last special token stays."""
    tokenizer.enable_truncation(max_tokens)
    ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    tokenizer.no_truncation()
    return ids


def open_classifier(folder):
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    return load(folder, attn_implementation="eager").eval()


def logits(model, ids):
    """[texts][labels], each text alone: without padding there is nothing to mask."""
    with torch.inference_mode():
        rows = [model(input_ids=torch.tensor([row])).logits[0] for row in ids]
    return torch.stack(rows).double().numpy()


def logits_of_texts(folder, texts):
    """[texts][labels] of a folder that brings its own code, which reads texts."""
    load = transformers.AutoModelForSequenceClassification.from_pretrained
    model = load(folder, trust_remote_code=True).eval()
    with torch.inference_mode():
        return model(**model.encode(texts)).logits.double().numpy()
