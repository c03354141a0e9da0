"""Keys and certificates that sign a release and verify it: read from PEM files, and refused in plain words."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from octavo.errors import InputError

_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
"""The curves that model-signing takes."""


def load_private_key(path: Path, password: str | None) -> ec.EllipticCurvePrivateKey:
    """An EC private key of a PEM file; InputError where it is none, or its password is missing or does not fit."""
    content = _read(path, "an EC private key (PEM)")
    encrypted = is_encrypted(path)
    if encrypted and password is None:
        raise InputError(
            f"{path}: found an encrypted key, expected its password in OCTAVO_KEY_PASSWORD or at a terminal"
        )
    try:
        key = serialization.load_pem_private_key(content, password.encode() if password and encrypted else None)
    except Exception:  # a wrong password raises whatever the wrongly decrypted bytes do
        if encrypted:
            raise InputError(f"{path}: the password does not fit the key") from None
        raise InputError(f"{path}: found no private key, expected an EC private key (PEM)") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise InputError(f"{path}: found {_kind(key)}, expected an EC private key on {_curves()}")
    _check_curve(path, key.curve)
    return key


def is_encrypted(path: Path) -> bool:
    """Whether a PEM file holds an encrypted private key; InputError where it cannot be read."""
    content = _read(path, "an EC private key (PEM)")
    return b"ENCRYPTED PRIVATE KEY" in content or b"Proc-Type: 4,ENCRYPTED" in content


def load_public_key(path: Path) -> ec.EllipticCurvePublicKey:
    """An EC public key of a PEM file; InputError where it is none."""
    try:
        key = serialization.load_pem_public_key(_read(path, "an EC public key (PEM)"))
    except (ValueError, UnsupportedAlgorithm):
        raise InputError(f"{path}: found no public key, expected an EC public key (PEM)") from None
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise InputError(f"{path}: found {_kind(key)}, expected an EC public key on {_curves()}")
    _check_curve(path, key.curve)
    return key


def load_certificates(path: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file; InputError where there is none."""
    try:
        return x509.load_pem_x509_certificates(_read(path, "a certificate (PEM)"))
    except ValueError:
        raise InputError(f"{path}: found no certificate, expected one (PEM)") from None


def check_certificate(private: ec.EllipticCurvePrivateKey, key: Path, path: Path, chain: Sequence[Path]) -> None:
    """Raise InputError for a certificate by which nobody could verify what its key signs."""
    certificate, *others = load_certificates(path)
    if others:
        raise InputError(f"{path}: found {1 + len(others)} certificates, expected one; the others go to --chain")
    if certificate.public_key() != private.public_key():
        raise InputError(f"{path}: is the certificate of another key than {key}")
    if not _may_sign(certificate):
        raise InputError(
            f"{path}: is not for signing, expected key usage digitalSignature or extended key usage codeSigning"
        )
    issuers = [one for file in chain for one in load_certificates(file)]
    if issuers and not any(_issued(issuer, certificate) for issuer in issuers):
        raise InputError(f"--chain: found no certificate that issued {path}, expected its issuer among them")


@contextlib.contextmanager
def readable_once(private: ec.EllipticCurvePrivateKey) -> Iterator[Path]:
    """A path from which a key is read once, for what takes a file and no password.

    It is one end of a pipe, so that a key that lies encrypted never lies on a disk in the clear.
    """
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    reading, writing = os.pipe()
    try:
        os.write(writing, pem)
        os.close(writing)
        yield Path(f"/dev/fd/{reading}")
    finally:
        os.close(reading)


def _may_sign(certificate: x509.Certificate) -> bool:
    """What model-signing asks of a certificate when it verifies."""
    with contextlib.suppress(x509.ExtensionNotFound):
        if certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
            return True
    with contextlib.suppress(x509.ExtensionNotFound):
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        return ExtendedKeyUsageOID.CODE_SIGNING in usages
    return False


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _read(path: Path, expected: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}), expected {expected}") from None


def _check_curve(path: Path, curve: ec.EllipticCurve) -> None:
    if curve.name not in _CURVES:
        raise InputError(f"{path}: found an EC key on {curve.name}, expected one on {_curves()}")


def _curves() -> str:
    return ", ".join(_CURVES.values())


def _kind(key: object) -> str:
    """The kind of a key in words, by its class: `a key of kind RSA`."""
    return f"a key of kind {re.sub(r'^_|(Private|Public)Key$', '', type(key).__name__)}"
