"""A Llama model out of a GGUF file: weights of any type, quantised ones as numbers again, and the tokenizer.

llama.cpp's Python binding gives no logits of a prompt's positions, so a GGUF file is measured by octavo's own model
on the file's own numbers. llama.cpp rounds activations too where it multiplies quantised matrices; that is not
done here.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from gguf import GGUFReader, TokenType
from gguf.gguf_reader import ReaderTensor
from gguf.quants import dequantize
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.pre_tokenizers import PreTokenizer

from octavo.errors import InputError
from octavo.modeling.gguf.header import gguf_settings
from octavo.modeling.gguf.sentencepiece import sentencepiece_bpe
from octavo.modeling.gguf.writing import ROPE_DIVISORS, gguf_name
from octavo.modeling.hf import to_hf_names
from octavo.modeling.llama import Llama, LlamaConfig, allocate, check_config
from octavo.modeling.rope import Linear, Listed, Scaling
from octavo.tokenization.train import LLAMA_CPP_SPLIT, SPLITS

_LETTERS: Final = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+"
_REST: Final = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_SPLITS: Final = {
    LLAMA_CPP_SPLIT: SPLITS,
    "llama-bpe": (rf"{_LETTERS}|\p{{N}}{{1,3}}|{_REST}",),
    "qwen2": (rf"{_LETTERS}|\p{{N}}|{_REST}",),
}
"""llama.cpp's names for the splits before byte-level BPE; beside them those of GPT-2."""
_GPT2: Final = {"gpt-2": False, "smollm": True}
"""Whether digits stand alone."""


class GgufModel(NamedTuple):
    """What a GGUF file holds."""

    model: Llama
    tokenizer: Tokenizer
    begin: int
    end: int


def load_gguf(path: Path) -> GgufModel:
    """Read a GGUF file, weights in float32.

    Raises InputError where it is none, is no plain Llama, or its tokenizer is none that octavo can build.
    """
    fields, tensors = _open(path)
    model = _model(fields, tensors)
    entries = fields.listed("tokenizer.ggml.tokens", str)
    if len(entries) != model.config.vocab_size:
        raise InputError(
            f"{path}: tokenizer and weights do not match: found {len(entries):,} entries in the tokenizer and "
            f"{model.config.vocab_size:,} in the embedding, expected as many"
        )
    end = fields["tokenizer.ggml.eos_token_id"]
    begin = fields.get("tokenizer.ggml.bos_token_id", end)
    for name, entry in (("bos", begin), ("eos", end)):
        if type(entry) is not int or not 0 <= entry < len(entries):
            raise InputError(
                f"{path}: tokenizer.ggml.{name}_token_id: found {entry!r}, expected one of {len(entries):,} entries"
            )
    try:
        return GgufModel(model, _tokenizer(fields, entries), begin, end)
    except InputError:
        raise
    except Exception as error:  # what tokenizers raises has no class of its own
        raise InputError(f"{path}: tokenizer.ggml: found no tokenizer that can be built ({error})") from None


def load_weights(path: Path) -> tuple[Llama, dict[str, int]]:
    """The model of a GGUF file, in float32, and how many of its tensors are stored in each type.

    Raises InputError where it is none, or no plain Llama.
    """
    fields, tensors = _open(path)
    return _model(fields, tensors), _types(tensors)


def _types(tensors: dict[str, ReaderTensor]) -> dict[str, int]:
    return dict(sorted(Counter(tensor.tensor_type.name for tensor in tensors.values()).items()))


def _open(path: Path) -> tuple[_Fields, dict[str, ReaderTensor]]:
    gguf_settings(path)  # refuses lists and texts that are longer than the file, which GGUFReader goes through
    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, OSError, KeyError, TypeError, OverflowError) as error:
        raise InputError(f"{path}: found no GGUF model that can be read ({error})") from None
    fields = _Fields(path, {name: field.contents for name, field in reader.fields.items()})
    return fields, {tensor.name: tensor for tensor in reader.tensors}


