"""What became of nanotron's settings, told: in the recipe's comments, and as a table on stderr."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from octavo.recipe.file import dump
from octavo.training.nanotron.imported import Imported, shown


def recipe_text(found: Imported) -> str:
    """The recipe as YAML, with a comment for each setting that was dropped, above the section that it concerns."""
    sections = {"general": "name", "model": "model", "tokenizer": "tokenizer", "data": "corpus"}
    above: dict[str, list[str]] = {}
    for row in found.rows:
        if row.fate == "dropped":
            section = sections.get(re.split(r"[.\[]", row.key)[0].removesuffix("_stages"), "training")
            key = shown(row.key, quoted=False)
            comment = f"# line {row.line}, {key} {shown(row.value)}: dropped; {row.words}"
            above.setdefault(section, []).append(comment)
    if not found.sources and found.recipe.corpus.sources:
        above.setdefault("corpus", []).append("# No documents are named there: the starter corpus stands in.")
    lines = [f"# From nanotron's settings in {shown(Path(found.file).name, quoted=False)}."]
    for line in dump(found.recipe).splitlines():
        lines += above.get(line.split(":")[0], [])
        lines.append(line)
    return "\n".join(lines) + "\n"


def print_fates(found: Imported) -> None:
    """Print on stderr what was taken and what octavo does anyway, as a table, then a warning for all else."""
    cells = [("line", "setting", "value", "became")]
    for row in (row for row in found.rows if row.fate != "dropped"):
        words = row.words if row.fate == "taken" else f"the same here; {row.words}"
        cells.append((str(row.line), shown(row.key, quoted=False), shown(row.value), words))
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    for line, key, value, words in cells:
        print(f"{line:>{widths[0]}}  {key:<{widths[1]}}  {value:<{widths[2]}}  {words}", file=sys.stderr)
    for row in found.rows:
        if row.fate == "dropped":
            key = shown(row.key, quoted=False)
            warning = f"{found.file}:{row.line}: {key} {shown(row.value)}: dropped; {row.words}"
            print(f"octavo: warning: {warning}", file=sys.stderr)
