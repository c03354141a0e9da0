"""Ids of a release's papers: the same for the same manifest, others for any other."""

from __future__ import annotations

import uuid

from octavo.release.manifest import Manifest


def release_uuid(manifest: Manifest) -> uuid.UUID:
    """A UUID (version 5) of the manifest's whole content."""
    return uuid.uuid5(uuid.NAMESPACE_URL, manifest.model_dump_json())
