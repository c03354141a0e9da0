"""A text is traced to the documents that a run was trained on."""

import io
import json
import random
import re
import shutil
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from rich.console import Console
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.errors import InputError
from octavo.lineage import read_record, write_record
from octavo.progress import Progress, StoppedError
from octavo.road import run_road
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.index import training_documents
from octavo.tokenization.shards import open_shards, write_shard
from octavo.tracing.index.building import Entries, build_index, plan_parts
from octavo.tracing.index.reading import open_index
from octavo.tracing.trace import LEAST_WORDS, OVERLAP, SPANS, Source, Span, Traced, trace
from octavo.tracing.underlining import print_traced
from tests.conftest import quiet_reporter, small_recipe

WORD = re.compile(r"[^\W_]+")


@pytest.fixture(scope="module")
def traced_run(small_run, tmp_path_factory):
    """The small run's tokens and corpus, with the index over them, in parts so small that there are several."""
    run = tmp_path_factory.mktemp("traced") / "run"
    for name in ("tokenizer", "tokens", "corpus"):
        shutil.copytree(small_run / name, run / name)
    figures = build_index(small_recipe(trace={"part_megabytes": 1}), run, run / "trace", Progress())
    assert figures["parts"] == 1
    return run


@pytest.fixture(scope="module")
def index(traced_run):
    return open_index(traced_run)


@pytest.fixture(scope="module")
def trained_on(traced_run):
    """The documents that were trained on, by their identifiers."""
    documents = {}
    for part in sorted((traced_run / "corpus" / "kept").glob("*.parquet")):
        table = pq.read_table(part)
        for row in table.take(np.unique(training_documents(table))).to_pylist():
            documents[row["identifier"]] = row
    return documents


def spans_in(traced):
    return [(span.start, span.end, span.count) for span in sorted(traced.spans, key=lambda span: span.start)]


def plain(text):
    return re.sub(r"\s+", " ", text.strip())


def count_of(stretch, texts):
    pattern = re.compile(rf"(?<![^\W_])(?={re.escape(plain(stretch))}(?![^\W_]))")
    return sum(len(pattern.findall(text)) for text in texts)


def test_passages_of_real_documents_are_found_with_their_documents(index, trained_on):
    draw = random.Random(7)
    texts = [plain(document["text"]) for document in trained_on.values()]
    for identifier, document in draw.sample(sorted(trained_on.items()), 40):
        words = [match.span() for match in WORD.finditer(document["text"])]
        first = draw.randrange(max(1, len(words) - 30))
        start, end = words[first][0], words[min(first + 30, len(words)) - 1][1]
        passage = document["text"][start:end]
        found = trace(index, f"Quux blorp {passage} blorp quux.")
        (span,) = [span for span in found.spans if span.start == 11]
        assert (span.end, span.text) == (11 + len(passage), passage)
        assert found.spans == [span]  # which is maximal: nothing within it is told again
        assert span.count == count_of(passage, texts)
        assert span.words == found.covered == found.longest
        named = {source.identifier: source for source in span.documents}
        source = named[identifier]
        assert plain(source.passage) == plain(passage)
        around = plain(source.before + source.passage + source.after)
        assert around in plain(document["text"])
        assert len(source.before.encode()) <= 240
        for ours, theirs in {
            "title": "title",
            "creator": "creator",
            "licence": "spdx",
            "url": "source_url",
        }.items():
            assert getattr(source, ours) == document[theirs]


def test_spans_are_all_and_only_the_maximal_ones_of_a_scan(index, trained_on):
    draw = random.Random(11)
    texts = [plain(document["text"]) for document in trained_on.values()]
    everything = "\0".join(texts)
    for _ in range(8):
        pieces = []
        for document in draw.choices(list(trained_on.values()), k=6):
            words = document["text"].split()
            at = draw.randrange(len(words))
            pieces.append(" ".join(words[at : at + draw.randrange(1, 9)]))
        asked = plain(" ".join(pieces))
        words = [match.span() for match in WORD.finditer(asked)]
        spans, reached = [], 0
        for first in range(len(words)):
            last = first
            while last < len(words) and (
                asked[words[first][0] : words[last][1]] in everything
                and count_of(asked[words[first][0] : words[last][1]], texts)
            ):
                last += 1
            if last > reached:
                reached = last
                if last - first >= LEAST_WORDS:
                    spans.append((words[first][0], words[last - 1][1]))
        found = trace(index, asked)
        told = {(span.start, span.end) for span in found.spans}
        assert told <= set(spans)
        bits = {(span.start, span.end): span.rarity for span in found.spans}
        assert all(rarity >= np.log2(index.words) + 20 - 0.1 for rarity in bits.values())
        assert [span.rarity for span in found.spans] == sorted(bits.values(), reverse=True)
        # What is left out is of words so common that chance would make it.
        for start, end in set(spans) - told:
            counts = [count_of(word, texts) for word in WORD.findall(asked[start:end])]
            assert sum(np.log2(index.words / count) for count in counts) < np.log2(index.words) + 20 + 0.1


