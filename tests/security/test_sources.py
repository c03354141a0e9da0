"""Sources, settings and runs of others end in one clear message, and soon, whatever stands in them."""

import contextlib
import os
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import fs

from octavo.corpus.locations import Location, expand
from octavo.corpus.readers import parquet, pdf
from octavo.curation.opt_outs import judge
from octavo.errors import InputError, OctavoError
from octavo.evaluation.sources import read_sources
from octavo.lineage import write_atomically
from octavo.recipe.file import load
from octavo.recipe.opt_outs import OptOuts
from octavo.recipe.schema import Source
from octavo.tracing.finding import Wanted, find_documents
from octavo.training.data import open_data
from octavo.training.nanotron.importing import read as read_nanotron
from octavo.training.parallel import training_device

NANOTRON = """\
general: {run: x}
model:
  model_config: {is_llama_config: true, hidden_size: 64, num_hidden_layers: 2, num_attention_heads: 2,
    intermediate_size: 128, max_position_embeddings: 64, vocab_size: 512}
tokens: {train_steps: 10, sequence_length: 64, micro_batch_size: 2, batch_accumulation_per_replica: 1}
parallelism: {dp: 1}
optimizer: {learning_rate_scheduler: {learning_rate: 0.001, lr_warmup_steps: 1}}
"""
ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 28))
MERGES = "b0: &b0 {x: 1}\n" + "".join(f"b{n}: &b{n} {{<<: [*b{n - 1}, *b{n - 1}]}}\n" for n in range(1, 28))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("run: x", "run: *a27", "found over 100,000 values"),
        ("hidden_size: 64", "hidden_size: 64, rope_scaling: *a27", "found over 100,000 values"),
        ("run: x", "? *a27 : 1", "found over 100,000 values"),
        ("run: x", "run: *b27", "found over 100,000 values"),
        ("run: x", "run: &r {a: *r}", "found over 100,000 values"),
        ("steps: 10", "steps: 0x" + "f" * 5000, "found a whole number of over 64 bits"),
        ("rate: 0.001", "rate: 1" + "0" * 400, "found a whole number of over 64 bits"),
        ("rate: 0.001", "rate: " + "1:" * 2000 + "1.5", "not valid YAML"),
        ("steps: 10", "steps: !!timestamp x", "not valid YAML"),
    ],
)
def test_nanotrons_settings_of_any_kind_are_refused_in_a_line(before, after, said, tmp_path):
    file = tmp_path / "config.yaml"
    file.write_text(NANOTRON)
    assert read_nanotron(file).recipe.training.tokens == 1280
    assert NANOTRON.count(before) == 1
    changed = NANOTRON.replace(before, after)
    file.write_text(ALIASES + MERGES + changed if "27" in after else changed)
    with pytest.raises(InputError, match=said) as raised:
        read_nanotron(file)
    assert "\n" not in str(raised.value)


def test_a_warm_up_that_is_longer_than_the_training_is_no_fault_of_ours(tmp_path):
    (tmp_path / "config.yaml").write_text(NANOTRON.replace("warmup_steps: 1", "warmup_steps: 99"))
    assert read_nanotron(tmp_path / "config.yaml").recipe.training.schedule.warmup_steps == 99


def test_a_tokenizers_name_that_no_file_can_have_is_no_file(tmp_path):
    (tmp_path / "config.yaml").write_text(f"{NANOTRON}tokenizer: {{tokenizer_name_or_path: {'a' * 5000}}}\n")
    assert "tokenizer.path" not in [row.words for row in read_nanotron(tmp_path / "config.yaml").rows]


@pytest.mark.parametrize("entry", ["x*" + "y" * 4094, "*a" * 2048, "?" * 4095 + "a", "x" * 4096])
def test_the_longest_entry_of_an_opt_out_list_is_looked_for_and_a_longer_one_refused(entry):
    names = ("identifier", "creator", "source", "collection", "source_url", "text", "content_hash")
    documents = pa.table({name: ["a" * 4096] for name in names})
    judge(documents, Source(path="x"), OptOuts(url_patterns=[entry], sources=[entry]))
    with pytest.raises(ValueError, match="expected at most 4,096 characters"):
        OptOuts(url_patterns=[entry + "y"])


def test_links_that_go_round_are_followed_once(tmp_path):
    (tmp_path / "books").mkdir()
    (tmp_path / "books" / "x.txt").write_text("x")
    for name in ("a", "b", "c"):
        (tmp_path / "books" / name).symlink_to("..")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "y.txt").write_text("y")
    (tmp_path / "books" / "z").symlink_to("../elsewhere")
    found = [place.name.removeprefix(f"{tmp_path}/") for place in expand(str(tmp_path / "books"))[0]]
    assert found == ["books/a/elsewhere/y.txt", "books/x.txt"]


@pytest.mark.parametrize("path", ["~no-such-person/x", "x" * 5000, "a\0b", "hdfs2://x/y"])
def test_places_that_cannot_be_are_refused(path):
    with pytest.raises(InputError, match=r"found nothing there|cannot be (listed|opened)"):
        expand(path)


def read_parquet(file) -> None:
    for table in parquet.read(Location("x", "parquet", fs.LocalFileSystem(), str(file)), Source(path="x")):
        table.validate(full=True)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_damaged_parquet_is_read_or_refused(tmp_path, data):
    texts = pa.table({"identifier": [str(n) for n in range(20)], "text": ["some words"] * 20})
    pq.write_table(texts, tmp_path / "x.parquet", compression="snappy")
    content = bytearray((tmp_path / "x.parquet").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "x.parquet").write_bytes(content)
    with contextlib.suppress(OctavoError):
        read_parquet(tmp_path / "x.parquet")


