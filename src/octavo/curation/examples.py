"""Real examples of what each rule did: a passage of the text, and of a changed one the passage before and after.

The ledger says which documents to show, so that no other text is held. Personal data is redacted in all that is
shown, also where the recipe keeps it or a rule removed the document before it was redacted.
"""

from __future__ import annotations

import json
import re
import unicodedata
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3

from octavo.corpus.parts import parts_of
from octavo.curation.evidence import evidence_in_words
from octavo.curation.personal_data import redact

PASSAGE_CHARACTERS = 300
_LEAD = 100
"""Characters shown before what matters."""
_REACH = 900
"""Characters looked at after it: redaction and differences are found in more than what is shown."""
_ANCHOR = 40
"""So many characters alike say that two texts go on together."""
_LONG_CUT = 240
_END_OF_CUT = 90
"""Of a longer cut only its beginning and its end are shown."""
_BY_WORDS = 450
"""Characters of which the difference is found by words; it takes the square of their number."""
_TOKEN = re.compile(r"\s+|\w+|[^\w\s]")
_PLACEHOLDER = re.compile(r"\[[A-Z]+(?:-[A-Z]+)*\]")


class Segment(NamedTuple):
    """A piece of a passage: `mark` is empty, `del`, `ins`, or `gap` for a note on what is left out."""

    mark: str
    text: str


class Example(NamedTuple):
    """A document that a rule removed or changed; `before` is empty where there is nothing to compare."""

    identifier: str
    title: str
    evidence: str
    before: list[Segment]
    after: list[Segment]


class _Chosen(NamedTuple):
    what: str
    rule: str
    place: int
    identifier: str
    hash_in: str
    hash_out: str | None
    evidence: str


Examples = dict[tuple[str, str], list[Example]]
"""By what was done (`removed` or `changed`) and the rule."""


def examples(home: Path, number: int) -> Examples:
    """Up to `number` examples of each rule, the same for the same corpus, spread over all documents."""
    chosen = _choose(home / "ledger.parquet", number)
    found = sorted([*_removed(home, chosen), *_changed(home, chosen)], key=lambda pair: pair[0].place)
    titles = redacted([example.title or "" for _, example in found])
    evidence = redacted([example.evidence for _, example in found])  # a licence's words may name a person
    by_rule: Examples = defaultdict(list)
    for (pick, example), title, words in zip(found, titles, evidence, strict=True):
        by_rule[pick.what, pick.rule].append(
            example._replace(identifier=visible(example.identifier), title=visible(title), evidence=visible(words))
        )
    return dict(by_rule)


def _choose(ledger: Path, number: int) -> list[_Chosen]:
    """The documents to show: for each rule the first by a hash of the identifier.

    Of the changed ones those come first that the rule alone has changed: the difference is then its own.
    """
    columns = ["identifier", "fate", "rules", "rule", "evidence", "content_hash_in", "content_hash_out"]
    best: dict[tuple[str, str], list[tuple[bool, bytes, str, str, dict[str, Any]]]] = defaultdict(list)
    for batch in pq.ParquetFile(ledger).iter_batches(65536, columns=columns):
        for row in batch.filter(pc.is_valid(batch.column("rule"))).to_pylist():
            removed = row["fate"] == "removed"
            if not removed and row["content_hash_in"] == row["content_hash_out"]:
                continue  # what was found changed nothing
            if "toxicity" in row["rules"]:
                continue  # harmful passages are shown folded, in a part of the page of their own
            key = blake3(row["identifier"].encode()).digest(8)
            for rule in [row["rule"]] if removed else row["rules"]:
                first = best["removed" if removed else "changed", rule]
                among = not removed and len(row["rules"]) > 1
                if len(first) < number or (among, key) <= first[-1][:2]:
                    insort(first, (among, key, row["content_hash_in"], row["identifier"], row), key=lambda e: e[:4])
                    del first[number:]
    return [
        _Chosen(
            what,
            rule,
            place,
            row["identifier"],
            row["content_hash_in"],
            row["content_hash_out"],
            evidence_in_words(rule, json.loads(row["evidence"] or "{}").get(rule)),
        )
        for (what, rule), first in best.items()
        for place, (*_, row) in enumerate(first)
    ]


