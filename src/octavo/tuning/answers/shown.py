"""What of a model's answer is shown: quotations that stand word for word in the source that they name."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from octavo.tuning.answers.format import Said
from octavo.tuning.retrieval.passages import Span

NOT_HELD: Final = "the sources do not hold it"
NOT_VERBATIM: Final = "no quotation stands word for word in its source"
MALFORMED: Final = "the model wrote no whole quotation"


class Citation(NamedTuple):
    """Words of a source, exactly as they stand there."""

    source: int
    """The place among the sources, from 0."""
    start: int
    end: int
    text: str


class Shown(NamedTuple):
    """An answer that may be shown, or why there is none."""

    citations: tuple[Citation, ...]
    why: str = ""
    """Of a refusal."""

    @property
    def text(self) -> str:
        """The answer in words; none of a refusal."""
        return " … ".join(citation.text for citation in self.citations)


def find_verbatim(words: str, source: str) -> Span | None:
    """Where words first stand in a source, as whole words; None where they do not.

    White space counts as white space, whichever and however much: line ends and blanks are not told apart. All
    else is compared as it is, old spelling among it.
    """
    if not any(map(str.isalnum, words)):
        return None
    pattern = r"\s+".join(map(re.escape, words.split()))
    found = re.search(rf"(?<!\w){pattern}(?!\w)", source)
    return Span(*found.span()) if found else None


def checked(said: Said, sources: Sequence[str]) -> Shown:
    """The quotations that are verbatim, each once, in the words of the source; a refusal where none is left."""
    citations: dict[Citation, None] = {}
    for text, number in said.quotations:
        if 1 <= number <= len(sources) and (span := find_verbatim(text, sources[number - 1])):
            source = sources[number - 1]
            citations[Citation(number - 1, *span, source[span.start : span.end])] = None
    if citations:
        return Shown(tuple(citations))
    if said.quotations:
        return Shown((), NOT_VERBATIM)
    return Shown((), MALFORMED if said.faults else NOT_HELD)
