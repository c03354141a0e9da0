"""Documents that are translations of one another are aligned, and pairs are made of what surely belongs together."""

from __future__ import annotations

from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.progress import Progress
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.parallel_alignment import align
from octavo.tuning.translation.parallel_documents import read_texts
from octavo.tuning.translation.parallel_lexicon import Lexicon, learn_lexicon, stem, word_by_word
from octavo.tuning.translation.parallel_table import Matched, read_table
from octavo.tuning.translation.parallel_texts import ALONE, align_texts, make_pairs

GERMAN = [
    "Der alte Wärter Johannes stieg jeden Abend die 199 Stufen des Turmes hinauf.",
    "Im Winter 1847 fror das Meer bis zur Insel Westerland zu.",
    "Niemand im Dorf konnte sich an eine solche Kälte erinnern.",
    "Die Fischer zogen ihre Boote an Land und warteten.",
    "Am 3. Februar kam ein Brief aus Hamburg.",
    "Darin stand, dass Kapitän Petersen mit seinem Schiff vermisst wurde.",
    "Seine Frau Margarethe las den Brief zweimal und legte ihn dann in die Schublade.",
    "Johannes zündete von da an zwei Lampen an.",
]
ENGLISH = [
    "Every evening the old keeper Johannes climbed the 199 steps of the tower.",
    "In the winter of 1847 the sea froze as far as the island of Westerland.",
    "Nobody in the village could remember such a cold.",
    "The fishermen pulled their boats ashore and waited.",
    "On 3 February a letter came from Hamburg.",
    "It said that Captain Petersen and his ship were missing.",
    "His wife Margarethe read the letter twice and then put it into the drawer.",
    "From that day Johannes lit two lamps.",
]
EXTRA = (
    "Von alledem steht in der anderen Fassung kein einziges Wort, denn der Setzer hatte diesen langen Satz, der sich "
    "ohnehin nur an die Leser im eigenen Lande richtete, mit voller Absicht und nach langem Zögern weggelassen."
)
KNOWN = {
    "Wärter": "keeper",
    "Stufen": "steps",
    "Turmes": "tower",
    "Meer": "sea",
    "Insel": "island",
    "Dorf": "village",
    "Kälte": "cold",
    "Fischer": "fishermen",
    "Boote": "boats",
    "warteten": "waited",
    "Brief": "letter",
    "Schiff": "ship",
    "vermisst": "missing",
    "Frau": "wife",
    "zweimal": "twice",
    "zwei": "two",
    "Lampen": "lamps",
}
LEXICON = Lexicon(
    {stem(german): {stem(english): 0.8} for german, english in KNOWN.items()},
    {stem(english): english for english in KNOWN.values()},
)
ROW = Matched("de.txt", "en.txt", "de", "en", "table.csv: line 2")


def beads(
    sources: list[str], targets: list[str], lexicon: Lexicon | None = None
) -> list[tuple[int, int, int, int]]:
    return [bead[:4] for bead in align(sources, targets, lexicon)]


def test_a_translation_is_aligned_sentence_by_sentence() -> None:
    assert beads(GERMAN, ENGLISH) == [(n, n + 1, n, n + 1) for n in range(8)]


def test_two_sentences_may_be_one() -> None:
    joined = [*ENGLISH[:2], f"{ENGLISH[2][:-1]}, and {ENGLISH[3]}", *ENGLISH[4:]]
    assert beads(GERMAN, joined)[2] == (2, 4, 2, 3)
    assert beads(joined, GERMAN)[2] == (2, 3, 2, 4)


def test_what_one_side_lacks_stays_alone() -> None:
    more = [*GERMAN[:5], EXTRA, *GERMAN[5:]]
    assert (5, 6, 5, 5) in beads(more, ENGLISH, LEXICON)
    assert [bead for bead in beads(more, ENGLISH, LEXICON) if bead[1] <= 5] == [
        (n, n + 1, n, n + 1) for n in range(5)
    ]


def test_a_text_against_nothing_is_alone() -> None:
    assert beads(GERMAN[:2], []) == [(0, 1, 0, 0), (1, 2, 0, 0)]
    assert beads([], ENGLISH[:1]) == [(0, 0, 0, 1)]


@given(st.lists(st.text(max_size=30), max_size=12), st.lists(st.text(max_size=300), max_size=60))
@settings(max_examples=50)
def test_every_unit_is_in_exactly_one_bead_in_order(sources: list[str], targets: list[str]) -> None:
    found = align(sources, targets)
    assert [n for bead in found for n in range(bead.source, bead.source_end)] == list(range(len(sources)))
    assert [n for bead in found for n in range(bead.target, bead.target_end)] == list(range(len(targets)))
    assert all(0 <= bead.score <= 1 for bead in found)


