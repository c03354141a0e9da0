"""How much a user writes: lines and characters of a file without blank lines, comments and docstrings."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


class Written(NamedTuple):
    """Lines and their characters, those of the indentation apart."""

    lines: int
    characters: int


def written(files: Iterable[Path]) -> Written:
    """What is written in Python or YAML files."""
    counted = [_python(file.read_text()) if file.suffix == ".py" else _yaml(file.read_text()) for file in files]
    return Written(sum(one.lines for one in counted), sum(one.characters for one in counted))


def _python(source: str) -> Written:
    lines = source.splitlines()
    ends: dict[int, int] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in _LAYOUT:
            for row in range(token.start[0], token.end[0] + 1):
                ends[row] = token.end[1] if row == token.end[0] else len(lines[row - 1])
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            docstring = node.body[0]
            for row in range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1):
                ends.pop(row, None)
    return Written(len(ends), sum(len(lines[row - 1][:end].strip()) for row, end in ends.items()))


def _yaml(source: str) -> Written:
    kept = [line.partition(" #")[0].strip() for line in source.splitlines() if not line.lstrip().startswith("#")]
    kept = [line for line in kept if line]
    return Written(len(kept), sum(map(len, kept)))
