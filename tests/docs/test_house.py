"""The files beside the documentation agree with the code and with one another."""

import ast
import functools
import re
import tomllib
from graphlib import TopologicalSorter

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


ROAD = re.search(r"\*\*Data flows one way\*\*: ([^.]+)\.", MAP)[1].replace("\n ", "").split(", ")
AFTER_IT = ["audit", "ablation", "api", "cli"]
"""Packages that look at the whole of the road."""
WALKERS = {"stages", "road"}
"""Modules that see all of the road; no package on it may see them."""
SOURCE = ROOT / "src" / "octavo"


def imports_of(module):
    """The modules that a module imports, anywhere in it but for the type checker alone."""
    found = set()

    def visit(node):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
                continue
            if isinstance(child, ast.ImportFrom) and child.module:
                found.update(
                    MODULES.intersection((child.module, *(f"{child.module}.{a.name}" for a in child.names)))
                )
            visit(child)

    visit(ast.parse(FILES[module].read_text(encoding="utf-8")))
    return found - {"octavo", *(m for m in found if any(other.startswith(f"{m}.") for other in found))}


FILES = {
    ".".join(("octavo", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__"): file
    for file in SOURCE.rglob("*.py")
}
MODULES = frozenset(FILES)


@functools.cache
def imports():
    """What each module imports."""
    return {module: imports_of(module) for module in MODULES}


def package(module):
    return module.split(".")[1] if "." in module else module


@pytest.mark.parametrize("stage", ROAD)
def test_a_package_on_the_road_imports_from_those_before_it(stage):
    later = {*ROAD[ROAD.index(stage) + 1 :], *AFTER_IT, *WALKERS}
    against = {
        (module, imported)
        for module, those in imports().items()
        for imported in those
        if package(module) == stage and package(imported) in later
    }
    assert not against


def test_the_recipe_knows_nothing_of_the_road():
    imported = set().union(*(those for module, those in imports().items() if package(module) == "recipe"))
    assert {package(module) for module in imported} <= {"recipe", "errors"}


def test_no_imports_go_round():
    TopologicalSorter(imports()).prepare()  # raises CycleError, which names the modules


def test_no_module_is_longer_than_400_lines():
    lengths = {module: len(file.read_text(encoding="utf-8").splitlines()) for module, file in FILES.items()}
    assert {module: lines for module, lines in lengths.items() if lines > 400} == {}
