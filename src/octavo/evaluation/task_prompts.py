"""The words around an item, in its own language, so that a base model that continues the text does the task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple


class Labels(NamedTuple):
    """What stands before each part, in a language."""

    language: str
    """Its own name."""
    recognised: str
    corrected: str
    passage: str
    question: str
    answer: str


LABELS: Final = {
    "en": Labels("English", "OCR text", "Corrected text", "Passage", "Question", "Answer"),
    "fr": Labels("Français", "Texte OCR", "Texte corrigé", "Passage", "Question", "Réponse"),
    "es": Labels("Español", "Texto OCR", "Texto corregido", "Pasaje", "Pregunta", "Respuesta"),
    "de": Labels("Deutsch", "OCR-Text", "Korrigierter Text", "Textstelle", "Frage", "Antwort"),
    "it": Labels("Italiano", "Testo OCR", "Testo corretto", "Brano", "Domanda", "Risposta"),
    "nl": Labels("Nederlands", "OCR-tekst", "Verbeterde tekst", "Passage", "Vraag", "Antwoord"),
    "la": Labels("Latine", "Textus lectus", "Textus emendatus", "Locus", "Quaestio", "Responsum"),
    "pt": Labels("Português", "Texto OCR", "Texto corrigido", "Passagem", "Pergunta", "Resposta"),
}


def translation_parts(group: str, source: str) -> list[tuple[str, str]]:
    """Labels and texts of a translation, the last one's text to be written."""
    first, second = group.split("-")
    return [(LABELS[first].language, source), (LABELS[second].language, "")]


def ocr_parts(group: str, source: str) -> list[tuple[str, str]]:
    """Labels and texts of a correction."""
    labels = LABELS[group]
    return [(labels.recognised, source), (labels.corrected, "")]


def rag_parts(group: str, source: str, question: str) -> list[tuple[str, str]]:
    """Labels and texts of a question about a passage."""
    labels = LABELS[group]
    return [(labels.passage, source), (labels.question, question), (labels.answer, "")]


def written_out(parts: Sequence[tuple[str, str]], answer: str = "") -> str:
    """A line each; the last ends with its label, or with the answer of an example."""
    lines = [f"{label}: {text}" for label, text in parts[:-1]]
    return "\n".join([*lines, f"{parts[-1][0]}:{f' {answer}' if answer else ''}"])


def first_line(continuation: str) -> str:
    """What is taken for the answer: all up to the end of the line."""
    return continuation.split("\n", 1)[0].strip()
