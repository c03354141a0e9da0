"""Repair: what scanning, decoding and typesetting did to a text is undone, and nothing else is touched.

Most texts need nothing, and one pass over the bytes of a batch says so. The rest go through the steps that they
show signs of, until none changes anything, so that repairing a text again never changes it. Old spelling is no
damage: ſ, ligatures, abbreviation marks, Greek and typographic quotes stay as they are (NFC, never NFKC).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from octavo.curation.repairs import sieve
from octavo.curation.repairs.broken_words import join_broken_words
from octavo.curation.repairs.characters import (
    drop_controls,
    drop_soft_hyphens,
    normalise,
    unescape_entities,
    unify_line_endings,
)
from octavo.curation.repairs.encoding import repair_dos, repair_mojibake
from octavo.curation.repairs.page_edges import drop_form_feeds, drop_running_heads

REPAIRED = pa.struct([("text", pa.large_string()), ("changes", pa.large_string())])

Reader = Callable[[str], str]
"""Reads the running text out of a text with boilerplate in it."""

MARKUP = r"\A\s*<(?:\?xml|!DOCTYPE\s+(?:html|article)|html|TEI|PcGts|meta\s+http-equiv)\b"
"""The beginning of a text that is still in its XML or HTML."""

GUTENBERG = (
    r"\*\*\* ?(?:START|END) OF (?:THE|THIS) PROJECT GUTENBERG|^The Project Gutenberg E(?:Book|text) of"
    r"|\*END\*? ?THE SMALL PRINT|^End of (?:the |this )?Project Gutenberg"
)
"""What Project Gutenberg prints before and after a book."""

Step = Callable[[str], tuple[str, int]]

STEPS: tuple[tuple[str, int, Step], ...] = (
    ("line-endings", sieve.LINE_ENDING, unify_line_endings),
    ("entities", sieve.ENTITY, unescape_entities),
    ("mojibake", sieve.MOJIBAKE, repair_mojibake),
    ("mojibake", sieve.DOS, repair_dos),
    ("control-characters", sieve.CONTROL, drop_controls),
    ("normalisation", sieve.UNNORMALISED, normalise),
    ("running-heads", sieve.RUNNING_HEAD | sieve.FORM_FEED, drop_running_heads),
    ("control-characters", sieve.FORM_FEED, drop_form_feeds),
    ("hyphenation", sieve.BROKEN_WORD, join_broken_words),
    ("control-characters", sieve.SOFT_HYPHEN, drop_soft_hyphens),
)
"""Each rule, its signs, and the step: from a text to it repaired, and how often something was."""


@dataclass
class _Suspect:
    """A text that shows signs of damage."""

    text: str
    signs: int
    changes: Counter[str] = field(default_factory=Counter)


def repair(text: pa.Array, markup: Reader | None = None, gutenberg: Reader | None = None) -> pa.Array:
    """Each text repaired, and as JSON how often each rule changed it (null where nothing was done).

    `markup` and `gutenberg` are what reads a text that begins like XML or HTML, or that carries Gutenberg's
    licence, before the other rules see it; without them such a text is left as it is. `lost-characters`
    counts the letters that a wrong decoding replaced by U+FFFD: those nothing brings back.
    """
    text = text.cast(pa.large_string())
    signs = sieve.signs(text)
    begins = pc.fill_null(pc.match_substring_regex(text, MARKUP), False).to_numpy(zero_copy_only=False)
    suspect = (signs > 0) | begins
    chosen = zip(text.filter(pa.array(suspect)).to_pylist(), signs[suspect].tolist(), strict=True)
    suspects = [_Suspect(found, sign) for found, sign in chosen]
    _look_again([one for one in suspects if _read_out(one, markup, gutenberg)])
    # It ends: a step makes the text shorter, or it leaves fewer form feeds or fewer letters outside Latin-1,
    # or it normalises, which a second time does nothing.
    pending = suspects
    while pending:
        pending = [one for one in pending if _step_through(one)]
        _look_again(pending)
    for one in suspects:
        one.changes["lost-characters"] = one.text.count("\ufffd")
    if suspects:
        text = pc.replace_with_mask(
            text, pa.array(suspect), pa.array([one.text for one in suspects], pa.large_string())
        )
    told = [json.dumps(+one.changes) if +one.changes else None for one in suspects]
    changes = pc.replace_with_mask(
        pa.nulls(len(text), pa.large_string()), pa.array(suspect), pa.array(told, pa.large_string())
    )
    return pa.StructArray.from_arrays([text, changes], fields=list(REPAIRED))


def _read_out(suspect: _Suspect, markup: Reader | None, gutenberg: Reader | None) -> bool:
    """Whether a reader read the running text out of a suspect."""
    if markup and re.search(MARKUP, suspect.text):
        suspect.text, suspect.changes["markup"] = markup(suspect.text), 1
        suspect.signs |= sieve.GUTENBERG
    if gutenberg and suspect.signs & sieve.GUTENBERG and re.search(GUTENBERG, suspect.text, re.MULTILINE):
        suspect.text, suspect.changes["gutenberg"] = gutenberg(suspect.text), 1
    return bool(suspect.changes)


def _step_through(suspect: _Suspect) -> bool:
    """Whether the steps that a suspect shows signs of changed it."""
    before = suspect.text
    for rule, signs, step in STEPS:
        if suspect.signs & signs:
            suspect.text, count = step(suspect.text)
            suspect.changes[rule] += count
    return suspect.text != before


def _look_again(suspects: list[_Suspect]) -> None:
    """Find the signs of texts that were changed."""
    found = sieve.signs(pa.array([one.text for one in suspects], pa.large_string()))
    for one, signs in zip(suspects, found.tolist(), strict=True):
        one.signs = signs
