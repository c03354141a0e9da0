"""Attention in blocks, against PyTorch's scaled_dot_product_attention with the mask written out, in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch.nn.attention.flex_attention import flex_attention

from octavo.modeling import attention as module
from octavo.modeling import key_blocks
from octavo.modeling.attention import Sight, attention, document_mask, document_starts, sight

BEGIN = 1


def drawn(length, heads=4, kv_heads=2, width=8):
    generator = torch.Generator().manual_seed(length)
    q = torch.randn(2, heads, length, width, generator=generator)
    k, v = torch.randn(2, 2, kv_heads, length, width, generator=generator)
    tokens = torch.randint(5, (2, length), generator=generator)
    tokens[1] = 3  # a sequence in the middle of a document
    return q.requires_grad_(), k.requires_grad_(), v.requires_grad_(), document_starts(tokens, BEGIN)


def plain(q, k, v, starts, upstream):
    q, k, v = (x.detach().double().requires_grad_() for x in (q, k, v))
    y = F.scaled_dot_product_attention(q, k, v, document_mask(starts), enable_gqa=True).transpose(1, 2).flatten(2)
    y.backward(upstream.double())
    return y.detach(), q.grad, k.grad, v.grad


def distance(found, expected):
    return float((found.double() - expected).norm() / expected.norm())


def test_a_document_starts_at_its_begin_token_and_before_the_first_at_the_sequences():
    assert document_starts(torch.tensor([[7, 8, 1, 5, 1, 9]]), BEGIN).tolist() == [[0, 0, 2, 2, 4, 4]]


@pytest.mark.parametrize("length", [1, 3, 16, 30, 64])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 2), (4, 4), (4, 1)])
def test_blocks_give_the_results_and_gradients_of_the_whole(length, heads, kv_heads):
    q, k, v, starts = drawn(length, heads, kv_heads)
    y = attention(q, k, v, Sight(starts_BS=starts))
    upstream = torch.randn(y.shape, generator=torch.Generator().manual_seed(2))
    y.backward(upstream)
    for found, wanted in zip((y.detach(), q.grad, k.grad, v.grad), plain(q, k, v, starts, upstream), strict=True):
        assert float((found.double() - wanted).abs().max()) < 1e-5


def test_bfloat16_is_as_near_as_its_rounding():
    q, k, v, starts = drawn(64)
    q, k, v = (x.detach().bfloat16().requires_grad_() for x in (q, k, v))
    y = attention(q, k, v, Sight(starts_BS=starts))
    upstream = torch.randn(y.shape, generator=torch.Generator().manual_seed(2)).bfloat16()
    y.backward(upstream)
    for found, wanted in zip((y.detach(), q.grad, k.grad, v.grad), plain(q, k, v, starts, upstream), strict=True):
        assert distance(found, wanted) < 0.01


def test_only_a_compiled_step_with_short_sequences_works_in_blocks(monkeypatch):
    starts = torch.zeros(1, 8, dtype=torch.int32)
    assert sight(None) == Sight(None, None)
    assert sight(starts).mask_B1SS is not None
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    assert sight(starts).starts_BS is starts
    assert sight(torch.zeros(1, module.LONGEST + 1, dtype=torch.int32)).mask_B1SS is not None


@pytest.mark.parametrize("length", [1, 30, 128, 200])
@pytest.mark.filterwarnings("ignore:flex_attention called without")
def test_blocks_of_keys_hide_other_documents_as_the_mask_does(length, monkeypatch):
    monkeypatch.setattr(key_blocks, "_compiled", flex_attention)
    q, k, v, starts = drawn(length)
    blocks = Sight(blocks=key_blocks.key_blocks(starts))
    y = attention(q.detach(), k.detach(), v.detach(), blocks)  # a CPU has no gradient of it
    wanted, *_ = plain(q, k, v, starts, torch.zeros(y.shape))
    assert float((y.double() - wanted).abs().max()) < 1e-5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_on_a_gpu_blocks_of_keys_give_the_gradients_too():
    q, k, v, starts = drawn(256, width=64)
    on_gpu = [x.detach().bfloat16().cuda().requires_grad_() for x in (q, k, v)]
    found_sight = sight(starts.cuda())
    assert found_sight.blocks is not None
    y = attention(*on_gpu, found_sight)
    upstream = torch.randn(y.shape, generator=torch.Generator().manual_seed(2)).bfloat16()
    y.backward(upstream.cuda())
    expected = plain(*(x.detach().cpu() for x in on_gpu), starts, upstream)
    for found, wanted in zip((y.detach(), *(x.grad for x in on_gpu)), expected, strict=True):
        assert distance(found.cpu(), wanted) < 0.01
