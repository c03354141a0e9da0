"""The recipe as a file: YAML read into the strict models with plain words for every mistake, and written back."""

from __future__ import annotations

import difflib
import json
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from octavo.errors import InputError
from octavo.recipe.schema import Recipe
from octavo.recipe.section import ImpossibleValueError, Section


class _Loader(yaml.SafeLoader):
    """YAML with the scalars of YAML 1.2: `3e-3` is a number, `no` is a language and `2026-01-01` is text."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping whose keys are text as they stand, since all of a recipe's keys are names."""
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                key.tag = "tag:yaml.org,2002:str"
        return super().construct_mapping(node, deep)

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        """A decimal number, whose leading zeros mean nothing."""
        written = self.construct_scalar(node)
        try:
            return int(written.replace("_", ""))
        except ValueError:
            problem = f"found {_shown(written)}, expected an integer"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark) from None


_Loader.yaml_implicit_resolvers = {}
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)


class _Dumper(yaml.SafeDumper):
    """YAML that _Loader, and YAML 1.1, read back as it was: text that looks like something else is quoted."""

    def ignore_aliases(self, data: Any) -> bool:
        """Everything is written where it stands, however often."""
        return True

    def represent_text(self, text: str) -> yaml.ScalarNode:
        """Text on one line, its line breaks escaped."""
        style = None if text.splitlines() == [text] else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", text, style)


_Dumper.add_representer(str, _Dumper.represent_text)


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9][0-9_]*", list("-+0123456789")),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|nan)",
        list("-+.0123456789"),
    ),
):
    for _class in (_Loader, _Dumper):
        _class.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


Settings = Iterable[str] | Mapping[str, Any]
"""Fields that are laid over a recipe: `a.b=value` as a person types it, or `a.b` with its value."""


