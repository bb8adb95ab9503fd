#!/usr/bin/env python3
"""Makes the demonstration's data: descriptions of Debian packages, labelled by archive section.

    scripts/make_demo_data.py [--limit N] [FOLDER]

Writes FOLDER/train.tsv and FOLDER/test.tsv (default build/demo). The package lists are fetched once
into FOLDER/apt, which needs no privileges and leaves the machine's own lists alone; without a
network the machine's lists are used. One package of each source package is taken, sections of fewer
than 50 packages are left out, and one package in ten, chosen by a hash of its name, is for testing.
"""

import argparse
import hashlib
import subprocess
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LONG_TEXT = 250  # characters of the long description
SMALLEST_SECTION = 50


def output_of(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def fetch_lists(folder):
    """Options that make apt read lists of our own, or none where they cannot be fetched."""
    apt = folder.resolve() / "apt"
    options = [f"-oDir::State::Lists={apt}/lists", f"-oDir::Cache={apt}/cache",
               "-oAcquire::Languages=en", "-oAPT::Sandbox::User="]
    if (apt / "complete").exists():
        return options
    for part in ("lists/partial", "cache/archives/partial"):
        (apt / part).mkdir(parents=True, exist_ok=True)
    print("fetching the package lists ...", file=sys.stderr)
    update = ["apt-get", "update", "--error-on=any", "-qq", *options]
    if subprocess.run(update, check=False).returncode != 0:
        print("they cannot be fetched; using this machine's own", file=sys.stderr)
        return []
    (apt / "complete").touch()
    return options


def paragraphs(text):
    """Each RFC 822 paragraph as a dictionary; continuation lines are kept with their line breaks."""
    for block in text.split("\n\n"):
        fields, name = {}, None
        for line in block.splitlines():
            if line[:1].isspace() and name:
                fields[name] += "\n" + line.strip()
            elif ":" in line:
                name, value = line.split(":", 1)
                fields[name] = value.strip()
        if fields:
            yield fields


def long_descriptions(options):
    """{Description-md5: long description} of the English translation lists that are there."""
    listing = output_of("apt-get", "indextargets", *options, "--format", "$(FILENAME)",
                        "Created-By: Translations", "Language: en")
    found = {}
    for name in filter(Path.exists, map(Path, listing.split())):
        for fields in paragraphs(output_of("/usr/lib/apt/apt-helper", "cat-file", str(name))):
            description = fields.get("Description-en", "")
            found[fields["Description-md5"]] = description.partition("\n")[2]
    return found


def text_of(package, long_of):
    short, _, long = package["Description"].partition("\n")
    long = long or long_of.get(package.get("Description-md5"), "")
    words = (short + ". " + long.replace("\n.\n", "\n")[:LONG_TEXT]).split()
    return " ".join(words)


def is_empty_package(package):
    text = package["Description"].lower()
    return any(word in text for word in ("transitional", "dummy package", "metapackage"))


def read_packages(options):
    """[(name, section, text)], one of each source package, sorted by name."""
    long_of = long_descriptions(options)
    by_source = {}
    for package in paragraphs(output_of("apt-cache", "dumpavail", *options)):
        if "Section" not in package or "Description" not in package or is_empty_package(package):
            continue
        name = package["Package"]
        source = package.get("Source", name).split()[0]
        if source not in by_source or name < by_source[source]["Package"]:
            by_source[source] = package
    chosen = sorted(by_source.values(), key=lambda package: package["Package"])
    return [(package["Package"], package["Section"].split("/")[-1], text_of(package, long_of))
            for package in chosen]


def hash_of(name):
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")


def write(path, packages):
    with open(path, "w", encoding="utf-8") as file:
        for _, section, text in packages:
            file.write(f"{section}\t{text}\n")
    print(f"{path}: {len(packages)} packages")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "demo")
    parser.add_argument("--limit", type=int, default=20000, help="packages to keep, by their hash")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)

    packages = read_packages(fetch_lists(arguments.folder))
    count = Counter(section for _, section, _ in packages)
    packages = [package for package in packages if count[package[1]] >= SMALLEST_SECTION]
    if not packages:
        raise SystemExit("apt knows no packages here; run: apt-get update")
    packages = sorted(packages, key=lambda package: hash_of(package[0]))[: arguments.limit]
    packages.sort()
    is_test = [hash_of(name) % 10 == 0 for name, _, _ in packages]
    write(arguments.folder / "train.tsv", [p for p, test in zip(packages, is_test) if not test])
    write(arguments.folder / "test.tsv", [p for p, test in zip(packages, is_test) if test])
    print(f"{len({section for _, section, _ in packages})} sections")


if __name__ == "__main__":
    main()
