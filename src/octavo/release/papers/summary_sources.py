"""Section 2 of the public summary: the sources of the data, kind by kind."""

from __future__ import annotations

import math

from octavo.page import percent
from octavo.release.manifest import Manifest
from octavo.release.papers import wording
from octavo.release.papers.content import Field, Mark, Section, field, section, told
from octavo.release.papers.origins import (
    LARGE_SHARE,
    SOURCE_COLUMNS,
    SOURCE_NUMBERS,
    UNNAMED,
    Dataset,
    Numbered,
    answer,
    public_datasets,
    rest,
    source_rows,
    sources,
    unnamed_data,
)

NAMES_SHOWN = 100
"""Of datasets that are not large."""
SMALL_PROVIDER = (0.05, 1_000)
"""Share of the domains that a small provider names, and the number that is enough."""
OTHER_PROVIDER = 0.1


def data_sources(manifest: Manifest) -> list[Section]:
    """The template's six kinds, and under headings of their own what is of none of them, or not known."""
    return [
        section("2", "List of data sources"),
        _public(manifest),
        section("2.2", "Private datasets obtained from third parties"),
        _of_kind(
            manifest,
            "2.2.1",
            "Datasets commercially licensed by rightsholders or their representatives",
            "licensed",
            "Licensing agreements with rightsholders or their representatives",
        ),
        _of_kind(
            manifest,
            "2.2.2",
            "Private datasets obtained from other third parties",
            "private",
            "Private datasets of other third parties, such as databases and data intermediaries",
        ),
        _crawled(manifest),
        _users(manifest),
        _synthetic(manifest),
        _of_kind(
            manifest, "2.6", "Other sources of data", "other", "Sources other than those of sections 2.1 to 2.5"
        ),
        *_undecided(manifest),
        *_unnamed(manifest),
    ]


def _public(manifest: Manifest) -> Section:
    large, others = public_datasets(manifest)
    fields = [
        field("public_used", "Publicly available datasets used to train the model", *answer(manifest, "public")),
        field("public_modality", "Modality", _modality(manifest, "public")),
        _large(manifest, large, sum(dataset.kept.bytes for dataset in [*large, *others])),
        field(
            "public_other",
            "General description of other publicly available datasets",
            _others(others) if large else rest(manifest, "public"),
        ),
        _table(manifest, "public", "Where they can be had"),
    ]
    return section("2.1", "Publicly available datasets", *fields)


def _modality(manifest: Manifest, origin: str) -> str:
    return "Text." if sources(manifest, origin) else rest(manifest, origin)


def _large(manifest: Manifest, large: list[Dataset], whole: int) -> Field:
    label = "List of large publicly available datasets"
    if not large:
        return field("public_large", label, rest(manifest, "public"))
    rows = [
        [
            dataset.name,
            ", ".join(one.number for one in dataset.sources),
            f"{dataset.kept.documents:,}",
            f"{dataset.kept.bytes:,}",
            percent(dataset.kept.bytes, whole),
            *_described(dataset),
        ]
        for dataset in large
    ]
    return field(
        "public_large",
        label,
        f"Each with over {100 * LARGE_SHARE:.0f} % of the text of all public datasets, by bytes. Where it was had "
        "and when it was collected stands by the number of its source below.",
        columns=("Dataset", "From", "Documents", "Bytes", "Share", "Licences", "Languages", "Texts of"),
        rows=rows,
        numbers=(2, 3, 4),
    )


def _described(dataset: Dataset) -> list[str]:
    """Licences, languages and years: of a collection they are known; of what names none see the whole corpus."""
    found = dataset.collection
    if found is None:
        stated = dataset.sources[0].source.license
        return [wording.licence(stated) if stated else "see 3.1", "see 1.3", "see 1.3"]
    return [
        wording.licences(found.licences),
        wording.languages(found.languages),
        wording.years(found.first_year, found.last_year),
    ]


def _others(others: list[Dataset]) -> str:
    if not others:
        return "None."
    names = [dataset.name for dataset in others]
    more = len(names) - NAMES_SHOWN
    unnamed = f", and {more:,} more that the column collection of corpus/kept/ names" if more > 0 else ""
    return (
        f"{wording.counted(len(others), 'dataset')} of text, each with at most {100 * LARGE_SHARE:.0f} % of all, "
        f"together {wording.size(sum(dataset.kept.bytes for dataset in others))}: "
        f"{', '.join(names[:NAMES_SHOWN])}{unnamed}."
    )


def _of_kind(manifest: Manifest, number: str, title: str, origin: str, question: str) -> Section:
    """A section on the sources of one origin."""
    return section(
        number,
        title,
        field(f"{origin}_used", question, *answer(manifest, origin)),
        field(f"{origin}_modality", "Modality", _modality(manifest, origin)),
        _table(manifest, origin, "Description"),
    )


def _table(manifest: Manifest, origin: str, label: str) -> Field:
    """The sources of an origin, with what is told of each."""
    found = sources(manifest, origin)
    said = [] if found else [rest(manifest, origin)]
    return _described_sources(f"{origin}_sources", label, found, *said)


def _described_sources(id: str, label: str, found: list[Numbered], *said: str) -> Field:
    return field(id, label, *said, columns=SOURCE_COLUMNS, rows=source_rows(found), numbers=SOURCE_NUMBERS)


