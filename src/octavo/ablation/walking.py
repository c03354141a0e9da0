"""The walk: every variant curated and tokenized once, and a proxy of it trained and measured with each seed.

The directory holds

- whole/: the recipe's own curation, which says what is held out;
- held-out/: those documents, in both forms;
- withheld/: a curation that finds all else that holds their text; documents/: all documents but these;
- variants/NAME/: a variant's corpus, tokenizer and tokens, and seed-N/ for each of its proxies.

Each step is a stage like those of a run, with its record: what is done is not done again unless what it rests on
has changed, and then what was there is kept.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow.parquet as pq
import torch
from blake3 import blake3

from octavo.ablation.choices import Variant, with_fields
from octavo.ablation.measuring import measure
from octavo.ablation.report import REPORTS
from octavo.ablation.withholding import HELD_OUT, gather_held_out, withholding, write_documents
from octavo.corpus.parts import parts_of
from octavo.curation.weighing import ANSWERS
from octavo.errors import InputError
from octavo.lineage import STAGE_FILE, is_run, read_record, write_atomically
from octavo.progress import Progress
from octavo.recipe.file import dump
from octavo.recipe.schema import Recipe
from octavo.road import (
    Reporter,
    check,
    locked,
    plain_words_for_the_disk,
    refuse_place_of_others,
    run_road,
    walk,
)
from octavo.stage_inputs import harm_files, last_checkpoint, without
from octavo.stages import STAGES, Stage, trained_model

PROXY: Final = "proxy.yaml"
"""The recipe of the baseline's proxies."""
MEASURED: Final = "measured"


CURATION, TOKENIZATION, TRAINING = (
    next(stage for stage in STAGES if stage.name == name) for name in ("curation", "tokenization", "training")
)
WITHHOLDING = replace(CURATION, sections=lambda recipe: _without_sets(CURATION.sections(recipe)))
"""Curation by held-out text, wherever that lies: what is in it counts."""
ENCODING = replace(TOKENIZATION, sections=lambda recipe: {"tokenizer": without(recipe["tokenizer"], "path")})
"""Tokenization by a tokenizer that another variant has trained, wherever that lies."""


class Proxy(NamedTuple):
    """A proxy that was trained and measured."""

    measured: Path
    """Where its figures lie."""
    training: dict[str, Any]
    """The figures of its training."""
    versions: frozenset[str]
    """Of octavo, that it was trained and measured with."""


@dataclass(frozen=True)
class Walked:
    """A variant, and what came of it."""

    variant: Variant
    home: Path
    corpus: dict[str, Any]
    """The figures of its curation."""
    tokens: dict[str, Any] | None
    """Of its tokenization; None where its corpus is the baseline's to the letter, so that nothing was trained."""
    proxies: Sequence[Proxy] = ()
    """By seed."""


def walk_variants(
    recipe: Recipe, variants: Sequence[Variant], seeds: Sequence[int], out: Path, reporter: Reporter
) -> tuple[dict[str, Any], list[Walked]]:
    """Train and measure proxies of all variants, the first of which is the baseline `recipe`, in `out`.

    Returns what is held out and withheld from all, and what came of each. Raises InputError where another ablation
    is at work there, StoppedError where the person asked to stop.
    """
    out = out.absolute()
    if is_run(out):
        raise InputError(f"--out: {out}: found the directory of a run, expected another")
    if not recipe.curation.held_out.fraction:
        raise InputError("curation.held_out.fraction: found 0, expected works to measure the proxies on")
    made = (PROXY, *REPORTS, "whole", "withheld", "held-out", "documents", "variants")
    refuse_place_of_others(out, [out / "whole" / "documents" / STAGE_FILE], made, "an ablation")
    check(recipe, out / "whole", ["corpus", "curation"])
    with locked(out):
        with plain_words_for_the_disk(out, "before the first stage"):
            write_atomically(out / PROXY, dump(recipe).encode())
        withheld = _withhold(recipe, out, reporter)
        walked: list[Walked] = []
        for variant in variants:
            told = _told(reporter, variant.name)
            walked.append(_prepare(variant, out, walked[0] if walked else None, told))
        for one in walked:
            if one.tokens is None:
                reporter.message(f"{one.variant.name}: changes nothing: its corpus is the baseline's")
        proxies = _train([one for one in walked if one.tokens is not None], seeds, out, reporter)
    return withheld, [replace(one, proxies=proxies.get(one.variant.name, ())) for one in walked]


def _withhold(recipe: Recipe, out: Path, reporter: Reporter) -> dict[str, Any]:
    """Find what is held out, and write the documents that variants may train on."""
    whole, apart = out / "whole", out / "withheld"
    run_road(recipe, whole, "curation", _told(reporter, "whole"))
    held_out = out / "held-out" / HELD_OUT
    gathering = Stage(
        "held-out",
        "held-out",
        lambda sections: {},
        lambda recipe, run: [whole / "corpus" / "kept", whole / "corpus" / "ledger.parquet"],
        ("held-out",),
        lambda recipe, run, progress: gather_held_out(whole, run / "held-out"),
    )
    withholding_documents = Stage(
        "documents",
        "documents",
        lambda sections: {},
        lambda recipe, run: [apart / "corpus" / "ledger.parquet", *parts_of(whole / "documents")],
        ("documents",),
        lambda recipe, run, progress: write_documents(whole, apart, run / "documents", progress),
    )
    figures = walk([gathering], recipe, out, reporter)
    _link(apart / "documents", whole / "documents")
    walk([WITHHOLDING], withholding(recipe, held_out), apart, _told(reporter, "withheld", silent=True))
    return figures["held-out"] | walk([withholding_documents], recipe, out, reporter)["documents"]


