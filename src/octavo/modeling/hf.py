"""The model as Hugging Face lays it out: config.json and model.safetensors, out and in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from octavo.errors import InputError
from octavo.lineage import write_json
from octavo.modeling.llama import Llama, LlamaConfig, allocate, check_config
from octavo.modeling.rope import scaling_of, stated_of


def to_hf_names(model: Llama) -> dict[str, Tensor]:
    """The model's weights under Hugging Face's names, fused matrices split; views, not copies."""
    config = model.config
    kv = config.num_key_value_heads * config.head_dim
    state = model.state_dict()
    weights = {
        "model.embed_tokens.weight": state["embedding.weight"],
        "model.norm.weight": state["norm.weight"],
    }
    if not config.tie_word_embeddings:
        weights["lm_head.weight"] = state["output.weight"]
    for n in range(config.num_hidden_layers):
        ours, theirs = f"layers.{n}.", f"model.layers.{n}."
        query, key, value = state[ours + "attention.qkv.weight"].split((config.hidden_size, kv, kv))
        gate, up = state[ours + "feed_forward.gate_up.weight"].chunk(2)
        weights |= {
            theirs + "input_layernorm.weight": state[ours + "attention_norm.weight"],
            theirs + "self_attn.q_proj.weight": query,
            theirs + "self_attn.k_proj.weight": key,
            theirs + "self_attn.v_proj.weight": value,
            theirs + "self_attn.o_proj.weight": state[ours + "attention.out.weight"],
            theirs + "post_attention_layernorm.weight": state[ours + "feed_forward_norm.weight"],
            theirs + "mlp.gate_proj.weight": gate,
            theirs + "mlp.up_proj.weight": up,
            theirs + "mlp.down_proj.weight": state[ours + "feed_forward.down.weight"],
        }
    return weights


def hf_config(config: LlamaConfig, begin: int, end: int, dtype: str) -> dict[str, Any]:
    """The content of config.json."""
    rope = stated_of(config.rope_scaling)
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "max_position_embeddings": config.max_position_embeddings,
        "rope_theta": config.rope_theta,
        "rope_scaling": None if config.rope_scaling is None else rope,
        "rope_parameters": {**rope, "rope_theta": config.rope_theta},
        "rms_norm_eps": config.rms_norm_eps,
        "hidden_act": "silu",
        "initializer_range": config.initializer_range,
        "tie_word_embeddings": config.tie_word_embeddings,
        "attention_bias": False,
        "mlp_bias": False,
        "attention_dropout": 0.0,
        "bos_token_id": begin,
        "eos_token_id": end,
        "dtype": dtype,
        "torch_dtype": dtype,
        "use_cache": True,
    }


def save_hf(model: Llama, folder: Path, begin: int, end: int, dtype: torch.dtype) -> None:
    """Write config.json and model.safetensors into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: w.detach().to("cpu", dtype).contiguous() for name, w in to_hf_names(model).items()}
    partial, config = folder / "model.safetensors.partial", folder / "config.json"
    save_file(weights, partial, metadata={"format": "pt"})
    write_json(config, hf_config(model.config, begin, end, str(dtype).removeprefix("torch.")))
    partial.chmod(config.stat().st_mode)  # safetensors lets its owner alone read it
    partial.rename(folder / "model.safetensors")


def round_to_bfloat16(model: Llama) -> None:
    """Round a model's weights as they are in `model.safetensors` of a release."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))


def load_hf(folder: Path, dtype: torch.dtype = torch.float32) -> Llama:
    """Read a Llama model from a Hugging Face directory, sharded or not.

    Raises InputError where the directory holds none, or an architecture other than plain Llama.
    """
    config = read_config(folder)
    with torch.device("meta"):
        model = Llama(config).to(dtype)
    _check_weights(folder, model)
    allocate(model)
    targets = to_hf_names(model)
    with torch.no_grad():
        for stored in _opened(folder):
            for name in targets.keys() & stored.keys():
                targets[name].copy_(stored.get_tensor(name))
    return model.eval()


def _check_weights(folder: Path, model: Llama) -> None:
    """Raise InputError where the files hold other weights than the model has, before it takes any memory."""
    expected = {name: list(weight.shape) for name, weight in to_hf_names(model).items()}
    missing = set(expected)
    for stored in _opened(folder):
        for name in stored.keys():  # noqa: SIM118 (no mapping)
            shape = stored.get_slice(name).get_shape()
            if name == "lm_head.weight" and model.config.tie_word_embeddings:
                continue
            if expected.get(name) != shape:
                found = f"{name} of shape {tuple(shape)}"
                raise InputError(f"{folder}: found {found}, which config.json does not tell of")
            missing.discard(name)
    if missing:
        raise InputError(f"{folder}: found no weights named {', '.join(sorted(missing)[:3])}, expected them")


def read_config(folder: Path) -> LlamaConfig:
    """Read config.json; InputError where the model is no plain Llama."""
    file = folder / "config.json"
    raw = read_object(file)
    if raw.get("model_type") != "llama":
        raise InputError(f"{file}: model_type: found {raw.get('model_type')!r}, expected 'llama'")
    if raw.get("attention_bias") or raw.get("mlp_bias") or raw.get("hidden_act", "silu") != "silu":
        raise InputError(f"{file}: found biases or an activation other than silu, expected neither")
    rope_field = "rope_parameters" if raw.get("rope_parameters") else "rope_scaling"
    rope = raw.get(rope_field) or {}
    if not isinstance(rope, dict):
        raise InputError(f"{file}: {rope_field}: found {rope!r}, expected an object")
    try:
        heads = raw["num_attention_heads"]
        config = LlamaConfig(
            vocab_size=raw["vocab_size"],
            hidden_size=raw["hidden_size"],
            num_hidden_layers=raw["num_hidden_layers"],
            num_attention_heads=heads,
            num_key_value_heads=raw.get("num_key_value_heads") or heads,
            intermediate_size=raw["intermediate_size"],
            max_position_embeddings=raw["max_position_embeddings"],
            rope_theta=rope.get("rope_theta", raw.get("rope_theta", 10_000.0)),
            rms_norm_eps=raw.get("rms_norm_eps", 1e-6),
            tie_word_embeddings=bool(raw.get("tie_word_embeddings", False)),
            initializer_range=raw.get("initializer_range", 0.02),
        )
    except KeyError as error:
        raise InputError(f"{file}: found no {error.args[0]}, expected it") from None
    check_config(config, str(file))
    if raw.get("head_dim") not in (None, config.head_dim):
        raise InputError(f"{file}: head_dim: found {raw['head_dim']}, expected hidden_size / heads")
    scaling = scaling_of(rope, config.max_position_embeddings, f"{file}: {rope_field}")
    return replace(config, rope_theta=float(config.rope_theta), rope_scaling=scaling)


def read_object(file: Path) -> dict[str, Any]:
    """The object in a model's JSON file; InputError where there is none."""
    try:
        found = json.loads(file.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{file.parent}: found no {file.name}, expected a Hugging Face model directory") from None
    except json.JSONDecodeError as error:
        raise InputError(f"{file}:{error.lineno}: not valid JSON: {error.msg}") from None
    except (UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{file}: not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise InputError(f"{file}: found no object, expected one")
    return found


def _opened(folder: Path) -> Iterator[Any]:
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise InputError(f"{folder}: found no .safetensors file, expected the weights in one or more")
    for file in files:
        try:
            with safe_open(file, framework="pt") as stored:
                yield stored
        except SafetensorError as error:
            raise InputError(f"{file}: found a file that cannot be read ({error}); is it cut short?") from None
