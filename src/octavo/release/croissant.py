"""Croissant 1.1 metadata of the corpus, with its vocabulary for responsible AI; see https://docs.mlcommons.org/croissant."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from octavo.corpus.schema import KEPT_SCHEMA, LEDGER_SCHEMA
from octavo.release import croissant_columns, statements
from octavo.release.licence_pages import SPDX_PAGE, licence_page
from octavo.release.manifest import Corpus, File, Manifest

PARQUET = "application/x-parquet"
FOLDER_FORMATS = ["inode/directory", "git+https"]
"""mlcroissant 1.1 reads several Parquet files as one table only where their folder is marked as a repository."""
LEDGER = "ledger.parquet"
FOLDER = "corpus"
DOCUMENTS_SET = "documents-files"
_CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_TERMS = (
    "arrayShape citeAs column conformsTo containedIn data dataType equivalentProperty examples extract field "
    "fileObject fileProperty fileSet format includes isArray isLiveDataset jsonPath key md5 parentField path "
    "recordSet references regex repeated replace samplingRate separator source subField transform"
)
"""Words of the vocabulary, as the specification's context has them."""
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{term: f"cr:{term}" for term in _TERMS.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}


def croissant(manifest: Manifest, files: Sequence[File], prefix: str) -> dict[str, Any]:
    """The JSON-LD of the corpus.

    `files` are the Parquet files of the kept documents and the ledger, by their path in the corpus's folder;
    `prefix` leads to that folder from where the JSON-LD is written to. The manifest must have a corpus.
    """
    corpus = manifest.corpus
    assert corpus is not None
    documents = [file for file in files if PurePosixPath(file.path).name != LEDGER]
    ledger = [file for file in files if PurePosixPath(file.path).name == LEDGER]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        **_about(manifest, corpus),
        **_responsible(manifest, corpus),
        "distribution": [
            _folder(files, prefix),
            *(_file(file, prefix) for file in [*documents, *ledger]),
            *_file_set(documents),
        ],
        "recordSet": [*_documents(documents), *_ledger(ledger)],
    }


def corpus_name(manifest: Manifest) -> str:
    """What the corpus of a model is called."""
    return f"{manifest.name}-corpus"


def corpus_version(manifest: Manifest) -> str:
    """A version by the day, as corpora have no other: 2026.2.12."""
    day = datetime.date.fromisoformat(manifest.made_on)
    return f"{day.year}.{day.month}.{day.day}"


def corpus_summary(manifest: Manifest, corpus: Corpus) -> str:
    """The corpus in two sentences."""
    first, last = corpus.first_year, corpus.last_year
    years = f", dated {first}" + (f" to {last}" if last != first else "") if first is not None else ""
    return (
        f"{statements.counted(corpus.kept)} in {statements.names(corpus.languages)}{years}: the text that the "
        f"language model {manifest.name} was trained on, and held-out documents to measure it on. Each has its "
        f"licence; the ledger says of every document that came in what became of it, and why."
    )


def _about(manifest: Manifest, corpus: Corpus) -> dict[str, Any]:
    provider = manifest.provider
    who = {"@type": "sc:Organization", "name": provider.name} if provider.name else None
    return {
        "name": corpus_name(manifest),
        "description": corpus_summary(manifest, corpus),
        "citeAs": _citation(manifest),
        "license": [licence_page(spdx) or spdx for spdx in corpus.licences],
        "sdLicense": f"{SPDX_PAGE}CC0-1.0.html",
        **({"creator": who, "publisher": who} if who else {}),
        "datePublished": manifest.made_on,
        "version": corpus_version(manifest),
        "keywords": [
            "text",
            "language model",
            "pretraining",
            *(genre for genre in corpus.genres if genre != "None"),
        ],
        "inLanguage": list(corpus.languages),
        "isLiveDataset": False,
    }


def _citation(manifest: Manifest) -> str:
    """BibTeX; braces and line breaks of a name would break it."""
    key = "".join(c for c in corpus_name(manifest) if c.isalnum() or c == "-")
    fields = {"title": corpus_name(manifest), "author": manifest.provider.name, "year": manifest.made_on[:4]}
    told = ", ".join(f"{name} = {{{_plain(value)}}}" for name, value in fields.items() if value)
    return f"@misc{{{key}, {told}}}"


