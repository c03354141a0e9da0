"""The words that texts are searched by: what editions and ages write differently counts as one."""

from __future__ import annotations

import re
from typing import Final

from octavo.curation.mentioned_names import key_of

_MARKS: Final = re.compile("[\u0300-\u036f\u00ad]+")
"""Letters above letters, and soft hyphens: of a text that is not composed, they would part its words."""
_BROKEN: Final = re.compile(r"(?<=[^\W\d_])[-¬⸗]\r?\n[ \t]*(?=[^\W\d_])")
"""A word that a line's end breaks."""
_WORD: Final = re.compile(r"[^\W_]+")


def search_words(text: str) -> list[str]:
    """The words and numbers of a text: small, with s for ſ, u for v, i for j, ae for æ, without diacritics."""
    whole = _BROKEN.sub("", _MARKS.sub("", text))
    return [key_of(word) for word in _WORD.findall(whole)]
