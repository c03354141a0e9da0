"""Fields that the technical documentation and the model documentation form share: the model and its training."""

from __future__ import annotations

from octavo.page import percent
from octavo.release.manifest import Manifest
from octavo.release.papers import wording
from octavo.release.papers.content import Field, field

_BANDS = (
    (500e6, "1 to 500 million parameters"),
    (5e9, "500 million to 5 billion parameters"),
    (15e9, "5 to 15 billion parameters"),
    (50e9, "15 to 50 billion parameters"),
    (100e9, "50 to 100 billion parameters"),
    (500e9, "100 to 500 billion parameters"),
    (1e12, "500 billion to 1 trillion parameters"),
)
_LARGEST_BAND = "Over 1 trillion parameters"
_FORMATS = {
    "safetensors": "model.safetensors in bfloat16, with config.json and the tokenizer, in Hugging Face's layout",
    "gguf-f32": "GGUF in float32",
    "gguf-f16": "GGUF in float16",
    "gguf-bf16": "GGUF in bfloat16",
    "gguf-q8_0": "GGUF in blocks of eight-bit numbers (Q8_0)",
    "gguf-q4_k_m": "GGUF in blocks of four-bit numbers, some of six bits (Q4_K_M)",
}
_SCHEDULES = {
    "cosine": "falls along a cosine after a linear rise",
    "warmup-stable-decay": "stays at its peak after a linear rise, and falls linearly at the end",
}
_OPTIMIZERS = {"adamw": "AdamW", "muon": "Muon for the layers' matrices, AdamW for the rest"}


def parameter_band(manifest: Manifest) -> str:
    """The form's band of the total size."""
    return next((name for limit, name in _BANDS if manifest.architecture.parameters < limit), _LARGEST_BAND)


def architecture(manifest: Manifest) -> Field:
    """The architecture in a sentence, and its sizes."""
    of = manifest.architecture
    return field(
        "architecture",
        "Model architecture",
        "A Transformer of the Llama kind: a decoder with RMSNorm before each part, rotary positions, attention "
        "with grouped queries, a feed-forward layer gated by SiLU, and no biases.",
        columns=("Size", "Value"),
        rows=[
            ["Parameters", f"{of.parameters:,}"],
            ["Layers", f"{of.num_hidden_layers:,}"],
            ["Width (hidden size)", f"{of.hidden_size:,}"],
            ["Query heads", f"{of.num_attention_heads:,}"],
            ["Key and value heads", f"{of.num_key_value_heads:,}"],
            ["Width of the feed-forward layer", f"{of.intermediate_size:,}"],
            ["Entries of the vocabulary", f"{of.vocab_size:,}"],
            ["Context in tokens", f"{of.max_position_embeddings:,}"],
            ["Base of the rotary positions", f"{of.rope_theta:,g}"],
            ["Output matrix", "the embedding matrix" if of.tie_word_embeddings else "a matrix of its own"],
        ],
        numbers=(1,),
    )


def rationale(manifest: Manifest) -> Field:
    """Why the model is as it is."""
    of = manifest.architecture
    embedding = of.vocab_size * of.hidden_size
    if of.tie_word_embeddings:
        tied = (
            f"The output matrix is the embedding matrix, which has {percent(embedding, of.parameters)} of the "
            "parameters: with a matrix of its own the model would be larger by as much again."
        )
    else:
        tied = (
            "The output matrix is another than the embedding matrix; each has "
            f"{percent(embedding, of.parameters)} of the parameters."
        )
    return field(
        "rationale",
        "Design choices and their reasons",
        items=[
            "Llama architecture: programs in wide use, such as transformers and llama.cpp, read it as it is, so "
            "that the model can be used and checked without octavo.",
            tied,
            _tokenizer(manifest),
        ],
    )


def decisions(manifest: Manifest) -> Field:
    """Why the training is as it is."""
    return field(
        "decisions",
        "Choices of the training and their reasons",
        items=[
            *_of_a_tune(manifest),
            "Order of the data: a keyed permutation of the sequences, drawn by the seed alone. So the order is "
            "the same on any number of processes, and for each document the steps that saw it can be computed.",
            "Texts are kept apart within a sequence, so that what is learnt of one does not depend on which "
            "other stands beside it.",
            "Weights and optimizer stay in float32, so that small updates are not lost; the matrix products are in "
            f"{manifest.training.precision}.",
        ],
    )


def _tokenizer(manifest: Manifest) -> str:
    found = manifest.tokenization
    if found and found.trained and not manifest.base:
        return (
            f"Tokenizer: a byte-level BPE of {found.entries:,} entries, learnt on the kept documents, so that "
            "their languages and their old spellings cost few tokens. Any text can be written with it and comes "
            "back to the byte; no text is normalised."
        )
    whose = "that of the base" if manifest.base else "one that was given"
    return (
        f"Tokenizer: {whose}, with {manifest.architecture.vocab_size:,} entries, as the weights or token files "
        "that the training began with ask for it."
    )


def _of_a_tune(manifest: Manifest) -> list[str]:
    if manifest.base is None:
        return []
    return [
        "Full training of all weights from the base: a model of this size fits into memory with its gradients, "
        "so that a low-rank change of few parameters (LoRA) would save little, and can learn less."
    ]


