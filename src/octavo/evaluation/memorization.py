"""Memorization: how much of its training text a model gives back word for word.

Of training texts: how many are k-extractable in the sense of Carlini et al. (2022), that is, the model goes on
greedily as the text does when it is given the k tokens before. And of what it writes freely: the longest span that
stands in the corpus, with the document that it is from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from octavo.evaluation.bootstrap import ratio
from octavo.evaluation.intervals import share
from octavo.evaluation.openings import Document, draw
from octavo.evaluation.passages import Passage, Seen, training_passages
from octavo.evaluation.prompts import read_prompts
from octavo.evaluation.sources import Source, read_sources
from octavo.evaluation.speaker import Speaker
from octavo.evaluation.verbatim import LEAST, Span, entry_bytes, longest_spans
from octavo.lineage import write_json
from octavo.modeling.decoding import Decoding
from octavo.modeling.llama import Llama
from octavo.progress import Progress
from octavo.recipe.schema import Recipe
from octavo.training.checkpoint_files import read_passed_over
from octavo.training.data import open_data
from octavo.training.stopping import chosen_step

FILE: Final = "memorization.json"
COMMAND: Final = "octavo evaluate RUN"
PROMPT_TOKENS: Final = (32, 64, 128, 256)
TRUTH_TOKENS: Final = 32
"""Tokens of the true continuation that must come back."""
TIMES: Final = (1, 2, 4, 8, 16, 32, 64)
"""How often a text was seen: up to the first, up to the second, and so on, and over the last."""
CHARACTERS: Final = (50, 100, 200)
TOKENS: Final = (20, 50)
"""Lengths of spans that are counted."""
DECODINGS: Final = {
    "recommended": Decoding(),
    "greedy": Decoding(repetition_penalty=1.0),
    "drawn": Decoding(temperature=1.0, repetition_penalty=1.0),
}
TRUTH: Final = "truth"
_READ: Final = 20_000
"""Characters of a held-out document that are looked at."""
_BATCH_TOKENS: Final = 8192


class Recalled(NamedTuple):
    """A text, the tokens before it, and how much of it came back."""

    passage: Passage
    tokens: dict[int, int]
    """Of the true continuation that come back, from its first on, by the length of the prompt."""


class Said(NamedTuple):
    """A continuation of a neutral prompt."""

    id: str
    lang: str
    decoding: str
    """TRUTH is a held-out text."""
    tokens: list[bytes]

    @property
    def bytes(self) -> bytes:
        """The whole of it."""
        return b"".join(self.tokens)


class Written(NamedTuple):
    """A continuation, and its longest span that stands in the corpus."""

    said: Said
    span: Span | None

    @property
    def text(self) -> str:
        """The span; bytes of a character that is cut at either end are no character."""
        if self.span is None:
            return ""
        return self.said.bytes[self.span.start : self.span.start + self.span.length].decode(errors="ignore")

    @property
    def tokens(self) -> int:
        """How many tokens are in the span as a whole."""
        if self.span is None:
            return 0
        ends = np.cumsum([len(token) for token in self.said.tokens])
        starts = ends - [len(token) for token in self.said.tokens]
        return int(((starts >= self.span.start) & (ends <= self.span.start + self.span.length)).sum())


def measure_memorization(
    recipe: Recipe, speaker: Speaker, documents: Sequence[Document], run: Path, home: Path, progress: Progress
) -> dict[str, Any]:
    """Write `home`/memorization.json and return its figures without the samples; `documents` are held out."""
    settings, seed = recipe.evaluation.memorization, recipe.seed
    longest = recipe.evaluation.continuations.max_tokens
    data = open_data(recipe, run / "tokens")
    passed = read_passed_over(run / "checkpoints")
    steps = [step for step in range(chosen_step(recipe, run)) if not any(step in others for others in passed)]
    seen = Seen(data, np.array(steps), recipe.training.sequences_per_step)
    lengths = [k for k in PROMPT_TOKENS if k + TRUTH_TOKENS <= min(speaker.context, recipe.sequence_length)]
    passages, known = _passages(speaker, documents, seen, lengths, settings.prompts, seed, progress)
    back = {k: recall(speaker.model, speaker.begin, passages, k, progress) for k in lengths}
    recalled = [Recalled(passage, {k: back[k][n] for k in lengths}) for n, passage in enumerate(passages)]
    said = say(speaker, recipe.corpus.languages, documents, settings.prompts, longest, seed, progress)
    shards = [shard for sequences in data.sequences for shard in sequences.shards]
    entries = entry_bytes(speaker.tokenizer)
    spans = longest_spans(shards, entries, [one.bytes for one in said], progress)
    written = [Written(one, span) for one, span in zip(said, spans, strict=True)]
    sources = read_sources(data, run / "corpus" / "kept", [w.span.token for w in written if w.span])
    figures = {
        "extraction": extraction(recalled),
        "held_out_seen": known,
        "spans": span_figures(written, sources, longest),
    }
    content = {
        "command": COMMAND,
        "settings": {
            "prompt_tokens": lengths,
            "truth_tokens": TRUTH_TOKENS,
            "prompts": settings.prompts,
            "max_tokens": longest,
            "seed": seed,
            "decodings": {
                name: {"temperature": d.temperature, "repetition_penalty": d.repetition_penalty}
                for name, d in DECODINGS.items()
            },
            "least_span_bytes": LEAST,
            "intervals": "95 %; of shares Wilson, of means percentile bootstrap over works",
        },
        **figures,
        "passages": [_passage_row(speaker, one) for one in recalled],
        "continuations": [_written_row(one, sources) for one in written],
    }
    write_json(home / FILE, content)
    return figures


def _passages(
    speaker: Speaker,
    documents: Sequence[Document],
    seen: Seen,
    lengths: Sequence[int],
    count: int,
    seed: int,
    progress: Progress,
) -> tuple[list[Passage], int]:
    """What training has seen, and held-out texts; and how many of those are left out, as it has seen them too."""
    if not lengths:
        return [], 0
    width, repeated = max(lengths) + TRUTH_TOKENS, min(lengths) + TRUTH_TOKENS
    borders = (speaker.begin, speaker.end)
    found = training_passages(seen, borders, width, repeated, count, TIMES, seed, progress)
    others = held_out_passages(speaker, documents, count, width, seed)
    times = seen.times_of([p.tokens[-repeated:] for p in others], progress)
    unseen = [p for p, often in zip(others, times, strict=True) if not often]
    return [*found, *unseen], len(others) - len(unseen)


def held_out_passages(
    speaker: Speaker, documents: Sequence[Document], count: int, width: int, seed: int
) -> list[Passage]:
    """As many tokens of held-out works, from places drawn by lot, about `count`, the languages alike."""
    languages = sorted({d.lang for d in documents})
    lot = np.random.default_rng(seed)

    def excerpt(document: Document) -> list[int] | None:
        [tokens] = speaker.encode([document.text[:_READ]])
        # The last tokens of a text that was cut may be others in the whole.
        places = len(tokens) - width - (8 if len(document.text) > _READ else 0)
        if places < 0:
            return None
        first = int(lot.integers(places + 1))
        return tokens[first : first + width]

    each = -(-count // max(len(languages), 1))
    found = draw(documents, each, seed, excerpt)
    return [Passage(document.id, tokens, 0, True) for document, tokens in found]


@torch.inference_mode()
def recall(
    model: Llama, begin: int, passages: Sequence[Passage], prompt_tokens: int, progress: Progress
) -> list[int]:
    """How many tokens of each passage's last TRUTH_TOKENS the model writes, greedily, after so many before them.

    As long as it writes the true ones it reads them too, so one reading of the whole tells where it leaves them.
    """
    device = model.output.weight.device
    found: list[int] = []
    each = max(1, _BATCH_TOKENS // (prompt_tokens + TRUTH_TOKENS))
    for start in range(0, len(passages), each):
        progress.check()
        progress.update(start, len(passages), f"memorization, {prompt_tokens} tokens")
        rows = [[begin, *p.tokens[-prompt_tokens - TRUTH_TOKENS :]] for p in passages[start : start + each]]
        tokens = torch.tensor(rows, device=device)
        hidden = model.hidden(tokens[:, :-1])[:, -TRUTH_TOKENS:]
        right = model.output(hidden).argmax(-1) == tokens[:, -TRUTH_TOKENS:]
        found += right.int().cumprod(1).sum(1).tolist()
    return found


def extraction(recalled: Sequence[Recalled]) -> list[dict[str, Any]]:
    """By how often the text was seen (0: held out) and the length of the prompt: what came back."""
    rows = []
    bounds = [(0, 0), (1, None), *zip([1, *(t + 1 for t in TIMES)], [*TIMES, None], strict=True)]
    for least, most in bounds:
        everywhere = (least, most) == (1, None)
        group = [
            one
            for one in recalled
            if one.passage.times >= least
            and (most is None or one.passage.times <= most)
            and (one.passage.by_chance or not everywhere)
        ]
        for k in dict.fromkeys(k for one in group for k in one.tokens):
            lengths = np.array([one.tokens[k] for one in group])
            rows.append(
                {
                    "seen_least": least,
                    "seen_most": most,
                    "prompt_tokens": k,
                    "n": len(group),
                    "extractable": _share(lengths == TRUTH_TOKENS),
                    "verbatim_tokens": ratio(lengths.tolist())._asdict(),
                }
            )
    return rows


def say(
    speaker: Speaker,
    languages: Sequence[str],
    documents: Sequence[Document],
    count: int,
    max_tokens: int,
    seed: int,
    progress: Progress,
) -> list[Said]:
    """Continuations of neutral prompts by each decoding, and as many held-out texts."""
    each = -(-count // len(languages))
    neutral = [p for p in read_prompts(languages) if p.kind == "neutral"]
    prompts = [p for lang in languages for p in [p for p in neutral if p.lang == lang][:each]]
    entries = entry_bytes(speaker.tokenizer)
    encoded = speaker.encode([p.text for p in prompts])
    found: list[Said] = []
    for name, d in DECODINGS.items():
        decoding = replace(d, max_tokens=max_tokens, seed=seed)
        tokens = speaker.say(encoded, [f"{p.id} {name}" for p in prompts], decoding, progress, "memorization")
        found += [
            Said(p.id, p.lang, name, [entries[t] for t in ids]) for p, ids in zip(prompts, tokens, strict=True)
        ]
    truths = held_out_passages(speaker, documents, count, max_tokens, seed)
    lang_of = {d.id: d.lang for d in documents}
    return found + [Said(p.id, lang_of[p.id], TRUTH, [entries[t] for t in p.tokens]) for p in truths]


def span_figures(written: Sequence[Written], sources: dict[int, Source], max_tokens: int) -> list[dict[str, Any]]:
    """By decoding: how long the longest spans are, how many are long, and the licences of what those are from.

    A length in tokens that none of `max_tokens` can reach is left out.
    """
    rows = []
    for name in dict.fromkeys(w.said.decoding for w in written):
        group = [w for w in written if w.said.decoding == name and w.said.tokens]
        if not group:
            continue
        characters, tokens = [len(w.text) for w in group], [w.tokens for w in group]
        reached = {f"{n}_characters": np.array(characters) >= n for n in CHARACTERS}
        reached |= {f"{n}_tokens": np.array(tokens) >= n for n in TOKENS if n <= max_tokens}
        long = (np.array(characters) >= CHARACTERS[0]) | (np.array(tokens) >= TOKENS[0])
        known = [w.span and sources[w.span.token].licence for w in group]
        licences = [licence or "unknown" for licence, is_long in zip(known, long, strict=True) if is_long]
        rows.append(
            {
                "decoding": name,
                "n": len(group),
                "characters": ratio(characters)._asdict() | _quantiles(characters),
                "tokens": ratio(tokens)._asdict() | _quantiles(tokens),
                "reaching": {length: _share(which) for length, which in reached.items()},
                "licences": dict(sorted(Counter(licences).items())),
            }
        )
    return rows


def _share(which: npt.NDArray[np.bool_]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in share(which[:, None])._asdict().items()}


def _quantiles(lengths: Sequence[int]) -> dict[str, float]:
    found = np.quantile(lengths, [0.5, 0.9, 1])
    return dict(zip(("median", "ninth_decile", "longest"), found.round(1).tolist(), strict=True))


def _passage_row(speaker: Speaker, one: Recalled) -> dict[str, Any]:
    passage = one.passage
    prompt, truth = speaker.decode([passage.tokens[:-TRUTH_TOKENS], passage.tokens[-TRUTH_TOKENS:]])
    return {
        "id": passage.id,
        "times_seen": passage.times,
        "by_chance": passage.by_chance,
        "prompt": prompt,
        "truth": truth,
        "verbatim_tokens": {str(k): tokens for k, tokens in one.tokens.items()},
    }


def _written_row(one: Written, sources: dict[int, Source]) -> dict[str, Any]:
    return {
        "id": one.said.id,
        "lang": one.said.lang,
        "decoding": one.said.decoding,
        "continuation": one.said.bytes.decode(errors="ignore"),
        "span": one.text,
        "tokens": one.tokens,
        "characters": len(one.text),
        "source": sources[one.span.token]._asdict() if one.span else None,
    }
