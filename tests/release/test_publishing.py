import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from huggingface_hub import DatasetCard

from octavo.errors import InputError, OctavoError
from octavo.progress import Progress, StoppedError
from octavo.release import dataset_files
from octavo.release.checksums import SIGNATURE, SUMS, check_checksums, write_checksums
from octavo.release.dataset_card import dataset_card, size_category
from octavo.release.dataset_files import Shards, write_shards
from octavo.release.hub import open_hub, repositories, upload
from octavo.release.manifest import File
from octavo.release.publishing import NO_CORPUS, UNSIGNED, publish
from octavo.release.signature import sign, verify
from tests.release import manifests
from tests.release.tiny_release import write_key
from tests.release.upload_server import TOKEN, UploadHub, serve_uploads

OCTAVO = Path(sys.executable).parent / "octavo"


@pytest.fixture(scope="module")
def signed_run(small_run, tmp_path_factory):
    """The small run with a signature, and the public key that verifies it; only read."""
    from cryptography.hazmat.primitives.asymmetric import ec

    folder = tmp_path_factory.mktemp("signed")
    run = Path(shutil.copytree(small_run, folder / "small"))
    key = write_key(folder / "key.pem", ec.generate_private_key(ec.SECP256R1()))
    sign(run / "release", key)
    return run, folder / "key.pub"


@pytest.fixture(scope="module")
def published(signed_run, tmp_path_factory):
    """What was published of it, and where."""
    out = tmp_path_factory.mktemp("published") / "out"
    return publish(signed_run[0], out, False, Progress()), out


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def kept_rows(run):
    return pyarrow.dataset.dataset(run / "corpus/kept").to_table().to_pylist()


def test_the_model_is_published_as_it_was_released_and_signed(signed_run, published):
    (run, public_key), (_, out) = signed_run, published
    released, laid = files_in(run / "release"), files_in(out / "model")
    assert {SIGNATURE, SUMS, "model.safetensors", "compliance/manifest.json"} <= laid.keys()
    assert {name: path.read_bytes() for name, path in laid.items()} == {
        name: path.read_bytes() for name, path in released.items()
    }
    assert all(path.samefile(released[name]) for name, path in laid.items())
    verify(out / "model", public_key)
    assert check_checksums(out / "model") == []


def test_where_there_are_no_hard_links_the_model_is_copied(signed_run, tmp_path, monkeypatch):
    def refused(*paths):
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    run, public_key = signed_run
    publish(run, tmp_path / "out", False, Progress())
    weights = tmp_path / "out/model/model.safetensors"
    assert not weights.samefile(run / "release/model.safetensors")
    verify(tmp_path / "out/model", public_key)


def test_every_kept_document_is_published_in_its_split_and_no_other(signed_run, published):
    (run, _), (_, out) = signed_run, published
    rows = kept_rows(run)
    for name, split in (("train", "train"), ("held_out", "held-out")):
        expected = [row for row in rows if row["split"] == split]
        assert expected
        assert pq.read_table(out / f"dataset/data/{name}-00000-of-00001.parquet").to_pylist() == expected
    assert (out / "dataset/ledger.parquet").read_bytes() == (run / "corpus/ledger.parquet").read_bytes()


def test_a_large_corpus_is_cut_into_files_and_row_groups_with_nothing_lost(signed_run, tmp_path, monkeypatch):
    monkeypatch.setattr(dataset_files, "GROUP_BYTES", 30_000)
    monkeypatch.setattr(dataset_files, "SHARD_BYTES", 120_000)
    monkeypatch.setattr(dataset_files, "BATCH_ROWS", 8)
    kept = sorted((signed_run[0] / "corpus/kept").glob("*.parquet"))
    shards = write_shards(kept, tmp_path / "cut", Progress())
    train = [file for file in shards.files if "/train-" in file.path]
    assert len(train) > 2
    assert [file.path for file in train] == [
        f"data/train-{number:05d}-of-{len(train):05d}.parquet" for number in range(len(train))
    ]
    assert set(files_in(tmp_path / "cut")) == {file.path for file in shards.files}
    assert all(pq.read_metadata(tmp_path / "cut" / file.path).num_row_groups > 1 for file in train[:-1])
    rows = [row for file in train for row in pq.read_table(tmp_path / "cut" / file.path).to_pylist()]
    assert rows == [row for row in kept_rows(signed_run[0]) if row["split"] == "train"]
    assert write_shards(kept, None, Progress()) == shards


