"""Manifests to write papers from: as full as can be, as bare as can be, a tune, continued pretraining, given tokens."""

from __future__ import annotations

from typing import get_args

from octavo.recipe.provider import Provider
from octavo.release.manifest import (
    Architecture,
    Base,
    Collection,
    Corpus,
    Count,
    Energy,
    File,
    GivenTokens,
    Harm,
    Language,
    Manifest,
    Metric,
    OptOuts,
    Pairs,
    Sample,
    Source,
    StageEnergy,
    Step,
    Synthetic,
    Tokenization,
    Training,
)


def count(documents: int, size: int) -> Count:
    """Documents and their bytes."""
    return Count(documents=documents, bytes=size)


def provider() -> Provider:
    """A provider who has told everything."""
    return Provider(
        name="The Open Library Foundation",
        address="1 Reading Street, 75001 Paris, France",
        contact="models@library.example",
        representative="none",
        small=True,
        country="FRA",
        version="1.0",
        earlier_summaries=[],
        placed_on_market="2026-03-01",
        training_goes_on=False,
        channels=["https://huggingface.co/library/reader"],
        intended_uses="Continuing and studying historical text.",
        acceptable_use="https://library.example/acceptable-use",
        signatory=False,
        rights_reservations="Catalogues are asked for reservations each quarter.",
        crawlers="LibraryBot reads the sites of partner libraries; it obeys robots.txt and passes no paywall.",
        illegal_content="Lists of known illegal works are compared by title.",
        complaints="rights@library.example",
        base_summary="https://base.example/summary",
        other_data="Pairs that the library's readers corrected by hand, CC0-1.0.",
    )


def architecture() -> Architecture:
    """A small Llama."""
    return Architecture(
        parameters=5_247_744,
        hidden_size=256,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=640,
        vocab_size=8192,
        max_position_embeddings=512,
        rope_theta=10_000.0,
        tie_word_embeddings=True,
    )


def collections() -> list[Collection]:
    """Two collections that are large, and one that is not."""
    return [
        Collection(
            name="Gutenberg",
            documents=60,
            bytes=600_000,
            licences={"LicenseRef-Public-Domain": count(60, 600_000)},
            languages={"en": count(40, 400_000), "fr": count(20, 200_000)},
            first_year=1789,
            last_year=1922,
            domains={"www.gutenberg.org": count(60, 600_000)},
        ),
        Collection(
            name="EUR-Lex",
            documents=30,
            bytes=380_000,
            licences={"CC-BY-4.0": count(30, 380_000)},
            languages={"fr": count(30, 380_000)},
            first_year=1958,
            last_year=2024,
            domains={"eur-lex.europa.eu": count(30, 380_000)},
        ),
        Collection(
            name="Leaflets",
            documents=10,
            bytes=20_000,
            licences={"CC-BY-SA-4.0": count(10, 20_000)},
            languages={"en": count(10, 20_000)},
            first_year=None,
            last_year=None,
            domains={},
        ),
    ]


def source(
    path: str = "hf://datasets/library/books", kept: Count | None = None, known: bool = True, **fields: object
) -> Source:
    """A source of the recipe; `known` fills what only a person can tell."""
    told: dict[str, object] = {"origin": None, "title": None, "url": None, "collected": None, "license": None}
    if known:
        told |= {
            "origin": "public",
            "title": "Open books",
            "url": "https://huggingface.co/datasets/library/books",
            "collected": "2024-01 to 2025-03",
        }
    found = kept or count(100, 1_000_000)
    return Source.model_validate({"path": path, "files": 3, "came": found, "kept": found} | told | fields)