def test_parquet_of_columns_that_no_document_has_is_refused(tmp_path):
    twice = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    far = pa.table({"text": ["a"], "token_count": pa.array([2**60], pa.date64())})
    unnamed = pa.table({"text": ["a"], "qqqq": ["b"]})
    for table, said in (
        (twice, "found 2 columns 'text', expected one"),
        (far, "cannot be read"),
        (unnamed, "cannot be read"),
    ):
        pq.write_table(table, tmp_path / "x.parquet", store_schema=False)
        content = (tmp_path / "x.parquet").read_bytes()
        (tmp_path / "x.parquet").write_bytes(content.replace(b"qqqq", b"\xff\xfe\xe1\x00"))
        with pytest.raises(InputError, match=said):
            read_parquet(tmp_path / "x.parquet")


HARMS = ("empty", "cut", "other columns", "other kinds")
DAMAGE = [(file, harm) for file in ("ledger.parquet", "kept/a.parquet") for harm in HARMS]


@pytest.mark.parametrize(("file", "harm"), [*DAMAGE, ("ledger.parquet", "gone")])
def test_a_given_run_whose_parquet_is_damaged_is_refused(file, harm, tmp_path):
    ledger = {name: ["x"] for name in ("identifier", "fate", "rule", "spdx", "content_hash_in", "content_hash_out")}
    kept = {
        "identifier": ["x"],
        "title": ["t"],
        "creator": ["c"],
        "split": ["train"],
        "repeats": [1],
        "text": ["x y"],
    }
    (tmp_path / "kept").mkdir()
    (tmp_path / "report.json").write_text("{}")
    pq.write_table(pa.table(ledger), tmp_path / "ledger.parquet")
    pq.write_table(pa.table(kept), tmp_path / "kept" / "a.parquet")
    wanted = Wanted(identifiers=("x",), creator="c", text="x y", licence="MIT")
    assert [found.identifier for found in find_documents(tmp_path, wanted)] == ["x"]
    place = tmp_path / file
    if harm in ("empty", "cut"):
        place.write_bytes(place.read_bytes()[: 0 if harm == "empty" else -20])
    elif harm == "gone":
        place.unlink()
    else:
        names = kept if file.startswith("kept") else ledger
        pq.write_table(pa.table({"a": [1]} if harm == "other columns" else {name: [1] for name in names}), place)
    with pytest.raises(OctavoError, match=f"{tmp_path}.*(cannot be read|changed by hand)") as raised:
        find_documents(tmp_path, wanted)
    assert "\n" not in str(raised.value)


def test_nothing_is_written_through_a_link_in_a_run(tmp_path):
    (tmp_path / "own").write_text("precious")
    for name in ("stage.json", "stage.json.partial"):
        (tmp_path / name).symlink_to(tmp_path / "own")
    write_atomically(tmp_path / "stage.json", b"{}")
    assert (tmp_path / "own").read_text() == "precious"
    assert (tmp_path / "stage.json").read_text() == "{}"
    assert not os.path.islink(tmp_path / "stage.json")


def book(pages: int) -> bytes:
    """A PDF whose pages all show the same content."""
    shown = b"BT /F 10 Tf 50 700 Td (Some words of a page) Tj ET"
    kids = b" ".join(b"%d 0 R" % (5 + page) for page in range(pages))
    page = b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 3 0 R>>>>>>"
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Count %d/Kids[%s]>>" % (pages, kids),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Length %d>>\nstream\n%s\nendstream" % (len(shown), shown),
        *[page] * pages,
    ]
    content, places = b"%PDF-1.7\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    content += b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, table)
    return content + b"trailer <</Size %d /Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (
        len(objects) + 1,
        content.find(b"xref"),
    )


def test_a_pdf_that_shows_the_same_content_without_end_is_set_aside(tmp_path, monkeypatch):
    (tmp_path / "x.pdf").write_bytes(book(12))
    place = Location("x.pdf", "pdf", fs.LocalFileSystem(), str(tmp_path / "x.pdf"))
    assert isinstance(next(iter(pdf.read(place, Source(path="x")))), pa.Table)
    monkeypatch.setattr(pdf, "DOCUMENT_CHARACTERS", 200)
    (aside,) = pdf.read(place, Source(path="x"))
    assert aside.reason == "a PDF of over 200 characters"


@pytest.mark.parametrize("number", ["", "x", "-1", "2", "²", "9" * 5000])
def test_a_local_rank_that_no_gpu_has_is_refused(monkeypatch, number):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", number)
    with pytest.raises(InputError, match="expected a number from 0 to 1"):
        training_device()


@pytest.mark.parametrize("damage", ["gone", "cut", "columns", "rows"])
def test_a_runs_documents_that_cannot_be_read_are_told_where_sources_are_looked_up(small_run, tmp_path, damage):
    data = open_data(load(small_run / "recipe.yaml"), small_run / "tokens")
    kept = shutil.copytree(small_run / "corpus" / "kept", tmp_path / "kept")
    assert read_sources(data, kept, [0, 5000])[0].identifier.startswith("starter/")
    for file in kept.glob("*.parquet"):
        table = pq.read_table(file)
        if damage == "gone":
            file.unlink()
        elif damage == "cut":
            file.write_bytes(file.read_bytes()[:100])
        else:
            pq.write_table(table.drop(["title"]) if damage == "columns" else table.slice(0, 0), file)
    with pytest.raises(InputError, match="expected documents of the run"):
        read_sources(data, kept, [0, 5000])