def _plain(words: str) -> str:
    return " ".join(words.translate(str.maketrans("", "", "{}\\")).split())


def _responsible(manifest: Manifest, corpus: Corpus) -> dict[str, Any]:
    """The facts that the vocabulary for responsible AI asks for, where the manifest has them."""
    harm = statements.harm(corpus)
    told = {
        "dataCollection": statements.collection(corpus, manifest.provider),
        "dataCollectionRawData": (
            "Documents as they came in lie in the run's folder documents/; removed ones stay in corpus/removed/, "
            "and texts before a change in corpus/originals/."
        ),
        "dataPreprocessingProtocol": statements.preprocessing(corpus),
        "dataAnnotationProtocol": harm,
        "machineAnnotationTools": [f"harm: {statements.classifier(corpus.harm)}"] if corpus.harm else None,
        "dataUseCases": ["Training and measuring language models", "Tracing what a model wrote to its documents"],
        "dataBiases": statements.biases(corpus),
        "dataLimitations": _limits(corpus),
        "personalSensitiveInformation": statements.personal_data(corpus),
    }
    return {f"rai:{name}": value for name, value in told.items() if value}


def _limits(corpus: Corpus) -> list[str]:
    found = ["Text alone: no images, tables or layout of the originals."]
    undated = corpus.centuries.get("None")
    if undated:
        found.append(f"Without a date: {statements.counted(undated)}.")
    if corpus.last_year is not None:
        found.append(f"Nothing is dated after {corpus.last_year}.")
    if corpus.mixed.documents:
        found.append(f"In several languages: {statements.counted(corpus.mixed)}.")
    return found


def _folder(files: Sequence[File], prefix: str) -> dict[str, Any]:
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in sorted(files, key=lambda file: file.path))
    return {
        "@type": "cr:FileObject",
        "@id": FOLDER,
        "name": FOLDER,
        "description": (
            "The folder with the files below. Its sha256 is that of lines `SHA256  PATH`, one a file, by path."
        ),
        "contentUrl": prefix.rstrip("/") or ".",
        "contentSize": f"{sum(file.bytes for file in files)} B",
        "encodingFormat": FOLDER_FORMATS,
        "sha256": hashlib.sha256(lines.encode()).hexdigest(),
    }


def _file(file: File, prefix: str) -> dict[str, Any]:
    return {
        "@type": "cr:FileObject",
        "@id": file.path,
        "name": file.path,
        "contentUrl": prefix + file.path,
        "contentSize": f"{file.bytes} B",
        "encodingFormat": PARQUET,
        "sha256": file.sha256,
    }


def _file_set(documents: Sequence[File]) -> list[dict[str, Any]]:
    if not documents:
        return []
    return [
        {
            "@type": "cr:FileSet",
            "@id": DOCUMENTS_SET,
            "name": DOCUMENTS_SET,
            "description": "The kept documents.",
            "containedIn": {"@id": FOLDER},
            "encodingFormat": PARQUET,
            "includes": sorted({str(PurePosixPath(file.path).with_name("*.parquet")) for file in documents}),
        }
    ]


def _documents(documents: Sequence[File]) -> list[dict[str, Any]]:
    source = {"fileSet": {"@id": DOCUMENTS_SET}}
    meanings = croissant_columns.DOCUMENTS
    return _record_set("documents", "The kept documents.", KEPT_SCHEMA, meanings, source) if documents else []


def _ledger(ledger: Sequence[File]) -> list[dict[str, Any]]:
    return [
        record_set
        for file in ledger
        for record_set in _record_set(
            "ledger",
            "Every document that came in, and what became of it.",
            LEDGER_SCHEMA,
            croissant_columns.LEDGER,
            {"fileObject": {"@id": file.path}},
        )
    ]


def _record_set(
    name: str, meaning: str, schema: Any, meanings: dict[str, str], source: dict[str, Any]
) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:RecordSet",
            "@id": name,
            "name": name,
            "description": meaning,
            "field": croissant_columns.fields(schema, meanings, name, source),
        }
    ]
