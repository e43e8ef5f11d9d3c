"""Training on a device: the losses of the CPU, and nothing that waits for the device on the way."""

import contextlib

import numpy as np
import pytest
from gpu_helpers import OPTIMIZERS, network, off, train

import minicnn
from minicnn import nn, optim
from minicnn.backend.strict import crossings

STEPS = {"strict": 20, "cuda": 50}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_steps_give_the_losses_of_the_cpu(device, name, same_masks):
    watch = crossings if device == "strict" else contextlib.nullcontext
    found, weights, seen = train(device, OPTIMIZERS[name], STEPS[device], "float64", watch)
    expected, same, _ = train("cpu", OPTIMIZERS[name], STEPS[device], "float64")
    assert found == pytest.approx(expected, rel=1e-6)
    assert len(set(found)) == STEPS[device]
    for key, value in same.items():
        assert off(weights[key], value) < 1e-5, key
    assert not seen, "a training step waits for the device"


def test_single_precision_trains_as_on_the_cpu(device, same_masks):
    found, _, _ = train(device, OPTIMIZERS["AdamW"], STEPS[device])
    expected, _, _ = train("cpu", OPTIMIZERS["AdamW"], STEPS[device])
    assert found == pytest.approx(expected, rel={"strict": 2e-3, "cuda": 2e-2}[device])  # rounding grows by the step


def test_schedules_and_clipping_wait_for_nothing(device):
    model = network()
    optimizer = optim.AdamW(model.parameters())
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=5)
    x, t = minicnn.randn(4, 1, 12, 12), minicnn.tensor([0, 1, 2, 0])
    with crossings() as seen:
        for _ in range(3):
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(model(x), t).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            nn.utils.clip_grad_value_(model.parameters(), 0.5)
            optimizer.step()
            schedule.step()
    assert not seen


LOSSES = {
    "nll_loss": lambda x, t: nn.functional.nll_loss(x.log_softmax(1), t),
    "binary_cross_entropy": lambda x, t: nn.functional.binary_cross_entropy(x.sigmoid()[:, 0], (t > 1).float()),
    "bce_with_logits": lambda x, t: nn.functional.binary_cross_entropy_with_logits(x[:, 0], (t > 1).float()),
    "mse_loss": lambda x, t: nn.functional.mse_loss(x[:, 0], t.float()),
    "multi_margin_loss": lambda x, t: nn.functional.multi_margin_loss(x, t),
    "huber_loss": lambda x, t: nn.functional.huber_loss(x[:, 0], t.float()),
    "kl_div": lambda x, t: nn.functional.kl_div(x.log_softmax(1), x.detach().softmax(1), reduction="batchmean"),
    "embedding": lambda x, t: nn.functional.embedding(t, x).sum(),
    "gather": lambda x, t: x.gather(1, t[:, None]).sum(),
    "index": lambda x, t: x[t].sum(),
    "index_select": lambda x, t: x.index_select(0, t).sum(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_and_lookups_wait_for_nothing(device, name):
    x, t = minicnn.randn(4, 4, requires_grad=True), minicnn.tensor([0, 1, 2, 3])
    with crossings() as seen:
        LOSSES[name](x, t).backward()
    assert not seen
    assert np.isfinite(x.grad.cpu().numpy()).all()


def test_crossings_are_counted():
    """What the other tests rely on: a wait is seen, and named."""
    x = minicnn.ones(3, device="strict")
    x.tolist()  # and with it what checks of other tests have noted
    with crossings() as seen:
        float(x.sum())
        x[x > 0]
        bool((x > 0).any())
        x.tolist()
        x.cpu()
        int(x[0])
    assert [c.where for c in seen] == ["float", "getitem", "bool", "tolist", "transfer", "int"]
