"""What every format has in common: a file is passages of running text and a way to put new ones in their places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from octavo import __version__


class Work(StrEnum):
    """What is done to a text."""

    CORRECTION = "correction"
    """A new text says the same as the old one: it is put back character by character."""
    TRANSLATION = "translation"
    """A new text has nothing in common with the old one but its place."""


class Passage(NamedTuple):
    """A paragraph, heading, note or block of a page, as running text."""

    text: str
    where: str
    """For people, such as "line 12, <p>"."""


@dataclass(frozen=True)
class Change:
    """What was done to a file: it is recorded where the format has a place for that."""

    work: Work
    when: datetime
    model: str
    """The model's name."""
    language: str | None = None
    """Of a translation, ISO 639-1."""

    @property
    def sentence(self) -> str:
        """What was done, for people."""
        done = (
            "corrected"
            if self.work is Work.CORRECTION
            else f"translated into {self.language or 'another language'}"
        )
        return f"Text {done} by octavo {__version__} with the model {self.model}"


class Rebuilt(NamedTuple):
    """A file with new texts in it."""

    content: bytes
    kept: list[int]
    """Numbers of passages left as they were, as the file's encoding has no way to write the new text."""


Rebuild = Callable[[Mapping[int, str], Change], Rebuilt]
"""Takes the new texts of the passages that changed, by number."""


class UnfitError(ValueError):
    """A file cannot be worked on; the message says what was found and what was expected."""
