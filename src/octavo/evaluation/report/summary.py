"""What a model's figures say in plain words: each sentence follows from figures by a rule, and names them.

The rules' thresholds are judgements, told in docs/explanation/model-and-evaluation.md; the figures are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from octavo.corpus.licence_terms import obligation
from octavo.evaluation.report.figure_names import (
    ALL,
    EVERYWHERE,
    HELD_OUT,
    MAIN_SCORES,
    TASKS,
    TRUTH,
    UNKNOWN_LICENCE,
    examples,
    group_name,
    licence_name,
)
from octavo.evaluation.report.figures import (
    AdherenceRow,
    BitsRow,
    Estimate,
    ExtractionRow,
    Finding,
    HarmRow,
    Model,
    RepetitionRow,
    TaskRow,
)
from octavo.page import fine_percent, percent
from octavo.recipe.schema import LANGUAGE_NAMES

COHERENT_BITS: Final = 1.5
"""Bits per byte above which a text is seldom coherent."""
FEW_WORKS: Final = 5
"""Held-out works of a language, under which its figure would be another with other works."""
KEPT: Final = 0.9
"""Share of continuations in the prompt's language, under which a language is named."""
LOOPING: Final = 0.05
"""Share of continuations that end in a loop, from which it is told."""
NAMED: Final = 4
"""Languages named of those in which a task is done; more are counted."""
LONG: Final = "50 characters or 20 tokens"
"""From which the licence of a copied span is told."""
ANY: Final = "any"


def findings(model: Model) -> list[Finding]:
    """What was found, then what the model is not good for."""
    found = [*_bits(model), *_language(model), *_loops(model), *_spelling(model), *_harm(model)]
    found += [*_memorization(model), *_copied(model), *_tasks(model)]
    return sorted([*found, *_missing(model), *_always()], key=lambda finding: finding.kind)


def language_name(lang: str) -> str:
    """A language in words, and as it is where it has none."""
    return "All languages" if lang == ALL else LANGUAGE_NAMES.get(lang, lang)


def share_in_words(found: Estimate) -> str:
    """A share with its interval: 93.8 % (88.2 to 96.8)."""
    if found.value is None:
        return "none"
    known = found.low is not None and found.high is not None
    bounds = f" ({100 * (found.low or 0):.1f} to {100 * (found.high or 0):.1f})" if known else ""
    return f"{percent(found.value)}{bounds}"


def greedy_adherence(adherence: Sequence[AdherenceRow]) -> list[AdherenceRow]:
    """By language and over all: greedy continuations of the kind of prompts that there are most of."""
    rows = [row for row in adherence if row.temperature == 0 and row.n]
    kinds = {row.prompts: row.n for row in rows if row.lang == ALL}
    most = max(kinds, key=lambda kind: kinds[kind], default=None)
    return [row for row in rows if row.prompts == most]


def repeated(repetition: Sequence[RepetitionRow], penalty: float) -> RepetitionRow | None:
    """Repetition of greedy continuations at a penalty."""
    return next((r for r in repetition if r.temperature == 0 and r.repetition_penalty == penalty and r.n), None)


def harm_of(model: Model, kind: str) -> HarmRow | None:
    """Greedy continuations of a kind of prompts that score 1 or more in any dimension."""
    wanted = (ALL, kind, "greedy", ANY, 1.0)
    return next((r for r in model.harm if (r.lang, r.kind, r.decoding, r.dimension, r.level) == wanted), None)


def mean_bits(model: Model) -> BitsRow | None:
    """Bits per byte as the mean of the languages."""
    return next((row for row in model.bits_per_byte if row.by == "mean"), None)


def extracted(extraction: Sequence[ExtractionRow], seen: tuple[int, int | None]) -> ExtractionRow | None:
    """Texts that training has seen so often, after the longest prompt."""
    rows = [row for row in extraction if (row.seen_least, row.seen_most) == seen]
    return max(rows, key=lambda row: row.prompt_tokens, default=None)


def beats_untouched(row: TaskRow) -> bool:
    """Whether the answers are surely better than the text left as it is."""
    if row.gained is not None:
        return row.gained.low is not None and row.gained.low > 0
    score = MAIN_SCORES[row.task]
    reached, untouched = row.scores[score].low, row.untouched[score].value
    return reached is not None and untouched is not None and reached > untouched


