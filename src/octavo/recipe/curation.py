"""The recipe's section `curation`: which documents stay, and why the others go."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from octavo.recipe.opt_outs import OptOuts
from octavo.recipe.section import Fraction, Language, Positive, Section, Share, impossible
from octavo.recipe.toxicity import Toxicity


class Licences(Section):
    """What counts as open, and by which laws.

    The list is what the Open Definition lists (opendefinition.org/licenses), and the permissive licences of the
    Open Source Initiative. The GPL is open too and left out: what it asks of works made from the text (the
    whole source, under the GPL) has no settled meaning for a model's weights. Not open are NC, ND and
    whatever is not understood.
    """

    allow: list[str] = Field(
        default=[
            "LicenseRef-Public-Domain",
            "LicenseRef-PDM-1.0",
            "CC0-1.0",
            "PDDL-1.0",
            "CC-BY-*",
            "CC-BY-SA-*",
            "ODC-By-1.0",
            "ODbL-1.0",
            "OGL-UK-*",
            "OGL-Canada-2.0",
            "NLOD-*",
            "etalab-2.0",
            "LicenseRef-etalab-1.0",
            "LAL-1.3",
            "GFDL-1.1-no-invariants-only",
            "GFDL-1.1-no-invariants-or-later",
            "GFDL-1.2-no-invariants-only",
            "GFDL-1.2-no-invariants-or-later",
            "GFDL-1.3-no-invariants-only",
            "GFDL-1.3-no-invariants-or-later",
            "Apache-2.0",
            "MIT",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "0BSD",
            "ISC",
            "Unlicense",
        ],
        min_length=1,
    )
    """Licences that pass, as SPDX ids; a final * stands for any version. Nothing else passes."""
    jurisdictions: list[Literal["EU", "US", "UK", "CH", "ES", "CA", "MX", "AU", "JP", "BR", "AR", "IN", "CN"]] = (
        Field(default=["EU", "US"], min_length=1)
    )
    """Laws that must all find a text without a licence free; none may refute a text's stated "Public Domain"."""
    as_of: Annotated[int, Field(ge=1900, le=2200)] = 2026
    """Year in which terms of copyright are reckoned; given here, so that the same recipe decides the same."""


class QualityLimits(Section):
    """The limits of Gopher's, C4's and FineWeb's rules, as shares of a text's words, lines or characters."""

    min_words: Annotated[int, Field(ge=0)] = 20
    """Fewest words (Gopher's 50 would take short poems and letters)."""
    min_word_length: Annotated[float, Field(ge=0)] = 3.0
    """Fewest characters a word on average."""
    max_word_length: Annotated[float, Field(gt=0)] = 10.0
    """Most characters a word on average."""
    max_symbols_per_word: Annotated[float, Field(ge=0)] = 0.1
    """Most # signs a word."""
    min_alphabetic_words: Share = 0.7
    """Least share of words with a letter (Gopher's 0.8 is for the web; old prints set their punctuation apart)."""
    min_stop_words: Annotated[int, Field(ge=0)] = 2
    """Fewest different stop words of the language."""
    max_bullet_lines: Share = 0.95
    """Most lines that begin with a bullet (Gopher's 0.9 would take novels whose dialogue begins with a dash)."""
    max_ellipsis_lines: Share = 0.5
    """Most lines that end with an ellipsis (Gopher's 0.3 would take novels that are fond of them)."""
    max_braces: Share = 0.02
    """Most braces among the characters (C4 drops a page with a single one)."""
    min_punctuated_lines: Share = 0.12
    """Least share of lines that end with punctuation."""
    max_short_lines: Share = 0.67
    """Most lines of under 30 characters."""
    max_duplicate_lines: Share = 0.3
    """Most lines of 20 characters and more that came before."""
    max_duplicate_line_characters: Share = 0.2
    """Most characters in lines that came before."""
    max_duplicate_paragraphs: Share = 0.3
    """Most paragraphs of 20 characters and more that came before."""
    max_duplicate_paragraph_characters: Share = 0.2
    """Most characters in paragraphs that came before."""
    max_top_ngrams: Annotated[list[Share], Field(min_length=3, max_length=3)] = [0.20, 0.18, 0.16]
    """Most characters in the commonest n-gram of 2, 3 and 4 words."""
    max_duplicate_ngrams: Annotated[list[Share], Field(min_length=6, max_length=6)] = [
        0.25,
        0.24,
        0.23,
        0.22,
        0.21,
        0.20,
    ]
    """Most characters in n-grams of 5 to 10 words that came before (Gopher's 0.15 to 0.10 are for the web;
    textbooks and treaties reach 0.25)."""


Genre = Literal["prose", "wrapped", "verse", "drama", "law", "technical", "table", "code"]
Limits = dict[str, float | int | list[float]]

_ANY_LAYOUT: Limits = {"min_punctuated_lines": 0.0, "max_short_lines": 1.0, "max_bullet_lines": 1.0}
_FORMULAIC: Limits = {
    **_ANY_LAYOUT,
    "max_symbols_per_word": 1.0,
    "min_alphabetic_words": 0.4,
    "max_duplicate_lines": 0.6,
    "max_duplicate_line_characters": 0.5,
    "max_duplicate_paragraphs": 0.6,
    "max_duplicate_paragraph_characters": 0.5,
    "max_top_ngrams": [0.35, 0.30, 0.30],
    "max_duplicate_ngrams": [0.6, 0.6, 0.6, 0.6, 0.6, 0.6],
}


