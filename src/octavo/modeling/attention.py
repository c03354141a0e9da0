"""Causal attention with grouped queries, in which no position sees another document than its own.

PyTorch's scaled_dot_product_attention does it everywhere. On a CPU it computes the half above the diagonal with
the rest, and its backward pass takes five times its forward pass; so in a compiled training step with sequences of
up to LONGEST positions the products are written out for blocks of queries, each with the keys up to its end, and
the compiler fuses what lies between. As in flash attention (Dao et al., 2022) the backward pass makes the weights
again from the logarithm of their sum. In longer sequences the blocks fall out of the cache and gain nothing.
On a GPU it is FlexAttention: key_blocks.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

if TYPE_CHECKING:
    from torch.nn.attention.flex_attention import BlockMask

BLOCKS = 2
"""Blocks of queries in a sequence: three quarters of all scores are then computed. More take longer to compile."""

LONGEST = 512
"""Positions of a sequence from which on scaled_dot_product_attention is as quick."""


class Sight(NamedTuple):
    """What a position may look at; where neither is given, at itself and all before it."""

    starts_BS: Tensor | None = None
    """The position at which its document starts: attention is done in blocks."""
    mask_B1SS: Tensor | None = None
    """True where it may look: scaled_dot_product_attention."""
    blocks: BlockMask | None = None
    """Which blocks of keys a block of queries may look at, and the rule within them: FlexAttention."""


def document_starts(tokens_BS: Tensor, begin: int) -> Tensor:
    """The position at which each position's document starts, as int32, (B, S).

    A document starts at each `begin` token; what stands before the first belongs to one begun earlier.
    """
    positions_S = torch.arange(tokens_BS.shape[1], dtype=torch.int32, device=tokens_BS.device)
    return torch.where(tokens_BS == begin, positions_S, 0).cummax(dim=1).values.int()


def document_mask(starts_BS: Tensor) -> Tensor:
    """True where a position may look: at or before itself, in its own document. (B, 1, S, S)."""
    positions_S = torch.arange(starts_BS.shape[1], device=starts_BS.device)
    return _visible(starts_BS, positions_S, positions_S)[:, None]


def sight(starts_BS: Tensor | None) -> Sight:
    """The form of the documents' starts that suits the device and the sequences' length."""
    if starts_BS is None:
        return Sight()
    if starts_BS.device.type == "cuda":
        from octavo.modeling.key_blocks import key_blocks

        return Sight(blocks=key_blocks(starts_BS))
    if starts_BS.shape[1] <= LONGEST and torch.compiler.is_compiling():
        return Sight(starts_BS=starts_BS)
    return Sight(mask_B1SS=document_mask(starts_BS))


def attention(q_BHSW: Tensor, k_BKSW: Tensor, v_BKSW: Tensor, sight: Sight) -> Tensor:
    """Attend: (B, S, H W). Keys and values may be of more positions, where there is but one query."""
    if sight.starts_BS is not None:
        batch, kv_heads, length, width = k_BKSW.shape
        q_BKSGW = q_BHSW.reshape(batch, kv_heads, -1, length, width).transpose(2, 3)
        y_BKSGW: Tensor = _InBlocks.apply(q_BKSGW, k_BKSW, v_BKSW, sight.starts_BS)  # type: ignore[no-untyped-call]
        return y_BKSGW.transpose(1, 2).flatten(2)
    if sight.blocks is not None:
        from octavo.modeling.key_blocks import attend

        y_BHSW = attend(q_BHSW, k_BKSW, v_BKSW, sight.blocks)
        return y_BHSW.transpose(1, 2).flatten(2)
    plain = sight.mask_B1SS is None and q_BHSW.shape[2] > 1
    y_BHSW = F.scaled_dot_product_attention(
        q_BHSW, k_BKSW, v_BKSW, sight.mask_B1SS, is_causal=plain, enable_gqa=True
    )
    return y_BHSW.transpose(1, 2).flatten(2)


class _InBlocks(torch.autograd.Function):
    """Suffixes: N batches of keys (B K), R rows (S G, the queries of a key head), L keys up to a block's end."""

    @staticmethod
    def forward(ctx: Any, q_BKSGW: Tensor, k_BKSW: Tensor, v_BKSW: Tensor, starts_BS: Tensor) -> Tensor:
        k_NSW, v_NSW = k_BKSW.flatten(0, 1), v_BKSW.flatten(0, 1)
        made, sums = [], []
        for queries, q_NRW in _blocks(q_BKSGW):
            k_NLW, v_NLW = _up_to(queries.stop, k_NSW), _up_to(queries.stop, v_NSW)
            scores_BKSGL = _scores(q_NRW, k_NLW, queries, q_BKSGW, starts_BS)
            most_BKSG1 = scores_BKSGL.amax(-1, keepdim=True)
            weights_BKSGL = torch.exp(scores_BKSGL - most_BKSG1)
            sum_BKSG1 = weights_BKSGL.sum(-1, keepdim=True)
            y_NRW = _rows(weights_BKSGL.to(q_NRW.dtype)) @ v_NLW
            made.append((y_NRW / _rows(sum_BKSG1)).to(q_NRW.dtype))
            sums.append(most_BKSG1 + sum_BKSG1.log())
        y_BKSGW, lse_BKSG1 = torch.cat(made, 1).view(q_BKSGW.shape), torch.cat(sums, 2)
        ctx.save_for_backward(q_BKSGW, k_BKSW, v_BKSW, starts_BS, y_BKSGW, lse_BKSG1)
        return y_BKSGW

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q_BKSGW, k_BKSW, v_BKSW, starts_BS, y_BKSGW, lse_BKSG1 = ctx.saved_tensors
        (into_y_BKSGW,) = upstream
        k_NSW, v_NSW = k_BKSW.flatten(0, 1), v_BKSW.flatten(0, 1)
        inner_BKSG1 = (into_y_BKSGW.float() * y_BKSGW.float()).sum(-1, keepdim=True)
        # Zeros that come from upstream: else the compiler makes the weights of several layers at once, to read the
        # bias once, and has to hold them.
        lse_BKSG1 = lse_BKSG1 + 0.0 * inner_BKSG1
        into_q: list[Tensor] = []
        # Parts of a key block's gradients, from its own queries and all later ones.
        into_k: dict[int, list[Tensor]] = {}
        into_v: dict[int, list[Tensor]] = {}
        for (queries, q_NRW), (_, into_y_NRW) in zip(_blocks(q_BKSGW), _blocks(into_y_BKSGW), strict=True):
            k_NLW, v_NLW = _up_to(queries.stop, k_NSW), _up_to(queries.stop, v_NSW)
            block = slice(queries.start, queries.stop)
            scores_BKSGL = _scores(q_NRW, k_NLW, queries, q_BKSGW, starts_BS)
            weights_BKSGL = torch.exp(scores_BKSGL - lse_BKSG1[:, :, block])
            into_weights_BKSGL = (into_y_NRW @ v_NLW.transpose(1, 2)).float().view(weights_BKSGL.shape)
            into_scores_BKSGL = weights_BKSGL * (into_weights_BKSGL - inner_BKSG1[:, :, block])
            into_scores_NRL = _rows((into_scores_BKSGL * _scale(q_BKSGW)).to(q_NRW.dtype))
            into_q.append(into_scores_NRL @ k_NLW)
            into_k_NLW = (into_scores_NRL.transpose(1, 2) @ q_NRW).float()
            into_v_NLW = (_rows(weights_BKSGL.to(q_NRW.dtype)).transpose(1, 2) @ into_y_NRW).float()
            for start in range(0, queries.stop, _size(q_BKSGW)):
                keys = slice(start, min(start + _size(q_BKSGW), queries.stop))
                into_k.setdefault(start, []).append(into_k_NLW[:, keys])
                into_v.setdefault(start, []).append(into_v_NLW[:, keys])
        return (
            torch.cat(into_q, 1).view(q_BKSGW.shape),
            _added(into_k).to(k_BKSW.dtype).view(k_BKSW.shape),
            _added(into_v).to(v_BKSW.dtype).view(v_BKSW.shape),
            None,
        )