def _crawled(manifest: Manifest) -> Section:
    found = sources(manifest, "crawled")
    crawlers = told(manifest.provider.crawlers, "provider.crawlers") if found else rest(manifest, "crawled")
    return section(
        "2.3",
        "Data crawled and scraped from online sources",
        field("crawled_used", "Crawlers used by the provider or on their behalf", *answer(manifest, "crawled")),
        field("crawlers", "Names, purposes and behaviour of the crawlers", crawlers),
        _table(manifest, "crawled", "Content, online sources and period of collection"),
        field("crawled_modality", "Modality", _modality(manifest, "crawled")),
        _domains(manifest, bool(found)),
    )


def _domains(manifest: Manifest, crawled: bool) -> Field:
    """The hosts that most of the text is from, as many as the template asks for."""
    label = "Most relevant domain names"
    corpus = manifest.corpus
    if corpus is None or not corpus.domains:
        return field("domains", label, "The documents state no addresses." if corpus else "Not known here.")
    least = min(10, corpus.all_domains)
    share, enough = SMALL_PROVIDER if manifest.provider.small else (OTHER_PROVIDER, corpus.all_domains)
    asked = max(least, min(math.ceil(share * corpus.all_domains), enough))
    shown = list(corpus.domains.items())[:asked]
    rule = f"{100 * share:.0f} % of all" + (f" and at most {enough:,}" if manifest.provider.small else "")
    which = f"The {len(shown):,} with most text follow ({rule}, but no fewer than {least})."
    said = (
        f"The documents' addresses name {wording.counted(corpus.all_domains, 'host')}. "
        f"{'All are listed.' if len(shown) == corpus.all_domains else which}"
    )
    if not crawled:
        said += " They are given freely: the template asks for them where the provider crawled."
    if len(shown) < asked:
        said += f" The template asks for {asked:,}; the others are in the column source_url of corpus/kept/."
    small = [Mark("provider.small")] if crawled and manifest.provider.small is None else []
    return field(
        "domains",
        label,
        said,
        *small,
        columns=("Domain", "Documents", "Bytes", "Share"),
        rows=[
            [host, f"{count.documents:,}", f"{count.bytes:,}", percent(count.bytes, corpus.kept.bytes)]
            for host, count in shown
        ],
        numbers=(1, 2, 3),
    )


def _users(manifest: Manifest) -> Section:
    found = sources(manifest, "users")
    used = answer(manifest, "users")
    said = ["Yes, of one of the two kinds or both: see the description."] if found else used
    return section(
        "2.4",
        "User data",
        field("users_model", "Data from users' interactions with the model used to train it", *said),
        field(
            "users_services", "Data from users' interactions with other services or products of the provider", *said
        ),
        _table(manifest, "users", "Description of the services or products"),
        field("users_modality", "Modality", _modality(manifest, "users")),
    )


def _synthetic(manifest: Manifest) -> Section:
    found = sources(manifest, "synthetic")
    written = manifest.corpus.synthetic if manifest.corpus else None
    rewrote = bool(written and written.bytes)
    made = manifest.pairs.made if manifest.pairs else 0
    used = ["Yes."] if rewrote or found else answer(manifest, "synthetic")
    return section(
        "2.5",
        "Synthetic data",
        field("synthetic_used", "Synthetic data made by the provider or on their behalf to train the model", *used),
        field(
            "synthetic_modality",
            "Modality",
            "Text." if rewrote or found or made else rest(manifest, "synthetic"),
        ),
        field("synthetic_models", "Models that wrote it", *_models(manifest)),
        _table(manifest, "synthetic", "Sources that a model wrote"),
        field("synthetic_comments", "Additional comments", *_synthetic_comments(manifest, rewrote, made)),
    )


def _models(manifest: Manifest) -> list[str]:
    written = manifest.corpus.synthetic if manifest.corpus else None
    if not written or not manifest.corpus or not written.bytes:
        return ["In curation, no model wrote any text."]
    share = percent(written.bytes, manifest.corpus.kept.bytes)
    models = [f"{name}: {wording.size(count)}" for name, count in written.models.items()]
    return [
        f"In curation, harmful passages were rewritten in {wording.documents(written.documents)}: "
        f"{wording.size(written.bytes)}, {share} of the kept text. By {'; '.join(models)}.",
        "Each rewritten passage is marked in the column synthetic of corpus/kept/.",
    ]


def _synthetic_comments(manifest: Manifest, rewrote: bool, made: int) -> list[str]:
    found = []
    if rewrote:
        found.append(
            "The template leaves out models that clean or enrich data; the rewriting is named here all the same, "
            "as the model was trained on what it wrote."
        )
    if made:
        found.append(
            f"Besides the pairs, the tune learnt from {wording.counted(made, 'example')} that octavo's rules made "
            "of documents, such as copies with errors to correct; no language model wrote them."
        )
    return found or ["None."]


def _undecided(manifest: Manifest) -> list[Section]:
    """Sources of which nobody has said what kind they are of."""
    found = sources(manifest, None)
    if not found:
        return []
    kinds = field(
        "undecided_origins",
        "Kinds of these sources",
        items=[told(None, one.field("origin")) for one in found],
    )
    return [
        section(
            "",
            "Sources whose kind is to be completed",
            kinds,
            _described_sources("undecided_sources", "What is known of them", found),
            level=2,
        )
    ]


def _unnamed(manifest: Manifest) -> list[Section]:
    """Pairs of a tune and given token files, of which the recipe's sources say nothing."""
    said = unnamed_data(manifest)
    if not said:
        return []
    return [
        section(
            "",
            UNNAMED,
            field("unnamed", "What the run knows of it", *said),
            field(
                "other_data",
                "What it is and where it is from",
                told(manifest.provider.other_data, "provider.other_data"),
            ),
            level=2,
        )
    ]
