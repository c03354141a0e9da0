"""The signature of a release: OpenSSF model-signing over all of its files, which public tools verify.

`model.sig` is a Sigstore bundle. It holds the digest of each file of the release, SHA256SUMS and stage.json among
them, signed with an elliptic-curve key, and either tells which public key fits or brings certificates along.
"""

from __future__ import annotations

import ast
import base64
import json
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from model_signing import hashing, signing, verifying
from OpenSSL.crypto import X509StoreContextError

from octavo.errors import InputError, OctavoError
from octavo.lineage import write_atomically
from octavo.release.checksums import SIGNATURE, SUMS, Problem, check_checksums, files_of, refuse
from octavo.release.keys import (
    check_certificate,
    load_certificates,
    load_private_key,
    load_public_key,
    readable_once,
)


class Signer(NamedTuple):
    """Who signed, as the signature itself tells."""

    method: str
    """`key`, or `certificate`."""
    name: str
    """SHA-256 of the public key (PEM) in hexadecimal, or the certificate's subject (RFC 4514)."""
    issuer: str | None
    """The subject of who issued the certificate."""


def release_of(path: Path) -> Path:
    """The release that a path names: itself, or that of a run. InputError where there is none that is whole."""
    for found in (path / "release", path):
        if (found / "config.json").is_file():
            if (found / SUMS).exists():
                return found
            raise InputError(
                f"{found}: found no {SUMS} in it, expected a release that is whole; octavo release writes it"
            )
    raise InputError(f"{path}: found no release, expected the directory of a release or of a run that has one")


def sign(
    release: Path,
    key: Path,
    password: str | None = None,
    certificate: Path | None = None,
    chain: Sequence[Path] = (),
) -> Path:
    """Sign a release and return the path of the signature, which replaces an earlier one.

    `key` is an EC private key, `password` that of an encrypted one; `certificate` is the key's own and `chain` are
    those that lead from it to one that others trust, all PEM. Raises InputError where these do not fit, and
    OctavoError, naming each file, where the release is not as its SHA256SUMS says: a damaged one is never signed.
    """
    private = load_private_key(key, password)
    if chain and not certificate:
        raise InputError("--chain: is for a certificate, expected --certificate")
    if certificate:
        check_certificate(private, key, certificate, chain)
    # What an earlier call may have left when it was killed.
    (release / f"{SIGNATURE}.partial").unlink(missing_ok=True)
    refuse(release, check_checksums(release))
    config = signing.Config().set_hashing_config(_all_files())  # type: ignore[no-untyped-call]
    with readable_once(private) as handed:
        if certificate:
            # Model-signing takes no empty chain, and a certificate that stands twice in one does no harm.
            config.use_certificate_signer(
                private_key=handed, signing_certificate=certificate, certificate_chain=chain or [certificate]
            )
        else:
            config.use_elliptic_key_signer(private_key=handed)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / SIGNATURE
        config.sign(release.resolve(), made)
        try:
            write_atomically(release / SIGNATURE, made.read_bytes())
        except OSError as error:
            raise InputError(f"{release / SIGNATURE}: cannot be written ({error.strerror})") from None
    return release / SIGNATURE


