"""Fields that the technical documentation and the model documentation form share: the data and its curation."""

from __future__ import annotations

from typing import Final

from octavo.release.manifest import Manifest, Step
from octavo.release.papers import curation_fields as curation
from octavo.release.papers import wording
from octavo.release.papers.content import Field, Mark, field
from octavo.release.papers.origins import all_sources, answer, kept, sources, unnamed_data

_KINDS = (
    ("Web crawling", ("crawled",)),
    ("Private datasets obtained from third parties", ("licensed", "private")),
    ("User data", ("users",)),
    ("Publicly available datasets", ("public",)),
    ("Synthetic data", ("synthetic",)),
    ("Other means", ("other",)),
)


def provenance(manifest: Manifest) -> Field:
    """The kinds of sources, each with yes or no."""
    rows = []
    for name, origins in _KINDS:
        said = answer(manifest, *origins)
        rewrote = "synthetic" in origins and manifest.corpus and manifest.corpus.synthetic.bytes
        if rewrote:
            said = ["Yes, passages rewritten in curation."]
        elif any(isinstance(one, Mark) for one in said):
            said = ["Open until the kind of each source is told"]
        rows.append([name, " ".join(said)])
    return field(
        "provenance",
        "Data provenance",
        *[Mark(one.field("origin")) for one in sources(manifest, None)],
        *([Mark("provider.other_data")] if unnamed_data(manifest) and not manifest.provider.other_data else []),
        columns=("Kind of source", "Used"),
        rows=rows,
    )


def obtained(manifest: Manifest) -> Field:
    """How the data came to the run, and what was chosen of it."""
    if not manifest.corpus:
        return field("obtained", "How the data was obtained and selected", *unnamed_data(manifest))
    listed = [
        f"{one.name}: {wording.counted(one.source.files, 'file')}, {wording.amount(one.source.came)} came in, "
        f"{wording.amount(one.source.kept)} stayed."
        for one in all_sources(manifest)
    ]
    return field(
        "obtained",
        "How the data was obtained and selected",
        "The recipe names the sources; octavo reads them as they are and crawls nothing itself. Curation "
        "chooses the documents, by the rules that are given below.",
        *unnamed_data(manifest),
        items=listed,
    )


def points(manifest: Manifest) -> Field:
    """How much there is to train on, to hold out and to test on."""
    said = []
    if manifest.corpus:
        said.append(f"Documents: {kept(manifest)}.")
    if manifest.tokenization and manifest.tokenization.tokens:
        said.append(
            f"To train on: {manifest.tokenization.tokens:,} tokens of "
            f"{wording.documents(manifest.tokenization.documents or 0)}."
        )
    if manifest.pairs:
        pairs = manifest.pairs
        said.append(
            f"Pairs: {pairs.training:,} to train on, {pairs.held_out:,} held out to validate, {pairs.test:,} to "
            f"test; {pairs.made:,} more examples were made of documents."
        )
    for folder in manifest.given_tokens:
        said.append(f"Token files that were given: {folder.tokens:,} tokens of {folder.documents:,} documents.")
    said.append(f"The training read {manifest.training.tokens:,} tokens, in {manifest.training.passes:.1f} passes.")
    return field("points", "Number of data points", *said)


def scope(manifest: Manifest) -> Field:
    """What the data is of."""
    label = "Scope and main characteristics"
    corpus = manifest.corpus
    if not corpus:
        found = wording.languages(manifest.languages) if manifest.languages else "not known here"
        return field("scope", label, f"Languages: {found}. The public summary of training content says more.")
    spread = ", ".join(wording.language(code) for code in corpus.languages)
    return field(
        "scope",
        label,
        f"Text in {spread}; dated {wording.years(corpus.first_year, corpus.last_year)}. The public summary of "
        "training content has the figures by language, century, collection and domain.",
        columns=("Collection", "Documents", "Bytes", "Licences", "Languages", "Texts of"),
        rows=[
            [
                one.name or wording.NOT_STATED,
                f"{one.documents:,}",
                f"{one.bytes:,}",
                wording.licences(one.licences),
                wording.languages(one.languages),
                wording.years(one.first_year, one.last_year),
            ]
            for one in corpus.collections[:_COLLECTIONS]
        ],
        numbers=(1, 2),
    )


_COLLECTIONS = 20
"""Largest collections that are shown."""


def curated(manifest: Manifest) -> list[Field]:
    """How the data was cleaned and chosen, with the figures of each rule."""
    corpus = manifest.corpus
    label = "Data curation methodologies"
    if not corpus:
        return [field("curation", label, *curation.not_seen(manifest))]
    how = field(
        "curation",
        label,
        f"In this order: {', '.join(_STEPS[step] for step in corpus.steps)}. Documents held out to measure the "
        "model on are set apart before training. Each verdict with its evidence is in the ledger; what was removed "
        "stays in corpus/removed/, what was changed as it came in corpus/originals/.",
        *curation.personal_data(corpus),
    )
    return [how, curation.licences(corpus), curation.removed(corpus), curation.changed(corpus)]


_STEPS: Final[dict[Step, str]] = {
    "opt-outs": "opt-outs",
    "licences": "the licence gate",
    "repair": "repair of damage by scanning and decoding",
    "language": "the main language",
    "personal-data": "personal data",
    "ocr": "damage by OCR that is past use",
    "quality": "quality by counts of words and lines",
    "decontamination": "texts of evaluation sets",
    "copies": "copies",
    "near-copies": "near copies",
    "harm": "harmful passages",
    "mixture": "the mixture that the recipe asks for",
}


def unsuitable(manifest: Manifest) -> Field:
    """How unsuitable sources are found."""
    label = "Measures to detect unsuitable data sources"
    if not manifest.corpus:
        return field("unsuitable", label, *curation.not_seen(manifest))
    return field(
        "unsuitable",
        label,
        *curation.licence_gate(manifest.corpus)[:1],
        *curation.opt_outs(manifest.corpus),
        *curation.harm(manifest.corpus),
        "The reports of curation (corpus/report.html) show what each rule removed by source, with examples.",
    )


def biases(manifest: Manifest) -> Field:
    """How biases are looked for."""
    label = "Methods to detect identifiable biases"
    said, corpus = [], manifest.corpus
    if corpus:
        said.append(
            "The kept documents are counted by language, century, licence, collection and genre, so that what is "
            "missing shows."
        )
        if corpus.first_year is not None and corpus.first_year < wording.OLD:
            said.append("Old texts hold the prejudices of their time.")
        if corpus.harm:
            said.append("Passages that harm people for what they are were scored, as said above.")
    found = [metric for metric in manifest.metrics if "for harm" in metric.name]
    if found:
        figures = "; ".join(f"{one.name}: {wording.figure(one)} ({wording.interval(one)})" for one in found)
        said.append(f"What the model writes was scored too: {figures}.")
    return field("biases", label, *(said or ["None is known of this training."]))
