"""Nanotron's settings (huggingface/nanotron), read into a recipe.

Three generations are read: to March 2024 (`data`, the adam_* keys flat in `optimizer`), from April 2024
(`data_stages`, `optimizer_factory`), and from 2025 on (`metrics_logging`, qwen2_config). Each setting of a file
has exactly one fate: it is taken into the recipe, it says what octavo does anyway, or it is dropped. Only what
would make another model than a Llama, and values that cannot be, end with an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.errors import InputError
from octavo.recipe.file import validate
from octavo.recipe.schema import NAME
from octavo.recipe.training import OWN_TOKENS
from octavo.training.nanotron.data import DATA, given_folders, names_in, read_stages, take_stages
from octavo.training.nanotron.file import read_settings
from octavo.training.nanotron.imported import Imported, Setting, plain
from octavo.training.nanotron.keys import (
    ALIKE,
    BATCH,
    DEFAULTS,
    DROPPED,
    DROPPED_SECTIONS,
    NEEDED,
    NO_CLIP,
    SCHEDULE,
    TAKEN,
)
from octavo.training.nanotron.schedule import take_schedule

TOKENIZER = "tokenizer.tokenizer_name_or_path"


def read(path: Path) -> Imported:
    """Read nanotron's settings.

    Raises InputError, with the file, the line and nanotron's key, for what is no such file, no Llama, or a
    value that cannot be.
    """
    found = Imported(str(path))
    settings = read_settings(path, found)
    if not any(setting.key.startswith("model.model_config.") for setting in settings):
        raise InputError(f"{path}: found no model.model_config, expected nanotron's settings")
    for setting in settings:
        found.given[setting.key] = setting
        found.settings.setdefault(setting.rule, setting)
    name = _name(path.stem) or "imported"
    found.put(Setting("", 1, None), "name", name)
    stages = read_stages(found, settings, _name(str(found.value("general.run", ""))) or name)
    for setting in settings:
        _decide(found, setting)
    _take_defaults(found)
    _take_batch(found)
    take_schedule(found)
    take_stages(found, stages)
    if given_folders(stages):
        _need_tokenizer(found)
    own = not stages or any(OWN_TOKENS in stage.weights for stage in stages)
    stand_in = [{"path": "builtin:starter"}] if own else []
    found.put(Setting("", 1, None), "corpus.sources", found.sources or stand_in)
    found.rows.sort(key=lambda row: row.line)
    validate(found.data, found.lines, found.file)
    return found


def _decide(found: Imported, setting: Setting) -> None:
    """Give a setting its fate, unless _take_batch or take_schedule does."""
    rule, value = setting.rule, plain(setting.value)
    section = rule.split(".")[0]
    if re.fullmatch(r"model\.model_config\.is_\w+_config", rule) and rule not in NEEDED and rule not in ALIKE:
        raise found.refuse(setting, "is_llama_config: octavo makes Llama models")
    if rule in NEEDED:
        values, expected = NEEDED[rule]
        if not _among(value, values):
            raise found.refuse(setting, expected)
        found.note(setting, "alike", "as a Llama has it")
    elif rule in TAKEN:
        if value is not None:
            found.put(setting, TAKEN[rule], value)
            found.note(setting, "taken", TAKEN[rule])
    elif rule in COMPUTED:
        COMPUTED[rule](found, setting)
    elif rule in ALIKE:
        values, words = ALIKE[rule]
        found.note(setting, "alike" if _among(value, values) else "dropped", words)
    elif rule in DROPPED or section in DROPPED_SECTIONS:
        words = DROPPED.get(rule) or DROPPED_SECTIONS[section]
        found.note(setting, "alike" if value is None else "dropped", words)
    elif rule not in LATER:
        found.note(setting, "dropped", "octavo knows no such setting of nanotron")


def _take_name(found: Imported, setting: Setting) -> None:
    name = _name(str(setting.value)) if setting.value is not None else None
    if name is None:
        found.note(setting, "dropped", "a run's name has letters, digits, dots, dashes and underlines")
        return
    found.put(setting, "name", name)
    changed = "" if name == setting.value else f" = {name}, without what nanotron fills in at the start"
    found.note(setting, "taken", f"name{changed}")


def _name(written: str) -> str | None:
    """The name of a run: nanotron's %date and %jobid are filled in at its start and left out here."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub(r"[_-]?%(date|jobid)", "", written)).strip("-_.")
    return name if re.fullmatch(NAME, name) else None


