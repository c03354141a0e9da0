"""The Llama architecture (Touvron et al., 2023), with grouped-query attention (Ainslie et al., 2023).

RMSNorm before each part, rotary positions, SiLU-gated feed-forward, no biases. Queries, keys and values
lie in one matrix in memory, and so do gate and up, as one product is faster than three; hf.py splits them
for other programs. Shapes are written as suffixes: B batch, S sequence, D hidden, H heads, K key-value
heads, W width of a head.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from octavo.errors import InputError
from octavo.modeling.attention import Sight, attention, sight
from octavo.modeling.loss import linear_cross_entropy
from octavo.modeling.rope import Scaling


@dataclass(frozen=True)
class LlamaConfig:
    """The architecture, in the names of Hugging Face's LlamaConfig."""

    vocab_size: int
    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    intermediate_size: int
    max_position_embeddings: int
    rope_theta: float = 10_000.0
    rms_norm_eps: float = 1e-5
    tie_word_embeddings: bool = True
    initializer_range: float = 0.02
    rope_scaling: Scaling | None = None

    @property
    def head_dim(self) -> int:
        """Width of a head."""
        return self.hidden_size // self.num_attention_heads

    @property
    def parameters(self) -> int:
        """Number of parameters, tied ones counted once."""
        d, kv = self.hidden_size, self.num_key_value_heads * self.head_dim
        layer = 2 * d * d + 2 * d * kv + 3 * d * self.intermediate_size + 2 * d
        embeddings = self.vocab_size * d * (1 if self.tie_word_embeddings else 2)
        return embeddings + self.num_hidden_layers * layer + d


def check_config(config: LlamaConfig, where: str) -> None:
    """Raise InputError, which begins with `where`, for what a file of others states and no model can have."""
    sizes = (
        "vocab_size hidden_size num_hidden_layers num_attention_heads num_key_value_heads intermediate_size "
        "max_position_embeddings"
    )
    for name in sizes.split():
        value, most = getattr(config, name), 1024 if name == "num_hidden_layers" else 2**31 - 1
        if type(value) is not int or not 0 < value <= most:
            raise InputError(f"{where}: {name}: found {value!r}, expected a whole number from 1 to {most:,}")
    for name in ("rope_theta", "rms_norm_eps"):
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < math.inf:
            raise InputError(f"{where}: {name}: found {value!r}, expected a number over 0")
    heads, groups = config.num_attention_heads, config.num_key_value_heads
    if config.hidden_size % (2 * heads) or heads % groups:
        raise InputError(
            f"{where}: found {heads} heads in a hidden size of {config.hidden_size} and {groups} key and value "
            "heads, expected heads of an even width, and as many for each key and value head"
        )


def allocate(model: Llama) -> None:
    """Give a model that was made on the device `meta` memory of the processor, with no numbers in it yet."""
    model.to_empty(device="cpu")
    if model.config.tie_word_embeddings:
        model.output.weight = model.embedding.weight


def rotary_frequencies(config: LlamaConfig, device: torch.device) -> Tensor:
    """Radians a position by which each pair of dimensions turns, before any scaling: (W / 2)."""
    exponents = torch.arange(0, config.head_dim, 2, dtype=torch.float32, device=device)
    frequencies: Tensor = config.rope_theta ** (-exponents / config.head_dim)
    return frequencies


def rotary(config: LlamaConfig, positions_S: Tensor) -> Tensor:
    """Cosines and sines of the rotary positions (Su et al., 2021): (2, S, W), halves as Hugging Face lays them.

    The sines of the first half are negative, as `rotate` needs them.
    """
    frequencies = rotary_frequencies(config, positions_S.device)
    if config.rope_scaling is not None:
        frequencies = frequencies / config.rope_scaling.divisors(frequencies)
    angles = positions_S.float()[..., None] * frequencies
    cos, sin = angles.cos(), angles.sin()
    return torch.stack((torch.cat((cos, cos), dim=-1), torch.cat((-sin, sin), dim=-1)))


def rotate(x_BHSW: Tensor, rotary_2SW: Tensor) -> Tensor:
    """Turn each pair of dimensions (i, i + W/2) by its position's angle."""
    turned = x_BHSW.view(*x_BHSW.shape[:-1], 2, -1).flip(-2).flatten(-2)  # the compiler joins two halves slowly
    return (x_BHSW * rotary_2SW[0] + turned * rotary_2SW[1]).to(x_BHSW.dtype)


class Attention(nn.Module):
    """Causal self-attention with grouped queries."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.heads, self.kv_heads = config.num_attention_heads, config.num_key_value_heads
        self.width = config.head_dim
        self.qkv = nn.Linear(config.hidden_size, (self.heads + 2 * self.kv_heads) * self.width, bias=False)
        self.out = nn.Linear(config.hidden_size, config.hidden_size, bias=False)

    def forward(self, x_BSD: Tensor, rotary_2SW: Tensor, sight: Sight, cache: Cache | None, layer: int) -> Tensor:
        """Attend; a cache holds the keys and values of earlier positions."""
        batch, length, _ = x_BSD.shape
        heads = self.qkv(x_BSD).view(batch, length, -1, self.width).transpose(1, 2)
        q_BHSW, k_BKSW, v_BKSW = heads.split((self.heads, self.kv_heads, self.kv_heads), dim=1)
        q_BHSW, k_BKSW = rotate(q_BHSW, rotary_2SW), rotate(k_BKSW, rotary_2SW)
        if cache is not None:
            k_BKSW, v_BKSW = cache.extend(layer, k_BKSW, v_BKSW)
        out_BSD: Tensor = self.out(attention(q_BHSW, k_BKSW, v_BKSW, sight))
        return out_BSD


class FeedForward(nn.Module):
    """SiLU-gated feed-forward (Shazeer, 2020)."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.gate_up = nn.Linear(config.hidden_size, 2 * config.intermediate_size, bias=False)
        self.down = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x_BSD: Tensor) -> Tensor:
        """Apply to each position alone."""
        gate, up = self.gate_up(x_BSD).chunk(2, dim=-1)
        down_BSD: Tensor = self.down(F.silu(gate) * up)
        return down_BSD


