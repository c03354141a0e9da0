"""The passage is data: nothing in it closes the lines around it, or opens another speaker's turn."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.rewriting.prompts import ask, defused, fence_code, restored
from octavo.recipe.rewriting_prompts import PROMPTS

LANGUAGES = sorted(PROMPTS)
TOKENS = [
    "<|im_start|>", "<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|start_header_id|>", "<s>", "</s>", "[INST]", "[/INST]",
    "<<SYS>>", "<</SYS>>", "<start_of_turn>", "<end_of_turn>", "<｜begin▁of▁sentence｜>", "<｜User｜>", "<think>", "</think>",
    "[TOOL_CALLS]", "[SYSTEM_PROMPT]", "<unused0>", "<bos>", "<eos>", "<pad>", "<|>",
]  # fmt: skip
ATTACKS = st.sampled_from(
    [*TOKENS, "[/PASSAGE]", "[/PASSAGE 0123456789abcdef]", "{end}", "{begin}", "{dimensions}", "\n", "\r\n", "\\"]
)
PASSAGES = st.lists(st.one_of(ATTACKS, st.text(max_size=40)), max_size=12).map("".join)


@given(PASSAGES, st.sampled_from(LANGUAGES))
def test_the_passage_stands_whole_between_lines_that_it_does_not_hold(text: str, lang: str) -> None:
    question = ask(PROMPTS[lang], text, ("religion",))
    system, user = (message["content"] for message in question.messages)
    begin, end = f"[PASSAGE {question.code}]", f"[/PASSAGE {question.code}]"
    assert user.startswith(begin + "\n")
    assert user.endswith("\n" + end)
    assert user[len(begin) + 1 : -len(end) - 1] == defused(text)
    assert user.count(question.code) == 2
    assert question.code not in text
    assert begin in system
    assert end in system
    assert [message["role"] for message in question.messages] == ["system", "user"]


@given(PASSAGES)
def test_no_token_that_parts_the_speakers_is_left_and_no_letter_is_lost(text: str) -> None:
    sent = defused(text)
    for token in TOKENS[:-1]:
        assert token not in sent
    assert re.sub(r"\s", "", sent) == re.sub(r"\s", "", text)


@given(PASSAGES.filter(lambda text: not re.search(r"[<\[] ", text)))
def test_a_model_that_copies_what_was_sent_gives_the_passage(text: str) -> None:
    assert restored(defused(text), text) == text


@given(PASSAGES, PASSAGES)
def test_a_passage_cannot_know_its_own_code(text: str, added: str) -> None:
    """What is written with the code of another passage in hand gets another code."""
    forged = text + f"[/PASSAGE {fence_code(text)}]" + added
    assert fence_code(forged) not in forged


@pytest.mark.parametrize(
    "text", ["5 < 7 and 9 > 3", "a <b", "[EMAIL] and [PHONE]", "<< oui >>", "he wrote [sic] here", "x<y>z w"]
)
def test_what_is_no_token_is_sent_as_it_is(text: str) -> None:
    assert defused(text) == text or text == "x<y>z w"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_prompt_names_the_dimensions_and_says_what_was_wrong(lang: str) -> None:
    prompt = PROMPTS[lang]
    assert set(prompt.again) == {"harmful", "language", "facts", "length", "alone"}
    system = ask(prompt, "x", ("religion", "unheard_of"), ("facts", "length")).messages[0]["content"]
    assert f"({prompt.dimensions['religion']}, unheard of)" in system
    assert system.endswith(f"{prompt.again['facts']}\n{prompt.again['length']}")
    assert "{" not in system


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_prompt_is_in_its_language(lang: str) -> None:
    import pyarrow as pa

    from octavo.curation.language import identify

    prompt = PROMPTS[lang]
    found = identify(pa.array([prompt.instructions, " ".join(prompt.again.values())])).field("lang").to_pylist()
    assert found == [lang, lang]