def _removed(home: Path, chosen: list[_Chosen]) -> Iterator[tuple[_Chosen, Example]]:
    wanted = {(c.identifier, c.hash_in): c for c in chosen if c.what == "removed"}
    picks, titles, windows = [], [], []
    for file in parts_of(home / "removed"):
        for name, title, text in _read(file, wanted):
            picks.append(wanted[name])
            titles.append(title)
            windows.append(_window(text, wanted[name].rule))
    for pick, title, window in zip(picks, titles, redacted(windows), strict=True):
        start = _start(window, window.find("\ufffd")) if pick.rule == "lost-characters" else 0
        shown = _shorten([Segment("", window[start:].lstrip())])
        yield pick, Example(pick.identifier, title or "", pick.evidence, [], shown)


def _changed(home: Path, chosen: list[_Chosen]) -> Iterator[tuple[_Chosen, Example]]:
    wanted = [c for c in chosen if c.what == "changed"]
    names_in = {(c.identifier, c.hash_in) for c in wanted}
    names_out = {(c.identifier, c.hash_out or "") for c in wanted}
    for file in parts_of(home / "originals") if wanted else ():
        originals = _redacted_by_name(_read(file, names_in))
        if not originals:
            continue
        kept = _redacted_by_name(_read(home / "kept" / file.name, names_out))
        for pick in wanted:
            before, after = (
                originals.get((pick.identifier, pick.hash_in)),
                kept.get((pick.identifier, pick.hash_out or "")),
            )
            if before and after:
                sides = _sides(pick.rule, before[1], after[1])
                yield pick, Example(pick.identifier, after[0] or "", pick.evidence, *sides)


def _read(file: Path, wanted: Iterable[tuple[str, str]]) -> Iterator[tuple[tuple[str, str], str | None, str]]:
    """The wanted documents of a file, as ((identifier, hash), title, text); row groups without any stay unread."""
    names = set(wanted)
    identifiers = pa.array(sorted({identifier for identifier, _ in names}), pa.large_string())
    with pq.ParquetFile(file) as opened:
        for group in range(opened.num_row_groups):
            there = opened.read_row_group(group, columns=["identifier"]).column("identifier")
            if not pc.any(pc.is_in(there, identifiers)).as_py():
                continue
            columns = ["identifier", "content_hash", "title", "text"]
            for batch in opened.iter_batches(16, row_groups=[group], columns=columns):
                for row in batch.filter(pc.is_in(batch.column("identifier"), identifiers)).to_pylist():
                    if (row["identifier"], row["content_hash"]) in names:
                        yield (row["identifier"], row["content_hash"]), row["title"], row["text"]


def redacted(texts: list[str]) -> list[str]:
    """Texts with personal data replaced by its kind."""
    found = redact(pa.array(texts, pa.large_string())).field("text") if texts else []
    return [text.as_py() for text in found]


def _redacted_by_name(
    documents: Iterable[tuple[tuple[str, str], str | None, str]],
) -> dict[tuple[str, str], tuple[str | None, str]]:
    found = list(documents)
    texts = redacted([text for _, _, text in found])
    return {name: (title, text) for (name, title, _), text in zip(found, texts, strict=True)}


def _window(text: str, rule: str) -> str:
    """The part of a removed text to look at, with more around it than is shown, so that no number is cut."""
    at = text.find("\ufffd") if rule == "lost-characters" else 0
    start = max(at - _REACH, 0)
    return text[start : at + _REACH] if start else text.lstrip()[: at + _REACH]


def _sides(rule: str, before: str, after: str) -> tuple[list[Segment], list[Segment]]:
    if rule != "personal-data":
        return difference(before, after)
    found = _PLACEHOLDER.search(after)
    start = _start(after, found.start() if found else 0)
    pieces = re.split(f"({_PLACEHOLDER.pattern})", after[start : start + _REACH])
    return [], _shorten([Segment("ins" if n % 2 else "", piece) for n, piece in enumerate(pieces)], start > 0)


