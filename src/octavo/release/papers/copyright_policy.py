"""The policy to comply with Union law on copyright: Article 53(1)(c) of the AI Act, with a run's figures."""

from __future__ import annotations

from octavo.release.manifest import Manifest
from octavo.release.papers import curation_fields as curation
from octavo.release.papers import provider_fields as provided
from octavo.release.papers import wording
from octavo.release.papers.content import Field, Paper, Section, field, section, told
from octavo.release.papers.origins import sources, unnamed_data
from octavo.release.papers.standing import about


def copyright_policy(manifest: Manifest) -> Paper:
    """The whole policy."""
    return Paper(
        id="copyright-policy",
        title=f"Copyright policy: {manifest.name}",
        about=[
            *about(
                manifest,
                "This policy follows Article 53(1)(c) of the AI Act and the copyright chapter of the Code of "
                "Practice for general-purpose AI models (10 July 2025).",
            ),
            "It is a draft until the provider adopts it: what it says that the provider does, the provider must "
            "do.",
        ],
        sections=[
            _scope(manifest),
            _access(manifest),
            _licences(manifest),
            _reservations(manifest),
            _outputs(manifest),
            _complaints(manifest),
            section(
                "7",
                "Keeping and revision",
                field(
                    "keeping",
                    "What is kept, and how long",
                    "The ledger, the removed documents, the opt-out list and each version of this policy are "
                    "kept while the model is offered and for ten years after it was placed on the market, so "
                    "that questions about any document can be answered.",
                ),
                field(
                    "revision",
                    "Revision",
                    "The policy is looked through with each release of a model and whenever the law or the Code "
                    "changes; the figures are written anew from the run.",
                ),
            ),
        ],
    )


def _scope(manifest: Manifest) -> Section:
    what = [f"The training content of {manifest.name}, and what the model writes."]
    if manifest.base:
        what.append(f"Its base, {manifest.base.name}, comes under the policy of that model's own provider.")
    return section(
        "1",
        "Scope",
        provided.provider(manifest),
        field("scope", "What the policy is for", *what),
        field(
            "law",
            "The law",
            "Union law on copyright and related rights, and in particular the reservation of rights against "
            "text and data mining under Article 4(3) of Directive (EU) 2019/790.",
        ),
        field(
            "responsible",
            "Who is responsible for it",
            told(manifest.provider.contact, "provider.contact"),
        ),
    )


def _access(manifest: Manifest) -> Section:
    crawled = sources(manifest, "crawled")
    said = (
        [told(manifest.provider.crawlers, "provider.crawlers")]
        if crawled
        else ["octavo crawls nothing: it reads files and datasets that the provider names in the recipe."]
    )
    return section(
        "2",
        "Lawful access",
        field(
            "access",
            "Rule",
            "Only works to which the provider has lawful access are taken. No technical measure that keeps "
            "others out, such as a paywall, is passed by, and no site is read that courts or authorities of the "
            "European Union hold to infringe copyright persistently and on a commercial scale.",
        ),
        field("collection", "How documents came in", *said, *unnamed_data(manifest)),
    )


def _licences(manifest: Manifest) -> Section:
    corpus = manifest.corpus
    unseen = curation.not_seen(manifest)
    return section(
        "3",
        "Licences",
        field("licence_gate", "Licence gate", *(curation.licence_gate(corpus) if corpus else unseen)),
        _gate_figures(manifest),
        curation.licences(corpus) if corpus else field("licences", "Licences of the kept documents", *unseen),
        field(
            "attribution",
            "What the licences ask for",
            "Names and titles that a licence asks to be given are in the columns creator, title and license of "
            "the kept documents. Whether a model's weights or texts carry on the duties of a share-alike licence "
            "is not settled; the counts above show how much text it concerns."
            if corpus
            else unseen[0],
        ),
    )


def _gate_figures(manifest: Manifest) -> Field:
    label = "What the licence gate removed"
    corpus = manifest.corpus
    if not corpus:
        return field("licence_removed", label, *curation.not_seen(manifest))
    rows = curation.rule_rows(corpus.removed, curation.LICENCE_RULES)
    if not rows:
        return field("licence_removed", label, "Nothing in this run.")
    return field(
        "licence_removed",
        label,
        columns=curation.RULE_COLUMNS,
        rows=rows,
        numbers=(2, 3),
    )


