"""Layers and functions of the second wave against PyTorch's: from the same weights, values and gradients."""

import inspect

import numpy as np
import pytest
from peers_helpers import compare
from test_peers_nn import test_layer as check_layer

import minicnn
from minicnn import nn
from minicnn.autograd.op import functions
from minicnn.nn import functional
from minicnn.testing.suite import samples_of

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]
F = torch.nn.functional
rng = np.random.default_rng(0)

LAYERS = [
    ("AlphaDropout", (0.0,), {}, (2, 3)),
    ("FeatureAlphaDropout", (0.0, True), {}, (2, 3, 2)),
    ("RReLU", (0.25, 0.25), {}, (2, 3)),
    ("LPPool1d", (2, 3), {"stride": 2}, (2, 3, 7)),
    ("LPPool2d", (2, (3, 2)), {"ceil_mode": True}, (2, 3, 7, 5)),
    ("LPPool3d", (2.0, 2), {}, (2, 3, 4, 4, 4)),
    ("AdaptiveMaxPool3d", ((3, None, 1),), {}, (2, 3, 5, 4, 4)),
    ("PixelUnshuffle", (2,), {}, (2, 2, 4, 6)),
    ("ChannelShuffle", (3,), {}, (2, 6, 2, 2)),
    ("LocalResponseNorm", (3, 0.5, 0.7, 2.0), {}, (2, 5, 3, 3)),
    ("LocalResponseNorm", (2,), {}, (2, 5, 3)),
]
CLASSES, LABELS = (
    rng.normal(size=(5, 4)),
    np.array([[3, 0, -1, 1], [2, -1, 0, 2], [-1, 0, 0, 0], [0, 1, 2, 3], [1] * 4]),
)
LOSSES = [
    ("MultiMarginLoss", {"p": 2, "margin": 0.5}, (CLASSES, np.array([0, 1, 2, 3, 0]))),
    ("MultiMarginLoss", {}, (CLASSES, np.array([0, 1, 2, 3, 0]))),
    ("MultiLabelMarginLoss", {}, (CLASSES, LABELS)),
    ("MultiLabelSoftMarginLoss", {}, (CLASSES * 5, (LABELS > 0) * 1.0)),
    ("GaussianNLLLoss", {"full": True, "eps": 0.1}, (CLASSES, rng.normal(size=(5, 4)), rng.uniform(0, 1, (5, 4)))),
    ("GaussianNLLLoss", {}, (CLASSES, rng.normal(size=(5, 4)), rng.uniform(0, 1, (5, 1)))),
    ("TripletMarginWithDistanceLoss", {"swap": True, "margin": 0.5}, tuple(rng.normal(size=(3, 6, 4)))),
]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-9)])
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_a_new_layer(name, args, kwargs, shape, dtype, tolerance):
    check_layer(name, args, kwargs, shape, dtype, tolerance)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(("name", "kwargs", "values"), LOSSES)
