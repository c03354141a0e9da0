"""What an ablation can leave out of a recipe, or choose otherwise: names, what they mean, and the fields they set.

Each choice is tried alone against the recipe as it is. What it sets are fields that anyone can set, so that the
variant is a recipe like any other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from octavo.errors import InputError
from octavo.recipe.file import apply_settings, validate
from octavo.recipe.schema import Recipe, Tokenizer

Fields = Mapping[str, Any]
"""Fields of a recipe, dotted, with their values."""

Kind = Literal["curation", "tokenization", "training"]
"""The first stage that a choice changes; what comes before is the baseline's own."""

BASELINE: Final = "baseline"
NONE: Final = "none"

RULES: Final[dict[str, tuple[str, Fields]]] = {
    "repair": (
        "damage is left as it is, and texts that lost characters stay",
        {"curation.repair": False, "curation.lost_characters": 1.0},
    ),
    "personal-data": ("addresses and numbers of persons stay", {"curation.personal_data": "keep"}),
    "ocr": ("badly recognised texts stay", {"curation.ocr.remove": 1.0}),
    "quality": ("poor texts stay", {"curation.quality.enabled": False}),
    "decontamination": ("texts of evaluation sets stay", {"curation.decontamination.sets": []}),
    "near-duplicates": ("near copies stay", {"curation.duplicates.similarity": 1.0}),
    "passages": ("passages that stand in many works stay in all", {"curation.duplicates.passage_works": 10**9}),
    "toxicity": ("harmful passages stay", {"curation.toxicity.enabled": False}),
    "mixture": (
        "all is taken as it is, once",
        {f"curation.mixture.{by}": {} for by in ("languages", "collections", "centuries")},
    ),
}
"""The families of curation's rules that can be left out, and the fields that switch them off."""

ALL_RULES: Final[Fields] = {field: value for _, fields in RULES.values() for field, value in fields.items()}

REFUSED: Final = {
    "licences": "they are law, and no matter of what a model learns",
    "opt-outs": "they are law, and no matter of what a model learns",
    "languages": "they say what the model is of, and not which texts are good",
}
"""What no variant leaves out, and why."""

RATES: Final = {"adamw": 3e-3, "muon": 5e-3}
"""Learning rates of octavo's own recipes."""
RATES_WIDTH: Final = 256
"""How wide their models are."""


class Change(NamedTuple):
    """What a choice makes of a recipe."""

    told: str
    """What is so then, in words."""
    fields: Fields
    """Fields that are set otherwise; none where the recipe has nothing of it."""


class Choice(NamedTuple):
    """Something that can be left out, or chosen otherwise."""

    name: str
    kind: Kind
    change: Callable[[Recipe], Change]


@dataclass(frozen=True)
class Variant:
    """A recipe to train proxies of: the baseline, or it with one thing changed."""

    name: str
    kind: Kind
    change: Change
    recipe: Recipe


def _always(told: str, fields: Fields) -> Callable[[Recipe], Change]:
    return lambda recipe: Change(told, fields)


def _superwords(recipe: Recipe) -> Change:
    settings = recipe.tokenizer
    if settings.path:
        return Change("the tokenizer is given", {})
    share = 0.0 if settings.superwords else Tokenizer().superwords
    told = f"{share:.0%} of the entries may reach" if share else "no entry reaches"
    return Change(f"{told} over several words", {"tokenizer.superwords": share})


def _vocabulary(recipe: Recipe) -> Change:
    if recipe.tokenizer.path:
        return Change("the tokenizer is given", {})
    size = max(512, recipe.tokenizer.vocab_size // 2)
    return Change(f"the vocabulary has {size:,} entries", {"tokenizer.vocab_size": size})


def _optimizer(recipe: Recipe) -> Change:
    own = recipe.training.optimizer
    other = "adamw" if own.name == "muon" else "muon"
    fields = {"training.optimizer.name": other, "training.optimizer.learning_rate": RATES[other]}
    # Else the rate would be taken for one that was found at the recipe's own width.
    fields |= {"training.optimizer.width": RATES_WIDTH} if own.width else {}
    return Change("AdamW trains all" if other == "adamw" else "Muon trains the layers' matrices", fields)


CHOICES: Final = {
    choice.name: choice
    for choice in (
        *(Choice(name, "curation", _always(*rule)) for name, rule in RULES.items()),
        Choice(NONE, "curation", _always("none of these rules decides", ALL_RULES)),
        Choice("superwords", "tokenization", _superwords),
        Choice("vocabulary", "tokenization", _vocabulary),
        Choice("optimizer", "training", _optimizer),
    )
}


def with_fields(recipe: Recipe, fields: Fields) -> Recipe:
    """The recipe with some fields set otherwise."""
    data = recipe.model_dump(mode="json")
    apply_settings(data, {}, fields)
    return validate(data, {}, recipe.name)


def variants(recipe: Recipe, wanted: Sequence[str] | None) -> tuple[list[Variant], list[str]]:
    """The recipe as it is, then with each wanted choice; and the names of choices that it has nothing of.

    None wants all. Raises InputError for a name that is no choice, that is never left out, or that a person names
    and the recipe has nothing of.
    """
    found = [Variant(BASELINE, "curation", Change("the recipe is as it is", {}), recipe)]
    missing = []
    for choice in _wanted(wanted):
        change = choice.change(recipe)
        changed = with_fields(recipe, change.fields)
        if changed == recipe:
            missing.append(choice.name)
        else:
            found.append(Variant(choice.name, choice.kind, change, changed))
    if wanted is not None and missing:
        raise InputError(f"--rules: found {', '.join(missing)}, of which the recipe has nothing to leave out")
    return found, missing


def _wanted(names: Sequence[str] | None) -> list[Choice]:
    for name in names or ():
        if name in REFUSED:
            raise InputError(f"--rules: found {name}, which no variant leaves out: {REFUSED[name]}")
        if name not in CHOICES:
            raise InputError(f"--rules: found {name!r}, expected some of {', '.join(CHOICES)}")
    return list(CHOICES.values()) if names is None else [CHOICES[name] for name in dict.fromkeys(names)]
