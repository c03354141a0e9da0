"""Passages of documents, their index on disk, and what a search of it finds."""

from __future__ import annotations

import math
import os
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError, OctavoError
from octavo.progress import Progress, StoppedError
from octavo.tuning.retrieval import index as retrieval_index
from octavo.tuning.retrieval.index import beside, build_index
from octavo.tuning.retrieval.passages import passages, sentences
from octavo.tuning.retrieval.ranking import Ranking
from octavo.tuning.retrieval.search import search
from octavo.tuning.retrieval.words import search_words

TEI = """<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title>Der Friede</title></titleStmt>
<publicationStmt><availability><licence target="https://creativecommons.org/licenses/by/4.0/">CC BY 4.0</licence>
</availability></publicationStmt><sourceDesc><p>none</p></sourceDesc></fileDesc></teiHeader><text><body>
<p>Der Friede ward zu Osnabruͤck geſchloſſen.</p></body></text></TEI>"""


class TestWords:
    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ("geſchloſſen", "geschlossen"),
            ("vnd Jeſus", "und Iesus"),
            ("Cæſar, œuvre", "Caesar oeuvre"),
            ("ﬁſche", "fische"),
            ("Osnabruͤck", "Osnabruck"),
            ("cafe\u0301s", "cafés"),
            ("Ge⸗\nſchichte der Ge-\n  ſchichte", "Geschichte der Geschichte"),
            ("so\u00adgar", "sogar"),
            ("STRASSE", "Straße"),
        ],
    )
    def test_old_and_new_spelling_are_found_by_each_other(self, old: str, new: str) -> None:
        assert search_words(old) == search_words(new)

    def test_numbers_and_the_parts_of_an_elision_are_words(self) -> None:
        assert search_words("L’an 1648, 2–3 fois") == ["l", "an", "1648", "2", "3", "fois"]


TEXT = st.text(st.sampled_from("ab A.!?\n\r\t ſé1"), max_size=300)


class TestPassages:
    @given(TEXT, st.integers(1, 12))
    @case("One two. Three four.\n\nFive", 2)
    @case("word " * 100, 3)
    def test_all_words_are_in_passages_that_do_not_overlap(self, text: str, words: int) -> None:
        spans = passages(text, words)
        assert [word for start, end in spans for word in text[start:end].split()] == text.split()
        assert all(a.end <= b.start for a, b in pairwise(spans))
        for start, end in spans:
            assert text[start:end] == text[start:end].strip()
            assert len(text[start:end].split()) <= 4 * words

    @given(TEXT)
    def test_sentences_hold_all_words(self, text: str) -> None:
        assert [w for start, end in sentences(text) for w in text[start:end].split()] == text.split()

    def test_a_passage_ends_with_a_sentence_or_paragraph(self) -> None:
        text = "One two three. Four five six. Seven eight.\n\nNine ten eleven twelve. Thirteen."
        assert [text[a:b] for a, b in passages(text, 5)] == [
            "One two three. Four five six.",
            "Seven eight.\n\nNine ten eleven twelve.",
            "Thirteen.",
        ]

    def test_a_paragraph_ends_a_passage_that_is_long_enough(self) -> None:
        text = "One two three four.\n\nFive six.\n\nSeven."
        assert next(text[a:b] for a, b in passages(text, 6)) == "One two three four."


class TestRanking:
    texts = ("the king of the old town", "the king", "a queen of the sea", "the the the town", "")

    def test_scores_are_bm25(self) -> None:
        """Against the formula (k1 1.2, b 0.75), as lengths here are short enough for Tantivy to keep exactly."""
        words = [text.split() for text in self.texts]
        mean = sum(map(len, words)) / len(words)

        def score(question: str, text: list[str]) -> float:
            total = 0.0
            for word in question.split():
                frequency, there = Counter(text)[word], sum(word in other for other in words)
                idf = math.log(1 + (len(words) - there + 0.5) / (there + 0.5))
                weight = frequency * 2.2 / (frequency + 1.2 * (0.25 + 0.75 * len(text) / mean))
                total += idf * weight
            return total

        found = Ranking(self.texts, ["x"] * 5).best("king town", 5, ["x"])
        assert [one.place for one in found] == [0, 1, 3]
        for place, value in found:
            assert value == pytest.approx(score("king town", words[place]), abs=2e-4)

    def test_only_texts_of_the_groups_are_found(self) -> None:
        ranking = Ranking(self.texts, ["x", "y", "y", "z", "z"])
        assert {one.place for one in ranking.best("the", 5, ["y", "z"])} == {1, 2, 3}

    def test_equals_come_in_the_order_of_the_texts(self) -> None:
        ranking = Ranking(["same words here"] * 20, ["x"] * 20)
        assert [one.place for one in ranking.best("words", 7, ["x"])] == list(range(7))

    def test_a_question_without_words_finds_nothing(self) -> None:
        assert Ranking(self.texts, ["x"] * 5).best("?!", 5, ["x"]) == []


@pytest.fixture
def library(tmp_path: Path) -> Path:
    home = tmp_path / "library"
    home.mkdir()
    (home / "peace.xml").write_text(TEI)
    (home / "siege.txt").write_text(
        "The siege began in the spring.\n\n" + "The town was burnt and nobody came. " * 60
    )
    (home / "notes.doc").write_text("of no format that is read")
    return home


