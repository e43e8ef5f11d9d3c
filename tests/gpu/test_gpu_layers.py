"""Layers within captured steps: forward and backward, of other values at each replay; and those that need the host."""

import numpy as np
import pytest

import minicnn
from minicnn import cuda, nn
from minicnn.backend import get
from minicnn.backend.device import BACKENDS
from minicnn.errors import BackendError

LAYERS = {
    "reflect": (lambda: nn.Conv2d(2, 3, 3, padding="same", padding_mode="reflect"), (2, 2, 5, 6)),
    "circular": (lambda: nn.Conv1d(2, 3, 3, padding=1, padding_mode="circular"), (2, 2, 5)),
    "ReplicationPad2d": (lambda: nn.ReplicationPad2d(1), (2, 2, 5, 6)),
    "ZeroPad2d": (lambda: nn.ZeroPad2d(1), (2, 2, 5, 6)),
    "Upsample nearest": (lambda: nn.Upsample(scale_factor=1.5), (2, 2, 4, 5)),
    "Upsample bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), (2, 2, 4, 5)),
    "AdaptiveAvgPool2d": (lambda: nn.AdaptiveAvgPool2d((3, 2)), (2, 2, 7, 5)),
    "AdaptiveMaxPool2d": (lambda: nn.AdaptiveMaxPool2d((3, 2)), (2, 2, 7, 5)),
    "AvgPool2d padded": (lambda: nn.AvgPool2d(3, 2, 1, count_include_pad=False), (2, 2, 6, 5)),
    "MaxPool2d dilated": (lambda: nn.MaxPool2d(2, dilation=2, padding=1), (2, 2, 6, 5)),
    "LPPool2d": (lambda: nn.LPPool2d(2, 2), (2, 2, 6, 4)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(2, 3, 3, 2, 1, 1), (2, 2, 4, 5)),
    "Conv3d": (lambda: nn.Conv3d(2, 3, 2), (2, 2, 3, 4, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "InstanceNorm2d": (lambda: nn.InstanceNorm2d(2, affine=True), (2, 2, 4, 5)),
    "GroupNorm": (lambda: nn.GroupNorm(2, 4), (2, 4, 3)),
    "LocalResponseNorm": (lambda: nn.LocalResponseNorm(3), (2, 4, 3, 3)),
    "RMSNorm": (lambda: nn.RMSNorm(4), (3, 4)),
    "PReLU": (lambda: nn.PReLU(), (3, 4)),
    "RReLU": (lambda: nn.RReLU(), (3, 4)),
    "Dropout2d": (lambda: nn.Dropout2d(0.3), (3, 4, 2, 2)),
    "AlphaDropout": (lambda: nn.AlphaDropout(0.3), (3, 4)),
    "Softmax": (lambda: nn.Softmax(-1), (3, 4)),
    "PixelShuffle": (lambda: nn.PixelShuffle(2), (2, 8, 3, 2)),
    "Unfold": (lambda: nn.Unfold(2), (2, 3, 4, 5)),
    "Fold": (lambda: nn.Fold((4, 5), 2), (2, 12, 12)),
    "GLU": (lambda: nn.GLU(), (3, 4)),
    "Bilinear": (lambda: Pairs(nn.Bilinear(4, 4, 2)), (3, 4)),
}


class Pairs(nn.Module):
    """A layer of two inputs, given one twice."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x, x * 2)


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_captured(device, name):
    make, shape = LAYERS[name]

    def results(graphed):
        minicnn.manual_seed(0)
        layer = make().double()

        def step(x):
            layer.zero_grad()
            x = x * 1.0
            x.requires_grad_()
            y = layer(x)
            (y * y).sum().backward()
            return [y, x.grad, *(p.grad for p in layer.parameters()), *(b + 0 for b in layer.buffers())]

        run = cuda.graph(step, warmup=1) if graphed else step
        rng = np.random.default_rng(0)
        found = [run(minicnn.tensor(rng.normal(size=shape))) for _ in range(4)]
        assert not graphed or run.replays == 2
        return [[t.detach().cpu().numpy() for t in values] for values in found]

    for found, expected in zip(results(True), results(False), strict=True):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_constants_of_ops_are_copied_once(device):
    be = get(BACKENDS[device])
    one, same, other = (be.constant(np.arange(n)) for n in (17, 17, 18))
    assert one is same
    assert one is not other
    assert be.to_numpy(other).tolist() == list(range(18))
    for n in range(300, 700):
        be.constant(np.arange(n))
    assert be.constant(np.arange(17)) is not one
    assert len(be._constants) <= 256


def test_what_a_graph_uses_is_held_while_it_may_be_replayed(device):
    """Arrays made before a capture, which nobody else holds later: their memory must not become another's."""
    import gc
    import weakref

    from minicnn import optim

    w = nn.Parameter(minicnn.ones(5))
    optimizer = optim.SGD([w], lr=0.1, momentum=0.9)

    def step(x):
        optimizer.zero_grad()
        (nn.functional.pad(w * x, (1, 1), mode="circular") ** 2).sum().backward()
        optimizer.step()

    graphed = cuda.graph(step, warmup=1)
    for _ in range(3):
        graphed(minicnn.ones(1, 5))
    (captured,) = graphed._graphs.values()
    kept = {id(array) for array in captured._capture.kept}
    assert {id(w._array), id(optimizer.state[w]["momentum_buffer"]._array)} <= kept
    be = get(BACKENDS[device])
    assert any(id(array) in kept for array in be._constants.values())
    buffer = weakref.ref(optimizer.state[w]["momentum_buffer"])
    optimizer.state.clear()
    be._constants.clear()
    gc.collect()
    assert buffer() is None
    assert len(captured._capture.kept) >= 3
    graphed.reset()
    with pytest.raises(BackendError, match="nothing was captured"):
        cuda.CUDAGraph().replay()
