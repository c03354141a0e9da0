"""Files of any kind that is worked on: opened as passages, written with new texts in their places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from octavo.corpus.locations import format_of
from octavo.corpus.readers.reading import RefusedError
from octavo.corpus.readers.xml_parsing import parse
from octavo.errors import InputError, OctavoError
from octavo.lineage import write_atomically
from octavo.tuning.files import (
    alto_file,
    markdown_file,
    page_xml_file,
    pdf_file,
    plain_text_file,
    tei_file,
    xml_source,
)
from octavo.tuning.files.passages import Change, Passage, Rebuild, UnfitError, Work

KNOWN = "plain text (.txt), Markdown (.md), TEI, ALTO or PAGE (.xml), or PDF (.pdf)"


@dataclass(frozen=True)
class TextFile:
    """A file that was opened."""

    path: Path
    format: str
    """"text", "Markdown", "TEI", "ALTO", "PAGE" or "PDF"."""
    passages: list[Passage]
    suffix: str
    """The ending of what is written: the file's own, `.txt` for PDF."""
    work: Work
    _content: bytes
    _rebuild: Rebuild

    def write(
        self,
        new_texts: Sequence[str],
        out: Path,
        *,
        model: str,
        language: str | None = None,
        overwrite: bool = False,
        when: datetime | None = None,
    ) -> list[Passage]:
        """Write the file with a new text for each passage; where none differs, its own bytes.

        Returns the passages that were left as they were, since the file's encoding lacks a character of theirs.
        `model` and `language` (of a translation) are recorded in the file, where it has a place for that; `when` is
        now. Raises InputError where `out` is there already and not to be overwritten; then nothing is written.
        """
        if len(new_texts) != len(self.passages):
            raise ValueError(f"{len(new_texts)} texts for {len(self.passages)} passages")
        if out.exists() and not overwrite:
            what = "the input itself" if out.samefile(self.path) else "a file"
            raise InputError(f"{out}: found {what} there, expected a name that is free")
        pairs = zip(self.passages, new_texts, strict=True)
        new = {n: text for n, (passage, text) in enumerate(pairs) if text != passage.text}
        if not new and self.format != "PDF":
            write_atomically(out, self._content)
            return []
        change = Change(self.work, when or datetime.now(UTC), model, language)
        rebuilt = self._rebuild(new, change)
        if self.format in ("TEI", "ALTO", "PAGE"):
            try:
                parse(rebuilt.content)
            except RefusedError as error:
                raise OctavoError(
                    f"{out}: not written, as the new texts would make it unreadable: {error}"
                ) from None
        write_atomically(out, rebuilt.content)
        return [self.passages[n] for n in rebuilt.kept]


def open_texts(path: Path, work: Work) -> TextFile:
    """Open a file to correct or translate its texts.

    Raises InputError where it cannot be read, is of no known format, is damaged, has no text, or is a page whose
    lines a translation could not keep.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}; expected {KNOWN}") from None
    try:
        name, passages, rebuild = _opened(path, content, work)
    except UnfitError as error:
        raise InputError(f"{path}: {error}") from None
    suffix = ".txt" if name == "PDF" else "".join(path.suffixes[-1:])
    return TextFile(path, name, passages, suffix, work, content, rebuild)


def _opened(path: Path, content: bytes, work: Work) -> tuple[str, list[Passage], Rebuild]:
    kind = format_of(path.name)
    if not content.strip():
        raise UnfitError("found an empty file, expected text")
    if kind == "plain_text":
        return "text", *plain_text_file.opened(content, work)
    if kind == "markdown":
        return "Markdown", *markdown_file.opened(content, work)
    if kind == "pdf":
        return "PDF", *pdf_file.opened(content)
    if kind == "xml" and not path.name.lower().endswith(".gz"):
        return _opened_xml(content, work)
    raise UnfitError(f"found the ending {path.suffix or '(none)'}, expected {KNOWN}")


def _opened_xml(content: bytes, work: Work) -> tuple[str, list[Passage], Rebuild]:
    file = xml_source.read(content)
    root = file.root.name
    if root in tei_file.ROOTS:
        return "TEI", *tei_file.opened(file)
    pages = {"alto": ("ALTO", alto_file.opened), "PcGts": ("PAGE", page_xml_file.opened)}
    if root not in pages:
        raise UnfitError(f"found XML with root <{root}>, expected TEI, ALTO or PAGE")
    name, opened = pages[root]
    if work is Work.TRANSLATION:
        raise UnfitError(
            f"found {name}, whose words have places on a page that a translation cannot keep; expected the same "
            "text as TEI, Markdown or plain text"
        )
    return name, *opened(file)
