"""A text is marked while it is written as it is marked when it is whole."""

import random
import re

import pyarrow.parquet as pq
import pytest

from octavo.progress import Progress
from octavo.tracing.index.building import build_index
from octavo.tracing.index.reading import open_index
from octavo.tracing.marking import marked
from octavo.tracing.trace import trace
from tests.conftest import small_recipe


@pytest.fixture(scope="module")
def index(small_run, tmp_path_factory):
    home = tmp_path_factory.mktemp("trace")
    build_index(small_recipe(), small_run, home, Progress())
    return open_index(home)


@pytest.fixture(scope="module")
def texts(small_run):
    kept = [pq.read_table(part) for part in sorted((small_run / "corpus" / "kept").glob("*.parquet"))]
    return [text for table in kept for text in table["text"].to_pylist()]


def in_pieces(text, draw):
    while text:
        size = draw.randrange(1, 9)
        yield text[:size]
        text = text[size:]


@pytest.mark.parametrize("seed", range(30))
def test_the_pieces_make_the_text_and_what_is_marked_is_what_is_traced(index, texts, seed):
    draw = random.Random(seed)
    parts = []
    for _ in range(5):
        words = re.split(r"(?<= )", draw.choice(texts))
        at = draw.randrange(len(words))
        parts.append("".join(words[at : at + draw.randrange(1, 14)]))
    text = "".join(parts) + draw.choice(["", " ", "\n", " end"])
    told = list(marked(index, in_pieces(text, draw)))
    assert "".join(piece.text for piece in told) == text
    found = [piece.found for piece in told for _ in piece.text]
    expected = [False] * len(text)
    for span in trace(index, text).spans:
        expected[span.start : span.end] = [True] * (span.end - span.start)
    assert found == expected
    assert any(expected)


def test_what_is_sure_is_told_at_once_and_the_rest_some_words_later(index, texts):
    passage = " ".join(texts[0].split()[5:40])
    told = ""
    written = ""

    def pieces():
        nonlocal written
        for piece in re.split(r"(?<= )", "Quux blorp zyx. " + passage):
            assert len(written.split()) - len(told.split()) < 8
            written += piece
            yield piece

    for piece in marked(index, pieces()):
        told += piece.text
