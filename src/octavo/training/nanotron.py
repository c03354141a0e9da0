"""Nanotron's settings (huggingface/nanotron), read into a recipe.

Three generations are read: to March 2024 (`data`, the adam_* keys flat in `optimizer`), from April 2024
(`data_stages`, `optimizer_factory`), and from 2025 on (`metrics_logging`, qwen2_config). Each setting of a file
has exactly one fate: it is taken into the recipe, it says what octavo does anyway, or it is dropped. Only what
would make another model than a Llama, and values that cannot be, end with an error.
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from octavo.errors import InputError
from octavo.recipe import NAME, OWN_TOKENS, Recipe
from octavo.recipe_file import dump, validate
from octavo.training.nanotron_data import DATA, given_folders, read_stages, take_stages
from octavo.training.nanotron_keys import (
    ALIKE,
    BATCH,
    DEFAULTS,
    DROPPED,
    DROPPED_SECTIONS,
    LEAVES,
    NEEDED,
    NO_CLIP,
    RATE,
    SCHEDULE,
    TAKEN,
)

MOST_SETTINGS = 10_000
"""A file with more is refused: aliases of aliases can grow without end."""

TOKENIZER = "tokenizer.tokenizer_name_or_path"

Fate = Literal["taken", "alike", "dropped"]


@dataclass(frozen=True)
class Setting:
    """What a file says: dotted key, line, value."""

    key: str
    line: int
    value: Any

    @property
    def rule(self) -> str:
        """The key by which the tables below know it, alike for all generations."""
        name = re.sub(r"\[\d+\]", "[]", self.key)
        name = name.replace("data_stages[].data.", "data.", 1) if name.startswith("data_stages[].data.") else name
        return name.replace("optimizer.optimizer_factory.", "optimizer.", 1)


@dataclass(frozen=True)
class Row:
    """What became of a setting."""

    key: str
    line: int
    value: Any
    fate: Fate
    words: str
    """The fields of the recipe that took it, or why it is not taken."""


@dataclass
class Imported:
    """A recipe from nanotron's settings, and what became of each of them."""

    file: str
    rows: list[Row] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[tuple[str | int, ...], str] = field(default_factory=dict)
    settings: dict[str, Setting] = field(default_factory=dict)
    """By rule; of a key that several stages give, the first."""
    sources: list[dict[str, Any]] = field(default_factory=list)

    @property
    def recipe(self) -> Recipe:
        """The recipe; InputError, with the line in nanotron's file, for a value that cannot be."""
        return validate(self.data, self.lines, self.file)

    def figures(self) -> dict[str, Any]:
        """The recipe, and what became of each setting, as plain data."""
        settings = [asdict(row) | {"value": _for_json(row.value)} for row in self.rows]
        return {"recipe": self.recipe.model_dump(mode="json"), "settings": settings}

    def put(self, setting: Setting, where: str, value: Any) -> None:
        """Set a field of the recipe."""
        *sections, name = where.split(".")
        target = self.data
        for section in sections:
            target = target.setdefault(section, {})
        target[name] = value
        self.lines[tuple(where.split("."))] = f"{self.file}:{setting.line}"

    def note(self, setting: Setting, fate: Fate, words: str) -> None:
        """Record what became of a setting."""
        self.rows.append(Row(setting.key, setting.line, setting.value, fate, words))

    def refuse(self, setting: Setting, expected: str) -> InputError:
        """The error of a value that cannot be."""
        at = f"{self.file}:{setting.line}: {_shown(setting.key, quoted=False)}"
        return InputError(f"{at}: found {_shown(setting.value)}, expected {expected}")

    def value(self, rule: str, default: Any = None) -> Any:
        """A setting's value, `default` where it is missing or null."""
        setting = self.settings.get(rule)
        return default if setting is None or setting.value is None else _plain(setting.value)

    def integer(self, rule: str, least: int, default: int | None = None) -> int:
        """A whole number of at least `least`; InputError where it is none, or missing without a default."""
        value = self.value(rule, default)
        if rule not in self.settings and default is None:
            raise InputError(f"{self.file}: {rule}: missing; it must be given")
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise self.refuse(self.settings[rule], f"a whole number of at least {least}")
        return value

    def number(self, rule: str, least: float, default: float | None = None) -> float:
        """A finite number of at least `least`; InputError where it is none, or missing without a default."""
        value = self.value(rule, default)
        if rule not in self.settings and default is None:
            raise InputError(f"{self.file}: {rule}: missing; it must be given")
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value < math.inf:
            raise self.refuse(self.settings[rule], f"a number of at least {least:g}")
        return float(value)


