from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto.server import ThreadedMotoServer
from pyarrow import fs

from octavo.corpus import importing
from octavo.corpus.importing import import_documents, source_files
from octavo.corpus.schema import DOCUMENT_SCHEMA, content_hash
from octavo.errors import InputError
from octavo.lineage import write_json
from octavo.progress import Progress, StoppedError
from octavo.recipe.schema import Corpus, Source
from octavo.workers import in_threads
from tests.corpus.hub_server import Hub, serve


def bring_in(home: Path, *sources: Source, progress: Progress | None = None) -> dict[str, Any]:
    return import_documents(Corpus(sources=list(sources)), home, progress or Progress())


def documents(home: Path) -> list[dict[str, Any]]:
    return [row for part in sorted(home.glob("*.parquet")) for row in pq.read_table(part).to_pylist()]


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """Three files of as many formats, with two pieces that cannot be read and one file that no reader takes."""
    folder = tmp_path / "library"
    folder.mkdir()
    rows = [{"identifier": f"b{n}", "text": f"Liber {n}", "collection": "Old" if n else None} for n in range(4)]
    pq.write_table(pa.Table.from_pylist(rows), folder / "a.parquet")
    (folder / "b.jsonl").write_text('{"text": "Arma"}\nnot JSON\n{"text": "cano", "license": "CC0"}\n')
    (folder / "c.txt").write_text("Gallia est omnis divisa")
    (folder / "d.txt").write_bytes("café".encode("latin-1"))
    (folder / "e.djvu").write_bytes(b"%PDF")
    return folder


def test_every_format_becomes_documents_of_one_schema(library: Path, tmp_path: Path) -> None:
    figures = bring_in(tmp_path / "documents", Source(path=str(library)))
    parts = sorted((tmp_path / "documents").glob("*.parquet"))
    assert all(pq.read_schema(part) == DOCUMENT_SCHEMA for part in parts)
    found = documents(tmp_path / "documents")
    assert [d["text"] for d in found] == [
        *(f"Liber {n}" for n in range(4)),
        "Arma",
        "cano",
        "Gallia est omnis divisa",
    ]
    assert all(d["content_hash"] == content_hash(d["text"]) for d in found)
    assert {d["source"] for d in found} == {str(library / name) for name in ("a.parquet", "b.jsonl", "c.txt")}
    assert figures == {
        "files": 4,
        "documents": 7,
        "bytes": sum(len(d["text"].encode()) for d in found),
        "unreadable": 2,
        "skipped_files": [str(library / "e.djvu")],
    }


def test_what_cannot_be_read_is_kept_with_its_place_and_the_reason(library: Path, tmp_path: Path) -> None:
    bring_in(tmp_path / "documents", Source(path=str(library)))
    lines = (tmp_path / "documents" / "unreadable.jsonl").read_text().splitlines()
    broken, foreign = (json.loads(line) for line in lines)
    assert broken["where"] == f"{library / 'b.jsonl'}:2"
    assert broken["reason"].startswith("not JSON")
    assert broken["content"] == "not JSON"
    assert foreign["where"] == str(library / "d.txt")
    assert base64.b64decode(foreign["content_base64"]) == b"caf\xe9"


def test_a_file_whose_name_is_not_utf8_keeps_no_other_from_being_read(library: Path, tmp_path: Path) -> None:
    for name in (b"Br\xfccke.txt", b"Br\xfccke.djvu"):
        (library / os.fsdecode(name)).write_text("Arma")
    figures = bring_in(tmp_path / "documents", Source(path=str(library)))
    write_json(tmp_path / "figures.json", figures)
    assert (figures["documents"], figures["unreadable"]) == (7, 3)
    assert figures["skipped_files"] == [f"{library}/Br\\xfccke.djvu", f"{library}/e.djvu"]
    pieces = [json.loads(line) for line in (tmp_path / "documents" / "unreadable.jsonl").read_text().splitlines()]
    reason = "a file whose name is not UTF-8: rename it"
    assert {"where": f"{library}/Br\\xfccke.txt", "reason": reason, "content": ""} in pieces
    corpus = Corpus(sources=[Source(path=str(library))])
    assert [file.name for file in source_files(corpus)] == ["a.parquet", "b.jsonl", "c.txt", "d.txt"]


def test_a_document_without_an_identifier_is_named_by_its_file_and_place(library: Path, tmp_path: Path) -> None:
    bring_in(tmp_path / "documents", Source(path=str(library / "b.jsonl")))
    assert [d["identifier"] for d in documents(tmp_path / "documents")] == [
        f"{library / 'b.jsonl'}:1",
        f"{library / 'b.jsonl'}:2",
    ]


