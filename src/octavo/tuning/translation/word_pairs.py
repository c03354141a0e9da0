"""Pairs made of open texts in one language: the translation is the real text, its source is made word by word.

A lexicon of the given pairs says which words stand for which. A model that learns from such pairs reads odd text
and writes good text, as with back-translation (Sennrich et al., 2016), here of the word-by-word translation with
which unsupervised translation begins (Lample et al., 2018).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from blake3 import blake3

from octavo.tuning.documents import BYTES_A_TOKEN, draw_stretches
from octavo.tuning.translation.pairs import TranslationPair
from octavo.tuning.translation.parallel_lexicon import learn_lexicons, word_by_word

LENGTHS: Final = 60, 300
"""Characters of a text, at least and at most."""
OF_A_DOCUMENT: Final = 8
"""Texts, most."""


def word_pairs(
    files: Sequence[Path], pairs: Sequence[TranslationPair], seed: int, tokens: int
) -> Iterator[TranslationPair]:
    """Pairs in the directions of the given ones, of documents of about so many tokens, the languages in turn.

    From which language a text is translated is drawn by its name.
    """
    lexicons = learn_lexicons([pair.reversed() for pair in pairs])
    sources: dict[str, list[str]] = {}
    for languages in sorted(lexicons):
        target, source = languages.split("-")
        sources.setdefault(target, []).append(source)
    for one in draw_stretches(files, list(sources), seed, BYTES_A_TOKEN * tokens, OF_A_DOCUMENT, LENGTHS):
        lot = int.from_bytes(blake3(f"{seed} {one.id}".encode()).digest(8))
        source = sources[one.lang][lot % len(sources[one.lang])]
        text = " ".join(one.text.split())
        made = word_by_word(lexicons[f"{one.lang}-{source}"], text)
        yield TranslationPair(f"{one.id}-{source}", one.doc, source, one.lang, made, text)