def test_a_dry_run_lists_what_would_be_written_to_the_byte_and_writes_nothing(signed_run, published, tmp_path):
    told, out = published
    dry = publish(signed_run[0], tmp_path / "out", True, Progress())
    assert list(tmp_path.iterdir()) == []
    assert dry == told
    assert {file.path: file.bytes for file in dry.files} == {
        name: path.stat().st_size for name, path in files_in(out).items()
    }
    assert told.notes == []


def test_the_card_has_metadata_that_huggingface_hub_reads_and_figures_of_the_ledger(signed_run, published):
    (run, _), (_, out) = signed_run, published
    card = DatasetCard.load(out / "dataset/README.md")
    rows = kept_rows(run)
    assert set(card.data.language) == {row["lang"] for row in rows}
    assert card.data.license == ["cc0-1.0"]
    assert card.data.size_categories == "n<1K"
    default, ledger = card.data.configs
    for split in default["data_files"]:
        assert list((out / "dataset").glob(split["path"]))
    assert [split["split"] for split in default["data_files"]] == ["held_out", "train"]
    assert (out / "dataset" / ledger["data_files"]).exists()
    size = sum(len(row["text"].encode()) for row in rows)
    assert f"| CC0-1.0 | none | {len(rows):,} | {size:,} |" in card.text.replace(
        "[CC0-1.0](https://spdx.org/licenses/CC0-1.0.html)", "CC0-1.0"
    )
    assert f"| `train` | {sum(row['split'] == 'train' for row in rows)} |" in card.text
    redacted = pq.read_table(run / "corpus/ledger.parquet").to_pylist()
    count = sum("personal-data" in row["rules"] and row["fate"] != "removed" for row in redacted)
    assert f"Changed by the rule personal-data: {count:,} documents" in card.text


def test_the_lines_of_python_in_the_card_read_the_dataset(published):
    card = (published[1] / "dataset/README.md").read_text()
    code = card.split("```python\n")[1].split("```")[0]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=published[1] / "dataset", capture_output=True, text=True, check=True
    )
    assert sum(map(int, done.stdout.split())) == sum(published_documents(published[1]))


def published_documents(out):
    return [pq.read_metadata(path).num_rows for path in (out / "dataset/data").glob("*.parquet")]


def test_obligations_synthetic_text_and_opt_outs_are_told():
    file = File(path="data/train-00000-of-00001.parquet", bytes=1, sha256="0" * 64)
    card = dataset_card(manifests.full(), Shards([file], {"held_out": 10, "train": 90}))
    assert "- **attribution**, 30 documents (380,000 bytes): name who made it" in card
    assert "- **share-alike**, 10 documents (20,000 bytes): as attribution; and what is made of it" in card
    assert "| [CC-BY-SA-4.0](https://spdx.org/licenses/CC-BY-SA-4.0.html) | share-alike | 10 | 20,000 |" in card
    assert "| LicenseRef-Public-Domain | none | 60 | 600,000 |" in card
    assert "Models wrote 2,500 bytes in 4 documents" in card
    assert "| library/rewriter-1b | 2,500 |" in card
    assert "EMAIL 12, PHONE 3" in card
    assert "2 documents (30,000 bytes) were left out as their rights holders asked" in card
    assert DatasetCard(card).data.license == ["cc-by-4.0", "cc-by-sa-4.0", "other"]
    assert "models@library.example" in card
    bare = dataset_card(manifests.bare(), Shards([file], {"train": 100}))
    assert "held_out" not in bare.split("## Columns")[0]


