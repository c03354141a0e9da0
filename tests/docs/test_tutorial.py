"""The tutorial's commands run as they stand there, one after another, and print what it shows where it says so."""

import os
import re
import subprocess
import sys
from pathlib import Path

from .blocks import ROOT, blocks

PAGE = ROOT / "docs" / "tutorial.md"
SHORTER = re.compile(r'<!-- in the tests: "(.+)" is "(.+)" -->')
"""The one thing that is other in the tests, as the page itself says: fewer tokens of training."""
EXACTLY = re.compile(r"^```sh\n((?:(?!```).)*?)^```\n\n<!-- printed exactly -->\n```text\n(.*?)^```$", re.M | re.S)


def test_the_tutorial_can_be_followed_word_for_word(tmp_path: Path):
    [(as_written, in_the_tests)] = SHORTER.findall(PAGE.read_text(encoding="utf-8"))
    scripts = [block.text for block in blocks(PAGE, "sh")]
    assert sum(script.count(as_written) for script in scripts) == 1
    printed = {}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for script in scripts:
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", script.replace(as_written, in_the_tests)],
            cwd=tmp_path,
            env={**os.environ, "PATH": path},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        printed[script] = done.stdout
    shown = EXACTLY.findall(PAGE.read_text(encoding="utf-8"))
    assert len(shown) >= 3
    for script, output in shown:
        assert printed[script] == output