def _size(q_BKSGW: Tensor) -> int:
    return -(-q_BKSGW.shape[2] // BLOCKS)


def _blocks(x_BKSGW: Tensor) -> Iterator[tuple[range, Tensor]]:
    """Blocks of queries and their rows, (N, R, W), in one piece: products of views would copy them slowly."""
    length, size = x_BKSGW.shape[2], _size(x_BKSGW)
    for start in range(0, length, size):
        queries = range(start, min(start + size, length))
        yield queries, _rows(x_BKSGW[:, :, queries.start : queries.stop]).contiguous()


def _rows(x_BKSGX: Tensor) -> Tensor:
    return x_BKSGX.flatten(2, 3).flatten(0, 1)


def _up_to(end: int, x_NSW: Tensor) -> Tensor:
    return x_NSW[:, :end].contiguous()


def _scale(q_BKSGW: Tensor) -> float:
    return float(q_BKSGW.shape[-1] ** -0.5)


def _scores(q_NRW: Tensor, k_NLW: Tensor, queries: range, q_BKSGW: Tensor, starts_BS: Tensor) -> Tensor:
    """The scores of a block in float32, minus infinity where a query may not look."""
    batch, kv_heads, _, group, _ = q_BKSGW.shape
    scores_NRL = (q_NRW @ k_NLW.transpose(1, 2)).float() * _scale(q_BKSGW)
    positions_S = torch.arange(queries.start, queries.stop, dtype=torch.int32, device=starts_BS.device)
    keys_L = torch.arange(queries.stop, dtype=torch.int32, device=starts_BS.device)
    visible_BSL = _visible(starts_BS[:, queries.start : queries.stop], positions_S, keys_L)
    # What the compiler keeps for all layers is better a number to add than a truth value: those it reads singly.
    bias_BSL = torch.where(visible_BSL, 0.0, float("-inf")).to(q_NRW.dtype)
    return scores_NRL.view(batch, kv_heads, len(queries), group, -1) + bias_BSL[:, None, :, None]


def _visible(starts_BS: Tensor, positions_S: Tensor, keys_L: Tensor) -> Tensor:
    return (keys_L <= positions_S[:, None]) & (keys_L >= starts_BS[:, :, None])


def _added(parts: dict[int, list[Tensor]]) -> Tensor:
    return torch.cat([sum(block[1:], block[0]) for block in parts.values()], 1)
