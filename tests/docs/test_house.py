"""The files beside the documentation agree with the code and with one another."""

import re
import tomllib

import pytest
import yaml

import octavo

from .blocks import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
MAP = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_there_is_one_version():
    newest = re.search(r"^## \[(\d[^]]*)\] - (\d{4}-\d\d-\d\d)$", CHANGES, re.MULTILINE)
    assert newest
    assert newest[1] == PROJECT["version"] == octavo.__version__ == CITATION["version"]
    assert newest[2] == CITATION["date-released"]


def test_the_citation_has_what_its_format_asks_for():
    """cff-version, message, title and authors are required; a name alone is an entity's (Citation File Format 1.2.0)."""
    assert CITATION["cff-version"] == "1.2.0"
    assert all(isinstance(CITATION[field], str) and CITATION[field] for field in ("message", "title", "abstract"))
    assert CITATION["authors"] == [{"name": author["name"]} for author in PROJECT["authors"]]
    assert CITATION["license"] == PROJECT["license"]
    assert CITATION["keywords"] == PROJECT["keywords"]
    assert CITATION["type"] == "software"


def test_the_changelog_begins_with_what_is_not_released():
    sections = re.findall(r"^## \[([^]]+)\]", CHANGES, re.MULTILINE)
    assert sections[0] == "Unreleased"


PARTS = sorted((ROOT / "src" / "octavo").glob("*"))


@pytest.mark.parametrize("name", [part.name for part in PARTS if (part / "__init__.py").exists()])
def test_the_map_has_every_package(name):
    assert f"| `{name}` |" in MAP


@pytest.mark.parametrize(
    "name", [part.name for part in PARTS if part.suffix == ".py" and part.name != "__init__.py"]
)
def test_the_map_has_every_module_beside_them(name):
    assert f"`{name}`" in MAP or f"`{re.sub(r'_.*', '_*.py', name)}`" in MAP
