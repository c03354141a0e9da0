"""`import octavo`: what a program has of it, and that it is what the command line does."""

import gc
import importlib.util
import json
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import daft
import pandas
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import octavo
from octavo.cli.app import app
from octavo.recipe.curation import Curation
from octavo.road import stage_states

PROMPTS = ["The old keeper", "Erat olim", "Es war"]
LETTER = (
    "My dear friend, the ferry was late again, and by the time I reached the island the keeper had gone to bed. "
    "He left a lamp in the window for me, with bread and cheese, and a note about the weather."
)


def command(*arguments):
    """The answer of a command of octavo, as JSON."""
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    return json.loads(done.stdout)


class TestTheNames:
    def test_importing_octavo_imports_nothing_heavy(self):
        code = (
            "import sys, octavo; dir(octavo); octavo.InputError, octavo.__version__; "
            "print([m for m in ('torch', 'daft', 'pyarrow', 'pydantic', 'numpy') if m in sys.modules])"
        )
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"

    def test_every_name_is_there_and_shown(self):
        assert octavo.__all__ == sorted(octavo.__all__)
        assert set(octavo.__all__) < set(dir(octavo))
        for name in octavo.__all__:
            assert getattr(octavo, name).__doc__
        with pytest.raises(AttributeError, match="module 'octavo' has no attribute 'lode'"):
            octavo.lode  # noqa: B018

    @pytest.mark.parametrize("name", octavo.__all__)
    def test_no_module_has_a_name_of_them_so_that_its_import_hides_none(self, name):
        assert importlib.util.find_spec(f"octavo.{name}") is None

    def test_a_type_checker_sees_the_types(self, tmp_path):
        """In a program of someone else's, under mypy --strict; octavo's own modules are checked elsewhere."""
        program = tmp_path / "program.py"
        program.write_text(
            f"from octavo import {', '.join(octavo.__all__)}\n"
            """
def good(table: Curated) -> list[str | None]:
    made: Run = run({"name": "mine"}, until="training", settings={"seed": 1})
    with load(made.directory, engine="torch") as model:
        one: Written = model.generate("a", max_tokens=3, temperature=0, stop=["b"])
        several: list[Written] = model.generate(["a", "b"], seed=1)
        finish: str = one.finish
        pieces: list[Piece] = [piece for piece in model.stream("a")]
        traced: Traced = model.trace("a")
    recipe: Recipe = read_recipe("recipe.yaml")
    curate(table.kept, license="CC0-1.0", curation=recipe.curation)
    return [document.licence for span in traced.spans for document in span.documents]

run("recipe.yaml", until="trainin")
load("runs/mine", engine="llama")
load(3)
load("runs/mine").generate("a", max_token=3)
curate([1])
"""
        )
        # The names' own modules, and nothing of the libraries that these are made with: else it takes a minute.
        homes = (
            "octavo,octavo.api.*,octavo.errors,octavo.recipe.schema,octavo.stage_names,octavo.modeling.decoding,"
        )
        homes += "octavo.tracing.trace,octavo.inference.engine"
        settings = tmp_path / "mypy.ini"
        sections = "".join(f"[mypy-{home}]\nfollow_imports = normal\n" for home in homes.split(","))
        settings.write_text(f"[mypy]\nstrict = True\nfollow_imports = skip\n{sections}")
        asked = ["--config-file", settings, "--cache-dir", tmp_path / "cache", "--no-error-summary", program]
        found = subprocess.run([sys.executable, "-m", "mypy", *asked], capture_output=True, text=True)
        assert found.stderr == ""
        wrong = [line.split(": ", 2) for line in found.stdout.splitlines() if ": error: " in line]
        begun = len(program.read_text().splitlines()) - 5
        assert sorted({int(place.rpartition(":")[2]) for place, _, _ in wrong}) == [begun + n for n in range(1, 6)]
        assert 'did you mean "max_tokens"?' in found.stdout


