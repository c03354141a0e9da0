import base64
import json
import shutil
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.errors import InputError, OctavoError
from octavo.release.checksums import SIGNATURE, SUMS, write_checksums
from octavo.release.signature import release_of, sign, signer, verify
from tests.release.tiny_release import FILES, write_certificate, write_files, write_key


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Keys of three curves, an encrypted one, and the certificates of an authority, of one under it and of a signer."""
    folder = tmp_path_factory.mktemp("keys")
    curves = {"key": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1(), "other": ec.SECP256R1()}
    made = {name: ec.generate_private_key(curve) for name, curve in curves.items()}
    for name, key in made.items():
        write_key(folder / f"{name}.pem", key)
    write_key(folder / "encrypted.pem", made["key"], "hush")
    root, middle = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
    write_certificate(folder / "root.crt", "Root", root, "Root", root, authority=True)
    write_certificate(folder / "middle.crt", "Library", middle, "Root", root, authority=True)
    write_certificate(folder / "signer.crt", "Press", made["key"], "Library", middle)
    write_certificate(folder / "no-signer.crt", "Press", made["key"], "Library", middle, signs=False)
    stranger = ec.generate_private_key(ec.SECP256R1())
    write_certificate(folder / "stranger.crt", "Root", stranger, "Root", stranger, authority=True)
    return folder


@pytest.fixture
def release(tmp_path):
    made = write_files(tmp_path / "release")
    write_checksums(made)
    return made


@pytest.fixture
def signed(release, keys):
    sign(release, keys / "key.pem")
    return release


def model_signing(release, *options):
    """Whether OpenSSF's own command line verifies a release, and what it says."""
    method, *by = options
    command = [sys.executable, "-m", "model_signing", "verify", method, release, "--signature", release / SIGNATURE]
    done = subprocess.run([*command, *by], capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def test_what_is_signed_is_verified_here_and_by_the_public_tools(signed, keys):
    verify(signed, keys / "key.pub")
    assert model_signing(signed, "key", "--public_key", keys / "key.pub") == (True, "Verification succeeded\n")
    assert subprocess.run(["sha256sum", "-c", SUMS], cwd=signed, capture_output=True, check=False).returncode == 0


def test_every_file_but_the_signature_is_signed(signed):
    bundle = json.loads((signed / SIGNATURE).read_bytes())
    statement = json.loads(base64.b64decode(bundle["dsseEnvelope"]["payload"]))
    names = {resource["name"] for resource in statement["predicate"]["resources"]}
    assert names == {*FILES, SUMS}
    assert statement["predicate"]["serialization"]["ignore_paths"] == [SIGNATURE]


@pytest.mark.parametrize("name", ["p384", "p521"])
def test_keys_of_larger_curves_sign_too(release, keys, name):
    sign(release, keys / f"{name}.pem")
    verify(release, keys / f"{name}.pub")


def test_a_release_that_moved_is_still_signed(signed, keys, tmp_path):
    moved = shutil.copytree(signed, tmp_path / "elsewhere" / "model")
    verify(moved, keys / "key.pub")
    assert model_signing(moved, "key", "--public_key", keys / "key.pub")[0]


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("name", [*FILES, SUMS])
def test_a_flipped_bit_in_any_file_is_named(signed, keys, name):
    flip(signed / name)
    with pytest.raises(OctavoError) as told:
        verify(signed, keys / "key.pub")
    assert str(told.value) == f"{signed / name}: is not as it was signed"


def test_the_public_tool_finds_a_flipped_bit_too(signed, keys):
    flip(signed / "model.safetensors")
    held, told = model_signing(signed, "key", "--public_key", keys / "key.pub")
    assert not held
    assert "Hash mismatch" in told
    assert "model.safetensors" in told


@pytest.mark.parametrize(
    "name", ["extra.bin", "gguf/more.gguf", ".gitattributes", ".git/config", "model.sig.partial"]
)
def test_a_file_that_was_not_signed_is_named(signed, keys, name):
    (signed / name).parent.mkdir(exist_ok=True)
    (signed / name).write_bytes(b"more")
    with pytest.raises(OctavoError) as told:
        verify(signed, keys / "key.pub")
    assert str(told.value) == f"{signed / name}: was not signed"


def test_a_missing_and_a_renamed_file_are_named(signed, keys):
    (signed / "README.md").rename(signed / "READ.md")
    with pytest.raises(OctavoError) as told:
        verify(signed, keys / "key.pub")
    assert str(told.value).splitlines() == [
        f"{signed / 'READ.md'}: was not signed",
        f"{signed / 'README.md'}: was signed, and is missing",
    ]


def test_a_file_and_its_line_in_the_list_changed_together_are_found(signed, keys):
    (signed / "README.md").write_bytes(b"# Another model\n")
    write_checksums(signed)
    with pytest.raises(OctavoError, match=r"README\.md: is not as it was signed\n.*SHA256SUMS: is not as"):
        verify(signed, keys / "key.pub")


def test_the_signature_of_another_release_does_not_hold(signed, keys, tmp_path):
    other = write_files(tmp_path / "other")
    (other / "README.md").write_bytes(b"# Another\n")
    write_checksums(other)
    sign(other, keys / "key.pem")
    shutil.copy(other / SIGNATURE, signed / SIGNATURE)
    with pytest.raises(OctavoError, match=r"README\.md: is not as it was signed"):
        verify(signed, keys / "key.pub")


def test_a_release_that_is_signed_in_part_does_not_hold(release, keys):
    """A signature can name files that it leaves out, and model-signing then passes them over."""
    from model_signing import hashing, signing

    config = hashing.Config().set_ignored_paths(paths=[SIGNATURE, "model.safetensors"], ignore_git_paths=False)
    signing.Config().use_elliptic_key_signer(private_key=keys / "key.pem").set_hashing_config(config).sign(
        release, release / SIGNATURE
    )
    flip(release / "model.safetensors")
    assert model_signing(release, "key", "--public_key", keys / "key.pub")[0]
    with pytest.raises(OctavoError, match=r"model\.safetensors: was not signed"):
        verify(release, keys / "key.pub")


def test_a_key_that_does_not_fit_is_refused(signed, keys):
    with pytest.raises(OctavoError, match=r"model\.sig: does not hold \(Key mismatch"):
        verify(signed, keys / "other.pub")


def test_a_forged_signature_that_names_the_right_key_is_refused(signed, keys, tmp_path):
    """The release is changed, signed with another key, and the signature told to be by the first."""
    bundle = json.loads((signed / SIGNATURE).read_bytes())
    (signed / "README.md").write_bytes(b"# Another model\n")
    write_checksums(signed)
    sign(signed, keys / "other.pem")
    forged = json.loads((signed / SIGNATURE).read_bytes())
    forged["verificationMaterial"] = bundle["verificationMaterial"]
    (signed / SIGNATURE).write_text(json.dumps(forged))
    with pytest.raises(OctavoError, match=r"model\.sig: is not a signature by the key"):
        verify(signed, keys / "key.pub")


def test_a_statement_changed_in_the_signature_is_refused(signed, keys):
    bundle = json.loads((signed / SIGNATURE).read_bytes())
    payload = base64.b64decode(bundle["dsseEnvelope"]["payload"]).replace(b"README.md", b"READ.md")
    bundle["dsseEnvelope"]["payload"] = base64.b64encode(payload).decode()
    (signed / SIGNATURE).write_text(json.dumps(bundle))
    with pytest.raises(OctavoError, match=r"model\.sig: is not a signature by the key"):
        verify(signed, keys / "key.pub")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"{}", b"\xff", b'{"verificationMaterial": {}}'])
