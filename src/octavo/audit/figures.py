"""The figures of the stages, counted anew from what the stages made, and the manifest made anew from them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.audit import evaluation
from octavo.audit.claims import Claim, all_or_each, failed, held, unknown
from octavo.audit.differences import differences
from octavo.audit.opening import Audited
from octavo.corpus.parts import parts_of
from octavo.curation.opt_outs_report import summarise_opt_outs
from octavo.curation.report import summarise
from octavo.curation.toxicity.report import summarise_passages
from octavo.errors import OctavoError
from octavo.evaluation import bits_per_byte
from octavo.modeling.hf import read_config
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.release.bundle import LINEAGE, record_name
from octavo.release.gathering import gather
from octavo.release.writing import COMPLIANCE, MANIFEST
from octavo.tokenization.encode import bytes_per_token, load_tokenizer
from octavo.tokenization.encoders import reference_encoder
from octavo.tokenization.given import count_given
from octavo.tokenization.shards import open_shards
from octavo.training.checkpoint_files import read_passed_over
from octavo.training.data import Data, open_data
from octavo.training.memory import llama_config
from octavo.training.metrics import Metrics
from octavo.training.stopping import best, measured
from octavo.training.throughput import flops_per_token
from octavo.tuning.pair_licences import stated_licences
from octavo.tuning.preparing import count_pairs
from octavo.tuning.teaching import open_examples

Figures = dict[str, Any]
_REPORT = "corpus/report.json"
_COUNTED_PASSAGES = {"seed", "flagged", "actions", "outcomes", "decisions", "synthetic"}
_UNREADABLE = (OctavoError, OSError, pa.ArrowException, ValueError, LookupError, TypeError, AttributeError)
"""How files that were tampered with fail to be read."""


def check_figures(audited: Audited, run: Path) -> Iterator[Claim]:
    """What each stage counted, where it can be counted anew."""
    counted: dict[str, Callable[[Recipe, Path, Figures], Figures]] = {
        "corpus": _corpus,
        "curation": _curation,
        "tokenization": _tokenization,
        "pairs": _pairs,
        "training": _training,
        "evaluation": evaluation.measured,
    }
    for stage in audited.stages:
        if stage.name not in counted:
            continue
        record, file = audited.records[stage.name], f"{LINEAGE}/{record_name(stage.name)}"
        try:
            found = counted[stage.name](audited.recipe, run, record.figures)
        except _UNREADABLE as error:
            yield failed("figures", file, "states figures that can be counted anew", _first_line(error))
            continue
        said = f"the figures of stage {stage.name} are those of its files: {', '.join(found)}"
        problems = [(file, what) for what in differences({n: record.figures.get(n) for n in found}, found)]
        yield from all_or_each("figures", file, said, problems)
    yield from _curation_report(audited, run)
    yield from _evaluation(audited, run)
    yield from _energy(audited, run)
    yield from _manifest(audited, run)


def _corpus(recipe: Recipe, run: Path, stated: Figures) -> Figures:
    documents = size = 0
    for part in parts_of(run / "documents"):
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(columns=["text"]):
                documents += batch.num_rows
                size += pc.sum(pc.binary_length(batch.column("text"))).as_py() or 0
    return {"documents": documents, "bytes": size}


def _curation(recipe: Recipe, run: Path, stated: Figures) -> Figures:
    home, report = run / "corpus", _report(run)
    counted = summarise(home) | {"opt_outs": summarise_opt_outs(home, recipe.curation.opt_outs)}
    if "toxicity" in report:
        # What the weighing counted over all passages is stated; what came of the flagged ones is counted.
        weighed = {n: found for n, found in report["toxicity"].items() if n not in _COUNTED_PASSAGES}
        counted["toxicity"] = summarise_passages(home, recipe, weighed)
    return report | counted


def _report(run: Path) -> Figures:
    report: Figures = json.loads((run / _REPORT).read_bytes())
    return report


def _tokenization(recipe: Recipe, run: Path, stated: Figures) -> Figures:
    shards = open_shards(run / "tokens") if stated["documents"] else []
    tokenizer, kept = load_tokenizer(run / "tokenizer" / "tokenizer.json"), sorted((run / "corpus/kept").glob("*"))
    entries, given = tokenizer.get_vocab_size(), recipe.token_folders
    folders = {"folders": count_given(given, entries, Progress())} if _are_here(given) else {}
    return {
        "vocab_size": entries,
        "bytes_per_token": bytes_per_token(reference_encoder(tokenizer).encode, kept),
        **folders,
        "tokens": sum(len(shard.tokens) for shard in shards),
        "documents": sum(len(shard.document_ends) for shard in shards),
    }


def _are_here(names: list[str]) -> bool:
    """Whether what lies outside the run can be counted still."""
    return all(Path(name).exists() for name in names)


def _pairs(recipe: Recipe, run: Path, stated: Figures) -> Figures:
    report: Figures = json.loads((run / "pairs" / "report.json").read_bytes())
    tuning = recipe.tuning
    assert tuning is not None
    licences = {"licences": stated_licences(map(Path, tuning.pairs))} if _are_here(tuning.pairs) else {}
    own = {"task": tuning.task, "base": tuning.base}
    return report | own | licences | count_pairs(recipe, run)


def _training(recipe: Recipe, run: Path, stated: Figures) -> Figures:
    config = llama_config(recipe, load_tokenizer(run / "tokenizer" / "tokenizer.json").get_vocab_size())
    logged = Metrics.read(run)
    last: Figures = logged[-1] if logged else {"step": 0, "loss": None, "tokens_per_second": None}
    patience = recipe.training.patience
    ended = recipe.steps if patience is None else last["step"]
    passed_over = {step for passed in read_passed_over(run / "checkpoints") for step in passed if step < ended}
    sequences = (ended - len(passed_over)) * recipe.training.sequences_per_step
    seen = sequences * recipe.sequence_length
    return {
        "parameters": config.parameters,
        "steps": ended,
        "chosen_step": best(measured(logged)) if patience else ended,
        "tokens": seen,
        **_read(recipe, run, sequences, ended),
        "passed_over_steps": len(passed_over),
        "flops": seen * flops_per_token(config, recipe.sequence_length),
        "loss": last["loss"],
        "tokens_per_second": last["tokens_per_second"],
        "skipped_steps": sum(len(line.get("skipped", ())) for line in logged),
        **_rate(recipe, stated.get("sweep", [])),
    }


def _read(recipe: Recipe, run: Path, sequences: int, ended: int) -> Figures:
    """How often the training saw what it read, where all of that is here."""
    if not _are_here(recipe.token_folders):
        return {}
    data: Data[Any] = open_examples(recipe, run) if recipe.is_taught else open_data(recipe, run / "tokens")
    drawn = ended * recipe.training.sequences_per_step
    return {
        "epochs": round(sequences / len(data), 3),
        "discarded_tokens": round(data.discarded, 6),
        "folders": data.figures(drawn) if recipe.training.data else {},
    }


def _rate(recipe: Recipe, tried: list[Figures]) -> Figures:
    """The learning rate is the recipe's, or the best of those that a sweep tried."""
    if recipe.tuning is None or recipe.tuning.sweep is None:
        return {"learning_rate": None, "sweep": None}
    finished = [one for one in tried if one["held_out"] is not None]
    return {"learning_rate": min(finished, key=lambda one: one["held_out"])["learning_rate"]}


