"""Nanotron's learning rate, read into the recipe's schedule."""

from __future__ import annotations

import math
from typing import Any

from octavo.training.nanotron.imported import Imported, Setting
from octavo.training.nanotron.keys import RATE, SCHEDULE


def take_schedule(found: Imported) -> None:
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
    length = found.integer(length_rule, 0, max(steps - warmup, 0))
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