def test_a_signature_that_cannot_be_read_is_told(signed, keys, content):
    (signed / SIGNATURE).write_bytes(content)
    for ask in (lambda: verify(signed, keys / "key.pub"), lambda: signer(signed)):
        with pytest.raises(OctavoError, match=r"model\.sig: cannot be read as a Sigstore bundle"):
            ask()


def test_a_missing_signature_is_told(release, keys):
    with pytest.raises(OctavoError, match=r"model\.sig: is missing: the release is not signed"):
        verify(release, keys / "key.pub")


def test_a_certificate_is_verified_by_the_authority_alone(release, keys):
    sign(release, keys / "key.pem", None, keys / "signer.crt", [keys / "middle.crt"])
    verify(release, chain=[keys / "root.crt"])
    assert model_signing(release, "certificate", "--certificate_chain", keys / "root.crt")[0]
    with pytest.raises(OctavoError, match=r"model\.sig: its certificate is not to be trusted"):
        verify(release, chain=[keys / "stranger.crt"])
    flip(release / "config.json")
    with pytest.raises(OctavoError, match=r"config\.json: is not as it was signed"):
        verify(release, chain=[keys / "root.crt"])


def test_a_certificate_without_the_one_between_needs_it_to_be_verified(release, keys):
    sign(release, keys / "key.pem", None, keys / "signer.crt")
    with pytest.raises(OctavoError, match=r"model\.sig: its certificate is not to be trusted"):
        verify(release, chain=[keys / "root.crt"])
    verify(release, chain=[keys / "middle.crt", keys / "root.crt"])