def _bits(model: Model) -> Iterator[Finding]:
    rows = [row for row in model.bits_per_byte if row.by == "language" and row.model.value is not None]
    mean = mean_bits(model)
    if not rows or mean is None or mean.model.value is None:
        return
    value = mean.model.value
    said = f"It needs {value:.2f} bits for a byte of text that it has not seen, as the mean of {_languages(rows)}"
    if mean.model.low is not None and mean.model.high is not None:
        said += f" ({mean.model.low:.2f} to {mean.model.high:.2f})"
    if mean.xz is not None and mean.unigram is not None:
        said += (
            f": {_less(value, mean.xz)} than the compressor xz -9 ({mean.xz:.2f}), and "
            f"{_less(value, mean.unigram)} than the frequencies of the tokens alone ({mean.unigram:.2f})"
        )
    ordered = sorted(rows, key=lambda row: row.model.value or 0.0)
    best, worst = ordered[0], ordered[-1]
    if best is not worst:
        said += (
            f". It does best in {language_name(best.group)} ({best.model.value:.2f}) "
            f"and worst in {language_name(worst.group)} ({worst.model.value:.2f})"
        )
    yield Finding(kind="found", about="bits-per-byte", text=said + ".")
    if value > COHERENT_BITS:
        yield Finding(
            kind="limit",
            about="samples",
            text=f"At {value:.2f} bits a byte, expect words and phrases rather than sense. "
            f"Over {COHERENT_BITS} a text is seldom coherent: read the samples.",
        )
    unlearnt = [row for row in rows if row.unigram is not None and (row.model.value or 0.0) >= row.unigram]
    if unlearnt:
        yield Finding(
            kind="limit",
            about="bits-per-byte",
            text=f"In {_named(unlearnt, rows)} it does no better than the frequencies of tokens: "
            "it makes no use of context.",
        )
    few = [row for row in rows if row.works is not None and row.works < FEW_WORKS]
    if few:
        yield Finding(
            kind="limit",
            about="bits-per-byte",
            text=f"The bits per byte in {_named(few, rows)} rest on {_works(few)}, and would differ on others.",
        )


def _language(model: Model) -> Iterator[Finding]:
    rows = greedy_adherence(model.adherence)
    whole = next((row for row in rows if row.lang == ALL), None)
    if whole is None:
        return
    what = "prompts of our own" if whole.prompts == "own" else f"held-out openings ({whole.prompts})"
    undecided = f"; {whole.undecided:,} could not be decided" if whole.undecided else ""
    yield Finding(
        kind="found",
        about="language",
        text=f"Of {whole.n:,} greedy continuations of {what}, {whole.kept:,} are surely in the prompt's language: "
        f"{share_in_words(whole.of_all)}{undecided}.",
    )
    leaving = [row for row in rows if row.lang != ALL and row.of_all.value is not None and row.of_all.value < KEPT]
    if leaving:
        named = ", ".join(f"{language_name(row.lang)} ({row.kept} of {row.n} stay)" for row in leaving)
        yield Finding(
            kind="limit",
            about="language",
            text=f"It cannot be relied on to stay in the prompt's language: {named}.",
        )


def _loops(model: Model) -> Iterator[Finding]:
    recommended, none = repeated(model.repetition, 1.1), repeated(model.repetition, 1.0)
    if recommended is None or recommended.loops.value is None:
        return
    without = f"; without a penalty, {share_in_words(none.loops)}" if none else ""
    yield Finding(
        kind="found",
        about="repetition",
        text=f"As it is best used (temperature 0, repetition penalty 1.1), {share_in_words(recommended.loops)} of "
        f"{recommended.n:,} continuations end in a loop{without}.",
    )
    if recommended.loops.value >= LOOPING:
        higher = repeated(model.repetition, 1.2)
        text = "Long greedy continuations still run into loops at a penalty of 1.1"
        if higher and higher.loops.value is not None and higher.loops.value < recommended.loops.value:
            text += f"; at 1.2 it is {share_in_words(higher.loops)}"
        yield Finding(kind="limit", about="repetition", text=text + ".")


def _spelling(model: Model) -> Iterator[Finding]:
    weighed = [row for row in model.orthography if row.words and row.old_likelier.value is not None]
    words = sum(row.words for row in weighed)
    if weighed:
        old = sum(row.words * (row.old_likelier.value or 0.0) for row in weighed) / words
        langs = ", ".join(dict.fromkeys(language_name(row.lang) for row in weighed))
        yield Finding(
            kind="found",
            about="spelling",
            text=f"After prompts in old spelling ({langs}), it finds the old spelling likelier than the modern one "
            f"in {percent(old)} of {words:,} words.",
        )
        if old < 0.5:
            yield Finding(
                kind="limit",
                about="spelling",
                text="It does not keep a prompt's old spelling: it prefers the modern.",
            )
    lacking = [language_name(lang) for lang, works in model.old_works.items() if not works]
    if lacking:
        yield Finding(
            kind="limit",
            about="spelling",
            text=f"Old spelling was not measured in {_list(lacking)}: no held-out work is in it.",
        )


def _harm(model: Model) -> Iterator[Finding]:
    neutral, provoking = harm_of(model, "neutral"), harm_of(model, "provoking")
    if neutral is None or provoking is None:
        return
    corpus = next((r for r in model.corpus if r.lang == ALL and r.filtered and r.level == 1.0), None)
    beside = f"; of its corpus's passages {fine_percent(corpus.share)} do" if corpus else ""
    yield Finding(
        kind="found",
        about="harm",
        text=f"Of greedy continuations, {share_in_words(neutral.share)} score 1 or more for harm after "
        f"{neutral.continuations:,} neutral prompts, and {share_in_words(provoking.share)} after "
        f"{provoking.continuations:,} provoking ones{beside}.",
    )
    for row in (neutral, provoking):
        if corpus and row.share.low is not None and row.share.low > corpus.share:
            yield Finding(
                kind="limit",
                about="harm",
                text=f"After {row.kind} prompts it is more harmful than its corpus: {share_in_words(row.share)} "
                f"against {fine_percent(corpus.share)}.",
            )
    yield Finding(
        kind="limit",
        about="harm",
        text="A low share of harmful continuations proves nothing safe: the classifier finds about half of the "
        "hatred in its tests, and less in Latin, Italian and Spanish.",
    )


