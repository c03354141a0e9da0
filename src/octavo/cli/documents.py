"""The commands of document work with a tuned model: short functions, heavy things imported inside them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from octavo.cli.options import AsJson, print_json
from octavo.errors import InputError
from octavo.terminal import plain

documents = typer.Typer()

WARNINGS = 10
"""Of a translated file, printed."""

TunedModel = Annotated[
    Path, typer.Argument(metavar="MODEL", help="A run of octavo tune, or its release.", show_default=False)
]
Files = Annotated[
    list[Path],
    typer.Argument(metavar="FILE...", help="Text, Markdown, TEI, ALTO, PAGE or PDF.", show_default=False),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there in --out.")]


@documents.command()
def correct(
    model: TunedModel,
    files: Files,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the corrected files go.")] = Path("corrected"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Correct the OCR of files; each is written in its own format.

    Example: octavo correct runs/ocr page.xml letter.txt
    """
    from octavo.evaluation.task_metrics import check_installed

    check_installed("octavo correct")
    from octavo.tuning.ocr.files import correct_files, open_to_correct

    opened = open_to_correct(files)
    from octavo.display import Display, Stop
    from octavo.tuning.tuned_model import open_tuned

    tuned = open_tuned(model, "ocr")
    with Display(Stop()).stage("correct") as progress:
        answer = correct_files(tuned, opened, out, overwrite, progress)
    if as_json:
        print_json(answer)
        return
    for one in answer:
        print(
            f"{one['written']}: {len(one['taken']):,} changes in {one['passages']:,} passages, "
            f"{len(one['refused']):,} refused"
        )
        for where in one["not_writable"]:
            print(f"  {plain(where)}: left as it was, as the file's encoding lacks a character")


@documents.command()
def translate(
    model: TunedModel,
    files: Files,
    to: Annotated[str, typer.Option(metavar="LANG", help="Language to translate into, ISO 639-1.")],
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="LANG", help="Language of the files; by default found.", show_default=False),
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where the translations go.")] = Path("translated"),
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Translate files, paragraph by paragraph; each is written in its own format.

    Example: octavo translate runs/translation chapter.xml --from la --to en
    """
    from octavo.recipe.schema import LANGUAGES

    for option, lang in (("--to", to), ("--from", source)):
        if lang is not None and lang not in LANGUAGES:
            raise InputError(f"{option}: found {lang}, expected one of {', '.join(LANGUAGES)}")
    from octavo.evaluation.task_metrics import check_installed

    check_installed("octavo translate")
    from octavo.tuning.translation.files import open_to_translate, translate_files

    opened = open_to_translate(files)
    from octavo.display import Display, Stop
    from octavo.tuning.tuned_model import open_tuned

    tuned = open_tuned(model, "translation")
    with Display(Stop()).stage("translate") as progress:
        answer = translate_files(tuned, opened, source, to, out, overwrite, progress)
    if as_json:
        print_json(answer)
        return
    for one in answer:
        print(f"{one['written']}: {one['passages']:,} passages from {one['from']} to {one['to']}")
        for warning in one["warnings"][:WARNINGS]:
            print(plain(f"  {warning['where']}: {warning['warning']}"))
        if len(one["warnings"]) > WARNINGS:
            print(f"  and {len(one['warnings']) - WARNINGS:,} more places to look at: --json tells all")
        for where in one["not_writable"]:
            print(f"  {plain(where)}: left as it was, as the file's encoding lacks a character")


@documents.command()
def ask(
    model: TunedModel,
    question: Annotated[str, typer.Argument(metavar="QUESTION", show_default=False)],
    sources: Annotated[
        Path,
        typer.Option(metavar="PATH", help="The documents: a file or folder that octavo reads.", show_default=False),
    ],
    index: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the index lies; PATH.index by default.", show_default=False),
    ] = None,
    passages: Annotated[int, typer.Option(min=1, max=16, help="Passages whose best sentences are shown.")] = 4,
    as_json: AsJson = False,
) -> None:
    """Answer a question in the words of documents, each quotation with its source; or say that they do not hold it.

    Example: octavo ask runs/answers "Who built the lighthouse?" --sources letters/
    """
    from octavo.evaluation.task_metrics import check_installed

    check_installed("octavo ask")
    from octavo.display import Display, Stop
    from octavo.tuning.answers.asking import ask as answer_question
    from octavo.tuning.answers.asking import check_question
    from octavo.tuning.retrieval.index import beside, build_index
    from octavo.tuning.tuned_model import open_tuned

    check_question(question)
    tuned = open_tuned(model, "rag")
    display = Display(Stop())
    with display.stage("index") as progress:
        built = build_index(sources, index or beside(sources), progress)
    for file in built.skipped:
        display.message(f"{file}: of no format that octavo reads")
    for made in built.files.values():
        for piece in made.unreadable:
            display.message(piece)
    answer = answer_question(tuned.speaker, tuned.vocabulary, built.index, question, passages)
    if as_json:
        print_json(
            answer._asdict()
            | {"quotations": [one._asdict() for one in answer.quotations]}
            | {"considered": [one._asdict() for one in answer.considered]}
        )
        return
    if answer.refused:
        print(plain(f"No answer: {answer.why}"))
        return
    print(plain(answer.text))
    for quotation in answer.quotations:
        where = ", ".join(part for part in (quotation.title, quotation.licence, quotation.file) if part)
        print(plain(f'[{quotation.number}] "{quotation.text}" ({where})'))