def difference(before: str, after: str) -> tuple[list[Segment], list[Segment]]:
    """The passages around the first difference of two texts: what went is marked `del`, what came `ins`."""
    at = _alike(before, after)
    gone = _goes_on(before, at, after[at : at + _ANCHOR])
    come = _goes_on(after, at, before[at : at + _ANCHOR])
    if gone is not None:
        old = [Segment("del", before[at:gone]), Segment("", before[gone : gone + _REACH])]
        new = [Segment("", after[at : at + _REACH])]
    elif come is not None:
        old = [Segment("", before[at : at + _REACH])]
        new = [Segment("ins", after[at:come]), Segment("", after[come : come + _REACH])]
    else:
        while at and before[at - 1].isalnum():  # words are marked whole
            at -= 1
        old, new = by_words(before[at : at + _BY_WORDS], after[at : at + _BY_WORDS])
    start = _start(before, at)
    lead = Segment("", before[start:at])
    return _shorten([lead, *old], start > 0), _shorten([lead, *new], start > 0)


def _alike(left: str, right: str) -> int:
    """How many characters two texts have in common from their beginning, by halving."""
    low, high = 0, min(len(left), len(right))
    while low < high:
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _goes_on(text: str, at: int, anchor: str) -> int | None:
    """Where a text goes on as `anchor` does, if what stands between was cut out of the other text."""
    if not anchor:
        return len(text)
    if len(anchor) < _ANCHOR:  # what is left of the other text
        return len(text) - len(anchor) if text.endswith(anchor) and len(text) - len(anchor) > at else None
    place = text.find(anchor, at) if anchor.strip() else -1
    return place if place > at else None


def by_words(before: str, after: str) -> tuple[list[Segment], list[Segment]]:
    """Two texts in pieces: the words that went are marked `del`, those that came `ins`."""
    left, right = _TOKEN.findall(before), _TOKEN.findall(after)
    old, new = [], []
    for kind, i, j, k, m in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        old.append(Segment("" if kind == "equal" else "del", "".join(left[i:j])))
        new.append(Segment("" if kind == "equal" else "ins", "".join(right[k:m])))
    return old, new


def _start(text: str, at: int) -> int:
    """Where to begin a passage about place `at`: some characters before, at the beginning of a word."""
    start = max(at - _LEAD, 0)
    space = re.compile(r"\s").search(text, start, max(at, start)) if start else None
    return space.end() if space else start


def _shorten(segments: list[Segment], begins_within: bool = False) -> list[Segment]:
    """Segments up to the length of a passage, ended at a word, with what cannot be seen written out."""
    left = PASSAGE_CHARACTERS
    shown = [Segment("", "… ")] if begins_within else []
    for mark, text in segments:
        if left <= 0:
            shown.append(Segment("", " …"))
            break
        if mark and len(text) > _LONG_CUT:
            left_out = Segment("gap", f" … {len(text) - 2 * _END_OF_CUT:,} characters … ")
            shown += [Segment(mark, visible(text[:_END_OF_CUT], True)), left_out]
            text = text[-_END_OF_CUT:]
        elif not mark and len(text) > left:
            text = re.sub(r"\s+\S*\Z", "", text[:left]) + " …"
            left = 0
        left -= len(text)
        shown.append(Segment(mark, visible(text, bool(mark))))
        if left < 0 and not mark:
            break
    return [segment for segment in shown if segment.text]


class _Visible(dict[int, str]):
    """By code point, what is shown for a character; filled as characters come up."""

    def __missing__(self, code: int) -> str:
        hidden = unicodedata.category(chr(code)) in ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp")
        self[code] = f"‹U+{code:04X}›" if hidden and chr(code) not in "\n\t" else chr(code)
        return self[code]


_VISIBLE = _Visible()


def visible(text: str, marked: bool = False) -> str:
    """A text whose controls and invisible characters are written out; line ends only where they are marked."""
    shown = text.translate(_VISIBLE)
    return shown.replace("\n", "⏎\n") if marked else shown
