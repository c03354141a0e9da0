"""The entries of a vocabulary that are no text: begin and end, named in one place."""

from __future__ import annotations

from tokenizers import Tokenizer

from octavo.errors import InputError

PAD = "<|pad|>"
BEGIN = "<|begin_of_text|>"
END = "<|end_of_text|>"

SPECIAL_ENTRIES = (PAD, BEGIN, END)
"""In the order of their ids: pad 0, begin 1, end 2, as in the published model."""

_BEGIN_NAMES = (BEGIN, "<s>", "<|startoftext|>", "<|bos|>", "[BOS]")
_END_NAMES = (END, "</s>", "<|endoftext|>", "<|eos|>", "[EOS]", "<|im_end|>")


def begin_and_end(tokenizer: Tokenizer, name: str) -> tuple[int, int]:
    """The ids of begin and end of text in a tokenizer, ours or another's; one that has no begin uses its end.

    Raises InputError where it has neither under a known name.
    """

    def first(names: tuple[str, ...]) -> int | None:
        return next((i for n in names if (i := tokenizer.token_to_id(n)) is not None), None)

    end = first(_END_NAMES)
    begin = first(_BEGIN_NAMES)
    if end is None:
        raise InputError(f"{name}: found no end-of-text entry, expected one of {', '.join(_END_NAMES)}")
    return (end if begin is None else begin), end
