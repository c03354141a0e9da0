"""Near copies planted into real text: how many curation finds, and how many of the pairs found are right.

    python benchmarks/near_duplicates.py FOLDER_WITH_PARQUET [--copies 1500] [--seed 1] [--json]

Of each document that is drawn one copy is made, by one of EDITS, at a rate that leads to a Jaccard similarity of
0.5 to 1. All documents and the copies, in an order drawn by lot, are curated with the default recipe's settings for
copies and the other gates open. The true similarity is counted here and without a hash: of the sets of n-grams of
words, in lower case and without the marks around them.

Recall counts the planted pairs, by their true similarity: one is found if not both of its texts stay. Precision
counts all pairs that the ledger tells, planted or by nature in the text: one is right if its true similarity is at
least the recipe's less MARGIN.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from curated import curated
from figures import figure, print_figures, print_table

from octavo.recipe.schema import Recipe

FEWEST_WORDS = 50
"""Of a text that a copy is made of."""

MARGIN = 0.09
"""Two standard errors of an estimate from 128 hashes at a similarity of 0.5."""

BANDS = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)
"""Bounds of the bands of true similarity; the last holds what is 1."""

OPEN_GATES = {
    "licences": {"allow": ["LicenseRef-Public-Domain"]},
    "personal_data": "keep",
    "repair": False,
    "ocr": {"correct": 1.0, "remove": 1.0},
    "quality": {"enabled": False},
}
"""All texts pass but copies and those in other languages."""

Fates = dict[str, dict[str, Any]]
"""The rows of the ledger by identifier."""

COPIES = ("duplicate", "near-duplicate")

_LOOKALIKES = dict(zip("ecnuhbilltsamr", "ceunbhl1itfonv", strict=True))
"""Letters that recognition takes for one another; it takes the others for a full stop."""


def changed_words(text: str, alike: float, chance: random.Random, ngram: int) -> str:
    """Some words replaced, each by another of the text; or left out, or said twice."""
    pieces = re.split(r"(\s+)", text)
    words = pieces[::2]
    rate = word_rate(alike, ngram)
    for at in range(0, len(pieces), 2):
        if chance.random() < rate:
            kind = chance.random()
            pieces[at] = chance.choice(words) if kind < 0.6 else "" if kind < 0.8 else f"{pieces[at]} {pieces[at]}"
    return "".join(pieces)


def badly_read(text: str, alike: float, chance: random.Random, ngram: int) -> str:
    """Letters taken for others, as in recognised text: in as many words as `changed_words` changes."""
    rate = 1 - (1 - word_rate(alike, ngram)) ** (1 / 5)  # a word has some five letters

    def read(sign: str) -> str:
        return _LOOKALIKES.get(sign.lower(), ".") if chance.random() < rate and sign.isalpha() else sign

    return "".join(map(read, text))


def cut_short(text: str, alike: float, chance: random.Random, ngram: int) -> str:
    """The beginning, the end, or a stretch between them."""
    length = int(len(text) * alike)
    start = chance.choice((0, len(text) - length, chance.randint(0, len(text) - length)))
    return text[start : start + length]


def set_otherwise(text: str, alike: float, chance: random.Random, ngram: int) -> str:
    """Other line ends and spaces, other quotes, and marks left out."""
    text = re.sub(r"[,;:](?=\s)", lambda m: m[0] if chance.random() < 0.5 else "", text)
    text = text.translate(str.maketrans('"“”', "”«»"))
    return re.sub(r"\s+", lambda m: chance.choice((" ", "\n", "  ", m[0])), text)


def under_a_header(text: str, alike: float, chance: random.Random, ngram: int) -> str:
    """A notice before the text, of words in no order."""
    words = text.split()
    notice = chance.choices(words, k=int(len(words) * (1 / alike - 1)))
    return " ".join(notice) + "\n\n" + text


EDITS: dict[str, Callable[[str, float, random.Random, int], str]] = {
    "words changed": changed_words,
    "badly read": badly_read,
    "cut short": cut_short,
    "set otherwise": set_otherwise,
    "under a header": under_a_header,
}


def word_rate(alike: float, ngram: int) -> float:
    """The share of words to change so that the n-grams of both texts have this Jaccard similarity."""
    unchanged = 2 * alike / (1 + alike)
    return float(1 - unchanged ** (1 / ngram))


def ngrams(text: str, ngram: int) -> set[tuple[str, ...]]:
    """The n-grams of a text's words; a text of fewer words has its words."""
    bare = (re.sub(r"^[\W_]+|[\W_]+$", "", word) for word in text.lower().split())
    words = [word for word in bare if word]
    return set(zip(*(words[n:] for n in range(ngram)), strict=False)) or {(word,) for word in words}


def jaccard(one: str, other: str, ngram: int) -> float:
    """How much of two texts' n-grams is in both."""
    first, second = ngrams(one, ngram), ngrams(other, ngram)
    return len(first & second) / max(len(first | second), 1)


