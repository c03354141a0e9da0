"""What must be installed for a package: the bytes of its files and of all that it requires."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def installed_bytes(names: Iterable[str]) -> tuple[int, int]:
    """How many packages, with how many bytes of files, are here because of these; extras as pip has them, a[b]."""
    waiting = [Requirement(name) for name in names]
    seen: set[tuple[str, str]] = set()
    packages: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in {"", *map(canonicalize_name, wanted.extras)} - {extra for at, extra in seen if at == name}:
            seen.add((name, extra))
            needed = _requirements(name, extra)
            if needed is not None:
                packages.add(name)
                waiting += needed
    return len(packages), sum(map(_size, packages))


def _requirements(name: str, extra: str) -> Sequence[Requirement] | None:
    """What an installed package asks for, one of its extras alone or none ("") named; None where it is not here."""
    try:
        asked = [Requirement(text) for text in distribution(name).requires or ()]
    except PackageNotFoundError:
        return None
    return [one for one in asked if one.marker is None or one.marker.evaluate({"extra": extra})]


def _size(name: str) -> int:
    package = distribution(name)
    paths = [Path(str(file.locate())) for file in package.files or ()]
    if "editable" in (package.read_text("direct_url.json") or ""):  # its own files lie elsewhere
        home = Path(importlib.import_module(name).__file__ or "").parent
        paths += [
            path
            for path in home.rglob("*")
            if not re.search(r"/(\.|__pycache__)", str(path.relative_to(home.parent)))
        ]
    return sum(path.stat().st_size for path in paths if path.is_file())
