"""Texts in the tokens of words, and spelt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models

from octavo.errors import InputError
from octavo.tokenization.entries import SPECIAL_ENTRIES
from octavo.tuning.vocabulary import task_vocabulary
from tests.tuning.ocr.stand_ins import VOCABULARY


@given(st.lists(st.text(max_size=20)))
def test_spelt_texts_are_read_back_and_no_token_has_two_characters(texts):
    spelt = VOCABULARY.spell(texts)
    assert [VOCABULARY.decode(tokens) for tokens in spelt] == texts
    assert [len(tokens) for tokens in spelt] == [sum(map(len, map(VOCABULARY.spelling, text))) for text in texts]
    for tokens, text in zip(spelt, texts, strict=True):
        assert len(text) <= len(tokens) <= len(text.encode())


def sentencepiece(*entries):
    """A vocabulary as Llama 2 has it."""
    names = [*SPECIAL_ENTRIES, *(f"<0x{byte:02X}>" for byte in range(256)), *entries]
    tokenizer = Tokenizer(models.BPE({name: n for n, name in enumerate(names)}, [], byte_fallback=True))
    tokenizer.add_special_tokens(list(SPECIAL_ENTRIES))
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    return task_vocabulary(tokenizer, "test")


def test_characters_come_before_bytes_in_sentencepiece_vocabularies():
    vocabulary = sentencepiece("▁", "a", "▁a", "ſ")
    tokens = vocabulary.spell(["a ſé"])[0]
    ids = vocabulary.tokenizer.token_to_id
    assert tokens == [ids("a"), ids("▁"), ids("ſ"), ids("<0xC3>"), ids("<0xA9>")]
    assert vocabulary.decode(tokens) == "a ſé"


def test_a_vocabulary_without_bytes_tells_what_it_lacks():
    names = [*SPECIAL_ENTRIES, "a"]
    tokenizer = Tokenizer(models.BPE({name: n for n, name in enumerate(names)}, []))
    tokenizer.add_special_tokens(list(SPECIAL_ENTRIES))
    with pytest.raises(InputError, match="no entry for 'é', nor for its byte 0xC3"):
        task_vocabulary(tokenizer, "test").spell(["aé"])
