"""TEI: the running text of each block, with the markup within it left where it is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

from octavo import __version__
from octavo.tuning.files.passages import Change, Passage, Rebuild, Rebuilt, UnfitError, Work
from octavo.tuning.files.running_pieces import Piece, corrected, text_of, translated
from octavo.tuning.files.tei_blocks import Block, blocks_of
from octavo.tuning.files.xml_source import Edit, Element, XmlSource, escaped, lines_of, with_attributes

ROOTS = frozenset({"TEI", "teiCorpus", "TEI.2", "teiCorpus.2"})


def opened(file: XmlSource) -> tuple[list[Passage], Rebuild]:
    """The passages of a file's texts. Raises UnfitError where there is no text in it."""
    blocks = blocks_of(file)
    if not blocks:
        raise UnfitError("found no text within <text>, expected some")
    line = lines_of(file.source)
    passages = [
        Passage(text_of(block.pieces), f"line {line(block.pieces[0].start)}, <{block.element.name}>")
        for block in blocks
    ]
    return passages, partial(_rebuilt, file, blocks)


def _rebuilt(file: XmlSource, blocks: list[Block], new: Mapping[int, str], change: Change) -> Rebuilt:
    edits = _record(file.root, file.source, change)
    put_in = corrected if change.work is Work.CORRECTION else translated
    for number, text in new.items():
        edits += put_in(blocks[number].pieces, _running(text, blocks[number].pieces), escaped)
    if change.work is Work.TRANSLATION and change.language:
        edits += _languages([blocks[number] for number in new], change.language)
    return Rebuilt(file.written(edits), [])


def _running(text: str, pieces: list[Piece]) -> str:
    """A new text without line breaks, but for those between lines of verse."""
    lines = [re.sub("[ \t\r]+", " ", line).strip(" ") for line in text.split("\n")]
    return ("\n" if "\n" in text_of(pieces) else " ").join(line for line in lines if line)


def _languages(blocks: list[Block], language: str) -> list[Edit]:
    """Edits that state the new language where the old one was stated around what was translated."""
    stated: dict[int, Element] = {}
    for block in blocks:
        around: Element | None = block.element
        while around is not None:
            if around.name == "text" or (around.get("xml:lang") and _within_text(around)):
                stated[around.start] = around
            around = around.parent
    return [Edit(e.start, e.inner, with_attributes(e.tag, {"xml:lang": language})) for e in stated.values()]


def _within_text(element: Element) -> bool:
    around = element.parent
    while around is not None:
        if around.name == "text":
            return True
        around = around.parent
    return False


def _record(root: Element, source: str, change: Change) -> list[Edit]:
    """Edits that note the change in the header's list of revisions, the latest first."""
    header = root.child("teiHeader")
    if header is None or header.inner == header.end:
        return []
    before = header.prefix
    revisions = header.child("revisionDesc")
    if revisions is None:
        indent = _indent(header, source)
        entry = _entry(root, before, "change", change)
        block = f"<{before}revisionDesc>{entry}</{before}revisionDesc>"
        place = len(source[: header.outer].rstrip(" \t\r\n"))
        return [Edit(place, place, indent + block)]
    if revisions.inner == revisions.end:
        entry = _entry(root, before, "change", change)
        tag = with_attributes(source[revisions.start : revisions.end], {}).removesuffix("/>").rstrip()
        return [Edit(revisions.start, revisions.end, f"{tag}>{entry}</{before}revisionDesc>")]
    inside = next(revisions.elements("listChange", "list"), revisions)
    entry = _entry(root, before, "item" if inside.name == "list" else "change", change)
    return [Edit(inside.inner, inside.inner, _indent(inside, source) + entry)]


def _indent(element: Element, source: str) -> str:
    """The whitespace before an element's first child."""
    first = next(element.elements(), None)
    between = source[element.inner : first.start] if first is not None else ""
    return "" if between.strip() else between


def _entry(root: Element, prefix: str, name: str, change: Change) -> str:
    day = change.when.date().isoformat()
    said = escaped(change.sentence)
    if name == "change" and root.name.endswith(".2"):  # TEI P4
        return (
            f"<change><date>{day}</date><respStmt><name>octavo {__version__}</name><resp>{change.work}</resp>"
            f"</respStmt><item>{said}</item></change>"
        )
    if name == "item":
        return f"<{prefix}item>{day}: {said}</{prefix}item>"
    return f'<{prefix}change when="{day}">{said}</{prefix}change>'
