"""Lazy layers, the embedding's padding row, channel dropout, and gradients clipped."""

import numpy as np

import minicnn
from minicnn import nn, optim
from minicnn.nn import functional as F


def test_lazy_layers_turn_into_plain_ones_that_the_optimizer_holds():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    y = net(minicnn.ones(3, 2, 5, 5))
    assert [type(m).__name__ for m in net] == ["Conv2d", "BatchNorm2d", "ReLU", "Flatten", "Linear"]
    before = net[4].weight.detach().clone()
    y.sum().backward()
    optimizer.step()
    assert net[4].weight.shape == (2, 36)
    assert (net[4].weight.detach() != before).any()


def test_padding_row_starts_at_zero_and_gets_no_gradient():
    layer = nn.Embedding(4, 3, padding_idx=1)
    assert not layer.weight.detach()[1].any()
    y = layer(minicnn.tensor([1, 2, 1]))
    np.testing.assert_array_equal(y.detach().numpy(), layer.weight.detach().numpy()[[1, 2, 1]])
    y.sum().backward()
    np.testing.assert_array_equal(layer.weight.grad.numpy().sum(1), [0, 0, 3, 0])


def test_channels_are_dropped_whole():
    minicnn.manual_seed(0)
    y = F.dropout2d(minicnn.ones(20, 30, 3, 3), 0.25).numpy()
    flat = y.reshape(600, 9)
    assert (flat == flat[:, :1]).all()
    assert np.allclose(np.unique(flat), [0, 4 / 3])
    assert 0.18 < (flat[:, 0] == 0).mean() < 0.32


def test_clipping():
    w = minicnn.zeros(2, requires_grad=True)
    (w * minicnn.tensor([3.0, -4.0])).sum().backward()
    assert nn.utils.clip_grad_norm_([w], 100.0).item() == 5.0
    assert w.grad.tolist() == [3.0, -4.0]
    assert nn.utils.clip_grad_norm_([w], 2.0, float("inf")).item() == 4.0
    np.testing.assert_allclose(w.grad.numpy(), [1.5, -2.0], rtol=1e-5)
