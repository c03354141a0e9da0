"""The claims of an audit as a table for the terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import Final

from rich import box
from rich.table import Table
from rich.text import Text

from octavo.audit.claims import Claim, Outcome
from octavo.terminal import plain_console

_STYLES: Final[dict[Outcome, str]] = {"held": "green", "failed": "bold red", "not checkable here": "yellow"}
_SHORT: Final[dict[Outcome, str]] = {"held": "held", "failed": "failed", "not checkable here": "not here"}
SHOWN = 100
"""Failed claims that are told; --json has all."""


def print_claims(claims: Sequence[Claim]) -> None:
    """Print every claim and what became of it, by part, the failed ones last, and how many are of each kind."""
    console = plain_console()
    table = Table(box=box.SIMPLE, title="Claims", title_justify="left", pad_edge=False, show_header=False)
    table.add_column("outcome", no_wrap=True)
    table.add_column("claim", overflow="fold")
    for part, found in groupby((claim for claim in claims if claim.outcome != "failed"), key=lambda one: one.part):
        table.add_row("", Text(part, style="bold"))
        for claim in found:
            table.add_row(*_cells(claim))
    failed = [claim for claim in claims if claim.outcome == "failed"]
    if failed:
        table.add_row("", Text("failed", style="bold red"))
    for claim in failed[:SHOWN]:
        table.add_row(*_cells(claim))
    console.print(table)
    if len(failed) > SHOWN:
        console.print(f"and {len(failed) - SHOWN:,} more that failed: --json tells all")
    counts = Counter(claim.outcome for claim in claims)
    words = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in _STYLES if counts[outcome])
    console.print(Text(f"{len(claims):,} claims: {words}", style="bold red" if failed else "bold green"))


def _cells(claim: Claim) -> tuple[Text, Text]:
    where = "" if claim.file == "." else f"{claim.file} "
    said = Text.assemble((where, "cyan"), claim.claim)
    if claim.found:
        said.append(f": {claim.found}", style="yellow" if claim.outcome != "failed" else "red")
    return Text(_SHORT[claim.outcome], style=_STYLES[claim.outcome]), said