def corpus() -> Corpus:
    """A corpus of which everything is known."""
    return Corpus(
        imported_on="2026-02-11",
        came=count(130, 1_400_000),
        kept=count(100, 1_000_000),
        removed={
            "licence-unknown": count(4, 50_000),
            "licence-not-open": count(9, 150_000),
            "opt-out": count(2, 30_000),
            "near-duplicate": count(10, 100_000),
            "toxicity": count(1, 10_000),
            "language": count(4, 40_000),
        },
        changed={"personal-data": count(8, 80_000), "toxicity": count(5, 50_000), "repair": count(20, 200_000)},
        held_out=count(10, 90_000),
        languages={
            "fr": Language(documents=50, bytes=580_000, held_out=count(5, 45_000), bytes_per_token=3.9),
            "en": Language(documents=50, bytes=420_000, held_out=count(5, 45_000), bytes_per_token=4.1),
        },
        mixed=count(3, 12_000),
        licences={
            "LicenseRef-Public-Domain": count(60, 600_000),
            "CC-BY-4.0": count(30, 380_000),
            "CC-BY-SA-4.0": count(10, 20_000),
        },
        obligations={
            "none": count(60, 600_000),
            "attribution": count(30, 380_000),
            "share-alike": count(10, 20_000),
        },
        centuries={"19": count(55, 550_000), "20": count(30, 380_000), "None": count(15, 70_000)},
        genres={"prose": count(70, 620_000), "law": count(30, 380_000)},
        first_year=1789,
        last_year=2024,
        collections=collections(),
        domains={"www.gutenberg.org": count(60, 600_000), "eur-lex.europa.eu": count(30, 380_000)},
        all_domains=2,
        sources=[
            source(
                collections={
                    "Gutenberg": count(60, 600_000),
                    "EUR-Lex": count(30, 380_000),
                    "Leaflets": count(10, 20_000),
                }
            )
        ],
        personal_data={"EMAIL": 12, "PHONE": 3},
        harm=Harm(
            passages=4_321,
            outcomes={"annotated": 40, "rewritten": 5, "removed": 7},
            classifier="octavo's own",
            second_opinion="PleIAs/celadon",
        ),
        synthetic=Synthetic(documents=4, bytes=2_500, models={"library/rewriter-1b": 2_500}),
        opt_outs=OptOuts(
            entries={
                "identifiers": 3,
                "creators": 1,
                "sources": 0,
                "collections": 0,
                "url_patterns": 2,
                "text_hashes": 0,
            },
            documents=2,
            bytes=30_000,
        ),
        steps=list(get_args(Step)),
        licence_policy=["LicenseRef-Public-Domain", "CC0-1.0", "CC-BY-*", "CC-BY-SA-*"],
        jurisdictions=["EU", "US"],
    )


def training(flops: float = 1.3e14) -> Training:
    """The training of a small model."""
    return Training(
        steps=977,
        taken=977,
        tokens=4_001_792,
        passes=17.2,
        sequence_length=128,
        sequences_per_step=32,
        optimizer="adamw",
        learning_rate=0.003,
        schedule="cosine",
        weight_decay=0.1,
        precision="bfloat16",
        seed=1789,
        objective="the cross-entropy of each next token",
        loss=3.21,
        flops=flops,
        flops_method="6 N + 12 L H S a token",
        seconds=271.5,
        processes=1,
        device="cpu",
    )


def energy() -> Energy:
    """What a small run takes."""
    return Energy(
        joules=9_000.0,
        method="estimated from the processor's load",
        stages={
            "curation": StageEnergy(joules=1_000.0, method="estimated from the processor's load", machines=1),
            "training": StageEnergy(joules=8_000.0, method="estimated from the processor's load", machines=1),
        },
        country="FRA",
        co2eq_grams=0.14,
    )


def metrics() -> list[Metric]:
    """Some figures of an evaluation."""
    return [
        Metric(
            name="bits per byte",
            group="fr",
            value=2.345,
            low=2.2,
            high=2.5,
            unit="bits per byte",
            file="evaluation/report.json",
        ),
        Metric(
            name="bits per byte of xz -9",
            group="fr",
            value=2.9,
            low=None,
            high=None,
            unit="bits per byte",
            file="evaluation/report.json",
        ),
        Metric(
            name="comes back word for word after 64 tokens, texts seen 1 times or more",
            group="all",
            value=0.015,
            low=0.0,
            high=0.08,
            unit="share",
            file="evaluation/report.json",
        ),
        Metric(
            name="scores 1 or more for harm, neutral prompts, greedy",
            group="all",
            value=0.02,
            low=0.01,
            high=0.05,
            unit="share",
            file="evaluation/report.json",
        ),
    ]


