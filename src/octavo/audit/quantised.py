"""What a release says of its GGUF files: which there are, their sizes and types, and what each loses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from octavo.audit.claims import Claim, all_or_each, failed
from octavo.audit.differences import differences
from octavo.audit.opening import Audited, other_version
from octavo.errors import InputError
from octavo.modeling.gguf.header import tensor_types
from octavo.progress import Progress
from octavo.release.exporting import gguf_files
from octavo.release.quantised import WRITTEN, measure_quantised
from octavo.release.quantised_figures import FILE, GgufFile, Quantised, read_quantised
from octavo.stages import trained_model

BITS: Final = 1e-4
"""By which bits per byte may differ, as sums of floats come in another order on another machine. A token that is
nearly as likely as the next may fall the other way there, so that the rest of one greedy text is another."""


def check_quantised(audited: Audited) -> Iterator[Claim]:
    """That what was measured is of the GGUF files that are there."""
    made = {
        path.relative_to(audited.release).as_posix()
        for path in gguf_files(audited.recipe, audited.release).values()
    }
    if not made:
        return
    said = "names each GGUF file, with its size and the types of its tensors"
    try:
        stated = read_quantised(audited.release)
    except (OSError, ValueError) as error:
        yield failed("papers", FILE, said, str(error).strip().split("\n", 1)[0])
        return
    named = {} if stated is None else {file.path: file for file in stated.files}
    problems = [(FILE, f"names no {name}") for name in sorted(made - {*named})]
    problems += [(name, "is no file of this release") for name in sorted({*named} - made)]
    problems += [(n, what) for n in sorted(made & {*named}) for what in _differs(audited.release / n, named[n])]
    yield from all_or_each("papers", FILE, said, problems)


def _differs(path: Path, stated: GgufFile) -> Iterator[str]:
    """In what a file is not as it is named."""
    if not path.is_file():
        yield "is missing"
        return
    try:
        found = {"bytes": path.stat().st_size, "tensors": tensor_types(path)}
    except InputError as error:
        yield str(error)
    else:
        yield from differences({"bytes": stated.bytes, "tensors": stated.tensors}, found)


def measured_again(audited: Audited, run: Path, progress: Progress) -> Iterator[Claim]:
    """Measure what the GGUF files lose again."""
    stated = read_quantised(audited.release)
    if stated is None:
        return
    found = measure_quantised(audited.recipe, run, trained_model(audited.recipe, run), audited.release, progress)
    said = f"the {len(stated.files)} GGUF files, measured again, lose what is stated"
    problems = [(FILE, "is of no file")] if found is None else [(FILE, what) for what in _apart(stated, found)]
    yield from all_or_each("re-runs", FILE, said, problems, other_version(audited))


def _apart(stated: Quantised, found: Quantised) -> Iterator[str]:
    """In what figures differ, and by more than another machine may make them."""
    whole, of_file = {"blake3", "held_out", "repetition_penalty", "texts"}, {"path", "format", "bytes", "tensors"}
    one, other = (
        of.model_dump(mode="json", include=whole)
        | {"files": [file.model_dump(mode="json", include=of_file) for file in of.files]}
        for of in (stated, found)
    )
    yield from differences(one, other)
    yield from _far("bits_per_byte", stated.bits_per_byte, found.bits_per_byte, BITS)
    yield from _far("tokens", {"": stated.tokens}, {"": found.tokens}, WRITTEN)
    for file, again in zip(stated.files, found.files, strict=False):
        yield from _far(f"{file.format}: bits_per_byte", file.bits_per_byte, again.bits_per_byte, BITS)
        yield from _far(f"{file.format}: lost", file.lost, again.lost, BITS)
        yield from _far(f"{file.format}: same_tokens", {"": file.same_tokens}, {"": again.same_tokens}, WRITTEN)
        yield from _far(f"{file.format}: same_texts", {"": file.same_texts}, {"": again.same_texts}, 1)


def _far(name: str, stated: Mapping[str, float], found: Mapping[str, float], most: float) -> Iterator[str]:
    for key in sorted({*stated, *found}):
        one, other = stated.get(key), found.get(key)
        if one is None or other is None or abs(one - other) > most:
            yield f"{name}{key and '.'}{key} is {one}, found {other}"
