"""The recipe's section `curation.opt_outs`: what rights holders have reserved, which curation leaves out."""

from __future__ import annotations

import re
from typing import Self

from pydantic import model_validator

from octavo.recipe.section import Section, impossible

_HASH = re.compile(r"[0-9a-fA-F]{64}")
_LONGEST = 4_096
"""Characters of an entry; what is made of a longer pattern can be too large to look for."""


class OptOuts(Section):
    """What rights holders have reserved: the documents that an entry is about are removed before any other rule
    looks at them, and with them their copies under other names. docs/how-to/answer-an-opt-out.md says how."""

    identifiers: list[str] = []
    """Identifiers: of a document, of a work with all its sections (ID#...), or with a * at the end all that begin
    so."""
    creators: list[str] = []
    """Creators by their whole names, as 'Surname, Given' or 'Given Surname'; any creator of a document counts."""
    sources: list[str] = []
    """Paths as in corpus.sources, or files that documents are read from; * stands for any text, ? for one
    character."""
    collections: list[str] = []
    """Collections by their exact names."""
    url_patterns: list[str] = []
    """Addresses (source_url) such as "https://example.org/*"; * stands for any text, ? for one character."""
    text_hashes: list[str] = []
    """BLAKE3 or SHA-256, in hexadecimal, of a text's UTF-8 bytes as it came in."""

    @model_validator(mode="after")
    def _entries_say_something(self) -> Self:
        for field, entries in self.given().items():
            for place, entry in enumerate(entries):
                if len(entry) > _LONGEST:
                    raise impossible(
                        f"{field}[{place}]", f"{len(entry):,} characters", f"at most {_LONGEST:,} characters"
                    )
                if field == "text_hashes" and not _HASH.fullmatch(entry):
                    raise impossible(f"{field}[{place}]", repr(entry), "64 hexadecimal digits (BLAKE3 or SHA-256)")
                if field == "creators" and not any(character.isalpha() for character in entry):
                    raise impossible(f"{field}[{place}]", repr(entry), "a name")
                if not entry.strip(" *?\t\n"):
                    raise impossible(f"{field}[{place}]", repr(entry), "something that not all documents have")
        return self

    def given(self) -> dict[str, list[str]]:
        """The lists that have entries, by field, in the order in which the rule looks at them."""
        return {field: entries for field in OptOuts.model_fields if (entries := getattr(self, field))}
