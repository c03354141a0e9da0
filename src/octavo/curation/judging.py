"""The first pass: what the rules say of each document by itself, and its text as they leave it.

A rule is a function from a batch of texts to columns; it knows nothing of files or of other rules. Here they
are composed, in this order: opt-outs, licence, repair, language, personal data, OCR, quality, decontamination. The
first that removes a document decides; the later ones do not see it. In what is left, harmful passages are found.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from octavo.compiled import Hashes
from octavo.corpus.dates import century_of
from octavo.corpus.readers import gutenberg, html, xml
from octavo.corpus.schema import LANGUAGES, content_hash
from octavo.curation import (
    decontamination,
    flagging,
    language,
    licences,
    near_duplicates,
    ocr,
    opt_outs,
    personal_data,
    quality,
)
from octavo.curation.passages import PASSAGES, long_passages
from octavo.curation.repair import repair
from octavo.curation.words import Words, read_words
from octavo.lineage import stamps
from octavo.recipe.curation import Curation, Decontamination
from octavo.recipe.schema import Recipe, Source

SLICE_BYTES = 2 * 1024**2
"""Text judged at once: its words take some forty times the memory."""

ROW_BITS = 32
"""A document's number is its part's, then its place in the part."""

VERDICT_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        *(
            (n, pa.large_string())
            for n in ("identifier", "source", "collection", "content_hash_in", "content_hash")
        ),
        *((n, pa.large_string()) for n in ("lang", "spdx", "basis", "obligations", "genre", "rule", "evidence")),
        ("rules", pa.large_list(pa.large_string())),
        ("languages", LANGUAGES),
        ("mixed", pa.bool_()),
        ("century", pa.int32()),
        ("character_error", pa.float64()),
        ("ocr_correction", pa.bool_()),
        ("bytes_in", pa.int64()),
        ("bytes", pa.int64()),
        ("text", pa.large_string()),
        ("signature", pa.large_binary()),
        ("bands", pa.large_list(pa.uint64())),
        ("passages", PASSAGES),
        *flagging.COLUMNS.items(),
    ]
)
"""What is known of a document after the first pass; `text` is null where the rules left it as it was. By
`content_hash`, `signature` and `bands` copies are found: of what opted out they are those of the text as repair and
redaction would have left it."""

_TEXT = pa.large_string()


def judge_part(part: Path, number: int, verdict: Path, recipe: Recipe) -> int:
    """Judge a part of the corpus into a file of verdicts, in its order; the number of documents."""
    source = recipe.corpus.sources[int(part.name.split("-")[0])]
    row = number << ROW_BITS
    temporary = verdict.with_suffix(".partial")
    with pq.ParquetWriter(temporary, VERDICT_SCHEMA, compression="zstd") as writer:
        for documents in _slices(part):
            writer.write_table(judge(documents, row, source, recipe))
            row += documents.num_rows
    temporary.rename(verdict)
    return row - (number << ROW_BITS)


def judge(documents: pa.RecordBatch, first_row: int, source: Source, recipe: Recipe) -> pa.Table:
    """The verdicts on a batch of documents, in VERDICT_SCHEMA."""
    settings = recipe.curation
    findings = _Findings(documents.num_rows)
    texts = documents.column("text")
    reserved: pa.Array | None = None
    if settings.opt_outs.given():
        opted_out = opt_outs.judge(documents, source, settings.opt_outs)
        findings.remove(opted_out.field("rule"), opted_out.field("evidence").to_pylist())
        reserved = _as_others_are(texts, pc.is_valid(opted_out.field("rule")), settings)
    licence = licences.judge(documents, source, settings.licences)
    findings.remove(licence.field("rule"), licence.field("evidence").to_pylist())
    text = texts
    if settings.repair:
        text = findings.change("repair", text, lambda t, _: repair(t, _without_markup, _without_gutenberg))
    lost = pc.divide(
        pc.count_substring(text, "\ufffd"), pc.max_element_wise(pc.utf8_length(text), 1).cast(pa.float64())
    )
    findings.remove(
        pc.if_else(pc.greater(lost, settings.lost_characters), "lost-characters", None),
        _json_rows(share=pc.round(lost, 4), threshold=settings.lost_characters),
    )
    identified = language.identify(text)
    lang = identified.field("lang")
    if settings.personal_data == "redact":
        text = findings.change("personal-data", text, lambda t, still: personal_data.redact(t, lang.take(still)))
    findings.remove(
        pc.if_else(pc.equal(pc.utf8_length(pc.utf8_trim_whitespace(text)), 0), "empty", None), '{"characters": 0}'
    )
    wanted = pc.is_in(lang, pa.array(recipe.corpus.languages, _TEXT))
    findings.remove(
        pc.if_else(wanted, None, "language"),
        _json_rows(lang=lang, confidence=pc.round(identified.field("confidence"), 4)),
    )
    score = ocr.score(findings.open(text), lang)
    error = pc.max_element_wise(pc.subtract(1.0, score), 0.0, skip_nulls=False)
    findings.remove(
        pc.if_else(pc.fill_null(pc.greater_equal(error, settings.ocr.remove), False), "ocr", None),
        _json_rows(character_error=pc.round(error, 4), threshold=settings.ocr.remove),
    )
    words = read_words(_or_reserved(findings.open(text), reserved))
    genre = pa.nulls(len(text), _TEXT)
    if settings.quality.enabled:
        judged = quality.judge(words, lang, settings.quality)
        genre = pc.if_else(findings.are_in(), judged.field("genre"), pa.scalar(None, _TEXT))
        findings.remove(
            judged.field("rule"),
            _json_rows(value=pc.round(judged.field("value"), 4), threshold=judged.field("threshold"), genre=genre),
        )
    files = stamps(map(Path, settings.decontamination.sets))
    sets = _sets(settings.decontamination.model_dump_json(), files)
    if sets is not None:
        share = pa.array(decontamination.overlap(words, sets, settings.decontamination.ngram))
        limit = settings.decontamination.max_overlap
        findings.remove(
            pc.if_else(pc.greater(share, limit), "contaminated", None),
            _json_rows(overlap=pc.round(share, 4), threshold=limit),
        )
    changed = pa.array(findings.changed)
    compared = _or_reserved(text, reserved)
    other = changed if reserved is None else pc.or_(changed, pc.is_valid(reserved))
    own = pa.array([content_hash(t) for t in compared.filter(other).to_pylist()], _TEXT)
    columns = {
        "row": pa.array(np.arange(first_row, first_row + len(text))),
        **{name: documents.column(name) for name in ("identifier", "source", "collection")},
        "content_hash_in": documents.column("content_hash"),
        "content_hash": pc.replace_with_mask(documents.column("content_hash"), other, own),
        "lang": lang,
        "languages": identified.field("languages"),
        "mixed": language.mixed(identified.field("languages"), settings.mixed_languages),
        **{name: licence.field(name) for name in ("spdx", "basis", "obligations")},
        "genre": genre,
        "rule": pa.array(findings.rule, _TEXT),
        "evidence": findings.evidence_json(),
        "rules": pa.array(findings.rules, pa.large_list(_TEXT)),
        "century": pa.array(
            [century_of(date, settings.licences.as_of) for date in documents.column("date").to_pylist()], pa.int32()
        ),
        "character_error": error,
        "ocr_correction": pc.fill_null(pc.greater_equal(error, settings.ocr.correct), False),
        "bytes_in": pc.binary_length(texts).cast(pa.int64()),
        "bytes": pc.binary_length(text).cast(pa.int64()),
        "text": pc.if_else(changed, text, pa.scalar(None, _TEXT)),
        **_for_duplicates(words, settings),
        **flagging.find(findings.open(text), settings.toxicity, first_row, recipe.seed),
    }
    return pa.table({name: columns[name] for name in VERDICT_SCHEMA.names}).cast(VERDICT_SCHEMA)


class _Findings:
    """What the rules have said so far of each document of a batch."""

    def __init__(self, documents: int) -> None:
        self.rule = np.full(documents, None, dtype=object)
        self.rules: list[list[str]] = [[] for _ in range(documents)]
        self.evidence: list[dict[str, Any]] = [{} for _ in range(documents)]
        self.changed = np.zeros(documents, bool)

    def remove(self, rule: pa.Array, evidence: Iterator[str] | list[str] | str) -> None:
        """Take documents out by the rule named for each (null for none), with its evidence as JSON."""
        names = rule.to_pylist()
        told = [evidence] * len(names) if isinstance(evidence, str) else evidence
        for place, (name, words) in enumerate(zip(names, told, strict=True)):
            if name is not None and self.rule[place] is None:
                self.rule[place] = name
                self.rules[place].append(name)
                self.evidence[place][name] = json.loads(words)

    def change(self, rule: str, text: pa.Array, work: Callable[[pa.Array, pa.Array], pa.Array]) -> pa.Array:
        """Let a rule change the texts that are still in: from these and their places to texts and changes."""
        still = np.flatnonzero(self.rule == None)  # noqa: E711
        result = work(text.take(pa.array(still)), pa.array(still))
        changes, altered_text = result.field("changes"), result.field("text")
        differs = pc.not_equal(altered_text, text.take(pa.array(still)))
        for place, found, is_other in zip(still, changes.to_pylist(), differs.to_pylist(), strict=True):
            if found is not None:  # what was seen and left as it is counts as evidence alone
                self.rules[place] += [rule] * is_other
                self.evidence[place][rule] = json.loads(found)
        altered = np.zeros(len(text), bool)
        altered[still] = differs.to_numpy(zero_copy_only=False)
        self.changed |= altered
        return pc.replace_with_mask(text, pa.array(altered), altered_text.filter(differs))

    def open(self, text: pa.Array) -> pa.Array:
        """The texts that are still in; an empty one stands for each other."""
        return pc.if_else(self.are_in(), text, "").cast(_TEXT)

    def are_in(self) -> pa.Array:
        """Which documents no rule has taken out so far."""
        return pa.array(self.rule == None)  # noqa: E711

    def evidence_json(self) -> pa.Array:
        """All evidence of each document, as JSON by rule; null where there is none."""
        found = [json.dumps(e, ensure_ascii=False) if e else None for e in self.evidence]
        return pa.array(found, _TEXT)


def _as_others_are(texts: pa.Array, opted_out: pa.Array, settings: Curation) -> pa.Array:
    """The texts of what opted out as repair and redaction would leave them, and do leave copies; else null."""
    text = texts.filter(opted_out)
    if len(text) and settings.repair:
        text = repair(text, _without_markup, _without_gutenberg).field("text")
    if len(text) and settings.personal_data == "redact":
        text = personal_data.redact(text, language.identify(text).field("lang")).field("text")
    return pc.replace_with_mask(pa.nulls(len(texts), _TEXT), opted_out, text)


def _or_reserved(text: pa.Array, reserved: pa.Array | None) -> pa.Array:
    return text if reserved is None else pc.coalesce(reserved, text)


def _for_duplicates(words: Words, settings: Curation) -> dict[str, pa.Array]:
    """What the second pass needs to find copies: signature, bands and long passages."""
    found = near_duplicates.signatures(words, settings.duplicates.ngram)
    bands = near_duplicates.bands(found)
    offsets = pa.array(np.arange(len(bands) + 1) * near_duplicates.BANDS)
    return {
        "signature": pa.array([row.tobytes() for row in found], pa.large_binary()),
        "bands": pa.LargeListArray.from_arrays(offsets, pa.array(bands.ravel())),
        "passages": long_passages(words, settings.duplicates.passage_characters),
    }


def _slices(part: Path) -> Iterator[pa.RecordBatch]:
    """The documents of a part, some at a time: as many as SLICE_BYTES of text, or a single long one."""
    for batch in pq.ParquetFile(part).iter_batches(256):
        ends = np.cumsum(pc.binary_length(batch.column("text")).to_numpy())
        start = 0
        while start < batch.num_rows:
            before = ends[start - 1] if start else 0
            end = max(start + 1, int(np.searchsorted(ends, before + SLICE_BYTES)))
            yield batch.slice(start, end - start)
            start = end


@lru_cache(1)
def _sets(settings: str, files: tuple[tuple[str, int, int], ...]) -> Hashes | None:
    """The sets' n-grams, read anew where one of the files is another than before."""
    return decontamination.read_sets(Decontamination.model_validate_json(settings))


def _json_rows(**columns: Any) -> Iterator[str]:
    """One JSON object a row, of arrays and of values that are the same in every row."""
    length = max(len(c) for c in columns.values() if isinstance(c, pa.Array))
    lists = [c.to_pylist() if isinstance(c, pa.Array) else [c] * length for c in columns.values()]
    for values in zip(*lists, strict=True):
        yield json.dumps(dict(zip(columns, values, strict=True)), ensure_ascii=False)


def _without_markup(text: str) -> str:
    """The running text of a document that still is an XML or HTML file."""
    return xml.text_in(text) or html.without_gutenberg(html.text_of(text))["text"]


def _without_gutenberg(text: str) -> str:
    found = gutenberg.cut(text)
    return found[0] if found else text
