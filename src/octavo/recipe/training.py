"""The recipe's settings of training."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from octavo.recipe.section import Fraction, Positive, Section, impossible


class Optimizer(Section):
    """AdamW (Loshchilov and Hutter, 2019), or Muon (Jordan, 2024) for the layers' matrices."""

    name: Literal["adamw", "muon"] = "adamw"
    """The optimizer; with muon, embeddings and norms stay with AdamW."""
    learning_rate: Annotated[float, Field(gt=0)] = 3e-3
    """Peak learning rate."""
    width: Positive | None = None
    """hidden_size at which the learning rate and initializer_range were found: they are scaled from there to the
    model's, part by part. Null takes them as they are."""
    betas: Annotated[list[Fraction], Field(min_length=2, max_length=2)] = [0.9, 0.95]
    """AdamW's decay of the first and second moment."""
    momentum: Fraction = 0.95
    """Muon's momentum."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Added to the denominator."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.1
    """Decoupled weight decay of matrices; norms have none."""
    gradient_clip: Annotated[float, Field(gt=0)] = 1.0
    """Largest norm of the gradient."""


class Schedule(Section):
    """Learning rate over the run."""

    name: Literal["cosine", "warmup-stable-decay"] = "cosine"
    """Shape after the warm-up."""
    warmup_steps: Annotated[int, Field(ge=0)] = 100
    """Steps of linear rise to the peak."""
    decay_fraction: Fraction = 0.2
    """Share of the steps at the end that decay linearly (warmup-stable-decay alone)."""
    final_ratio: Fraction = 0.1
    """Last learning rate, as a share of the peak."""


class Checkpoint(Section):
    """When the training state is saved."""

    every_steps: Positive = 1000
    """Steps between checkpoints; the last step is always saved."""
    keep_last: Positive = 2
    """How many complete checkpoints stay."""
    keep_every: Positive | None = None
    """Steps whose multiples stay for good, beside the last ones; null keeps none."""


class Guards(Section):
    """What training does about a loss that is no number, or leaves its course."""

    skips_in_a_row: Positive = 5
    """Updates in a row that may be skipped, as their loss or gradient is no finite number; then training stops."""
    spike_deviations: Annotated[float, Field(gt=0)] = 6.0
    """A loss is high that lies so many standard deviations (of one step from the next) over its running mean."""
    spike_steps: Positive = 10
    """High losses in a row that make a spike."""
    rollbacks: Annotated[int, Field(ge=0)] = 0
    """How often a spike may take training back to a checkpoint before it, to go on without the steps that led to
    it; 0 only records spikes."""


OWN_TOKENS = "corpus"
"""In training.data: the token files that tokenization makes of the recipe's own documents."""


class DataStage(Section):
    """A stretch of the training, and the token files that it draws from."""

    name: str | None = None
    """What it is called, such as annealing."""
    first_step: Positive = 1
    """Step with which it begins, counted from 1; it lasts until the next one begins."""
    weights: Annotated[dict[str, Annotated[float, Field(gt=0)] | None], Field(min_length=1)]
    """Folders of token files, each with its part of the sequences, such as {tokens/web: 8, tokens/books: 2};
    `corpus` is what tokenization makes of this recipe's documents. With null for all, all sequences count alike."""

    @model_validator(mode="after")
    def _all_or_none(self) -> Self:
        given = [weight is not None for weight in self.weights.values()]
        if any(given) and not all(given):
            raise impossible("weights", "numbers and nulls", "a number for each folder, or null for each")
        return self


class Training(Section):
    """The pretraining."""

    tokens: Positive = 7_000_000_000
    """Tokens to train on; the documents are passed over as often as that needs."""
    data: list[DataStage] = []
    """What is trained on when, by stages; empty draws from the recipe's own documents alone."""
    sequence_length: Annotated[int, Field(ge=2)] | None = None
    """Tokens a sequence; null takes the model's context."""
    sequences_per_step: Positive = 256
    """Sequences in one optimizer step, over all processes."""
    sequences_per_pass: Positive = 16
    """Sequences in one forward and backward pass; divides sequences_per_step. Fewer take less memory."""
    optimizer: Optimizer = Optimizer()
    """The optimizer."""
    schedule: Schedule = Schedule()
    """The learning-rate schedule."""
    checkpoint: Checkpoint = Checkpoint()
    """The checkpoints."""
    z_loss: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the squared logarithm of the softmax's sum in the loss, such as 0.0001: it keeps logits from
    drifting (Chowdhery et al., 2022). The logged loss has it too."""
    guards: Guards = Guards()
    """The guard rails."""
    parallel: Literal["auto", "ddp", "fsdp", "hsdp"] = "auto"
    """Where several processes train: each holds all weights (ddp), or they are spread over all (fsdp) or over those
    of a machine (hsdp); auto takes the first of ddp, hsdp, fsdp that fits into memory."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Precision of the matrix products; weights and optimizer stay in float32."""
    compile: bool = True
    """Whether to compile the step."""
    log_every: Positive = 10
    """Steps between two lines of metrics.jsonl."""
    evaluate_every_steps: Positive | None = None
    """Steps between two measurements of the held-out texts, by language; null makes none."""
    patience: Positive | None = None
    """Measurements in a row that bring no gain, after which training stops and the best weights are taken; null
    trains to the end and takes the last."""

    @model_validator(mode="after")
    def _patience_is_measured(self) -> Self:
        if self.patience is not None and self.evaluate_every_steps is None:
            raise impossible("evaluate_every_steps", "null", "a number of steps, as training.patience is given")
        return self

    @model_validator(mode="after")
    def _stages_follow(self) -> Self:
        last = 0
        for number, stage in enumerate(self.data):
            if stage.first_step <= last or (last == 0 and stage.first_step != 1):
                expected = f"a step after {last}" if last else "1, as the first stage begins the training"
                raise impossible(f"data[{number}].first_step", stage.first_step, expected)
            last = stage.first_step
        return self

    @model_validator(mode="after")
    def _passes_fit(self) -> Self:
        if self.sequences_per_step % self.sequences_per_pass:
            raise impossible(
                "sequences_per_pass",
                self.sequences_per_pass,
                f"a divisor of sequences_per_step ({self.sequences_per_step})",
            )
        return self
