"""A checkpoint of a stranger is read as data: what it has written into its pickles does not run."""

import io
import pickle
from pathlib import Path

import pytest
import torch
import torch.distributed.checkpoint.state_dict_saver as dcp_save

from octavo.errors import OctavoError
from octavo.lineage import hash_file, write_json
from octavo.training import checkpoint_files
from octavo.training.checkpoint_reading import METADATA, load_state
from tests.distributed.conftest import tokens  # noqa: F401
from tests.distributed.processes import recipe, start

SETTINGS, LONGER = recipe(6), recipe(12)


class Harm:
    """Makes a file when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self):
        return Path.touch, (self.file,)


def state(rate: float = 0.5) -> dict:
    return {
        "model": {"weight": torch.arange(6.0).reshape(2, 3) * rate},
        "optimizer": {"lr": rate, "betas": (0.9, 0.95), "fused": None, "params": ["weight"]},
    }


@pytest.fixture
def saved(tmp_path):
    """A checkpoint as PyTorch writes it."""
    dcp_save.save(state(), checkpoint_id=tmp_path / "saved", no_dist=True)
    return tmp_path / "saved"


def metadata_of(folder: Path):
    return pickle.loads((folder / METADATA).read_bytes())


def change(folder: Path, **fields) -> None:
    metadata = metadata_of(folder)
    for name, value in fields.items():
        setattr(metadata, name, value)
    (folder / METADATA).write_bytes(pickle.dumps(metadata))


def test_tensors_and_settings_come_back_as_they_were(saved):
    found = state(rate=0.0)
    load_state(saved, found, None)
    assert torch.equal(found["model"].pop("weight"), state()["model"].pop("weight"))
    assert found["optimizer"] == state()["optimizer"]


HARMFUL = {
    "instead of the metadata": lambda folder, harm: (folder / METADATA).write_bytes(pickle.dumps(harm)),
    "within the metadata": lambda folder, harm: change(folder, planner_data=harm),
    "among the places": lambda folder, harm: change(folder, storage_data={"x": harm}),
    "with another protocol": lambda folder, harm: (folder / METADATA).write_bytes(pickle.dumps(harm, 0)),
}


@pytest.mark.parametrize("place", HARMFUL)
def test_a_harmful_pickle_is_refused_by_name_and_does_not_run(place, saved, tmp_path):
    HARMFUL[place](saved, Harm(tmp_path / "ran"))
    with pytest.raises(OctavoError) as raised:
        load_state(saved, state(), None)
    assert f"{saved / METADATA}: cannot be read as the metadata of a checkpoint: found " in str(raised.value)
    assert not (tmp_path / "ran").exists()
    pickle.loads(pickle.dumps(Harm(tmp_path / "ran")))
    assert (tmp_path / "ran").exists()  # so the harm is real


def test_a_training_does_not_run_it_either(tokens, tmp_path):  # noqa: F811
    run = tmp_path / "run"
    assert start(run, tokens, SETTINGS).wait() == [0]
    folder = checkpoint_files.path_of(run / "checkpoints", SETTINGS.steps)
    change(folder, planner_data=Harm(tmp_path / "ran"))
    manifest = folder / checkpoint_files.MANIFEST
    files = {file.name: hash_file(file).model_dump() for file in folder.iterdir() if file != manifest}
    write_json(manifest, {"passed_over": [], "files": files})  # as a stranger would
    again = start(run, tokens, LONGER)
    assert again.wait() == [1]
    assert f"{folder / METADATA}: cannot be read as the metadata of a checkpoint" in again.said()
    assert "Traceback" not in again.said()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["builtins.getattr", "builtins.eval", "os.system", "torch.load", "torch.hub.load"])
def test_no_function_is_reached(name, tmp_path):
    module, _, function = name.rpartition(".")
    (tmp_path / METADATA).write_bytes(f"c{module}\n{function}\n.".encode())
    with pytest.raises(OctavoError, match=f"found {name} in it, which no checkpoint of octavo has"):
        load_state(tmp_path, {}, None)


def test_nor_through_a_name_with_dots(tmp_path):
    named = b"".join(
        pickle.SHORT_BINUNICODE + bytes([len(text)]) + text
        for text in (b"torch.distributed.checkpoint.metadata", b"os.system")
    )
    (tmp_path / METADATA).write_bytes(b"\x80\x04" + named + pickle.STACK_GLOBAL + pickle.STOP)
    with pytest.raises(OctavoError, match=r"found torch.distributed.checkpoint.metadata.os.system in it"):
        load_state(tmp_path, {}, None)


def test_settings_are_unpickled_as_data_too(saved, tmp_path):
    metadata, harmful = metadata_of(saved), io.BytesIO()
    torch.save(Harm(tmp_path / "ran"), harmful)
    place = next(place for index, place in metadata.storage_data.items() if index.fqn == "optimizer.lr")
    file = saved / place.relative_path
    place.offset, place.length = file.stat().st_size, len(harmful.getvalue())
    file.write_bytes(file.read_bytes() + harmful.getvalue())
    (saved / METADATA).write_bytes(pickle.dumps(metadata))
    with pytest.raises(OctavoError, match="saved: the checkpoint cannot be read: "):
        load_state(saved, state(), None)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("path", ["../other/__0_0.distcp", "/etc/passwd", "__0_0.distcp/..", "", None, 3])
def test_files_elsewhere_are_not_read(path, saved):
    places = metadata_of(saved).storage_data
    for place in places.values():
        place.relative_path = path
    change(saved, storage_data=places)
    with pytest.raises(OctavoError, match="found something else than the metadata of a checkpoint"):
        load_state(saved, state(), None)


def test_a_manifest_names_files_beside_it_alone(saved):
    for name in ("../../tokens", "/dev/zero", ".."):
        write_json(
            saved / checkpoint_files.MANIFEST, {"passed_over": [], "files": {name: {"bytes": 0, "blake3": ""}}}
        )
        assert "expected the name of a file beside it" in (checkpoint_files.damage(saved) or "")


def test_bytes_of_any_kind_are_refused_in_one_line(saved):
    whole = (saved / METADATA).read_bytes()
    for content in (
        b"",
        b"\x80",
        whole[:200],
        whole[:-1],
        b"\x80\x04N.",
        b"\x80\x04\x8e" + b"\xff" * 8,
        b"(" * 5000,
    ):
        (saved / METADATA).write_bytes(content)
        with pytest.raises(OctavoError, match=r"\.metadata: ") as raised:
            load_state(saved, state(), None)
        assert "\n" not in str(raised.value)
    for fields in ({"state_dict_metadata": None}, {"state_dict_metadata": {}}, {"storage_data": []}):
        (saved / METADATA).write_bytes(whole)
        change(saved, **fields)
        with pytest.raises(OctavoError, match="saved"):
            load_state(saved, state(), None)
