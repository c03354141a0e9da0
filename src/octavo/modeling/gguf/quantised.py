"""How a GGUF file stores its numbers: which type each matrix has, and its rows in that type.

Blocks are made by ggml's own code, which the library of llama.cpp's binding brings along: so a file has the numbers
that llama.cpp's own tool would give it.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, Literal

import numpy as np
import xllamacpp
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType
from gguf.quants import quant_shape_to_byte_shape, quantize

from octavo.errors import InputError, OctavoError

GgufType = Literal["F32", "F16", "BF16", "Q8_0", "Q4_K_M"]

FILE_TYPES: Final[dict[GgufType, LlamaFileType]] = {
    "F32": LlamaFileType.ALL_F32,
    "F16": LlamaFileType.MOSTLY_F16,
    "BF16": LlamaFileType.MOSTLY_BF16,
    "Q8_0": LlamaFileType.MOSTLY_Q8_0,
    "Q4_K_M": LlamaFileType.MOSTLY_Q4_K_M,
}
BLOCKS: Final = ("Q8_0", "Q4_K_M")
"""Those whose numbers stand in blocks that share a scale."""
_INSTEAD: Final = {
    GGMLQuantizationType.Q4_K: GGMLQuantizationType.Q5_0,
    GGMLQuantizationType.Q6_K: GGMLQuantizationType.Q8_0,
    GGMLQuantizationType.Q5_0: GGMLQuantizationType.F16,
    GGMLQuantizationType.Q8_0: GGMLQuantizationType.F16,
}
"""What llama.cpp takes where rows do not divide into blocks: of 256 numbers for the first two, else of 32."""
_FINER: Final = re.compile(r"blk\.(\d+)\.(?:attn_v|ffn_down)\.weight")
_PLAIN: Final = (GGMLQuantizationType.F32, GGMLQuantizationType.F16, GGMLQuantizationType.BF16)
_LARGEST_F16: Final = 65_504.0
_SLICE: Final = 2**20
"""Numbers that a thread quantises at a time."""


def stored_type(kind: GgufType, name: str, shape: tuple[int, ...], layers: int, tied: bool) -> GGMLQuantizationType:
    """The type in which a file of this `kind` holds the tensor of this name in llama.cpp.

    Norms are F32. Q4_K_M is llama.cpp's mixture for Llama (Kawrakow, 2023): the output matrix, which is the
    embedding where they are `tied`, and half of the layers' values and down-projections are Q6_K, others Q4_K.
    """
    if len(shape) == 1:
        return GGMLQuantizationType.F32
    if kind != "Q4_K_M":
        wanted = GGMLQuantizationType[kind]
    else:
        layer = _FINER.fullmatch(name)
        output = name == ("token_embd.weight" if tied else "output.weight")
        fine = output or (layer is not None and _counts_more(int(layer[1]), layers))
        wanted = GGMLQuantizationType.Q6_K if fine else GGMLQuantizationType.Q4_K
    while shape[-1] % GGML_QUANT_SIZES[wanted][0]:
        wanted = _INSTEAD[wanted]
    return wanted


def _counts_more(layer: int, layers: int) -> bool:
    """The first eighth of the layers, the last, and of those between every third."""
    first = layers // 8
    return layer < first or layer >= 7 * layers // 8 or (layer - first) % 3 == 2


def stored(array: np.ndarray, kind: GGMLQuantizationType, name: str) -> np.ndarray:
    """Rows of float32 as they stand in a file; in bytes but for F32 and F16.

    Raises InputError where a number is too large for F16, which are also the scales of blocks.
    """
    array = np.ascontiguousarray(array, np.float32)
    if kind not in (GGMLQuantizationType.F32, GGMLQuantizationType.BF16):
        largest = float(np.abs(array).max(initial=0.0))
        if not largest <= _LARGEST_F16:
            raise InputError(
                f"release.formats: {name}: found a weight of {largest:g}, expected none over 65,504, as type "
                f"{kind.name} holds no larger ones; take gguf-bf16 or gguf-f32"
            )
    if kind in _PLAIN:
        data: np.ndarray = quantize(array, kind)
        return data
    return _blocks(array, kind)


def _blocks(array: np.ndarray, kind: GGMLQuantizationType) -> np.ndarray:
    rows, width = array.shape
    data = np.zeros(quant_shape_to_byte_shape(array.shape, kind), np.uint8)
    step = max(1, _SLICE // width)

    def quantise(first: int) -> int:
        part = array[first : first + step]
        return _ggml()(kind, part.ctypes.data, data[first:].ctypes.data, 0, len(part), width, None)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        written = sum(pool.map(quantise, range(0, rows, step)))
    if written != data.nbytes:
        raise OctavoError(f"llama.cpp wrote {written:,} bytes of type {kind.name}, expected {data.nbytes:,}")
    return data


@functools.cache
def _ggml() -> Callable[..., int]:
    """ggml_quantize_chunk(type, numbers, place, start, rows, numbers a row, importance or null): bytes written."""
    function = ctypes.CDLL(xllamacpp.xllamacpp.__file__).ggml_quantize_chunk
    function.restype = ctypes.c_size_t
    function.argtypes = [ctypes.c_int, *[ctypes.c_void_p] * 2, *[ctypes.c_int64] * 3, ctypes.c_void_p]
    found: Callable[..., int] = function
    return found
