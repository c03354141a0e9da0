"""A key that octavo is given stands in no message, no record and no folder of others."""

import asyncio
import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from octavo.compiled import _own_folder
from octavo.corpus.locations import expand
from octavo.curation.completions import Endpoint, NoAnswerError, Pace
from octavo.errors import InputError, OctavoError
from octavo.recipe.rewriting import Rewriting
from octavo.release.keys import is_encrypted, load_certificates, load_private_key, load_public_key
from tests.curation.chat_server import Reply, serving
from tests.release.tiny_release import write_key

KEY = "sk-0123456789abcdef-very-secret"
REQUEST = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "x"}]}


async def no_wait(seconds: float) -> None:
    pass


def asked(reply: Reply) -> str:
    """What is said, in an error or in an answer's problem, where a server replies so."""

    async def ask(address: str) -> str:
        settings = Rewriting(endpoint=address, model="m", key_variable="A_KEY", tries=1)
        endpoint = Endpoint(settings, Pace(None, None), no_wait)
        try:
            return (await endpoint.complete(REQUEST)).problem or ""
        except (OctavoError, NoAnswerError) as error:
            return str(error)
        finally:
            await endpoint.close()

    with serving(lambda request, number: reply) as server:
        said = asyncio.run(ask(server.address))
        assert server.keys == [f"Bearer {KEY}"]
    return said


@pytest.mark.parametrize("status", [400, 401, 402, 404, 418, 429, 500])
@pytest.mark.parametrize("before", ["", "the context length; ", "x" * 180])
@pytest.mark.parametrize("form", ['{{"error": {{"message": "{} no key: {}"}}}}', "{} no key: {}"])
def test_a_server_that_says_the_key_again_is_quoted_without_it(status, before, form, monkeypatch):
    monkeypatch.setenv("A_KEY", KEY)
    said = asked(Reply(status=status, body=form.format(before, KEY).encode()))
    assert KEY[:8] not in said
    assert f"{before} no key: ".strip()[:20] in said


def test_a_key_in_an_address_is_refused_and_not_said_again():
    with pytest.raises(InputError, match=r"^s3://: found a key or a password in the address") as raised:
        expand(f"s3://AKIAX:{KEY}@bucket/documents/*.parquet")
    assert KEY not in str(raised.value)


def test_no_message_holds_what_a_key_file_has(tmp_path):
    write_key(tmp_path / "good.pem", ec.generate_private_key(ec.SECP256R1()))
    pem = (tmp_path / "good.pem").read_text()
    secret = pem.split("\n")[1]
    wrong = {
        "cut": pem[:-60],
        "other": pem.replace("PRIVATE KEY", "OTHER THING"),
        "public": pem.replace("PRIVATE", "PUBLIC"),
        "damaged": pem.replace(secret[:6], "AAAAAA"),
        "encrypted": pem.replace("PRIVATE", "ENCRYPTED PRIVATE"),
    }
    for name, content in wrong.items():
        (tmp_path / name).write_text(content)
        for read in (lambda file: load_private_key(file, "hush"), load_public_key, load_certificates):
            with pytest.raises(InputError) as raised:
                read(tmp_path / name)
            assert secret[6:20] not in str(raised.value)
            assert "hush" not in str(raised.value)
            assert raised.value.__suppress_context__
    assert is_encrypted(tmp_path / "encrypted")


def test_a_public_key_of_an_unknown_kind_is_refused(tmp_path):
    # SubjectPublicKeyInfo whose algorithm is 1.2.3.4
    (tmp_path / "x.pub").write_text("-----BEGIN PUBLIC KEY-----\nMAowBQYDKgMEAwEA\n-----END PUBLIC KEY-----\n")
    with pytest.raises(InputError, match="found no public key, expected an EC public key"):
        load_public_key(tmp_path / "x.pub")


def test_what_is_run_from_a_shared_folder_is_from_a_folder_of_ones_own(tmp_path):
    own = _own_folder(tmp_path)
    assert own == _own_folder(tmp_path) == tmp_path / f"octavo-{os.geteuid()}"
    assert own.stat().st_mode & 0o777 == 0o700
    own.chmod(0o777)
    assert _own_folder(tmp_path) != own
    own.rmdir()
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    own.symlink_to(tmp_path / "elsewhere")
    other = _own_folder(tmp_path)
    assert not other.is_symlink()
    assert other.stat().st_mode & 0o777 == 0o700
