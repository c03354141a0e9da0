import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.openings import Document, beginnings, draw, opening_sentence, read_documents, sentences
from tests.evaluation.writers import untrained

DOCUMENTS = st.lists(
    st.builds(
        lambda work, section, lang: (f"{work}#{section}", work, lang),
        st.sampled_from("abcdefgh"),
        st.integers(0, 3),
        st.sampled_from(["en", "fr"]),
    ),
    unique=True,
    max_size=30,
).map(lambda rows: [Document(*row, "text") for row in rows])


def test_only_held_out_documents_in_the_languages_are_read(tmp_path):
    rows = [
        ("b#1", "fr", "held-out", "deux"),
        ("a", "en", "train", "one"),
        ("a2", "en", "held-out", "two"),
        ("c", "la", "held-out", "tres"),
    ]
    table = pa.table(
        dict(zip(("identifier", "lang", "split", "text"), map(list, zip(*rows, strict=True)), strict=True))
    )
    pq.write_table(table, tmp_path / "part.parquet")
    assert read_documents(tmp_path, ["en", "fr"]) == [
        Document("b#1", "b", "fr", "deux"),
        Document("a2", "a2", "en", "two"),
    ]
    assert read_documents(tmp_path / "nowhere", ["en"]) == []


@given(DOCUMENTS, st.integers(0, 5), st.integers(0, 3), st.randoms())
def test_works_are_drawn_by_seed_once_each_whatever_the_order(documents, count, seed, random):
    found = draw(documents, count, seed, lambda document: document.id)
    mixed = random.sample(documents, len(documents))
    assert draw(mixed, count, seed, lambda document: document.id) == found
    drawn = [(document.lang, document.work) for document, _ in found]
    assert len(set(drawn)) == len(drawn)
    for lang in ("en", "fr"):
        works = {document.work for document in documents if document.lang == lang}
        assert sum(d[0] == lang for d in drawn) == min(count, len(works))
    more = draw(documents, count + 1, seed, lambda document: document.id)
    assert {d.id for d, _ in found} <= {d.id for d, _ in more}


def test_another_seed_draws_others():
    documents = [Document(f"w{n}", f"w{n}", "en", "") for n in range(40)]
    drawn = [{d.id for d, _ in draw(documents, 10, seed, lambda d: d.id)} for seed in (1, 2)]
    assert drawn[0] != drawn[1]


def test_a_document_that_gives_none_is_passed_over():
    documents = [Document(f"w{n}#{s}", f"w{n}", "en", "") for n in range(4) for s in range(3)]
    found = draw(documents, 9, 1, lambda d: "yes" if d.id.endswith("2") else None)
    assert sorted(d.id for d, _ in found) == ["w0#2", "w1#2", "w2#2", "w3#2"]


def test_the_opening_sentence_ends_before_the_next_begins():
    text = "It was a dark night in v. 2 of the book. Then it rained. And so on."
    assert opening_sentence(Document("", "", "en", text)) == "It was a dark night in v. 2 of the book."
    assert opening_sentence(Document("", "", "de", "Ja. Nein, er kam am Abend heim! »Wie« fragt er.")) == (
        "Ja. Nein, er kam am Abend heim!"
    )
    assert opening_sentence(Document("", "", "en", "No end " * 200)) is None


def test_prompt_and_truth_are_one_stretch_of_the_text():
    speaker = untrained(256)
    document = Document("w", "w", "fr", "Il était une fois un roi. Il avait une fille, très belle. " * 5)
    [sentence] = sentences(speaker, [document], 3, 1, 20)
    [piece] = beginnings(speaker, [document], 3, 1, 16, 20)
    assert "".join(speaker.decode([sentence.prompt, sentence.truth])) == document.text[:45]
    assert len(piece.prompt) == 16
    assert len(piece.truth) == 20
    assert speaker.decode([piece.prompt + piece.truth]) == [document.text.encode()[:36].decode()]
    assert beginnings(speaker, [document], 3, 1, 250, 200) == []