def _curation_report(audited: Audited, run: Path) -> Iterator[Claim]:
    """The report that people read of the curation, beside its record."""
    if "curation" not in audited.records:
        return
    said = "says what the record of stage curation says"
    try:
        found = differences(_report(run), audited.records["curation"].figures)
    except (OSError, ValueError) as error:
        yield failed("figures", _REPORT, said, _first_line(error))
    else:
        yield from all_or_each("figures", _REPORT, said, [(_REPORT, what) for what in found])


def _evaluation(audited: Audited, run: Path) -> Iterator[Claim]:
    """The report of the evaluation beside its files, and these beside their own parts."""
    checks = [(evaluation.REPORT, "says what the files of the measurements say", evaluation.report_problems)]
    if not audited.recipe.is_taught:
        said = "gives each language what its works give"
        checks.append((f"{evaluation.HOME}/{bits_per_byte.FILE}", said, evaluation.sum_problems))
    for file, said, check in checks:
        try:
            found = [(file, what) for what in check(audited.recipe, run)]
        except _UNREADABLE as error:
            yield failed("figures", file, said, _first_line(error))
        else:
            yield from all_or_each("figures", file, said, found)
    yield from _costs(audited, run)


def _costs(audited: Audited, run: Path) -> Iterator[Claim]:
    """What the report says that the stages took: true when it was written."""
    said = "says what the stages took"
    try:
        found = evaluation.cost_differences(audited.recipe, run)
    except _UNREADABLE as error:
        yield failed("figures", evaluation.REPORT, said, _first_line(error))
        return
    if found:
        why = f"{found[0]} in the records: a stage that is done again takes another time"
        yield unknown("figures", evaluation.REPORT, said, why)
    else:
        yield held("figures", evaluation.REPORT, said)


def _energy(audited: Audited, run: Path) -> Iterator[Claim]:
    """What a meter read cannot be read again; that of the training is in the record of its steps, too."""
    record, file = audited.records["training"], f"{LINEAGE}/{record_name('training')}"
    logged = [line["joules"] for line in Metrics.read(run) if line.get("joules") is not None]
    if not logged or not record.energy.get("parts"):
        return
    total, parts = record.energy["joules"], sum(part["joules"] for part in record.energy["parts"].values())
    problems = []
    if abs(total - parts) > 0.01 * max(parts, 100):
        problems.append((file, f"energy.joules is {total}, its parts are {round(parts, 1)}"))
    if total < logged[-1]:
        problems.append((file, f"energy.joules is {total}, metrics.jsonl had {logged[-1]} before the end"))
    yield from all_or_each("figures", file, "the energy of the training is that of its steps", problems)


def _manifest(audited: Audited, run: Path) -> Iterator[Claim]:
    """Every fact that the papers state."""
    file = f"{COMPLIANCE}/{MANIFEST}"
    said = "every fact is what the run's files give"
    samples = {lang: sample.model_dump() for lang, sample in audited.manifest.samples.items()}
    records = {name: record for name, record in audited.records.items() if name != "release"}
    try:
        made = gather(audited.recipe, run, audited.release, read_config(audited.release), records, samples)
    except (*_UNREADABLE, StopIteration) as error:
        yield failed("figures", file, said, _first_line(error))
        return
    stated, found = audited.manifest.model_dump(mode="json"), made.model_dump(mode="json")
    yield from all_or_each("figures", file, said, [(file, what) for what in differences(stated, found)])


def _first_line(error: Exception) -> str:
    return (str(error).strip() or repr(error)).split("\n", 1)[0]
