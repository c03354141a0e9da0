"""Builds the starter corpus that the package ships from the texts beside this file.

    python starter/build.py

Every text was written for octavo with a large language model, and says so in its metadata; all are
dedicated to the public domain under CC0-1.0. FAULTS lists what is wrong on purpose, so that a first run
shows what curation does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

HERE = Path(__file__).parent
TARGET = HERE.parent / "src/octavo/corpus/starter.parquet"

LANGUAGES = {
    "en": "English",
    "fr": "French",
    "es": "Spanish",
    "de": "German",
    "it": "Italian",
    "nl": "Dutch",
    "la": "Latin",
    "pt": "Portuguese",
}
CREATOR = "The octavo authors, written with a large language model"
SCHEMA = pa.schema(
    [
        *((n, pa.string()) for n in ("identifier", "collection", "open_type", "license", "date", "title")),
        *((n, pa.string()) for n in ("creator", "language", "language_type")),
        ("word_count", pa.int64()),
        ("token_count", pa.int64()),
        ("text", pa.string()),
    ]
)


def thin(text: str) -> str:
    """A near copy: every fortieth word left out."""
    words = text.split(" ")
    return " ".join(word for n, word in enumerate(words) if n % 40 != 39)


def misread(text: str) -> str:
    """Mojibake: UTF-8 read as Windows-1252, as happens to a file that states no encoding."""
    return text.encode().decode("cp1252", errors="replace")


def same(text: str) -> str:
    """The text as it is."""
    return text


FAULTS: list[tuple[str, str, Callable[[str], str], dict[str, Any]]] = [
    ("en/01", "non-commercial licence", same, {"license": "CC-BY-NC-SA-4.0"}),
    ("fr/01", "no-derivatives licence", same, {"license": "CC BY-NC-ND 3.0"}),
    ("de/01", "missing licence", same, {"license": None}),
    ("it/01", "all rights reserved", same, {"license": "All rights reserved"}),
    ("pt/02", "unknown licence", same, {"license": "See website"}),
    ("es/04", "exact copy", same, {}),
    ("nl/08", "exact copy", same, {}),
    ("nl/01", "near copy", thin, {}),
    ("la/01", "near copy", thin, {}),
    ("fr/15", "mojibake", misread, {}),
    ("pt/15", "mojibake", misread, {}),
    ("en/21", "empty", lambda text: "", {}),
    ("de/21", "too short", lambda text: text[:60], {}),
    ("es/21", "one line repeated", lambda text: (text.split("\n")[0][:80] + "\n") * 30, {}),
]
"""Copies with something wrong: of which document, the fault, what is done to the text, and to the metadata."""

BROKEN = {"empty", "too short", "one line repeated"}
"""Faults that leave too little of the text for it to be a copy."""

WRONG_LABELS = {"en/20": "Dutch", "pt/22": "Spanish"}
"""Documents of the corpus that carry another language's name."""


def read_texts(folder: Path) -> dict[str, tuple[dict[str, Any], str]]:
    """The texts of a folder by their number or name: (front matter, text)."""
    found = {}
    for file in sorted(folder.glob("*.txt")):
        _, head, text = file.read_text(encoding="utf-8").split("---\n", 2)
        found[file.stem] = (yaml.safe_load(head), text.strip("\n") + "\n")
    return found


def document(identifier: str, language: str, head: dict[str, Any], text: str) -> dict[str, Any]:
    """A row of the corpus."""
    return {
        "identifier": identifier,
        "collection": "octavo starter",
        "open_type": "Open Culture",
        "license": "CC0-1.0",
        "date": str(head["date"]),
        "title": head["title"],
        "creator": CREATOR,
        "language": language,
        "language_type": "Written",
        "word_count": len(text.split()),
        "token_count": None,
        "text": text,
    }


def build() -> pa.Table:
    """The whole corpus as a table, the faults at its end."""
    rows: dict[str, dict[str, Any]] = {}
    for lang, language in LANGUAGES.items():
        for stem, (head, text) in read_texts(HERE / lang).items():
            key = f"{lang}/{stem[:2]}"
            rows[key] = document(f"starter/{lang}/{stem}", WRONG_LABELS.get(key, language), head, text)
    faults = []
    for stem, (head, text) in read_texts(HERE / "faults").items():
        lang, fault = stem.split("-", 1)
        row = document(f"starter/faults/{stem}", LANGUAGES.get(lang, "Swedish"), head, text)
        faults.append(row | {"collection": f"octavo starter, deliberate fault: {fault}"})
    for key, fault, spoil, metadata in FAULTS:
        row = rows[key]
        text = spoil(row["text"])
        # A copy belongs to the work of its original, so that the held-out split takes both or neither.
        copy = f"{row['identifier']}#{fault.replace(' ', '-')}"
        changed = {
            "identifier": f"starter/faults/{key[:2]}-{fault.replace(' ', '-')}" if fault in BROKEN else copy,
            "collection": f"octavo starter, deliberate fault: {fault}",
            "word_count": len(text.split()),
            "text": text,
        }
        faults.append(row | changed | metadata)
    return pa.Table.from_pylist([*rows.values(), *faults], schema=SCHEMA)


if __name__ == "__main__":
    pq.write_table(build(), TARGET, compression="zstd", compression_level=19)
