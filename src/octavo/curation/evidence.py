"""What the rules are and what they found, in plain words, for the report and for a document's story."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from octavo.curation.quality import RULES as QUALITY_RULES

RULES_IN_WORDS = {
    "opt-out": "Its rights are reserved: the recipe's opt-out list names it, or something that it is a copy of.",
    "licence-unknown": "No licence is stated, or its words are not understood, and no law shows that it is free.",
    "licence-not-open": "The licence is not on the recipe's list of open ones, or the rights are reserved.",
    "licence-contradicted": "The document and the recipe disagree on whether the text is open.",
    "in-copyright": "It is said to be in the public domain, and a law that the recipe names refutes it.",
    "repair": "Damage by scanning, decoding or typesetting was undone; spelling was left as it was.",
    "lost-characters": "Too many characters were lost to a wrong decoding and cannot be brought back.",
    "personal-data": "Addresses and numbers that lead to a person were replaced by their kind, as in [EMAIL].",
    "empty": "Nothing but white space is left.",
    "language": "The text is in none of the recipe's languages.",
    "ocr": "Text recognition got too many characters wrong.",
    "too-short": "The text has too few words.",
    "short-words": "The words are shorter than those of running text.",
    "long-words": "The words are longer than those of running text.",
    "symbols": "There are too many symbols for the number of words.",
    "alphabetic-words": "Too few of the words hold a letter.",
    "stop-words": "The common words are missing that any running text of its language holds.",
    "bullets": "Too many lines are points of a list.",
    "ellipses": "Too many lines break off with an ellipsis.",
    "braces": "There are too many curly braces, as in code.",
    "line-punctuation": "Too few lines end with a punctuation mark.",
    "short-lines": "Too many lines are short.",
    "duplicate-lines": "Too many lines repeat an earlier line.",
    "duplicate-line-characters": "Too much of the text stands in lines that repeat an earlier line.",
    "duplicate-paragraphs": "Too many paragraphs repeat an earlier paragraph.",
    "duplicate-paragraph-characters": "Too much of the text stands in paragraphs that repeat an earlier one.",
    "contaminated": "It shares too many word sequences with a set that models are evaluated on.",
    "duplicate": "Another document with exactly the same text came before and stands for it.",
    "near-duplicate": "Another document has nearly the same text; the best copy stands for all.",
    "repeated-passages": "Passages that stand in many works were cut; the first document with each keeps it.",
    "toxicity": "Harmful passages were cut out or rewritten by a model; a text that is full of them goes whole.",
    "mixture": "The mixture that the recipe asks for has no place for it.",
}
"""A sentence on each rule. The rules on n-grams are told by `rule_in_words`."""

_MEASURES = {
    "too-short": "Words",
    "short-words": "Mean length of a word in characters",
    "long-words": "Mean length of a word in characters",
    "symbols": "Symbols per word",
    "alphabetic-words": "Share of words with a letter",
    "stop-words": "Common words of the language",
    "bullets": "Share of lines that are points of a list",
    "ellipses": "Share of lines that end in an ellipsis",
    "braces": "Share of characters that are curly braces",
    "line-punctuation": "Share of lines that end with punctuation",
    "short-lines": "Share of short lines",
    "duplicate-lines": "Share of repeated lines",
    "duplicate-line-characters": "Share of the text in repeated lines",
    "duplicate-paragraphs": "Share of repeated paragraphs",
    "duplicate-paragraph-characters": "Share of the text in repeated paragraphs",
}
_REPAIRS = {
    "markup": "markup taken off",
    "gutenberg": "Project Gutenberg's notices taken off",
    "line-endings": "line endings made alike",
    "entities": "entities made letters",
    "mojibake": "wrongly decoded characters restored",
    "control-characters": "invisible characters dropped",
    "normalisation": "characters composed (NFC)",
    "running-heads": "running heads dropped",
    "hyphenation": "broken words joined",
    "lost-characters": "characters lost for good (U+FFFD)",
}
_PERSONAL = {
    "EMAIL": "e-mail addresses",
    "PHONE": "telephone numbers",
    "IP": "IP addresses",
    "IBAN": "bank accounts",
    "CARD": "card numbers",
    "NATIONAL-ID": "national identity numbers",
    "CREDENTIALS": "names with their passwords",
}
_LEAST = {rule.name for rule in QUALITY_RULES if rule.field.startswith("min_")}


def rule_in_words(rule: str) -> str:
    """A sentence on what a rule looks for."""
    count = _ngram(rule)
    if rule.startswith("top-") and count:
        return f"One sequence of {count} words, said over and over, makes up too much of the text."
    if rule.startswith("duplicate-") and count:
        return f"Too much of the text stands in sequences of {count} words that repeat."
    return RULES_IN_WORDS.get(rule, f"The rule {rule}.")


def evidence_in_words(rule: str, found: Any) -> str:
    """What a rule found in a document, from its evidence in the ledger: its value and the threshold."""
    match found:
        case {"same_text_as": copy}:
            return f"The same text as {copy}."
        case {"copy_of": copy, "similarity": alike, "field": field, "entry": entry}:
            like = "The same text as" if found.get("same_text") else f"Like (estimated similarity {_share(alike)})"
            return f"{like} {copy}, which the list names by {field}: “{entry}”."
        case {"field": field, "entry": entry}:
            others = "".join(f"; by {other['field']}: “{other['entry']}”" for other in found.get("also", []))
            return f"The list names it by {field}: “{entry}”{others}."
        case {"like": copy, "similarity": alike}:
            return f"Like {copy}; estimated similarity {_share(alike)}."
        case {"stated": _, "spdx": _}:
            return _licence(rule, found)
        case {"passages": _, "highest": _}:
            return _harmful(found)
        case {"value": value, "threshold": threshold}:
            return _quality(rule, value, threshold, found.get("genre"))
        case {"character_error": error, "threshold": limit}:
            return f"An estimated {_share(error)} of the characters are wrong; {_share(limit)} are too many."
        case {"share": share, "threshold": limit}:
            return f"{_share(share)} of the characters are lost; at most {_share(limit)} are allowed."
        case {"overlap": share, "threshold": limit}:
            return f"{_share(share)} of its word sequences stand in an evaluation set; at most {_share(limit)} may."
        case {"lang": lang, "confidence": confidence}:
            sure = f", with a confidence of {_share(confidence)}" if confidence is not None else ""
            return f"The language found is {lang or 'none'}{sure}."
        case {"characters": count}:
            return f"{_count(count)} characters are left."
        case {"bytes": count}:
            return f"{_count(count)} bytes were cut."
        case {"repeats": 0}:
            return "It is taken no time."
        case {}:
            return _counts(found, _PERSONAL if rule == "personal-data" else _REPAIRS if rule == "repair" else {})
        case _:
            return "" if found is None else str(found)


def _ngram(rule: str) -> str | None:
    return next((part for part in rule.split("-") if part.isdigit()), None)


def _measure(rule: str) -> str:
    count = _ngram(rule)
    if rule.startswith("top-") and count:
        return f"Share of the text in its commonest sequence of {count} words"
    if count:
        return f"Share of the text in repeated sequences of {count} words"
    return _MEASURES.get(rule, rule)


def _quality(rule: str, value: Any, threshold: Any, genre: str | None) -> str:
    measure = _measure(rule)
    number = _share if measure.startswith("Share") else _count
    bound = "at least" if rule in _LEAST else "at most"
    where = f" in {genre}" if genre else ""
    return f"{measure}: {number(value)}; the rule asks for {bound} {number(threshold)}{where}."


def _licence(rule: str, found: Mapping[str, Any]) -> str:
    stated, source, spdx = found["stated"], found.get("source"), found["spdx"]
    said = [f"The document states “{stated}”" if stated else "The document states no licence"]
    said += [f"the recipe states “{source}” for its source"] if source else []
    if spdx:
        said.append(f"read as {spdx}")
    elif stated or source:
        reserved = rule in ("licence-not-open", "licence-contradicted")
        said.append("which opens nothing" if reserved else "which is no licence that octavo knows")
    facts = [f"{name}: {found[name]}" for name in ("creator", "date") if found.get(name)]
    laws = [f"{law}: {why}" for law, why in (found.get("laws") or {}).items()]
    return (
        ". ".join([", ".join(said), *("; ".join(part) for part in (facts, laws, found.get("notes")) if part)]) + "."
    )


def _harmful(found: Mapping[str, Any]) -> str:
    counts = ", ".join(f"{outcome} {_count(count)}" for outcome, count in found["passages"].items())
    dimension, score = max(found["highest"].items(), key=lambda item: item[1])
    said = [f"Flagged passages: {counts}"]
    said += [f"{_count(found['removed_bytes'])} bytes to cut"] if found["removed_bytes"] else []
    said += [f"{_count(found['rewritten_bytes'])} bytes to rewrite"] if found["rewritten_bytes"] else []
    said.append(f"the highest score is {score:.2f} of 3 ({dimension_in_words(dimension)})")
    if "share" in found:
        said.append(
            f"{_share(found['share'])} of the text was to be removed, and {_share(found['threshold'])} is too much"
        )
    return "; ".join(said) + "."


def deciding_scores(passage: Mapping[str, Any]) -> dict[str, float]:
    """The scores that a flagged passage was decided by: the second opinion's, else the first classifier's."""
    second = passage["second"] or {}
    return {name: score if second.get(name) is None else second[name] for name, score in passage["scores"].items()}


def dimension_in_words(name: str) -> str:
    """A dimension of harm, as in `race and origin`."""
    return name.replace("_", " and ")


def _counts(found: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Counts by kind; whatever else stands in evidence that has no words of its own is told as it is."""
    told = [f"{words.get(name, name)}: {_count(count)}" for name, count in found.items()]
    sentence = "; ".join(told)
    return f"{sentence[:1].upper()}{sentence[1:]}." if words else sentence


def _share(value: Any) -> str:
    return f"{100 * value:.3g}\N{NARROW NO-BREAK SPACE}%" if isinstance(value, int | float) else str(value)


def _count(value: Any) -> str:
    return f"{round(value, 3):,}".removesuffix(".0") if isinstance(value, int | float) else str(value)