class TestAModel:
    @pytest.fixture(scope="class")
    def model(self, small_run):
        with octavo.load(small_run) as model:
            yield model

    @pytest.mark.parametrize("engine", ["auto", "torch"])
    def test_it_writes_what_the_command_writes(self, engine, small_run):
        settings = {"max_tokens": 12, "repetition_penalty": 1.2, "temperature": 0.8, "top_k": 40, "seed": 3}
        options = [text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", value)]
        told = command("generate", small_run, PROMPTS[0], "--engine", engine, *options)
        with octavo.load(str(small_run), engine=engine) as model:
            written = model.generate(PROMPTS[0], **settings)
            assert (written.text, written.finish, model.engine) == (
                told["continuation"],
                told["finish"],
                told["engine"],
            )
            assert written.tokens == 12

    def test_a_release_and_a_gguf_file_are_models_too(self, small_run, model):
        expected = model.generate(PROMPTS[0], max_tokens=8)
        for path in (small_run / "release", small_run / "release/gguf/small-BF16.gguf"):
            with octavo.load(path) as other:
                assert other.generate(PROMPTS[0], max_tokens=8) == expected

    def test_what_is_not_said_is_the_models_own(self, small_run, tmp_path):
        release = tmp_path / "release"
        shutil.copytree(small_run / "release", release)
        stated = {"do_sample": False, "repetition_penalty": 1.9}
        (release / "generation_config.json").write_text(json.dumps(stated))
        with octavo.load(release) as model:
            own = model.generate(PROMPTS[0], max_tokens=24)
            assert own == model.generate(PROMPTS[0], max_tokens=24, repetition_penalty=1.9)
            assert own != model.generate(PROMPTS[0], max_tokens=24, repetition_penalty=1.0)

    def test_several_prompts_are_continued_each_as_alone(self, model, small_run):
        alone = [model.generate(prompt, max_tokens=12) for prompt in PROMPTS]
        assert model.generate(PROMPTS, max_tokens=12) == alone
        with octavo.load(small_run, slots=3) as beside:
            assert beside.generate(PROMPTS, max_tokens=12) == alone
        assert model.generate([]) == []

    def test_a_stream_gives_the_text_and_at_its_end_why_it_ended(self, model):
        def consumed():
            ended = yield from model.stream(PROMPTS[0], max_tokens=12)
            finishes.append(ended)

        finishes = []
        pieces = list(consumed())
        assert ("".join(piece.text for piece in pieces), len(pieces), *finishes) == (
            model.generate(PROMPTS[0], max_tokens=12)
        )

    @pytest.mark.parametrize("many", [False, True])
    def test_a_text_ends_before_a_stop_string(self, many, model):
        text = model.generate(PROMPTS[0], max_tokens=30).text
        stop = text[6:9]
        written = model.generate(PROMPTS[0], max_tokens=30, stop=["never", stop] if many else stop)
        assert (written.text, written.finish) == (text[: text.index(stop)], "stop")

    def test_it_is_freed_when_nothing_refers_to_it(self, small_run):
        process = psutil.Process()
        gc.collect()
        threads, connections = process.num_threads(), len(process.net_connections())
        model = octavo.load(small_run)
        pieces = model.stream(PROMPTS[0], max_tokens=100)
        next(pieces)
        assert len(process.net_connections()) > connections
        del model
        pieces.close()
        del pieces
        gc.collect()
        for _ in range(100):  # the thread that writes sees at its next token that nobody reads
            if process.num_threads() <= threads:
                break
            time.sleep(0.05)
        assert process.num_threads() <= threads
        assert len(process.net_connections()) == connections

    def test_what_is_streamed_when_it_is_closed_is_written_to_its_end(self, small_run):
        with octavo.load(small_run) as model:
            whole = model.generate(PROMPTS[0], max_tokens=20).text
            pieces = model.stream(PROMPTS[0], max_tokens=20)
            first = next(pieces).text
        assert first + "".join(piece.text for piece in pieces) == whole
        for closed in (model.generate, model.trace):
            with pytest.raises(octavo.InputError, match="found a model that is closed"):
                closed(PROMPTS[0])

    def test_a_program_that_leaves_it_open_ends_well(self, small_run):
        code = (
            f"import octavo; model = octavo.load({str(small_run)!r}); "
            "pieces = model.stream('The old keeper', max_tokens=100); print(next(pieces).text is not None)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
        assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")

    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (lambda run: octavo.load(run / "nowhere"), "nowhere: found no such folder, expected a release"),
            (lambda run: octavo.load(run / "no.gguf"), "no.gguf: no such file"),
            (lambda run: octavo.load(run, engine="cuda"), "engine: found 'cuda', expected one of auto, llama.cpp,"),
            (lambda run: octavo.load(run, slots=0), "slots: found 0, expected 1 or more"),
            (lambda run: octavo.load(run).generate("a", temperature=-1), "temperature: found -1, expected 0, or"),
            (lambda run: octavo.load(run).generate("a " * 500), "expected fewer than the model's context of 128"),
            (lambda run: octavo.trace(run / "corpus", "a"), "corpus: found no trace index, expected one"),
        ],
    )
    def test_a_mistake_is_an_input_error(self, call, message, small_run):
        with pytest.raises(octavo.InputError, match=message):
            call(small_run)

    def test_a_model_away_from_its_run_has_no_corpus_to_trace_in(self, small_run, tmp_path):
        shutil.copy(small_run / "release/gguf/small-Q8_0.gguf", tmp_path / "model.gguf")
        with (
            octavo.load(tmp_path / "model.gguf") as model,
            pytest.raises(octavo.InputError, match="found no trace index of its corpus"),
        ):
            model.trace("a")

    def test_a_text_is_traced_as_the_command_does(self, model, small_run):
        text = "So he stood on the flat stone and shouted."
        told = command("trace", small_run, text)
        assert octavo.trace(small_run, text).as_json() == told
        assert octavo.trace(str(small_run / "trace"), text).as_json() == told
        assert model.trace(text).as_json() == told
        assert told["spans"]