def test_a_text_that_is_null_is_an_empty_document(tmp_path: Path) -> None:
    pq.write_table(pa.table({"identifier": ["a", "b"], "text": [None, "Arma"]}), tmp_path / "a.parquet")
    figures = bring_in(tmp_path / "documents", Source(path=str(tmp_path / "a.parquet")))
    assert [d["text"] for d in documents(tmp_path / "documents")] == ["", "Arma"]
    assert figures["documents"] == 2


def test_the_sources_collection_fills_in_where_a_document_states_none(library: Path, tmp_path: Path) -> None:
    bring_in(tmp_path / "documents", Source(path=str(library / "a.parquet"), collection="Library"))
    assert [d["collection"] for d in documents(tmp_path / "documents")] == ["Library", "Old", "Old", "Old"]


@pytest.mark.parametrize("limit", range(1, 9))
def test_no_more_documents_come_in_than_the_source_allows(library: Path, tmp_path: Path, limit: int) -> None:
    bring_in(tmp_path / "all", Source(path=str(library)))
    figures = bring_in(tmp_path / "some", Source(path=str(library), documents=limit))
    assert documents(tmp_path / "some") == documents(tmp_path / "all")[:limit]
    assert figures["documents"] == min(limit, 7)


def test_a_limit_is_the_sources_own(library: Path, tmp_path: Path) -> None:
    bring_in(
        tmp_path / "documents",
        Source(path=str(library / "a.parquet"), documents=1),
        Source(path=str(library / "b.jsonl")),
    )
    assert [d["text"] for d in documents(tmp_path / "documents")] == ["Liber 0", "Arma", "cano"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            {"license": "free as in beer"},
            "corpus.sources[1].license: found 'free as in beer', expected an SPDX id or a known name of a licence",
        ),
        (
            {"columns": {"txt": "body"}},
            "corpus.sources[1].columns: found 'txt', which is no column of octavo's, expected one of identifier, collection",
        ),
        ({"path": "nowhere.txt"}, "nowhere.txt: found nothing there"),
    ],
)
def test_a_mistake_in_a_later_source_is_told_before_anything_is_read(
    library: Path, tmp_path: Path, source: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError) as caught:
        bring_in(tmp_path / "documents", Source(path=str(library)), Source(**{"path": str(library), **source}))
    assert str(caught.value).startswith(said)
    assert content(tmp_path / "documents") == {}


def test_no_document_at_all_is_refused_and_the_pieces_are_pointed_to(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"body": "Arma"}\n')
    with pytest.raises(
        InputError, match=r"found no document \(1 pieces could not be read, see .*unreadable.jsonl\)"
    ):
        bring_in(tmp_path / "documents", Source(path=str(tmp_path / "a.jsonl")))
    assert "found no text in 'text'" in (tmp_path / "documents" / "unreadable.jsonl").read_text()


