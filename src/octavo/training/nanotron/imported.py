"""A recipe as it is made of nanotron's settings, with what becomes of each of them."""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from octavo.errors import InputError
from octavo.recipe.file import validate
from octavo.recipe.schema import Recipe

Fate = Literal["taken", "alike", "dropped"]


@dataclass(frozen=True)
class Setting:
    """What a file says: dotted key, line, value."""

    key: str
    line: int
    value: Any

    @property
    def rule(self) -> str:
        """The key by which the tables of nanotron_keys know it, alike for all generations."""
        name = re.sub(r"\[\d+\]", "[]", self.key)
        name = name.replace("data_stages[].data.", "data.", 1) if name.startswith("data_stages[].data.") else name
        return name.replace("optimizer.optimizer_factory.", "optimizer.", 1)


@dataclass(frozen=True)
class Row:
    """What became of a setting."""

    key: str
    line: int
    value: Any
    fate: Fate
    words: str
    """The fields of the recipe that took it, or why it is not taken."""


@dataclass
class Imported:
    """A recipe from nanotron's settings, and what became of each of them."""

    file: str
    rows: list[Row] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[tuple[str | int, ...], str] = field(default_factory=dict)
    given: dict[str, Setting] = field(default_factory=dict)
    """The settings by key."""
    settings: dict[str, Setting] = field(default_factory=dict)
    """The settings by rule; of a rule that several stages give, the first."""
    sources: list[dict[str, Any]] = field(default_factory=list)

    @property
    def recipe(self) -> Recipe:
        """The recipe; InputError, with the line in nanotron's file, for a value that cannot be."""
        return validate(self.data, self.lines, self.file)

    def figures(self) -> dict[str, Any]:
        """The recipe, and what became of each setting, as plain data."""
        settings = [asdict(row) | {"value": _for_json(row.value)} for row in self.rows]
        return {"recipe": self.recipe.model_dump(mode="json"), "settings": settings}

    def put(self, setting: Setting, where: str, value: Any) -> None:
        """Set a field of the recipe."""
        *sections, name = where.split(".")
        target = self.data
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = value
        self.lines[tuple(where.split("."))] = f"{self.file}:{setting.line}"

    def note(self, setting: Setting, fate: Fate, words: str) -> None:
        """Record what became of a setting."""
        self.rows.append(Row(setting.key, setting.line, setting.value, fate, words))

    def refuse(self, setting: Setting, expected: str) -> InputError:
        """The error of a value that cannot be."""
        at = f"{self.file}:{setting.line}: {shown(setting.key, quoted=False)}"
        return InputError(f"{at}: found {shown(setting.value)}, expected {expected}")

    def value(self, rule: str, default: Any = None) -> Any:
        """A setting's value, `default` where it is missing or null."""
        setting = self.settings.get(rule)
        return default if setting is None or setting.value is None else plain(setting.value)

    def integer(self, rule: str, least: int, default: int | None = None) -> int:
        """A whole number of at least `least`; InputError where it is none, or missing without a default."""
        value = self._needed(rule, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.refuse(self.settings[rule], f"a whole number of at least {least}")
        return value

    def number(self, rule: str, least: float, default: float | None = None) -> float:
        """A finite number of at least `least`; InputError where it is none, or missing without a default."""
        value = self._needed(rule, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
            raise self.refuse(self.settings[rule], f"a number of at least {least:g}")
        return float(value)

    def _needed(self, rule: str, default: Any) -> Any:
        if rule not in self.settings and default is None:
            raise InputError(f"{self.file}: {rule}: missing; it must be given")
        return self.value(rule, default)


def plain(value: Any) -> Any:
    """A value, with numbers such as 1e-5, which YAML 1.1 takes for text, as numbers."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", value.strip()):
        return float(value)
    return value


def shown(value: Any, quoted: bool = True) -> str:
    """A value in a few characters, none of which a terminal would obey."""
    words = json.dumps(value) if value is None or isinstance(value, bool) else ascii(value)
    words = words if quoted or not isinstance(value, str) else words[1:-1]
    return words if len(words) <= 60 else f"{words[:57]}..."


def _for_json(value: Any) -> Any:
    """A value as it is, or in words where JSON has no such thing: a date, a set, no number."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return shown(value)
    return value
