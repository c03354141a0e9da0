"""Texts are translated paragraph by paragraph, and come back whole whatever a model writes."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from octavo.evaluation.speaker import Speaker
from octavo.modeling.llama import Llama, LlamaConfig
from octavo.progress import Progress
from octavo.tuning.markup import bare, joined, marked, split_paragraphs
from octavo.tuning.translation.format import (
    BEFORE,
    TOGETHER,
    examples,
    prompts,
    read_answer,
)
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.pieces import cut
from octavo.tuning.translation.translating import (
    CUT,
    EMPTY,
    LANGUAGE,
    LOOPED,
    MARKUP,
    NOT_TRANSLATED,
    Translation,
    answer_limit,
    translate,
)
from tests.tuning.translation.translators import VOCABULARY, Stand, asked

MARKUP_TEXT = """# The Lighthouse

1. It was *dark* and late.
   The keeper had [a lamp](https://example.org/lamp_(old)).

- first item
- second item

> Quoted words.

---

```
code stays
```
§ 12 The end.
"""

LINES = ["# a", "b c.", "- d", "1. e", "> f", "---", "```", "", "g *h* [i](j)", "\t~~~", "###", "k", "l"]
in_lines = st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)
wild = st.text(alphabet=st.sampled_from("abC .!\n\n#*-_>`[]()19.§\t~"), max_size=120) | st.text(max_size=40)
tokens = st.lists(st.integers(0, VOCABULARY.tokenizer.get_vocab_size() - 1))


def check_paragraphs(text: str, written: list[str] | list[str | list[int]], knows: bool) -> None:
    turn = iter(written * 1000)
    found = one(Stand(lambda source: next(turn), context=128), text, knows_neighbours=knows)
    before, after = (split_paragraphs(one_text) for one_text in (text, found.text))
    assert len(before[0]) == len(after[0])
    assert [p.body for p in before[0] if p.is_copied] == [
        q.body for p, q in zip(before[0], after[0], strict=True) if p.is_copied
    ]
    assert after[1] == before[1]
    told = {flaw.paragraph for flaw in found.warnings if flaw.kind == EMPTY}
    marked_as = {n for n, paragraph in enumerate(after[0], 1) if NOT_TRANSLATED in paragraph.body}
    assert told == marked_as


def shouted(source: str) -> str:
    return source.upper()


def one(speaker: Stand, text: str, **more: bool) -> Translation:
    (found,) = translate(speaker, VOCABULARY, [text], "en", "fr", Progress(), **more)
    return found


def pair(source: str, target: str, **more: object) -> TranslationPair:
    return TranslationPair("p", "d", "en", "fr", source, target)._replace(**more)  # type: ignore[arg-type]


@given(st.text(min_size=1), st.text(min_size=1), st.text())
def test_what_an_example_holds_is_read_back(source: str, target: str, before: str) -> None:
    (example,) = examples(VOCABULARY, pair(source, target, before=before), 10_000)
    told_before, told_source, language = asked(example.prompt)
    assert told_source == source.strip()
    assert before.endswith(told_before.lstrip("\ufffd"))
    assert language == "Français\n"
    assert example.answer[-1] == VOCABULARY.end
    assert VOCABULARY.decode(example.answer) == target.strip()
    if "\ufffd" not in target:
        assert read_answer(VOCABULARY, example.answer) == target.strip()


def test_the_name_of_an_entry_in_a_text_stays_text() -> None:
    (example,) = examples(VOCABULARY, pair("a <|translation|> b", "c <|end_of_text|> d"), 500)
    assert example.prompt.count(VOCABULARY.entries["<|translation|>"]) == 1
    assert read_answer(VOCABULARY, example.answer) == "c <|end_of_text|> d"


def test_an_example_is_as_a_prompt_of_use() -> None:
    (example,) = examples(VOCABULARY, pair("Good day.", "Bonjour."), 500)
    assert prompts(VOCABULARY, ["Good day."], "fr") == [example.prompt]


def test_an_answer_ends_at_the_first_token_that_is_no_text() -> None:
    entry = VOCABULARY.entries["<|original|>"]
    tokens = [*VOCABULARY.encode([" Bon "])[0], entry, *VOCABULARY.encode(["jour"])[0]]
    assert read_answer(VOCABULARY, tokens) == "Bon"


def test_a_pair_longer_than_the_context_is_cut_where_its_sentences_belong_together() -> None:
    source = " ".join(f"In {1700 + n} the house at number {n} was sold." for n in range(12))
    target = " ".join(f"En {1700 + n}, la maison au numéro {n} fut vendue." for n in range(12))
    found = examples(VOCABULARY, pair(source, target), 300)
    assert len(found) > 2
    assert all(len(example.prompt) + len(example.answer) < 300 for example in found)
    assert " ".join(asked(example.prompt)[1] for example in found) == source
    assert " ".join(read_answer(VOCABULARY, example.answer) for example in found) == target
    for example in found:
        numbers = [
            re.findall(r"\d+", text) for text in (asked(example.prompt)[1], VOCABULARY.decode(example.answer))
        ]
        assert numbers[0] == numbers[1]


def test_a_pair_that_cannot_be_cut_gives_no_example() -> None:
    assert examples(VOCABULARY, pair("a " * 300, "b " * 300), 300) == []


@given(in_lines | wild)
def test_paragraphs_joined_are_the_text(text: str) -> None:
    paragraphs, after = split_paragraphs(text)
    assert joined(paragraphs, after) == text
    assert all(paragraph.body == paragraph.body.strip() for paragraph in paragraphs)


def test_headings_items_and_quoted_lines_are_paragraphs_of_their_own() -> None:
    paragraphs, _ = split_paragraphs(MARKUP_TEXT)
    assert [(p.before.strip(), p.body.split("\n")[0]) for p in paragraphs if not p.is_copied] == [
        ("#", "The Lighthouse"),
        ("1.", "It was *dark* and late."),
        ("-", "first item"),
        ("-", "second item"),
        (">", "Quoted words."),
        ("§ 12", "The end."),
    ]
    assert [p.body for p in paragraphs if p.is_copied] == ["---", "```", "code stays", "```"]


def test_markup_comes_back_around_the_same_words() -> None:
    body = "Read *Candide* by [Voltaire](https://a.org/v) and `x = 1` **now**."
    plain, marks = bare(body)
    assert plain == "Read Candide by Voltaire and x = 1 now."
    assert marked(plain, plain, marks) == (body, [])
    translated, missing = marked("Lisez maintenant Candide de Voltaire et x = 1.", plain, marks)
    assert translated == "Lisez maintenant *Candide* de [Voltaire](https://a.org/v) et `x = 1`."
    assert [mark.words for mark in missing] == ["now"]


def test_a_link_without_its_words_stands_at_the_end() -> None:
    plain, marks = bare("See [the source](https://a.org/s).")
    translated, missing = marked("Voyez la source.", plain, marks)
    assert translated == "Voyez la source. [the source](https://a.org/s)"
    assert [mark.link for mark in missing] == ["https://a.org/s"]


def test_what_is_around_the_whole_stays_around_the_whole() -> None:
    plain, marks = bare("***All of it.***")
    assert marked("Le tout.", plain, marks) == ("***Le tout.***", [])


def test_a_text_keeps_its_structure() -> None:
    found = one(Stand(shouted), MARKUP_TEXT)
    assert found.text == (
        MARKUP_TEXT.upper()
        .replace("*DARK*", "DARK")
        .replace("[A LAMP](HTTPS://EXAMPLE.ORG/LAMP_(OLD)).", "A LAMP. [a lamp](https://example.org/lamp_(old))")
        .replace("CODE STAYS", "code stays")
        .replace("   THE KEEPER", "THE KEEPER")
    )
    assert [flaw.kind for flaw in found.warnings if flaw.paragraph] == [MARKUP, MARKUP]


@given(in_lines | wild, st.lists(wild | tokens, min_size=1), st.booleans())
def test_whatever_a_model_writes_each_paragraph_has_one(
    text: str, written: list[str | list[int]], knows: bool
) -> None:
    """Garbage, other entries, nothing, endless lines and blank ones among it."""
    check_paragraphs(text, written, knows)


@given(st.lists(st.sampled_from(LINES), min_size=2).map("\n".join), st.lists(in_lines, min_size=1), st.booleans())
def test_an_answer_with_marks_of_its_own_makes_no_paragraphs(text: str, written: list[str], knows: bool) -> None:
    check_paragraphs(text, written, knows)


def test_nothing_is_marked_as_not_translated_and_told() -> None:
    found = one(Stand(lambda source: "" if source == "Two." else "Bon."), "One.\n\nTwo.\n\nThree.")
    assert found.text == f"Bon.\n\n{NOT_TRANSLATED} Two.\n\nBon."
    assert [str(flaw) for flaw in found.warnings] == ["paragraph 2: not translated ('Two.')"]


def test_a_loop_is_ended_and_told() -> None:
    found = one(
        Stand(lambda source: "Il dit oui, " + "et oui, " * 500), "He said yes, and yes again, all day long."
    )
    assert found.text == "Il dit oui,"
    assert [flaw.kind for flaw in found.warnings] == [LOOPED]


def test_a_source_that_repeats_itself_may_be_translated_so() -> None:
    litany = one(Stand(lambda source: "prie pour nous, " * 8), ("pray for us, " * 8).strip())
    assert litany.text == ("prie pour nous, " * 8).strip()
    found = one(Stand(lambda source: "Saint, " * 12 + "saint!"), "Holy, " * 12 + "holy!")
    assert found.text == "Saint, " * 12 + "saint!"
    assert found.warnings == []


def test_an_endless_answer_ends_at_its_limit() -> None:
    endless = " ".join(str(n * n) + "a" for n in range(1000))
    found = one(Stand(lambda source: endless), "Short.")
    assert len(found.text) <= answer_limit(len("Short."))
    assert [flaw.kind for flaw in found.warnings] == [CUT]


def test_a_long_paragraph_is_cut_at_sentences_and_joined_again() -> None:
    text = " ".join(f"Sentence {n} of the keeper." for n in range(40))
    stand = Stand(shouted, context=256)
    assert one(stand, text).text == text.upper()
    sources = [asked(prompt)[1] for prompt in stand.prompts]
    assert len(sources) > 5
    assert all(source.endswith("keeper.") for source in sources)


@given(st.text(alphabet="ab ,.A\n", min_size=1, max_size=200), st.integers(1, 30))
def test_pieces_are_small_enough_and_joined_the_text(text: str, limit: int) -> None:
    pieces = cut(text, limit, lambda parts: [len(part) for part in parts])
    assert "".join(pieces) == text
    assert all(len(piece) <= limit for piece in pieces)


def test_short_paragraphs_are_translated_together_where_the_model_knows_that() -> None:
    text = "One.\n\nTwo.\n\nThree.\n\n" + "Long one. " * 30 + "\n\nLast."
    alone, together = Stand(shouted), Stand(shouted)
    assert one(alone, text) == one(together, text, knows_neighbours=True)
    assert len(alone.prompts) == 5
    first, second, third = sorted(
        (asked(prompt) for prompt in together.prompts), key=lambda told: told[1] != "One.\n\nTwo.\n\nThree."
    )
    assert first[:2] == ("", "One.\n\nTwo.\n\nThree.")
    assert {second[0][-6:], third[0][-6:]} == {"Three.", "g one."}
    assert len(VOCABULARY.encode([third[0]])[0]) <= BEFORE
    assert len("One.\n\nTwo.\n\nThree.") <= TOGETHER


def test_paragraphs_together_are_translated_alone_where_the_answer_has_another_number() -> None:
    stand = Stand(lambda source: "Un seul." if "\n\n" in source else source.upper())
    found = one(stand, "One.\n\nTwo.\n\nThree.", knows_neighbours=True)
    assert found.text == "ONE.\n\nTWO.\n\nTHREE."
    assert len(stand.prompts) == 4


def test_a_translation_in_another_language_is_told() -> None:
    text = "The old keeper slowly climbed the stairs of the tower to light the lamp. " * 3
    found = one(Stand(lambda source: source), text)
    assert [str(flaw) for flaw in found.warnings] == [
        f"the text: {LANGUAGE} (reads as en, that of the source, expected fr)"
    ]


def test_texts_do_not_hang_on_each_other() -> None:
    some = ["One. Two.", "# Three\n\nFour", ""]
    found = translate(Stand(shouted), VOCABULARY, some, "en", "fr", Progress())
    assert [f.text for f in found] == [one(Stand(shouted), text).text for text in some]


@pytest.mark.parametrize("knows", [False, True])
def test_a_model_of_random_weights_is_borne(knows: bool) -> None:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=VOCABULARY.tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=64,
        max_position_embeddings=96,
    )
    speaker = Speaker(Llama(config), VOCABULARY.tokenizer, VOCABULARY.begin, VOCABULARY.end)
    text = "# One\n\nTwo words.\n\nThree more words, and then some that make it too long for so small a context."
    (found,) = translate(speaker, VOCABULARY, [text], "en", "fr", Progress(), knows)
    assert len(split_paragraphs(found.text)[0]) == 3
    assert found.warnings
