"""Fields that several papers share: what curation did to the documents, with its figures."""

from __future__ import annotations

from collections.abc import Collection

from octavo.curation.evidence import evidence_in_words, rule_in_words
from octavo.page import percent
from octavo.release.manifest import Corpus, Count, Manifest
from octavo.release.papers import wording
from octavo.release.papers.content import Field, field

LICENCE_RULES = ("licence-unknown", "licence-not-open", "licence-contradicted", "in-copyright")
_OPT_OUT_FIELDS = {
    "identifiers": "identifiers",
    "creators": "creators",
    "sources": "sources",
    "collections": "collections",
    "url_patterns": "address patterns",
    "text_hashes": "text hashes",
}


def not_seen(manifest: Manifest) -> list[str]:
    """What the papers say where octavo's curation saw no document of the training."""
    what = "pairs" if manifest.pairs else "token files that were given"
    return [f"Not applicable to this training: it read {what}, and octavo's curation saw no document of them."]


def licence_gate(corpus: Corpus) -> list[str]:
    """The licence gate: its policy, and what it removed."""
    gone = _sum([corpus.removed[rule] for rule in LICENCE_RULES if rule in corpus.removed])
    return [
        "A document is taken only if its licence is known and on the recipe's list. A text that is said to be "
        "in the public domain, or that states no licence, must be free by each of the laws of "
        f"{', '.join(corpus.jurisdictions)}, as far as its metadata tells. Whatever is not understood is left "
        "out.",
        f"The list: {wording.licences(corpus.licence_policy)}; a final * stands for any version.",
        f"Of {wording.documents(corpus.came.documents)} that came in, the gate removed "
        f"{wording.amount(gone) if gone.documents else 'none'}. Each kept document has its licence as an SPDX "
        "expression in the ledger, with the reason why it is open.",
    ]


def licences(corpus: Corpus, id: str = "licences", label: str = "Licences of the kept documents") -> Field:
    """The kept documents by licence, and what the licences ask for."""
    asked = wording.named(corpus.obligations)
    return field(
        id,
        label,
        f"What the licences ask for: {asked}.",
        columns=("Licence", "Documents", "Bytes", "Share"),
        rows=[_row(wording.licence(name), count, corpus) for name, count in corpus.licences.items()],
        numbers=(1, 2, 3),
    )


def opt_outs(corpus: Corpus) -> list[str]:
    """The opt-out list: its entries by field, and the documents that were left out for it."""
    found = corpus.opt_outs
    entries = sum(found.entries.values())
    if not entries:
        return [
            "The recipe's opt-out list (curation.opt_outs) was empty in this run: nobody's reservation stood in it."
        ]
    given = ", ".join(f"{_OPT_OUT_FIELDS.get(name, name)} {n:,}" for name, n in found.entries.items() if n)
    return [
        f"The recipe's opt-out list (curation.opt_outs) had {wording.counted(entries, 'entry', 'entries')} "
        f"({given}). By it, {wording.amount(Count(documents=found.documents, bytes=found.bytes))} were left out "
        "before any other rule looked at them, with the copies of them that were found under other names."
    ]


def personal_data(corpus: Corpus) -> list[str]:
    """What became of personal data."""
    found = corpus.personal_data
    if found is None:
        return ["Personal data in the texts was left as it stands: the recipe asks for no redaction."]
    kinds = evidence_in_words("personal-data", found)
    said = f"In the kept texts {sum(found.values()):,} were replaced. {kinds}" if found else "None was found."
    return [
        "E-mail addresses, telephone, card and account numbers, IP addresses, national identity numbers and "
        f"passwords in addresses were replaced by their kind, such as [EMAIL]. {said} Names of persons are no "
        "part of this: they stay as the documents have them."
    ]


def harm(corpus: Corpus) -> list[str]:
    """What became of harmful passages."""
    found = corpus.harm
    if found is None:
        return ["Harmful passages were not looked for: the recipe turns that off."]
    outcomes = ", ".join(f"{name.replace('-', ' ')} {n:,}" for name, n in found.outcomes.items())
    second = (
        f" {found.second_opinion} was asked for a second opinion on flagged passages."
        if found.second_opinion
        else ""
    )
    return [
        f"{wording.counted(found.passages, 'passage')} were scored for harm to people in five dimensions (race "
        "and origin, gender and sexuality, religion, ability, violence and abuse) by "
        f"{_classifier(found.classifier)}.{second} What became of those that were flagged: "
        f"{outcomes or 'none was flagged'}.",
        "The classifier looks for harm, not for illegality: text that is unlawful without being hateful or violent "
        "is not found so.",
    ]


def _classifier(name: str) -> str:
    return "octavo's own classifier" if name == "octavo's own" else f"the classifier {name.rsplit('/', 1)[-1]}"


RULE_COLUMNS = ("Rule", "What it says of a document", "Documents", "Bytes")


def rule_rows(counts: dict[str, Count], rules: Collection[str]) -> list[list[str]]:
    """A table's rows on some rules, whose columns are RULE_COLUMNS."""
    return [
        [rule, rule_in_words(rule), f"{count.documents:,}", f"{count.bytes:,}"]
        for rule, count in counts.items()
        if rule in rules
    ]


def removed(corpus: Corpus) -> Field:
    """What curation removed, by the rule that did."""
    gone = _sum(list(corpus.removed.values()))
    return field(
        "removed",
        "What curation removed",
        f"{wording.amount(gone) if gone.documents else 'Nothing'}, of {wording.amount(corpus.came)} that came in.",
        columns=RULE_COLUMNS,
        rows=rule_rows(corpus.removed, corpus.removed),
        numbers=(2, 3),
    )


def changed(corpus: Corpus) -> Field:
    """What curation changed in the kept documents."""
    return field(
        "changed",
        "What curation changed in the kept documents",
        *([] if corpus.changed else ["Nothing: the kept documents are as they came."]),
        columns=RULE_COLUMNS,
        rows=rule_rows(corpus.changed, corpus.changed),
        numbers=(2, 3),
    )


def _row(name: str, count: Count, corpus: Corpus) -> list[str]:
    return [name, f"{count.documents:,}", f"{count.bytes:,}", percent(count.bytes, corpus.kept.bytes)]


def _sum(counts: list[Count]) -> Count:
    return Count(documents=sum(c.documents for c in counts), bytes=sum(c.bytes for c in counts))
