"""What tokens are called and what they stand for, in vocabularies of both kinds."""

import pytest
from gguf import GGUFReader

from octavo.evaluation.verbatim import entry_bytes
from octavo.inference.server.prompt_logprobs import as_given
from octavo.inference.server.vocabulary import Vocabulary, label_of, read_vocabulary
from octavo.modeling.decoding import Piece
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import bytes_of_entry


def test_bytes_within_a_character_are_spelled_out():
    assert label_of("é".encode()) == "é"
    assert label_of("é".encode()[:1]) == "bytes:\\xc3"
    assert label_of(b"a\xe2\x80") == "bytes:\\x61\\xe2\\x80"


@pytest.mark.parametrize(
    ("entry", "byte_level", "stands_for"),
    [
        ("Ġthe", True, b" the"),
        ("Ã©", True, "é".encode()),
        (
            "日",
            True,
            "日".encode(),
        ),  # no letter of a byte: some files have such entries, which stand for themselves
        ("▁the", False, b" the"),
        ("<0x0A>", False, b"\n"),
        ("<0x0a>", False, b"<0x0a>"),
    ],
)
def test_entries_stand_for_bytes(entry, byte_level, stands_for):
    assert bytes_of_entry(entry, byte_level) == stands_for


def test_a_file_and_a_tokenizer_tell_the_same_of_their_entries(small_run):
    file = small_run / "release/gguf/small-F32.gguf"
    vocabulary = read_vocabulary(GGUFReader(file), file)
    of_tokenizer = entry_bytes(load_tokenizer(small_run / "release/tokenizer.json"))
    assert [entry or b"\xff" for entry in vocabulary.entries] == of_tokenizer


@pytest.mark.parametrize(
    ("texts", "given"), [(["", " The", " sea"], "The sea"), ([" The", " sea"], "The sea"), (["", " A"], " A")]
)
def test_what_is_read_before_a_text_is_none_of_its_pieces(texts, given):
    pieces = [Piece(number if text else 0, text) for number, text in enumerate(texts, 1)]
    found = as_given(pieces, given, Vocabulary([b""], {0: "<s>"}))
    assert "".join(piece.text for piece in found) == given
    assert 0 not in [piece.token for piece in found]