def training_design(manifest: Manifest) -> Field:
    """How the model was trained, and what is optimised."""
    train = manifest.training
    began = f"from the weights of {manifest.base.name}" if manifest.base else "from weights drawn by lot"
    taken = "" if train.taken == train.steps else f"; the weights of step {train.taken:,} were taken"
    masks = (
        "Examples are packed into sequences" if manifest.pairs else "Sequences are cut from the stream of documents"
    )
    loss = [] if train.loss is None else [f"Loss at the end: {train.loss:.3f} nats a token."]
    return field(
        "training_design",
        "Training process, and what is optimised",
        f"The training {began} minimises {train.objective}: the model is to find likely what the training texts "
        "say. It was aligned with no preferences of people.",
        f"{train.steps:,} steps of {train.sequences_per_step:,} sequences of {train.sequence_length:,} tokens: "
        f"{train.tokens:,} tokens, {train.passes:.1f} passes over the data{taken}. {masks}; no text sees another "
        "one in its sequence.",
        f"Optimizer: {_OPTIMIZERS.get(train.optimizer, train.optimizer)}, learning rate up to "
        f"{train.learning_rate:g}, which {_SCHEDULES.get(train.schedule, train.schedule)}; weight decay "
        f"{train.weight_decay:g}. Matrix products in {train.precision}, weights and optimizer in float32. Seed "
        f"{train.seed}: on the same hardware and software the same recipe gives the same weights.",
        *loss,
    )


def modalities(manifest: Manifest) -> tuple[str, str]:
    """What goes in, and what comes out."""
    context = f"{manifest.architecture.max_position_embeddings:,} tokens"
    answers = {
        "ocr": "the text without the errors of recognition",
        "translation": "the text in another language",
        "rag": "quotations from the sources, with the number of each source",
    }
    out = answers.get(manifest.task or "", "the continuation of the text")
    return (
        f"Text, as tokens of the model's own tokenizer: at most {context} together with what it writes.",
        f"Text: {out}, at most {context} together with what it reads.",
    )


def integration(manifest: Manifest) -> list[str]:
    """The programs that run the model, and what they need."""
    files = [_FORMATS[name] for name in manifest.formats]
    gguf = any(name.startswith("gguf") for name in manifest.formats)
    programs = [
        *(["transformers (PyTorch) reads the release directory"] if "safetensors" in manifest.formats else []),
        *(["llama.cpp, and programs built on it, read the GGUF files"] if gguf else []),
        "octavo reads either: octavo generate on the command line, octavo serve as a server whose interface is "
        "OpenAI's",
    ]
    return [f"Files: {'; '.join(files)}.", f"Programs: {'; '.join(programs)}."]


def hardware(manifest: Manifest) -> str:
    """What it takes to run the model."""
    smallest = min(manifest.weights, key=lambda file: file.bytes, default=None)
    if smallest is None:
        return "Not stated: the release holds no weights."
    return (
        f"A processor with 64 bits; no GPU is needed. The smallest file of weights, {smallest.path}, takes "
        f"{wording.size(smallest.bytes)}, and memory for as much and for the context."
    )


def authenticity(manifest: Manifest) -> Field:
    """The hashes by which the weights are known."""
    return field(
        "authenticity",
        "Model authenticity",
        "SHA-256 of the weights. All files of the release are in SHA256SUMS.",
        columns=("File", "Bytes", "SHA-256"),
        rows=[[file.path, f"{file.bytes:,}", file.sha256] for file in manifest.weights],
        numbers=(1,),
    )


def evaluation(manifest: Manifest) -> Field:
    """The figures of the evaluation, with their intervals."""
    if not manifest.metrics:
        return field("evaluation", "Figures of the evaluation", "None was measured.")
    files = ", ".join(dict.fromkeys(metric.file for metric in manifest.metrics))
    return field(
        "evaluation",
        "Figures of the evaluation",
        f"Read from {files}. Intervals are of 95 %; where there were too few works for one, there is a dash.",
        columns=("Figure", "Of", "Value", "95 % interval", "Unit"),
        rows=[
            [metric.name, wording.group(metric), wording.figure(metric), wording.interval(metric), metric.unit]
            for metric in manifest.metrics
        ],
        numbers=(2, 3),
    )


def systems(manifest: Manifest) -> str:
    """What the model can be built into."""
    kinds = {
        "ocr": "Programs that correct recognised texts of libraries and archives.",
        "translation": "Programs that translate documents.",
        "rag": "Search in collections of documents, with answers that quote their sources.",
    }
    return kinds.get(
        manifest.task or "",
        "Programs that continue or score text, and tunes for document work, such as the correction of OCR, "
        "translation and answers from sources.",
    )


def assets(manifest: Manifest) -> list[str]:
    """What else is in the release, and what stays in the run."""
    found = [
        "In the release beside the weights: the tokenizer, the model card (README.md), the report of the "
        "evaluation (evaluation/) where there is one, these papers with the manifest that they are made of "
        "(compliance/), the recipe and the records of the stages (lineage/), and SHA256SUMS."
    ]
    if manifest.corpus_files:
        whole = sum(file.bytes for file in manifest.corpus_files)
        found.append(
            "In the run: the kept documents and the ledger as Parquet, "
            f"{wording.counted(len(manifest.corpus_files), 'file')} of {wording.size(whole)}; the manifest has "
            "the hash of each."
        )
    return found
