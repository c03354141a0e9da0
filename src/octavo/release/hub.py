"""Uploading to a hub what `octavo publish` laid out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from httpx2 import HTTPError
from huggingface_hub import HfApi, get_token
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils._validators import validate_repo_id

from octavo.errors import InputError, OctavoError
from octavo.release.publishing import DATASET, MODEL


def repositories(hub: str) -> dict[str, str]:
    """Where each part goes, by part, for a hub's OWNER/NAME; InputError where it is no such name."""
    found = {MODEL: hub, DATASET: f"{hub}-corpus"}
    for name in found.values():
        try:
            validate_repo_id(name)
        except HFValidationError:
            name = ""
        if name.count("/") != 1:
            raise InputError(f"--hub {hub}: expected OWNER/NAME as the hub allows it")
    return found


def open_hub() -> HfApi:
    """The hub with the token that is there; it is asked whose that is, so that a wrong one is told at once.

    Raises InputError without a token, OctavoError where the hub cannot be reached or refuses it.
    """
    if get_token() is None:
        raise InputError("--hub: found no token of the hub, expected one in HF_TOKEN or by hf auth login")
    api = HfApi()
    with _told(api):
        api.whoami()
    return api


def upload(api: HfApi, out: Path, parts: dict[str, str]) -> dict[str, str]:
    """Upload the folders of `out` that are named, each into its repository, and return their addresses.

    A repository is made where there is none. Of one that is there the files become those of the folder, as a
    signature covers these and no other; its history keeps the earlier ones. Raises OctavoError where the hub cannot
    be reached or refuses.
    """
    addresses = {}
    for part, repository in parts.items():
        with _told(api, f"; {out} is whole: hf upload {repository} {out / part} . --repo-type {part} sends it too"):
            address = api.create_repo(repository, repo_type=part, exist_ok=True)
            api.upload_folder(
                repo_id=address.repo_id,
                repo_type=part,
                folder_path=out / part,
                commit_message="Published with octavo",
                delete_patterns="*",
            )
            addresses[part] = str(address)
    return addresses


@contextlib.contextmanager
def _told(api: HfApi, then: str = "") -> Iterator[None]:
    try:
        yield
    except HfHubHTTPError as error:
        raise OctavoError(f"{api.endpoint}: refuses ({_in_a_line(error)}){then}") from None
    except (HTTPError, OSError) as error:
        raise OctavoError(f"{api.endpoint}: cannot be reached ({_in_a_line(error)}){then}") from None
    except ValueError as error:  # metadata of a README.md that the hub does not take
        raise OctavoError(f"{api.endpoint}: refuses ({_in_a_line(error)}){then}") from None


def _in_a_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