def test_of_a_text_that_is_not_there_nothing_is_told(index):
    found = trace(index, "Zyx wvut srq ponm lkj ihg fedd cbaa.")
    assert (found.spans, found.covered, found.longest, found.words) == ([], 0, 0, 8)
    for empty in ("", " \n", "… — ?!", "\ud800"):
        assert trace(index, empty).spans == []


def test_line_breaks_and_composed_characters_make_no_difference(index, trained_on):
    import unicodedata

    document = next(d for d in trained_on.values() if d["lang"] == "fr" and "é" in d["text"][:200])
    passage = " ".join(document["text"].split()[:25])
    apart = unicodedata.normalize("NFD", passage.replace(" ", "\n  ", 3).replace(" ", "\t", 5))
    assert apart != passage
    found = trace(index, f"😀 {apart}")
    assert found.spans[0].documents[0].identifier == document["identifier"]
    assert unicodedata.normalize("NFC", found.spans[0].text) == unicodedata.normalize("NFC", apart).rstrip(
        ".,;:!?»"
    )
    assert found.spans[0].start == 2


def test_a_document_that_is_taken_several_times_is_indexed_once(small_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(small_run / "tokenizer", run / "tokenizer")
    shutil.copytree(small_run / "corpus", run / "corpus")
    part = next((run / "corpus" / "kept").glob("*.parquet"))
    table = pq.read_table(part)
    often = table.set_column(
        table.column_names.index("repeats"), "repeats", [np.where(np.arange(len(table)) % 2, 3, 1).astype(np.int32)]
    )
    pq.write_table(often.cast(table.schema), part)
    from octavo.tokenization.encode import tokenize

    tokenize(small_recipe(), run / "corpus", run / "tokenizer", run / "tokens", Progress())
    figures = build_index(small_recipe(), run, run / "trace", Progress())
    assert figures["documents"] == len(np.unique(training_documents(table)))


@pytest.fixture
def indexed(small_run, tmp_path):
    """Makes an index of texts, in token files that no corpus lies beside."""

    def index_them(texts, dtype="<u2"):
        run, given = tmp_path / "run", tmp_path / "given"
        shutil.copytree(small_run / "tokenizer", run / "tokenizer")
        given.mkdir()
        tokenizer = load_tokenizer(run / "tokenizer" / "tokenizer.json")
        tokens = [np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype) for text in texts]
        write_shard(given / "00000.ds", iter([tokens]), np.dtype(dtype), "tokenizer")
        recipe = small_recipe(
            corpus={"sources": []},
            tokenizer={"path": str(run / "tokenizer" / "tokenizer.json")},
            training={"data": [{"first_step": 1, "weights": {str(given): 1.0}}]},
        )
        build_index(recipe, run, run / "trace", Progress())
        return open_index(run)

    return index_them


@pytest.mark.parametrize("dtype", ["<u2", "<u4"])
def test_given_token_files_are_indexed_by_their_names_where_no_more_is_known(indexed, dtype):
    texts = ["The quick brown fox jumps over the lazy dog.", "", "A second document of some few words."]
    (span,) = trace(indexed(texts, dtype), "Look: quick brown fox jumps over the lazy cat").spans
    assert span.text == "quick brown fox jumps over the lazy"
    (source,) = span.documents
    assert source.identifier == "00000.ds#0"
    assert source.title is source.licence is None
    assert (source.before, source.after) == ("The ", " dog.")


def test_passages_are_told_of_texts_without_spaces_too(indexed):
    before, passage, after = "春眠不觉晓" * 40, "白日依山尽黄河入海流欲穷千里目", "更上一层楼" * 40
    (span,) = trace(indexed([f"{before}{passage}{after}"]), passage).spans
    (source,) = span.documents
    assert (source.before, source.passage, source.after) == (before[-80:], passage, after[:80])