GENRE_LIMITS: dict[Genre, Limits] = {
    "wrapped": _ANY_LAYOUT,
    "verse": {**_ANY_LAYOUT, "max_duplicate_lines": 0.5},
    "drama": {**_ANY_LAYOUT, "max_duplicate_lines": 0.6},
    "law": _FORMULAIC,
    "technical": {**_FORMULAIC, "max_duplicate_ngrams": [0.4, 0.4, 0.4, 0.4, 0.4, 0.4]},
    "table": {**_FORMULAIC, "min_stop_words": 0, "min_alphabetic_words": 0.0, "min_word_length": 1.0},
    "code": {**_FORMULAIC, "min_stop_words": 0, "max_braces": 1.0, "max_word_length": 30.0},
}


class Quality(QualityLimits):
    """When a text is too poor to learn from. The fields are the limits for prose; other genres, and languages
    that need it, have some of their own."""

    enabled: bool = True
    """Whether texts are judged at all."""
    by_language: dict[Language, Limits] = {}
    """Limits of a language, such as {de: {max_word_length: 11.0}}."""
    by_genre: dict[Genre, Limits] = GENRE_LIMITS
    """Limits of a genre, which is told from the layout; they stand before a language's. What is given here is
    laid over the defaults."""

    @field_validator("by_genre")
    @classmethod
    def _over_the_defaults(cls, given: dict[Genre, Limits]) -> dict[Genre, Limits]:
        return {genre: limits | given.get(genre, {}) for genre, limits in GENRE_LIMITS.items()} | {
            genre: limits for genre, limits in given.items() if genre not in GENRE_LIMITS
        }

    @model_validator(mode="after")
    def _limits_are_limits(self) -> Self:
        for field in ("by_language", "by_genre"):
            for name, limits in getattr(self, field).items():
                try:
                    QualityLimits.model_validate(limits)
                except ValidationError as error:
                    problem = error.errors()[0]
                    raise impossible(
                        f"{field}.{name}.{problem['loc'][0]}", repr(problem["input"]), problem["msg"].lower()
                    ) from None
        return self


class Ocr(Section):
    """What the estimated character error rate of a text, by its words and letters, leads to. Texts that are too
    short to tell, or mostly code, have no estimate and stay."""

    correct: Share = 0.10
    """Error rate from which a kept text is marked for OCR correction."""
    remove: Share = 0.25
    """Error rate from which a text is removed."""


class Duplicates(Section):
    """Copies of a text, exact and near, and passages that stand in many works."""

    similarity: Share = 0.5
    """Least Jaccard similarity of near duplicates' n-grams of words, by MinHash; 1 takes exact copies alone."""
    ngram: Positive = 4
    """Words in an n-gram."""
    passage_characters: Positive = 200
    """Fewest characters of a passage that is looked for in other works."""
    passage_works: Annotated[int, Field(ge=2)] = 4
    """Number of works from which on a passage is cut out of all but the first."""


class Decontamination(Section):
    """Evaluation sets that must not be trained on."""

    sets: list[str] = []
    """Files with the texts of evaluation sets: .parquet, .jsonl or plain text."""
    ngram: Positive = 13
    """Words in an n-gram."""
    max_overlap: Share = 0.1
    """Most of a document's n-grams that may stand in the sets."""


class Mixture(Section):
    """Shares that languages, collections and centuries shall have of the text; empty takes all as it is.
    `others` stands for all that is not named."""

    languages: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Shares by language, such as {en: 0.3, fr: 0.3, others: 0.4}."""
    collections: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Shares by collection."""
    centuries: dict[str, Annotated[float, Field(gt=0, le=1)]] = {}
    """Shares by century of the date, such as {"18": 0.2, "19": 0.5, others: 0.3}, the 18th being the 1700s."""
    max_repeats: Annotated[float, Field(ge=1)] = 4.0
    """Most times that a document is taken; more is worth little (Muennighoff et al., 2023)."""


class HeldOut(Section):
    """Works that no training step ever sees, kept for evaluation."""

    fraction: Fraction = 0.05
    """Share of each language's text to hold out, by whole works; at least one work a language."""
    max_bytes: Positive = 1_000_000
    """Stop holding out at this many bytes a language."""


class Curation(Section):
    """Which documents stay, and why the others go."""

    engine: Literal["native", "ray"] = "native"
    """What does the work: the cores of this machine, or a Ray cluster; the results are the same."""
    ray: Annotated[str, Field(pattern=r"^[^\s/]+:[0-9]{1,5}$")] | None = None
    """The cluster's head as HOST:PORT, for engine ray; null takes RAY_ADDRESS, else this machine's cluster."""
    opt_outs: OptOuts = OptOuts()
    """What rights holders have reserved."""
    licences: Licences = Licences()
    """The licence gate."""
    repair: bool = True
    """Whether mojibake, control characters, broken hyphenation, running heads and left-over markup are repaired."""
    lost_characters: Share = 0.005
    """Most characters that a wrong decoding may have replaced by U+FFFD, which nothing brings back."""
    personal_data: Literal["redact", "keep"] = "redact"
    """Whether e-mail addresses, telephone and account numbers and the like give way to placeholders."""
    mixed_languages: Share = 0.1
    """From this share of its text in a second language on, a document is recorded as mixed. It stays."""
    ocr: Ocr = Ocr()
    """The OCR rule."""
    quality: Quality = Quality()
    """The quality rules."""
    duplicates: Duplicates = Duplicates()
    """Copies and repeated passages."""
    decontamination: Decontamination = Decontamination()
    """What keeps evaluation sets out of the training text."""
    toxicity: Toxicity = Toxicity()
    """What becomes of harmful passages."""
    mixture: Mixture = Mixture()
    """Shares of languages, collections and centuries."""
    held_out: HeldOut = HeldOut()
    """The held-out split."""
