"""The papers: that each is what the manifest gives, to the byte, and the model card what the records give."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from octavo.audit.claims import Claim, all_or_each, failed, held
from octavo.audit.differences import first_difference
from octavo.audit.opening import Audited, other_version
from octavo.errors import InputError, OctavoError
from octavo.modeling.hf import read_config
from octavo.release.bundle import REPORT_FILES, card
from octavo.release.checksums import sha256
from octavo.release.gathering import figures_of_records
from octavo.release.writing import COMPLIANCE, MANIFEST, paper_files


def check_papers(audited: Audited) -> Iterator[Claim]:
    """Write all papers anew from the manifest and compare; then the model card."""
    home, problems = audited.release / COMPLIANCE, []
    expected = paper_files(audited.manifest)
    for name, content in expected.items():
        problems += [(f"{COMPLIANCE}/{name}", what) for what in _differs(home / name, content)]
    there = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    problems += [(f"{COMPLIANCE}/{name}", "no paper of that name is made") for name in sorted(there - {*expected})]
    said = f"the {len(expected)} files say what the manifest says"
    yield from all_or_each("papers", COMPLIANCE, said, problems, other_version(audited))
    yield from _weights(audited)
    yield from _model_card(audited)
    yield from _report(audited)


def _weights(audited: Audited) -> Iterator[Claim]:
    """The files of weights that the papers name are there, as they say."""
    problems = []
    for file in audited.manifest.weights:
        path = audited.release / file.path
        if not path.is_file():
            problems.append((file.path, "is missing"))
        elif (path.stat().st_size, sha256(path)) != (file.bytes, file.sha256):
            problems.append((file.path, "is not the file that the papers name"))
    said = f"the {len(audited.manifest.weights)} files of weights that the papers name are there"
    yield from all_or_each("papers", f"{COMPLIANCE}/{MANIFEST}", said, problems)


def _model_card(audited: Audited) -> Iterator[Claim]:
    file, said = "README.md", "says what the records of the stages say"
    samples = {lang: sample.model_dump() for lang, sample in audited.manifest.samples.items()}
    base = audited.manifest.base.name if audited.manifest.base else None
    try:
        config = read_config(audited.release)
        figures = figures_of_records({n: r for n, r in audited.records.items() if n != "release"})
        written = card(audited.recipe, base, config, figures, samples, audited.release)
    except (OctavoError, InputError, OSError, ValueError, KeyError, TypeError) as error:
        yield failed("papers", file, said, f"it cannot be written anew: {error!r}")
        return
    found = list(_differs(audited.release / file, written.encode()))
    yield from all_or_each("papers", file, said, [(file, what) for what in found], other_version(audited))


def _report(audited: Audited) -> Iterator[Claim]:
    """The report that the release brings along is the evaluation's."""
    made = audited.records["evaluation"].outputs
    for name in REPORT_FILES:
        own, theirs = audited.release / "evaluation" / name, made.get(f"evaluation/{name}")
        if theirs is None:
            continue
        said = "is the report that the evaluation made"
        copy = audited.records["release"].outputs.get(f"release/evaluation/{name}")
        if not own.is_file() or copy is None:
            yield failed("papers", f"evaluation/{name}", said, "is missing")
        elif copy.blake3 != theirs.blake3:
            yield failed("papers", f"evaluation/{name}", said, "the records differ")
        else:
            yield held("papers", f"evaluation/{name}", said)


def _differs(path: Path, expected: bytes) -> Iterator[str]:
    """In what a file differs from what it should be, in words."""
    found = first_difference(path.read_bytes(), expected) if path.is_file() else "is missing"
    if found:
        yield found
