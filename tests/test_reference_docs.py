"""The reference pages say what the code says."""

import shutil
import subprocess
import sys
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "docs" / "reference"


def check(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, folder / "generate.py", "--check"]
    return subprocess.run(command, capture_output=True, text=True, env=environment)


def test_the_reference_pages_are_those_of_the_code_on_any_terminal():
    checked = check(REFERENCE, COLUMNS="40", TERM="xterm-256color", FORCE_COLOR="1")
    assert (checked.returncode, checked.stderr) == (0, "")


def test_a_page_that_differs_is_named_and_left_as_it_is(tmp_path):
    folder = shutil.copytree(REFERENCE, tmp_path / "reference")
    (folder / "cli.md").write_text("old")
    (folder / "files.md").unlink()
    checked = check(folder)
    assert checked.returncode == 1
    assert [line.split(":")[0] for line in checked.stderr.splitlines()] == [
        str(folder / "cli.md"),
        str(folder / "files.md"),
    ]
    assert (folder / "cli.md").read_text() == "old"
    assert not (folder / "files.md").exists()
