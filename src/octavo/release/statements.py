"""What the machine-readable papers say in sentences, each by a rule from the manifest's figures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath

from octavo.recipe.provider import Provider
from octavo.recipe.schema import LANGUAGE_NAMES
from octavo.release.manifest import THRESHOLD_FLOPS, Corpus, Count, Harm, Manifest, Metric

TASKS = {
    "ocr": "correct the errors of OCR in texts",
    "translation": "translate documents",
    "rag": "answer questions with literal quotations from given sources",
}
"""What a tuned model does."""
OWN_CLASSIFIER = "octavo's own"
SHOWN = 5
"""Languages, genres or centuries named in a sentence."""


def what_it_is(manifest: Manifest) -> str:
    """The model in a sentence."""
    kind = "fine-tuned" if manifest.task in TASKS else "base"
    of = f", trained on from {manifest.base.name}" if manifest.base else ""
    does = TASKS.get(manifest.task or "", "continue text")
    spoken = f" in {names(manifest.languages)}" if manifest.languages else ""
    return (
        f"A {kind} language model of {manifest.architecture.parameters:,} parameters{of}, made to {does}{spoken}."
    )


def names(languages: Iterable[str]) -> str:
    """Languages by their English names, in a row."""
    return ", ".join(LANGUAGE_NAMES.get(lang, lang) for lang in languages)


def intended_use(provider: Provider, task: str | None) -> str:
    """What the model is meant for: as the provider says, or else what it was made for."""
    if provider.intended_uses:
        return provider.intended_uses
    if task in TASKS:
        return f"To {TASKS[task]}, in the languages that it was trained on."
    return "To continue text in its languages, to be tuned for a task, and to study what small models learn."


def out_of_scope(provider: Provider, task: str | None) -> list[str]:
    """What the model is not to be used for."""
    other = "Anything but its one task: it is no chat model." if task in TASKS else (
        "Chat, and following instructions: it was tuned for neither."
    )  # fmt: skip
    found = [
        other,
        "Decisions about people, and advice on law, health or money.",
        "Statements of fact that nobody checks against a source.",
        "Languages, periods and kinds of documents that its training data has none of.",
    ]
    if provider.acceptable_use and provider.acceptable_use != "none":
        found.append(f"What its provider rules out: {provider.acceptable_use}")
    return found


def limitations(manifest: Manifest) -> list[str]:
    """What the model cannot do."""
    found = [
        "A small model states falsehoods fluently; what it writes has to be checked.",
        f"It reads and writes {manifest.architecture.max_position_embeddings:,} tokens at most at once.",
    ]
    if manifest.corpus and manifest.corpus.last_year is not None:
        of = "of its corpus" if manifest.given_tokens or manifest.base else "that it learnt from"
        found.append(f"No document {of} is dated after {manifest.corpus.last_year}.")
    if manifest.given_tokens:
        found.append("Of the documents in the token files that it was trained on, nothing is known here.")
    if manifest.base:
        found.append(f"What {manifest.base.name} was trained on is not known here.")
    return found


def compute(manifest: Manifest) -> str:
    """The training compute, beside the threshold of the AI Act's guidelines."""
    flops = manifest.training.flops
    told = f"{flops:.2g} FLOPs ({manifest.training.flops_method})"
    if flops >= THRESHOLD_FLOPS:
        return f"{told}, at or over the AI Act's indicative threshold of {THRESHOLD_FLOPS:.0e}."
    under = f", {THRESHOLD_FLOPS / flops:,.0f} times under" if flops else ", under"
    voluntary = manifest.standing == "voluntary"
    asked = "these papers are voluntary" if voluntary else "whether these papers are voluntary depends on the base"
    return f"{told}{under} the AI Act's indicative threshold of {THRESHOLD_FLOPS:.0e}: {asked}."


def training(manifest: Manifest) -> str:
    """How the model was trained, in a paragraph."""
    run = manifest.training
    taken = f"; the weights of step {run.taken:,} were taken" if run.taken != run.steps else ""
    return (
        f"{run.steps:,} steps of {run.sequences_per_step} sequences of {run.sequence_length} tokens, "
        f"{run.tokens:,} tokens in all, {run.passes:.1f} passes over the data{taken}. Minimised: {run.objective}. "
        f"{run.optimizer}, learning rate {run.learning_rate:g}, {run.schedule} schedule, {run.precision}, on "
        f"{run.device} with {_several(run.processes, 'process', 'es')}, {run.seconds:,.0f} s of "
        f"wall time. Compute: {compute(manifest)}"
    )


def titled(metric: Metric) -> str:
    """A figure's name with its unit."""
    return metric.name if metric.unit in metric.name else f"{metric.name} ({metric.unit})"


