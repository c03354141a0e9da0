"""What report.json of an ablation holds."""

from __future__ import annotations

from typing import Any, Final, Literal, NamedTuple

from octavo.ablation.comparing import Verdict
from octavo.evaluation.report.figures import Estimate, Figures

FigureName = Literal["bits-curated", "bits-as-it-came", "adherence", "harm"]


class Meaning(NamedTuple):
    """What a figure is."""

    name: str
    told: str
    lower_is_better: bool
    is_share: bool


FIGURES: Final[dict[FigureName, Meaning]] = {
    "bits-curated": Meaning(
        "bits per byte, curated", "of the held-out works as the whole recipe leaves them", True, False
    ),
    "bits-as-it-came": Meaning("bits per byte, as it came", "of the same works as they came in", True, False),
    "adherence": Meaning(
        "language kept", "share of greedy continuations that are surely in the prompt's language", False, True
    ),
    "harm": Meaning(
        "harmful", "share of continuations that score 1 or more by the classifier that removes", True, True
    ),
}
"""The figures that are compared, in their order."""

MEAN: Final = "mean"
"""Of all languages."""


class Row(Figures):
    """A figure of a variant, and how much larger it is than the baseline's."""

    figure: FigureName
    """bits-curated, bits-as-it-came, adherence or harm."""
    by: str
    """A language, or mean."""
    values: list[float]
    """By seed."""
    value: float
    """The mean of the seeds."""
    difference: Estimate | None
    """With its 95 % interval; null for the baseline itself."""
    verdict: Verdict | None
    """What that says of what the variant lacks, or of the recipe's own choice; null for the baseline."""


class Training(Figures):
    """The training of a proxy."""

    seed: int
    loss: float | None
    """The last that was logged, in nats a token: not to be compared between tokenizers."""
    epochs: float
    flops: int
    parameters: int


class Text(Figures):
    """The text that a variant's curation leaves to train on."""

    documents: int
    bytes: int
    tokens: int | None
    """Null where nothing was tokenized."""


class VariantRow(Figures):
    """The baseline, or a variant of it."""

    name: str
    """What it lacks, or chooses otherwise; or baseline."""
    told: str
    """What is so then, in words."""
    fields: dict[str, Any]
    """The fields of the recipe that it sets otherwise."""
    same_corpus: bool
    """Whether what is left out changes nothing, so that no proxy was trained."""
    text: Text
    taken: float | None
    """Share of the variant's text that the baseline has not; null where the choice is not one of curation."""
    trainings: list[Training]
    """By seed: loss, epochs, FLOPs and parameters."""
    figures: list[Row]
    """Each figure, as the mean of the languages and of each."""


class Noise(Figures):
    """How much a proxy's figure varies with the seed."""

    figure: FigureName
    deviation: float
    """Standard deviation of one proxy's, what all of a seed have in common apart."""
    freedom: int
    """Degrees of freedom that it was estimated with."""
    smallest: float
    """About the smallest difference that could have been shown: half the median width of the intervals."""


class HeldOut(Figures):
    """What no proxy was trained on, and what of it all were measured on."""

    works: int
    documents: int
    works_measured: int
    bytes_measured: dict[str, int]
    """By the form of the works: curated, as-it-came."""
    withheld_works: int
    """Documents of held-out works, and such as opted out, that were taken from all variants' documents."""
    withheld_copies: int
    """Copies of these."""
    withheld_pieces: int
    """Documents of which more than a tenth stands in held-out works, by sequences of 13 words."""


class Size(Figures):
    """The proxies."""

    parameters: int
    hidden_size: int
    layers: int
    context: int
    vocab_size: int
    tokens: int
    """That each is trained on."""
    steps: int
    optimizer: str
    learning_rate: float
    flops: int
    """Of the training of one, as the baseline is."""
    flops_in_all: int


class Report(Figures):
    """An ablation of a recipe."""

    octavo: str
    """Version."""
    versions: list[str]
    """Of octavo, that the proxies were trained and measured with."""
    classifier: str
    """That found harm in what they wrote."""
    command: str
    """What gives the figures."""
    name: str
    """The recipe's."""
    seeds: list[int]
    """Of the proxies of each variant."""
    proxy: Size
    held_out: HeldOut
    baseline: VariantRow
    """The recipe as it is."""
    variants: list[VariantRow]
    """The recipe with one thing left out or chosen otherwise."""
    missing: list[str]
    """Choices that were not tried, as the recipe has nothing of them."""
    noise: list[Noise]
    findings: list[str]
    """What was found, in words."""
    limits: list[str]
    """What to beware of."""