def test_no_path_of_the_machine_gets_into_the_card():
    source = manifests.source("/home/anna/scans/letters.parquet", known=False)
    corpus = manifests.corpus().model_copy(update={"sources": [source]})
    manifest = manifests.full().model_copy(update={"corpus": corpus})
    file = File(path="data/train-00000-of-00001.parquet", bytes=1, sha256="0" * 64)
    card = dataset_card(manifest, Shards([file], {"train": 100}))
    assert "| letters.parquet | 100 | 100 |" in card
    assert "/home/anna" not in card


@pytest.mark.parametrize(
    ("documents", "category"),
    [
        (0, "n<1K"),
        (999, "n<1K"),
        (1_000, "1K<n<10K"),
        (5_794, "1K<n<10K"),
        (517_000_000, "100M<n<1B"),
        (10**12 - 1, "100B<n<1T"),
        (10**12, "n>1T"),
    ],
)
def test_the_size_is_told_as_the_hub_names_it(documents, category):
    assert size_category(documents) == category


def test_croissant_reads_the_published_records(published):
    import mlcroissant

    described = mlcroissant.Dataset(jsonld=str(published[1] / "dataset/croissant.json"))
    found = sum(1 for _ in described.records("documents"))
    assert found == sum(published_documents(published[1]))


def test_a_run_without_a_corpus_publishes_its_model_alone_and_says_so(copied_run, tmp_path):
    path = copied_run / "release/compliance/manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"corpus": None, "corpus_files": []}))
    write_checksums(copied_run / "release")
    told = publish(copied_run, tmp_path / "out", False, Progress())
    assert told.notes == [UNSIGNED, NO_CORPUS]
    assert not told.has_dataset
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model"}


