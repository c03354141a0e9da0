"""Writes the reference pages beside it from the code, so that they cannot drift apart from it.

python docs/reference/generate.py            write them
python docs/reference/generate.py --check    write nothing; name what differs and exit with status 1
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import typer
from pydantic import BaseModel
from python_page import python_page
from run_files import RUN_FILES
from typer.testing import CliRunner

from octavo.ablation.report_figures import Report as Ablation
from octavo.ablation.report_figures import Row, VariantRow
from octavo.cli.app import app
from octavo.corpus.schema import DOCUMENT_SCHEMA, KEPT_SCHEMA, LEDGER_SCHEMA, PASSAGE_SCHEMA, REMOVED_SCHEMA
from octavo.curation.quality import RULES as QUALITY_RULES
from octavo.curation.quality import Rule
from octavo.evaluation.report.figures import Model, Report, report_schema
from octavo.recipe.curation import Quality
from octavo.recipe.schema import json_schema
from octavo.release.manifest import Manifest, manifest_schema

HERE = Path(__file__).parent
WIDTH = 84
NOTE = "<!-- Written by docs/reference/generate.py; change the code, not this page. -->"

DOCUMENT_COLUMNS = {
    "identifier": "Name of the document. Where the source gives none: the file's name, and outside text files "
    "`:` and the document's number in it. What follows a `#` names a section of a work.",
    "collection": "Collection that the document belongs to, by the source, else by the recipe.",
    "open_type": "Common Corpus's kind of open content; not read by octavo.",
    "license": "Licence in the source's own words, or null.",
    "date": "Date as the source states it.",
    "title": "Title; of a text file its name without the ending.",
    "creator": "Author as the source states it, with years of life where it gives them.",
    "language": "Language as the source labels it; the rules do not read it.",
    "language_type": "Common Corpus's kind of language; not read by octavo.",
    "text": "The text: in kept/ as curation leaves it, elsewhere as it came.",
    "source_url": "Where the source says that it was found.",
    "word_count": "Words by the source's count.",
    "token_count": "Tokens by the source's count.",
    "ocr_confidence": "Mean confidence of the words by the program that recognised them, from 0 to 1, or null.",
    "source": "File that the document was read from.",
    "content_hash": "BLAKE3 of the text's UTF-8 bytes, in hexadecimal.",
}
CURATED_COLUMNS = {
    "lang": "Main language found in the text: an ISO 639-1 code, or another code of the identifier's, or `und`.",
    "languages": "All languages found in the text, with their shares of it; the main one first.",
    "mixed": "Whether a second language reaches `curation.mixed_languages`.",
    "spdx": "Licence as an SPDX expression, or null where none is known.",
    "basis": "Why that licence: the document's words or the recipe's.",
    "obligations": "`none`, `attribution` or `share-alike`; null where no licence is known.",
    "century": "Century of the date (19 for the 1800s), or null.",
    "genre": "Told from the layout: prose, wrapped, verse, drama, law, technical, table, code; null: not judged.",
    "character_error": "Estimated share of characters that OCR got wrong; null where there is too little to tell.",
    "ocr_correction": "Whether that is enough for OCR correction (`curation.ocr.correct`).",
    "split": "`train` or `held-out`.",
    "repeats": "How often the mixture takes the document.",
    "synthetic": "Spans of the text that a model wrote, by its UTF-8 bytes, with the model's name.",
    "harmful": "Passages that were annotated as harmful, by the text's UTF-8 bytes, with their scores from 0 to 3.",
    "rule": "The rule that decided: that removed the document, or the last that changed it; null where none did.",
    "evidence": "JSON by rule: what each rule that removed or changed it found, with the threshold; "
    "`toxicity` also where passages were annotated alone.",
}
LEDGER_COLUMNS = {
    "fate": "`kept`, `repaired`, `redacted`, `rewritten` or `removed`.",
    "rules": "Rules that changed or removed the document, in order.",
    "cluster": "Of a removed copy: the hash of the text that it shares, or of its cluster's first; else null.",
    "bytes_in": "Bytes of the text as it came in.",
    "bytes_out": "Bytes of the text that stay; 0 where it was removed.",
    "synthetic_bytes": "Of these, bytes that a model wrote.",
    "content_hash_in": "BLAKE3 of the text as it came in.",
    "content_hash_out": "BLAKE3 of the text that stays, or null.",
}
PASSAGE_COLUMNS = {
    "start": "Where the passage begins, in UTF-8 bytes of the text as all rules but `toxicity` and "
    "`repeated-passages` leave it.",
    "end": "Where it ends.",
    "scores": "Scores from 0 to 3 by the classifier.",
    "second": "Scores by the second opinion; null where none was asked, or where it has no label.",
    "action": "What the recipe says: `keep`, `annotate`, `rewrite` or `remove`.",
    "decision": "Number of the decision in `curation.toxicity.decisions`, from 0; null where none is about it.",
    "outcome": "`kept`, `annotated`, `rewritten`, `removed`, `document-removed` (with the whole document), or "
    "`cut` (with a repeated passage).",
    "text": "The passage as it was.",
    "instead": "The rewrite that was taken; null where there is none.",
    "model": "Model that was asked to rewrite it.",
    "retention": "Information retention of the last answer.",
    "rewrite": "JSON: the reason of a refusal, and of each attempt the model, tokens, cost, scores and figures.",
}
FILES = (
    ("documents/*.parquet", "Every document that came in, in order.", DOCUMENT_SCHEMA),
    ("corpus/kept/*.parquet", "The documents that stay.", KEPT_SCHEMA),
    ("corpus/originals/*.parquet", "The documents that curation changed, as they came in.", DOCUMENT_SCHEMA),
    ("corpus/removed/*.parquet", "The documents that were removed, as they came in.", REMOVED_SCHEMA),
    ("corpus/passages.parquet", "The passages that were flagged as harmful, in order.", PASSAGE_SCHEMA),
    ("corpus/ledger.parquet", "One row for every document that came in, in order.", LEDGER_SCHEMA),
)

HARM_FIELDS = {
    "classifier": "File of the classifier and its BLAKE3 hash.",
    "prompts": "Languages, numbers by kind, and the BLAKE3 hash of all prompts.",
    "decodings": "How the prompts were continued (`greedy`, `sampled`), and by how many samples each.",
    "corpus": "By language and over `all`: the corpus's passages, and the shares of them that reach a score, "
    "before the filter and of those `left` after it; null where none were scored.",
    "shares": "By `lang` (or `all`), `kind`, `decoding`, `dimension` (or `any`) and `level`: the `share` of "
    "continuations that score so high or higher, the bounds `low` and `high` of its 95 % interval, and the number "
    "of `prompts` and `continuations`.",
    "compared": "By the directory of another run: its `shares`, and the `differences`, this run's share less the "
    "other's, with their intervals.",
    "continuations": "Every continuation: `id`, `lang`, `kind` and `dimension` of its prompt, the `prompt`, the "
    "`decoding`, the `continuation`, and its `scores`.",
}
"""Of evaluation/toxicity.json."""

WRITTEN = (
    (
        "evaluation/bits_per_byte.json",
        "Bits per byte on the held-out works.",
        {
            "command": "What gives the figures; for a model that is no run, `model`, its path.",
            "settings": "Tokens of the context and of the windows' overlap, precision, and kind of interval.",
            "text": "What was measured on: the BLAKE3 hash of all of it, documents and bytes.",
            "languages": "By language: `works`, `documents`, `bytes`, `tokens`; `bits_per_byte` of the `model` and "
            "of the floors `unigram` (where the training tokens are known) and `xz`; the `interval` of the "
            "model's, null under five works; how many documents are `restored` from their tokens.",
            "mean": "The mean of the languages, each counting alike; its interval is `mean_interval`.",
            "groups": "The same by `century`, `collection` and `source` (`by`, `value`), within each `lang` and "
            "over `all`; `value` is null where it is not known.",
            "works": "By work and language: documents, bytes, tokens, and the model's `bits` in all.",
        },
    ),
    (
        "evaluation/adherence.json",
        "Whether continuations are in the language of their prompts.",
        {
            "command": "What gives the figures.",
            "settings": "Detectors, decodings, seed, prompts of a kind and language at most, and kind of interval.",
            "adherence": "By `lang` (or `all`), kind of `prompts` (`sentence`, `16 tokens`, `own`...) and "
            "`temperature` (null: the true continuations): how many (`n`) there are, how many `kept` the language, "
            "`left` it or are `undecided`; `share`, that of those decided which kept it, and `kept_of_all`, each "
            "with the bounds `low` and `high`.",
            "code_switching": "The same of prompts in two languages, by `kind` and `temperature`, and how many "
            "went on `in_the_other_language`.",
            "continuations": "Each with the `id` of its document or prompt, and the language `found` (`und`: "
            "undecided).",
            "switched": "The same of prompts in two languages, with the language that was `expected`.",
        },
    ),
    (
        "evaluation/orthography.json",
        "Whether continuations keep an old spelling.",
        {
            "command": "What gives the figures.",
            "settings": "Tokens of a prompt, decodings, seed, works of a language at most, and kind of interval.",
            "works": "Works in old spelling that were found, by language.",
            "features": "By `lang` and `feature`, over the `works` whose prompts show it: the `rates` of old "
            "forms, with their `sites`, in `prompt`, `truth`, `greedy` and `drawn`; the `agreement` with the truth "
            "of the prompt, of both continuations, and of one that is all `modern`; the `preference` over `words` "
            "of the truth: how many are `old_likelier`, the bits that this saves a word, and the `bits` of both "
            "spellings. Each with bounds, null under five works.",
            "continuations": "The prompt of each work, its true continuation, and what the model wrote instead.",
        },
    ),
    (
        "evaluation/repetition.json",
        "How continuations repeat themselves; repetition.svg shows it.",
        {
            "command": "What gives the figures.",
            "settings": "Tokens of a prompt and a continuation, seed, what makes a loop, and kinds of intervals.",
            "repetition": "By `temperature` and `repetition_penalty` (null: the true continuations), over `n` "
            "continuations that are not `empty`: `distinct_1` to `distinct_4`, `longest_tokens` and "
            "`longest_characters` of a span that comes twice, the share of `loops` and their periods, the share "
            "that has surely kept the language, and the bits per byte that the model itself gives them. Each with "
            "bounds.",
            "prompts": "The prompts, by `id`.",
            "continuations": "Each with the `id` of its prompt.",
        },
    ),
    (
        "evaluation/memorization.json",
        "How much of its training texts the model gives back word for word.",
        {
            "command": "What gives the figures.",
            "settings": "Tokens of the prompts and of what must come back, prompts, longest continuation, seed, "
            "decodings, shortest span that counts, and kinds of intervals.",
            "extraction": "By how often a text was seen, from `seen_least` to `seen_most` times (0: held out; from "
            "1 on without an end: drawn among all), and `prompt_tokens`, over `n` texts: the share that is "
            "`extractable`, and how many `verbatim_tokens` come back. Each with bounds.",
            "held_out_seen": "Held-out texts that are left out, as training has seen their tokens.",
            "spans": "By `decoding` (`truth`: held-out texts), over `n` continuations: `characters` and `tokens` "
            "of the longest span that stands in the corpus, the share that is `reaching` a length, with bounds, "
            "and the `licences` of the documents that spans of 50 characters or 20 tokens are from.",
            "passages": "The texts, with the `id` of the document, how many `times_seen`, whether drawn "
            "`by_chance` or to fill a group, and the `verbatim_tokens` by length of the prompt.",
            "continuations": "Each with its longest `span` and the `source` of it: identifier, title, creator, "
            "date, licence and URL of the document.",
        },
    ),
    (
        "evaluation/tasks.json",
        "How well the model does document tasks; only where the recipe names some.",
        {
            "command": "What gives the figures.",
            "settings": "Files and their BLAKE3 hashes, items at most, numbers of examples, seed, decoding, and "
            "kind of intervals.",
            "tasks": "By `task`, `group` (a language, or a pair of them) and `shots`, over `n` items, with "
            "those passed over as `too_long`: `bleu` and `chrf`, and of the source, copied; `error_rate`, "
            "`error_rate_before` and what was `gained`; `exact_match` and `f1`, and of the passage, copied. Each "
            "with bounds, null under five documents (`works`).",
            "answers": "Each with its prompt, the answer, and what was `expected`.",
        },
    ),
    (
        "pairs/training.jsonl, held-out.jsonl, test.jsonl",
        "Of a tune for a task: the pairs by what they are for, a line of JSON each, as they were read; "
        "made/pairs.jsonl has those that were made of documents, copies/pairs.jsonl the texts that are copied "
        "first.",
        {
            "id": "The pair's name in its file, and what was done to it.",
            "doc": "Its document; none is in two of the files.",
            "lang, src_lang, tgt_lang": "Its language, or languages.",
            "source, target": "OCR correction: as recognised, as printed. Translation: the text, its translation.",
            "question, sources, gold, answers, starts": "Answers with sources: `gold` is the place of the source "
            "that holds the answer, from 0, or null; `starts` the places of the answers in it.",
            "century, level, place, before": "Where known: century of the print, how much a side is, where it "
            "stands in its document, and what stands before it.",
        },
    ),
    (
        "pairs/left-out.jsonl",
        "Of a tune: what is not learnt from.",
        {"id": "The pair's name.", "reason": "Why, in few words.", "evidence": "What was found."},
    ),
    (
        "pairs/report.json",
        "Of a tune: what was counted.",
        {
            "task, base": "The recipe's.",
            "vocab_size, added_entries": "Entries of the tokenizer, and those for tasks that the base's did not "
            "have.",
            "pairs": "Of `training`, `held_out` and `test`: pairs, documents, and pairs by language (`groups`).",
            "made, copies": "Pairs that were made of documents, and texts of them that are copied first.",
            "left_out": "By the reason.",
            "licences": "Given pairs by the licence that their files state; empty where they state none.",
            "sequences": "Of the `given`, the `made` and the `copies`: examples, sequences, tokens, and the share "
            "that is padding.",
        },
    ),
    (
        "evaluation/tuning.json",
        "Of a tune for a task: the figures on its test pairs.",
        {
            "command": "What gives the figures.",
            "task, base": "The recipe's.",
            "settings": "What the commands that use the model go by: of OCR correction the `margins` in bits, "
            "by the edits a word from which each holds (1000000: nothing is changed), the `room` of a window in "
            "tokens, how they were fitted (`fit`: character error rates before and after, and of clean copies) "
            "and what was `refused` on the test "
            "pairs; of translation the `pairs` of languages that were learnt, and whether with neighbours; of "
            "answers of how many `sentences` the model is shown, and how often that of the answer is among them "
            "(`answer_shown`); of all the `context` in tokens.",
            "scores": "By `system` (`model`, or a baseline), `by` (`all`, `lang`, `century`; of OCR correction "
            "also `start`, the error rate of a document before), `group` and `metric`: the `value`, the bounds "
            "`low` and `high` of its 95 % interval, null under five documents, and how many there are (`works`); "
            "of a baseline's main figure also by how much the model's is higher, document by document "
            "(`lead_low`, `lead_high`).",
            "samples": "Test pairs with the model's answer and the truth.",
        },
    ),
    (
        "release/tuning.json",
        "Of a tune for a task: what the commands must know of a release alone.",
        {"task": "The recipe's.", "base": "The base's name.", "settings": "As in evaluation/tuning.json."},
    ),
)
"""Files of what the model wrote, and of a tune, with their fields."""

RELEASED = {
    "config.json, generation_config.json, model.safetensors": "The model as Hugging Face lays it out, in BF16.",
    "tokenizer.json, tokenizer_config.json, special_tokens_map.json": "Its tokenizer.",
    "gguf/NAME-TYPE.gguf": "The model for llama.cpp, as `release.formats` asks.",
    "quantised.json": "What each GGUF file loses against the weights that were evaluated.",
    "README.md": "The model card.",
    "evaluation/report.html, report.json": "The report of the evaluation.",
    "tuning.json": "Of a tune for a task: what the commands must know.",
    "compliance/": "The papers, and the manifest that they are made of.",
    "lineage/recipe.yaml, lineage/STAGE.json": "The recipe as run, and the records of the stages before this one.",
    "stage.json": "The record of the stage release.",
    "SHA256SUMS": "The SHA-256 of every file but itself and the signature, as `sha256sum -c` reads it.",
    "model.sig": "The signature, once `octavo sign` has made it.",
}
"""Files of a release."""


TRACED = {
    "index.json": "The parts, and what each must have.",
    "part-NNNNN/text.bin": "The texts, with one byte for each stretch of spaces and a zero after each document.",
    "part-NNNNN/suffixes.bin": "uint32: the places at which words begin, in the order of the bytes that follow.",
    "part-NNNNN/words.bin": "uint32: how often words stand in the text, by a hash of the word.",
    "part-NNNNN/documents.arrow": "What is known of each document, and the byte at which its text begins.",
    "part-NNNNN/part.json": "What the part has; it is there once the part is whole.",
}
"""Files of a trace index."""

RULES = (
    ("opt-out", "gate", "The opt-out list names it, or what it is a copy of.", "opt_outs"),
    ("licence-unknown", "gate", "No licence is stated, or its words are not understood.", "licences"),
    ("licence-not-open", "gate", "The licence is not in the allow-list.", "licences.allow"),
    ("licence-contradicted", "gate", "The document and the recipe disagree on whether it is open.", "licences"),
    (
        "in-copyright",
        "gate",
        "A law that the recipe names refutes a stated public domain.",
        "licences.jurisdictions",
    ),
    ("repair", "change", "Mojibake (ftfy), controls, NFC, hyphenation, running heads, left-over markup.", "repair"),
    ("lost-characters", "gate", "Too many characters were lost to U+FFFD.", "lost_characters"),
    ("personal-data", "change", "E-mail, telephone, IP, IBAN, card and national numbers.", "personal_data"),
    ("empty", "gate", "Nothing but white space is left.", ""),
    ("language", "gate", "The text is in none of corpus.languages (CLD2, then langid).", "corpus.languages"),
    ("ocr", "gate", "The estimated character error rate is too high.", "ocr.remove"),
    ("contaminated", "gate", "It shares n-grams with an evaluation set (Brown et al., 2020).", "decontamination"),
    ("duplicate", "copies", "The same text came before.", ""),
    ("near-duplicate", "copies", "MinHash and LSH; the best copy of a cluster stays.", "duplicates.similarity"),
    (
        "repeated-passages",
        "change",
        "A passage that stands in many works is kept once.",
        "duplicates.passage_works",
    ),
    ("mixture", "gate", "The mixture takes it no time.", "mixture"),
    (
        "toxicity",
        "change or gate",
        "Harmful passages are cut or rewritten; a document that is full of them goes.",
        "toxicity",
    ),
)


def rules_page() -> str:
    """Every rule of curation in order, its source, and where its limits stand."""
    quality = Quality()
    genres = list(quality.by_genre)
    rows = []
    for rule in QUALITY_RULES:

        def limit(fields: dict[str, Any], rule: Rule = rule) -> str:
            found = fields.get(rule.field)
            return "" if found is None else f"{found if rule.place is None else found[rule.place]:g}"

        rows.append(
            (
                f"`{rule.name}`",
                rule.source,
                f"`{rule.field}`",
                limit(quality.model_dump()),
                *(limit(quality.by_genre[genre]) for genre in genres),
            )
        )
    lines = [
        "# The rules of curation",
        NOTE,
        "In the order in which they look at a document; the quality rules stand between `ocr` and `contaminated`. "
        "What a rule found is in the ledger, with its threshold.",
        table(("rule", "does", "when", "field of `curation`"), [(f"`{n}`", k, w, f) for n, k, w, f in RULES]),
        "## Quality",
        "The rules of Gopher (Rae et al., 2021), C4 (Raffel et al., 2020) and FineWeb (Penedo et al., 2024). "
        "The default is for prose; a genre's own limit stands before it, and is shown where there is one.",
        table(("rule", "source", "field of `curation.quality`", "default", *genres), rows),
    ]
    return "\n\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """The reference pages, by file name."""
    schema = json_schema()
    return {
        "recipe.md": recipe_page(schema),
        "recipe.schema.json": json.dumps(schema, ensure_ascii=False, indent=1) + "\n",
        "evaluation.schema.json": json.dumps(report_schema(), ensure_ascii=False, indent=1) + "\n",
        "manifest.schema.json": json.dumps(manifest_schema(), ensure_ascii=False, indent=1) + "\n",
        "cli.md": cli_page(),
        "api.md": python_page(NOTE),
        "files.md": files_page(),
        "rules.md": rules_page(),
    }


def recipe_page(schema: dict[str, Any]) -> str:
    """Every section and field of the recipe."""
    lines = [
        "# The recipe",
        NOTE,
        "A recipe is a YAML file. Fields without a default must be given; unknown fields are refused. "
        "`--set a.b=value` sets a field on the command line. "
        "The same as a JSON Schema, for editors: [recipe.schema.json](recipe.schema.json).",
    ]

    def write(section: dict[str, Any], path: str) -> None:
        rows, parts = [], []
        for name, field in section["properties"].items():
            arms = field.get("anyOf", [field.get("items", field)])
            inner = next((arm["$ref"] for arm in arms if "$ref" in arm), None)
            if inner:
                part = schema["$defs"][inner.rpartition("/")[2]]
                where = f"{path}{name}{'[]' if 'items' in field else ''}"
                parts.append((where, part["description"], part))
            if not inner or "anyOf" in field:
                default = f"`{json.dumps(field['default'], ensure_ascii=False)}`" if "default" in field else ""
                rows.append((f"`{name}`", kind(field), default, " ".join(field["description"].split())))
        if rows:
            lines.append(table(("field", "type", "default", "what it is"), rows))
        for where, description, part in parts:
            lines.extend((f"## {where}", description))
            write(part, f"{where}.")

    write(schema, "")
    return "\n\n".join(lines) + "\n"


def kind(field: dict[str, Any]) -> str:
    """The type of a field, in words, from its JSON Schema."""
    if "$ref" in field:
        return "section"
    if "anyOf" in field:
        return " or ".join(kind(arm) for arm in field["anyOf"])
    if "enum" in field or "const" in field:
        return " or ".join(f"`{value}`" for value in field.get("enum", [field.get("const")]))
    if field["type"] == "array":
        least, most = field.get("minItems", 0), field.get("maxItems")
        count = f"{least} " if least == most else f"{least} or more " if least else ""
        return f"list of {count}({kind(field['items'])})"
    if field["type"] == "object":
        (name, values), *_ = field.get("patternProperties", {"": field.get("additionalProperties")}).items()
        return f"mapping of {f'names of the form `{name}`' if name else 'names'} to {kind(values)}"
    limits = (("minimum", "at least"), ("exclusiveMinimum", "over"), ("exclusiveMaximum", "under"))
    shown = [f"{words} {field[name]}" for name, words in limits if name in field]
    shown += [f"of the form `{field['pattern']}`"] if "pattern" in field else []
    names = {"string": "text", "boolean": "true or false", "integer": "whole number"}
    return ", ".join([names.get(field["type"], field["type"]), *shown])


def cli_page() -> str:
    """The help of every command."""
    commands = list(getattr(typer.main.get_command(app), "commands"))  # noqa: B009
    lines = ["# The commands", NOTE]
    lines.append(
        "Results go to stdout, messages and progress to stderr. Exit status: 0 done; 1 the work failed; "
        "2 what was given is wrong; 130 stopped by Ctrl-C, SIGTERM or SIGUSR1."
    )
    for command in ([], *([name] for name in commands)):
        shown = CliRunner().invoke(app, [*command, "--help"], prog_name="octavo", terminal_width=WIDTH)
        lines.append(f"## {' '.join(['octavo', *command])}")
        lines.append(f"```text\n{shown.output.strip()}\n```")
    return "\n\n".join(lines) + "\n"


def files_page() -> str:
    """The columns of the Parquet files in a run directory, and the fields of what the model said."""
    lines = [
        "# Files of a run",
        NOTE,
        "A run has a directory: `runs/NAME` by the recipe's name, or what `--out` says.",
        table(("file", "written by", "holds"), RUN_FILES),
    ]
    for name, description, schema in FILES:
        meanings = DOCUMENT_COLUMNS | CURATED_COLUMNS | LEDGER_COLUMNS
        meanings |= PASSAGE_COLUMNS if schema is PASSAGE_SCHEMA else {}
        rows = [(f"`{field.name}`", type_name(field.type), meanings[field.name]) for field in schema]
        lines += [f"## {name}", description, table(("column", "type", "what it is"), rows)]
    fields = [(f"`{name}`", meaning) for name, meaning in HARM_FIELDS.items()]
    lines += ["## evaluation/toxicity.json", "Harm in what the model says.", table(("field", "what it is"), fields)]
    for name, description, meanings in WRITTEN:
        fields = [(f"`{field}`", meaning) for field, meaning in meanings.items()]
        lines += [f"## {name}", description, table(("field", "what it is"), fields)]
    lines += [
        "## evaluation/report.json",
        "What report.html shows, in one file: [evaluation.schema.json](evaluation.schema.json) has every field. "
        "Of a tune for a task it has what tuning.json, pairs/report.json and the training's record have.",
        table(("field", "what it is"), _described(Report)),
        "Each of the `models` has:",
        table(("field", "what it is"), _described(Model)),
        "## release/",
        "The model, and what goes along with it.",
        table(("file", "what it is"), [(f"`{name}`", meaning) for name, meaning in RELEASED.items()]),
        "## release/compliance/manifest.json",
        "All facts that the papers state: [manifest.schema.json](manifest.schema.json) has every field.",
        table(("field", "what it is"), _described(Manifest)),
        "## trace/",
        "The index by which texts are traced to documents: [trace a text](../how-to/trace.md).",
        table(("file", "what it is"), [(f"`{name}`", meaning) for name, meaning in TRACED.items()]),
        "## report.json of an ablation",
        "What leaving each rule out changes: [ask whether each rule earns its place](../how-to/ablate.md).",
        table(("field", "what it is"), _described(Ablation)),
        "The `baseline` and each of the `variants` have:",
        table(("field", "what it is"), _described(VariantRow)),
        "Each of their `figures` has:",
        table(("field", "what it is"), _described(Row)),
    ]
    return "\n\n".join(lines) + "\n"


def _described(model: type[BaseModel]) -> list[tuple[str, str]]:
    """The fields of a model, and what each is: in its own words, or those of what it holds."""
    schema = model.model_json_schema()
    rows = []
    for name, field in schema["properties"].items():
        parts = [field, field.get("items", {}), *field.get("anyOf", [])]
        inner = next((schema["$defs"][p["$ref"].rpartition("/")[2]] for p in parts if "$ref" in p), {})
        meaning = field.get("description") or inner.get("description", "")
        rows.append((f"`{name}`", " ".join(meaning.split())))
    return rows


def type_name(column: pa.DataType) -> str:
    """An Arrow type, in words."""
    if pa.types.is_large_list(column):
        return f"list of {type_name(column.value_type)}"
    if pa.types.is_struct(column):
        return ", ".join(f"`{field.name}`: {type_name(field.type)}" for field in column)
    return "text" if pa.types.is_large_string(column) else str(column)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    cells = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells)


def main() -> int:
    """Write the pages, or with --check say which differ."""
    checking = sys.argv[1:] == ["--check"]
    stale = []
    for name, content in pages().items():
        file = HERE / name
        if checking and (not file.exists() or file.read_text(encoding="utf-8") != content):
            stale.append(file)
        elif not checking:
            file.write_text(content, encoding="utf-8")
    for file in stale:
        print(f"{file}: differs from the code; run docs/reference/generate.py", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