def read(path: Path) -> Imported:
    """Read nanotron's settings.

    Raises InputError, with the file, the line and nanotron's key, for what is no such file, no Llama, or a
    value that cannot be.
    """
    found = Imported(str(path))
    settings = list(_settings(_compose(path), found))
    if not any(setting.key.startswith("model.model_config.") for setting in settings):
        raise InputError(f"{path}: found no model.model_config, expected nanotron's settings")
    for setting in settings:
        found.settings.setdefault(setting.rule, setting)
    name = _name(path.stem) or "imported"
    found.put(Setting("", 1, None), "name", name)
    stages = read_stages(found, settings, _name(str(found.value("general.run", ""))) or name)
    for setting in settings:
        _decide(found, setting)
    _take_defaults(found)
    _take_batch(found)
    _take_schedule(found)
    take_stages(found, stages)
    if given_folders(stages):
        _need_tokenizer(found)
    own = not stages or any(OWN_TOKENS in stage.weights for stage in stages)
    stand_in = [{"path": "builtin:starter"}] if own else []
    found.put(Setting("", 1, None), "corpus.sources", found.sources or stand_in)
    found.rows.sort(key=lambda row: row.line)
    validate(found.data, found.lines, found.file)
    return found


def recipe_text(found: Imported) -> str:
    """The recipe as YAML, with a comment for each setting that was dropped, above the section that it concerns."""
    sections = {"general": "name", "model": "model", "tokenizer": "tokenizer", "data": "corpus"}
    above: dict[str, list[str]] = {}
    for row in found.rows:
        if row.fate == "dropped":
            section = sections.get(re.split(r"[.\[]", row.key)[0].removesuffix("_stages"), "training")
            key = _shown(row.key, quoted=False)
            comment = f"# line {row.line}, {key} {_shown(row.value)}: dropped; {row.words}"
            above.setdefault(section, []).append(comment)
    if not found.sources and found.recipe.corpus.sources:
        above.setdefault("corpus", []).append("# No documents are named there: the starter corpus stands in.")
    lines = [f"# From nanotron's settings in {_shown(Path(found.file).name, quoted=False)}."]
    for line in dump(found.recipe).splitlines():
        lines += above.get(line.split(":")[0], [])
        lines.append(line)
    return "\n".join(lines) + "\n"


def print_fates(found: Imported) -> None:
    """Print on stderr what was taken and what octavo does anyway, as a table, then a warning for all else."""
    cells = [("line", "setting", "value", "became")]
    for row in (row for row in found.rows if row.fate != "dropped"):
        words = row.words if row.fate == "taken" else f"the same here; {row.words}"
        cells.append((str(row.line), _shown(row.key, quoted=False), _shown(row.value), words))
    widths = [max(len(cell[column]) for cell in cells) for column in range(3)]
    for line, key, value, words in cells:
        print(f"{line:>{widths[0]}}  {key:<{widths[1]}}  {value:<{widths[2]}}  {words}", file=sys.stderr)
    for row in found.rows:
        if row.fate == "dropped":
            key = _shown(row.key, quoted=False)
            warning = f"{found.file}:{row.line}: {key} {_shown(row.value)}: dropped; {row.words}"
            print(f"octavo: warning: {warning}", file=sys.stderr)


def _compose(path: Path) -> yaml.Node:
    try:
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected nanotron's settings (YAML)") from None
    except IsADirectoryError:
        raise InputError(f"{path}: found a folder, expected nanotron's settings (YAML)") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: found bytes that are not UTF-8 at offset {error.start}") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{path}:1: found no mapping, expected nanotron's settings with general and model")
    return node


