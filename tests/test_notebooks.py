"""The notebooks run from their top to their end, and show what they did when they were stored."""

import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "docs" / "notebooks").glob("*.ipynb"))
FIRST_LOOK = next(path for path in NOTEBOOKS if path.stem == "first-look")
PLACES = re.compile(r"/(?:home|root|tmp|usr|opt|work|Users|private)/|site-packages")


def cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell):
    """What a cell gives as text, but for what it logs."""
    texts = [
        output["text"] if output.output_type == "stream" else output["data"]["text/plain"]
        for output in cell.outputs
        if output.get("name") != "stderr"
    ]
    return "".join(texts)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_stored_notebook_was_run_whole_and_names_no_machine(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.execution_count for cell in cells(notebook)] == list(range(1, len(cells(notebook)) + 1))
    assert not PLACES.search(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 60_000
    assert not [o for cell in cells(notebook) for o in cell.outputs if o.output_type == "error"]


def test_the_first_look_runs_on_few_tokens(tmp_path):
    stored = nbformat.read(FIRST_LOOK, as_version=4)
    notebook = nbformat.read(FIRST_LOOK, as_version=4)
    (tokens,) = (cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    tokens.source, changed = re.subn(r"TOKENS = [\d_]+", "TOKENS = 8_192", tokens.source)
    assert changed == 1
    for cell in cells(notebook):
        cell.outputs, cell.execution_count = [], None
    at_home = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, kernel_name="python3", timeout=300, startup_timeout=120, resources=at_home).execute()

    trained = next(n for n, cell in enumerate(cells(stored)) if "octavo.run(" in cell.source)
    pairs = list(zip(cells(notebook), cells(stored), strict=True))
    assert [shown(now) for now, _ in pairs[:trained]] == [shown(then) for _, then in pairs[:trained]]
    assert "240 kept" in "".join(shown(now) for now, _ in pairs[:trained])
    assert [bool(shown(now)) for now, _ in pairs] == [bool(shown(then)) for _, then in pairs]
    after = "".join(shown(now) for now, _ in pairs[trained:])
    assert "'stood on the flat stone and shouted, and': The Ferryman’s Penny, CC0-1.0" in after
    assert (tmp_path / "runs/first-look/release/gguf/first-look-BF16.gguf").is_file()
