"""Language identification, of passages and of the documents that they make up: CLD2 first, langid as second judge.

CLD2 reads 20 MB/s, is right on a passage of some lines, and tells what part of it is in which language. On a line
or two langid's naive Bayes model (Lui and Baldwin, 2012) is the better judge. It also confirms each language that
CLD2 finds beside the main one: CLD2 alone sees Afrikaans in old Dutch, and English in noise.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Set
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pycld2

from octavo.corpus.schema import LANGUAGES

VERDICT = pa.struct([("lang", pa.large_string()), ("confidence", pa.float64()), ("languages", LANGUAGES)])

PASSAGES = 12
PASSAGE_CHARACTERS = 400
"""Read of a long document: so many passages of that length, evenly spaced. A shorter one is read whole."""

UNDETERMINED = "und"
"""ISO 639-2 for a text whose language nothing tells."""

_SHORT = 200
"""Bytes up to which CLD2's main language is doubted, and langid asked."""
_CLEAR = 0.7
"""Share of the text up to which the language that CLD2 gives it is doubted, and langid asked."""
_LEAST = 0.01
"""Least share of a language beside the main one."""
_LEAST_LETTERS = 20
"""Letters in words of three and more that it needs, and half of its letters: symbols of formulas are no Greek."""
_ODDS = 100.0
"""How much likelier than any other found there langid must find it. It is off by up to 20 on old Dutch."""
_EVIDENCE = 400
"""Characters of it that langid is shown."""

_READ = 1000
"""Characters of a doubtful text that it reads."""

_UNREADABLE = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_CONTROL = re.compile(rf"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef{_UNREADABLE}]")
"""Characters that CLD2 refuses."""
_CODE = re.compile(r"`[^`\n]*`|<[^<>\n]*>|https?://\S+|www\.\S+|\]\([^()\s]*\)")
"""What stands in prose and is in no language: code, tags and addresses."""
_WORD = re.compile(r"[^\W\d_]+")
_CODES = {"iw": "he", "jw": "jv", "mo": "ro", "zh-Hant": "zh", "sr-ME": "sr", "grc": "el", "hbo": "he"}
"""ISO 639-1 for the judges' own names."""
_NO_LANGUAGE = re.compile(r"un|xx.*|zz.|zxx|tlh")
"""Their names for what is in no language; CLD2's jokes are among them."""


class Passage(NamedTuple):
    """A stretch of a text in one language: the places of its first character and of the one after its last."""

    start: int
    end: int
    lang: str


def identify(text: pa.Array) -> pa.Array:
    """The languages of each text: the main one (ISO 639-1, or `und`), a confidence in [0, 1], and all with shares.

    What no other language is sure of counts to the main one. The result is in VERDICT.
    """
    return pa.array([_identify_one(t or "") for t in text.to_pylist()], VERDICT)


def mixed(languages: pa.Array, share: float) -> pa.Array:
    """Which documents, by their `languages`, are in mixed ones: at least `share` of the text is in a second."""
    second = pc.list_element(pc.list_slice(languages, 1, 2, return_fixed_size_list=True), 0)
    return pc.fill_null(pc.greater_equal(pc.struct_field(second, "share"), share), False)


def passages(text: str) -> list[Passage]:
    """The passages of a text by language, in order and without gaps; all of it is read.

    They are cut where CLD2 cuts them, which may be some words off. A stretch that it is not sure of goes with the
    one before it.
    """
    blanked = _CODE.sub(lambda code: " " * len(code[0]), text)
    size = PASSAGE_CHARACTERS
    reading = _read([blanked[at : at + size] for at in range(0, len(blanked), size)])
    lang = next((lang for _, lang in reading.pieces if lang in reading.sizes), reading.lang)
    found = [Passage(0, 0, lang)]
    for piece, lang in reading.pieces:
        start, end = found[-1].end, found[-1].end + len(piece)
        if lang not in reading.sizes or lang == found[-1].lang:
            found[-1] = found[-1]._replace(end=end)
        else:
            found.append(Passage(start, end, lang))
    return found if text else []