def test_a_new_loss(name, kwargs, values, reduction):
    results = []
    for lib in (minicnn, torch):
        tensors = [lib.tensor(v) for v in values]
        leaves = [t.requires_grad_() for t in tensors if t.is_floating_point()]
        layer = getattr(lib.nn, name)(reduction=reduction, **kwargs)
        y = layer(*tensors)
        y.sum().backward()
        results.append([repr(layer), y.detach().numpy(), *(t.grad.numpy() for t in leaves)])
    assert results[0][0] == results[1][0]
    for ours, theirs in zip(results[0][1:], results[1][1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


NEW = [
    "adaptive_max_pool3d", "bilinear", "binary_cross_entropy", "channel_shuffle", "embedding", "embedding_bag",
    "gaussian_nll_loss", "local_response_norm", "lp_pool1d", "lp_pool2d", "lp_pool3d", "max_pool1d", "max_pool2d",
    "max_pool3d", "max_unpool1d", "max_unpool2d", "max_unpool3d", "multi_margin_loss", "multilabel_margin_loss",
    "multilabel_soft_margin_loss", "pixel_shuffle", "pixel_unshuffle", "triplet_margin_with_distance_loss",
]  # fmt: skip


@pytest.mark.parametrize("name", NEW)
def test_samples_of_a_new_function(name):
    """Values and gradients on each of the function's own samples."""
    for sample in samples_of(functions[name], 0):
        if name == "embedding_bag" and "per_sample_weights" in sample.kwargs:
            continue  # PyTorch's gradient wants weights of one kind; below
        if name.startswith("embedding") and "scale_grad_by_freq" in sample.kwargs:
            sample.kwargs.pop("sparse", None)
        if any(isinstance(a, np.ndarray) and a.size == 0 for a in sample.args) and name.startswith("pixel"):
            continue  # PyTorch 2.13 fails in backward
        if name == "gaussian_nll_loss" and "eps" in sample.kwargs and sample.kwargs["eps"] == 0.1:
            continue  # its variance is a constant: test_a_new_loss has it
        sample.kwargs = {k: v for k, v in sample.kwargs.items() if not (k == "sparse" and v is None)}
        compare(getattr(functional, name), getattr(F, name), sample.args, sample.kwargs)


def test_signatures_are_pytorchs():
    for name in sorted(
        set(NEW) | {"alpha_dropout", "feature_alpha_dropout", "rrelu", "gumbel_softmax", "relu_", "elu_"}
    ):
        try:
            theirs = list(inspect.signature(getattr(F, name)).parameters)
        except ValueError:
            continue  # a builtin
        if theirs in (["args", "kwargs"], ["input"]):
            continue
        ours = [p for p in inspect.signature(getattr(functional, name)).parameters if p != "generator"]
        assert ours == theirs, name


def test_binary_cross_entropy_at_the_ends():
    """PyTorch holds the logarithm at −100 and the slope at 1e-12; so the gradient at 0 and 1 is large, not infinite."""
    for dtype in ("float64", "float32"):
        x = np.array([0, 1, 0, 1, 0, 1, 1e-13, 1e-30, 1 - 1e-13, 1e-44, 1e-11, 0.3], dtype=dtype)
        t = np.array([0, 1, 1, 0, 0.3, 0.3, 0.5, 1, 0, 1, 1, 0.7], dtype=dtype)
        for reduction in ("none", "mean", "sum"):
            results = []
            for lib in (minicnn, torch):
                a, b = lib.tensor(x, requires_grad=True), lib.tensor(t, requires_grad=True)
                y = lib.nn.functional.binary_cross_entropy(a, b, reduction=reduction)
                (y * lib.arange(1, 13)).sum().backward()
                results.append([y.detach().numpy(), a.grad.numpy(), b.grad.numpy()])
            inside = (x > 1e-43) & (x < 1)
            results[0][2][~inside] = results[1][2][~inside]  # the target's gradient is infinite there in PyTorch
            for ours, theirs in zip(*results, strict=True):
                np.testing.assert_allclose(ours, theirs, rtol=1e-9 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("dims", [1, 2, 3])
def test_max_pooling_of_nan_and_infinity(dims):
    for seed in range(60):
        draw = np.random.default_rng(seed)
        k, s, d = (int(n) for n in draw.integers(1, 4, 3))
        p = int(draw.integers(0, k // 2 + 1))
        sizes = draw.integers(d * (k - 1) + 1, d * (k - 1) + 4, dims)
        values = [0.0, 1.0, 2.0, -np.inf, np.inf, np.nan]
        x = draw.choice(values, p=[0.1, 0.1, 0.1, 0.5, 0.1, 0.1], size=(1, 2, *sizes))
        results = []
        for lib in (minicnn, torch):
            t = lib.tensor(x, requires_grad=True)
            pool = getattr(lib.nn.functional, f"max_pool{dims}d")
            y, places = pool(t, k, s, p, d, ceil_mode=bool(seed % 2), return_indices=True)
            y.backward(lib.tensor(np.random.default_rng(1).normal(size=tuple(y.shape))))
            results.append([y.detach().numpy(), places.numpy(), t.grad.numpy()])
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_bilinear_layer():
    layers = [lib.nn.Bilinear(3, 4, 5) for lib in (minicnn, torch)]
    assert repr(layers[0]) == repr(layers[1])
    layers[0].load_state_dict({k: v.numpy() for k, v in layers[1].state_dict().items()})
    a, b = rng.normal(size=(2, 6, 3)).astype("float32"), rng.normal(size=(2, 6, 4)).astype("float32")
    y = layers[0](minicnn.tensor(a), minicnn.tensor(b)), layers[1](torch.tensor(a), torch.tensor(b))
    np.testing.assert_allclose(*(v.detach().numpy() for v in y), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("options", [{}, {"max_norm": 1.0}, {"max_norm": 0.5, "norm_type": 1.0}, {"padding_idx": -2}])
@pytest.mark.parametrize(
    ("kind", "by_freq"),
    [("Embedding", False), ("Embedding", True), ("EmbeddingBag", False)],  # a bag's counts are wrong in PyTorch 2.13
)
def test_tables(kind, by_freq, options):
    options = {**options, "scale_grad_by_freq": by_freq}
    if kind == "EmbeddingBag":
        options["mode"] = "sum"
    table, results = np.random.default_rng(0).normal(size=(5, 3)), []
    for lib in (minicnn, torch):
        layer = getattr(lib.nn, kind).from_pretrained(lib.tensor(table.copy()), freeze=False, **options)
        y = layer(lib.tensor([[1, 3, 1], [0, 3, 1]]))
        (y * lib.arange(1, y.numel() + 1).reshape(*y.shape)).sum().backward()
        results.append((repr(layer), y.detach().numpy(), layer.weight.grad.numpy(), layer.weight.detach().numpy()))
    assert results[0][0] == results[1][0]
    for ours, theirs in zip(results[0][1:], results[1][1:], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


def test_weights_of_a_bag():
    results = []
    for lib in (minicnn, torch):
        w, s = (
            lib.tensor(np.random.default_rng(i).normal(size=n), requires_grad=True) for i, n in enumerate([(5, 3), 4])
        )
        y = lib.nn.functional.embedding_bag(
            lib.tensor([1, 3, 1, 0]), w, lib.tensor([0, 1]), per_sample_weights=s, mode="sum"
        )
        (y * lib.arange(1, 7).reshape(2, 3)).sum().backward()
        results.append([y.detach().numpy(), w.grad.numpy(), s.grad.numpy()])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(
    "name", ["Conv1d", "Conv2d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d", "Bilinear"]
)
def test_first_weights_are_drawn_from_the_same_range(name):
    args = (6, 5, 99) if name == "Bilinear" else (24, 36, 3)
    ours, theirs = (getattr(lib.nn, name)(*args) for lib in (minicnn, torch))
    ours_bound, their_bound = (float(layer.weight.detach().abs().max()) for layer in (ours, theirs))
    assert ours_bound == pytest.approx(their_bound, rel=0.05)
    assert float(ours.bias.detach().abs().max()) == pytest.approx(float(theirs.bias.detach().abs().max()), rel=0.3)


def test_unpooling_undoes_pooling():
    for dims in (1, 2, 3):
        x = rng.normal(size=(2, 3, *(7, 6, 5)[:dims])).astype("float32")
        results = []
        for lib in (minicnn, torch):
            pool = getattr(lib.nn, f"MaxPool{dims}d")(2, return_indices=True)
            back = getattr(lib.nn, f"MaxUnpool{dims}d")(2)
            y, places = pool(lib.tensor(x))
            results.append((repr(back), back(y, places, output_size=x.shape).numpy()))
        assert results[0][0] == results[1][0]
        np.testing.assert_array_equal(results[0][1], results[1][1])
    assert isinstance(nn.MaxUnpool1d(2), nn.Module)
