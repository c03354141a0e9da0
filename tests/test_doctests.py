"""Every example in the docstrings of `octavo`'s names, and in the pages that show its Python, does what it says."""

import doctest
import inspect
from pathlib import Path

import pytest

import octavo
from tests.docs.blocks import ROOT, blocks

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
PAGES = ("README.md", "docs/how-to/python.md", "docs/how-to/read-the-ledger.md")


def documented():
    """The functions of `octavo`, and the methods of its classes, that are its own."""
    for name in octavo.__all__:
        found = getattr(octavo, name)
        if inspect.isfunction(found):
            yield name, found
        elif found.__module__.startswith("octavo.api."):
            for method, function in inspect.getmembers(found, inspect.isfunction):
                if not method.startswith("_"):
                    yield f"{name}.{method}", function


@pytest.fixture
def beside_the_starter_run(small_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "starter").symlink_to(small_run)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("beside_the_starter_run")
@pytest.mark.parametrize(("name", "function"), [pytest.param(*found, id=found[0]) for found in documented()])
def test_the_example_of_every_function_holds(name, function):
    examples = doctest.DocTestFinder(recurse=False).find(function, name, globs={"octavo": octavo})
    assert [test.examples for test in examples if test.examples], f"{name}: found no example"
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    for test in examples:
        runner.run(test)
    assert runner.summarize(verbose=False).failed == 0


@pytest.mark.usefixtures("beside_the_starter_run")
@pytest.mark.parametrize("page", PAGES)
def test_the_python_of_a_page_runs_from_its_top_to_its_end(page):
    Path("page.txt").write_text("A text that is looked up.", encoding="utf-8")
    names: dict[str, object] = {"__name__": page}
    for block in blocks(ROOT / page, "python", "pycon"):
        line = int(block.where.rpartition(":")[2])
        if block.language == "python":
            exec(compile("\n" * line + block.text, page, "exec"), names)
        else:
            parsed = doctest.DocTestParser().get_doctest(block.text, names, block.where, page, line)
            runner = doctest.DocTestRunner(optionflags=OPTIONS)
            runner.run(parsed, clear_globs=False)
            names.update(parsed.globs)
            assert runner.summarize(verbose=False).failed == 0
