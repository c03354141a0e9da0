"""The loss by parts of the positions, against PyTorch's plain cross-entropy in float64."""

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from octavo.modeling import loss as module
from octavo.modeling.loss import IGNORE, linear_cross_entropy

POSITIONS, HIDDEN, VOCABULARY = 60, 24, 150
UPSTREAM = 0.37


def drawn(dtype=torch.float32):
    generator = torch.Generator().manual_seed(6)
    hidden = torch.randn(POSITIONS, HIDDEN, generator=generator).to(dtype).requires_grad_()
    weight = torch.randn(VOCABULARY, HIDDEN, generator=generator).to(dtype).requires_grad_()
    targets = torch.randint(VOCABULARY, (POSITIONS,), generator=generator)
    targets[::7] = IGNORE
    return hidden, weight, targets


def plain(hidden, weight, targets, z_loss=0.0):
    """Sum and gradients by the formula, in float64."""
    hidden, weight = (x.detach().double().requires_grad_() for x in (hidden, weight))
    logits = hidden @ weight.T
    nats = F.cross_entropy(logits, targets, reduction="sum", ignore_index=IGNORE)
    nats = nats + z_loss * torch.logsumexp(logits, 1)[targets != IGNORE].square().sum()
    (nats * UPSTREAM).backward()
    return nats.detach(), hidden.grad, weight.grad


def distance(found, expected):
    return float((found.double() - expected).norm() / expected.norm())


@pytest.mark.parametrize("logits", [1, 7 * VOCABULARY, 16 * VOCABULARY, 2**25])
@pytest.mark.parametrize("z_loss", [0.0, 0.01])
def test_loss_and_gradients_are_those_of_plain_cross_entropy(logits, z_loss, monkeypatch):
    monkeypatch.setattr(module, "LOGITS", logits)
    hidden, weight, targets = drawn()
    nats = linear_cross_entropy(hidden, weight, targets, z_loss)
    (nats * UPSTREAM).backward()
    expected = plain(hidden, weight, targets, z_loss)
    for found, wanted in zip((nats.detach(), hidden.grad, weight.grad), expected, strict=True):
        assert distance(found, wanted) < 1e-6
    with torch.no_grad():
        assert distance(linear_cross_entropy(hidden, weight, targets, z_loss), expected[0]) < 1e-6


def test_a_position_that_does_not_count_has_no_loss_and_no_gradient():
    hidden, weight, targets = drawn()
    nats = linear_cross_entropy(hidden, weight, targets)
    nats.backward()
    assert hidden.grad[targets == IGNORE].abs().max() == 0
    counts = targets != IGNORE
    torch.testing.assert_close(nats, linear_cross_entropy(hidden[counts], weight, targets[counts]))
    assert linear_cross_entropy(hidden, weight, torch.full_like(targets, IGNORE)) == 0


def test_bfloat16_rounds_products_and_not_sums(monkeypatch):
    monkeypatch.setattr(module, "LOGITS", 16 * VOCABULARY)
    hidden, weight, targets = drawn()
    with torch.autocast("cpu", torch.bfloat16):
        nats = linear_cross_entropy(hidden, weight, targets)
    assert nats.dtype == torch.float32
    (nats * UPSTREAM).backward()
    assert (hidden.grad.dtype, weight.grad.dtype) == (torch.float32, torch.float32)
    expected = plain(hidden.bfloat16(), weight.bfloat16(), targets)
    for found, wanted in zip((nats.detach(), hidden.grad, weight.grad), expected, strict=True):
        assert distance(found, wanted) < 8e-3


def test_no_tensor_of_positions_times_vocabulary_is_made(monkeypatch):
    monkeypatch.setattr(module, "LOGITS", 16 * VOCABULARY)
    hidden, weight, targets = drawn()
    largest = 0

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            nonlocal largest
            made = function(*args, **(kwargs or {}))
            if isinstance(made, torch.Tensor):
                largest = max(largest, made.numel())
            return made

    with Watch():
        linear_cross_entropy(hidden, weight, targets).backward()
        with torch.no_grad():
            linear_cross_entropy(hidden, weight, targets)
    assert weight.numel() <= largest < POSITIONS * VOCABULARY


@pytest.mark.parametrize("logits", [1, 7 * VOCABULARY, 2**25])
def test_each_position_has_its_own_loss_whatever_is_made_at_once(monkeypatch, logits):
    monkeypatch.setattr(module, "SMALL", logits)
    hidden, weight, _ = drawn()
    targets = torch.arange(POSITIONS) % VOCABULARY
    expected = -(hidden.double() @ weight.double().T).log_softmax(1)[torch.arange(POSITIONS), targets]
    torch.testing.assert_close(
        module.cross_entropies(hidden, weight, targets).double(), expected, rtol=1e-5, atol=1e-5
    )
