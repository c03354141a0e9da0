"""Files translated: each is read as passages, and written with their translations in their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from octavo.curation.language import identify
from octavo.errors import InputError
from octavo.progress import Progress
from octavo.recipe.schema import LANGUAGES
from octavo.tuning.files.passages import Work
from octavo.tuning.files.places import places
from octavo.tuning.files.texts import TextFile, open_texts
from octavo.tuning.translation.translating import translate
from octavo.tuning.tuned_model import Tuned


def open_to_translate(files: Sequence[Path]) -> list[TextFile]:
    """All files, before the first is worked on; InputError as open_texts."""
    return [open_texts(file, Work.TRANSLATION) for file in files]


def translate_files(
    tuned: Tuned,
    files: Sequence[TextFile],
    source: str | None,
    target: str,
    out: Path,
    overwrite: bool,
    progress: Progress,
) -> list[dict[str, Any]]:
    """Write each file's translation into `out`, and tell what to look at in it.

    The `source` language is that of the file's text where none is given.
    """
    languages = [source or _language_of(file) for file in files]
    for file, lang in zip(files, languages, strict=True):
        _check_pair(tuned, file, lang, target)
    written = places(files, out, overwrite)
    answer = []
    for file, lang, place in zip(files, languages, written, strict=True):
        texts = [passage.text for passage in file.passages]
        knows = bool(tuned.settings.get("knows_neighbours"))
        found = translate(tuned.speaker, tuned.vocabulary, texts, lang, target, progress, knows)
        kept = file.write(
            [one.text for one in found], place, model=tuned.name, language=target, overwrite=overwrite
        )
        answer.append(
            {
                "file": str(file.path),
                "format": file.format,
                "written": str(place),
                "from": lang,
                "to": target,
                "passages": len(found),
                "warnings": [
                    {"where": passage.where, "warning": str(flaw)}
                    for passage, one in zip(file.passages, found, strict=True)
                    for flaw in one.warnings
                ],
                "not_writable": [passage.where for passage in kept],
            }
        )
    return answer


def _language_of(file: TextFile) -> str:
    text = "\n".join(passage.text for passage in file.passages)
    lang: str = identify(pa.array([text], pa.large_string()))[0]["lang"].as_py()
    if lang not in LANGUAGES:
        raise InputError(f"{file.path}: found text in language {lang}, expected one of {', '.join(LANGUAGES)}")
    return lang


def _check_pair(tuned: Tuned, file: TextFile, source: str, target: str) -> None:
    if source == target:
        raise InputError(f"{file.path}: found text in {source}, expected another language than --to {target}")
    learnt: Counter[str] = Counter(tuned.settings.get("pairs", {}))
    if learnt and not learnt[f"{source}-{target}"]:
        known = ", ".join(pair for pair, _ in learnt.most_common())
        raise InputError(
            f"{file.path}: found {source} to {target}, expected a pair that {tuned.name} learnt: {known}"
        )