def _model(fields: _Fields, tensors: dict[str, ReaderTensor]) -> Llama:
    architecture = fields.get("general.architecture")
    if architecture != "llama":
        raise InputError(f"{fields.path}: general.architecture: found {architecture!r}, expected 'llama'")
    divisors = tensors.get(ROPE_DIVISORS)
    with torch.device("meta"):
        model = Llama(_config(fields, tensors, _rope_scaling(fields, divisors)))
    _fill(model, fields.path, {name: tensor for name, tensor in tensors.items() if name != ROPE_DIVISORS})
    return model.eval()


class _Fields:
    """The settings of a file; one that is missing is an InputError."""

    def __init__(self, path: Path, contents: dict[str, Any]) -> None:
        self.path, self.contents = path, contents

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self.contents else default

    def number(self, name: str, default: float | None = None) -> float:
        """A number over 0."""
        found = self[name] if default is None else self.get(name, default)
        if isinstance(found, bool) or not isinstance(found, int | float) or not 0 < found < math.inf:
            raise InputError(f"{self.path}: {name}: found {found!r}, expected a number over 0")
        return float(found)

    def listed(self, name: str, kind: type) -> list[Any]:
        """A list of texts, or of numbers."""
        found = self[name]
        if not isinstance(found, list) or not all(isinstance(one, kind) for one in found):
            raise InputError(f"{self.path}: {name}: found something else than a list of {kind.__name__}")
        return found

    def __getitem__(self, name: str) -> Any:
        if name not in self.contents:
            raise InputError(f"{self.path}: found no {name}, expected it")
        try:
            return self.contents[name]()
        except (ValueError, IndexError) as error:
            raise InputError(f"{self.path}: {name}: cannot be read ({error})") from None


def _rope_scaling(fields: _Fields, divisors: ReaderTensor | None) -> Scaling | None:
    """As llama.cpp takes it: a factor without a type is linear, and divisors come on top of it."""
    kind = fields.get("llama.rope.scaling.type", "linear")
    if kind not in ("none", "linear"):
        raise InputError(
            f"{fields.path}: llama.rope.scaling.type: found positions of type {kind!r}, expected none, linear"
        )
    named = ("llama.rope.scaling.factor", "llama.rope.scale_linear")
    factor = next((fields.number(name) for name in named if fields.get(name)), 1.0) if kind == "linear" else 1.0
    if divisors is not None:
        return Listed(tuple(float(value) * factor for value in divisors.data.ravel()))
    return None if factor == 1.0 else Linear(factor)


