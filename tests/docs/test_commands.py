"""Each `octavo` command in the documentation is one that the command line takes, with fields that recipes have."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from octavo.cli.app import app
from octavo.recipe.file import load

from .blocks import ROOT, blocks, pages

GROUP = typer.main.get_command(app)
OCTAVO = ("octavo", ".venv/bin/octavo")
HERE_DOCUMENT = re.compile(r"<<'(\w+)'.*?^\1$", re.DOTALL | re.MULTILINE)
INLINE = re.compile(r"(?<!`)`(octavo [^`]+)`(?!`)")
FILES = re.compile(r"(?<![\w./-])(?:benchmarks|recipes|tests|docs|src)/[\w./-]*\w")
OF_OTHERS = ROOT / "docs/comparison.md"
"""A page that names files of other projects."""


def commands(script: str) -> list[list[str]]:
    """The words of each octavo command in a script, behind its name, however it is started."""
    script = re.sub(r"(?m)(^|\s)#.*", "", HERE_DOCUMENT.sub("", script).replace("\\\n", " "))
    lexer = shlex.shlex(script, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.commenters, lexer.whitespace_split = " \t", "", True
    found = []
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set("();<>|&\n"):
            found += [words[place + 1 :] for place in starts(words)]
            words = []
        else:
            words.append(word)
    return found


def starts(words: list[str]) -> list[int]:
    """Where the words of one command call octavo: at its beginning, behind variables, or as a module of Python."""
    bare = next((place for place, word in enumerate(words) if not re.match(r"\w+=", word)), 0)
    return [
        place
        for place, word in enumerate(words)
        if word in OCTAVO and (place == bare or words[place - 1] in ("-m", "time"))
    ][:1]


def parse(words: list[str]) -> None:
    """Parse a command as the command line would, and lay its settings over a recipe; nothing is done."""
    context = GROUP.make_context("octavo", list(words))
    name, command, rest = GROUP.resolve_command(context, words)
    parsed = command.make_context(name, list(rest), parent=context).params
    if parsed.get("settings"):
        recipe = ROOT / str(parsed.get("recipe", ""))
        load(recipe if recipe.is_file() else ROOT / "recipes/starter.yaml", parsed["settings"])


BLOCKS = [
    pytest.param(words, id=f"{block.where} {' '.join(words)[:60]}")
    for page in pages()
    for block in blocks(page, "sh")
    for words in commands(block.text)
    if words != ["--help"]
]
IN_TEXT = sorted({
    command
    for page in pages()
    for command in INLINE.findall(re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S))
})  # fmt: skip


@pytest.mark.parametrize("words", BLOCKS)
def test_a_command_in_a_block_is_taken_as_it_stands(words):
    parse(words)


@pytest.mark.parametrize("command", IN_TEXT)
def test_a_command_in_the_text_has_a_name_and_options_that_there_are(command):
    """The text may leave out what is not its point, so it is not parsed as a whole."""
    for words in commands(command):
        options = {word.partition("=")[0] for word in words if word.startswith("--")} - {"--help", "--version"}
        if words[0] in GROUP.commands:
            options -= {
                name
                for option in GROUP.commands[words[0]].params
                for name in [*option.opts, *option.secondary_opts]
            }
        else:
            assert words in (["--help"], ["--version"])
        assert not options


@pytest.mark.parametrize(
    "words",
    [
        ["runn", "a.yaml"],
        ["run", "a.yaml", "--til", "corpus"],
        ["run", "a.yaml", "--set", "training.token=1"],
        ["run"],
    ],
)
def test_what_the_command_line_does_not_take_is_found(words):
    with pytest.raises(Exception, match=r"No such|Missing|unknown|training\.token"):
        parse(words)


def test_commands_are_found_however_they_are_started():
    script = """
    cat > a.yaml <<'END'
    octavo nonsense
END
    octavo init mine && octavo run mine/recipe.yaml > log  # octavo comment
    HF_HUB_OFFLINE=1 torchrun --nproc-per-node 2 \\
      -m octavo run a.yaml --set 'release.formats=[safetensors]'
    pip install octavo
    """
    assert commands(script) == [
        ["init", "mine"],
        ["run", "mine/recipe.yaml"],
        ["run", "a.yaml", "--set", "release.formats=[safetensors]"],
    ]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_files_of_the_repository_that_a_page_names_are_there(page: Path):
    named = set(FILES.findall(page.read_text(encoding="utf-8"))) if page != OF_OTHERS else set()
    assert [name for name in sorted(named) if "NAME" not in name and not (ROOT / name).exists()] == []