class TestIndex:
    def test_a_passage_is_found_with_its_document_and_place(self, library: Path, tmp_path: Path) -> None:
        built = build_index(library, tmp_path / "index")
        [found] = search(built.index, "Wo wurde der Friede geschlossen? Osnabrück", 4)
        passage = found.passage
        assert passage.text == "Der Friede ward zu Osnabruͤck geſchloſſen."
        assert (passage.title, passage.licence) == ("Der Friede", "https://creativecommons.org/licenses/by/4.0/")
        assert passage.file.endswith("peace.xml")
        assert [Path(name).name for name in built.skipped] == ["notes.doc"]

    def test_offsets_are_those_of_the_document(self, library: Path, tmp_path: Path) -> None:
        found = search(build_index(library, tmp_path / "index").index, "town burnt", 100)
        text = (library / "siege.txt").read_text()
        assert len(found) > 2
        assert all(text[p.start : p.end] == p.text for p, _ in found)

    def test_only_what_has_changed_is_read_again(self, library: Path, tmp_path: Path) -> None:
        home = tmp_path / "index"
        assert len(build_index(library, home).read) == 2
        assert build_index(library, home).read == []
        (library / "siege.txt").write_text("No siege, but a flood.")
        (library / "new.md").write_text("# Flood\n\nThe flood came at night.")
        (library / "peace.xml").unlink()
        built = build_index(library, home)
        assert sorted(Path(name).name for name in built.read) == ["new.md", "siege.txt"]
        assert [Path(name).name for name in built.gone] == ["peace.xml"]
        assert search(built.index, "town Friede", 5) == []
        assert len(search(built.index, "flood", 5)) == 2

    def test_a_file_that_was_only_touched_is_not_read_again(self, library: Path, tmp_path: Path) -> None:
        build_index(library, tmp_path / "index")
        os.utime(library / "siege.txt", (0, 0))
        assert build_index(library, tmp_path / "index").read == []

    def test_a_build_that_was_stopped_goes_on_without_doubling(
        self, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retrieval_index, "COMMIT_BYTES", 1)
        asked = iter([False, True])
        with pytest.raises(StoppedError):
            build_index(library, tmp_path / "index", Progress(stopping=lambda: next(asked)))
        built = build_index(library, tmp_path / "index")
        assert [Path(name).name for name in built.read] == ["siege.txt"]
        whole = build_index(library, tmp_path / "other")
        assert search(built.index, "siege town Friede", 50) == search(whole.index, "siege town Friede", 50)

    def test_files_that_the_list_has_forgotten_are_replaced(self, library: Path, tmp_path: Path) -> None:
        """As after a crash between the index's writing and the list's."""
        home = tmp_path / "index"
        before = search(build_index(library, home).index, "siege", 50)
        (home / "files.json").write_text('{"version": 1, "files": {}}')
        assert len(search(build_index(library, home).index, "siege", 50)) == len(before) == 1

    def test_an_index_of_another_version_is_made_anew(self, library: Path, tmp_path: Path) -> None:
        home = tmp_path / "index"
        build_index(library, home)
        (home / "files.json").write_text('{"version": 0, "files": {}}')
        built = build_index(library, home)
        assert len(built.read) == 2
        assert len(search(built.index, "siege", 50)) == 1

    def test_a_file_that_cannot_be_read_is_told_and_hides_no_other(self, library: Path, tmp_path: Path) -> None:
        (library / "broken.parquet").write_bytes(b"PAR1 no")
        (library / "broken.txt").write_bytes(b"\xff\xfe\xfa")
        built = build_index(library, tmp_path / "index")
        broken = {Path(name).name: file.unreadable for name, file in built.files.items() if file.unreadable}
        assert broken.keys() == {"broken.parquet", "broken.txt"}
        assert search(built.index, "siege", 1)

    def test_a_folder_with_something_else_in_it_is_left_alone(self, library: Path) -> None:
        with pytest.raises(InputError, match="expected an empty folder or an index"):
            build_index(library, library)
        assert len(list(library.iterdir())) == 3

    @pytest.mark.parametrize("content", ['{"mine": [1, 2]}', "[]", "no JSON", '{"version": "1", "files": {}}'])
    def test_anothers_folder_is_left_alone_whatever_its_files_are_called(
        self, library: Path, tmp_path: Path, content: str
    ) -> None:
        home = tmp_path / "site"
        (home / "passages").mkdir(parents=True)
        (home / "files.json").write_text(content)
        (home / "passages" / "precious.txt").write_text("mine")
        with pytest.raises(InputError, match="expected an empty folder or an index"):
            build_index(library, home)
        assert (home / "files.json").read_text() == content
        assert (home / "passages" / "precious.txt").read_text() == "mine"

    def test_no_documents_are_an_error_and_nothing_is_written(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="found nothing there"):
            build_index(tmp_path / "missing", tmp_path / "index")
        assert not (tmp_path / "index").exists()

    def test_two_writers_at_once_are_an_error(
        self, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        home = tmp_path / "index"
        monkeypatch.setattr(retrieval_index, "COMMIT_BYTES", 10**9)

        def second() -> bool:
            with pytest.raises(OctavoError, match="another process"):
                build_index(library, home)
            return False

        build_index(library, home, Progress(stopping=second))
        assert len(search(build_index(library, home).index, "siege", 50)) == 1

    def test_the_usual_place_is_beside_the_documents(self, tmp_path: Path) -> None:
        assert beside(tmp_path / "letters") == tmp_path / "letters.index"
