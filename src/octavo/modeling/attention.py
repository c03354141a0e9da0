"""Causal attention with grouped queries, in which no position sees another document than its own.

PyTorch's scaled_dot_product_attention does it everywhere. On a CPU it computes the half above the diagonal with
the rest, and its backward pass takes five times its forward pass; so in a compiled training step with sequences of
up to LONGEST positions the products are written out for blocks of queries, each with the keys up to its end, and
the compiler fuses what lies between. As in flash attention (Dao et al., 2022) the backward pass makes the weights
again from the logarithm of their sum. In longer sequences the blocks fall out of the cache and gain nothing.
Nothing here was measured on a GPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

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
    in_blocks = starts_BS.device.type == "cpu" and starts_BS.shape[1] <= LONGEST
    if in_blocks and torch.compiler.is_compiling():
        return Sight(starts_BS=starts_BS)
    return Sight(mask_B1SS=document_mask(starts_BS))


def attention(q_BHSW: Tensor, k_BKSW: Tensor, v_BKSW: Tensor, sight: Sight) -> Tensor:
    """Attend: (B, S, H W). Keys and values may be of more positions, where there is but one query."""
    if sight.starts_BS is not None:
        batch, kv_heads, length, width = k_BKSW.shape
        q_BKSGW = q_BHSW.reshape(batch, kv_heads, -1, length, width).transpose(2, 3)
        y_BKSGW: Tensor = _InBlocks.apply(q_BKSGW, k_BKSW, v_BKSW, sight.starts_BS)  # type: ignore[no-untyped-call]
        return y_BKSGW.transpose(1, 2).flatten(2)
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
            scores_BKRL = _scores(q_NRW, k_NLW, q_BKSGW)
            visible_B1RL = _visible_rows(starts_BS, queries, q_BKSGW.shape[3])
            scores_BKRL = torch.where(visible_B1RL, scores_BKRL, float("-inf"))
            most_BKR1 = scores_BKRL.amax(-1, keepdim=True)
            weights_BKRL = torch.exp(scores_BKRL - most_BKR1)
            sum_BKR1 = weights_BKRL.sum(-1, keepdim=True)
            y_NRW = weights_BKRL.to(q_NRW.dtype).flatten(0, 1) @ v_NLW
            made.append((y_NRW / sum_BKR1.flatten(0, 1)).to(q_NRW.dtype))
            sums.append(most_BKR1 + sum_BKR1.log())
        y_BKSGW, lse_BKR1 = torch.cat(made, 1).view(q_BKSGW.shape), torch.cat(sums, 2)
        ctx.save_for_backward(q_BKSGW, k_BKSW, v_BKSW, starts_BS, y_BKSGW, lse_BKR1)
        return y_BKSGW

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q_BKSGW, k_BKSW, v_BKSW, starts_BS, y_BKSGW, lse_BKR1 = ctx.saved_tensors
        (into_y_BKSGW,) = upstream
        k_NSW, v_NSW = k_BKSW.flatten(0, 1), v_BKSW.flatten(0, 1)
        group = q_BKSGW.shape[3]
        inner_BKR1 = (into_y_BKSGW.float() * y_BKSGW.float()).sum(-1).flatten(2)[..., None]
        into_q: list[Tensor] = []
        # Parts of a key block's gradients, from its own queries and all later ones.
        into_k: dict[int, list[Tensor]] = {}
        into_v: dict[int, list[Tensor]] = {}
        for (queries, q_NRW), (_, into_y_NRW) in zip(_blocks(q_BKSGW), _blocks(into_y_BKSGW), strict=True):
            k_NLW, v_NLW = _up_to(queries.stop, k_NSW), _up_to(queries.stop, v_NSW)
            rows = slice(queries.start * group, queries.stop * group)
            visible_B1RL = _visible_rows(starts_BS, queries, group)
            weights_BKRL = torch.exp(_scores(q_NRW, k_NLW, q_BKSGW) - lse_BKR1[:, :, rows])
            weights_BKRL = torch.where(visible_B1RL, weights_BKRL, 0.0)
            into_weights_BKRL = (into_y_NRW @ v_NLW.transpose(1, 2)).float().view(weights_BKRL.shape)
            into_scores_BKRL = weights_BKRL * (into_weights_BKRL - inner_BKR1[:, :, rows])
            into_scores_NRL = (into_scores_BKRL * _scale(q_BKSGW)).to(q_NRW.dtype).flatten(0, 1)
            weights_NRL = weights_BKRL.to(q_NRW.dtype).flatten(0, 1)
            into_q.append(into_scores_NRL @ k_NLW)
            into_k_NLW = (into_scores_NRL.transpose(1, 2) @ q_NRW).float()
            into_v_NLW = (weights_NRL.transpose(1, 2) @ into_y_NRW).float()
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
        yield queries, x_BKSGW[:, :, queries.start : queries.stop].flatten(2, 3).flatten(0, 1).contiguous()


def _up_to(end: int, x_NSW: Tensor) -> Tensor:
    return x_NSW[:, :end].contiguous()


def _scale(q_BKSGW: Tensor) -> float:
    return float(q_BKSGW.shape[-1] ** -0.5)


def _scores(q_NRW: Tensor, k_NLW: Tensor, q_BKSGW: Tensor) -> Tensor:
    scores_NRL = (q_NRW @ k_NLW.transpose(1, 2)).float() * _scale(q_BKSGW)
    return scores_NRL.view(*q_BKSGW.shape[:2], *scores_NRL.shape[1:])


def _visible_rows(starts_BS: Tensor, queries: range, group: int) -> Tensor:
    """For the queries of a block, each repeated for the heads of its group: (B, 1, R, L)."""
    positions_S = torch.arange(queries.start, queries.stop, dtype=torch.int32, device=starts_BS.device)
    positions_R = positions_S[:, None].expand(-1, group).flatten()
    starts_BR = starts_BS[:, queries.start : queries.stop, None].expand(-1, -1, group).flatten(1)
    keys_L = torch.arange(queries.stop, dtype=torch.int32, device=starts_BS.device)
    return _visible(starts_BR, positions_R, keys_L)[:, None]


def _visible(starts_BR: Tensor, positions_R: Tensor, keys_L: Tensor) -> Tensor:
    return (keys_L <= positions_R[:, None]) & (keys_L >= starts_BR[:, :, None])


def _added(parts: dict[int, list[Tensor]]) -> Tensor:
    return torch.cat([sum(block[1:], block[0]) for block in parts.values()], 1)
