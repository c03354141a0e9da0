"""Where two texts part, and two trees of values, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import takewhile, zip_longest
from typing import Any

_BEFORE, _AFTER = 30, 60
"""Characters shown before the place at which two lines part, and after it."""
_SHOWN = 100
"""Characters of a value."""


def first_difference(found: bytes, expected: bytes) -> str | None:
    """The first line in which two texts differ, and from where on; None where they are the same."""
    if found == expected:
        return None
    for number, pair in enumerate(zip_longest(found.splitlines(), expected.splitlines(), fillvalue=b""), 1):
        line, other = (each.decode(errors="replace") for each in pair)
        if line != other:
            same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(line, other, strict=False)))
            start = max(0, same - _BEFORE)
            return f"line {number:,} is {_part(line, start)}, expected {_part(other, start)}"
    return "its line ends are others"


def differences(stated: Any, found: Any, field: str = "") -> Iterator[str]:
    """The fields in which what is stated is not what was found, in words."""
    if isinstance(stated, dict) and isinstance(found, dict):
        for name in [*found, *(name for name in stated if name not in found)]:
            yield from differences(stated.get(name), found.get(name), f"{field}.{name}" if field else str(name))
    elif isinstance(stated, list) and isinstance(found, list) and len(stated) == len(found):
        for number, (one, other) in enumerate(zip(stated, found, strict=True)):
            yield from differences(one, other, f"{field}[{number}]")
    elif stated != found:
        yield f"{field} is {_short(stated)}, found {_short(found)}"


def _part(line: str, start: int) -> str:
    end = start + _BEFORE + _AFTER
    shown = json.dumps(line[start:end], ensure_ascii=False)
    return f"{'…' if start else ''}{shown}{'…' if end < len(line) else ''}"


def _short(value: Any) -> str:
    shown = json.dumps(value, ensure_ascii=False)
    return shown if len(shown) <= _SHOWN else shown[: _SHOWN - 3] + "..."
