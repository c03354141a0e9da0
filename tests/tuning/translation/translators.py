"""What the tests of translation share: a vocabulary, and stand-ins that write what a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from octavo.tokenization.entries import SPECIAL_ENTRIES, letters_of_bytes
from octavo.tuning.vocabulary import Vocabulary, task_vocabulary


def byte_vocabulary() -> Vocabulary:
    """A token for each byte: sizes are easily told."""
    entries = {entry: number for number, entry in enumerate(SPECIAL_ENTRIES)}
    letters = {letter: len(entries) + number for number, letter in enumerate(letters_of_bytes())}
    tokenizer = Tokenizer(models.BPE({**entries, **letters}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL_ENTRIES))
    return task_vocabulary(tokenizer, "bytes")


VOCABULARY = byte_vocabulary()
_ORIGINAL = VOCABULARY.entries["<|original|>"]
_TRANSLATION = VOCABULARY.entries["<|translation|>"]


def asked(prompt: Sequence[int]) -> tuple[str, str, str]:
    """What stands before, the source, and the name of the language that a prompt asks for."""
    place = list(prompt).index(_TRANSLATION)
    starts = [n for n, token in enumerate(prompt[:place]) if token == _ORIGINAL]
    before = VOCABULARY.decode(prompt[starts[0] + 1 : starts[1]]) if len(starts) > 1 else ""
    return before, VOCABULARY.decode(prompt[starts[-1] + 1 : place]), VOCABULARY.decode(prompt[place + 1 :])


@dataclass
class Stand:
    """A model's stand-in: it writes what a function makes of each source, as tokens or as text."""

    write: Callable[[str], str | list[int]]
    context: int = 1024
    prompts: list[list[int]] = field(default_factory=list)

    def say(
        self,
        prompts: Sequence[list[int]],
        ids: Sequence[str],
        decoding: Decoding,
        progress: Progress,
        note: str,
        stop: Callable[[list[int]], bool] = lambda tokens: False,
    ) -> list[list[int]]:
        assert len(prompts) == len(ids)
        assert (decoding.temperature, decoding.repetition_penalty) == (0.0, 1.0)
        self.prompts += prompts
        said: list[list[int]] = []
        for prompt in prompts:
            written = self.write(asked(prompt)[1])
            tokens = VOCABULARY.encode([written])[0] if isinstance(written, str) else written
            if VOCABULARY.end in tokens:
                tokens = tokens[: tokens.index(VOCABULARY.end)]
            tokens = tokens[: max(0, min(decoding.max_tokens, self.context - 1 - len(prompt)))]
            end = next((n for n in range(1, len(tokens) + 1) if stop(tokens[:n])), len(tokens))
            said.append(tokens[:end])
        return said
