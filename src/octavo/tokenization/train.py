"""Training a byte-level BPE tokenizer in two stages: entries within words, then entries over several words too.

Both stages learn on units (octavo.tokenization.units), counted once in the first and in their order in the second.
The first learns nothing that reaches across a unit's end, so the merges of a text begin as they were learnt,
although the tokenizer itself splits a text at digits alone. It does so as SuperBPE does (Liu et al., 2025), which
llama.cpp knows by name, so that a release reads the same in Hugging Face and llama.cpp.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from octavo.compiled import Flags, Ints, compiled
from octavo.curation.code_points import bytes_of
from octavo.errors import InputError
from octavo.recipe.schema import Tokenizer as Settings
from octavo.tokenization.entries import BEGIN, SPECIAL_ENTRIES, UNUSED_ID, letters_of_bytes
from octavo.tokenization.merging import NONE, Owners, Symbols, Text, byte_entries, learn
from octavo.tokenization.sample import language_shares
from octavo.tokenization.units import units_of

SPLITS = (r"\p{N}+", "(?=([0-9]{3})+(?![0-9]))")
"""What the tokenizer splits texts at: numbers from the rest, then their ASCII digits by threes from the right."""
LLAMA_CPP_SPLIT = "superbpe"
"""Name of SPLITS in llama.cpp (tokenizer.ggml.pre)."""

MOST_REPEATED = 4.0
"""A language that has less text than its share counts up to so many times."""

_WEIGHT = 16
"""What text counts that is not repeated: weights are whole numbers, so that sums are exact in any order."""


class _Counted(NamedTuple):
    """The units of a sample."""

    forms: pa.LargeBinaryArray
    """The different units."""
    form: Symbols
    """Which form each unit of the sample has, in order."""
    closed: Flags
    document: Symbols
    """The document that each unit is in."""
    work: Symbols
    """By document."""
    weight: Ints
    """By document."""


def train_tokenizer(sample: Iterable[pa.Table], settings: Settings) -> Tokenizer:
    """Train a tokenizer on documents (text, lang, work).

    It has `settings.vocab_size` entries, special ones included; one fewer at 65,536, where UNUSED_ID stays free.
    Raises InputError where the sample does not give as many.
    """
    size = UNUSED_ID if settings.vocab_size == UNUSED_ID + 1 else settings.vocab_size
    wanted = size - len(SPECIAL_ENTRIES)
    across = round((wanted - 256) * settings.superwords)
    units = _counted(sample, settings)
    entries = byte_entries(wanted)
    text, owners = _forms(units)
    merges = learn(text, owners, entries, 256, wanted - across, wanted)
    if across:
        text, owners = _in_order(units, text)
        del units  # the largest of all by now
        known = 256 + len(np.unique(merges[:, 2]))
        merges = np.concatenate([merges, learn(text, owners, entries, known, wanted, settings.superword_spaces)])
    tokenizer = tokenizer_of(merges)
    if tokenizer.get_vocab_size() < size:
        raise InputError(
            f"tokenizer.vocab_size: found {settings.vocab_size}, expected at most {tokenizer.get_vocab_size()}, "
            "which is all that the sample gives; take more text or fewer entries"
        )
    return tokenizer


def tokenizer_of(merges: Symbols) -> Tokenizer:
    """The tokenizer of merges in order (left, right, entry), whose first 256 entries are the bytes."""
    names = letters_of_bytes()
    for left, right, entry in merges.tolist():
        joined = names[left] + names[right]
        if entry == len(names):
            names.append(joined)
        assert names[entry] == joined
    vocabulary = {name: number for number, name in enumerate([*SPECIAL_ENTRIES, *names])}
    tokenizer = Tokenizer(
        models.BPE(vocabulary, [(names[left], names[right]) for left, right, _ in merges.tolist()])
    )
    tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in SPECIAL_ENTRIES])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(pattern), behavior="isolated") for pattern in SPLITS),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, tokenizer.token_to_id(BEGIN))]
    )
    return tokenizer


def _counted(sample: Iterable[pa.Table], settings: Settings) -> _Counted:
    numbers: dict[str, int] = {}
    forms, closed, document, work = [], [], [np.empty(0, np.int32)], []
    langs: list[str] = []
    sizes: list[int] = []
    for table in sample:
        column = table.column("text").cast(pa.large_string()).combine_chunks()
        data, offsets = bytes_of(column)
        units = units_of(data, offsets)
        buffers = [None, pa.py_buffer(units.bounds), pa.py_buffer(data)]
        there = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(units.closed), buffers)
        forms.append(there.dictionary_encode())
        closed.append(units.closed)
        document.append(units.text + np.int32(len(langs)))
        work += [numbers.setdefault(name, len(numbers)) for name in table.column("work").to_pylist()]
        langs += table.column("lang").to_pylist()
        sizes += np.diff(offsets).tolist()
    if not forms:
        raise InputError("tokenizer: found no training text to learn from, expected some")
    encoded = pa.chunked_array(forms).unify_dictionaries()
    return _Counted(
        encoded.chunk(0).dictionary,
        np.concatenate([chunk.indices.to_numpy(zero_copy_only=False) for chunk in encoded.chunks]).astype(np.int32),
        np.concatenate(closed),
        np.concatenate(document),
        np.array(work, np.int32),
        _weights(langs, sizes, settings),
    )


def _weights(langs: list[str], sizes: list[int], settings: Settings) -> Ints:
    """What each document counts, so that the languages have their shares."""
    there: dict[str, int] = {}
    for lang, size in zip(langs, sizes, strict=True):
        there[lang] = there.get(lang, 0) + size
    shares = language_shares(settings, set(there))
    scarce = {lang: shares.get(lang, 0.0) / size for lang, size in there.items() if size}
    least = min((value for value in scarce.values() if value), default=1.0)
    weights = {lang: round(_WEIGHT * min(MOST_REPEATED, value / least)) for lang, value in scarce.items()}
    return np.array([weights.get(lang, 0) for lang in langs], np.int64)


def _forms(units: _Counted) -> tuple[Text, Owners]:
    """The different units as rows of bytes; they own their positions."""
    data, bounds = bytes_of(units.forms)
    following = np.arange(1, len(data) + 1, dtype=np.int32)
    following[bounds[1:] - 1] = NONE
    form = np.repeat(np.arange(len(units.forms), dtype=np.int32), np.diff(bounds))
    weight, works = _counts(units.form, units.document, units.work, units.weight, len(units.forms))
    return Text(data.astype(np.int32), following, form), Owners(weight, works)


@compiled
def _counts(form: Symbols, document: Symbols, work: Symbols, weight: Ints, forms: int) -> tuple[Ints, Symbols]:
    """What each form counts, and the first two different works that it occurs in."""
    counts = np.zeros(forms, np.int64)
    works = np.full((forms, 2), NONE, np.int32)
    for place in range(len(form)):
        one, here = form[place], work[document[place]]
        counts[one] += weight[document[place]]
        if works[one, 0] == NONE:
            works[one, 0] = here
        elif works[one, 0] != here:
            works[one, 1] = here
    return counts, works


def _in_order(units: _Counted, forms: Text) -> tuple[Text, Owners]:
    """The sample as rows of the symbols that its forms have become; documents own their positions."""
    alive = forms.symbols != NONE
    starts = np.searchsorted(forms.owner[alive], np.arange(len(units.forms) + 1)).astype(np.int64)
    text = Text(*_rows(units.form, units.closed, units.document, forms.symbols[alive], starts))
    return text, Owners(units.weight, np.stack([units.work, np.full_like(units.work, NONE)], axis=1))


@compiled
def _rows(
    form: Symbols, closed: Flags, document: Symbols, symbols: Symbols, starts: Ints
) -> tuple[Symbols, Symbols, Symbols]:
    """The sample as rows of the symbols that its units have become."""
    size = 0
    for one in form:
        size += starts[one + 1] - starts[one]
    found = np.empty(size, np.int32)
    following = np.empty(size, np.int32)
    owner = np.empty(size, np.int32)
    at = 0
    for place in range(len(form)):
        for source in range(starts[form[place]], starts[form[place] + 1]):
            found[at], following[at], owner[at] = symbols[source], at + 1, document[place]
            at += 1
        if closed[place]:
            following[at - 1] = NONE
    return found, following, owner