def _config(fields: _Fields, tensors: dict[str, ReaderTensor], rope_scaling: Scaling | None) -> LlamaConfig:
    embedding = tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise InputError(f"{fields.path}: found no matrix token_embd.weight, expected it")
    heads, hidden = fields["llama.attention.head_count"], fields["llama.embedding_length"]
    config = LlamaConfig(
        vocab_size=int(embedding.shape[1]),
        hidden_size=hidden,
        num_hidden_layers=fields["llama.block_count"],
        num_attention_heads=heads,
        num_key_value_heads=fields.get("llama.attention.head_count_kv", heads),
        intermediate_size=fields["llama.feed_forward_length"],
        max_position_embeddings=fields["llama.context_length"],
        rope_theta=fields.number("llama.rope.freq_base", 10_000.0),
        rms_norm_eps=fields.number("llama.attention.layer_norm_rms_epsilon"),
        tie_word_embeddings="output.weight" not in tensors,
        rope_scaling=rope_scaling,
    )
    check_config(config, str(fields.path))
    if fields.get("llama.rope.dimension_count", hidden // heads) != hidden // heads:
        raise InputError(f"{fields.path}: llama.rope.dimension_count: expected hidden size / heads")
    if isinstance(rope_scaling, Listed) and len(rope_scaling.values) != hidden // heads // 2:
        raise InputError(
            f"{fields.path}: {ROPE_DIVISORS}: found {len(rope_scaling.values)} numbers, expected "
            f"{hidden // heads // 2}, half the width of a head"
        )
    return config


def _fill(model: Llama, path: Path, tensors: dict[str, ReaderTensor]) -> None:
    heads = {"attn_q": model.config.num_attention_heads, "attn_k": model.config.num_key_value_heads}
    targets = {gguf_name(name): weight for name, weight in to_hf_names(model).items()}
    missing, unknown = sorted(targets.keys() - tensors.keys()), sorted(tensors.keys() - targets.keys())
    if missing or unknown:
        named = [f"no tensor {name}" for name in missing[:3]] + [f"a tensor {name}" for name in unknown[:3]]
        raise InputError(f"{path}: found {', '.join(named)}, expected those of a plain Llama")
    for name, target in targets.items():
        shape = tuple(tensors[name].shape[::-1].tolist())
        if shape != target.shape:
            raise InputError(f"{path}: {name}: found shape {shape}, expected {tuple(target.shape)}")
    allocate(model)
    for name, target in ((gguf_name(name), weight) for name, weight in to_hf_names(model).items()):
        try:
            weight = dequantize(tensors[name].data, tensors[name].tensor_type).astype(np.float32)
        except NotImplementedError:
            kind = tensors[name].tensor_type.name
            raise InputError(f"{path}: {name}: found numbers of type {kind}, which octavo cannot read") from None
        for part, count in heads.items():
            if f".{part}." in name:
                weight = _to_halves(weight, count)
        with torch.no_grad():
            target.copy_(torch.from_numpy(np.ascontiguousarray(weight)))


def _to_halves(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head from pairs (2i, 2i + 1) back to halves (i, i + W/2)."""
    rows, columns = weight.shape
    return weight.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _tokenizer(fields: _Fields, entries: list[str]) -> Tokenizer:
    kind, types = fields["tokenizer.ggml.model"], fields.listed("tokenizer.ggml.token_type", int)
    if kind == "llama":
        space = fields.get("tokenizer.ggml.add_space_prefix", True)
        tokenizer = sentencepiece_bpe(fields.path, entries, types, fields["tokenizer.ggml.scores"], space)
    elif kind == "gpt2":
        tokenizer = _byte_level_bpe(fields, entries, types)
    else:
        raise InputError(f"{fields.path}: tokenizer.ggml.model: found {kind!r}, expected 'gpt2' or 'llama'")
    for special, wanted in ((True, (TokenType.CONTROL, TokenType.UNKNOWN)), (False, (TokenType.USER_DEFINED,))):
        added = [e for e, t in zip(entries, types, strict=True) if t in wanted]
        tokens = [AddedToken(entry, special=special, normalized=False) for entry in added]
        (tokenizer.add_special_tokens if special else tokenizer.add_tokens)(tokens)
    tokenizer.encode_special_tokens = True
    return tokenizer


def _byte_level_bpe(fields: _Fields, entries: list[str], types: list[int]) -> Tokenizer:
    split = fields.get("tokenizer.ggml.pre", "gpt-2")
    if split not in (*_SPLITS, *_GPT2):
        raise InputError(
            f"{fields.path}: tokenizer.ggml.pre: found the split {split!r}, expected one of "
            f"{', '.join((*_SPLITS, *_GPT2))}; give the model's Hugging Face directory instead"
        )
    merges = [tuple(merge.split(" ", 1)) for merge in fields["tokenizer.ggml.merges"]]
    vocabulary = {e: n for n, (e, t) in enumerate(zip(entries, types, strict=True)) if t != TokenType.UNUSED}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=split == "llama-bpe"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(list(_pre_tokenizers(split)))
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _pre_tokenizers(split: str) -> Iterator[PreTokenizer]:
    if _GPT2.get(split):
        yield pre_tokenizers.Digits(individual_digits=True)
    for pattern in _SPLITS.get(split, ()):
        yield pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    yield pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=split in _GPT2)
