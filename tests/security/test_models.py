"""Models of others: what their files state is refused in one line where it cannot be, before it takes memory."""

import contextlib
import json
import struct

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from octavo.errors import InputError, OctavoError
from octavo.modeling.gguf.reading import load_gguf
from octavo.modeling.hf import load_hf, save_hf
from octavo.modeling.llama import Llama, LlamaConfig

CONFIG = LlamaConfig(16, 8, 1, 2, 1, 12, 16)
WRONG = (None, "abc", -1, 0, 1.5, True, [], {}, float("inf"), float("nan"), 10**30, 2**31 - 1, -(2**63))
SIZES = [name for name in LlamaConfig.__dataclass_fields__ if name.endswith(("_size", "_heads", "_layers"))]


@pytest.fixture
def folder(tmp_path):
    """A model as Hugging Face lays it out."""
    save_hf(Llama(CONFIG), tmp_path, 0, 1, torch.float32)
    return tmp_path


def may_be(name: str, value: object) -> bool:
    """Whether a model may state that, be it odd."""
    if name == "num_key_value_heads":
        return not value  # as many as there are heads
    if name.startswith("max"):
        return type(value) is int and 0 < value < 2**31
    return name.startswith(("rms", "rope")) and type(value) in (int, float) and 0 < value < float("inf")


@pytest.mark.parametrize("name", [*SIZES, "max_position_embeddings", "rms_norm_eps", "rope_theta"])
def test_sizes_that_cannot_be_are_refused(name, folder):
    good = json.loads((folder / "config.json").read_text())
    good["rope_parameters"] = None
    for value in WRONG:
        (folder / "config.json").write_text(json.dumps(good | {name: value}))
        if may_be(name, value):
            continue
        with pytest.raises(InputError) as raised:
            load_hf(folder)
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", ["[]", "null", "1", '"x"', "", "{", "[" * 100_000, '{"a":' * 100_000, "\xff"])
def test_a_config_of_any_content_is_refused(content, folder):
    (folder / "config.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=r"config.json"):
        load_hf(folder)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_safetensors_are_read_or_refused(folder, data):
    file = folder / "model.safetensors"
    content = bytearray(file.read_bytes())
    head = struct.unpack("<Q", content[:8])[0] + 8
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, head - 1))] = data.draw(st.integers(0, 255))
    whole = file.read_bytes()
    file.write_bytes(content)
    with contextlib.suppress(OctavoError):
        load_hf(folder)
    file.write_bytes(whole)


def text(value) -> bytes:
    content = value if isinstance(value, bytes) else value.encode()
    return struct.pack("<Q", len(content)) + content


def u32(value):
    return struct.pack("<II", 4, value)


def f32(value):
    return struct.pack("<If", 6, value)


def string(value):
    return struct.pack("<I", 8) + text(value)


def strings(values):
    return struct.pack("<IIQ", 9, 8, len(values)) + b"".join(map(text, values))


def numbers(values):
    return struct.pack("<IIQ", 9, 5, len(values)) + np.array(values, "<i4").tobytes()


SETTINGS = {
    "general.architecture": string("llama"),
    "llama.attention.head_count": u32(2),
    "llama.attention.head_count_kv": u32(1),
    "llama.embedding_length": u32(8),
    "llama.block_count": u32(1),
    "llama.feed_forward_length": u32(12),
    "llama.context_length": u32(16),
    "llama.attention.layer_norm_rms_epsilon": f32(1e-5),
    "tokenizer.ggml.model": string("gpt2"),
    "tokenizer.ggml.tokens": strings(["<s>", "</s>", *map(chr, range(97, 111))]),
    "tokenizer.ggml.token_type": numbers([3, 3] + [1] * 14),
    "tokenizer.ggml.merges": strings([]),
    "tokenizer.ggml.bos_token_id": u32(0),
    "tokenizer.ggml.eos_token_id": u32(1),
}
SHAPES = {
    "token_embd": (8, 16),
    "output_norm": (8,),
    "blk.0.attn_norm": (8,),
    "blk.0.ffn_norm": (8,),
    "blk.0.attn_q": (8, 8),
    "blk.0.attn_k": (8, 4),
    "blk.0.attn_v": (8, 4),
    "blk.0.attn_output": (8, 8),
    "blk.0.ffn_gate": (8, 12),
    "blk.0.ffn_up": (8, 12),
    "blk.0.ffn_down": (12, 8),
}
TENSORS = {f"{name}.weight": (shape, 0, 512 * place) for place, (name, shape) in enumerate(SHAPES.items())}