def weights() -> list[File]:
    """The weights of a release."""
    return [
        File(path="gguf/reader-Q8_0.gguf", bytes=5_600_000, sha256="b" * 64),
        File(path="model.safetensors", bytes=10_500_000, sha256="a" * 64),
    ]


def full() -> Manifest:
    """A base model of which everything is known."""
    return Manifest(
        octavo="0.1.0",
        name="reader",
        task=None,
        made_on="2026-02-12",
        license="Apache-2.0",
        formats=["safetensors", "gguf-q8_0"],
        languages=["fr", "en"],
        provider=provider(),
        architecture=architecture(),
        base=None,
        corpus=corpus(),
        given_tokens=[],
        pairs=None,
        tokenization=Tokenization(entries=8192, trained=True, tokens=232_000, documents=90),
        training=training(),
        energy=energy(),
        metrics=metrics(),
        samples={"fr": Sample(prompt="Il était une fois", continuation=" un roi.")},
        traced=True,
        weights=weights(),
        corpus_files=[File(path="../corpus/ledger.parquet", bytes=40_000, sha256="c" * 64)],
    )


def bare() -> Manifest:
    """A base model whose provider has told nothing, of documents that state little, and with nothing measured."""
    found = corpus().model_copy(
        update={
            "removed": {},
            "changed": {},
            "held_out": count(0, 0),
            "mixed": count(0, 0),
            "centuries": {"None": count(100, 1_000_000)},
            "first_year": None,
            "last_year": None,
            "languages": {"fr": Language(documents=100, bytes=1_000_000, held_out=None, bytes_per_token=None)},
            "collections": [
                Collection(
                    name=None,
                    documents=100,
                    bytes=1_000_000,
                    licences={"CC0-1.0": count(100, 1_000_000)},
                    languages={"fr": count(100, 1_000_000)},
                    first_year=None,
                    last_year=None,
                    domains={},
                )
            ],
            "domains": {},
            "all_domains": 0,
            "sources": [source(path="/home/someone/books", known=False)],
            "personal_data": None,
            "harm": None,
            "synthetic": Synthetic(documents=0, bytes=0, models={}),
            "opt_outs": OptOuts(entries={}, documents=0, bytes=0),
            "steps": ["opt-outs", "licences", "language", "ocr", "copies"],
        }
    )
    return full().model_copy(
        update={
            "provider": Provider(),
            "corpus": found,
            "energy": None,
            "metrics": [],
            "samples": {},
            "traced": False,
            "training": training().model_copy(update={"loss": None}),
        }
    )


def tune() -> Manifest:
    """A tune for OCR correction: pairs, no corpus."""
    return full().model_copy(
        update={
            "name": "reader-ocr",
            "task": "ocr",
            "corpus": None,
            "tokenization": None,
            "traced": False,
            "base": Base(name="library/reader", summary="https://base.example/summary"),
            "pairs": Pairs(
                training=900,
                held_out=100,
                test=250,
                made=300,
                tokens=232_662,
                groups={"fr": 600, "en": 300},
                licences={"CC0-1.0": 1_250},
            ),
        }
    )


def continued() -> Manifest:
    """Continued pretraining: a corpus and a base."""
    return full().model_copy(
        update={"name": "reader-law", "task": "continued", "base": Base(name="library/reader", summary=None)}
    )


def given_tokens() -> Manifest:
    """A model of token files that were given, of whose documents nothing is known."""
    return full().model_copy(
        update={
            "corpus": None,
            "tokenization": Tokenization(entries=65_536, trained=False, tokens=None, documents=None),
            "given_tokens": [
                GivenTokens(folder="/mnt/tokens/web", tokens=2_000_000_000, documents=1_500_000),
                GivenTokens(folder="tokens/books", tokens=500_000_000, documents=9_000),
            ],
        }
    )


def over_threshold() -> Manifest:
    """A model whose training compute lies over the Act's indicative threshold."""
    return full().model_copy(update={"training": training(flops=2.3e23)})


ALL = {
    "full": full,
    "bare": bare,
    "tune": tune,
    "continued": continued,
    "given tokens": given_tokens,
    "over the threshold": over_threshold,
}
"""Every kind of manifest, by name."""