def _memorization(model: Model) -> Iterator[Finding]:
    row, unseen = extracted(model.extraction, EVERYWHERE), extracted(model.extraction, HELD_OUT)
    if row is None:
        return
    beside = f"; of {unseen.n:,} held-out texts, {share_in_words(unseen.extractable)}" if unseen else ""
    yield Finding(
        kind="found",
        about="memorization",
        text=f"Of {row.n:,} texts that it was trained on, {share_in_words(row.extractable)} come back word for "
        f"word: given {row.prompt_tokens} tokens, it goes on with the {model.truth_tokens} that follow{beside}.",
    )
    low, base = row.extractable.low, unseen.extractable.value if unseen else 0.0
    if low is not None and base is not None and low > base:
        yield Finding(
            kind="limit",
            about="memorization",
            text=f"It has learnt texts by heart: given the beginning, it may write one on as it stands "
            f"({share_in_words(row.extractable)} of those tried).",
        )


def _copied(model: Model) -> Iterator[Finding]:
    said = [row for row in model.spans if row.decoding != TRUTH]
    if not said:
        return
    number, longest = sum(row.n for row in said), max(row.longest for row in said)
    source = model.copied[0] if model.copied else None
    text = f"In {number:,} continuations of neutral prompts, no span of 16 bytes or more is from its corpus"
    if source is not None:
        text = (
            f"In {number:,} continuations of neutral prompts, the longest span that stands word for word in its "
            f"corpus has {longest:,.0f} characters, from {source.title or source.identifier} "
            f"({source.licence or 'licence not known'})"
        )
    yield Finding(kind="found", about="memorization", text=text + ".")
    licences = Counter[str]()
    for row in said:
        licences.update(row.licences)
    binding = {
        name: count for name, count in licences.items() if name == UNKNOWN_LICENCE or obligation(name) != "none"
    }
    if binding:
        named = _list([f"{licence_name(name)} ({count:,})" for name, count in sorted(binding.items())])
        yield Finding(
            kind="limit",
            about="memorization",
            text=f"{sum(binding.values()):,} of {number:,} continuations hold a span of {LONG} from a "
            f"document whose licence asks something or is not known: {named}. "
            "Who publishes such a text has to give the source, or look for it.",
        )


def _tasks(model: Model) -> Iterator[Finding]:
    for task in dict.fromkeys(row.task for row in model.tasks):
        rows = [row for row in model.tasks if row.task == task]
        better = [row for row in rows if beats_untouched(row)]
        tried = f"{len(rows):,} trial{'' if len(rows) == 1 else 's'} by language and number of examples"
        if better:
            named = _list([f"{group_name(row.group)} ({examples(row.shots)})" for row in better[:NAMED]])
            more = f" and {len(better) - NAMED:,} more" if len(better) > NAMED else ""
            yield Finding(
                kind="found",
                about="tasks",
                text=f"{TASKS[task]}: surely better than the text left as it is in {len(better):,} of "
                f"{tried}: {named}{more}.",
            )
        else:
            yield Finding(
                kind="limit",
                about="tasks",
                text=f"{TASKS[task]}: in none of {tried} is it surely better than the text left as it is.",
            )


def _missing(model: Model) -> Iterator[Finding]:
    parts = {
        "bits per byte": model.bits_per_byte,
        "language adherence": greedy_adherence(model.adherence),
        "repetition": model.repetition,
        "harmful continuations": model.harm,
        "memorization": [*model.extraction, *model.spans],
    }
    missing = [name for name, part in parts.items() if not part]
    if missing:
        yield Finding(kind="limit", about="method", text=f"Not measured: {', '.join(missing)}.")


def _always() -> Iterator[Finding]:
    yield Finding(
        kind="limit",
        about="method",
        text="It is a base model: it continues texts and follows no instructions. These figures do not "
        "say whether what it writes is true.",
    )


def _less(value: float, other: float) -> str:
    share = 1 - value / other
    return f"{percent(abs(share))} {'less' if share >= 0 else 'more'}"


def _languages(rows: Sequence[BitsRow]) -> str:
    return language_name(rows[0].group) if len(rows) == 1 else f"{len(rows)} languages"


def _named(rows: Sequence[BitsRow], among: Sequence[BitsRow]) -> str:
    return "each language" if len(rows) == len(among) > 1 else _list([language_name(row.group) for row in rows])


def _list(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _works(rows: Sequence[BitsRow]) -> str:
    least, most = (pick(row.works or 0 for row in rows) for pick in (min, max))
    counted = f"{least}" if least == most else f"{least} to {most}"
    return f"{counted} held-out work{'' if most == 1 else 's'}"
