"""Fields on what the model took, and takes: time, computation and energy."""

from __future__ import annotations

from octavo.energy import in_watt_hours
from octavo.release.manifest import THRESHOLD_FLOPS, Manifest
from octavo.release.papers import wording
from octavo.release.papers.content import Field, Mark, field

_DAY = 86_400
_MONTHS = ((30, "Less than 1 month"), (91, "1 to 3 months"), (182, "3 to 6 months"))
_LONGEST = "More than 6 months"
_BENCHMARK_TOKENS = 100_000
_JOULES_A_MWH = 3.6e9


def training_time(manifest: Manifest) -> Field:
    """Wall time and machine time of the training."""
    train = manifest.training
    days = train.seconds / _DAY
    band = next((name for limit, name in _MONTHS if days < limit), _LONGEST)
    metered = manifest.energy.stages.get("training") if manifest.energy else None
    of_machines = ""
    if metered:
        on = wording.counted(metered.machines, "machine")
        of_machines = f", and {wording.decimal(days * metered.machines)} machine days (on {on})"
    processes = wording.counted(train.processes, "process", "processes")
    return field(
        "training_time",
        "Training time",
        f"{band}: {wording.decimal(days)} days by the clock ({train.seconds:,.0f} seconds), attempts that were "
        "broken off among them.",
        f"That is {wording.decimal(days * train.processes)} process days ({processes} on {train.device})"
        f"{of_machines}.",
    )


def compute(manifest: Manifest) -> Field:
    """The computation of the training beside the Act's threshold."""
    took = manifest.training.flops
    base = " What the base took before is not counted." if manifest.base else ""
    return field(
        "compute",
        "Amount of computation used for training",
        f"{wording.power(took)} FLOPs: {wording.decimal(100 * took / THRESHOLD_FLOPS)} % of the indicative "
        f"threshold of {wording.power(THRESHOLD_FLOPS)} FLOPs.{base}",
    )


def compute_method(manifest: Manifest) -> Field:
    """How the computation is known."""
    return field(
        "compute_method",
        "How the computation was measured",
        "Computed from the architecture and the tokens trained on, not measured: "
        f"{manifest.training.flops_method}, where N are the parameters, L the layers, H the width and S the "
        "tokens of a sequence.",
    )


def energy(manifest: Manifest) -> Field:
    """The energy of the training and of the whole run."""
    label = "Energy used for training"
    found = manifest.energy
    if found is None:
        return field("energy", label, "Not known: the run was not metered.")
    training = found.stages.get("training")
    own = f"Training: {_energy(training.joules)}. " if training else ""
    return field(
        "energy",
        label,
        f"{own}All stages up to the release: {_energy(found.joules)}, with all that ran on the machines besides.",
        *_carbon(manifest),
        columns=("Stage", "Energy", "Machines", "How it is known"),
        rows=[
            [stage, in_watt_hours(one.joules), f"{one.machines:,}", one.method]
            for stage, one in found.stages.items()
        ],
        numbers=(1, 2),
    )


def _energy(joules: float) -> str:
    return f"{wording.decimal(joules / _JOULES_A_MWH)} MWh ({in_watt_hours(joules)})"


def _carbon(manifest: Manifest) -> list[str]:
    found = manifest.energy
    if found is None or found.co2eq_grams is None:
        return ["CO2eq of this electricity, by the country where the machines stand:", Mark("provider.country")]
    return [f"CO2eq: {_mass(found.co2eq_grams)}, by the mean of the electricity of {found.country}."]


def _mass(grams: float) -> str:
    return f"{wording.decimal(grams)} g" if grams < 1000 else f"{wording.decimal(grams / 1000)} kg"


def energy_method(manifest: Manifest) -> Field:
    """How the energy is known."""
    found = manifest.energy
    said = f"Of all stages: {found.method}." if found else "Not applicable: the run was not metered."
    return field("energy_method", "How the energy was measured", said)


def inference(manifest: Manifest) -> Field:
    """The computation of writing, which depends on the model alone."""
    context = manifest.architecture.max_position_embeddings
    return field(
        "inference",
        "Benchmarked amount of computation used for inference",
        f"A token at the beginning of the context: {wording.power(_flops(manifest, 1))} FLOPs; at its end, after "
        f"{context - 1:,} others: {wording.power(_flops(manifest, context))} FLOPs. {_BENCHMARK_TOKENS:,} "
        "tokens, in texts that fill the context: "
        f"{wording.power(_BENCHMARK_TOKENS * _flops(manifest, (context + 1) / 2))} FLOPs.",
    )


def inference_method(manifest: Manifest) -> Field:
    """The formula for it."""
    untied = (
        ""
        if manifest.architecture.tie_word_embeddings
        else " but for the embedding matrix, which is only looked up"
    )
    return field(
        "inference_method",
        "How the computation for inference was measured",
        f"Computed, not measured: 2 N + 4 L H T for each token, where N are the parameters{untied}, L the "
        "layers, H the width and T the tokens that attention looks at, itself among them. Keys and values of "
        "earlier tokens are kept.",
    )


def _flops(manifest: Manifest, tokens: float) -> float:
    """Computation of one token that looks at so many, itself among them."""
    of = manifest.architecture
    looked_up = 0 if of.tie_word_embeddings else of.vocab_size * of.hidden_size
    return 2 * (of.parameters - looked_up) + 4 * of.num_hidden_layers * of.hidden_size * tokens