@pytest.mark.parametrize("stopped_at", range(4))
def test_an_import_that_was_stopped_goes_on_to_the_same_bytes(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    monkeypatch.setattr(importing, "GROUP_FILES", 1)
    monkeypatch.setattr(importing, "in_processes", in_threads)  # they start faster
    bring_in(tmp_path / "unbroken", Source(path=str(library)))
    asked = iter(range(100))
    with pytest.raises(StoppedError):
        bring_in(
            tmp_path / "broken",
            Source(path=str(library)),
            progress=Progress(stopping=lambda: next(asked) == stopped_at),
        )
    done = len(list((tmp_path / "broken").glob("*.json")))
    assert done >= stopped_at
    assert done == 0 or stopped_at > 0
    bring_in(tmp_path / "broken", Source(path=str(library)))
    assert content(tmp_path / "broken") == content(tmp_path / "unbroken")


@pytest.mark.parametrize("part_bytes", [1, importing.PART_BYTES])
def test_an_import_that_was_killed_in_a_file_reads_that_file_anew(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int
) -> None:
    monkeypatch.setattr(importing, "PART_BYTES", part_bytes)
    monkeypatch.setattr(importing, "GROUP_FILES", 1)
    monkeypatch.setattr(importing, "in_processes", in_threads)  # others would not know of the patches
    home = tmp_path / "documents"
    bring_in(home, Source(path=str(library)))
    unbroken = content(home)
    (home / "000-000001.json").unlink()
    (home / "000-000001.parquet.partial").write_bytes(b"half of it")
    (home / "000-000001-0007.parquet").write_bytes(b"of an earlier attempt")
    (home / "unreadable.jsonl").unlink()
    bring_in(home, Source(path=str(library)))
    assert content(home) == unbroken


def test_how_files_are_grouped_changes_no_document(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = [bring_in(tmp_path / "together", Source(path=str(library)))]
    monkeypatch.setattr(importing, "GROUP_FILES", 2)
    figures.append(bring_in(tmp_path / "two", Source(path=str(library))))
    monkeypatch.setattr(importing, "GROUP_BYTES", 1)
    figures.append(bring_in(tmp_path / "alone", Source(path=str(library))))
    assert [len(list((tmp_path / n).glob("0*-0*.json"))) for n in ("together", "two", "alone")] == [1, 2, 4]
    assert documents(tmp_path / "together") == documents(tmp_path / "two") == documents(tmp_path / "alone")
    assert len({(tmp_path / n / "unreadable.jsonl").read_bytes() for n in ("together", "two", "alone")}) == 1
    assert figures[0] == figures[1] == figures[2]


def test_what_is_wrong_with_a_file_is_told_as_it_is_from_another_process(
    library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "GROUP_FILES", 1)
    (library / "e.parquet").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"e\.parquet: found a file that cannot be read .*, expected Parquet"):
        bring_in(tmp_path / "documents", Source(path=str(library)))


def test_a_file_that_breaks_off_leaves_no_half_part(tmp_path: Path) -> None:
    broken = pa.Array.from_buffers(
        pa.string(), 2, [None, pa.py_buffer(pa.array([0, 1, 2], pa.int32()).buffers()[1]), pa.py_buffer(b"a\xff")]
    )
    pq.write_table(pa.table({"text": broken}), tmp_path / "a.parquet", row_group_size=1)
    with pytest.raises(InputError, match="row 2: text: found bytes that are not UTF-8"):
        bring_in(tmp_path / "documents", Source(path=str(tmp_path / "a.parquet")))
    assert content(tmp_path / "documents") == {}


def test_the_size_of_the_parts_changes_no_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"identifier": f"b{n}", "text": f"Liber {n}"} for n in range(10)]
    source = Source(path=str(tmp_path / "a.parquet"))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet", row_group_size=3)
    bring_in(tmp_path / "one", source)
    monkeypatch.setattr(importing, "PART_BYTES", 1)
    bring_in(tmp_path / "many", source)
    assert len(list((tmp_path / "one").glob("*.parquet"))) == 1
    assert len(list((tmp_path / "many").glob("*.parquet"))) == 4
    assert documents(tmp_path / "many") == documents(tmp_path / "one")


def test_the_lineage_knows_the_local_files(library: Path) -> None:
    corpus = Corpus(sources=[Source(path=str(library)), Source(path="builtin:starter")])
    files = source_files(corpus)
    assert [f.name for f in files] == ["a.parquet", "b.jsonl", "c.txt", "d.txt", "starter.parquet"]
    assert all(f.is_file() for f in files)