def planted(
    texts: list[str], copies: int, chance: random.Random, ngram: int
) -> tuple[dict[str, str], dict[str, str]]:
    """All texts and the copies of some, by name and in an order by lot; and the edit that each copy was made by."""
    long = [number for number, text in enumerate(texts) if len(text.split()) >= FEWEST_WORDS]
    pool = {f"{number}": text for number, text in enumerate(texts)}
    edits: dict[str, str] = {}
    for place, number in enumerate(chance.sample(long, min(copies, len(long)))):
        edit = list(EDITS)[place % len(EDITS)]
        pool[f"{number}-copy"] = EDITS[edit](texts[number], chance.uniform(0.5, 1), chance, ngram)
        edits[f"{number}"] = edit
    return dict(chance.sample(list(pool.items()), len(pool))), edits


def recall_tables(
    pool: dict[str, str], edits: dict[str, str], ledger: Fates, ngram: int
) -> dict[str, list[tuple[Any, int, float]]]:
    """Planted pairs and the share found: by the lower bound of their true similarity, and by edit from 0.9 on.

    Pairs of which a text went by another gate, such as a language that is none of the recipe's, do not count.
    """
    bands: dict[float, list[bool]] = defaultdict(list)
    kinds: dict[str, list[bool]] = defaultdict(list)
    for name, edit in edits.items():
        rules = {ledger[name]["rule"], ledger[f"{name}-copy"]["rule"]}
        if rules <= {None, *COPIES}:
            alike = jaccard(pool[name], pool[f"{name}-copy"], ngram)
            is_found = rules != {None}
            bands[max(bound for bound in BANDS if alike >= bound)].append(is_found)
            if alike >= 0.9:
                kinds[edit].append(is_found)
    return {
        "true Jaccard": [(bound, len(found), sum(found) / len(found)) for bound, found in sorted(bands.items())],
        "edit": [(edit, len(found), sum(found) / len(found)) for edit, found in kinds.items()],
    }


def found_pairs(pool: dict[str, str], ledger: Fates, ngram: int) -> list[tuple[str, str, float]]:
    """The pairs that the ledger tells: what went, what stays for it, and how much alike they truly are."""
    pairs = []
    for name, row in ledger.items():
        if row["rule"] in COPIES:
            evidence = json.loads(row["evidence"])[row["rule"]]
            stays = evidence.get("same_text_as") or evidence["like"]
            pairs.append((name, stays, jaccard(pool[name], pool[stays], ngram)))
    return pairs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--copies", type=int, default=1500, help="near copies to plant")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    settings = parser.parse_args()
    recipe = Recipe.model_validate({"name": "benchmark", "corpus": {"sources": [{"path": "."}]}})
    least, ngram = recipe.curation.duplicates.similarity, recipe.curation.duplicates.ngram
    chance = random.Random(settings.seed)
    parts = sorted(settings.folder.glob("*.parquet"))
    texts = [text for part in parts for text in pq.read_table(part, columns=["text"])["text"].to_pylist() if text]
    pool, edits = planted(texts, settings.copies, chance, ngram)
    with tempfile.TemporaryDirectory() as temporary:
        columns = {"identifier": list(pool), "text": list(pool.values()), "license": ["Public Domain"] * len(pool)}
        source = Path(temporary) / "planted.parquet"
        pq.write_table(pa.table(columns), source)
        ledger = {row["identifier"]: row for row in curated(source, Path(temporary), OPEN_GATES)}
    tables = recall_tables(pool, edits, ledger, ngram)
    pairs = found_pairs(pool, ledger, ngram)
    natural = [alike for name, stays, alike in pairs if name.split("-")[0] != stays.split("-")[0]]
    high = [(pairs_of, share) for bound, pairs_of, share in tables["true Jaccard"] if bound >= 0.9]
    planted_pairs = sum(n for n, _ in high)
    recall = sum(n * share for n, share in high) / max(planted_pairs, 1)
    how = f"{planted_pairs} planted pairs, Jaccard 0.9 and more"
    figures = {"recall": figure(recall, "", ">= 0.99", recall >= 0.99, how)}
    for name, found, reach in (
        ("precision", [alike for *_, alike in pairs], 0.99),
        ("of pairs by nature", natural, 0),
    ):
        right = sum(alike >= least - MARGIN for alike in found) / max(len(found), 1)
        strict = sum(alike >= least for alike in found) / max(len(found), 1)
        how = f"{len(found)} pairs found; {strict:.3f} without the margin of {MARGIN}"
        figures[name] = figure(right, "", f">= {reach}" if reach else "", right >= reach, how)
    if settings.json:
        print(json.dumps({**figures, **tables}, indent=1))
        return
    print_figures(figures)
    for head, rows in tables.items():
        print()
        print_table((head, "pairs", "recall"), [(name, n, round(share, 4)) for name, n, share in rows])


if __name__ == "__main__":
    main()
