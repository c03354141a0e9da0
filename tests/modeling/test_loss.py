"""The loss by blocks of the vocabulary, against PyTorch's plain cross-entropy in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from octavo.modeling import loss as module
from octavo.modeling.loss import IGNORE, linear_cross_entropy

POSITIONS, HIDDEN, VOCABULARY = 60, 24, 150


def drawn(dtype=torch.float32):
    generator = torch.Generator().manual_seed(6)
    hidden = torch.randn(POSITIONS, HIDDEN, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(VOCABULARY, HIDDEN, generator=generator).to(dtype).requires_grad_()
    targets = torch.randint(VOCABULARY, (POSITIONS,), generator=generator)
    targets[::7] = IGNORE
    upstream = torch.rand(POSITIONS, generator=generator)
    return hidden, weight, targets, upstream


def plain(hidden, weight, targets, upstream):
    """Losses and gradients by the formula, in float64."""
    hidden, weight = (x.detach().double().requires_grad_() for x in (hidden, weight))
    losses = F.cross_entropy(hidden @ weight.T, targets, reduction="none", ignore_index=IGNORE)
    losses.backward(upstream.double())
    return losses.detach(), hidden.grad, weight.grad


def distance(found, expected):
    return float((found.double() - expected).norm() / expected.norm())


@pytest.mark.parametrize("block", [16, 50, 64, VOCABULARY, 4096])
def test_losses_and_gradients_are_those_of_plain_cross_entropy(block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    hidden, weight, targets, upstream = drawn()
    losses = linear_cross_entropy(hidden, weight, targets)
    losses.backward(upstream)
    expected = plain(hidden, weight, targets, upstream)
    for found, wanted in zip((losses.detach(), hidden.grad, weight.grad), expected, strict=True):
        assert distance(found, wanted) < 1e-6


def test_a_position_that_does_not_count_has_no_loss_and_no_gradient():
    hidden, weight, targets, _ = drawn()
    losses = linear_cross_entropy(hidden, weight, targets)
    losses.sum().backward()
    assert losses[targets == IGNORE].abs().max() == 0
    assert hidden.grad[targets == IGNORE].abs().max() == 0
    assert losses[targets != IGNORE].min() > 0


def test_bfloat16_rounds_products_and_not_sums(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 64)
    hidden, weight, targets, upstream = drawn()
    with torch.autocast("cpu", torch.bfloat16):
        losses = linear_cross_entropy(hidden, weight, targets)
    assert losses.dtype == torch.float32
    losses.backward(upstream)
    assert (hidden.grad.dtype, weight.grad.dtype) == (torch.float32, torch.float32)
    expected = plain(hidden.bfloat16(), weight.bfloat16(), targets, upstream)
    for found, wanted in zip((losses.detach(), hidden.grad, weight.grad), expected, strict=True):
        assert distance(found, wanted) < 5e-3


def test_no_tensor_of_positions_times_vocabulary_is_made(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 16)
    hidden, weight, targets, _ = drawn()
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor):
                largest = max(largest, made.numel())
            return made

    with Watch():
        linear_cross_entropy(hidden, weight, targets).sum().backward()
    assert weight.numel() <= largest < POSITIONS * VOCABULARY