def sample(text: str) -> list[str]:
    """The passages of a text that are read: PASSAGES at equal distances from beginning to end, or all of it."""
    size = PASSAGE_CHARACTERS
    if len(text) > PASSAGES * size:
        starts = [(len(text) - size) * n // (PASSAGES - 1) for n in range(PASSAGES)]
        return [text[start : start + size] for start in starts]
    count = max(1, -(-len(text) // size))
    bounds = [len(text) * n // count for n in range(count + 1)]
    return [text[start:end] for start, end in pairwise(bounds)]


class _Reading(NamedTuple):
    lang: str
    confidence: float
    sizes: Counter[str]
    """How much of the text is in each language that is sure."""
    pieces: list[tuple[str, str]]
    """The text, piece by piece, each with the language that CLD2 sees in it."""


def _identify_one(text: str) -> dict[str, Any]:
    reading = _read(_CODE.sub(" ", passage) for passage in sample(text))
    whole = reading.sizes.total()
    shares = [{"lang": lang, "share": size / whole} for lang, size in reading.sizes.most_common()]
    return {"lang": reading.lang, "confidence": reading.confidence, "languages": shares}


def _read(passages: Iterable[str]) -> _Reading:
    """Read all that is given, passage by passage; what only one judge sees counts to the main language."""
    sizes: Counter[str] = Counter()
    pieces: list[tuple[str, str]] = []
    for passage in passages:
        _look(passage, sizes, pieces)
    whole = sizes.total() or 1
    (main, size), *_ = sizes.most_common(1) or [(UNDETERMINED, 0)]
    confidence = size / whole
    if whole <= _SHORT or confidence < _CLEAR or main == UNDETERMINED:
        candidates = sizes.keys() - {UNDETERMINED} if whole > _SHORT else set()
        main, confidence = _in_doubt("".join(piece for piece, _ in pieces), candidates)
    beside = {lang for lang, size in sizes.items() if size >= _LEAST * whole} - {main, UNDETERMINED}
    sure = Counter({lang: sizes[lang] for lang in _confirmed(pieces, main, beside)})
    sure[main] = whole - sure.total()
    lang = max(sure, key=lambda lang: sure[lang])
    return _Reading(lang, confidence, sure, pieces)


def _look(passage: str, sizes: Counter[str], pieces: list[tuple[str, str]]) -> None:
    """Add what CLD2 says of a passage: the sizes by its best guesses, and the pieces by what it is sure of."""
    passage = passage.replace("ſ", "s")
    try:
        found = pycld2.detect(passage, isPlainText=True, bestEffort=True, returnVectors=True)
    except pycld2.error:
        passage = _CONTROL.sub(" ", passage)
        found = pycld2.detect(passage, isPlainText=True, bestEffort=True, returnVectors=True)
    _, size, guesses, vectors = found
    for _, name, percent, _ in guesses:
        if percent:
            sizes[_code(name)] += size * percent // 100
    if len(vectors) < 2:
        pieces.append((passage, _code(vectors[0][3]) if vectors else UNDETERMINED))
        return
    octets = passage.encode()
    for start, length, _, name in vectors:
        pieces.append((octets[start : start + length].decode(errors="ignore"), _code(name)))


def _confirmed(pieces: list[tuple[str, str]], main: str, beside: set[str]) -> set[str]:
    """Those of the languages beside the main one that both judges are sure of."""
    texts: dict[str, list[str]] = defaultdict(list)
    for piece, lang in pieces:
        if lang in beside:
            texts[lang].append(piece)
    rivals = beside | {main, UNDETERMINED}
    return {lang for lang, found in texts.items() if _is_likeliest(" ".join(found), lang, rivals - {lang})}


def _is_likeliest(text: str, lang: str, rivals: set[str]) -> bool:
    words = _WORD.findall(text)
    letters = sum(len(word) for word in words if len(word) > 2)
    if letters < max(_LEAST_LETTERS, len("".join(words)) / 2):
        return False
    likely = _likely(text[:_EVIDENCE])
    return likely[lang] > _ODDS * max(likely[rival] for rival in rivals)


def _in_doubt(text: str, candidates: Set[str]) -> tuple[str, float]:
    """The language of a short or doubtful text, and its probability, by langid: a candidate, if there are any."""
    if not any(c.isalpha() for c in text):
        return UNDETERMINED, 0.0
    likely = _likely(" ".join(text.split())[:_READ])
    lang = max(likely.keys() & candidates or likely, key=lambda lang: (likely[lang], lang))
    return lang, likely[lang]


def _likely(text: str) -> dict[str, float]:
    """How likely langid finds each language."""
    likely: dict[str, float] = defaultdict(float)
    for name, probability in _langid().rank(text):
        likely[_code(name)] += float(probability)
    return likely


@cache
def _code(name: str) -> str:
    """The ISO 639 code of a language by a judge's name for it."""
    return UNDETERMINED if _NO_LANGUAGE.fullmatch(name) else _CODES.get(name, name)


@cache
def _langid() -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