class TestS3:
    """Against a server of the S3 protocol on this machine, found by AWS_ENDPOINT_URL as Arrow does."""

    @pytest.fixture(scope="class")
    def address(self) -> Iterator[str]:
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        yield "http://{}:{}".format(*server.get_host_and_port())
        server.stop()

    @pytest.fixture(autouse=True)
    def bucket(self, address: str, library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The library in a bucket called `shelf`."""
        for name, value in {
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "reader",
            "AWS_SECRET_ACCESS_KEY": "reader",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            monkeypatch.setenv(name, value)
        scheme, host = address.split("://")
        s3 = fs.S3FileSystem(endpoint_override=host, scheme=scheme, allow_bucket_creation=True)
        s3.create_dir("shelf")
        fs.copy_files(str(library), "shelf/old books", destination_filesystem=s3)

    @pytest.mark.parametrize("path", ["s3://shelf", "s3://shelf/old books", "s3://shelf/*/*"])
    def test_the_documents_are_those_of_the_same_files_here(self, library: Path, tmp_path: Path, path: str) -> None:
        here = bring_in(tmp_path / "here", Source(path=str(library)))
        there = bring_in(tmp_path / "there", Source(path=path))
        assert [d["text"] for d in documents(tmp_path / "there")] == [
            d["text"] for d in documents(tmp_path / "here")
        ]
        assert documents(tmp_path / "there")[0]["source"] == "s3://shelf/old books/a.parquet"
        assert there["skipped_files"] == ["s3://shelf/old books/e.djvu"]
        assert there["bytes"] == here["bytes"]

    @pytest.mark.parametrize("path", ["s3://shelf/none", "s3://shelf/*.none", "s3://nobody/books"])
    def test_nothing_there_is_said(self, tmp_path: Path, path: str) -> None:
        with pytest.raises(InputError, match=r"^s3://.*: (found nothing there|cannot be)"):
            bring_in(tmp_path / "documents", Source(path=path))

    def test_a_remote_file_is_no_local_one(self) -> None:
        assert source_files(Corpus(sources=[Source(path="s3://shelf")])) == []


IMPORT = """
import json, sys, time
from pathlib import Path
from octavo.corpus.importing import import_documents
from octavo.errors import InputError, OctavoError
from octavo.progress import Progress
from octavo.recipe.schema import Corpus, Source
from octavo.workers import in_threads

pause = time.sleep
time.sleep = lambda seconds: pause(min(seconds, 0.1))  # the hub's client waits up to 8 s before it tries again
try:
    print(json.dumps(import_documents(Corpus(sources=[Source(**json.loads(sys.argv[1]))]), Path(sys.argv[2]), Progress())))
except OctavoError as error:
    print(json.dumps(str(error)))
"""


class TestHub:
    """Against a small hub on this machine; huggingface_hub reads HF_ENDPOINT once, so a process a call."""

    @pytest.fixture(scope="class")
    def hub(self) -> Iterator[Hub]:
        random = Random(1789)
        texts = ["".join(random.choices("abcdefgh ", k=10_000)) for _ in range(4000)]
        table = pa.table({"identifier": [f"b{n}" for n in range(4000)], "text": texts})
        large = io.BytesIO()
        pq.write_table(table, large, row_group_size=2000)
        files = {
            "README.md": b"# Books",
            "data/a.parquet": large.getvalue(),
            "data/old/b.jsonl": b'{"text": "Arma"}\n{"text": "cano"}\n',
        }
        with serve(Hub("library/books", files)) as hub:
            yield hub

    def bring_in(self, hub: str, home: Path, **source: Any) -> Any:
        environment = os.environ | {"HF_ENDPOINT": hub, "HF_HOME": str(home.parent / "hf"), "HF_HUB_OFFLINE": "0"}
        environment.pop("HF_TOKEN", None)
        done = subprocess.run(
            [sys.executable, "-c", IMPORT, json.dumps(source), str(home)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def test_the_first_documents_of_a_large_file_fetch_a_bounded_part_of_it(self, hub: Hub, tmp_path: Path) -> None:
        before = hub.bytes_fetched
        figures = self.bring_in(
            hub.address, tmp_path / "documents", path="hf://datasets/library/books", documents=5
        )
        assert figures["documents"] == 5
        assert [d["identifier"] for d in documents(tmp_path / "documents")] == ["b0", "b1", "b2", "b3", "b4"]
        assert 0 < hub.bytes_fetched - before < len(hub.files["data/a.parquet"]) / 2

    @pytest.mark.parametrize("path", ["data/old", "data/old/b.jsonl", "*/*/*.jsonl", "*.jsonl"])
    def test_files_are_found_in_folders_and_by_globs(self, hub: Hub, tmp_path: Path, path: str) -> None:
        figures = self.bring_in(hub.address, tmp_path / "documents", path=f"hf://datasets/library/books/{path}")
        assert [d["text"] for d in documents(tmp_path / "documents")] == ["Arma", "cano"]
        assert documents(tmp_path / "documents")[0]["source"] == "hf://datasets/library/books/data/old/b.jsonl"
        assert figures["files"] == 1

    def test_files_that_no_reader_takes_are_listed(self, hub: Hub, tmp_path: Path) -> None:
        figures = self.bring_in(
            hub.address, tmp_path / "documents", path="hf://datasets/library/books", documents=1
        )
        assert figures["skipped_files"] == ["hf://datasets/library/books/README.md"]

    @pytest.mark.parametrize(
        ("path", "said"),
        [
            ("hf://datasets/library/none", "found nothing there"),
            ("hf://datasets/library/books/none", "found nothing there"),
            ("hf://datasets/library", "cannot be listed: "),
        ],
    )
    def test_nothing_there_is_said(self, hub: Hub, tmp_path: Path, path: str, said: str) -> None:
        assert self.bring_in(hub.address, tmp_path / "documents", path=path).startswith(f"{path}: {said}")

    def test_a_hub_that_hangs_up_in_the_middle_of_a_file_is_said_and_the_next_call_goes_on(
        self, hub: Hub, tmp_path: Path
    ) -> None:
        source = {"path": "hf://datasets/library/books/data/a.parquet", "documents": 3000}
        hub.broken = True
        said = self.bring_in(hub.address, tmp_path / "documents", **source)
        assert said.startswith(f"{source['path']}: could not be read to its end"), said
        hub.broken = False
        assert self.bring_in(hub.address, tmp_path / "documents", **source)["documents"] == 3000

    def test_a_hub_that_does_not_answer_is_said(self, tmp_path: Path) -> None:
        with serve(Hub("library/books", {})) as hub:
            gone = hub.address
        path = "hf://datasets/library/books"
        assert self.bring_in(gone, tmp_path / "documents", path=path).startswith(f"{path}: cannot be listed: ")