def load(path: Path, settings: Settings | None = None) -> Recipe:
    """Read a recipe from YAML, with settings laid over it.

    Raises InputError with one line for each problem: file, line, field, found, expected.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such recipe; `octavo init DIR` writes one") from None
    except IsADirectoryError:
        raise InputError(f"{path}: found a folder, expected a recipe (a YAML file)") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), expected a recipe") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: found bytes that are not UTF-8 at offset {error.start}") from None
    data, lines = _parse_yaml(text, str(path))
    apply_settings(data, lines, settings or [])
    return validate(data, lines, str(path))


def validate(data: dict[str, Any], lines: dict[tuple[str | int, ...], str], file: str) -> Recipe:
    """Check a recipe given as plain data; `lines` says where each field stands, for the messages."""
    try:
        return Recipe.model_validate(data)
    except ValidationError as error:
        problems = [_describe(problem, lines, file) for problem in error.errors()]
        raise InputError("\n".join(problems)) from None


_MOST_FIELDS = 100_000


def _parse_yaml(text: str, file: str) -> tuple[dict[str, Any], dict[tuple[str | int, ...], str]]:
    try:
        node = yaml.compose(text, Loader=_Loader)
        data = yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{file}:{line}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise InputError(f"{file}: not valid YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(_nested_too_deep(file)) from None
    if node is None or not isinstance(data, dict):
        raise InputError(f"{file}:1: found {_kind(data)}, expected a mapping with `name` and `corpus`")
    lines: dict[tuple[str | int, ...], str] = {}

    def note(node: yaml.Node, path: tuple[str | int, ...]) -> None:
        if len(lines) > _MOST_FIELDS:  # aliases of aliases make any number of a few lines
            raise InputError(f"{file}: found over {_MOST_FIELDS:,} fields, expected a recipe")
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                where = (*path, str(key.value))
                if where in lines:
                    raise InputError(f"{file}:{key.start_mark.line + 1}: {_dotted(where)}: given twice")
                lines[where] = f"{file}:{key.start_mark.line + 1}"
                note(value, where)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                lines[(*path, index)] = f"{file}:{value.start_mark.line + 1}"
                note(value, (*path, index))

    try:
        note(node, ())
    except RecursionError:
        raise InputError(_nested_too_deep(file)) from None
    return data, lines


def _nested_too_deep(file: str) -> str:
    return f"{file}: found values nested without end, expected a recipe"


def apply_settings(data: dict[str, Any], lines: dict[tuple[str | int, ...], str], settings: Settings) -> None:
    """Lay settings over a recipe given as plain data, and note in `lines` where each field is from."""
    if isinstance(settings, Mapping):
        for dotted, value in settings.items():
            if not isinstance(dotted, str):
                raise InputError(
                    f"settings: found {dotted!r}, expected the name of a field such as training.tokens"
                )
            _lay(data, lines, dotted, value, "settings")
        return
    for setting in settings:
        where = f"--set {setting}"
        dotted, equals, written = setting.partition("=")
        if not equals or not dotted:
            raise InputError(f"{where}: expected a.b=value")
        try:
            value = yaml.load(written, Loader=_Loader)
        except (yaml.YAMLError, ValueError, LookupError, AttributeError, TypeError, RecursionError):
            raise InputError(f"{where}: the value is not valid YAML") from None
        _lay(data, lines, dotted, value, where)


def _lay(
    data: dict[str, Any], lines: dict[tuple[str | int, ...], str], dotted: str, value: Any, where: str
) -> None:
    path = tuple(dotted.split("."))
    target: Any = data
    for depth, key in enumerate(path[:-1], 1):
        lines.setdefault(path[:depth], where)
        target = target.setdefault(key, {}) if isinstance(target, dict) else None
    if not isinstance(target, dict):
        raise InputError(f"{where}: {dotted}: found no mapping to set it in")
    target[path[-1]] = value
    lines[path] = where


def _describe(problem: Any, lines: dict[tuple[str | int, ...], str], file: str) -> str:
    path = tuple(part for part in problem["loc"] if part != "[key]")
    cause = problem.get("ctx", {}).get("error")
    if isinstance(cause, ImpossibleValueError):
        parts = [part for part in re.split(r"[.\[\]]+", cause.field) if part]
        path = (*path, *(int(part) if part.isdigit() else part for part in parts))
        said = str(cause)
    elif problem["type"] == "extra_forbidden":
        known = list(_fields_at(path[:-1]))
        near = difflib.get_close_matches(str(path[-1]), known, n=1, cutoff=0.4)
        hint = f"the nearest is {near[0]}" if near else f"known are {', '.join(known)}"
        said = f"unknown field; {hint}"
    elif problem["type"] == "missing":
        said = "missing; it must be given"
    else:
        said = f"found {_shown(problem['input'])}, expected {_expected(problem)}"
    at = next((lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in lines), file)
    return f"{at}: {_dotted(path)}: {said}"


def _expected(problem: Any) -> str:
    context = problem.get("ctx", {})
    match problem["type"]:
        case "string_pattern_mismatch":
            return f"text of the form {context['pattern']}"
        case "model_type" | "dict_type":
            return "a mapping"
        case "too_short":
            return f"at least {_items(context['min_length'])}"
        case "too_long":
            return f"at most {_items(context['max_length'])}"
        case _:
            said: str = problem["msg"]
            return said.removeprefix("Input should be ").split(", unable to")[0]


def _items(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


def _fields_at(path: tuple[str | int, ...]) -> dict[str, Any]:
    """Field names of the section at a path of the recipe."""
    here: Any = Recipe
    for part in path:
        if isinstance(part, int):
            here = typing.get_args(here)[0]
        elif typing.get_origin(here) is dict:
            here = typing.get_args(here)[1]
        else:
            here = here.model_fields[part].annotation
        if isinstance(here, types.UnionType):
            here = next(arm for arm in typing.get_args(here) if arm is not type(None))
    return dict(here.model_fields)


def _dotted(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).lstrip(".")


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", type(None): "nothing", bool: "true or false"}
    return names.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return f"a list of {_items(len(value))}" if value else "an empty list"
    if isinstance(value, dict | type(None)):
        return _kind(value)
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def dump(recipe: Recipe, comments: bool = False) -> str:
    """The recipe as YAML, complete with defaults; with comments, each field is explained above itself."""
    out: list[str] = []

    def write(section: Section, indent: str) -> None:
        for name, field in type(section).model_fields.items():
            value = getattr(section, name)
            if comments and field.description:
                if not indent and isinstance(value, Section):
                    out.append("")
                out.append(f"{indent}# {' '.join(field.description.split())}")
            if isinstance(value, Section):
                out.append(f"{indent}{name}:")
                write(value, indent + "  ")
            elif isinstance(value, list) and value and isinstance(value[0], Section):
                out.append(f"{indent}{name}:")
                for item in value:
                    start = len(out)
                    write(item, indent + "    ")
                    first = next(n for n in range(start, len(out)) if not out[n].lstrip().startswith("#"))
                    out[first] = out[first].replace(f"{indent}    ", f"{indent}  - ", 1)
                    if comments:  # the item's own comment stands above its dash
                        out[start:first] = [line.replace("    ", "  ", 1) for line in out[start:first]]
            else:
                plain = yaml.dump(
                    section.model_dump(include={name})[name],
                    Dumper=_Dumper,
                    allow_unicode=True,
                    default_flow_style=True,
                    width=math.inf,
                )
                out.append(f"{indent}{name}: {plain.removesuffix(chr(10)).removesuffix(f'{chr(10)}...')}")

    write(recipe, "")
    return "\n".join(out) + "\n"
