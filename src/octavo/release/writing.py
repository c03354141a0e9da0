"""The folder compliance/ of a release: the manifest, and the papers that are made of it alone."""

from __future__ import annotations

from pathlib import Path

from octavo.lineage import write_atomically
from octavo.release.machine_readable import machine_readable
from octavo.release.manifest import Manifest
from octavo.release.papers import papers

COMPLIANCE = "compliance"
"""Folder of a release for its papers."""
MANIFEST = "manifest.json"


def paper_files(manifest: Manifest) -> dict[str, bytes]:
    """All files of compliance/ by their names in it: the same bytes for the same manifest."""
    own = manifest.model_dump_json(indent=1).encode() + b"\n"
    return {MANIFEST: own, **papers(manifest), **machine_readable(manifest)}


def write_papers(manifest: Manifest, home: Path) -> None:
    """Write the files of compliance/ into `home`."""
    home.mkdir(exist_ok=True)
    for name, content in paper_files(manifest).items():
        write_atomically(home / name, content)