def test_one_unit_as_long_as_many_is_borne() -> None:
    found = align(["a " * 50, "word " * 5000, "b " * 50], [f"line {n} of them" for n in range(500)])
    assert found[-1].target_end == 500


def test_the_probabilities_are_those_of_all_alignments() -> None:
    """For two units each, against a sum over all alignments written out by hand."""
    import math

    from octavo.tuning.translation import parallel_alignment as alignment

    sources, targets = ["Haus und Hof.", "Dorf."], ["House and yard.", "Village."]
    lengths = [float(len(text)) for text in sources]
    others = [float(len(text)) for text in targets]
    ratio = sum(others) / sum(lengths)

    def weight(row: int, rows: int, unit: int, units: int) -> float:
        kind = alignment._BEADS.tolist().index([rows, units])
        mine, its = sum(lengths[row : row + rows]), sum(others[unit : unit + units])
        mean = (mine + its / ratio) / 2
        deviation = math.sqrt(alignment._VARIANCE * mean + (alignment._FREEDOM * mean) ** 2)
        cost = -math.log(max(math.erfc(abs(its / ratio - mine) / deviation / math.sqrt(2)), 1e-12))
        if not rows or not units:
            cost = min(alignment._ALONE, cost)
        words = sum(len(text.split()) for text in targets[unit : unit + units]) if rows else 0
        return float(alignment._PRIORS[kind]) - cost + words * math.log(alignment._UNKNOWN)

    def paths(row: int, unit: int) -> list[tuple[list[tuple[int, int, int, int]], float]]:
        if (row, unit) == (2, 2):
            return [([], 0.0)]
        return [
            ([(row, row + rows, unit, unit + units), *rest], weight(row, rows, unit, units) + value)
            for rows, units in alignment._BEADS
            if row + rows <= 2 and unit + units <= 2
            for rest, value in paths(row + rows, unit + units)
        ]

    every = paths(0, 0)
    whole = sum(math.exp(value) for _, value in every)
    best, _ = max(every, key=lambda path: path[1])
    found = align(sources, targets)
    assert [bead[:4] for bead in found] == best
    for bead in found:
        expected = sum(math.exp(value) for path, value in every if bead[:4] in path) / whole
        assert bead.score == pytest.approx(expected, abs=1e-4)


def test_a_lexicon_is_learnt_and_used() -> None:
    nouns = {"hund": "dog", "katze": "cat", "vogel": "bird", "fisch": "fish"}
    verbs = {"sieht": "sees", "hört": "hears", "sucht": "seeks"}
    told = [
        (f"der {a} {verb} den {b}", f"the {nouns[a]} {verbs[verb]} the {nouns[b]}")
        for a in nouns
        for verb in verbs
        for b in nouns
        if a != b
    ]
    lexicon = learn_lexicon([source for source, _ in told], [target for _, target in told])
    for german, english in nouns.items():
        likely = lexicon.translations[stem(german)]
        assert max(likely, key=lambda one: likely[one]) == stem(english)
    assert word_by_word(lexicon, "Der Hund sieht 2 Kamele.") == "The Dog sees 2 Kamele."


def test_a_lexicon_tells_what_lengths_do_not() -> None:
    """All sentences are of one length, and one of the source has no translation: which, words alone tell."""
    sources = [f"{word} " * 8 for word in ("hund", "frau", "berg", "haus", "mond")]
    targets = [f"{word} " * 8 for word in ("aaaa", "bbbb", "cccc", "dddd")]

    def told(*german: str) -> Lexicon:
        return Lexicon({one: {target[:4]: 0.9} for one, target in zip(german, targets, strict=True)}, {})

    third_is_missing = beads(sources, targets, told("hund", "frau", "haus", "mond"))
    assert third_is_missing[-2:] == [(3, 4, 2, 3), (4, 5, 3, 4)]
    last_is_missing = beads(sources, targets, told("hund", "frau", "berg", "haus"))
    assert last_is_missing[:3] == [(0, 1, 0, 1), (1, 2, 1, 2), (2, 3, 2, 3)]


def test_inflected_and_old_forms_share_a_stem() -> None:
    assert stem("Virumque") == stem("uirum")[:5] + stem("Virumque")[5:]
    assert stem("Caesaris") == stem("Caesar")
    assert stem("Städte") == stem("ſtadte")
    assert stem("18471") == "18471"


def texts(*parts: list[list[str]]) -> list[str]:
    return ["\n\n".join(" ".join(paragraph) for paragraph in part) for part in parts]


