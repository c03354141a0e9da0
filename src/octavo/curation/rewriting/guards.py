"""What of an answer is taken as a rewrite: the guards, each with a reason of its own. The text never decides."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

from octavo.curation import language
from octavo.curation.completions import Completion
from octavo.curation.retention import Retention, retention
from octavo.curation.rewriting.prompts import Problem, Question
from octavo.curation.rewriting.settings import Rewriting

Score = Callable[[str, str], Mapping[str, float]]
"""Of a text in a language (ISO 639-1), its score by dimension, from 0 to 3."""

Reason = Literal[
    "no-answer",
    "rejected",
    "unreadable",
    "truncated",
    "empty",
    "refusal",
    "template",
    "comment",
    "too-short",
    "too-long",
    "language",
    "unrelated",
    "numbers",
    "dates",
    "retention",
    "harmful",
]

PROBLEMS: Final[Mapping[Reason, Problem]] = {
    "unreadable": "alone",
    "truncated": "length",
    "empty": "alone",
    "refusal": "alone",
    "template": "alone",
    "comment": "alone",
    "too-short": "length",
    "too-long": "length",
    "language": "language",
    "unrelated": "facts",
    "numbers": "facts",
    "dates": "facts",
    "retention": "facts",
    "harmful": "harmful",
}
"""What the model is told of each reason when it is asked again; it is not asked again where there is nothing."""

_ECHO_WORDS: Final = 6
"""Words in a row of the instructions that an answer must not have."""
_OTHER_LANGUAGE: Final = 0.1
"""Share of a rewrite from which a language that the passage has not is one too many."""
_OPENING: Final = 240
"""Characters of an answer in which a refusal stands."""

_REFUSAL: Final = re.compile(
    r"\bas an? (?:ai|artificial|language model)|\b(?:ai|language) (?:model|assistant)\b"
    r"|\bi(?: am|['’]m) (?:sorry|unable|not able)\b|\bi (?:can ?not|can['’]t|won['’]t|will not|must decline)\b"
    r"|\bje (?:ne peux|ne suis|ne saurais|suis d[ée]sol|refuse)|\bmod[èe]le (?:de langage|linguistique)"
    r"|\bd[ée]sol[ée]e?,|\bich (?:kann|darf|werde) (?:\S+ ){0,3}(?:nicht|keine?n?)\b|\bes tut mir leid"
    r"|\btut mir leid|\bki-?modell|sprachmodell|\bno puedo\b|\blo siento\b|\bno me es posible|\bmodelo de lenguaje"
    r"|\bcomo (?:una )?(?:ia|inteligencia)\b|\bnon posso\b|\bmi dispiace\b"
    r"|\bnon (?:sono in grado|mi [èe] possibile)|\bmodello linguistico|\bcome (?:ia|intelligenza)"
    r"|\bik kan (?:\S+ ){0,3}(?:niet|geen)\b|\bhet spijt me\b|\bsorry\b|\btaalmodel|\bals (?:ai|kunstmatige)"
    r"|\bn[ãa]o posso\b|\blamento\b|\bdesculpe\b|\bn[ãa]o (?:consigo|me [ée] poss[íi]vel)|\bmodelo de linguagem"
    r"|\bnon possum\b|\bnequeo\b|\bfacere non possum|\bignosce|\bme paenitet\b|\bexemplar linguae",
    re.IGNORECASE,
)
_COMMENT: Final = re.compile(
    r"\A\W*(?:here(?:['’]s| is| are)\b|sure\b|certainly\b|of course\b|(?:the )?rewritten\b|below is\b|rewrite\b"
    r"|voici\b|bien s[ûu]r\b|(?:le )?passage r[ée][ée]crit|hier ist\b|hier sind\b|nat[üu]rlich\b|gerne?\b"
    r"|(?:der )?umgeschriebene|aqu[íi] (?:est[áa]|tienes?|tiene)\b|claro\b|por supuesto\b|(?:el )?pasaje reescrito"
    r"|ecco\b|certo\b|certamente\b|(?:il )?brano riscritto|hier (?:is|volgt)\b|natuurlijk\b|zeker\b"
    r"|(?:de )?herschreven|aqui (?:est[áa]|tens|vai)\b|com certeza\b|(?:a )?passagem reescrita|ecce\b|hic est\b"
    r"|locus rescriptus)|\A\s*(?:```|<think>|\{\s*\")"
    r"|(?:\A|\n)\W*(?:note|nota|remarque|anmerkung|hinweis|opmerking|explanation|explication|erkl[äa]rung)\s?:",
    re.IGNORECASE,
)
_QUOTES: Final = "\"'“”„«»‘’`"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufdd0-\ufdef]")


@dataclass(frozen=True)
class Verdict:
    """What the guards say of an answer."""

    reasons: tuple[Reason, ...]
    """Why it is refused, the one that decides first; empty where it is taken."""
    detail: str | None = None
    scores: Mapping[str, float] | None = None
    retention: Retention | None = None
    length: float | None = None
    """Its characters as a multiple of the passage's."""
    lang: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The figures for the ledger; what was not measured is null."""
        return {
            "reasons": list(self.reasons),
            "detail": self.detail,
            "scores": {name: round(value, 4) for name, value in self.scores.items()} if self.scores else None,
            "retention": self.retention.as_json() if self.retention else None,
            "length": None if self.length is None else round(self.length, 4),
            "lang": self.lang,
        }


def judge(
    text: str, lang: str, question: Question, answer: Completion, settings: Rewriting, score: Score
) -> Verdict:
    """Judge an answer to the question for a passage; all figures are taken where it has a text at all."""
    if answer.text is None:
        rejected = answer.problem is not None and not answer.problem.startswith("no chat completion")
        return Verdict(("rejected" if rejected else "unreadable",), answer.problem)
    rewrite = answer.text.strip()
    if not rewrite:
        return Verdict(("truncated",) if answer.finish_reason == "length" else ("empty",))
    kept = retention(text, rewrite, lang)
    scores = dict(score(rewrite, lang))
    length = len(rewrite) / max(1, len(text.strip()))
    spoken, foreign = _languages(text, rewrite, lang)
    failed: list[tuple[Reason, bool]] = [
        ("truncated", answer.finish_reason == "length"),
        ("refusal", answer.finish_reason in ("refusal", "content_filter") or _appears(_REFUSAL, rewrite, text)),
        ("unreadable", bool(_CONTROL.search(rewrite)) and not _CONTROL.search(text)),
        ("template", _echoes(question, rewrite, text)),
        ("comment", _is_commented(rewrite, text)),
        ("too-short", length < settings.shortest),
        ("too-long", length > settings.longest),
        ("language", foreign),
        ("unrelated", kept.words < settings.words),
        ("numbers", bool(kept.numbers.lost or kept.numbers.added)),
        ("dates", bool(kept.dates.lost or kept.dates.added)),
        ("retention", kept.score < settings.retention),
        ("harmful", not all(value < settings.score_below for value in scores.values())),
    ]
    return Verdict(tuple(reason for reason, holds in failed if holds), None, scores, kept, length, spoken)


def problems_of(reasons: Sequence[Reason]) -> list[Problem]:
    """What the model is told when it is asked again, each thing once."""
    return list(dict.fromkeys(PROBLEMS[reason] for reason in reasons if reason in PROBLEMS))


def _languages(text: str, rewrite: str, lang: str) -> tuple[str, bool]:
    """The language of the rewrite, and whether it, or a part of it, is not the passage's."""
    before, after = language.identify(pa.array([text, rewrite], pa.large_string())).to_pylist()
    had = {lang, before["lang"], *(part["lang"] for part in before["languages"])}
    parts = {part["lang"] for part in after["languages"] if part["share"] >= _OTHER_LANGUAGE}
    return after["lang"], after["lang"] not in {lang, before["lang"]} or not parts <= had


def _appears(pattern: re.Pattern[str], rewrite: str, text: str) -> bool:
    """Whether a pattern is in an answer's opening, and not in the passage: a novel's figure may be sorry."""
    return bool(pattern.search(rewrite[:_OPENING])) and not pattern.search(text)


def _is_commented(rewrite: str, text: str) -> bool:
    quoted = rewrite[0] in _QUOTES and rewrite[-1] in _QUOTES and text.strip()[:1] not in _QUOTES
    return quoted or bool(_COMMENT.search(rewrite) and not _COMMENT.search(text))


def _echoes(question: Question, rewrite: str, text: str) -> bool:
    """Whether an answer has the lines around the passage, or a stretch of the instructions."""
    if question.code in rewrite or re.search(r"\[/?PASSAGE\b", rewrite):
        return not re.search(r"\[/?PASSAGE\b", text) or question.code in rewrite
    instructions = _runs(question.messages[0]["content"])
    return bool(instructions & _runs(rewrite) - _runs(text))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + _ECHO_WORDS]) for at in range(len(words) - _ECHO_WORDS + 1)}