def test_an_encrypted_key_signs_with_its_password_with_a_certificate_too(release, keys):
    sign(release, keys / "encrypted.pem", "hush")
    verify(release, keys / "key.pub")
    sign(release, keys / "encrypted.pem", "hush", keys / "signer.crt", [keys / "middle.crt"])
    verify(release, chain=[keys / "root.crt"])


def test_who_signed_is_told_by_key_and_by_certificate(release, keys):
    sign(release, keys / "key.pem")
    digest = subprocess.run(["sha256sum", keys / "key.pub"], capture_output=True, text=True, check=True).stdout[:64]
    assert signer(release) == ("key", digest, None)
    sign(release, keys / "key.pem", None, keys / "signer.crt", [keys / "middle.crt"])
    assert signer(release) == ("certificate", "CN=Press", "CN=Library")


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda release: flip(release / "model.safetensors"), r"model\.safetensors: is changed"),
        (lambda release: (release / "stage.json").unlink(), r"stage\.json: is missing"),
        (lambda release: (release / "more").write_text(""), r"more: is not listed"),
        (lambda release: (release / "link").symlink_to(release / "README.md"), r"link: is a symbolic link"),
    ],
)
def test_a_damaged_release_is_never_signed(release, keys, damage, told):
    damage(release)
    with pytest.raises(OctavoError, match=told):
        sign(release, keys / "key.pem")
    assert not (release / SIGNATURE).exists()


def test_a_link_put_into_a_signed_release_is_refused(signed, keys, tmp_path):
    (signed / "README.md").rename(tmp_path / "README.md")
    (signed / "README.md").symlink_to(tmp_path / "README.md")
    with pytest.raises(OctavoError, match=r"README\.md: is a symbolic link"):
        verify(signed, keys / "key.pub")


def test_a_key_that_cannot_sign_is_told_in_plain_words_and_nothing_is_written(release, keys, tmp_path):
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_key(tmp_path / "rsa.pem", rsa_key)
    write_key(tmp_path / "k1.pem", ec.generate_private_key(ec.SECP256K1()))
    (tmp_path / "text.pem").write_text("no key")
    for key, password, message in (
        (tmp_path / "absent.pem", None, r"absent\.pem: cannot be read"),
        (tmp_path, None, "Is a directory"),
        (tmp_path / "text.pem", None, r"text\.pem: found no private key"),
        (keys / "key.pub", None, r"key\.pub: found no private key"),
        (tmp_path / "rsa.pem", None, "found a key of kind RSA, expected an EC private key on P-256"),
        (tmp_path / "k1.pem", None, "found an EC key on secp256k1, expected one on P-256"),
        (keys / "encrypted.pem", None, "found an encrypted key, expected its password in OCTAVO_KEY_PASSWORD"),
        (keys / "encrypted.pem", "loud", "the password does not fit"),
        (keys / "encrypted.pem", "", "the password does not fit"),
    ):
        with pytest.raises(InputError, match=message):
            sign(release, key, password)
    assert not (release / SIGNATURE).exists()


