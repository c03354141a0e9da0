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
from typer.testing import CliRunner

from octavo.cli import app
from octavo.corpus.schema import DOCUMENT_SCHEMA, KEPT_SCHEMA, LEDGER_SCHEMA, REMOVED_SCHEMA
from octavo.curation.quality import RULES as QUALITY_RULES
from octavo.curation.quality import Rule
from octavo.recipe import json_schema
from octavo.recipe_curation import Quality

HERE = Path(__file__).parent
WIDTH = 100
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
    "rule": "The rule that decided: that removed the document, or the last that changed it; null where none did.",
    "evidence": "JSON by rule: what each rule that removed or changed it found, with the threshold.",
}
LEDGER_COLUMNS = {
    "fate": "`kept`, `repaired`, `redacted` or `removed`.",
    "rules": "Rules that changed or removed the document, in order.",
    "cluster": "Of a removed copy: the hash of the text that it shares, or of its cluster's first; else null.",
    "bytes_in": "Bytes of the text as it came in.",
    "bytes_out": "Bytes of the text that stay; 0 where it was removed.",
    "content_hash_in": "BLAKE3 of the text as it came in.",
    "content_hash_out": "BLAKE3 of the text that stays, or null.",
}
FILES = (
    ("documents/*.parquet", "Every document that came in, in order.", DOCUMENT_SCHEMA),
    ("corpus/kept/*.parquet", "The documents that stay.", KEPT_SCHEMA),
    ("corpus/originals/*.parquet", "The documents that curation changed, as they came in.", DOCUMENT_SCHEMA),
    ("corpus/removed/*.parquet", "The documents that were removed, as they came in.", REMOVED_SCHEMA),
    ("corpus/ledger.parquet", "One row for every document that came in, in order.", LEDGER_SCHEMA),
)


RULES = (
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
        "cli.md": cli_page(),
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
            inner = field.get("items", field)
            if "$ref" in inner:
                part = schema["$defs"][inner["$ref"].rpartition("/")[2]]
                where = f"{path}{name}{'[]' if 'items' in field else ''}"
                parts.append((where, part["description"], part))
            else:
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
    """The columns of the Parquet files in a run directory."""
    meanings = DOCUMENT_COLUMNS | CURATED_COLUMNS | LEDGER_COLUMNS
    lines = ["# The columns of a run's Parquet files", NOTE]
    for name, description, schema in FILES:
        rows = [(f"`{field.name}`", type_name(field.type), meanings[field.name]) for field in schema]
        lines += [f"## {name}", description, table(("column", "type", "what it is"), rows)]
    return "\n\n".join(lines) + "\n"


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
