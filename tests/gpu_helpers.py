"""What the device tests share: small networks, data, and training on both sides."""

import contextlib

import numpy as np

import minicnn
from minicnn import nn, optim

OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "Adam": lambda p: optim.Adam(p, lr=3e-3),
    "Adam amsgrad": lambda p: optim.Adam(p, lr=3e-3, amsgrad=True, weight_decay=1e-3),
    "AdamW": lambda p: optim.AdamW(p, lr=3e-3),
    "Adamax": lambda p: optim.Adamax(p, lr=3e-3),
    "NAdam": lambda p: optim.NAdam(p, lr=3e-3),
    "RAdam": lambda p: optim.RAdam(p, lr=3e-3),
    "RMSprop": lambda p: optim.RMSprop(p, lr=1e-3, momentum=0.5, centered=True),
    "Rprop": lambda p: optim.Rprop(p, lr=1e-3),
    "Adagrad": lambda p: optim.Adagrad(p, lr=1e-2, lr_decay=0.01),
    "Adadelta": lambda p: optim.Adadelta(p),
}


def network():
    """Return a network with a layer of each usual kind, masks included."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),  # a bias before a batch norm gets rounding for a gradient
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3, stride=2),
        nn.GroupNorm(2, 6),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(6, 8),
        nn.LayerNorm(8),
        nn.GELU(),
        nn.Linear(8, 3),
    )


def batches(count, size=8, side=12, seed=0, dtype="float32"):
    """Return ``count`` batches of host arrays: pictures whose class shows in their mean, and the classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, (count, size))
    pictures = rng.normal(size=(count, size, 1, side, side)) + labels[:, :, None, None, None] - 1
    return list(zip(pictures.astype(dtype), labels, strict=True))


def train(device, make_optimizer, steps=20, dtype="float32", watch=contextlib.nullcontext):
    """Return the losses of training the network on a device, as numbers, and its weights, as host arrays."""
    minicnn.manual_seed(0)
    model = network().to(device=device, dtype=getattr(minicnn, dtype))
    optimizer, loss_fn, losses = make_optimizer(model.parameters()), nn.CrossEntropyLoss(label_smoothing=0.1), []
    data = [
        (minicnn.tensor(x, device=device), minicnn.tensor(t, device=device)) for x, t in batches(steps, dtype=dtype)
    ]
    with watch() as seen:
        for x, t in data:
            optimizer.zero_grad()
            loss = loss_fn(model(x), t)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    weights = {name: value.cpu().numpy() for name, value in model.state_dict().items()}
    return [loss.item() for loss in losses], weights, seen


def off(found, expected):
    """Return the largest difference of two arrays, as a part of the largest value."""
    return float(np.abs(found - expected).max() / max(np.abs(expected).max(), 1e-3))
