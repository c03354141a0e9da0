"""BM25 over texts in memory (Robertson and Zaragoza, 2009), by Tantivy, which also keeps the index on disk."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from octavo.errors import InputError
from octavo.tuning.retrieval.words import search_words

if TYPE_CHECKING:
    import tantivy

HEAP_BYTES: Final = 64 * 1024**2
"""Of words that wait to be written."""
WORDS, GROUP, PLACE = "words", "group", "place"
_MORE: Final = 32
"""Looked at past those that are wanted, so that equals come in the order of the texts."""


class Ranked(NamedTuple):
    """A text by its place among all, and its score."""

    place: int
    score: float


def check_installed() -> None:
    """Raise InputError where the package that searches is missing."""
    try:
        import tantivy  # noqa: F401
    except ImportError:
        raise InputError(
            "search: found no package tantivy, expected it to search sources: "
            "pip install '.[tasks]' in octavo's checkout"
        ) from None


def scored_words(schema: tantivy.Schema, question: str) -> list[tuple[tantivy.Occur, tantivy.Query]]:
    """A question as a search for any of its words."""
    import tantivy

    return [
        (tantivy.Occur.Should, tantivy.Query.term_query(schema, WORDS, word, "freq"))
        for word in dict.fromkeys(search_words(question))
    ]


class Ranking:
    """Texts, each of a group, that are searched by their words."""

    def __init__(self, texts: Sequence[str], groups: Sequence[str]) -> None:
        check_installed()
        import tantivy

        builder = tantivy.SchemaBuilder()
        builder.add_text_field(WORDS, tokenizer_name="whitespace", index_option="freq")
        builder.add_text_field(GROUP, tokenizer_name="raw", index_option="basic")
        builder.add_unsigned_field(PLACE, stored=True)
        self._schema = builder.build()
        index = tantivy.Index(self._schema)
        writer = index.writer(HEAP_BYTES, num_threads=1)
        for place, (text, group) in enumerate(zip(texts, groups, strict=True)):
            content = {WORDS: " ".join(search_words(text)), GROUP: group, PLACE: place}
            writer.add_document(tantivy.Document.from_dict(content, self._schema))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()
        self._searcher = index.searcher()

    def best(self, question: str, count: int, groups: Collection[str]) -> list[Ranked]:
        """The texts of the groups that have words of the question, the best first, equals in their order.

        How rare a word is, is told by all texts, of whatever group.
        """
        import tantivy

        words = scored_words(self._schema, question)
        if not words:
            return []
        among = [
            (tantivy.Occur.Should, tantivy.Query.term_query(self._schema, GROUP, g, "basic"))
            for g in sorted(groups)
        ]
        within = tantivy.Query.const_score_query(tantivy.Query.boolean_query(among), 0.0)
        query = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, tantivy.Query.boolean_query(words)), (tantivy.Occur.Must, within)]
        )
        hits = self._searcher.search(query, count + _MORE, count=False).hits
        found = [Ranked(self._searcher.doc(at).to_dict()[PLACE][0], round(float(s), 4)) for s, at in hits]
        return sorted(found, key=lambda one: (-one.score, one.place))[:count]
