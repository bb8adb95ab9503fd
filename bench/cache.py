"""What the encoder benchmarks make once and keep, outside git: build/bench/."""

import hashlib
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "release"
CACHE = ROOT / "build" / "bench"


def cached(name, make, *sources):
    """A file or folder in CACHE, which make(path) makes, whole or not at all. It is made anew when a
    source (a path) has changed. Names keep their extension."""
    name = Path(name)
    if sources:
        digest = hashlib.sha256(b"".join(Path(source).read_bytes() for source in sources))
        name = Path(f"{name.stem}-{digest.hexdigest()[:10]}{name.suffix}")
    path, temporary = CACHE / name, CACHE / f"{name.stem}.tmp{name.suffix}"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        remove(temporary)
        make(temporary)
        temporary.rename(path)
    return path


def remove(path):
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
