"""For tests of OCR correction: a small vocabulary, stand-ins for models, and texts with known errors."""

from __future__ import annotations

import random
from collections.abc import Callable

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from octavo.tokenization.entries import SPECIAL_ENTRIES
from octavo.tuning.ocr.pairs import OcrPair
from octavo.tuning.vocabulary import Vocabulary, task_vocabulary

SENTENCES = (
    "The old keeper of the light went down to the harbour every morning before the boats came in.",
    "He carried a lantern and a small book in which he wrote the weather and the names of the ships.",
    "In the winter of 1868 the sea froze for eleven days, and nobody could bring bread to the island.",
    "His daughter read to him from the newspapers that the captain had left behind in the spring.",
    "When the storm was over they found the door broken and the garden covered with sand and weeds.",
    "They counted 312 barrels on the shore, and most of them had been filled with salted herring.",
    "Nothing that the merchants told them afterwards was written down, because nobody believed it.",
    "The church bell had been cast in another country and its sound was heard far over the water.",
)
"""Plain prose of our own."""

ERRORS = {"e": "c", "h": "b", "rn": "m", "l": "1", "in": "m", "f": "ſ", "u": "n", "t": "l", "a": "n"}
"""What the stand-in for a scanner does."""


def prose(seed: int, sentences: int) -> str:
    """Clean sentences in an order of their own."""
    lot = random.Random(seed)
    return " ".join(lot.choice(SENTENCES) for _ in range(sentences))


def scanned(text: str, seed: int, rate: float) -> str:
    """The text with errors of ERRORS, each possible one with a probability of `rate`."""
    lot, at, found = random.Random(seed), 0, []
    while at < len(text):
        old = next((old for old in (text[at : at + 2], text[at]) if old in ERRORS), None)
        if old and lot.random() < rate:
            found.append(ERRORS[old])
            at += len(old)
        else:
            found.append(text[at])
            at += 1
    return "".join(found)


def pairs(count: int, rate: float, sentences: int = 4, lang: str = "en", docs: int = 10) -> list[OcrPair]:
    """Pairs with errors, some to a document."""
    targets = [prose(n, sentences) for n in range(count)]
    return [
        OcrPair(f"p{n}", f"d{n % docs}", lang, scanned(target, n, rate), target, 19)
        for n, target in enumerate(targets)
    ]


def vocabulary() -> Vocabulary:
    """Byte-level BPE of 600 entries with those for tasks."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(
        SENTENCES * 4,
        trainers.BpeTrainer(vocab_size=600, special_tokens=list(SPECIAL_ENTRIES), initial_alphabet=alphabet),
    )
    return task_vocabulary(tokenizer, "test")


VOCABULARY = vocabulary()


class Writer:
    """Answers each prompt's text by a function: with a text, or with tokens."""

    def __init__(self, answer: Callable[[str], str | list[int]], context: int = 256) -> None:
        self.answer, self.context, self.asked = answer, context, []

    def say(self, prompts, ids, decoding, progress, note):
        self.asked += prompts
        return [self._answer(prompt)[: decoding.max_tokens] for prompt in prompts]

    def _answer(self, prompt):
        said = self.answer(VOCABULARY.decode(prompt))
        return VOCABULARY.encode([said])[0] if isinstance(said, str) else said
