"""The files of a release: their checksums, the signature, and that none of them can run code when it is opened."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from octavo.audit.claims import Claim, all_or_each, failed, held, unknown
from octavo.errors import OctavoError
from octavo.release.checksums import SIGNATURE, SUMS, check_checksums
from octavo.release.signature import signer, verify

_PICKLES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
"""How pickles of protocol 2 and later begin, and the zip files that PyTorch puts them into."""
_PICKLE_NAMES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".py"}


def check_files(release: Path) -> Iterator[Claim]:
    """Checksums, and kinds of files."""
    said = f"every file is as {SUMS} says"
    yield from all_or_each("files", SUMS, said, check_checksums(release))
    harmful = [(name, what) for path in sorted(release.rglob("*")) for name, what in _harmful(release, path)]
    yield from all_or_each("files", ".", "no file unpickles or runs code when it is opened", harmful)


def _harmful(release: Path, path: Path) -> Iterator[tuple[str, str]]:
    name = path.relative_to(release).as_posix()
    if path.is_symlink() or not path.is_file():
        return
    if path.suffix.lower() in _PICKLE_NAMES:
        yield name, f"is a {path.suffix} file"
        return
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        yield name, f"cannot be read ({error.strerror})"
        return
    if head.startswith(_PICKLES):
        yield name, "begins as a pickle or a zip file does"


def check_signature(release: Path, public_key: Path | None, chain: Sequence[Path]) -> Iterator[Claim]:
    """The signature, where there is one and something to verify it by."""
    said = "is a signature over every file of the release, by the key or certificate that was given"
    asked = public_key is not None or bool(chain)
    if not (release / SIGNATURE).exists():
        if asked:
            yield failed("signature", SIGNATURE, said, "is missing")
        else:
            yield unknown("signature", SIGNATURE, "the release is signed", "it is not signed; octavo sign does it")
        return
    if not asked:
        try:
            who = signer(release)
        except OctavoError as error:
            yield failed("signature", SIGNATURE, "can be read", str(error))
            return
        why = f"it names {who.method} {who.name}; give --key or --chain to verify it"
        yield unknown("signature", SIGNATURE, "the release is signed", why)
        return
    try:
        verify(release, public_key, chain)
    except OctavoError as error:
        yield failed("signature", SIGNATURE, said, str(error))
    else:
        yield held("signature", SIGNATURE, said)
