"""Pairs whose order in their document is known teach what stands around a text: the model is shown it, too."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from blake3 import blake3

from octavo.tuning.translation.format import BETWEEN
from octavo.tuning.translation.pairs import TranslationPair

BEFORE_CHARACTERS: Final = 400
"""Kept of what stands before; the format has room for some words of it."""
_SHORT: Final = 300
"""Characters of two sources up to which they become one text."""


def with_neighbours(pairs: Sequence[TranslationPair]) -> list[TranslationPair]:
    """The pairs, some with what stands before them.

    Of those that follow another in their document a third, by a hash of the id, are shown the end of its source; a
    third become one text of two paragraphs with it, if both are short. The others stay alone, so that the model
    learns each way.
    """
    found = list(pairs[:1])
    for before, pair in pairwise(pairs):
        kind = blake3(pair.id.encode()).digest(1)[0] % 3
        if kind == 0 or not follows(pair, before):
            found.append(pair)
        elif kind == 1 or len(before.source) + len(pair.source) > _SHORT:
            found.append(pair._replace(before=before.source.strip()[-BEFORE_CHARACTERS:]))
        else:
            source, target = (
                BETWEEN.join(map(str.strip, sides))
                for sides in ((before.source, pair.source), (before.target, pair.target))
            )
            found.append(pair._replace(source=source, target=target))
    return found


def follows(pair: TranslationPair, before: TranslationPair) -> bool:
    """Whether one pair stands right after another in their document."""
    if pair.place is None or before.place is None:
        return False
    return (pair.doc, pair.languages, pair.place) == (before.doc, before.languages, before.place + 1)
