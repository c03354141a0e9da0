"""What documents, models and files of others say reaches a terminal as text, and moves nothing on it."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.progress import Progress
from rich.text import Text

from octavo.cli.options import print_json
from octavo.cli.tools import _for_stdout
from octavo.terminal import plain, plain_console

OBEYED = "\x1b]0;title\x07\x1b[2J\x1b[8mhidden\x9b31m\r\x08\x7f\u202egnp.exe"


class Terminal(io.StringIO):
    """Says that a person looks at it."""

    def isatty(self) -> bool:
        return True


@given(st.text())
def test_nothing_is_left_that_a_terminal_obeys(text):
    shown = plain(text)
    assert shown.replace("\t", "").replace("\n", "").isprintable() or not set(shown) & set(OBEYED[:1])
    shown.encode()
    assert plain(shown) == shown


def test_plain_texts_stay_as_they_are():
    text = "Œuvre ſ,\t„drei“\n第 שלום 🙂"
    assert plain(text) == text


@pytest.mark.parametrize("shown", [OBEYED, Text(OBEYED, "bold"), Text.assemble((OBEYED, "underline"))])
def test_a_console_shows_it_and_keeps_its_own_colours(shown, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    console = plain_console()
    console.print(shown, "said", style="bold", soft_wrap=True)
    written = sys.stdout.getvalue()
    assert "\x1b[1m" in written or "\x1b[1;4m" in written  # its own
    for sign in ("\x1b]", "\x1b[2J", "\x1b[8m", "\x9b", "\x08", "\x7f", "\u202e"):
        assert sign not in written
    assert "hidden" in written


def test_a_progress_bar_still_moves_the_cursor(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    console = plain_console(stderr=True)
    with Progress(console=console, transient=True) as bar:
        bar.add_task("curation", total=3)
        console.print(OBEYED, markup=False)
    assert "\x1b[?25l" in sys.stderr.getvalue()
    assert "\x1b]0" not in sys.stderr.getvalue()


def test_what_a_model_writes_is_whole_in_a_file_and_plain_on_a_terminal(monkeypatch):
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert _for_stdout(OBEYED) == OBEYED
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert "\x1b" not in _for_stdout(OBEYED)


@given(st.text(st.characters(), max_size=20))
def test_json_says_the_same_by_escapes(text):
    kept, sys.stdout = sys.stdout, io.StringIO()
    try:
        print_json({"title": text + OBEYED})
        said = sys.stdout.getvalue()
    finally:
        sys.stdout = kept
    said.encode()
    assert json.loads(said) == {"title": text + OBEYED}
    assert all(sign >= " " or sign == "\n" for sign in said)
    assert not set(said) & set("\x7f\x9b\u202e")