def _take_tokenizer(found: Imported, setting: Setting) -> None:
    """A tokenizer.json or a folder with one is taken; a name on a hub cannot be read without a network."""
    if setting.value is None:
        found.note(setting, "alike", "octavo trains the tokenizer")
        return
    given = Path(str(setting.value))
    file = given if given.suffix == ".json" else given / "tokenizer.json"
    if given.suffix == ".json" or os.path.isfile(file):  # False, too, of a name that no file can have
        found.put(setting, "tokenizer.path", str(file))
        found.note(setting, "taken", "tokenizer.path")
    else:
        found.note(
            setting, "dropped", "octavo reads a tokenizer.json: name one in tokenizer.path, or it trains one"
        )


def _need_tokenizer(found: Imported) -> None:
    """Name the file that token files are read with, where the settings have no file of it."""
    if "path" in found.data.get("tokenizer", {}):
        return
    setting = found.settings.get(TOKENIZER)
    named = str(setting.value) if setting and setting.value else "tokenizer"
    found.put(setting or Setting(TOKENIZER, 1, None), "tokenizer.path", f"{named}/tokenizer.json")
    if setting:
        found.rows = [row for row in found.rows if row.key != setting.key]
        words = f"tokenizer.path = {named}/tokenizer.json, which token files need: save it there, or name its place"
        found.note(setting, "taken", words)


def _take_dtype(found: Imported, setting: Setting) -> None:
    precision = str(setting.value or "bfloat16").removeprefix("torch.")
    if precision not in ("bfloat16", "float32"):
        found.note(setting, "dropped", "octavo computes in bfloat16 or float32; bfloat16 is taken")
        return
    found.put(setting, "training.precision", precision)
    found.note(setting, "taken", "training.precision")


def _take_clip(found: Imported, setting: Setting) -> None:
    if setting.value is None:
        found.put(setting, "training.optimizer.gradient_clip", NO_CLIP)
        found.note(setting, "taken", f"training.optimizer.gradient_clip = {NO_CLIP:g}, which no gradient reaches")
    else:
        found.put(setting, "training.optimizer.gradient_clip", plain(setting.value))
        found.note(setting, "taken", "training.optimizer.gradient_clip")


def _take_undecayed(found: Imported, setting: Setting) -> None:
    patterns = setting.value if isinstance(setting.value, list) else []
    norms = bool(patterns) and all("norm" in str(pattern) for pattern in patterns)
    found.note(setting, "alike" if norms else "dropped", "octavo decays all but the norms")


def _take_betas(found: Imported, setting: Setting) -> None:
    betas = [found.number(f"optimizer.adam_beta{n}", 0, default) for n, default in ((1, 0.9), (2, 0.95))]
    found.put(setting, "training.optimizer.betas", betas)
    found.note(setting, "taken", "training.optimizer.betas")


def _take_datasets(found: Imported, setting: Setting) -> None:
    """Datasets of Hugging Face's hub, by name, in a list, or with weights."""
    names = _names_on_the_hub(setting)
    if not names:
        found.note(setting, "dropped", "expected OWNER/NAME on the hub: name your documents in corpus.sources")
        return
    prefix = setting.key.removesuffix("hf_dataset_or_datasets")
    column = found.given.get(f"{prefix}text_column_name")
    text = column.value if column and isinstance(column.value, str) else "text"
    columns = {"columns": {"text": text}} if text != "text" else {}
    found.sources += [{"path": f"hf://datasets/{name}", **columns} for name in names]
    weights = ", without the weights" if isinstance(setting.value, dict) else ""
    found.note(setting, "taken", f"corpus.sources{weights}")


