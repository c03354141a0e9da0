"""Many prompts continued at once: for each exactly what `modeling.decoding` writes of it alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import torch

from octavo.modeling.decoding import Allowed, Decoding, choose, drawing, next_tokens, only, seen_entries
from octavo.modeling.llama import Cache, Llama
from octavo.progress import Progress

BATCH_ROWS = 64
CACHE_BYTES = 2**29
"""Most that the keys and values of a batch may take."""

MARGIN = 1e-4
"""A product of many rows is rounded otherwise than one of a single row: the starter's logits differ by up to 2e-5.
A token whose score is less than this ahead of the next might not be chosen alone; then the prompt is continued
alone."""


def continue_prompts(
    model: Llama,
    prompts: Sequence[list[int]],
    end: int,
    decoding: Decoding,
    seeds: Sequence[int] | None = None,
    progress: Progress | None = None,
    note: str = "",
    stop: Callable[[list[int]], bool] = lambda tokens: False,
    allowed: Sequence[Allowed] | None = None,
) -> list[list[int]]:
    """The continuation of each prompt's tokens, up to the `end` token, the limit or the context's edge.

    In float32 on the model's device. Each prompt draws by its own seed, by default the decoding's, and what it
    becomes does not depend on what is continued beside it. `note` is shown with the progress.
    A continuation also ends where `stop` says so of its tokens, the last of them among these. Of each prompt, what
    is `allowed` may be told.
    """
    progress = progress or Progress()
    settings = [replace(decoding, seed=seed) for seed in seeds or [decoding.seed] * len(prompts)]
    found: list[list[int]] = [[] for _ in prompts]
    done = 0
    for batch in _batches(model, prompts, decoding.max_tokens):
        progress.check()
        progress.update(done, len(prompts), note)
        free = None if allowed is None else [allowed[n] for n in batch]
        written = _continue_batch(model, [prompts[n] for n in batch], end, [settings[n] for n in batch], stop, free)
        for row, (n, tokens) in enumerate(zip(batch, written, strict=True)):
            if tokens is None:
                own = None if free is None else free[row]
                tokens = _continue_alone(model, prompts[n], end, settings[n], stop, own)
            found[n] = tokens
        done += len(batch)
    return found


def _continue_alone(
    model: Llama,
    prompt: list[int],
    end: int,
    decoding: Decoding,
    stop: Callable[[list[int]], bool],
    allowed: Allowed | None,
) -> list[int]:
    tokens: list[int] = []
    for token in next_tokens(model, prompt, end, decoding, allowed):
        tokens.append(token)
        if stop(tokens):
            break
    return tokens


def _batches(model: Llama, prompts: Sequence[list[int]], max_tokens: int) -> Iterator[list[int]]:
    """The numbers of the prompts, of like lengths together; those that fill the context have no continuation."""
    config = model.config
    context = config.max_position_embeddings
    a_position = 2 * 4 * config.num_hidden_layers * config.num_key_value_heads * config.head_dim
    batch: list[int] = []
    for n in sorted(
        (n for n, prompt in enumerate(prompts) if len(prompt) < context), key=lambda n: len(prompts[n])
    ):
        room = min(len(prompts[n]) + max_tokens, context)
        if batch and len(batch) >= min(BATCH_ROWS, CACHE_BYTES // (room * a_position)):
            yield batch
            batch = []
        batch.append(n)
    if batch:
        yield batch


@torch.inference_mode()
def _continue_batch(
    model: Llama,
    prompts: list[list[int]],
    end: int,
    settings: list[Decoding],
    stop: Callable[[list[int]], bool],
    allowed: Sequence[Allowed] | None,
) -> list[list[int] | None]:
    """The continuations, or None where a choice was too close."""
    if not settings[0].max_tokens:
        return [[] for _ in prompts]
    config, device = model.config, model.output.weight.device
    limits = [
        min(s.max_tokens, config.max_position_embeddings - len(p)) for p, s in zip(prompts, settings, strict=True)
    ]
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    longest = max(map(len, prompts))
    cache = Cache(config, len(prompts), device, torch.float32, longest + max(limits))
    padded = torch.tensor([prompt + [0] * (longest - len(prompt)) for prompt in prompts], device=device)
    seen = seen_entries(prompts, config.vocab_size, device)
    generators = [drawing(s.seed) for s in settings]
    hidden = model.hidden(padded, cache=cache)[torch.arange(len(prompts), device=device), lengths - 1]
    cache.lengths_B = lengths
    found: list[list[int] | None] = [[] for _ in prompts]
    going = list(range(len(prompts)))  # rows of the batch that go on, by their number
    while going:
        logits = model.output(hidden)
        if allowed is not None:
            logits = only(logits, [allowed[n](found[n] or []) for n in going])
        chosen, ahead = choose(logits, seen, settings[0], [generators[n] for n in going])
        stay = []
        for row, (token, lead) in enumerate(zip(chosen.tolist(), ahead.tolist(), strict=True)):
            n = going[row]
            tokens = found[n]
            if lead < MARGIN:
                found[n] = None
            elif token != end and tokens is not None:
                tokens.append(token)
                if len(tokens) < limits[n] and not stop(tokens):
                    stay.append(row)
        if len(stay) < len(going):
            rows = torch.tensor(stay, dtype=torch.int64, device=device)
            cache.keep(rows)
            seen, chosen = seen[rows], chosen[rows]
            going = [going[row] for row in stay]
        if going:
            seen.scatter_(1, chosen[:, None], True)
            hidden = model.hidden(chosen[:, None], cache=cache)[:, -1]
    return found
