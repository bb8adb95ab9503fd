"""An encoder of the shape and with the tokenizer of another, its weights random.

    random_encoder.py FOLDER SEED OUTPUT
"""

import shutil
import sys
from pathlib import Path

import reference


def main():
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    folder, seed, output = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    reference.torch.manual_seed(seed)
    config = reference.transformers.AutoConfig.from_pretrained(folder)
    reference.transformers.AutoModel.from_config(config).save_pretrained(output)
    for file in folder.glob("tokenizer*"):
        shutil.copy(file, output)


if __name__ == "__main__":
    main()
