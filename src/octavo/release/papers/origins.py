"""Where the training content is from, as the Commission's template tells kinds of sources apart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import NamedTuple

from octavo.release.manifest import Collection, Count, Manifest, Source
from octavo.release.papers.content import Mark, told
from octavo.release.papers.wording import amount, counted, licence

LARGE_SHARE = 0.03
"""Of the text of all public datasets, over which one is large and is listed by itself (template, section 2.1)."""
UNNAMED = "Data that corpus.sources does not name"
"""The heading over pairs and given token files."""

_SCHEME = re.compile(r"[a-z][a-z0-9+]*:")


class Numbered(NamedTuple):
    """A source, with its place in the recipe."""

    place: int
    source: Source

    def field(self, name: str) -> str:
        """How the recipe calls a field of it."""
        return f"corpus.sources[{self.place}].{name}"

    @property
    def number(self) -> str:
        """How the papers call it: counted from 1."""
        return f"source {self.place + 1}"

    @property
    def located(self) -> str:
        """Its number and, where it is no path on a machine, which tells nobody anything, its location."""
        return f"{self.number} ({self.source.path})" if _SCHEME.match(self.source.path) else self.number

    @property
    def name(self) -> str:
        """Its title, or how the papers call it."""
        return self.source.title or self.located


class Dataset(NamedTuple):
    """A public dataset: a collection that its documents name, or a source whose documents name none."""

    name: str
    sources: list[Numbered]
    kept: Count
    collection: Collection | None


def sources(manifest: Manifest, *origins: str | None) -> list[Numbered]:
    """The sources of some kinds of which any document stayed; None stands for those whose kind is not told."""
    return [one for one in all_sources(manifest) if one.source.origin in origins and one.source.kept.documents]


def all_sources(manifest: Manifest) -> list[Numbered]:
    """All sources of the recipe, in its order."""
    listed = manifest.corpus.sources if manifest.corpus else []
    return [Numbered(place, source) for place, source in enumerate(listed)]


def answer(manifest: Manifest, *origins: str) -> list[str]:
    """Whether data of these kinds was used: yes, no, or what must be completed before one may say no."""
    if sources(manifest, *origins):
        return ["Yes."]
    open_ones = [one.field("origin") for one in sources(manifest, None)]
    unnamed = bool(manifest.pairs or manifest.given_tokens)
    if not open_ones and not unnamed:
        return ["No."]
    said = []
    if open_ones and len(open_ones) < len([one for one in all_sources(manifest) if one.source.kept.documents]):
        said.append("No source whose kind is told is of this kind. Of the others:")
    return [*said, *map(Mark, open_ones), *([_unnamed(manifest)] if unnamed else [])]


def rest(manifest: Manifest, *origins: str) -> str:
    """The answer to the questions that follow, where no source is told to be of these kinds."""
    if sources(manifest, None):
        return "Open until the kind of each source is told."
    return "Not applicable." if answer(manifest, *origins) == ["No."] else f"See '{UNNAMED}'."


def _unnamed(manifest: Manifest) -> str:
    what = "the pairs" if manifest.pairs else "the token files"
    return f"Of {what}, the run does not tell: see '{UNNAMED}'."


def public_datasets(manifest: Manifest) -> tuple[list[Dataset], list[Dataset]]:
    """The public datasets that are large, and the others; each the largest first."""
    known = {one.name: one for one in manifest.corpus.collections if one.name} if manifest.corpus else {}
    parts: dict[str, list[tuple[Numbered, Count]]] = {}
    alone: list[Dataset] = []
    for one in sources(manifest, "public"):
        rest = one.source.kept
        for name, count in one.source.collections.items():
            if name:
                parts.setdefault(name, []).append((one, count))
                rest = Count(documents=rest.documents - count.documents, bytes=rest.bytes - count.bytes)
        if rest.documents:
            alone.append(Dataset(one.name, [one], rest, None))
    named = [
        Dataset(
            name,
            [one for one, _ in found],
            Count(documents=sum(c.documents for _, c in found), bytes=sum(c.bytes for _, c in found)),
            known.get(name),
        )
        for name, found in parts.items()
    ]
    ordered = sorted([*named, *alone], key=lambda dataset: (-dataset.kept.bytes, dataset.name))
    whole = sum(dataset.kept.bytes for dataset in ordered)
    large = [dataset for dataset in ordered if dataset.kept.bytes > LARGE_SHARE * whole]
    return large, ordered[len(large) :]


def source_rows(found: list[Numbered]) -> Iterator[list[str]]:
    """A table's rows on sources, whose columns are SOURCE_COLUMNS."""
    for one in found:
        yield [
            one.located,
            told(one.source.title, one.field("title")),
            told(one.source.url, one.field("url")),
            told(one.source.collected, one.field("collected")),
            f"{one.source.kept.documents:,}",
            f"{one.source.kept.bytes:,}",
        ]


SOURCE_COLUMNS = ("Source", "Name", "Where it can be had", "Collected", "Documents", "Bytes")
SOURCE_NUMBERS = (4, 5)


def unnamed_data(manifest: Manifest) -> list[str]:
    """What is known of data that no source of the recipe names, one sentence each."""
    said = []
    if manifest.pairs:
        pairs = manifest.pairs
        said.append(
            f"The tune learnt from {counted(pairs.training, 'pair')} of a prompt and its answer; "
            f"{pairs.held_out:,} were held out to tell when to stop, and {pairs.test:,} for the final measurement."
        )
        stated = "; ".join(f"{licence(name)}: {counted(n, 'pair')}" for name, n in pairs.licences.items())
        said.append(f"Licences as the files state them: {stated or 'none is stated'}.")
    for folder in manifest.given_tokens:
        said.append(
            f"Token files that were given ({PurePath(folder.folder).name}): {folder.tokens:,} tokens of "
            f"{folder.documents:,} documents. Of these documents nothing else is known here: neither what they are "
            "nor where they are from nor under which licences they stand. octavo's curation did not see them."
        )
    return said


def kept(manifest: Manifest) -> str:
    """The kept documents and what of them was held out, in one sentence."""
    assert manifest.corpus is not None  # asked only where there are documents
    held_out = manifest.corpus.held_out
    rest = f"; {amount(held_out)} of them held out, which no training step saw" if held_out.documents else ""
    return f"{amount(manifest.corpus.kept)}{rest}"
