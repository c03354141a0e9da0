"""The model as llama.cpp reads it: GGUF in F32, F16, BF16, Q8_0 or Q4_K_M, with its tokenizer inside."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gguf import GGML_QUANT_VERSION, GGMLQuantizationType, GGUFWriter, RopeScalingType, TokenType
from tokenizers import Tokenizer

from octavo.errors import InputError
from octavo.modeling.gguf.quantised import BLOCKS, FILE_TYPES, GgufType, stored, stored_type
from octavo.modeling.hf import to_hf_names
from octavo.modeling.llama import Llama, LlamaConfig, rotary_frequencies
from octavo.modeling.rope import Linear
from octavo.tokenization.train import LLAMA_CPP_SPLIT, SPLITS

_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
ROPE_DIVISORS = "rope_freqs.weight"
"""By what each frequency of the rotary positions is divided, where it is not one number for all."""
_WORDS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
_SIGNS = " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
_BY_SPLIT = {f"{_WORDS}|\\p{{N}}|{_SIGNS}": "qwen2", f"{_WORDS}|\\p{{N}}{{1,3}}|{_SIGNS}": "llama-bpe"}
"""llama.cpp's names of splits."""


def save_gguf(
    model: Llama,
    path: Path,
    kind: GgufType,
    name: str,
    license: str,
    tokenizer: Tokenizer,
    begin: int,
    end: int,
) -> None:
    """Write a GGUF file; matrices in `kind`, norms in F32.

    Raises InputError where llama.cpp knows no pre-tokenizer equal to the tokenizer's, and where a weight is too
    large for `kind`.
    """
    partial = path.with_name(path.name + ".partial")
    writer = GGUFWriter(partial, "llama")
    _write_settings(writer, model.config, name, license)
    writer.add_file_type(FILE_TYPES[kind])
    if kind in BLOCKS:
        writer.add_quantization_version(GGML_QUANT_VERSION)
    _write_vocabulary(writer, tokenizer, model.config.vocab_size, begin, end)
    _write_rope_scaling(writer, model.config)
    heads = {"q_proj": model.config.num_attention_heads, "k_proj": model.config.num_key_value_heads}
    layers, tied = model.config.num_hidden_layers, model.config.tie_word_embeddings
    for hf_name, weight in to_hf_names(model).items():
        array = weight.detach().to("cpu", torch.float32).numpy()
        for projection, count in heads.items():
            if f"self_attn.{projection}." in hf_name:
                array = _interleave(array, count)
        own = gguf_name(hf_name)
        tensor_type = stored_type(kind, own, array.shape, layers, tied)
        writer.add_tensor(own, stored(array, tensor_type, own), raw_dtype=tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.rename(path)


def pre_tokenizer_name(tokenizer: Tokenizer) -> str:
    """llama.cpp's name for a byte-level tokenizer's split; InputError where it has none that is equal."""
    state = json.loads(tokenizer.to_str())
    pre = state.get("pre_tokenizer") or {}
    parts: list[dict[str, Any]] = pre.get("pretokenizers", [pre])
    splits, last = [part for part in parts if part.get("type") == "Split"], parts[-1]
    plain = (
        state["model"]["type"] == "BPE"
        and not state.get("normalizer")
        and [part.get("type") for part in parts] == ["Split"] * len(splits) + ["ByteLevel"]
        and not last.get("add_prefix_space", True)
        and last.get("use_regex", True) is not bool(splits)
        and all(split.get("behavior") == "Isolated" and not split.get("invert") for split in splits)
    )
    patterns = [split["pattern"].get("Regex", "") for split in splits]
    if plain and not patterns:
        return "gpt-2"
    if plain and patterns == list(SPLITS):
        return LLAMA_CPP_SPLIT
    if plain and len(patterns) == 1 and patterns[0] in _BY_SPLIT:
        return _BY_SPLIT[patterns[0]]
    raise InputError(
        "tokenizer: llama.cpp knows no split equal to this tokenizer's, so no GGUF file of it would read "
        "text alike; take the gguf formats out of release.formats"
    )


def _write_settings(writer: GGUFWriter, config: LlamaConfig, name: str, license: str) -> None:
    writer.add_name(name)
    writer.add_license(license)
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_rope_freq_base(config.rope_theta)


def _write_rope_scaling(writer: GGUFWriter, config: LlamaConfig) -> None:
    if isinstance(config.rope_scaling, Linear):
        writer.add_rope_scaling_type(RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(config.rope_scaling.factor)
    elif config.rope_scaling is not None:
        divisors = config.rope_scaling.divisors(rotary_frequencies(config, torch.device("cpu")))
        writer.add_tensor(ROPE_DIVISORS, divisors.numpy(), raw_dtype=GGMLQuantizationType.F32)


def _write_vocabulary(writer: GGUFWriter, tokenizer: Tokenizer, size: int, begin: int, end: int) -> None:
    model = json.loads(tokenizer.to_str())["model"]
    added = tokenizer.get_added_tokens_decoder()
    tokens, types = [], []
    for entry in range(size):
        token = tokenizer.id_to_token(entry)
        if token is None:
            tokens.append(f"[UNUSED{entry}]")
            types.append(TokenType.UNUSED)
        else:
            tokens.append(token)
            special = entry in added and added[entry].special
            types.append(
                TokenType.CONTROL if special else TokenType.USER_DEFINED if entry in added else TokenType.NORMAL
            )
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre_tokenizer_name(tokenizer))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in model["merges"]])
    writer.add_bos_token_id(begin)
    writer.add_eos_token_id(end)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(False)


def _interleave(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of each head from halves (i, i + W/2), as Hugging Face turns them, to pairs (2i, 2i + 1)."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def gguf_name(hf_name: str) -> str:
    """llama.cpp's name of a weight."""
    stem = hf_name.removesuffix(".weight")
    if stem.startswith("model.layers."):
        _, _, layer, part = stem.split(".", 3)
        return f"blk.{layer}.{_NAMES[part]}.weight"
    return f"{_NAMES[stem]}.weight"