class Layer(nn.Module):
    """Attention, then feed-forward, each added to the stream."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.attention_norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.attention = Attention(config)
        self.feed_forward_norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.feed_forward = FeedForward(config)

    def forward(self, x_BSD: Tensor, rotary_2SW: Tensor, sight: Sight, cache: Cache | None, layer: int) -> Tensor:
        """One layer of the stream."""
        x_BSD = x_BSD + self.attention(self.attention_norm(x_BSD), rotary_2SW, sight, cache, layer)
        x_BSD = x_BSD + self.feed_forward(self.feed_forward_norm(x_BSD))
        return x_BSD


class Llama(nn.Module):
    """The whole model."""

    def __init__(self, config: LlamaConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = nn.RMSNorm(config.hidden_size, eps=config.rms_norm_eps)
        self.output = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        if config.tie_word_embeddings:
            self.output.weight = self.embedding.weight

    def hidden(self, tokens_BS: Tensor, starts_BS: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """The normalised last stream, (B, S, D).

        Where `starts_BS` tells at which position each position's document starts, none sees another document.
        """
        start = cache.length if cache is not None else 0
        positions = torch.arange(start, start + tokens_BS.shape[1], device=tokens_BS.device)
        seen = sight(starts_BS)
        if cache is not None and cache.lengths_B is not None:
            positions, seen = cache.next_positions(cache.lengths_B)
        x_BSD = self.embedding(tokens_BS)
        if x_BSD.is_cuda and torch.is_autocast_enabled("cuda"):  # where memory is what the stream waits for
            x_BSD = x_BSD.to(torch.get_autocast_dtype("cuda"))
        rotary_2SW = rotary(self.config, positions).to(x_BSD.dtype)
        for number, layer in enumerate(self.layers):
            x_BSD = layer(x_BSD, rotary_2SW, seen, cache, number)
        normalised: Tensor = self.norm(x_BSD)
        return normalised

    def forward(self, tokens_BS: Tensor, starts_BS: Tensor | None = None, cache: Cache | None = None) -> Tensor:
        """Logits, (B, S, vocabulary)."""
        logits: Tensor = self.output(self.hidden(tokens_BS, starts_BS, cache))
        return logits

    def loss(
        self, tokens_BS: Tensor, targets_BS: Tensor, starts_BS: Tensor | None = None, z_loss: float = 0.0
    ) -> Tensor:
        """Cross-entropy in nats, summed; targets of IGNORE count nothing. `z_loss`: see loss.py."""
        hidden_ND = self.hidden(tokens_BS, starts_BS).flatten(0, 1)
        return linear_cross_entropy(hidden_ND, self.output.weight, targets_BS.flatten(), z_loss)


class Cache:
    """Keys and values of the positions already read, for generating one token at a time.

    It has room for the model's context, or for fewer `positions`. Where rows of unlike lengths are read at once,
    each filled up behind its end, `lengths_B` then says how many positions each has; from there on each reads
    one token at a time, which takes the place of what it was filled up with.
    """

    def __init__(
        self,
        config: LlamaConfig,
        batch: int,
        device: torch.device,
        dtype: torch.dtype,
        positions: int | None = None,
    ) -> None:
        shape = (config.num_hidden_layers, 2, batch, config.num_key_value_heads)
        # Zeros, since what is not seen counts nothing but is multiplied.
        self.stored = torch.zeros(
            *shape, positions or config.max_position_embeddings, config.head_dim, device=device, dtype=dtype
        )
        self.layers = config.num_hidden_layers
        self.length = 0
        self.lengths_B: Tensor | None = None

    def extend(self, layer: int, k_BKSW: Tensor, v_BKSW: Tensor) -> tuple[Tensor, Tensor]:
        """Add new positions to a layer and return all of it; the last layer moves the length on."""
        end = self.length + k_BKSW.shape[2]
        if self.lengths_B is None:
            self.stored[layer, 0, :, :, self.length : end] = k_BKSW
            self.stored[layer, 1, :, :, self.length : end] = v_BKSW
        else:
            rows_B = torch.arange(len(self.lengths_B), device=self.lengths_B.device)
            self.stored[layer, 0, rows_B, :, self.lengths_B] = k_BKSW[:, :, 0]
            self.stored[layer, 1, rows_B, :, self.lengths_B] = v_BKSW[:, :, 0]
        if layer == self.layers - 1:
            self.length = end
            if self.lengths_B is not None:
                self.lengths_B = self.lengths_B + 1
        return self.stored[layer, 0, :, :, :end], self.stored[layer, 1, :, :, :end]

    def next_positions(self, lengths_B: Tensor) -> tuple[Tensor, Sight]:
        """Where rows of unlike lengths go on, (B, 1, 1) as heads come second, and what is seen from there."""
        keys_L = torch.arange(self.length + 1, device=lengths_B.device)
        visible_BL = keys_L <= lengths_B[:, None]
        return lengths_B[:, None, None], Sight(mask_B1SS=visible_BL[:, None, None])

    def keep(self, rows: Tensor) -> None:
        """Keep these rows, of unlike lengths, alone."""
        assert self.lengths_B is not None
        self.stored, self.lengths_B = self.stored[:, :, rows], self.lengths_B[rows]
