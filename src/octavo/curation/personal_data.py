"""Personal data: addresses and numbers that lead to a living person are replaced by their kind, as in [EMAIL].

Names stay. A number counts only where its check digits, its label or a shape that nothing else has says what it
is: years, prices, verses, ISBNs, paragraphs of laws and tables of figures must pass untouched.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from octavo.curation.personal_data_lines import Line, suspect_lines
from octavo.curation.personal_data_rules import ALL_RULES, GROUPS, KINDS, NATIONAL_RULES, Condition

REDACTED = pa.struct([("text", pa.large_string()), ("changes", pa.large_string())])


def redact(text: pa.Array, lang: pa.Array | None = None) -> pa.Array:
    """Each text with personal data replaced by placeholders, and as JSON the count of each kind (null for none).

    `lang` (ISO 639-1) lets a language's own telephone and identity numbers count without a label.
    """
    text = text.cast(pa.large_string())
    spoken = [None] * len(text) if lang is None else lang.to_pylist()
    lines = suspect_lines(text)
    words = pa.array([line.words for line in lines], pa.large_string())
    signs = [pc.match_substring_regex(words, sign).to_numpy(zero_copy_only=False) for sign, _ in GROUPS]
    changes: dict[int, Counter[str]] = defaultdict(Counter)
    redacted: dict[int, list[Line]] = defaultdict(list)
    for at in np.flatnonzero(np.any(signs, axis=0)):
        line = lines[at]
        without = _redact_line(line.words, spoken[line.text], [sign[at] for sign in signs], changes[line.text])
        if without != line.words:
            redacted[line.text].append(line._replace(words=without))
    changed = np.zeros(len(text), np.bool_)
    changed[list(redacted)] = True
    texts = [_with_lines(text[place].as_py().encode(), redacted[place]) for place in sorted(redacted)]
    told = [json.dumps({k: changes[place][k] for k in KINDS if changes[place][k]}) for place in sorted(redacted)]
    if texts:
        text = pc.replace_with_mask(text, pa.array(changed), pa.array(texts, pa.large_string()))
    nothing = pa.nulls(len(text), pa.large_string())
    told = pc.replace_with_mask(nothing, pa.array(changed), pa.array(told, pa.large_string()))
    return pa.StructArray.from_arrays([text, told], fields=list(REDACTED))


def _redact_line(words: str, lang: str | None, signs: list[bool], changes: Counter[str]) -> str:
    rules = [rule for (_, group), sign in zip(GROUPS, signs, strict=True) if sign for rule in group]
    national = NATIONAL_RULES.get(lang, [])
    rules += national if signs[-1] else []
    # A placeholder may set free what stood beside it, so once more; it ends, for each time digits or an @ go.
    before = None
    while words != before:
        before = words
        for kind, pattern, holds in rules:
            words = _replace(words, lang, kind, pattern, holds, changes)
        rules = ALL_RULES + national
    return words


def _with_lines(text: bytes, lines: list[Line]) -> str:
    """A text with other words in some of its lines."""
    pieces, done = [], 0
    for line in lines:
        pieces += [text[done : line.start], line.words.encode()]
        done = line.end
    return b"".join([*pieces, text[done:]]).decode()


def _replace(
    text: str, lang: str | None, kind: str, pattern: re.Pattern[str], holds: Condition, changes: Counter[str]
) -> str:
    pieces, done = [], 0
    for match in pattern.finditer(text):
        if not holds(match, lang):
            continue
        group = "data" if "data" in pattern.groupindex else 0
        pieces += [text[done : match.start(group)], f"[{kind}]"]
        done = match.end(group)
        changes[kind] += 1
    return "".join([*pieces, text[done:]]) if pieces else text