def gguf(held=SETTINGS, tensors=TENSORS, counts=(11, 14)) -> bytes:
    content = b"GGUF" + struct.pack("<IQQ", 3, *counts)
    content += b"".join(text(name) + value for name, value in held.items())
    for name, (shape, kind, place) in tensors.items():
        content += text(name) + struct.pack("<I", len(shape)) + np.array(shape, "<u8").tobytes()
        content += struct.pack("<IQ", kind, place)
    return content + b"\0" * (-len(content) % 32 + 512 * len(TENSORS))


WRONG_SETTINGS = {
    "a number of 0": u32(0),
    "a large one": u32(2**32 - 1),
    "no number": f32(float("nan")),
    "a text": string("x"),
    "a text that is no UTF-8": string(b"\xff\xfe"),
    "texts": strings(["a"]),
    "a list longer than the file": struct.pack("<IIQ", 9, 0, 2**60),
    "texts more than the file has": struct.pack("<IIQ", 9, 8, 2**60),
    "lists in lists": struct.pack("<IIQ", 9, 9, 1) * 3000,
    "a negative number": struct.pack("<Iq", 11, -5),
    "a kind that is none": struct.pack("<I", 99),
    "a text longer than the file": struct.pack("<IQ", 8, 2**63),
}
MORE_SETTINGS = ("general.alignment", "llama.rope.scaling.factor", "llama.rope.freq_base", "tokenizer.ggml.pre")


def refused_or_read(path, content: bytes) -> None:
    path.write_bytes(content)
    with contextlib.suppress(OctavoError):
        load_gguf(path)


@pytest.mark.parametrize("wrong", WRONG_SETTINGS)
def test_a_setting_of_a_gguf_file_that_cannot_be_is_refused(wrong, tmp_path):
    (tmp_path / "x.gguf").write_bytes(gguf())
    assert load_gguf(tmp_path / "x.gguf").end == 1
    for name in (*SETTINGS, *MORE_SETTINGS):
        refused_or_read(
            tmp_path / "x.gguf", gguf(held := SETTINGS | {name: WRONG_SETTINGS[wrong]}, counts=(11, len(held)))
        )


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(
    "shape", [(), (0,), (2**63,), (2**40, 2**40), (8,), (8, 16, 1), (8,) * 5000, (2**32, 2**32)]
)
def test_a_tensor_that_does_not_fit_the_file_is_refused(shape, tmp_path):
    for name in list(TENSORS)[:3]:
        for kind in (0, 1, 2, 12, 24, 99):
            for place in (0, 2**60, 2**64 - 1):
                refused_or_read(tmp_path / "x.gguf", gguf(tensors=TENSORS | {name: (shape, kind, place)}))


@pytest.mark.parametrize("counts", [(2**60, 14), (11, 2**60), (0, 14), (11, 0)])
def test_counts_that_do_not_fit_the_file_are_refused(counts, tmp_path):
    (tmp_path / "x.gguf").write_bytes(gguf(counts=counts))
    with pytest.raises(InputError, match=r"expected|can be read"):
        load_gguf(tmp_path / "x.gguf")


@pytest.mark.filterwarnings("ignore:overflow encountered")
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_a_damaged_gguf_file_is_read_or_refused(tmp_path, data):
    content = bytearray(gguf())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, 1400))] = data.draw(st.integers(0, 255))
    refused_or_read(tmp_path / "x.gguf", bytes(content))
