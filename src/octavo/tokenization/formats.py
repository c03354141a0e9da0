"""The files of a tokenizer that Hugging Face's programs read."""

from __future__ import annotations

from pathlib import Path

from tokenizers import Tokenizer

from octavo.lineage import write_atomically, write_json
from octavo.tokenization.entries import PAD, begin_and_end


def write_tokenizer_files(home: Path, tokenizer_json: Path, tokenizer: Tokenizer, context: int) -> None:
    """Copy tokenizer.json to `home` as it is, with tokenizer_config.json and special_tokens_map.json beside it.

    `tokenizer` is the one that the file holds, `context` the tokens that the model takes at most.
    """
    begin, end = begin_and_end(tokenizer, str(tokenizer_json))
    special = {"bos_token": tokenizer.id_to_token(begin), "eos_token": tokenizer.id_to_token(end)}
    if tokenizer.token_to_id(PAD) is not None:
        special["pad_token"] = PAD
    config = special | {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context,
        "clean_up_tokenization_spaces": False,
        "add_bos_token": True,
    }
    write_atomically(home / "tokenizer.json", tokenizer_json.read_bytes())
    write_json(home / "special_tokens_map.json", special)
    write_json(home / "tokenizer_config.json", config)
