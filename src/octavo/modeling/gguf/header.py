"""The head of a GGUF file without the lists in it: the gguf package takes seconds to read a vocabulary.

The format is that of https://github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3.
"""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from gguf import GGUF_MAGIC, GGMLQuantizationType, GGUFValueType

from octavo.errors import InputError

Setting = str | int | float | bool

Found = TypeVar("Found")

_NUMBERS: Final = {
    GGUFValueType.UINT8: "<B",
    GGUFValueType.INT8: "<b",
    GGUFValueType.UINT16: "<H",
    GGUFValueType.INT16: "<h",
    GGUFValueType.UINT32: "<I",
    GGUFValueType.INT32: "<i",
    GGUFValueType.FLOAT32: "<f",
    GGUFValueType.BOOL: "<?",
    GGUFValueType.UINT64: "<Q",
    GGUFValueType.INT64: "<q",
    GGUFValueType.FLOAT64: "<d",
}


def gguf_settings(path: Path) -> dict[str, Setting]:
    """The settings of a GGUF file that are numbers or strings; InputError where it is none."""
    return _read(path, lambda cursor: _settings(cursor)[1])


def tensor_types(path: Path) -> dict[str, int]:
    """How many tensors of a GGUF file are stored in each type, by its name; InputError where it is none."""
    return dict(sorted(Counter(_read(path, _types)).items()))


def _read(path: Path, what: Callable[[_Cursor], Found]) -> Found:
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return what(_Cursor(content))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (ValueError, KeyError, struct.error, OSError) as error:
        raise InputError(f"{path}: found no GGUF model that can be read ({error})") from None


class _Cursor:
    """A place in a file's bytes."""

    def __init__(self, content: mmap.mmap) -> None:
        self.content, self.at = content, 0

    def number(self, form: str) -> int | float | bool:
        (value,) = struct.unpack_from(form, self.content, self.at)
        self.at += struct.calcsize(form)
        found: int | float | bool = value
        return found

    def skip(self, length: int) -> int:
        """Go on by so many bytes; where they began."""
        start, self.at = self.at, self.at + length
        if self.at > len(self.content):
            raise ValueError("it is cut short")
        return start

    def skip_string(self) -> tuple[int, int]:
        length = int(self.number("<Q"))
        return self.skip(length), self.at

    def string(self) -> str:
        start, end = self.skip_string()
        return self.content[start:end].decode("utf-8", errors="replace")


def _settings(cursor: _Cursor) -> tuple[int, dict[str, Setting]]:
    """How many tensors there are, and the settings; the cursor stands at the tensors' descriptions then."""
    magic, version = cursor.number("<I"), cursor.number("<I")
    if magic != GGUF_MAGIC or version not in (2, 3):
        raise ValueError("it begins with no mark of GGUF, version 2 or 3")
    tensors = int(cursor.number("<Q"))
    found: dict[str, Setting] = {}
    for _ in range(int(cursor.number("<Q"))):
        name = cursor.string()
        kind = GGUFValueType(int(cursor.number("<I")))
        if kind == GGUFValueType.ARRAY:
            _skip_array(cursor)
        elif kind == GGUFValueType.STRING:
            found[name] = cursor.string()
        else:
            found[name] = cursor.number(_NUMBERS[kind])
    return tensors, found


def _types(cursor: _Cursor) -> list[str]:
    """The types of all tensors."""
    found = []
    for _ in range(_settings(cursor)[0]):
        cursor.skip_string()  # its name
        cursor.skip(8 * int(cursor.number("<I")))  # its shape
        found.append(GGMLQuantizationType(int(cursor.number("<I"))).name)
        cursor.number("<Q")  # where its values are
    return found


def _skip_array(cursor: _Cursor) -> None:
    kind = GGUFValueType(int(cursor.number("<I")))
    length = int(cursor.number("<Q"))
    if kind == GGUFValueType.STRING:
        for _ in range(length):
            cursor.skip_string()
    else:
        cursor.skip(length * struct.calcsize(_NUMBERS[kind]))
