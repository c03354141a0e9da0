"""The card of a published corpus: README.md of a dataset, with Hugging Face's metadata at its head."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from huggingface_hub import DatasetCardData

from octavo.corpus.licence_terms import obligation
from octavo.corpus.locations import is_remote
from octavo.release.card_parts import card_template
from octavo.release.croissant import LEDGER, corpus_name, corpus_summary
from octavo.release.croissant_columns import DOCUMENTS
from octavo.release.dataset_files import DATA, Shards
from octavo.release.hub_licences import hub_license
from octavo.release.licence_pages import licence_page
from octavo.release.manifest import Corpus, Manifest, Source
from octavo.release.statements import biases, harm, personal_data, preprocessing


def dataset_card(manifest: Manifest, shards: Shards) -> str:
    """The README.md; the manifest must have a corpus, which lies in `shards` and the ledger."""
    corpus = manifest.corpus
    assert corpus is not None
    harmful, personal = harm(corpus), personal_data(corpus)
    return card_template("dataset_card.md").render(
        metadata=_metadata(manifest, corpus, shards),
        name=corpus_name(manifest),
        summary=corpus_summary(manifest, corpus),
        manifest=manifest,
        corpus=corpus,
        documents=shards.documents,
        first=shards.files[0].path,
        licences=[
            {
                "spdx": spdx,
                "page": licence_page(spdx),
                "asks": obligation(spdx, tuple(corpus.licence_policy)),
                "count": count,
            }
            for spdx, count in corpus.licences.items()
        ],
        sources=[(_source_name(source), source) for source in corpus.sources],
        changes=[line for line in preprocessing(corpus) if line not in (harmful, *personal)],
        personal_data=personal,
        harm=harmful,
        biases=biases(corpus),
        columns=DOCUMENTS,
    )


def size_category(documents: int) -> str:
    """How many documents a dataset has, as a hub's metadata says it: `1K<n<10K`."""
    bounds = [("1K", 10**3), ("10K", 10**4), ("100K", 10**5), ("1M", 10**6), ("10M", 10**7), ("100M", 10**8)]
    bounds += [("1B", 10**9), ("10B", 10**10), ("100B", 10**11), ("1T", 10**12)]
    below = [name for name, bound in bounds if documents >= bound]
    above = [name for name, bound in bounds if documents < bound]
    if not below:
        return f"n<{above[0]}"
    return f"{below[-1]}<n<{above[0]}" if above else f"n>{below[-1]}"


def _metadata(manifest: Manifest, corpus: Corpus, shards: Shards) -> str:
    splits = [{"split": name, "path": f"{DATA}/{name}-*.parquet"} for name in shards.documents]
    configs: list[dict[str, Any]] = [
        {"config_name": "default", "data_files": splits},
        {"config_name": "ledger", "data_files": LEDGER},
    ]
    return DatasetCardData(
        pretty_name=corpus_name(manifest),
        language=list(corpus.languages),
        license=sorted({hub_license(spdx)["license"] for spdx in corpus.licences}),
        size_categories=size_category(sum(shards.documents.values())),
        task_categories=["text-generation"],
        multilinguality="multilingual" if len(corpus.languages) > 1 else "monolingual",
        tags=["octavo", "open-data", "croissant"],
        configs=configs,
    ).to_yaml().strip()  # fmt: skip


def _source_name(source: Source) -> str:
    """A source as its recipe calls it; of a file of the machine where it was read, no more than its name."""
    if source.title:
        return source.title
    named = is_remote(source.path) or ":" in source.path
    return source.path if named else PurePath(source.path).name