class Capsule:
    """A table of a library that nobody knows, and that speaks Arrow's PyCapsule interface."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class TestCuration:
    @pytest.fixture(scope="class")
    def documents(self, small_run):
        parts = sorted((small_run / "documents").glob("*.parquet"))
        return pa.concat_tables([pq.read_table(part) for part in parts])

    def test_a_table_has_the_fates_that_the_road_gives_it(self, documents, small_run):
        recipe = octavo.read_recipe(small_run / "recipe.yaml")
        assert isinstance(recipe.curation, Curation)
        curated = octavo.curate(documents, curation=recipe.curation)
        kept = pa.concat_tables([pq.read_table(part) for part in sorted((small_run / "corpus/kept").glob("*"))])
        removed = pa.concat_tables(
            [pq.read_table(part) for part in sorted((small_run / "corpus/removed").glob("*"))]
        )
        ledger = pq.read_table(small_run / "corpus/ledger.parquet")
        for found, expected in ((curated.kept, kept), (curated.removed, removed), (curated.ledger, ledger)):
            assert found.drop_columns("source").equals(expected.drop_columns("source"))
            assert found["source"].unique().to_pylist() == ["documents"]

    @pytest.mark.parametrize(
        "library",
        [
            lambda table: table,
            lambda table: table.to_pandas(),
            daft.from_arrow,
            Capsule,
            lambda table: pa.RecordBatchReader.from_batches(table.schema, table.to_batches()),
        ],
        ids=["arrow", "pandas", "daft", "capsule", "reader"],
    )
    def test_any_library_s_table_goes_in(self, library):
        table = pa.table({"text": [LETTER, "Page 12"], "license": ["CC0-1.0", None], "identifier": ["a", "b"]})
        curated = octavo.curate(library(table))
        assert curated.kept.select(["identifier", "text", "spdx"]).to_pylist() == [
            {"identifier": "a", "text": LETTER, "spdx": "CC0-1.0"}
        ]
        assert curated.removed["identifier"].to_pylist() == ["b"]

    def test_columns_of_one_s_own_may_be_of_any_kind(self):
        frame = pandas.DataFrame({"text": [LETTER], "license": ["CC0-1.0"], "shelf": [object()], 7: [1]})
        assert octavo.curate(frame).kept["text"].to_pylist() == [LETTER]

    def test_what_is_no_table_is_told_with_arrow_s_reason(self):
        frame = pandas.DataFrame({"text": [LETTER, 7]})
        with pytest.raises(octavo.InputError, match=r"documents: found DataFrame, expected a table .* \(.*int"):
            octavo.curate(frame)

    def test_a_set_that_was_changed_is_read_again(self, tmp_path):
        table = pa.table({"text": [LETTER], "license": ["CC0-1.0"]})
        curation = {"decontamination": {"sets": [str(tmp_path / "set.txt")]}}
        for text, kept in (("nothing of it " * 20, 1), (LETTER, 0), ("again nothing " * 20, 1)):
            (tmp_path / "set.txt").write_text(text)
            assert octavo.curate(table, curation=curation).kept.num_rows == kept

    def test_a_model_that_rewrites_needs_a_recipe(self):
        rewriting = {"endpoint": "http://localhost:1/v1", "model": "m"}
        curation = {
            "toxicity": {"decisions": [{"action": "rewrite", "score": 1.0}], "rewriting": rewriting},
        }
        with pytest.raises(octavo.InputError, match=r"toxicity\.rewriting: found a model that rewrites"):
            octavo.curate(pa.table({"text": [LETTER]}), curation=curation)

    def test_the_licence_gate_stands_for_a_table_too(self):
        table = pa.table({"text": [LETTER]})
        for stated, fate, rule in (
            ("CC-BY-4.0", "kept", None),
            ("CC-BY-NC-4.0", "removed", "licence-not-open"),
            (None, "removed", "licence-unknown"),
        ):
            (told,) = octavo.curate(table, license=stated).ledger.to_pylist()
            assert (told["fate"], told["rule"], told["spdx"]) == (fate, rule, stated)

    def test_a_document_s_own_licence_stands_before_the_call_s(self):
        table = pa.table({"text": [LETTER, LETTER[::-1]], "license": [None, "All rights reserved"]})
        ledger = octavo.curate(table, license="CC0-1.0", languages=["en"]).ledger
        assert ledger["rules"][1].as_py()[0] == "licence-contradicted"
        assert ledger["spdx"][0].as_py() == "CC0-1.0"

    def test_of_a_table_of_which_nothing_stays_the_ledger_says_why(self):
        curated = octavo.curate(pa.table({"text": ["", "Page 12"]}), license="CC0-1.0")
        assert curated.kept.num_rows == 0
        assert curated.kept.schema.names[:2] == ["identifier", "collection"]
        assert curated.removed["text"].to_pylist() == ["", "Page 12"]
        assert curated.ledger["rule"].to_pylist() == ["empty", "language"]

    def test_documents_without_a_name_have_their_row_and_no_folder_of_ours(self):
        curated = octavo.curate(pa.table({"text": ["", LETTER]}), license="CC0-1.0")
        assert curated.ledger["identifier"].to_pylist() == ["documents:1", "documents:2"]
        assert tempfile.gettempdir() not in json.dumps(curated.ledger.to_pylist() + curated.kept.to_pylist())

    def test_columns_have_the_names_that_are_said_and_unknown_ones_are_left_alone(self):
        months = pa.array([None, None], pa.month_day_nano_interval())  # which Parquet cannot hold
        table = pa.table({"body": [LETTER, "Page 12"], "shelf": ["A1", "B2"], "age": months})
        curated = octavo.curate(table, license="CC0-1.0", columns={"text": "body", "identifier": "shelf"})
        assert curated.ledger["identifier"].to_pylist() == ["A1", "B2"]

    def test_rules_are_the_recipe_s(self):
        table = pa.table({"text": [LETTER + " My address is anna@example.org."]})
        for curation, fate in (
            ({}, "redacted"),
            ({"personal_data": "keep"}, "kept"),
            ({"repair": False}, "redacted"),
        ):
            assert octavo.curate(table, license="MIT", curation=curation).ledger["fate"].to_pylist() == [fate]
        long = {"quality": {"min_words": 500}}
        assert octavo.curate(table, license="MIT", curation=long).ledger["rule"].to_pylist() == ["too-short"]

    def test_it_leaves_nothing_behind(self, tmp_path, monkeypatch):
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        octavo.curate(pa.table({"text": [LETTER]}), license="CC0-1.0")
        with pytest.raises(octavo.InputError):
            octavo.curate(pa.table({"text": [pa.scalar(b"\xff")]}), license="CC0-1.0")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize(
        ("documents", "said", "message"),
        [
            ([{"text": "a"}], {}, "documents: found list, expected a table that speaks Arrow's PyCapsule"),
            (pa.table({"text": pa.array([], pa.string())}), {}, "documents: found no row, expected one at least"),
            (pa.table({"body": ["a"]}), {}, "documents: found no column 'text' (it has body), expected one"),
            (
                pandas.Series(["a"], name="text"),
                {},
                "documents: found Series, expected a table that speaks Arrow's",
            ),
            (
                pandas.DataFrame({"text": ["a"], "creator": [{}]}),
                {},
                "documents: found columns that Parquet does not",
            ),
            ("ok", {"columns": ["text"]}, "curate: corpus.sources[0].columns: found"),
            ("ok", {"languages": None}, "curate: corpus.languages: found nothing"),
            ("ok", {"license": "open"}, "license: found 'open', expected an SPDX id or a known name of a licence"),
            ("ok", {"columns": {"txt": "text"}}, "columns: found 'txt', which is no column of octavo's"),
            ("ok", {"languages": ["english"]}, 'curate: corpus.languages[0]: found "english", expected text of'),
            ("ok", {"curation": {"repairs": 1}}, "curate: curation.repairs: unknown field; the nearest is repair"),
            (
                "ok",
                {"curation": {"licences": {"allow": ["CC0"]}}},
                "curation.licences.allow[0]: found 'CC0', which no licence has for its id",
            ),
        ],
    )
    def test_a_mistake_is_an_input_error(self, documents, said, message):
        table = pa.table({"text": ["a"]}) if isinstance(documents, str) else documents
        with pytest.raises(octavo.InputError) as caught:
            octavo.curate(table, **said)
        assert str(caught.value).startswith(message)


class TestTheRoad:
    def test_a_recipe_is_read_from_a_file_plain_data_or_a_recipe(self, small_run):
        file = small_run / "recipe.yaml"
        recipe = octavo.read_recipe(file)
        assert octavo.read_recipe(str(file)) == octavo.read_recipe(recipe) == recipe
        assert octavo.read_recipe(recipe.model_dump(mode="json")) == recipe
        for given in (file, recipe, recipe.model_dump(mode="json")):
            changed = octavo.read_recipe(given, {"training.tokens": 99_000, "model.hidden_size": 128})
            assert (changed.training.tokens, changed.model.hidden_size, changed.name) == (99_000, 128, "small")
            assert changed.training.optimizer == recipe.training.optimizer

    def test_what_is_given_stays_as_it_was(self):
        given = {"name": "mine", "corpus": {"sources": [{"path": "builtin:starter"}]}}
        assert octavo.read_recipe(given, {"corpus.languages": ["en"], "seed": 3}).corpus.languages == ["en"]
        assert given == {"name": "mine", "corpus": {"sources": [{"path": "builtin:starter"}]}}

    @pytest.mark.parametrize(
        ("recipe", "settings", "message"),
        [
            ("nowhere.yaml", {}, "nowhere.yaml: no such recipe; `octavo init DIR` writes one"),
            ([1], {}, "recipe: found list, expected a file, a mapping or a Recipe"),
            ({"name": "a"}, {1: 2}, "settings: found 1, expected the name of a field"),
            ({"name": "a b"}, {}, 'recipe: name: found "a b", expected text of the form'),
            ({"name": "a", "train": {}}, {}, "recipe: train: unknown field; the nearest is training"),
            ({"name": "a"}, {"seed": "x"}, 'settings: seed: found "x", expected a valid integer'),
            (
                {"name": "a"},
                {"training.tokns": 1},
                "settings: training.tokns: unknown field; the nearest is tokens",
            ),
            ({"name": "a"}, {"name.b": 1}, "settings: name.b: found no mapping to set it in"),
        ],
    )
    def test_a_mistake_is_an_input_error(self, recipe, settings, message, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(octavo.InputError) as caught:
            octavo.run(recipe, settings={"corpus.sources": [{"path": "builtin:starter"}], **settings})
        assert message in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_stage_that_is_none_is_told_at_once(self, small_run, tmp_path):
        with pytest.raises(octavo.InputError, match="until: found 'train', expected one of corpus, curation,"):
            octavo.run(small_run / "recipe.yaml", tmp_path / "run", until="train")
        assert not (tmp_path / "run").exists()

    def test_a_run_that_is_done_gives_its_figures_and_does_nothing_again(self, small_run, tmp_path, caplog):
        directory = tmp_path / "run"
        shutil.copytree(small_run, directory, copy_function=shutil.copy2)
        handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        with caplog.at_level(logging.INFO, logger="octavo"):
            made = octavo.run(directory / "recipe.yaml", out=directory, until="training")
        assert made.directory == directory
        states = {state["stage"]: state["figures"] for state in stage_states(small_run)}
        assert list(made.figures) == ["corpus", "curation", "tokenization", "training"]
        for stage, figures in made.figures.items():
            assert states[stage].items() <= figures.items()
        assert [record.message for record in caplog.records] == [f"{stage}: done already" for stage in made.figures]
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers

    def test_a_run_lies_in_runs_by_the_recipe_s_name_and_tells_the_log(self, tmp_path, monkeypatch, caplog, capsys):
        monkeypatch.chdir(tmp_path)
        recipe = {"name": "mine", "corpus": {"sources": [{"path": "builtin:starter"}]}}
        with caplog.at_level(logging.INFO, logger="octavo"):
            made = octavo.run(recipe, until="corpus")
        assert made.directory == Path("runs/mine")
        rows = [pq.read_metadata(part).num_rows for part in (made.directory / "documents").glob("*.parquet")]
        assert made.figures["corpus"]["documents"] == sum(rows)
        assert "corpus: done in" in caplog.text
        assert capsys.readouterr() == ("", "")

    def test_work_that_fails_raises_what_the_command_says(self, tmp_path):
        (tmp_path / "empty.jsonl").write_text("")
        recipe = {"name": "mine", "corpus": {"sources": [{"path": str(tmp_path / "empty.jsonl")}]}}
        with pytest.raises(octavo.OctavoError, match=r"corpus\.sources: found no document"):
            octavo.run(recipe, tmp_path / "run", until="corpus")
