"""A tune as its stages leave it, with made-up figures, so that what people see of it can be tested."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from octavo.lineage import StageRecord, write_record
from octavo.recipe.file import validate
from octavo.recipe.schema import Recipe

SCRIPT = "<script>alert('x')</script> & \"quoted\""
_BETTER = {"character error rate": (0.031, 0.052), "chrF": (31.4, 14.2), "F1": (0.412, 0.287)}
"""Of the model and of its first baseline, where the model is of use."""
BASELINES = {
    "ocr": ["do nothing", "dictionary"],
    "translation": ["copy the source", "word by word"],
    "rag": ["best sentence", "first source"],
}
_OTHERS = {
    "ocr": {
        "word error rate": (0.112, 0.204),
        "share of errors left": (0.596, 1.0),
        "over-correction rate": (0.00052, 0.0),
    },
    "translation": {"BLEU": (7.1, 0.9), "in the right language": (0.981, 0.011), "not translated": (0.004, None)},
    "rag": {
        "exact match": (0.24, 0.05),
        "citation precision": (0.55, 0.31),
        "citation recall": (0.48, 0.31),
        "verbatim answers": (1.0, 1.0),
        "refusal rate, unanswerable": (0.61, 0.02),
        "refusal rate, answerable": (0.12, 0.01),
    },
}
_GROUPS = {
    "ocr": [("lang", "de"), ("lang", "fr"), ("century", "18"), ("century", "19"), ("start", "below 1 %")],
    "translation": [("lang", "la-en"), ("lang", "fr-de"), ("century", "16")],
    "rag": [("lang", "en"), ("lang", "la")],
}
SAMPLES: dict[str, list[dict[str, str]]] = {
    "ocr": [
        {
            "id": f"page-{n}",
            "lang": "de",
            "source": f"Die Zeitnng erſcheint täg1ich, Nummer {n}.\nSie koftet einen Groſchen im Monat.",
            "answer": answer.format(n),
            "truth": f"Die Zeitung erſcheint täglich, Nummer {n}.\nSie koſtet einen Groſchen im Monat.",
        }
        for n, answer in enumerate(
            [
                "Die Zeitung erſcheint täglich, Nummer {}.\nSie koſtet einen Groſchen im Monat.",
                "Die Zeitung erſcheint täg1ich, Nummer {}.\nSie koſtet einen Groſchen im Monat.",
                "Die Zeitnng erſcheint täg1ich, Nummer {}.\nSie koftet einen Groſchen im Monat.",
                "Die Zeitung erſcheint täglich, Nummer {}.\nSie koſtet einen Groſchen im Mond.",
                "Die Zeit erſchien, Nummer {}.\nSie hat im Mai einen Groſchen.",
                "",
                f"{SCRIPT}, Nummer {{}}.",
            ]
        )
    ],
    "translation": [
        {"id": "aen-1", "group": "la-en", "source": "Arma virumque cano.", "answer": answer, "truth": truth}
        for answer, truth in (("I sing of arms and a man.", "I sing of arms and the man."), (SCRIPT, "He came."))
    ],
    "rag": [
        {
            "id": "q1",
            "lang": "en",
            "question": "When was the bridge built?",
            "source": "The bridge was built in 1742 and fell in 1801.",
            "answer": "“in 1742” [1]",
            "truth": "in 1742",
        },
        {"id": "q2", "lang": "en", "question": "Who paid for it?", "source": "It fell.", "answer": "", "truth": ""},
        {"id": "q3", "lang": "la", "question": SCRIPT, "source": "Pons", "answer": "pons", "truth": "anno"},
    ],
}


def tune_recipe(task: str = "ocr", **sections: Any) -> Recipe:
    """A recipe of a tune whose base is a run's release."""
    data = {
        "name": f"tuned-{task}",
        "tuning": {"base": "models/alder", "task": task, "pairs": ["pairs.jsonl"]},
        "model": {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
        | {"intermediate_size": 160, "max_position_embeddings": 128},
        "training": {"tokens": 61_440, "sequences_per_step": 8, "sequences_per_pass": 8},
        **sections,
    }
    return validate(data, {}, "recipe.yaml")


def scores(task: str, better: bool = True, works: int = 42) -> list[dict[str, Any]]:
    """Figures of the model and of two baselines; the model is worse than the first where it is not better."""
    [main] = [
        name
        for name in _BETTER
        if name in {"ocr": "character error rate", "translation": "chrF", "rag": "F1"}[task]
    ]
    figures = {main: _BETTER[main], **_OTHERS[task]}
    rows = []
    for by, group in [("all", "all"), *_GROUPS[task]]:
        for metric, (ours, theirs) in figures.items():
            if not better and metric in (main, "share of errors left"):
                ours, theirs = (theirs, ours) if metric == main else (1.31, theirs)
            values = {BASELINES[task][0]: theirs, "model": ours, BASELINES[task][1]: theirs}
            if task == "ocr":
                values["model without guard"] = ours * 1.1
            if (group, metric) == ("below 1 %", "character error rate"):
                values = {"model": 0.0051, "do nothing": 0.0050, "dictionary": 0.0093}
            rows += [
                {"system": system, "by": by, "group": group, "metric": metric}
                | {"value": value, "low": 0.95 * value, "high": 1.05 * value, "works": works}
                for system, value in values.items()
                if value is not None
            ]
    return rows


def evaluation(task: str, better: bool = True) -> dict[str, Any]:
    """What measuring makes of a tune."""
    return {
        "command": "octavo evaluate RUN",
        "task": task,
        "base": "models/alder",
        "settings": {"margins": {"0": 6.0, "0.03": 2.0}, "fit": {"before": 0.05}, "refused": {"a name": 3}}
        if task == "ocr"
        else {},
        "scores": scores(task, better),
        "samples": SAMPLES[task],
    }


def pairs(task: str) -> dict[str, Any]:
    """What preparing counts of a tune."""
    groups = {group: 100 for by, group in _GROUPS[task] if by == "lang"}
    return {
        "task": task,
        "base": "models/alder",
        "vocab_size": 2048,
        "added_entries": [],
        "pairs": {
            name: {"pairs": size * len(groups), "documents": size // 2, "groups": dict.fromkeys(groups, size)}
            for name, size in (("training", 2450), ("held_out", 270), ("test", 612))
        },
        "made": 1234,
        "left_out": {"empty": 3, "sides swapped": 11},
        "licences": {"CC-BY-4.0": 6_000, "CC0-1.0": 678},
        "sequences": {
            "given": {"examples": 5100, "sequences": 800, "tokens": 100_000, "padding": 0.0213},
            "made": {"examples": 1234, "sequences": 300, "tokens": 37_000, "padding": 0.0311},
        },
    }


def training(sweep: bool = True) -> dict[str, Any]:
    """What the stage of the training counts."""
    figures = {
        "parameters": 12_345_678,
        "steps": 50,
        "chosen_step": 40,
        "tokens": 51_200,
        "epochs": 1.5,
        "flops": 1e12,
        "loss": 0.41,
        "tokens_per_second": 900.0,
        "device": "cpu",
        "processes": 1,
    }
    rates = [{"learning_rate": 1e-4, "held_out": 0.91}, {"learning_rate": 3e-4, "held_out": 0.88}]
    return figures | ({"sweep": rates, "learning_rate": 3e-4} if sweep else {})


def write_tune(run: Path, task: str = "ocr", sweep: bool = True) -> Path:
    """Write what the stages before the evaluation leave in `run`."""
    languages = [group for by, group in _GROUPS[task] if by == "lang"]
    (run / "pairs").mkdir(parents=True)
    (run / "pairs" / "report.json").write_text(json.dumps(pairs(task)))
    left_out = [("p-7", "empty", "the printed side"), ("p-9", "sides swapped", SCRIPT), ("p-11", "empty", "both")]
    rows = [json.dumps(dict(zip(("id", "reason", "evidence"), row, strict=True))) for row in left_out]
    (run / "pairs" / "left-out.jsonl").write_text("\n".join(rows) + "\n")
    bits = {10: 1.2, 20: 1.0, 30: 0.9, 40: 0.85, 50: 0.87}
    lines = [
        {"step": step, "tokens": 1024 * step, "loss": 3 / step**0.5, "tokens_per_second": 900.0, "mfu": None}
        | {"joules": 10.0 * step}
        | ({"held_out": {lang: bits[step] + 0.1 * n for n, lang in enumerate(languages)}} if step in bits else {})
        for step in range(1, 51)
    ]
    (run / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (run / "evaluation").mkdir()
    record = StageRecord(
        stage="training", done=True, recipe={}, inputs={}, figures=training(sweep), wall_seconds=57.0
    )
    write_record(run / "checkpoints", record)
    return run
