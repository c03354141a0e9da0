"""Document tasks, zero- and few-shot: translation, OCR correction, and questions whose answer is in a passage.

A base model is not told what to do: it continues a text in which the item stands with its label, and the label of
the answer comes last. Beside each figure stands what doing nothing would reach.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from blake3 import blake3

from octavo.evaluation import task_metrics as metrics
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.task_files import OCR, RAG, TRANSLATION, Item, is_tested, read_items, task_files
from octavo.evaluation.task_prompts import first_line, ocr_parts, rag_parts, translation_parts, written_out
from octavo.lineage import hash_file, write_json
from octavo.modeling.decoding import Decoding
from octavo.progress import Progress
from octavo.recipe.schema import Recipe

FILE: Final = "tasks.json"
COMMAND: Final = "octavo evaluate RUN"
_ANSWER_TOKENS: Final = 32
"""Room for an answer to a question."""


class Asked(NamedTuple):
    """An item, and how it is asked for."""

    item: Item
    prompts: dict[int, str]
    """By number of examples."""
    tokens: dict[int, list[int]]
    room: int
    """Tokens that an answer may have."""


class Answered(NamedTuple):
    """What the model made of an item."""

    item: Item
    prompt: str
    answer: str


def outside_files(recipe: Recipe) -> list[Path]:
    """The task files; InputError where one is wrong, or a package that the figures need is not installed."""
    if recipe.evaluation.tasks.path is None:
        return []
    metrics.check_installed()
    files = task_files(Path(recipe.evaluation.tasks.path))
    for task, file in files.items():
        read_items(task, file)
    return list(files.values())


def measure_tasks(
    recipe: Recipe, speaker: Speaker, home: Path, progress: Progress, command: str = COMMAND
) -> dict[str, Any]:
    """Write `home`/tasks.json and return its figures without the answers; nothing where the recipe has no tasks.

    `command` is what gives them again.
    """
    settings, seed = recipe.evaluation.tasks, recipe.seed
    if settings.path is None:
        return {}
    metrics.check_installed()
    files = task_files(Path(settings.path))
    rows: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for task, file in files.items():
        groups: dict[str, list[Item]] = {}
        for item in read_items(task, file):
            groups.setdefault(item.group, []).append(item)
        for group, items in sorted(groups.items()):
            asked, too_long = choose_items(speaker, items, settings.items, settings.shots, seed)
            for shots in settings.shots:
                mine = [one for one in asked if shots in one.tokens]
                if not mine:
                    continue
                found = _answer(speaker, mine, shots, seed, progress)
                row = {"task": task, "group": group, "shots": shots, "n": len(found), "too_long": too_long}
                rows.append(row | figures(found))
                answers += [_row(one, shots) for one in found]
    content = {
        "command": command,
        "settings": {
            "files": {task: {"file": str(file), "blake3": hash_file(file).blake3} for task, file in files.items()},
            "items": settings.items,
            "shots": settings.shots,
            "seed": seed,
            "decoding": {"temperature": 0.0, "repetition_penalty": 1.0, "stop": "end of the line"},
            "intervals": "95 %, percentile bootstrap over documents",
        },
        "tasks": rows,
        "answers": answers,
    }
    write_json(home / FILE, content)
    return {"tasks": rows}


def choose_items(
    speaker: Speaker, items: Sequence[Item], count: int, shots: Sequence[int], seed: int
) -> tuple[list[Asked], int]:
    """`count` of the items for testing at most, of as many documents as there are, the same for all `shots`.

    Examples are from documents that none is tested of, and the same before each item; where there are too few that
    are short enough, that number of shots is left out. Also tells how many items were passed over, as they do not
    fit into the context with the examples and their answer.
    """
    key = blake3(f"tasks {seed}".encode()).digest()

    def lot(item: Item) -> bytes:
        return blake3(f"{item.group} {item.id}".encode(), key=key).digest()

    drawn = sorted(items, key=lot)
    by_doc: dict[str, int] = {}
    ordered: list[tuple[int, Item]] = []
    for item in drawn:
        if is_tested(item.doc):
            by_doc[item.doc] = by_doc.get(item.doc, 0) + 1
            ordered.append((by_doc[item.doc], item))
    tested = [item for _, item in sorted(ordered, key=lambda pair: pair[0])]
    examples = _examples(speaker, [item for item in drawn if not is_tested(item.doc)], max(shots))
    possible = [k for k in dict.fromkeys(shots) if k <= len(examples)]
    found: list[Asked] = []
    too_long = 0
    for item in tested:
        if len(found) == count:
            break
        prompts = {k: "\n\n".join([*examples[:k], _prompt(item)]) for k in possible}
        tokens = dict(zip(possible, speaker.encode(list(prompts.values())), strict=True))
        room = _room(speaker, item)
        if max(map(len, tokens.values()), default=0) + 1 + room <= speaker.context:
            found.append(Asked(item, prompts, tokens, room))
        else:
            too_long += 1
    return found, too_long


def _examples(speaker: Speaker, items: Sequence[Item], count: int) -> list[str]:
    """The first ones, each of another document, which together leave half of the context."""
    found: dict[str, str] = {}
    for item in items:
        if len(found) == count:
            break
        if item.doc not in found:
            text = _prompt(item, item.answers[0])
            if len(speaker.encode([text])[0]) * 2 * count <= speaker.context:
                found[item.doc] = text
    return list(found.values())


def _prompt(item: Item, answer: str = "") -> str:
    if item.task == TRANSLATION:
        parts = translation_parts(item.group, item.source)
    elif item.task == OCR:
        parts = ocr_parts(item.group, item.source)
    else:
        parts = rag_parts(item.group, item.source, item.question)
    return written_out(parts, answer)


def _room(speaker: Speaker, item: Item) -> int:
    """A translation may be twice as long as its source, and a corrected text a quarter longer than it was."""
    if item.task == RAG:
        return _ANSWER_TOKENS
    [source] = speaker.encode([item.source])
    return 16 + (2 * len(source) if item.task == TRANSLATION else len(source) + len(source) // 4)


def _answer(speaker: Speaker, asked: Sequence[Asked], shots: int, seed: int, progress: Progress) -> list[Answered]:
    """Answers in the order asked; items that have like room are written together."""
    lines: dict[int, str] = {}
    rooms = [1 << (one.room - 1).bit_length() for one in asked]
    for room in sorted(set(rooms)):
        places = [n for n, other in enumerate(rooms) if other == room]
        decoding = Decoding(room, temperature=0.0, repetition_penalty=1.0, seed=seed)
        note = f"{asked[0].item.task} {asked[0].item.group}, {shots} shots"
        said = speaker.say(
            [asked[n].tokens[shots] for n in places], [asked[n].item.id for n in places], decoding, progress, note
        )
        cut = [tokens[: asked[n].room] for n, tokens in zip(places, said, strict=True)]
        lines |= dict(zip(places, map(first_line, speaker.decode(cut)), strict=True))
    return [Answered(one.item, one.prompts[shots], lines[n]) for n, one in enumerate(asked)]


def figures(answered: Sequence[Answered]) -> dict[str, Any]:
    """The figures of answers to items of one task and group, each beside what doing nothing reaches."""
    items = [one.item for one in answered]
    docs, truths = [item.doc for item in items], [item.answers[0] for item in items]
    said, sources = [one.answer for one in answered], [item.source for item in items]
    if items[0].task == TRANSLATION:
        return {
            "bleu": metrics.bleu(said, truths, docs)._asdict(),
            "chrf": metrics.chrf(said, truths, docs)._asdict(),
            "source_copied": {
                "bleu": metrics.bleu(sources, truths, docs)._asdict(),
                "chrf": metrics.chrf(sources, truths, docs)._asdict(),
            },
        }
    if items[0].task == OCR:
        after = [metrics.edits(text, truth) for text, truth in zip(said, truths, strict=True)]
        before = [metrics.edits(text, truth) for text, truth in zip(sources, truths, strict=True)]
        gained = [b - a for a, b in zip(after, before, strict=True)]
        return {
            "error_rate": metrics.error_rate(after, truths, docs)._asdict(),
            "error_rate_before": metrics.error_rate(before, truths, docs)._asdict(),
            "gained": metrics.error_rate(gained, truths, docs)._asdict(),
        }

    def scores(texts: Sequence[str]) -> dict[str, Any]:
        return {
            name: metrics.mean(
                [
                    metrics.best(metric, text, item.answers, item.group)
                    for text, item in zip(texts, items, strict=True)
                ],
                docs,
            )._asdict()
            for name, metric in (("exact_match", metrics.exact), ("f1", metrics.f1))
        }

    return {**scores(said), "passage_copied": scores(sources)}


def _row(one: Answered, shots: int) -> dict[str, Any]:
    return {
        "task": one.item.task,
        "group": one.item.group,
        "shots": shots,
        "id": one.item.id,
        "doc": one.item.doc,
        "prompt": one.prompt,
        "answer": one.answer,
        "expected": list(one.item.answers),
    }
