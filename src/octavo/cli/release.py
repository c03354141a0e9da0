"""The commands that give a release away: short functions, heavy things imported inside them."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from octavo.cli.options import AsJson, print_json

releases = typer.Typer()

PASSWORD_VARIABLE = "OCTAVO_KEY_PASSWORD"


@releases.command()
def sign(
    release: Annotated[
        Path, typer.Argument(metavar="RELEASE", help="A release, or a run that has one.", show_default=False)
    ],
    key: Annotated[Path, typer.Option(metavar="KEY.pem", help="An EC private key.", show_default=False)],
    certificate: Annotated[
        Path | None, typer.Option(metavar="CERT.pem", help="The key's certificate.", show_default=False)
    ] = None,
    chain: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="CHAIN.pem", help="Certificates that lead to one that others trust.", show_default=False
        ),
    ] = None,
) -> None:
    """Sign a release with OpenSSF model-signing; OCTAVO_KEY_PASSWORD may hold the password of the key.

    Example: octavo sign runs/starter --key key.pem
    """
    from octavo.release.checksums import SUMS
    from octavo.release.keys import is_encrypted
    from octavo.release.signature import release_of
    from octavo.release.signature import sign as sign_release

    found = release_of(release)
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None and is_encrypted(key) and sys.stdin.isatty():
        password = typer.prompt(f"Password of {key}", hide_input=True, err=True)
    signature = sign_release(found, key, password, certificate, chain or [])
    method, option = (
        ("certificate", "--certificate_chain ROOT.pem") if certificate else ("key", "--public_key KEY.pub")
    )
    print(signature)
    print("Anyone verifies it with public tools (pip install model-signing pyopenssl):")
    print(f"  model_signing verify {method} {quote(str(found))} --signature {quote(str(signature))} {option}")
    print(f"  cd {quote(str(found))} && sha256sum -c {SUMS}")
    if not certificate:
        print(f"where KEY.pub is made by: openssl pkey -in {quote(str(key))} -pubout -out KEY.pub")


@releases.command()
def publish(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory of a run.", show_default=False)],
    out: Annotated[Path, typer.Option("--to", metavar="OUT", help="A new or empty directory.", show_default=False)],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List files and sizes, and write nothing.")] = False,
    hub: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="Upload to the Hugging Face hub, too: NAME and NAME-corpus.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Lay out what goes to a hub: the release in OUT/model, its corpus as a dataset in OUT/dataset.

    Example: octavo publish runs/starter --to published --dry-run
    """
    from octavo.display import Display, Stop
    from octavo.release.hub import open_hub, repositories, upload
    from octavo.release.publishing import DATASET
    from octavo.release.publishing import publish as lay_out

    parts = repositories(hub) if hub else {}
    api = open_hub() if hub and not dry_run else None
    display = Display(Stop())
    with display.stage("publish") as progress:
        published = lay_out(directory, out, dry_run, progress)
    for note in published.notes:
        display.message(f"publish: {note}")
    if not published.has_dataset:
        parts.pop(DATASET, None)
    whole = sum(file.bytes for file in published.files)
    addresses = upload(api, out, parts) if api else {}
    if as_json:
        print_json(
            {
                "out": str(out),
                "dry_run": dry_run,
                "files": [file._asdict() for file in published.files],
                "bytes": whole,
                "notes": published.notes,
                "hub": parts,
                "uploaded": addresses,
            }
        )
        return
    for file in published.files:
        print(f"{file.bytes:>16,}  {file.path}")
    print(f"{whole:>16,}  bytes in {len(published.files):,} files{', not written' if dry_run else f' in {out}'}")
    for part, repository in parts.items():
        print(f"{part}: {addresses.get(part, f'would go to {repository}')}")
