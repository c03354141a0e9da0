"""Attention on a GPU in which no position sees another document: FlexAttention (Dong et al., 2024).

There the fast kernels of scaled_dot_product_attention take no mask where queries come in groups, so that the mask
and all scores would lie in memory. FlexAttention leaves out blocks of keys that no query of a block may look at. A
module of its own, as importing it takes a second.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, create_block_mask, flex_attention

_compiled = torch.compile(flex_attention, dynamic=False)


def key_blocks(starts_BS: Tensor) -> BlockMask:
    """The blocks of keys that a block of queries may look at, and the rule within them.

    `starts_BS` says at which position each position's document starts.
    """
    batch, length = starts_BS.shape

    def visible(b: Tensor, h: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return (k <= q) & (k >= starts_BS[b, q])

    return create_block_mask(visible, batch, None, length, length, device=starts_BS.device)


def attend(q_BHSW: Tensor, k_BKSW: Tensor, v_BKSW: Tensor, blocks: BlockMask) -> Tensor:
    """Attend: (B, H, S, W)."""
    # In one piece: of views into one matrix the compiler of PyTorch 2.13 made wrong numbers on a CPU.
    q_BHSW, k_BKSW, v_BKSW = q_BHSW.contiguous(), k_BKSW.contiguous(), v_BKSW.contiguous()
    y_BHSW: Tensor = _compiled(q_BHSW, k_BKSW, v_BKSW, block_mask=blocks, enable_gqa=True)
    return y_BHSW