def _names_on_the_hub(setting: Setting) -> list[str]:
    """The datasets that a setting names; none where one of them is no OWNER/NAME."""
    names = names_in(setting.value)
    on_hub = all(isinstance(name, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", name) for name in names)
    return names if on_hub else []


def _take_column(found: Imported, setting: Setting) -> None:
    datasets = found.given.get(setting.key.replace("text_column_name", "hf_dataset_or_datasets"))
    if datasets and _names_on_the_hub(datasets):
        found.note(setting, "taken", "corpus.sources[].columns")
    else:
        found.note(setting, "dropped", "no dataset of the hub is read here")


def _take_evaluation(found: Imported, setting: Setting) -> None:
    if plain(setting.value) in (-1, 0, None):
        found.note(setting, "alike", "training.evaluate_every_steps is null")
    else:
        found.put(setting, "training.evaluate_every_steps", plain(setting.value))
        found.note(setting, "taken", "training.evaluate_every_steps")


def _take_defaults(found: Imported) -> None:
    """Nanotron's own defaults, for what the file leaves open."""
    for rule, default in DEFAULTS.items():
        setting = found.settings.get(rule)
        if setting is None or setting.value is None:
            found.put(setting or Setting(rule, 1, None), TAKEN[rule], default)
            if setting:
                found.note(setting, "taken", f"{TAKEN[rule]} = {default}, nanotron's default")
    rule = "model.model_config.num_key_value_heads"
    setting = found.settings.get(rule)
    if setting is None or setting.value is None:
        heads = found.data["model"]["num_attention_heads"]
        found.put(setting or Setting(rule, 1, None), TAKEN[rule], heads)
        if setting:
            found.note(setting, "taken", f"{TAKEN[rule]} = {heads}, as many as heads")
    for rule, where in TAKEN.items():  # of what else is null, octavo's default is taken
        setting = found.settings.get(rule)
        if setting and setting.value is None and rule not in DEFAULTS and not rule.endswith("key_value_heads"):
            found.note(setting, "dropped", f"{where} has octavo's default")


def _take_batch(found: Imported) -> None:
    """Steps, sequences a step and a pass, and their length."""
    steps, length = found.integer("tokens.train_steps", 1), found.integer("tokens.sequence_length", 2)
    micro, accumulated, replicas = (found.integer(rule, 1) for rule in BATCH)
    batch = micro * accumulated * replicas
    first = found.settings[BATCH[0]]
    found.put(first, "training.sequences_per_step", batch)
    found.put(first, "training.sequences_per_pass", micro)
    product = f"training.sequences_per_step = {micro} x {accumulated} x {replicas} = {batch:,}"
    found.note(first, "taken", f"training.sequences_per_pass; {product}")
    for rule in BATCH[1:]:
        found.note(found.settings[rule], "taken", product)
    steps_set = found.settings["tokens.train_steps"]
    found.put(steps_set, "training.tokens", steps * batch * length)
    words = f"training.tokens = {steps:,} x {batch:,} x {length:,} = {steps * batch * length:,}"
    found.note(steps_set, "taken", words)
    length_set = found.settings["tokens.sequence_length"]
    if length != found.data["model"]["max_position_embeddings"]:
        found.put(length_set, "training.sequence_length", length)
    found.note(length_set, "taken", "training.sequence_length")


def _take_z_loss(found: Imported, setting: Setting) -> None:
    enabled, coefficient = "model.model_config.z_loss_enabled", "model.model_config.z_loss_coefficient"
    if found.value(enabled, False) is not True:
        found.note(setting, "alike", "without z_loss_enabled there is none")
        return
    found.put(setting, "training.z_loss", found.number(coefficient, 0, 1e-4))
    found.note(setting, "taken", "training.z_loss")


COMPUTED: dict[str, Callable[[Imported, Setting], None]] = {
    "general.run": _take_name,
    TOKENIZER: _take_tokenizer,
    "model.dtype": _take_dtype,
    "optimizer.clip_grad": _take_clip,
    "optimizer.weight_decay_exclude_named_params": _take_undecayed,
    "optimizer.adam_beta1": _take_betas,
    "optimizer.adam_beta2": _take_betas,
    "data.dataset.hf_dataset_or_datasets": _take_datasets,
    "data.dataset.text_column_name": _take_column,
    "tokens.val_check_interval": _take_evaluation,
    "model.model_config.z_loss_enabled": _take_z_loss,
    "model.model_config.z_loss_coefficient": _take_z_loss,
}
"""Settings that become something else on the way."""

LATER = {*BATCH, *DATA, *SCHEDULE, "tokens.train_steps", "tokens.sequence_length"}
"""Settings that are read together."""


def _among(value: Any, values: tuple[Any, ...]) -> bool:
    """Whether a value is one of those, of the same kind: 1 is not true."""
    return any(type(value) is type(one) and value == one for one in values)