def _settings(root: yaml.Node, found: Imported) -> Iterator[Setting]:
    """All settings in the order of the file; of a key that is given twice, as in YAML, the last counts."""
    loader, count = yaml.SafeLoader(""), 0

    def walk(node: yaml.Node, key: str) -> Iterator[Setting]:
        nonlocal count
        count += 1
        if count > MOST_SETTINGS:
            raise InputError(f"{found.file}: found over {MOST_SETTINGS:,} settings, expected nanotron's")
        setting = Setting(key, node.start_mark.line + 1, None)
        if isinstance(node, yaml.MappingNode) and node.value and setting.rule not in LEAVES:
            loader.flatten_mapping(node)
            last = {str(name.value): (name, value) for name, value in node.value}
            for name, value in node.value:
                inner = f"{key}.{name.value}".lstrip(".")
                given = Setting(inner, name.start_mark.line + 1, None)
                if not isinstance(name, yaml.ScalarNode):
                    found.note(given, "dropped", "a key is a name")
                elif last[name.value][1] is not value:
                    found.note(given, "dropped", "given again below")
                else:
                    for below in walk(value, inner):
                        yield Setting(below.key, given.line, below.value) if below.key == inner else below
        elif isinstance(node, yaml.SequenceNode) and any(isinstance(item, yaml.MappingNode) for item in node.value):
            for index, item in enumerate(node.value):
                yield from walk(item, f"{key}[{index}]")
        else:
            yield Setting(key, setting.line, loader.construct_object(node, deep=True))

    try:
        yield from walk(root, "")
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{found.file}:{line}: not valid YAML: {error.problem}") from None
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise InputError(f"{found.file}: not valid YAML: {' '.join(str(error).split())}") from None


def _decide(found: Imported, setting: Setting) -> None:
    """Give a setting its fate, unless _take_batch or _take_schedule does."""
    rule, value = setting.rule, _plain(setting.value)
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
    if given.suffix == ".json" or file.is_file():
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
        found.put(setting, "training.optimizer.gradient_clip", _plain(setting.value))
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
    given = setting.value
    names = [given] if isinstance(given, str) else list(given) if isinstance(given, list | dict) else []
    if not names or not all(isinstance(name, str) and re.fullmatch(r"[\w.-]+/[\w.-]+", name) for name in names):
        found.note(setting, "dropped", "expected OWNER/NAME on the hub: name your documents in corpus.sources")
        return
    prefix = setting.key.removesuffix("hf_dataset_or_datasets")
    column = next((r for r in found.settings.values() if r.key == f"{prefix}text_column_name"), None)
    text = column.value if column and isinstance(column.value, str) else "text"
    columns = {"columns": {"text": text}} if text != "text" else {}
    found.sources += [{"path": f"hf://datasets/{name}", **columns} for name in names]
    weights = ", without the weights" if isinstance(given, dict) else ""
    found.note(setting, "taken", f"corpus.sources{weights}")


def _take_column(found: Imported, setting: Setting) -> None:
    found.note(setting, "taken" if found.sources else "dropped", "corpus.sources[].columns")


def _take_evaluation(found: Imported, setting: Setting) -> None:
    if _plain(setting.value) in (-1, 0, None):
        found.note(setting, "alike", "training.evaluate_every_steps is null")
    else:
        found.put(setting, "training.evaluate_every_steps", _plain(setting.value))
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


