"""The reference page of Python, from the signatures and docstrings of what `import octavo` has."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import typing
from collections.abc import Callable, Iterator
from typing import Any

import octavo

WIDTH = 84


class _Words(str):
    """An annotation as it is written, that a signature shows without quotation marks."""

    __repr__ = str.__str__


def python_page(note: str) -> str:
    """Functions, then classes, then what may be raised, each in the order of the alphabet."""
    names = {name: getattr(octavo, name) for name in octavo.__all__}
    functions = [name for name, held in names.items() if inspect.isfunction(held)]
    errors = [name for name in names if name not in functions and issubclass(names[name], Exception)]
    classes = [name for name in names if name not in [*functions, *errors]]
    lines = [
        "# Python",
        note,
        "What `import octavo` has. [Use octavo from Python](../how-to/python.md) shows how it goes together; the "
        "examples here are run by the tests.",
    ]
    for name in functions:
        lines += [f"## octavo.{name}", *_function(f"octavo.{name}", names[name])]
    for name in classes:
        lines += [f"## octavo.{name}", *_class(name, names[name])]
    for name in errors:
        lines += [
            f"## octavo.{name}",
            _code(f"class octavo.{name}({names[name].__base__.__name__})"),
            *_doc(names[name]),
        ]
    return "\n\n".join(lines) + "\n"


def _function(name: str, function: Callable[..., Any]) -> list[str]:
    forms = typing.get_overloads(function) or [function]
    return [_code("\n".join(_signature(name, form) for form in forms)), *_doc(function)]


def _class(name: str, held: type) -> list[str]:
    """A class: its fields, and those of its properties and methods that are its own."""
    if name == "Recipe":
        return [*_doc(held), "Its fields are those of [the recipe](recipe.md)."]
    lines = [*_doc(held)]
    rows = [f"| `{field}` | `{kind}` | {meaning} |" for field, kind, meaning in _fields(held)]
    if rows:
        lines.append("\n".join(["| field | type | what it is |", "| --- | --- | --- |", *rows]))
    for method, function in vars(held).items():
        if inspect.isfunction(function) and not method.startswith("_"):
            lines += [f"### {name}.{method}", *_function(f"{name}.{method}", function)]
    return lines


def _fields(held: type) -> Iterator[tuple[str, str, str]]:
    """Fields with the text below each, and properties with their docstrings, as the class's source has them."""
    known = vars(sys.modules[held.__module__])
    body = typing.cast(ast.ClassDef, ast.parse(textwrap.dedent(inspect.getsource(held))).body[0]).body
    for place, item in enumerate(body):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            below = body[place + 1] if place + 1 < len(body) else None
            said = below.value if isinstance(below, ast.Expr) else None
            meaning = str(said.value) if isinstance(said, ast.Constant) else ""
            yield (
                item.target.id,
                _cell(_spelt(ast.unparse(item.annotation), known)),
                _cell(" ".join(meaning.split())),
            )
        elif isinstance(item, ast.FunctionDef) and isinstance(vars(held)[item.name], property):
            meaning = " ".join((ast.get_docstring(item) or "").split())
            if item.returns and not item.name.startswith("_"):
                yield item.name, _cell(ast.unparse(item.returns)), _cell(meaning)


def _signature(name: str, function: Callable[..., Any]) -> str:
    """A call as one writes it, on several lines where it is long."""
    signature = inspect.signature(function)
    known = function.__globals__
    parameters = [
        parameter.replace(annotation=_spelt(parameter.annotation, known))
        for parameter in signature.parameters.values()
        if parameter.name != "self"
    ]
    returns = _spelt(signature.return_annotation, known)
    one_line = f"{name}{signature.replace(parameters=parameters, return_annotation=returns)}"
    if len(one_line) <= WIDTH:
        return one_line
    lines = [f"    {parameter}," for parameter in parameters]
    named_alone = [parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters]
    if any(named_alone):
        lines.insert(named_alone.index(True), "    *,")
    return "\n".join([f"{name}(", *lines, f") -> {returns}"])


def _spelt(annotation: str, known: dict[str, Any]) -> _Words:
    """An annotation in which names that stand for other types are replaced by what they stand for."""

    def meaning(match: re.Match[str]) -> str:
        held = known.get(match[0])
        if typing.get_origin(held) is typing.Literal:
            return " | ".join(map(repr, typing.get_args(held)))
        return re.sub(r"\b[a-z_][\w.]*\.", "", str(held)) if typing.get_origin(held) else match[0]

    return _Words(re.sub(r"\w+", meaning, annotation))


def _doc(held: object) -> list[str]:
    """A docstring's paragraphs; examples as blocks of Python's prompt."""
    paragraphs = (inspect.getdoc(held) or "").split("\n\n")
    return [f"```pycon\n{part}\n```" if part.startswith(">>>") else " ".join(part.split()) for part in paragraphs]


def _code(text: str) -> str:
    return f"```python\n{text}\n```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
