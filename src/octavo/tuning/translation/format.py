"""How translation is written in tokens, for learning and for use.

    <|original|> Arma virumque cano. <|translation|> English
    I sing of arms and of a man. <|end_of_text|>

The target language's own name and a line break stand before the translation, so that one model serves all pairs.
Where what stands before a text is known, the end of it may come first as another original, which is not translated:

    <|original|> Arma virumque cano. <|original|> Italiam venit. <|translation|> English
    He came to Italy. <|end_of_text|>

Several paragraphs have a blank line between them, on both sides.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from octavo.evaluation.task_prompts import LABELS
from octavo.tokenization.entries import TRANSLATION_ENTRIES
from octavo.tuning.examples import Example
from octavo.tuning.sentences import split_sentences
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.parallel_alignment import align
from octavo.tuning.vocabulary import Vocabulary

BEFORE: Final = 64
"""Tokens of what stands before a text, its last ones."""
TOGETHER: Final = 128
"""Tokens up to which paragraphs are translated together."""
BETWEEN: Final = "\n\n"
"""Stands between paragraphs."""

_ORIGINAL, _TRANSLATION = TRANSLATION_ENTRIES
_SURE: Final = 0.5
"""Probability of an alignment at which a pair may be cut."""


def prompts(
    vocabulary: Vocabulary, sources: Sequence[str], tgt_lang: str, before: Sequence[str] | None = None
) -> list[list[int]]:
    """What a model continues with the translation of each source; without the token that begins a text."""
    tokens = vocabulary.encode(sources)
    texts_before = vocabulary.encode(before) if before else [[] for _ in sources]
    ending = _ending(vocabulary, tgt_lang)
    return [
        _prompt(vocabulary, source, ending, text_before)
        for source, text_before in zip(tokens, texts_before, strict=True)
    ]


def prompt_overhead(vocabulary: Vocabulary, tgt_lang: str) -> int:
    """Tokens of a prompt beside the source and what stands before it."""
    return 2 + len(_ending(vocabulary, tgt_lang))


def read_answer(vocabulary: Vocabulary, tokens: Sequence[int]) -> str:
    """The translation that a model wrote: up to the first token that is no text."""
    others = {vocabulary.begin, vocabulary.end, *vocabulary.entries.values()}
    text = next((tokens[:at] for at, token in enumerate(tokens) if token in others), tokens)
    return vocabulary.decode(text).strip("\ufffd").strip()


def read_paragraphs(answer: str) -> list[str]:
    """The paragraphs of a translation."""
    return [found for found in map(str.strip, re.split(r"\n\s*\n", answer)) if found]


def examples(vocabulary: Vocabulary, pair: TranslationPair, context: int) -> list[Example]:
    """What a model learns of a pair in a context of so many tokens, the one that begins a text among them.

    One that is longer is cut where its sentences belong together; where they do not, there is none.
    """
    whole = _example(vocabulary, pair)
    if _size(whole) < context:
        return [whole]
    alone = _example(vocabulary, pair._replace(before=""))
    return [alone] if _size(alone) < context else _cut(vocabulary, pair._replace(before=""), context)


def _prompt(vocabulary: Vocabulary, source: list[int], ending: list[int], before: list[int]) -> list[int]:
    original = vocabulary.entries[_ORIGINAL]
    shown = [original, *before[-BEFORE:]] if before else []
    return [*shown, original, *source, *ending]


def _ending(vocabulary: Vocabulary, tgt_lang: str) -> list[int]:
    return [vocabulary.entries[_TRANSLATION], *vocabulary.encode([f"{LABELS[tgt_lang].language}\n"])[0]]


def _example(vocabulary: Vocabulary, pair: TranslationPair) -> Example:
    (prompt,) = prompts(vocabulary, [pair.source.strip()], pair.tgt_lang, [pair.before])
    return Example(prompt, [*vocabulary.encode([pair.target.strip()])[0], vocabulary.end])


def _size(example: Example) -> int:
    return len(example.prompt) + len(example.answer)


def _cut(vocabulary: Vocabulary, pair: TranslationPair, context: int) -> list[Example]:
    sources, targets = split_sentences(pair.source), split_sentences(pair.target)
    parts = [pair._replace(source="", target="")]
    for bead in align(sources, targets):
        source = "".join(sources[bead.source : bead.source_end])
        target = "".join(targets[bead.target : bead.target_end])
        last = parts[-1]
        longer = last._replace(source=last.source + source, target=last.target + target)
        may_cut = bead.score >= _SURE and source and target and last.source and last.target
        if may_cut and _size(_example(vocabulary, longer)) >= context:
            parts.append(pair._replace(source=source, target=target))
        else:
            parts[-1] = longer
    found = [_example(vocabulary, part) for part in parts]
    return found if max(map(_size, found)) < context else []