def _prepare(variant: Variant, out: Path, baseline: Walked | None, reporter: Reporter) -> Walked:
    """Curate and tokenize as far as the variant differs; what does not is the baseline's own.

    Another curation keeps the baseline's tokenizer, so that what differs is the text alone.
    """
    home = out / "variants" / variant.name
    recipe = _of_what_may_be_trained_on(variant.recipe)
    if baseline is None or variant.kind == "curation":
        _link(home / "documents", out / "documents")
        if (out / "whole" / ANSWERS).exists():  # what was asked and paid for once is not asked again
            _link(home / ANSWERS, out / "whole" / ANSWERS)
        corpus = walk([CURATION], recipe, home, reporter)["curation"]
        if baseline is None:
            return Walked(variant, home, corpus, walk([TOKENIZATION], recipe, home, reporter)["tokenization"])
        if _digest(home / "corpus") == _digest(baseline.home / "corpus"):
            return Walked(variant, home, corpus, None)
        given = with_fields(recipe, {"tokenizer.path": str(baseline.home / "tokenizer" / "tokenizer.json")})
        return Walked(variant, home, corpus, walk([ENCODING], given, home, reporter)["tokenization"])
    _link(home / "corpus", baseline.home / "corpus")
    if variant.kind == "tokenization":
        tokens = walk([TOKENIZATION], recipe, home, reporter)["tokenization"]
        return Walked(variant, home, baseline.corpus, tokens)
    for name in TOKENIZATION.outputs:
        _link(home / name, baseline.home / name)
    return Walked(variant, home, baseline.corpus, baseline.tokens)


def _train(walked: Sequence[Walked], seeds: Sequence[int], out: Path, reporter: Reporter) -> dict[str, list[Proxy]]:
    """Train and measure the proxies, all variants with a seed before the next seed; by variant."""
    found: dict[str, list[Proxy]] = {one.variant.name: [] for one in walked}
    total, worked = len(walked) * len(seeds), []
    for done, (seed, one) in enumerate(itertools.product(seeds, walked), 1):
        started = time.perf_counter()
        told = _told(reporter, f"{one.variant.name}, seed {seed}")
        found[one.variant.name].append(_proxy(one, seed, out, told))
        if (seconds := time.perf_counter() - started) > 1:  # else it was there already
            worked.append(seconds)
            left = (total - done) * sum(worked) / len(worked) / 60
            reporter.message(f"{done} of {total} proxies, about {left:,.0f} minutes left")
    return found


def _proxy(one: Walked, seed: int, out: Path, reporter: Reporter) -> Proxy:
    home = one.home / f"seed-{seed}"
    for name in TOKENIZATION.outputs:
        _link(home / name, one.home / name)
    held_out, prompts = out / "held-out" / HELD_OUT, one.variant.recipe.seed
    recipe = with_fields(_of_what_may_be_trained_on(one.variant.recipe), {"seed": seed})
    tokenizer = home / "tokenizer" / "tokenizer.json"

    def measuring(recipe: Recipe, run: Path, progress: Progress) -> dict[str, Any]:
        model = trained_model(recipe, run)
        return measure(recipe, model, tokenizer, held_out, prompts, run / MEASURED, progress)

    measured = Stage(
        "measuring",
        MEASURED,
        lambda sections: {
            "evaluation": sections["evaluation"],
            "corpus": {"languages": sections["corpus"]["languages"]},
            "curation": {"toxicity": {"classifier": sections["curation"]["toxicity"]["classifier"]}},
            "prompts": prompts,
        },
        lambda recipe, run: [*last_checkpoint(recipe, run), tokenizer, held_out, *harm_files(recipe)],
        (MEASURED,),
        measuring,
    )
    torch.compiler.reset()  # else the steps of all proxies are kept, and past eight no more are compiled
    training = walk([TRAINING, measured], recipe, home, reporter)["training"]
    records = [read_record(home / stage.home) for stage in (TRAINING, measured)]
    return Proxy(home / MEASURED, training, frozenset(record.octavo for record in records if record))


def _of_what_may_be_trained_on(recipe: Recipe) -> Recipe:
    """The recipe for documents of which all that is held out, or opted out, has been taken already."""
    return with_fields(recipe, {"curation.held_out.fraction": 0.0, "curation.opt_outs": {}})


def _without_sets(sections: dict[str, Any]) -> dict[str, Any]:
    curation = sections["curation"]
    decontamination = without(curation["decontamination"], "sets")
    return sections | {"curation": curation | {"decontamination": decontamination}}


def _digest(corpus: Path) -> str:
    """Of the documents kept, with their texts by their hashes, and how often each is taken."""
    found = blake3()
    for part in parts_of(corpus / "kept"):
        rows = pq.read_table(part, columns=["identifier", "content_hash", "repeats"]).to_pylist()
        found.update("".join(f"{list(row.values())}\n" for row in rows).encode())
    return found.hexdigest()


def _link(link: Path, target: Path) -> None:
    """Let `link` lead to a folder, by a way that holds wherever all of the ablation is moved to."""
    with plain_words_for_the_disk(target.parent, "between two variants"):
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(os.path.relpath(target, link.parent))


def _told(reporter: Reporter, name: str, silent: bool = False) -> Reporter:
    """Tells whose each line is; or of the stages no more than that they are at work."""

    def message(text: str) -> None:
        reporter.message(f"{name}: {text}")

    @contextlib.contextmanager
    def stage(of: str) -> Iterator[Progress]:
        with reporter.stage(f"{name}: {of}") as progress:
            yield replace(progress, message=(lambda text: None) if silent else message)

    return Reporter(message, stage)