def _reservations(manifest: Manifest) -> Section:
    corpus = manifest.corpus
    return section(
        "4",
        "Reservations of rights",
        field(
            "reservations",
            "Before documents come in",
            "Reservations that are written for machines (robots.txt and other recognised protocols) are found and "
            "honoured, by the provider or by those who compiled the datasets:",
            told(manifest.provider.rights_reservations, "provider.rights_reservations"),
        ),
        field(
            "opt_outs",
            "Opt-out list",
            "Whoever holds rights can ask for their works to be left out. What they ask for is written into the "
            "recipe's opt-out list, by identifier, creator, source, collection, address or hash of the text. "
            "Curation removes these documents first of all, and the ledger names the entry that did.",
            *(curation.opt_outs(corpus) if corpus else curation.not_seen(manifest)),
        ),
        field(
            "trained_already",
            "Models that have been trained",
            "A reservation that comes after the training cannot be taken back out of the weights.",
            _recalled(manifest),
        ),
        field(
            "signatory",
            "Signatory of the Code of Practice",
            *provided.yes_or_no(manifest.provider.signatory, "provider.signatory"),
        ),
    )


def _recalled(manifest: Manifest) -> str:
    if manifest.pairs:
        return (
            "Which steps saw a pair can be computed exactly (octavo recall); it is taken out of the files of pairs "
            "before the next training."
        )
    found = "Which steps saw a document can be computed exactly (octavo recall)"
    if manifest.given_tokens:
        return f"{found}, as far as the token files name their documents; the next training leaves it out."
    return f"{found}, and the next training leaves it out."


def _measures(manifest: Manifest) -> list[str]:
    said = []
    if manifest.corpus:
        copies = "Copies and near copies" if "near-copies" in manifest.corpus.steps else "Exact copies"
        said.append(
            f"{copies} of a document are removed before training, as what is seen often is the likelier to be "
            "learnt by heart."
        )
        if "mixture" in manifest.corpus.steps:
            said.append("The mixture that the recipe asks for may take a document several times.")
    if manifest.traced:
        known = "its source and its licence" if manifest.corpus else "by the name that the token files have for it"
        said.append(
            "What the model writes can be looked up in the training corpus word for word (octavo trace): each span "
            f"with its document, {known}."
        )
    return said or ["None is known of this training."]


def _outputs(manifest: Manifest) -> Section:
    found = [metric for metric in manifest.metrics if "word for word" in metric.name]
    measured = ["How much of its training texts the model gives back word for word was not measured."]
    if found:
        measured = [
            "How often the model, given the beginning of a training text, goes on exactly as the text does, and "
            "how often of texts that it never saw:"
        ]
    return section(
        "5",
        "What the model writes",
        field(
            "memorization",
            "Measurement",
            *measured,
            columns=("Figure", "Of", "Value", "95 % interval"),
            rows=[[one.name, wording.group(one), wording.figure(one), wording.interval(one)] for one in found],
            numbers=(2, 3),
        ),
        field(
            "mitigation",
            "Measures",
            *_measures(manifest),
        ),
        field(
            "use",
            "Use",
            "The model may not be used to infringe copyright. Acceptable use:",
            *provided.acceptable_use(manifest),
        ),
    )


def _complaints(manifest: Manifest) -> Section:
    return section(
        "6",
        "Contact and complaints",
        field(
            "contact",
            "Contact for rightsholders",
            told(manifest.provider.contact, "provider.contact"),
        ),
        field(
            "complaints",
            "Complaints",
            told(manifest.provider.complaints, "provider.complaints"),
            "Rightsholders and those who act for them can complain there by electronic means. A complaint names "
            "the work and says what is wrong, so that it can be looked into. It is answered within a reasonable "
            "time, with care and without favour, unless it is plainly unfounded or has been answered before. "
            "Other remedies in law stay open.",
        ),
    )