def _take_schedule(found: Imported) -> None:
    """The learning rate: as nanotron computes it, read into the schedule that is nearest.

    Where its decay would overrun the last step, the rate that it has then becomes the final one.
    """
    warmup_rule, warmup_style, style_rule, start_rule, length_rule, least_rule = SCHEDULE
    if f"{RATE}learning_rate" not in found.settings:
        for setting in (found.settings[rule] for rule in SCHEDULE if rule in found.settings):
            found.note(setting, "dropped", "without a learning_rate octavo's schedule is taken")
        return
    peak = found.number(f"{RATE}learning_rate", 0)
    steps = found.integer("tokens.train_steps", 1)
    warmup = found.integer(warmup_rule, 0, 0)
    rise = found.value(warmup_style, "linear")
    style = found.value(style_rule, "linear")
    for rule, value, known in (
        (warmup_style, rise, ("linear", "constant")),
        (style_rule, style, ("linear", "cosine", "1-sqrt")),
    ):
        if value not in known:
            raise found.refuse(found.settings[rule], f"one of {', '.join(known)}")
    start = found.integer(start_rule, 0, warmup)
    length = found.integer(length_rule, 0, steps - warmup)
    least = found.number(least_rule, 0, peak)
    if peak <= 0:
        raise found.refuse(found.settings[f"{RATE}learning_rate"], "a number over 0")
    if least > peak:
        raise found.refuse(found.settings[least_rule], f"at most learning_rate ({peak:g})")
    fields: dict[str, Any] = {"warmup_steps": warmup if rise == "linear" else 0}
    left = max(1 - (steps - start) / length, 0.0) if length else 1.0
    if style == "cosine":
        left = (1 - math.cos(math.pi * min(left, 1.0))) / 2
    final = float(f"{least / peak + (1 - least / peak) * left:.12g}")
    constant = final >= 1
    if constant:
        fields |= {"name": "warmup-stable-decay", "decay_fraction": 0.0}
    elif style == "cosine" and start == warmup:
        fields |= {"name": "cosine", "final_ratio": final}
    else:
        # The recipe's share is under 1, and rounded to whole steps.
        fraction = (steps - max(start, 0.25)) / steps
        fields |= {"name": "warmup-stable-decay", "decay_fraction": fraction, "final_ratio": final}
    for setting in (found.settings[rule] for rule in SCHEDULE if rule in found.settings):
        _note_schedule(found, setting, fields, style, start + length, steps, constant)
    stand_in = found.settings[f"{RATE}learning_rate"]
    for name, value in fields.items():
        found.put(stand_in, f"training.schedule.{name}", value)


def _note_schedule(
    found: Imported,
    setting: Setting,
    fields: dict[str, Any],
    style: str,
    end: int,
    steps: int,
    constant: bool,
) -> None:
    """What became of one setting of the learning rate."""
    name = setting.key.rpartition(".")[2]
    shape = "cosine" if fields["name"] == "cosine" else "linear"
    share = f"training.schedule.decay_fraction = {fields.get('decay_fraction', 0):.6g}"
    if name in ("lr_warmup_steps", "lr_warmup_style"):
        found.note(setting, "taken", f"training.schedule.warmup_steps = {fields['warmup_steps']:,}")
    elif name == "lr_decay_style" and not constant and style != shape:
        words = "octavo's cosine begins after the warm-up" if style == "cosine" else "octavo's decay is linear"
        found.note(setting, "dropped", f"{words}; warmup-stable-decay is taken")
    elif name == "lr_decay_style":
        found.note(setting, "taken", f"training.schedule.name = {fields['name']}")
    elif constant:
        found.note(setting, "taken", "training.schedule.decay_fraction = 0: nothing decays")
    elif name == "lr_decay_starting_step":
        found.note(setting, "taken", "training.schedule.name = cosine" if shape == "cosine" else share)
    elif name == "lr_decay_steps" and end < steps:
        words = f"octavo decays to the last step, {steps:,}, and not to step {end:,}"
        found.note(setting, "dropped", words)
    elif name == "lr_decay_steps" and end > steps:
        words = f"it would end at step {end:,} of {steps:,}, with"
        found.note(setting, "taken", f"{words} training.schedule.final_ratio = {fields['final_ratio']:.6g} then")
    elif name == "lr_decay_steps":
        found.note(setting, "taken", "octavo too decays to the last step")
    else:
        found.note(setting, "taken", f"training.schedule.final_ratio = {fields['final_ratio']:.6g}")


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


def _plain(value: Any) -> Any:
    """A value, with numbers such as 1e-5, which YAML 1.1 takes for text, as numbers."""
    if isinstance(value, str) and re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+", value.strip()):
        return float(value)
    return value


def _among(value: Any, values: tuple[Any, ...]) -> bool:
    """Whether a value is one of those, of the same kind: 1 is not true."""
    return any(type(value) is type(one) and value == one for one in values)


def _for_json(value: Any) -> Any:
    """A value as it is, or in words where JSON has no such thing: a date, a set, no number."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return _shown(value)
    return value


def _shown(value: Any, quoted: bool = True) -> str:
    """A value in a few characters, none of which a terminal would obey."""
    shown = json.dumps(value) if value is None or isinstance(value, bool) else ascii(value)
    shown = shown if quoted or not isinstance(value, str) else shown[1:-1]
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
