"""The passages of a folder's documents that a question is likely answered by: BM25 over an index on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import orjson

from octavo.tuning.retrieval.ranking import scored_words

if TYPE_CHECKING:
    import tantivy

ROW: Final = "row"
_MORE: Final = 32


class Passage(NamedTuple):
    """A stretch of a document, and where it stands."""

    text: str
    file: str
    document: str
    """The document's identifier."""
    title: str | None
    licence: str | None
    """As the document states it; None where it states none."""
    start: int
    """The place of its first character in the document's text, as octavo reads it."""
    end: int


class Found(NamedTuple):
    """A passage, and how well it fits the question."""

    passage: Passage
    score: float


class Index(NamedTuple):
    """An index of passages, open to be searched."""

    schema: tantivy.Schema
    searcher: tantivy.Searcher


def search(index: Index, question: str, count: int) -> list[Found]:
    """The passages that have words of the question, the best first; equals by file and place."""
    import tantivy

    words = scored_words(index.schema, question)
    if not words:
        return []
    hits = index.searcher.search(tantivy.Query.boolean_query(words), count + _MORE, count=False).hits
    found = [
        Found(Passage(*orjson.loads(bytes(index.searcher.doc(at).to_dict()[ROW][0]))), round(float(score), 4))
        for score, at in hits
    ]
    found.sort(key=lambda one: (-one.score, one.passage.file, one.passage.document, one.passage.start))
    return found[:count]
