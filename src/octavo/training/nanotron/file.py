"""Nanotron's settings as its YAML file gives them, each with its key and its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from octavo.errors import InputError
from octavo.training.nanotron.imported import Imported, Setting
from octavo.training.nanotron.keys import LEAVES

MOST_SETTINGS = 10_000
"""A file with more is refused: aliases of aliases can grow without end."""
MOST_VALUES = 100_000
"""The same of all names and values, those in lists among them."""


class _Loader(yaml.SafeLoader):
    """YAML 1.1 whose whole numbers have 64 bits at most, so that any of them can be computed with and printed."""

    def construct_integer(self, node: yaml.ScalarNode) -> int:
        """A whole number."""
        number = int(self.construct_yaml_int(node))
        if abs(number) >= 2**63:
            problem = "found a whole number of over 64 bits, expected a smaller one"
            raise yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
        return number


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_integer)


def read_settings(path: Path, found: Imported) -> list[Setting]:
    """All settings in the order of the file; of a key that is given twice, as in YAML, the last counts.

    Those that do not count are noted in `found`. Raises InputError for what is no such file.
    """
    text = _text_of(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        if not isinstance(root, yaml.MappingNode):
            raise InputError(f"{path}:1: found no mapping, expected nanotron's settings with general and model")
        _check_size(root, path)
        return list(_settings(root, found))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except (
        yaml.YAMLError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None


def _check_size(root: yaml.Node, path: Path) -> None:
    """Raise InputError where a file has too many values, each counted wherever an alias stands for it."""
    pending, count = [root], 0
    while pending:
        count += 1
        if count > MOST_VALUES:
            raise InputError(f"{path}: found over {MOST_VALUES:,} values, expected nanotron's settings")
        node = pending.pop()
        if isinstance(node, yaml.MappingNode):
            pending += [inner for pair in node.value for inner in pair]
        elif isinstance(node, yaml.SequenceNode):
            pending += node.value


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected nanotron's settings (YAML)") from None
    except IsADirectoryError:
        raise InputError(f"{path}: found a folder, expected nanotron's settings (YAML)") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: found bytes that are not UTF-8 at offset {error.start}") from None


def _settings(root: yaml.Node, found: Imported) -> Iterator[Setting]:
    loader, count = _Loader(""), 0

    def walk(node: yaml.Node, key: str) -> Iterator[Setting]:
        nonlocal count
        count += 1
        if count > MOST_SETTINGS:
            raise InputError(f"{found.file}: found over {MOST_SETTINGS:,} settings, expected nanotron's")
        setting = Setting(key, node.start_mark.line + 1, None)
        if isinstance(node, yaml.MappingNode) and node.value and setting.rule not in LEAVES:
            loader.flatten_mapping(node)
            last = {str(name.value): (name, value) for name, value in node.value}
            for name, value in node.value:
                inner = f"{key}.{name.value}".lstrip(".")
                given = Setting(inner, name.start_mark.line + 1, None)
                if not isinstance(name, yaml.ScalarNode):
                    found.note(given, "dropped", "a key is a name")
                elif last[name.value][1] is not value:
                    found.note(given, "dropped", "given again below")
                else:
                    for below in walk(value, inner):
                        yield Setting(below.key, given.line, below.value) if below.key == inner else below
        elif isinstance(node, yaml.SequenceNode) and any(isinstance(item, yaml.MappingNode) for item in node.value):
            for index, item in enumerate(node.value):
                yield from walk(item, f"{key}[{index}]")
        else:
            yield Setting(key, setting.line, loader.construct_object(node, deep=True))

    yield from walk(root, "")
