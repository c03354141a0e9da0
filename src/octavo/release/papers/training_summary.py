"""The public summary of training content: Article 53(1)(d) of the AI Act, by the Commission's template."""

from __future__ import annotations

from octavo.page import percent
from octavo.release.manifest import Manifest
from octavo.release.papers import provider_fields as provided
from octavo.release.papers import wording
from octavo.release.papers.content import Field, Mark, Paper, Section, field, section
from octavo.release.papers.origins import kept, unnamed_data
from octavo.release.papers.standing import about
from octavo.release.papers.summary_processing import processing
from octavo.release.papers.summary_sources import data_sources

_BANDS = ((1e9, "Less than 1 billion tokens"), (1e13, "1 billion to 10 trillion tokens"))
_LARGEST_BAND = "More than 10 trillion tokens"
_GENRES = {
    "prose": "prose",
    "law": "laws and decisions",
    "wrapped": "text in lines as it was printed",
    "drama": "plays",
    "verse": "verse",
    "code": "program code",
    "technical": "technical text",
    "table": "tables",
}


def training_summary(manifest: Manifest) -> Paper:
    """The whole summary."""
    return Paper(
        id="training-summary",
        title=f"Public summary of training content: {manifest.name}",
        about=about(
            manifest,
            "This summary follows the template of the European Commission for Article 53(1)(d) of the AI Act "
            "(C(2025) 5235 of 24 July 2025, adopted again as C(2025) 8311).",
        ),
        sections=[_head(manifest), *_general(manifest), *data_sources(manifest), *processing(manifest)],
    )


def _head(manifest: Manifest) -> Section:
    earlier = manifest.provider.earlier_summaries
    links = ["None: this is the first."] if earlier == [] else earlier or [Mark("provider.earlier_summaries")]
    return section(
        "",
        "This summary",
        field("version", "Version of the summary", *provided.version(manifest)),
        field(
            "earlier",
            "Earlier summaries",
            *(links if len(links) == 1 else []),
            items=links if len(links) > 1 else [],
        ),
        field("updated", "Last update", manifest.made_on),
    )


def _general(manifest: Manifest) -> list[Section]:
    return [
        section("1", "General information"),
        section(
            "1.1",
            "Provider identification",
            provided.provider(manifest),
            provided.representative(manifest),
        ),
        section(
            "1.2",
            "Model identification",
            provided.model_name(manifest),
            provided.dependencies(manifest),
            provided.placed_on_market(manifest),
        ),
        section(
            "1.3",
            "Modalities, overall training data size and other characteristics",
            field("modality", "Modality", "Text."),
            field("size", "Training data size", *_size(manifest)),
            field("content", "Types of content", *_content(manifest)),
            _acquired(manifest),
            field(
                "goes_on", "Whether the model is trained on new data after that date", *provided.goes_on(manifest)
            ),
            _languages(manifest),
            _characteristics(manifest),
            field("comments", "Additional comments", *_comments(manifest)),
        ),
    ]


def _size(manifest: Manifest) -> list[str]:
    """The template's band, and the size as exactly as it is known."""
    tokens = manifest.text_tokens
    exact = f"the tokens of the {'examples' if manifest.pairs else 'training content'}, each counted once"
    if manifest.corpus and "mixture" in manifest.corpus.steps:
        exact = "the tokens of the training content, with the copies that the mixture takes of some documents"
    band = next((name for limit, name in _BANDS if tokens < limit), _LARGEST_BAND)
    found = [f"{band}.", f"{tokens:,} tokens: {exact}."]
    if manifest.corpus:
        found.append(f"In text: {kept(manifest)}.")
    if manifest.base:
        found.append("This is the size of the training from the base alone; that of the base's own is not in it.")
    return found


def _content(manifest: Manifest) -> list[str]:
    found = []
    if manifest.corpus:
        kinds = ", ".join(
            f"{_GENRES.get(name, name)} ({percent(count.bytes, manifest.corpus.kept.bytes)})"
            for name, count in manifest.corpus.genres.items()
        )
        names = [one.name for one in manifest.corpus.collections if one.name]
        listed = f" The largest collections: {', '.join(names[:10])}." if names else ""
        found.append(f"By the layout of the text, as shares of its bytes: {kinds or 'not told apart'}.{listed}")
    return [*found, *unnamed_data(manifest)]


def _acquired(manifest: Manifest) -> Field:
    label = "Latest date of data acquisition or collection"
    if not manifest.corpus:
        return field("acquired", label, "Not known here: the run took in no documents of its own.")
    day = manifest.corpus.imported_on
    return field(
        "acquired",
        label,
        f"{day[5:7]}/{day[:4]}: the last document came in on {day}.",
    )


def _languages(manifest: Manifest) -> Field:
    label = "Linguistic characteristics of the training data"
    if manifest.corpus:
        whole = manifest.corpus.kept.bytes
        mixed = manifest.corpus.mixed
        rows = [
            [wording.language(code), f"{row.documents:,}", f"{row.bytes:,}", percent(row.bytes, whole)]
            for code, row in manifest.corpus.languages.items()
        ]
        others = f"{wording.documents(mixed.documents)} hold others too" if mixed.documents else "None holds others"
        said = f"By the main language of each document. {others}, as far as was found."
        return field(
            "languages",
            label,
            said,
            columns=("Language", "Documents", "Bytes", "Share"),
            rows=rows,
            numbers=(1, 2, 3),
        )
    if manifest.pairs:
        rows = [[wording.pair_of_languages(name), f"{n:,}"] for name, n in manifest.pairs.groups.items()]
        return field(
            "languages", label, "Pairs by language.", columns=("Language", "Pairs"), rows=rows, numbers=(1,)
        )
    return field("languages", label, "Not known here: the token files say nothing of it.")


def _characteristics(manifest: Manifest) -> Field:
    label = "Other characteristics of the training data"
    corpus = manifest.corpus
    if not corpus:
        return field("characteristics", label, "Not known here.")
    rows = [
        [wording.century(name), f"{count.documents:,}", f"{count.bytes:,}", percent(count.bytes, corpus.kept.bytes)]
        for name, count in sorted(corpus.centuries.items(), key=_by_century)
    ]
    said = ["No text bears a date that is understood."]
    if corpus.first_year is not None:
        said = [f"The texts bear dates of {wording.years(corpus.first_year, corpus.last_year)}."]
        if corpus.first_year < wording.OLD:
            said.append("Old texts hold the views, the spelling and the knowledge of their time.")
    return field(
        "characteristics",
        label,
        *said,
        columns=("Century", "Documents", "Bytes", "Share"),
        rows=rows,
        numbers=(1, 2, 3),
    )


def _by_century(item: tuple[str, object]) -> tuple[bool, int]:
    dated = item[0].lstrip("-").isdigit()
    return not dated, int(item[0]) if dated else 0


def _comments(manifest: Manifest) -> list[str]:
    found = []
    if manifest.corpus:
        found.append(
            "Each document that came in has one row in the ledger (corpus/ledger.parquet): what became of it, by "
            "which rule and on which evidence, with its licence. The kept texts are in corpus/kept/, and the "
            "removed ones in corpus/removed/."
        )
    train = manifest.training
    found.append(
        f"The training passed over the data {train.passes:.1f} times: {train.tokens:,} tokens in {train.steps:,} "
        "steps."
    )
    return found