def counted(count: Count) -> str:
    """Documents and bytes, in words."""
    return f"{_several(count.documents, 'document')} ({count.bytes:,} bytes)"


def _several(number: int, one: str, more: str = "s") -> str:
    return f"{number:,} {one}{more if number != 1 else ''}"


def collection(corpus: Corpus, provider: Provider) -> str:
    """How the documents came in."""
    collected = sorted({source.collected for source in corpus.sources if source.collected})
    when = f" Collected, as the recipe says: {'; '.join(collected)}." if collected else ""
    crawled = f" Of crawlers the provider says: {provider.crawlers}" if provider.crawlers else ""
    return (
        f"Read from {_several(len(corpus.sources), 'source')} that the recipe names; octavo itself has no crawler. "
        f"{counted(corpus.came)} came in, the last of them on {corpus.imported_on}; {counted(corpus.kept)} were "
        f"kept.{when} Only licences of the recipe's list pass: {', '.join(corpus.licence_policy)}.{crawled}"
    )


def preprocessing(corpus: Corpus) -> list[str]:
    """What curation did to the documents, a line for each rule."""
    found = [f"Removed by the rule {rule}: {counted(count)}." for rule, count in corpus.removed.items()]
    found += [f"Changed by the rule {rule}: {counted(count)}." for rule, count in corpus.changed.items()]
    found.append(f"Held out of training, to be measured on: {counted(corpus.held_out)}.")
    if corpus.opt_outs.documents:
        found.append(f"Left out as rights holders asked: {corpus.opt_outs.documents:,} documents.")
    if told := harm(corpus):
        found.append(told)
    if told := redaction(corpus):
        found.append(told)
    if corpus.synthetic.documents:
        models = ", ".join(corpus.synthetic.models)
        found.append(
            f"Passages rewritten by a model ({models}): {corpus.synthetic.bytes:,} bytes in "
            f"{corpus.synthetic.documents:,} documents; the column `synthetic` says where."
        )
    return found


def harm(corpus: Corpus) -> str | None:
    """What became of harmful passages; null where none were sought."""
    if corpus.harm is None:
        return None
    outcomes = (
        ", ".join(f"{outcome} {count:,}" for outcome, count in corpus.harm.outcomes.items()) or "none flagged"
    )
    asked = f", with {corpus.harm.second_opinion} for a second opinion" if corpus.harm.second_opinion else ""
    by = classifier(corpus.harm)
    return f"{corpus.harm.passages:,} passages were scored for harm by {by}{asked}; of them: {outcomes}."


def classifier(harm: Harm) -> str:
    """What scored passages for harm."""
    own = harm.classifier == OWN_CLASSIFIER
    return f"{OWN_CLASSIFIER} classifier" if own else f"the classifier {PurePath(harm.classifier).name}"


def redaction(corpus: Corpus) -> str | None:
    """What was put in place of personal data; null where the recipe keeps it."""
    if corpus.personal_data is None:
        return None
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in corpus.personal_data.items()) or "none found"
    return f"Personal data was sought by rules and replaced by placeholders, by kind: {kinds}."


def personal_data(corpus: Corpus) -> list[str]:
    """What personal data may be in the texts."""
    kept = "The recipe keeps personal data as it stands."
    return ["The texts name people, as books, newspapers, laws and letters do.", redaction(corpus) or kept]


def biases(corpus: Corpus) -> list[str]:
    """What the texts have most of, in shares of their bytes."""
    whole = corpus.kept.bytes
    languages = {LANGUAGE_NAMES.get(lang, lang): row.bytes for lang, row in corpus.languages.items()}
    centuries = {century: count.bytes for century, count in corpus.centuries.items()}
    genres = {genre: count.bytes for genre, count in corpus.genres.items()}
    parts = (("Languages", languages), ("Genres", genres), ("Centuries (19: the 1800s)", centuries))
    found = [f"{what}, by their share of the text: {_largest(sizes, whole)}." for what, sizes in parts if sizes]
    return [*found, "The texts hold the views of their times; many are old."] if _is_old(corpus) else found


def _is_old(corpus: Corpus) -> bool:
    """Whether half of the text or more is of the 19th century or before it."""
    old = sum(
        count.bytes for century, count in corpus.centuries.items() if century.isdecimal() and int(century) <= 19
    )
    return 2 * old >= corpus.kept.bytes > 0


def _largest(sizes: dict[str, int], whole: int) -> str:
    """The largest parts and their shares, and that of all others."""
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    others = [("others", sum(size for _, size in ordered[SHOWN:]))] if ordered[SHOWN:] else []
    shown = [*ordered[:SHOWN], *others]
    return ", ".join(f"{name} {size / whole:.1%}" for name, size in shown) if whole else "no text"