def test_of_a_text_that_is_made_of_overlaps_not_all_are_told(indexed):
    others = " ".join(f"word{n}" for n in range(2000))
    index = indexed([others, *("zyx " * 200 + f"end{n}" for n in range(3))])
    found = trace(index, "zyx " * 5000)
    assert (found.longest, found.covered) == (200, 5000)
    assert 0 < len(found.spans) <= SPANS
    assert sum(span.words for span in found.spans) <= OVERLAP * found.words


@pytest.mark.filterwarnings("error")
def test_a_corpus_without_a_word_has_nothing_of_any_text(indexed):
    index = indexed(["", "… — ?!", " "])
    assert (index.documents, index.words) == (3, 0)
    assert trace(index, "Some words of a text that is not there.").longest == 0


def test_a_document_that_is_longer_than_a_part_is_alone_in_one(tmp_path):
    sizes = [3, 3, 50, 3, 3, 3, 60, 70, 3]
    write_shard(tmp_path / "0.ds", iter([[np.zeros(size, np.uint16) for size in sizes]]), np.dtype("<u2"), "t")
    entries = Entries(np.frombuffer(b"a", np.uint8), np.array([0, 1]))
    parts = list(plan_parts(open_shards(tmp_path), entries, 12, Progress()))
    assert [part[0].documents.tolist() for part in parts] == [[0, 1], [2], [3, 4, 5], [6], [7], [8]]
    assert [part[0].bytes for part in parts] == [8, 51, 12, 61, 71, 4]


def test_parts_of_another_recipe_are_not_taken(small_run, tmp_path):
    run = shutil.copytree(small_run, tmp_path / "run", copy_function=shutil.copy2)
    record = read_record(run / "trace")
    record.done = False
    write_record(run / "trace", record)
    (run / "trace" / "part-00000" / "text.bin").write_bytes(b"of another index")
    said = []
    run_road(small_recipe(trace={"part_megabytes": 7}), run, "trace", quiet_reporter(said))
    assert (
        "trace: again, because trace.part_megabytes changed from 256 to 7; "
        f"what was there is kept in {run}/superseded/trace-1"
    ) in said
    assert open_index(run).documents == open_index(small_run).documents


def test_documents_of_given_token_files_are_known_from_the_run_beside_them(small_run, trained_on, tmp_path):
    from octavo.stage_inputs import traced_files

    recipe = small_recipe(
        corpus={"sources": []},
        tokenizer={"path": str(small_run / "tokenizer" / "tokenizer.json")},
        training={"data": [{"first_step": 1, "weights": {str(small_run / "tokens"): 1.0}}]},
    )
    run = tmp_path / "run"
    shutil.copytree(small_run / "tokenizer", run / "tokenizer")
    build_index(recipe, run, run / "trace", Progress())
    document = trained_on["starter/en/01-the-ferrymans-penny"]
    (span,) = trace(open_index(run), " ".join(document["text"].split()[10:30])).spans
    assert (span.documents[0].title, span.documents[0].licence) == (document["title"], document["spdx"])
    # What is told of documents is hashed as what they say is.
    assert set((small_run / "corpus" / "kept").glob("*.parquet")) <= set(traced_files(recipe, run))


def test_an_index_that_was_stopped_goes_on_to_the_same_bytes(small_run, trained_on, tmp_path, monkeypatch):
    # Parts of a megabyte would hold all of it.
    monkeypatch.setattr("octavo.tracing.index.building.MEGABYTE", 60_000)
    recipe = small_recipe(trace={"part_megabytes": 1})
    whole = build_index(recipe, small_run, tmp_path / "whole", Progress())
    assert whole["parts"] > 3
    halves = Progress(stopping=lambda: len(list((tmp_path / "halves").glob("part-*"))) == 2)
    with pytest.raises(StoppedError):
        build_index(recipe, small_run, tmp_path / "halves", halves)
    assert len(list((tmp_path / "halves").glob("part-*"))) == 2
    assert build_index(recipe, small_run, tmp_path / "halves", Progress()) == whole
    for file in sorted(tmp_path.glob("whole/**/*.*")):
        if file.is_file():
            assert file.read_bytes() == (tmp_path / "halves" / file.relative_to(tmp_path / "whole")).read_bytes()
    several, one = open_index(tmp_path / "whole"), open_index(small_run)
    assert (len(several.parts), len(one.parts)) == (whole["parts"], 1)
    for document in trained_on.values():
        asked = " ".join(document["text"].split()[4:60])
        assert spans_in(trace(several, asked)) == spans_in(trace(one, asked)) != []


