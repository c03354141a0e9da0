"""The papers that programs read, by their file names in compliance/."""

from __future__ import annotations

import json
from typing import Any

from octavo.release.croissant import croissant
from octavo.release.cyclonedx import cyclonedx
from octavo.release.manifest import Manifest
from octavo.release.spdx3 import spdx3

CORPUS = "../corpus/"
"""The run's corpus, from the release."""


def machine_readable(manifest: Manifest) -> dict[str, bytes]:
    """Croissant of the corpus, where there is one, SPDX 3 and CycloneDX: the same bytes for the same manifest."""
    papers = {"spdx3.json": spdx3(manifest), "bom.cdx.json": cyclonedx(manifest)}
    if manifest.corpus:
        files = [file.model_copy(update={"path": file.path.removeprefix(CORPUS)}) for file in manifest.corpus_files]
        papers["croissant.json"] = croissant(manifest, files, f"../{CORPUS}")
    return {name: _json(content) for name, content in sorted(papers.items())}


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n"
