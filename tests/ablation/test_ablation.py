"""A whole ablation of a small recipe: what is trained on what, measured alike, resumed, and said."""

import errno
import json
import shutil
import time
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as pd
import pyarrow.parquet as pq
import pytest

from octavo import __version__
from octavo.ablation.ablating import ablate
from octavo.ablation.choices import variants
from octavo.ablation.gathering import _alike, _Measured, _Prompt
from octavo.ablation.proxy import read_proxy
from octavo.ablation.report_figures import FIGURES, Report
from octavo.errors import InputError, OctavoError
from octavo.lineage import read_record, write_record
from octavo.progress import Progress, StoppedError
from octavo.recipe.file import dump
from tests.conftest import quiet_reporter, small_recipe
from tests.distributed.processes import octavo_process

RULES = ["near-duplicates", "quality", "vocabulary", "optimizer"]
SEEDS = 2
EN, FR = "starter/en/", "starter/fr/"


def altered(text: str) -> str:
    """A near copy: each fortieth word is another."""
    return " ".join(f"x{word}" if n % 40 == 7 else word for n, word in enumerate(text.split(" ")))


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    """The small recipe in two languages, over the starter corpus, near copies of all its works, and pieces of them."""
    home = tmp_path_factory.mktemp("ablation")
    with (home / "more.jsonl").open("w") as file:
        for row in pq.read_table(resources.files("octavo.corpus") / "starter.parquet").to_pylist():
            if row["identifier"].startswith((EN, FR)) and "#" not in row["identifier"]:
                words, name = row["text"].split(" "), row["identifier"].removeprefix("starter/")
                third = " ".join(words[len(words) // 3 : 2 * len(words) // 3])
                for kind, text in (("copies", altered(row["text"])), ("pieces", third)):
                    line = {"identifier": f"{kind}/{name}", "text": text, "license": "CC0-1.0"}
                    file.write(json.dumps(line) + "\n")
    made = small_recipe(
        corpus={
            "sources": [{"path": "builtin:starter"}, {"path": str(home / "more.jsonl")}],
            "languages": ["en", "fr"],
        },
        curation={"held_out": {"fraction": 0.25}},
        tokenizer={"vocab_size": 1024},
        training={"tokens": 12_000, "schedule": {"warmup_steps": 2}, "checkpoint": {"every_steps": 5}},
        evaluation={
            "max_bytes": 20_000,
            "continuations": {"max_tokens": 4, "samples": 1},
            "writing": {"prompts": 2, "max_tokens": 8},
        },
    )
    (home / "recipe.yaml").write_text(dump(made))
    return home / "recipe.yaml"


def do(recipe: Path, out: Path, names=RULES, seeds=SEEDS, settings=None, messages=None, progress=None) -> Report:
    read = read_proxy(recipe, settings)
    found, missing = variants(read, names)
    return ablate(read, found, missing, seeds, out, "octavo ablate", quiet_reporter(messages, progress))


@pytest.fixture(scope="module")
def ablation(recipe) -> Path:
    """The directory of a finished ablation."""
    out = recipe.parent / "unbroken"
    do(recipe, out)
    return out


@pytest.fixture(scope="module")
def report(ablation) -> Report:
    return Report.model_validate_json((ablation / "report.json").read_bytes())


def copied(ablation: Path) -> Path:
    """A copy to be changed at will, beside it, as outside files are named by the way to them."""
    out = ablation.with_name(f"copy-{len(list(ablation.parent.iterdir()))}")
    return Path(shutil.copytree(ablation, out, symlinks=True, copy_function=shutil.copy2))


def rows_in(folder: Path, *columns: str) -> pa.Table:
    return pd.dataset(sorted(map(str, folder.glob("*.parquet")))).to_table(columns=["identifier", *columns])


def names_in(folder: Path, **wanted: str) -> set[str]:
    table = rows_in(folder, *wanted)
    for column, value in wanted.items():
        table = table.filter(pc.equal(table.column(column), value))
    return set(table.column("identifier").to_pylist())


def read(file: Path) -> Any:
    return json.loads(file.read_bytes())


def work(name: str) -> str:
    """What a document is of, a copy or a piece of it included."""
    return name.partition("#")[0].removeprefix("starter/").removeprefix("copies/").removeprefix("pieces/")


def test_no_variant_trains_on_held_out_works_nor_on_copies_or_pieces_of_them(ablation):
    held_out = {work(name) for name in names_in(ablation / "whole/corpus/kept", split="held-out")}
    assert len(held_out) > 10
    for name in ("baseline", "near-duplicates"):
        trained = names_in(ablation / "variants" / name / "corpus/kept")
        assert trained == names_in(ablation / "variants" / name / "corpus/kept", split="train")
        assert {work(one) for one in trained}.isdisjoint(held_out)
        assert {work(one) for one in trained if one.startswith("pieces/")}
    copies = [one for one in trained if one.startswith("copies/")]
    assert {f"starter/{work(one)}" for one in copies} & trained  # else there was no copy that could have come in


def test_the_baseline_trains_on_what_the_recipe_trains_on_but_for_copies_of_what_is_held_out(ablation):
    own = names_in(ablation / "whole/corpus/kept", split="train")
    held_out = {work(name) for name in names_in(ablation / "whole/corpus/kept", split="held-out")}
    trained = names_in(ablation / "variants/baseline/corpus/kept")
    assert trained == {name for name in own if work(name) not in held_out}


def test_held_out_works_are_measured_as_they_came_and_as_they_are_curated(ablation):
    rows = pq.read_table(ablation / "held-out/documents.parquet").to_pylist()
    came, kept = (
        dict(zip(*(table.column(name).to_pylist() for name in ("identifier", "text")), strict=True))
        for table in (rows_in(ablation / "whole" / folder, "text") for folder in ("documents", "corpus/kept"))
    )
    assert rows
    assert all((row["text"], row["text_in"]) == (kept[row["identifier"]], came[row["identifier"]]) for row in rows)


def test_all_proxies_are_measured_on_the_same_texts_and_prompts(ablation):
    homes = sorted(ablation.glob("variants/*/seed-*/measured"))
    assert len(homes) == 4 * SEEDS
    bits = [read(home / "bits_per_byte.json") for home in homes]
    texts = [
        {form: (of["blake3"], [work["bytes"] for work in of["works"]]) for form, of in one.items()} for one in bits
    ]
    assert all(one == texts[0] for one in texts)
    assert len({one["curated"]["works"][0]["bits"] for one in bits}) == len(homes)
    harm = [
        sorted((one["id"], one["prompt"]) for one in read(home / "toxicity.json")["continuations"])
        for home in homes
    ]
    assert all(one == harm[0] for one in harm)


def test_language_is_compared_where_all_proxies_were_given_the_same_prompts(ablation, report):
    kept = {
        home.parents[1].name + home.parent.name: {
            (said["prompts"], said["id"], said["prompt"]): said["found"] == said["lang"]
            for said in read(home / "adherence.json")["continuations"]
            if said["temperature"] == 0 and said["prompts"] in ("sentence", "own")
        }
        for home in ablation.glob("variants/*/seed-*/measured")
    }
    alike = set.intersection(*map(set, kept.values()))
    assert alike
    for row in (report.baseline, *report.variants):
        for found in (one for one in row.figures if one.figure == "adherence"):
            of = [kept[f"{row.name}seed-{training.seed}"] for training in row.trainings]
            assert found.values == [round(sum(proxy[prompt] for prompt in alike) / len(alike), 5) for proxy in of]


def test_a_prompt_that_a_tokenizer_cuts_elsewhere_is_not_compared():
    def proxy(**kept: bool) -> _Measured:
        return _Measured(
            {}, {_Prompt("sentence", "1", text): is_kept for text, is_kept in kept.items()}, np.zeros(0)
        )

    found = _alike({"baseline": [proxy(a=True, b=False)], "vocabulary": [proxy(b=True, a_longer=True)]})
    assert [[list(one.adhered.values()) for one in proxies] for proxies in found.values()] == [[[False]], [[True]]]


def test_variants_of_the_same_tokenizer_take_the_same_compute(report):
    trained = [row for row in [report.baseline, *report.variants] if row.trainings]
    flops = {row.name: {one.flops for one in row.trainings} for row in trained}
    assert flops["baseline"] == flops["near-duplicates"] == flops["optimizer"] == {report.proxy.flops}
    assert max(flops["vocabulary"]) < report.proxy.flops
    assert report.proxy.flops_in_all == sum(one.flops for row in trained for one in row.trainings)


def test_a_choice_that_changes_nothing_is_said_so_and_not_trained(ablation, report):
    quality = next(row for row in report.variants if row.name == "quality")
    assert quality.same_corpus
    assert (quality.trainings, quality.figures, quality.taken) == ([], [], 0.0)
    assert not list(ablation.glob("variants/quality/seed-*"))
    assert "Changed nothing in this corpus, and was not trained: quality." in report.findings


def test_the_report_has_each_figure_of_each_trained_variant_and_says_what_it_means(report):
    assert [row.name for row in report.variants] == RULES
    for row in report.variants:
        for name, meaning in FIGURES.items():
            of = [figure for figure in row.figures if figure.figure == name]
            assert [figure.by for figure in of] == (
                [] if row.same_corpus else ["mean"] if meaning.is_share else ["mean", "en", "fr"]
            )
            for figure in of:
                own = next(f for f in report.baseline.figures if (f.figure, f.by) == (figure.figure, figure.by))
                assert len(figure.values) == SEEDS
                assert figure.difference.value == pytest.approx(figure.value - own.value, abs=2e-4)
                assert figure.difference.low <= figure.difference.value <= figure.difference.high
                surely = figure.difference.low > 0 or figure.difference.high < 0
                assert (figure.verdict == "no difference shown") == (not surely)
    duplicates = next(row for row in report.variants if row.name == "near-duplicates")
    assert 0.2 < duplicates.taken < 0.6
    assert any("octavo's own classifier, the one that removes" in line for line in report.limits)


def test_the_report_is_there_for_people_too(ablation, report):
    page, text = (ablation / "report.html").read_text(), (ablation / "report.md").read_text()
    assert page.count('<svg class="chart"') == len(FIGURES)
    for line in (*report.findings, *report.limits):
        assert line in text
    assert text.count("near-duplicates") > 4


def test_given_again_nothing_is_done_again(recipe, ablation):
    before = {path: path.stat().st_mtime_ns for path in ablation.glob("variants/*/seed-*/*/*.json")}
    messages: list[str] = []
    do(recipe, ablation, messages=messages)
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert "optimizer, seed 1790: measuring: done already" in messages
    assert not [message for message in messages if "again" in message or "goes on" in message]


def test_fewer_choices_are_of_the_same_proxies_and_a_seed_more_is_added(recipe, ablation):
    out = copied(ablation)
    report = do(recipe, out, ["optimizer"], SEEDS + 1)
    assert [row.name for row in report.variants] == ["optimizer"]
    assert report.seeds == [1789, 1790, 1791]
    whole = Report.model_validate_json((ablation / "report.json").read_bytes())
    assert report.baseline.figures[0].values[:SEEDS] == whole.baseline.figures[0].values


def test_other_settings_train_the_proxies_again_and_keep_what_was_there(recipe, ablation):
    out = copied(ablation)
    messages: list[str] = []
    do(recipe, out, ["optimizer"], 1, ["training.tokens=6000"], messages)
    assert "baseline: curation: done already" in messages
    assert any("baseline, seed 1789: training: again, because training.tokens" in one for one in messages)
    assert (out / "variants/baseline/seed-1789/superseded/training-1/checkpoints").is_dir()


def test_killed_again_and_again_its_proxies_end_in_the_same_figures(recipe, ablation):
    out, said = copied(ablation), recipe.parent / "said.txt"
    (out / "report.json").unlink()
    shutil.rmtree(out / "variants/near-duplicates")
    shutil.rmtree(out / "variants/baseline/seed-1789")
    arguments = ["ablate", recipe, "--rules", "near-duplicates", "--seeds", 1, "--out", out]
    moments = (
        "near-duplicates/corpus/verdicts",
        "baseline/seed-1789/metrics.jsonl",
        "near-duplicates/seed-1789/measured/stage.json",
    )
    for moment in moments:
        process = octavo_process(said, *arguments)
        while not (out / "variants" / moment).exists():
            assert process.is_alive(), said.read_text()
            time.sleep(0.01)
        process.kill()
        process.join()
        assert not (out / "report.json").exists()
    process = octavo_process(said, *arguments)
    process.join()
    assert process.exitcode == 0, said.read_text()
    assert "goes on where it stopped" in said.read_text()
    for name in ("baseline", "near-duplicates"):
        measured = Path("variants", name, "seed-1789", "measured")
        for file in ("bits_per_byte.json", "adherence.json", "toxicity.json"):
            assert read(out / measured / file) == read(ablation / measured / file)


def test_the_command_prints_the_report_for_programs(recipe, ablation):
    said = recipe.parent / "printed.txt"
    process = octavo_process(
        said, "ablate", recipe, "--rules", "optimizer", "--seeds", 1, "--out", copied(ablation), "--json"
    )
    process.join()
    assert process.exitcode == 0, said.read_text()
    printed = Report.model_validate_json("{" + said.read_text().partition("\n{")[2])
    assert printed.seeds == [1789]
    assert [row.name for row in printed.variants] == ["optimizer"]
    assert {row.verdict for row in printed.variants[0].figures} == {"cannot be told"}
    assert printed.command.startswith(f"octavo ablate {recipe} --rules optimizer --seeds 1 --out ")
    assert any(line.startswith("One seed does not show") for line in printed.limits)


def test_asked_to_stop_it_stops_and_goes_on(recipe, ablation):
    out = copied(ablation)
    shutil.rmtree(out / "variants/optimizer/seed-1790")
    with pytest.raises(StoppedError):
        do(recipe, out, progress=Progress(stopping=lambda: True))
    record = read_record(out / "variants/optimizer/seed-1790/checkpoints")
    assert record is not None
    assert not record.done
    messages: list[str] = []
    do(recipe, out, messages=messages)
    assert "optimizer, seed 1790: training: goes on where it stopped" in messages


def test_nothing_held_out_and_the_directory_of_a_run_are_refused(recipe, tmp_path):
    with pytest.raises(InputError, match=r"^curation.held_out.fraction: found 0"):
        do(recipe, tmp_path / "out", settings=["curation.held_out.fraction=0"])
    with pytest.raises(InputError, match=f"^--out: {recipe.parent}: found the directory of a run"):
        do(recipe, recipe.parent)
    for name in ("report.md", "documents/letter.parquet"):
        mine = tmp_path / name[:6] / name
        mine.parent.mkdir(parents=True)
        mine.write_text("mine")
        with pytest.raises(InputError, match=f"found {name.split('/')[0]}, which no octavo made"):
            do(recipe, tmp_path / name[:6])
        assert [path for path in (tmp_path / name[:6]).rglob("*") if path.is_file()] == [mine]
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match=r"cannot be written to .*, expected a directory"):
        do(recipe, tmp_path / "file")


def test_a_mistake_in_the_recipe_leaves_all_as_it_was(recipe, ablation, tmp_path):
    before = (ablation / "proxy.yaml").read_bytes()
    for out in (ablation, tmp_path / "new"):
        with pytest.raises(InputError, match="nowhere"):
            do(recipe, out, settings=["corpus.sources=[{path: nowhere}]"])
    assert (ablation / "proxy.yaml").read_bytes() == before
    assert not (tmp_path / "new").exists()


def test_a_full_disk_is_told_in_plain_words(recipe, ablation, monkeypatch):
    def full(report: Report, out: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("octavo.ablation.ablating.write_report", full)
    with pytest.raises(OctavoError, match="the disk is full, in the report"):
        do(recipe, ablation)


def test_the_report_says_what_proxies_are_of_and_who_found_harm(recipe, ablation, report):
    assert (report.versions, report.classifier) == ([__version__], "octavo's own")
    copy = copied(ablation)
    home = copy / "variants/baseline/seed-1789/checkpoints"
    write_record(home, read_record(home).model_copy(update={"octavo": "0.0.9"}))
    found = do(recipe, copy)
    assert found.versions == ["0.0.9", __version__]
    assert any(f"Proxies are of octavo 0.0.9 and {__version__}" in limit for limit in found.limits)
