"""Layers of the second wave: lazy ones, tables, what is drawn, places with kernels of their own; gradients clipped."""

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.nn import functional as F


def test_lazy_layers_turn_into_plain_ones_that_the_optimizer_holds():
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    optimizer = optim.SGD(net.parameters(), lr=0.1)
    y = net(minicnn.arange(150.0).reshape(3, 2, 5, 5).sin())
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


def test_clipping_counts_what_is_not_finite():
    w = minicnn.ones(2, requires_grad=True)
    (w * minicnn.tensor([3.0, float("inf")])).sum().backward()
    with pytest.raises(RuntimeError, match="not finite"):
        nn.utils.clip_grad_norm_([w], 1.0, error_if_nonfinite=True)
    assert w.grad[0].item() == 3.0
    assert nn.utils.clip_grad_norm_([minicnn.zeros(2, requires_grad=True)], 1.0).item() == 0.0
    nn.utils.clip_grad_value_(w, 0.5)
    assert w.grad.tolist() == [0.5, 0.5]
    nn.utils.vector_to_parameters(minicnn.tensor([1.0, 2.0, 3.0]), [w, minicnn.zeros(1)])
    assert w.tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="3 elements"):
        nn.utils.vector_to_parameters(minicnn.zeros(2), [w, minicnn.zeros(1)])


