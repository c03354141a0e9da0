"""Each piece of a recipe in the documentation fits into a recipe, at the depth at which it is indented."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from octavo.errors import InputError
from octavo.recipe.file import load
from octavo.recipe.schema import json_schema

from .blocks import blocks, pages

LM_EVAL = re.compile(r"(task|group|output_type): ")
"""How a task of lm-eval begins, which is YAML and no recipe."""

SCHEMA = json_schema()
FRAGMENTS = [
    pytest.param(block.text, id=block.where)
    for page in pages()
    for block in blocks(page, "yaml")
    if not LM_EVAL.match(block.text)
]


def homes(section: dict[str, Any] = SCHEMA, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The names that lead to each place of a recipe that holds a mapping, or a list of mappings."""
    yield path
    for name, field in section.get("properties", {}).items():
        for arm in field.get("anyOf", [field.get("items", field)]):
            if "$ref" in arm:
                yield from homes(SCHEMA["$defs"][arm["$ref"].rpartition("/")[2]], (*path, name))


def recipes_with(fragment: str, home: tuple[str, ...]) -> Iterator[str]:
    """Recipes that have the fragment in a place, and besides only a name and a source, where they lack these."""
    parents = "".join(f"{'  ' * depth}{name}:\n" for depth, name in enumerate(home))
    name = "" if re.search(r"^name:", fragment, re.MULTILINE) else "name: fragment\n"
    recipe = name + parents + fragment
    yield recipe
    source = "sources: [{path: builtin:starter}]"
    yield recipe.replace("corpus:\n", f"corpus:\n  {source}\n", 1)
    yield recipe + f"corpus: {{{source}}}\n"


def check(fragment: str, folder: Path) -> None:
    """Try the fragment in each place of its depth; where none takes it, say why."""
    depth = (len(fragment) - len(fragment.lstrip(" "))) // 2
    problems = []
    for home in homes():
        for recipe in recipes_with(fragment, home) if len(home) == depth else ():
            file = folder / "recipe.yaml"
            file.write_text(recipe, encoding="utf-8")
            try:
                load(file)
                return
            except InputError as error:
                problems.append(f"{'.'.join(home)}: {error}")
    raise AssertionError("\n".join(problems))


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_a_piece_of_a_recipe_is_taken(fragment, tmp_path):
    check(fragment, tmp_path)


@pytest.mark.parametrize(
    "fragment", ["training: {token: 1}\n", "  quality: {min_words: many}\n", "    - paths: a\n"]
)
def test_one_that_no_recipe_takes_is_found(fragment, tmp_path):
    with pytest.raises(AssertionError):
        check(fragment, tmp_path)