def test_indexes_made_apart_are_opened_together(traced_run, index, trained_on, tmp_path):
    for name in ("one", "two"):
        shutil.copytree(traced_run / "trace", tmp_path / name)
    both = open_index(tmp_path)
    assert (both.documents, both.words) == (2 * index.documents, 2 * index.words)
    passage = " ".join(next(iter(trained_on.values()))["text"].split()[:20])
    (span,), (twice,) = trace(index, passage).spans, trace(both, passage).spans
    assert twice.count == 2 * span.count


def test_an_index_of_tokens_that_a_run_no_longer_has_is_no_longer_the_runs(small_run, tmp_path):
    run = tmp_path / "run"
    for name in ("tokens", "trace"):
        shutil.copytree(small_run / name, run / name)
    assert open_index(run).documents
    record = read_record(run / "tokens")
    name = next(name for name in record.outputs if name.startswith("tokens/"))
    record.outputs[name].blake3 = "0" * 64
    write_record(run / "tokens", record)
    with pytest.raises(InputError, match="index of token files that the run no longer has"):
        open_index(run)
    assert open_index(run / "trace").documents


def test_what_is_no_index_or_not_whole_is_refused(traced_run, tmp_path):
    with pytest.raises(InputError, match=r"found no trace index, expected one; octavo run RECIPE --until trace"):
        open_index(tmp_path)
    broken = tmp_path / "trace"
    shutil.copytree(traced_run / "trace", broken)
    suffixes = broken / "part-00000" / "suffixes.bin"
    whole = suffixes.read_bytes()
    suffixes.write_bytes(whole[:-4])
    with pytest.raises(InputError, match=rf"suffixes.bin: found {len(whole) - 4} bytes, expected {len(whole)}"):
        open_index(tmp_path)
    suffixes.unlink()
    with pytest.raises(InputError, match=r"suffixes.bin: no such file"):
        open_index(tmp_path)
    suffixes.write_bytes(whole)
    (broken / "index.json").write_text('{"parts": [{"name": "part-00000"}]}')
    with pytest.raises(InputError, match=r"index.json: parts.0.bytes: Field required"):
        open_index(tmp_path)


def test_the_command_tells_spans_and_documents(traced_run, trained_on):
    document = trained_on["starter/en/01-the-ferrymans-penny"]
    passage = " ".join(document["text"].split()[10:25])

    def octavo(*arguments, **more):
        return subprocess.run(
            [sys.executable, "-m", "octavo", "trace", *arguments], capture_output=True, text=True, **more
        )

    told = octavo(str(traced_run), passage)
    assert told.returncode == 0
    assert document["title"] in told.stdout
    assert document["spdx"] in told.stdout
    answer = json.loads(octavo(str(traced_run), "-", "--json", input=passage).stdout)
    assert answer["spans"][0]["documents"][0]["identifier"] == "starter/en/01-the-ferrymans-penny"
    assert set(answer) == {"text", "words", "covered", "longest", "corpus", "spans"}
    nothing = octavo(str(traced_run), "Zyx wvut srq ponm")
    assert "Nothing of this stands word for word in the corpus" in nothing.stdout
    wrong = octavo(str(traced_run / "tokens"), "text")
    assert wrong.returncode == 2
    assert "found no trace index" in wrong.stderr


@pytest.mark.parametrize(("text", "name"), [("-", "standard input"), ("caf\udce9", "TEXT")])
def test_a_text_that_is_no_utf_8_is_refused(traced_run, text, name):
    told = CliRunner().invoke(app, ["trace", str(traced_run), text], input=b"caf\xe9")
    assert isinstance(told.exception, InputError)
    assert str(told.exception) == f"{name}: found no UTF-8 at byte 3, expected a text in UTF-8"


def test_what_is_underlined_is_the_span_whatever_stands_before_it():
    text = "a\x0cb\r\n[c] the rain in Spain falls"
    source = Source("id", "A \x1b[31mtitle", *[None] * 6, "http://x", "", "the rain", "")
    span = Span(9, 26, text[9:26], 4, 1, 60.0, [source])
    file = io.StringIO()
    print_traced(Console(file=file, highlight=False, force_terminal=True), Traced(text, 7, 4, 4, 1, 9, [span]))
    assert "\x1b[4mthe rain in Spain\x1b[0m falls" in file.getvalue()
    assert "A  [31mtitle" in file.getvalue()