@pytest.mark.parametrize(
    "name", ["dropout", "dropout1d", "dropout2d", "alpha_dropout", "feature_alpha_dropout", "rrelu"]
)
def test_drawn_functions_write_over_their_input_when_asked(name):
    values = np.random.default_rng(0).normal(size=(2, 3, 4, 5)[: 3 if name == "dropout1d" else 4])
    results = []
    for inplace in (False, True):
        x = minicnn.tensor(values, requires_grad=True)
        y = x * 1.0
        generator = minicnn.Generator().manual_seed(3)
        z = getattr(F, name)(y, training=True, inplace=inplace, generator=generator)
        assert (z is y) == inplace
        (z * z).sum().backward()
        results.append((z.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("p", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance(p):
    minicnn.manual_seed(0)
    x = minicnn.randn(400, 500)
    y = nn.AlphaDropout(p)(x)
    assert y.mean().item() == pytest.approx(0.0, abs=0.02)
    assert y.var().item() == pytest.approx(1.0, abs=0.02)
    a = ((1 - p) * (1 + p * 1.7580993**2)) ** -0.5
    dropped = abs(y - (-a * 1.7580993 * (1 - p))) < 1e-5
    assert dropped.float().mean().item() == pytest.approx(p, abs=0.02)
    channels = abs(nn.FeatureAlphaDropout(p)(x.reshape(400, 100, 5)) - (-a * 1.7580993 * (1 - p))) < 1e-5
    assert channels.all(-1).float().mean().item() == pytest.approx(p, abs=0.02)  # whole channels, as often as elements
    assert nn.AlphaDropout(p).eval()(x) is x


def test_random_leak_lies_between_its_bounds():
    minicnn.manual_seed(0)
    layer, x = nn.RReLU(0.2, 0.4), -minicnn.ones(10_000)
    y = -layer(x)
    assert 0.2 <= y.min().item() < 0.21
    assert 0.39 < y.max().item() <= 0.4
    np.testing.assert_allclose(layer.eval()(x).numpy(), -0.3, rtol=1e-6)


def test_gumbel_softmax_draws_classes_by_their_probability():
    minicnn.manual_seed(0)
    p = minicnn.tensor([0.1, 0.6, 0.3])
    logits = p.log().expand(20_000, 3).clone().requires_grad_()
    hard = F.gumbel_softmax(logits, tau=0.7, hard=True)
    np.testing.assert_array_equal(np.unique(hard.detach().numpy().round(6)), [0, 1])
    np.testing.assert_allclose(hard.detach().mean(0).numpy(), p.numpy(), atol=0.015)
    (hard * minicnn.tensor([1.0, 2.0, 3.0])).sum().backward()
    straight = logits.grad.numpy().copy()
    logits.grad = None
    minicnn.manual_seed(0)
    (F.gumbel_softmax(logits, tau=0.7) * minicnn.tensor([1.0, 2.0, 3.0])).sum().backward()
    np.testing.assert_allclose(straight, logits.grad.numpy(), rtol=1e-6)  # the gradient of the soft sample


def test_locally_connected_layer_is_a_convolution_where_all_kernels_agree():
    conv = nn.Conv2d(2, 3, 3, stride=2, padding=1, dtype=minicnn.float64)
    local = nn.LocallyConnected2d(2, 3, (7, 6), 3, 2, 1, dtype=minicnn.float64)
    with minicnn.no_grad():
        local.weight.copy_(conv.weight.expand(4, 3, 3, 2, 3, 3))
        local.bias.copy_(conv.bias.reshape(3, 1, 1).expand(3, 4, 3))
    x = minicnn.randn(2, 2, 7, 6, dtype=minicnn.float64)
    np.testing.assert_allclose(local(x).detach().numpy(), conv(x).detach().numpy(), atol=1e-12)
    np.testing.assert_allclose(local(x[0]).detach().numpy(), conv(x[0]).detach().numpy(), atol=1e-12)
    bound = 1 / np.sqrt(2 * 9)
    drawn = nn.LocallyConnected2d(2, 30, 7, 3).weight.detach()
    assert 0.95 * bound < abs(drawn).max().item() <= bound
    with pytest.raises(RuntimeError, match="places"):
        local(minicnn.zeros(2, 2, 9, 9, dtype=minicnn.float64))


def test_buffers_by_their_own_class():
    module = nn.Module()
    module.mean = nn.Buffer(minicnn.ones(2))
    module.scratch = nn.Buffer(minicnn.ones(2), persistent=False)
    assert list(module.state_dict()) == ["mean"]
    assert [name for name, _ in module.named_buffers()] == ["mean", "scratch"]
    module.mean = minicnn.zeros(2)  # stays a buffer
    assert module.state_dict()["mean"].tolist() == [0.0, 0.0]
    assert list(module.parameters()) == []


def test_in_place_names():
    for name in ("relu_", "leaky_relu_", "elu_", "selu_", "celu_", "hardtanh_", "rrelu_"):
        x = minicnn.tensor([-2.0, 3.0])
        expected = getattr(F, name[:-1])(x).tolist()
        assert getattr(F, name)(x) is x
        assert x.tolist() == expected
    x = minicnn.tensor([0.5, 2.0])
    assert F.threshold_(x, 1.0, 20.0).tolist() == [20.0, 2.0]


def test_sparse_gradients_are_refused():
    with pytest.raises(ValueError, match="dense"):
        nn.Embedding(3, 2, sparse=True)


@pytest.mark.parametrize("dilation", [1, 2])
def test_a_window_of_minus_infinity_passes_its_gradient_to_its_first_element_inside(dilation):
    x = minicnn.full((1, 1, 4, 4), -float("inf"), requires_grad=True)
    y, places = F.max_pool2d(x, 2, 2, 1, dilation, return_indices=True)
    first = [0, 1, 3] if dilation == 1 else [1, 1]  # along each dim: windows start at -1, 1, 3
    expected = [[[[4 * i + j for j in first] for i in first]]]
    assert places.tolist() == expected
    y.backward(minicnn.ones(*y.shape))
    counts = np.bincount(np.ravel(expected), minlength=16).reshape(4, 4)
    np.testing.assert_array_equal(x.grad.numpy()[0, 0], counts)


def test_nan_wins_a_window():
    nan = float("nan")
    x = minicnn.tensor([[[nan, 9.0, 1.0, nan, nan, 2.0]]], requires_grad=True)
    y, places = F.max_pool1d(x, 2, return_indices=True)
    assert np.isnan(y.detach().numpy()).all()
    assert places.tolist() == [[[0, 3, 4]]]
    y, places = F.max_pool1d(x, 3, return_indices=True)
    assert places.tolist() == [[[0, 4]]]  # the last of two
    y.backward(minicnn.ones(1, 1, 2))
    assert x.grad.tolist() == [[[1.0, 0.0, 0.0, 0.0, 1.0, 0.0]]]


def test_the_nearest_pixel_has_a_slope_of_0_in_its_place():
    grid = minicnn.tensor([[[[0.1, 0.3], [-3.0, float("nan")]]]], requires_grad=True)
    F.grid_sample(minicnn.ones(1, 2, 4, 4), grid, mode="nearest").sum().backward()
    assert grid.grad.tolist() == [[[[0.0, 0.0], [0.0, 0.0]]]]
