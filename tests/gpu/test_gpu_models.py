"""Every network, forward and backward, on a device as on the CPU."""

import numpy as np
import pytest
from gpu_helpers import off
from test_models import LARGE, MODES_DIFFER, SMALL

import minicnn
from minicnn import models, nn

NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in SMALL]


def passes(make, shape, device, dtype):
    """Return the logits, the loss and all gradients and buffers after a step forward and back, as host arrays."""
    minicnn.manual_seed(0)
    with minicnn.device("cpu"):
        model, x = make(), minicnn.tensor(np.random.default_rng(0).normal(size=shape))
    model, x = model.to(device=device, dtype=dtype), x.to(device=device, dtype=dtype)
    logits = model(x)
    loss = nn.functional.cross_entropy(logits, minicnn.arange(len(x), device=device) % logits.shape[1])
    loss.backward()
    found = {"logits": logits.detach(), "loss": loss.detach()}
    found |= {f"{name}.grad": p.grad for name, p in model.named_parameters()} | dict(model.named_buffers())
    return {name: value.cpu().numpy() for name, value in found.items()}


def check(make, shape, device, dtype, tolerance):
    found, expected = (passes(make, shape, place, dtype) for place in (device, "cpu"))
    assert found.keys() == expected.keys()
    largest = max(np.abs(v).max() for k, v in expected.items() if k.endswith(".grad"))
    for name, value in expected.items():
        # Where a gradient is rounding alone, as a bias before a batch norm's, it is judged by the largest of all.
        error = np.abs(found[name] - value).max() / largest if name.endswith(".grad") else off(found[name], value)
        assert error < tolerance, name


@pytest.mark.parametrize("name", NAMES)
def test_forward_and_backward_are_the_cpus(device, name, same_masks):
    check(*SMALL[name], device, minicnn.float64, 1e-9)


@pytest.mark.parametrize("name", MODES_DIFFER)
def test_masks_and_statistics_are_the_cpus(device, name, same_masks):
    check(*MODES_DIFFER[name], device, minicnn.float64, 1e-9)


@pytest.mark.parametrize("name", ["CifarResNet", "plain_bn", "LeNet5", "squeezenet1_1"])
def test_single_precision(device, name):
    make, shape = SMALL[name]
    check(make, shape, device, minicnn.float32, 2e-3)


def test_networks_of_sentences_and_codes(device, same_masks):
    rng = np.random.default_rng(0)
    words = rng.integers(1, 40, (4, 9))

    def text(place):
        minicnn.manual_seed(0)
        with minicnn.device("cpu"):
            model = models.TextCNN(40, num_classes=3).double()
        model = model.to(place)
        loss = nn.functional.cross_entropy(
            model(minicnn.tensor(words, device=place)), minicnn.tensor([0, 1, 2, 0], device=place)
        )
        loss.backward()
        return [loss.item(), *(p.grad.cpu().numpy() for p in model.parameters())]

    for a, b in zip(text(device), text("cpu"), strict=True):
        assert off(np.asarray(a), np.asarray(b)) < 1e-9


def test_networks_for_big_pictures_have_a_small_case():
    """Each architecture of `minicnn.models` is among the cases above, or below as a network of its own kind."""
    covered = {type(make()).__name__ for name, (make, _) in SMALL.items() if name not in LARGE}
    covered |= {"AlexNet", "VGG", "TextCNN", *OTHERS}
    classes = {
        name for name in dir(models) if isinstance(kind := getattr(models, name), type) and issubclass(kind, nn.Module)
    }
    blocks = {name for name in classes if "Block" in name or name in ("Bottleneck", "Fire", "InvertedResidual")}
    assert classes - blocks <= covered


OTHERS = {"ConvAutoencoder": (2, 1, 28, 28)}


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks(device, name):
    def both(place):
        minicnn.manual_seed(0)
        with minicnn.device("cpu"):
            model = getattr(models, name)().double()
            x = minicnn.tensor(np.random.default_rng(0).random(OTHERS[name]))
        model, x = model.to(place), x.to(place)
        loss = ((model(x) - x) ** 2).mean()
        loss.backward()
        return [loss.item(), *(p.grad.cpu().numpy() for p in model.parameters())]

    for a, b in zip(both(device), both("cpu"), strict=True):
        assert off(np.asarray(a), np.asarray(b)) < 1e-9