def verify(release: Path, public_key: Path | None = None, chain: Sequence[Path] = ()) -> None:
    """Verify the signature of a release by a public key, or by certificates that are trusted (all PEM).

    Raises OctavoError that names each file that is not as it was signed, or was not signed, and where the signature
    is not by that key or certificate; InputError where what to verify by cannot be read.
    """
    check_verifier(public_key, chain)
    _, problems = files_of(release)
    refuse(release, problems)
    _bundle(release)
    config = verifying.Config().set_hashing_config(_all_files())  # type: ignore[no-untyped-call]
    if public_key:
        config.use_elliptic_key_verifier(public_key=public_key)
    else:
        config.use_certificate_verifier(certificate_chain=chain)
    try:
        config.verify(release.resolve(), release / SIGNATURE)
    except X509StoreContextError as error:
        raise OctavoError(
            f"{release / SIGNATURE}: its certificate is not to be trusted by what was given ({error})"
        ) from None
    except InvalidSignature:
        raise OctavoError(
            f"{release / SIGNATURE}: is not a signature by the key that it should be of, or was changed since"
        ) from None
    except Exception as error:  # of a signature of any content, model-signing raises whatever comes
        mismatch = re.fullmatch(r"Signature mismatch: (\[.*\])", str(error), re.DOTALL)
        if not mismatch:
            raise OctavoError(f"{release / SIGNATURE}: does not hold ({error})") from None
        refuse(release, [_in_words(difference) for difference in ast.literal_eval(mismatch[1])])
    _check_all_signed(release)


def check_verifier(public_key: Path | None, chain: Sequence[Path]) -> None:
    """Raise InputError where there is not one thing to verify a signature by, or it cannot be read."""
    if (public_key is None) == (not chain):
        raise InputError("found neither or both, expected a public key or certificates to verify by")
    if public_key:
        load_public_key(public_key)
    for file in chain:
        load_certificates(file)


def signer(release: Path) -> Signer:
    """Who signed a release, as the signature tells, which is not verified by this.

    Raises OctavoError where there is no signature, or none that can be read.
    """
    material = _bundle(release)["verificationMaterial"]
    try:
        if "x509CertificateChain" in material:
            raw = base64.b64decode(material["x509CertificateChain"]["certificates"][0]["rawBytes"])
            certificate = x509.load_der_x509_certificate(raw)
            return Signer("certificate", certificate.subject.rfc4514_string(), certificate.issuer.rfc4514_string())
        return Signer("key", str(material["publicKey"]["hint"]), None)
    except (KeyError, IndexError, TypeError, ValueError):
        raise OctavoError(
            f"{release / SIGNATURE}: found no key and no certificate of who signed, expected one"
        ) from None


def _bundle(release: Path) -> dict[str, Any]:
    """The content of model.sig, not verified; OctavoError where there is none that can be read."""
    path = release / SIGNATURE
    try:
        content = json.loads(path.read_bytes())
        content["dsseEnvelope"]["payload"], content["verificationMaterial"]
    except FileNotFoundError:
        raise OctavoError(f"{path}: is missing: the release is not signed") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise OctavoError(f"{path}: cannot be read as a Sigstore bundle") from None
    return dict(content)


def _all_files() -> hashing.Config:
    """What is signed: all but the signature, so files of git too, which model-signing leaves out by default."""
    config = hashing.Config()  # type: ignore[no-untyped-call]
    return config.set_ignored_paths(paths=[SIGNATURE], ignore_git_paths=False)


def _check_all_signed(release: Path) -> None:
    """Raise OctavoError for files that a verified signature does not cover.

    A signature may itself say that some files are to be left out, and model-signing obeys.
    """
    statement = json.loads(base64.b64decode(_bundle(release)["dsseEnvelope"]["payload"]))
    signed = {resource["name"] for resource in statement["predicate"]["resources"]}
    names, _ = files_of(release)
    refuse(release, [_unsigned(name) for name in names if name != SIGNATURE and name not in signed])


def _in_words(difference: str) -> Problem:
    """A difference as model-signing tells it."""
    if found := re.fullmatch(r"Extra files found in model '.*?': (.*)", difference, re.DOTALL):
        return _unsigned(found[1])
    if found := re.fullmatch(r"Missing files in model '.*?': (.*)", difference, re.DOTALL):
        return Problem(found[1], "was signed, and is missing")
    if found := re.fullmatch(r"Hash mismatch for '(.*)': Expected '.*", difference, re.DOTALL):
        return Problem(found[1], "is not as it was signed")
    return Problem(SIGNATURE, difference)


def _unsigned(name: str) -> Problem:
    return Problem(name, "was not signed")