def test_what_is_no_longer_what_was_released_is_not_published(copied_run, tmp_path):
    for name, message in (
        ("release/model.safetensors", r"model\.safetensors: is changed"),
        ("corpus/ledger.parquet", r"corpus/ledger\.parquet: is changed"),
        (f"corpus/kept/{next((copied_run / 'corpus/kept').iterdir()).name}", r"corpus/kept/.*: is changed"),
    ):
        before = (copied_run / name).read_bytes()
        (copied_run / name).write_bytes(before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(OctavoError, match=message):
            publish(copied_run, tmp_path / "out", False, Progress())
        (copied_run / name).write_bytes(before)
    (copied_run / "release/extra").write_text("")
    with pytest.raises(OctavoError, match="extra: is not listed"):
        publish(copied_run, tmp_path / "out", True, Progress())
    assert {path.name for path in tmp_path.iterdir()} == {"small"}


def test_a_place_that_is_no_place_is_refused_and_nothing_is_changed(signed_run, tmp_path):
    run, _ = signed_run
    (tmp_path / "full").mkdir()
    (tmp_path / "full/mine").write_text("mine")
    for out, message in (
        (tmp_path / "full", "found something there"),
        (tmp_path / "full/mine", "found something there"),
        (run / "out", "lies in the run"),
        (run / "release/out", "lies in the run"),
    ):
        with pytest.raises(InputError, match=message):
            publish(run, out, False, Progress())
    assert list(files_in(tmp_path)) == ["full/mine"]
    with pytest.raises(InputError, match=r"found no recipe\.yaml"):
        publish(tmp_path, tmp_path / "out", False, Progress())
    (tmp_path / "run").mkdir()
    shutil.copy(run / "recipe.yaml", tmp_path / "run")
    with pytest.raises(InputError, match="its release is not done"):
        publish(tmp_path / "run", tmp_path / "out", False, Progress())


def test_what_was_broken_off_leaves_nothing_that_looks_whole_and_the_next_call_does_it(signed_run, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(StoppedError):
        publish(signed_run[0], out, False, Progress(stopping=lambda: True))
    assert list(out.iterdir()) == []
    assert (tmp_path / "out.partial/model").exists()
    publish(signed_run[0], out, False, Progress())
    assert {path.name for path in out.iterdir()} == {"model", "dataset"}
    assert not (tmp_path / "out.partial").exists()


def test_a_directory_of_that_name_that_is_not_octavos_is_left_alone(signed_run, tmp_path):
    (tmp_path / "out.partial").mkdir()
    (tmp_path / "out.partial/mine").write_text("mine")
    with pytest.raises(InputError, match="found something else there"):
        publish(signed_run[0], tmp_path / "out", False, Progress())
    assert (tmp_path / "out.partial/mine").read_text() == "mine"


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub on this machine, and a token that it takes."""
    with serve_uploads(UploadHub()) as served:
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", served.address)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield served


def test_both_parts_are_uploaded_as_they_lie_there_and_older_files_go(hub, signed_run, published, tmp_path):
    hub.repositories["models/library/small"] = {".gitattributes": b"", "gguf/old.gguf": b"old"}
    addresses = upload(open_hub(), published[1], repositories("library/small"))
    assert addresses == {
        "model": f"{hub.address}/library/small",
        "dataset": f"{hub.address}/datasets/library/small-corpus",
    }
    for kind, part in (("models/library/small", "model"), ("datasets/library/small-corpus", "dataset")):
        there = {name: content for name, content in hub.repositories[kind].items() if name != ".gitattributes"}
        assert there == {name: path.read_bytes() for name, path in files_in(published[1] / part).items()}
    downloaded = hub.repositories["models/library/small"] | {".cache/huggingface/download/x.lock": b""}
    for name, content in downloaded.items():
        (tmp_path / "got" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "got" / name).write_bytes(content)
    command = [sys.executable, "-m", "model_signing", "verify", "key", "got", "--signature", "got/model.sig"]
    by = ["--public_key", signed_run[1], "--ignore-paths", "got/.cache"]
    subprocess.run([*command, *by], cwd=tmp_path, capture_output=True, check=True)


def test_a_hub_that_refuses_is_told_with_what_to_do(hub, published, monkeypatch):
    hub.refuses = True
    with pytest.raises(OctavoError, match=rf"refuses .*no room.*hf upload library/small {published[1]}/model \."):
        upload(open_hub(), published[1], repositories("library/small"))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(OctavoError, match=r"refuses \(Invalid user token"):
        open_hub()


def test_a_name_that_no_hub_takes_is_refused():
    for name in ("small", "library/small/more", "library/", "library/ü", "library/" + "n" * 92):
        with pytest.raises(InputError, match="expected OWNER/NAME"):
            repositories(name)


def test_the_command_needs_a_token_and_a_network_before_it_writes(signed_run, tmp_path):
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HF_")}
    command = [OCTAVO, "publish", signed_run[0], "--to", tmp_path / "out", "--hub", "library/small"]
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home")}
    for more, status, message in (
        ({}, 2, "octavo: --hub: found no token of the hub, expected one in HF_TOKEN or by hf auth login"),
        ({"HF_TOKEN": TOKEN}, 1, "octavo: http://127.0.0.1:9: cannot be reached ("),
    ):
        done = subprocess.run(command, env=clean | closed | more, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (status, "")
        assert message in done.stderr
        assert "Traceback" not in done.stderr
        assert not (tmp_path / "out").exists()


def test_the_command_lists_files_and_sizes_for_people_and_programs(signed_run, tmp_path):
    command = [OCTAVO, "publish", signed_run[0], "--to", tmp_path / "out", "--dry-run"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    told = json.loads(subprocess.run([*command, "--json"], capture_output=True, text=True, check=True).stdout)
    assert {line.split()[1]: int(line.split()[0].replace(",", "")) for line in shown[:-1]} == {
        file["path"]: file["bytes"] for file in told["files"]
    }
    assert shown[-1].split()[0] == f"{told['bytes']:,}"
    assert list(tmp_path.iterdir()) == []