def test_a_certificate_that_would_not_verify_is_refused(release, keys, tmp_path):
    bundle = tmp_path / "both.crt"
    bundle.write_bytes((keys / "signer.crt").read_bytes() + (keys / "middle.crt").read_bytes())
    for key, certificate, chain, message in (
        ("other.pem", keys / "signer.crt", [], r"signer\.crt: is the certificate of another key than"),
        ("key.pem", keys / "key.pub", [], "found no certificate"),
        ("key.pem", keys / "absent.crt", [], r"absent\.crt: cannot be read"),
        ("key.pem", keys / "no-signer.crt", [], "is not for signing"),
        ("key.pem", keys / "signer.crt", [keys / "root.crt"], "found no certificate that issued"),
        ("key.pem", keys / "signer.crt", [keys / "stranger.crt"], "found no certificate that issued"),
        ("key.pem", bundle, [], "found 2 certificates, expected one"),
        ("key.pem", None, [keys / "middle.crt"], "expected --certificate"),
    ):
        with pytest.raises(InputError, match=message):
            sign(release, keys / key, None, certificate, chain)
    assert not (release / SIGNATURE).exists()


def test_what_to_verify_by_must_be_readable(signed, keys):
    for public, chain, message in (
        (keys / "absent.pub", [], "cannot be read"),
        (keys / "key.pem", [], "found no public key"),
        (None, [keys / "key.pub"], "found no certificate"),
        (None, [], "found neither or both"),
        (keys / "key.pub", [keys / "root.crt"], "found neither or both"),
    ):
        with pytest.raises(InputError, match=message):
            verify(signed, public, chain)


def test_a_run_names_its_release_and_what_is_no_release_is_refused(release, tmp_path):
    assert release_of(tmp_path) == release_of(release) == release
    (release / SUMS).unlink()
    with pytest.raises(InputError, match="found no SHA256SUMS in it, expected a release that is whole"):
        release_of(tmp_path)
    with pytest.raises(InputError, match="found no release"):
        release_of(tmp_path / "release/gguf")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_keys_that_openssl_made_sign_encrypted_or_not(release, tmp_path):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=tmp_path, capture_output=True, check=True)

    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "sec1.pem")
    openssl("ec", "-in", "sec1.pem", "-aes256", "-passout", "pass:hush", "-out", "sec1-encrypted.pem")
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384", "-out", "pkcs8.pem")
    for key, password in (("sec1.pem", None), ("sec1-encrypted.pem", "hush"), ("pkcs8.pem", None)):
        openssl("pkey", "-in", key, *(["-passin", "pass:hush"] if password else []), "-pubout", "-out", "KEY.pub")
        sign(release, tmp_path / key, password)
        verify(release, tmp_path / "KEY.pub")


def test_the_command_prints_what_verifies_and_those_lines_do(release, keys, tmp_path):
    done = CliRunner().invoke(app, ["sign", str(tmp_path), "--key", str(keys / "key.pem")])
    assert done.exit_code == 0, done.output
    first, _, verifying, checking, _ = done.stdout.splitlines()
    assert first == str(release / SIGNATURE)
    line = (
        verifying.strip().replace("KEY.pub", str(keys / "key.pub")).replace("model_signing", "-m model_signing", 1)
    )
    for command in (f"{sys.executable} {line}", checking.strip()):
        assert subprocess.run(command, shell=True, capture_output=True, check=False).returncode == 0


def test_the_password_is_read_from_the_environment(release, keys, monkeypatch):
    command = ["sign", str(release), "--key", str(keys / "encrypted.pem")]
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError)
    monkeypatch.setenv("OCTAVO_KEY_PASSWORD", "hush")
    assert CliRunner().invoke(app, command).exit_code == 0
    verify(release, keys / "key.pub")
