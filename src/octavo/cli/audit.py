"""The command that checks a release; heavy things are imported inside it."""

from __future__ import annotations

import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from octavo.cli.options import AsJson, print_json

audits = typer.Typer()


@audits.command()
def audit(
    release: Annotated[
        Path, typer.Argument(metavar="RELEASE", help="A release, or a run that has one.", show_default=False)
    ],
    full: Annotated[
        bool, typer.Option("--full/--quick", help="Do samples of the work again: minutes, not seconds.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option(metavar="PUB.pem", help="Verify the signature by this public key.", show_default=False),
    ] = None,
    chain: Annotated[
        list[Path] | None,
        typer.Option(metavar="CERT.pem", help="Verify it by certificates that you trust.", show_default=False),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="With --full: draws the samples; by default unforeseeable.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every claim of a release; exit status 1 where one fails.

    Example: octavo audit runs/starter --full --key key.pub
    """
    from octavo.audit.audit import audit as check
    from octavo.audit.claims import is_held
    from octavo.audit.opening import release_and_run
    from octavo.audit.table import print_claims
    from octavo.display import Display, Stop

    release_and_run(release)
    drawn = secrets.randbits(32) if seed is None else seed
    with Display(Stop()).stage("audit") as progress:
        claims = check(release, full, progress, key, chain or [], drawn)
    if as_json:
        print_json({"seed": drawn if full else None, "claims": [claim._asdict() for claim in claims]})
    else:
        print_claims(claims)
        if full:
            print(f"Drawn by --seed {drawn}")
    if not is_held(claims):
        sys.exit(1)