def test_paragraphs_are_aligned_and_then_their_sentences() -> None:
    german, english = texts(
        [GERMAN[:2], GERMAN[2:4], GERMAN[4:6], GERMAN[6:]], [ENGLISH[:2], ENGLISH[2:4], ENGLISH[4:6], ENGLISH[6:]]
    )
    found = align_texts(german, english, "paragraph")
    assert [passages.level for passages in found] == ["paragraph"] * 4
    sentences = align_texts(german, english, "sentence")
    assert [passages.source for passages in sentences] == [[sentence] for sentence in GERMAN]
    assert [passages.target for passages in sentences] == [[sentence] for sentence in ENGLISH]


def test_where_the_paragraphs_do_not_belong_together_sentences_are_aligned() -> None:
    german, english = texts([[sentence] for sentence in GERMAN], [ENGLISH])
    found = align_texts(german, english, "paragraph")
    assert {passages.level for passages in found} == {"sentence"}
    assert [passages.target for passages in found] == [[sentence] for sentence in ENGLISH]


def test_pairs_have_their_place_and_what_is_alone_is_kept_aside() -> None:
    known = [TranslationPair("k", "k", "de", "en", *words) for words in KNOWN.items()] * 5
    german, english = texts([[*GERMAN[:5], EXTRA, *GERMAN[5:]]], [ENGLISH])
    made = make_pairs([ROW], {"de.txt": german, "en.txt": english}, "sentence", Progress(), known)
    assert (ALONE, f"de: {EXTRA[:80]!r}") in [(left.reason, left.evidence) for left in made.left_out]
    assert {(pair.source, pair.target) for pair in made.pairs} <= set(zip(GERMAN, ENGLISH, strict=True))
    assert len(made.pairs) >= 4
    assert {(pair.doc, pair.level) for pair in made.pairs} == {("de.txt", "sentence")}
    assert [pair.place for pair in made.pairs if pair.source in GERMAN[:5]] == [
        GERMAN.index(pair.source) for pair in made.pairs if pair.source in GERMAN[:5]
    ]


def test_all_translations_of_a_work_are_one_document() -> None:
    rows = [ROW, ROW._replace(source="fr.txt", src_lang="fr"), ROW._replace(source="x.txt", target="y.txt")]
    some = {name: " ".join(GERMAN) for name in ("de.txt", "en.txt", "fr.txt", "x.txt", "y.txt")}
    made = make_pairs(rows, some, "sentence", Progress())
    docs = {pair.id.split("-")[0]: pair.doc for pair in made.pairs}
    assert docs["de.txt"] == docs["fr.txt"] != docs["x.txt"]


def test_a_document_without_text_is_told() -> None:
    with pytest.raises(InputError, match=r"line 2: target: en.txt: found an empty document"):
        make_pairs([ROW], {"de.txt": "Ja.", "en.txt": " "}, "sentence", Progress())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tgt_lang": "de"}, r"line 1: tgt_lang: found \"de\", expected another language"),
        ({"source": ""}, r"line 1: source: found \"\", expected the identifier or path"),
        ({"src_lang": "german"}, r"line 1: src_lang: found \"german\", expected one of"),
        ({"target": "de.txt"}, r"line 1: target: found \"de.txt\", expected another document"),
    ],
)
def test_a_wrong_table_is_told_with_its_place(tmp_path: Path, change: dict[str, str], message: str) -> None:
    file = tmp_path / "table.jsonl"
    row = {"source": "de.txt", "target": "en.txt", "src_lang": "de", "tgt_lang": "en"}
    file.write_bytes(orjson.dumps({**row, **change}))
    with pytest.raises(InputError, match=message):
        read_table(file)
    file.write_bytes(orjson.dumps(row) + b"\n" + orjson.dumps(row))
    with pytest.raises(InputError, match=r"line 2: source, target: found de.txt with en.txt again"):
        read_table(file)


def test_texts_are_found_by_identifier_or_path(tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text("source,target,src_lang,tgt_lang\nbook-1,en.md,de,en\n")
    (tmp_path / "en.md").write_text("# Title\n\nSome *text*.\n")
    rows = [{"identifier": "book-1", "text": "Ein Text."}, {"identifier": "book-2", "text": "Ein anderer."}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "books.parquet")
    table = read_table(tmp_path / "table.csv")
    found = read_texts(table, tmp_path, [tmp_path / "books.parquet"])
    assert found == {"book-1": "Ein Text.", "en.md": "Title\n\nSome text."}
    with pytest.raises(InputError, match=r"table.csv: line 2: source: found no document or file .*book-1"):
        read_texts(table, tmp_path)
