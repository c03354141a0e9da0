"""What the tests of checksums and signatures share: a release of a few small files, and keys to sign it with."""

from __future__ import annotations

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

FILES = {
    "config.json": b"{}\n",
    "README.md": b"# A model\n",
    "model.safetensors": bytes(range(256)) * 40,
    "gguf/tiny-Q8_0.gguf": b"GGUF" + bytes(500),
    "stage.json": b'{"stage": "release"}\n',
}
START = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


def write_files(release: Path) -> Path:
    """A release without SHA256SUMS."""
    for name, content in FILES.items():
        (release / name).parent.mkdir(parents=True, exist_ok=True)
        (release / name).write_bytes(content)
    return release


def write_key(path: Path, key: ec.EllipticCurvePrivateKey, password: str | None = None) -> Path:
    """An EC private key as PEM, and its public key beside it (`.pub`)."""
    hidden = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden))
    path.with_suffix(".pub").write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return path


def write_certificate(
    path: Path,
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: str,
    issuing: ec.EllipticCurvePrivateKey,
    authority: bool = False,
    signs: bool = True,
) -> Path:
    """A certificate as PEM: of a `key`, issued by `issuer` with the key `issuing`."""
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START)
        .not_valid_after(START + datetime.timedelta(days=3650))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=signs,
                key_cert_sign=authority,
                crl_sign=authority,
                decipher_only=False,
                **usage,
            ),
            critical=True,
        )
        .sign(issuing, hashes.SHA256())
    )
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return path
