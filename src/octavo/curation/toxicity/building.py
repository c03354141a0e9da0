"""Makes the labelled texts that the shipped classifier of harmful text was trained on.

    python -m octavo.curation.toxicity.building POSTS.parquet FOLDER_OF_CLEAN_WORKS LABELLED.parquet
    octavo train-classifier LABELLED.parquet --out src/octavo/curation/toxicity/classifier.safetensors

Three kinds of text: posts of four public sets (columns text, lang, source, label), whose categories are mapped onto
the dimensions here; windows of clean works (Parquet with identifier, lang and text), of half of the works, all at
0; and sentences of our own. classifier.md says what each set is, and under which licence.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from octavo.corpus.parts import parts_of
from octavo.curation.code_points import bytes_of
from octavo.curation.toxicity.passages import passages_of
from octavo.curation.toxicity.scoring import DIMENSIONS

Levels = dict[str, int | None]
Row = dict[str, Any]

SENTENCES: Final = Path(__file__).parent / "sentences.yaml"
SEED: Final = 1789
WINDOWS: Final = 12_000
"""Of clean works, in each language."""
COMBINED: Final = 0.4
"""Share of our own sentences of a group with a name or a deed that is taken."""

REPEATED: Final = 4
"""How often a sentence of ours that names no group is taken, as those that do come with many groups."""

NONE: Final[Levels] = dict.fromkeys(DIMENSIONS, 0)
UNKNOWN: Final[Levels] = dict.fromkeys(DIMENSIONS)


def main() -> None:
    """Write the labelled texts."""
    posts, works, out = (Path(argument) for argument in sys.argv[1:4])
    rows = [*_posts(posts), *_own(yaml.safe_load(SENTENCES.read_text(encoding="utf-8"))), *_clean(works)]
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("text", "lang", "source", "group")),
            ("synthetic", pa.bool_()),
            *((name, pa.int8()) for name in DIMENSIONS),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema), out, compression="zstd")


def is_measured(identifier: str) -> bool:
    """Whether a clean work is among those that no classifier learns from; of a section, `work#s001`, its work."""
    return bool(blake2b(identifier.partition("#")[0].encode(), digest_size=1).digest()[0] % 2)


_NOT_SAID: Final = re.compile(r"https?://\S+|\|LBR\||\\u[0-9a-f]{4}|\bRT\b|@\w+:?|&#?\w+;")


def plain(post: str) -> str:
    """A post without addresses, names, and the marks of its platform, that old prose has none of."""
    return " ".join(_NOT_SAID.sub(" ", post.replace("&amp;", "and")).replace("#", " ").split())


def _posts(path: Path) -> Iterator[Row]:
    for row in pq.read_table(path, columns=["text", "lang", "source", "label"]).to_pylist():
        text = plain(row["text"])
        if len(text) > 2:
            levels = SETS[row["source"]](row["label"])
            yield {"text": text, "lang": row["lang"], "source": row["source"], "synthetic": False, **levels}


def _germeval(label: str) -> Levels:
    """Says whether somebody is abused, not for what."""
    if label == "OTHER":
        return NONE
    if label == "PROFANITY":
        return {**NONE, "violence_abuse": 1}
    return {**UNKNOWN, "violence_abuse": {"INSULT": 2, "ABUSE": 3}[label]}


def _davidson(label: str) -> Levels:
    """Says whether a post is hateful, not towards whom."""
    if label == "neither":
        return NONE
    return {**UNKNOWN, "violence_abuse": {"offensive_language": 2, "hate_speech": 3}[label]}


def _told(label: str) -> Levels:
    said = set(label.split("|")) - {"none"}
    if not said:
        return NONE
    abuse = 2 if "insult" in said else 1 if "obscene" in said else None
    return {
        **NONE,
        "race_origin": 3 if said & {"racism", "xenophobia"} else 0,
        "gender_sexuality": 3 if "homophobia" in said else 2 if "misogyny" in said else 0,
        "violence_abuse": abuse,
    }


_SENTIMENTS: Final = {"hateful": 3, "abusive": 2, "offensive": 2, "disrespectful": 1, "fearful": 1, "normal": 0}
_TARGETS: Final = {
    "origin": "race_origin",
    "gender": "gender_sexuality",
    "sexual_orientation": "gender_sexuality",
    "religion": "religion",
    "disability": "ability",
    "other": "violence_abuse",
}


def _mlma(label: str) -> Levels:
    """The strongest of the sentiments, one level less where another annotator found the post normal."""
    sentiments, target = label.split("|")
    said = set(sentiments.split("_"))
    level = max(_SENTIMENTS[sentiment] for sentiment in said)
    if level == 0:
        return NONE
    if "normal" in said:
        level = max(level - 1, 1)
    return {**NONE, "violence_abuse": None, _TARGETS[target]: level}


SETS: Final[dict[str, Callable[[str], Levels]]] = {
    "GermEval-2018": _germeval,
    "Davidson-2017": _davidson,
    "ToLD-Br": _told,
    "MLMA-2019": _mlma,
}


def _own(languages: dict[str, Any]) -> Iterator[Row]:
    """Our own sentences, with the groups, names and deeds put in."""
    draw = random.Random(SEED)
    for lang, said in languages.items():
        for text, levels in _about_groups(said, draw):
            yield {"text": text[0].upper() + text[1:], "lang": lang, "source": "own", "synthetic": True, **levels}
        for level, sentences in said["abuse"].items():
            others = 0 if level < 2 else None
            levels = {**dict.fromkeys(DIMENSIONS, others), "violence_abuse": level}
            for text in sentences * REPEATED:
                yield {"text": text, "lang": lang, "source": "own", "synthetic": True, **levels}
        for level, sentences in said["insulted"].items():
            levels = {**dict.fromkeys(DIMENSIONS, None if level else 0), "violence_abuse": level}
            for text in (sentence.format(N=word) for sentence in sentences for word in said["insults"]):
                yield {"text": text, "lang": lang, "source": "own", "synthetic": True, **levels}


def _about_groups(said: dict[str, Any], draw: random.Random) -> Iterator[tuple[str, Levels]]:
    for dimension, groups in said["groups"].items():
        for group in groups:
            nominative, _, accusative = group.partition("|")
            for kind, words in (("group", [""]), ("named", said["names"]), ("wished", said["deeds"])):
                for level, sentences in said[kind].items():
                    levels = _levels_about(dimension, level, wished=kind == "wished")
                    for sentence in sentences:
                        for word in words:
                            if kind != "group" and draw.random() >= COMBINED:
                                continue
                            one, _, other = word.partition("|")
                            parts = {"G": nominative, "A": accusative or nominative, "N": one, "P": one, "Q": other}
                            yield sentence.format(**parts), levels


def _levels_about(dimension: str, level: int, wished: bool) -> Levels:
    if level == 0:
        return NONE
    levels: Levels = {**NONE, "violence_abuse": level if wished else None, dimension: level}
    if dimension == "religion":
        levels["race_origin"] = None  # hatred of Jews is of both
    return levels


def _clean(folder: Path) -> Iterator[Row]:
    for path in parts_of(folder):
        draw = random.Random(SEED)
        windows: list[tuple[str, str, str]] = []
        for row in pq.read_table(path, columns=["identifier", "lang", "text"]).to_pylist():
            if not is_measured(row["identifier"]):
                work = row["identifier"].partition("#")[0]
                windows += [(row["lang"], work, window) for window in _windows(row["text"])]
        for lang, work, window in draw.sample(windows, min(len(windows), WINDOWS)):
            yield {"text": window, "lang": lang, "source": "clean", "group": work, "synthetic": False, **NONE}


def _windows(text: str) -> Iterator[str]:
    data, offsets = bytes_of(pa.array([text], pa.large_string()))
    encoded = text.encode()
    for start, end, _ in passages_of(data, offsets).windows.tolist():
        yield encoded[start:end].decode()


if __name__ == "__main__":
    main()
