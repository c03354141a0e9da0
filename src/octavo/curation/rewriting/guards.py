"""What of an answer is taken as a rewrite: the guards, each with a reason of its own. The text never decides."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import pyarrow as pa

from octavo.curation import language
from octavo.curation.completions import Completion
from octavo.curation.personal_data import redact
from octavo.curation.personal_data_rules import KINDS
from octavo.curation.repair import repair
from octavo.curation.retention import Retention, retention
from octavo.curation.rewriting.prompts import Question, restored, tokens
from octavo.recipe.rewriting import Rewriting
from octavo.recipe.rewriting_prompts import Problem

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
    "personal-data",
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
    "personal-data": "facts",
    "harmful": "harmful",
}
"""What the model is told of each reason when it is asked again; it is not asked again where there is nothing."""

_ECHO_WORDS: Final = 6
"""Words in a row of the instructions that an answer must not have."""
_OTHER_LANGUAGE: Final = 0.1
"""Share of a rewrite from which a language that the passage has not is one too many."""
_OPENING: Final = 240
"""Characters of an answer in which a refusal stands."""
_HEADING: Final = 60
"""Characters of an answer in which a heading stands that is the model's own."""
_FINISHED: Final = frozenset(
    ("stop", "eos", "eos_token", "end_turn", "stop_sequence", "complete", "completed", "refusal", "content_filter")
)
"""What servers call an answer that was not broken off."""

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
_OPENERS: Final = "[{(*#"
_CLOSERS: Final = "]})*"
_LOOP: Final = re.compile(r"\b(\w+(?:\W+\w+){0,4}?)(?:\W+\1\b){3,}", re.IGNORECASE)
"""The same words four times in a row."""
_MARK: Final = re.compile(rf"\[(?:{'|'.join(KINDS)})\]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffd\ufdd0-\ufdef]")


@dataclass(frozen=True)
class Verdict:
    """What the guards say of an answer."""

    reasons: tuple[Reason, ...]
    """Why it is refused, the one that decides first; empty where it is taken."""
    detail: str | None = None
    text: str | None = None
    """The rewrite: the answer repaired, with the passage's markup as it stood."""
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
        return Verdict(("unreadable" if answer.is_unreadable else "rejected",), answer.problem)
    reason = (answer.finish_reason or "").lower()
    refused = reason in ("refusal", "content_filter")
    rewrite = _repaired(restored(answer.text.strip(), text))
    if not rewrite:
        broken = bool(reason) and reason not in _FINISHED
        return Verdict(("refusal",) if refused else ("truncated",) if broken else ("empty",))
    kept = retention(text, rewrite, lang)
    scores = dict(score(rewrite, lang))
    length = len(rewrite) / max(1, len(text.strip()))
    spoken, foreign = _languages(text, rewrite, lang)
    failed: list[tuple[Reason, bool]] = [
        ("truncated", _breaks_off(reason, rewrite, text)),
        ("refusal", refused or _appears(_REFUSAL, rewrite, text)),
        ("unreadable", bool(_CONTROL.search(answer.text)) and not _CONTROL.search(text)),
        ("template", _echoes(question, rewrite, text)),
        ("comment", _is_commented(rewrite, text)),
        ("too-short", length < settings.shortest),
        ("too-long", length > settings.longest or bool(_LOOP.search(rewrite) and not _LOOP.search(text))),
        ("language", foreign),
        ("unrelated", kept.words < settings.words),
        ("numbers", bool(kept.numbers.lost or kept.numbers.added)),
        ("dates", bool(kept.dates.lost or kept.dates.added)),
        ("retention", kept.score < settings.retention),
        ("personal-data", _changes_personal_data(rewrite, text, lang)),
        ("harmful", not all(value < settings.score_below for value in scores.values())),
    ]
    reasons = tuple(reason for reason, holds in failed if holds)
    return Verdict(reasons, None, rewrite, scores, kept, length, spoken)


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
    """Whether an answer is more than the passage: a passage is one paragraph, so a further one is a remark."""
    text = text.strip()
    quoted = rewrite[0] in _QUOTES and rewrite[-1] in _QUOTES and text[:1] not in _QUOTES
    opened = rewrite[0] in _OPENERS and text[:1] != rewrite[0]
    closed = rewrite[-1] in _CLOSERS and text[-1:] != rewrite[-1]
    headed = rewrite[:_HEADING].count(":") > text[: 3 * _HEADING].count(":")  # "Edited passage: ..."
    longer = any(len(re.findall(end, rewrite)) > len(re.findall(end, text)) for end in (r"\n\s*\n", r"\n+"))
    told = _COMMENT.search(rewrite) and not _COMMENT.search(text)
    return bool(quoted or opened or closed or headed or longer or told)


def _echoes(question: Question, rewrite: str, text: str) -> bool:
    """Whether it has a chat template's tokens, the lines around the passage, or words of the instructions."""
    if Counter(tokens(rewrite)) - Counter(tokens(text)):
        return True
    if question.code in rewrite or re.search(r"\[/?PASSAGE\b", rewrite):
        return not re.search(r"\[/?PASSAGE\b", text) or question.code in rewrite
    instructions = _runs(question.messages[0]["content"])
    return bool(instructions & _runs(rewrite) - _runs(text))


def _breaks_off(reason: str, rewrite: str, text: str) -> bool:
    """Whether an answer ends before its end; where the server says nothing of it, by its last sign."""
    return reason not in _FINISHED if reason else rewrite[-1] != text.strip()[-1:]


def _repaired(rewrite: str) -> str:
    """The answer as curation repairs all texts."""
    [found] = repair(pa.array([rewrite], pa.large_string())).field("text").to_pylist()
    return str(found).strip()


def _changes_personal_data(rewrite: str, text: str, lang: str) -> bool:
    """Whether an answer has an address or a number of a person that the passage lacks, or other marks for them."""
    both = redact(pa.array([text, rewrite], pa.large_string()), pa.array([lang, lang], pa.large_string()))
    before, after = (Counter(json.loads(told or "{}")) for told in both.field("changes").to_pylist())
    return bool(after - before) or Counter(_MARK.findall(rewrite)) != Counter(_MARK.findall(text))


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.casefold())
    return {tuple(words[at : at + _ECHO_WORDS]) for at in range(len(words) - _ECHO_WORDS + 1)}
