"""PyTorch's old spellings work, with its meaning, and its warnings."""

import warnings

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import nn

TYPES = {
    "FloatTensor": "float32",
    "DoubleTensor": "float64",
    "LongTensor": "int64",
    "IntTensor": "int32",
    "ShortTensor": "int16",
    "CharTensor": "int8",
    "ByteTensor": "uint8",
    "BoolTensor": "bool",
}


@pytest.mark.parametrize(("name", "dtype"), TYPES.items())
def test_old_tensor_types(name, dtype):
    kind = getattr(minicnn, name)
    assert kind(2, 3).shape == (2, 3)
    assert kind().shape == (0,)
    assert kind(minicnn.zeros(2, 3).shape).shape == (2, 3)
    assert kind([1, 0]).tolist() == [1, 0]
    assert kind((2, 3)).tolist() == minicnn.tensor([2, 3]).to(kind.dtype).tolist()  # no sizes
    assert kind(np.array([1.7, 0.0])).tolist() == minicnn.tensor(np.array([1.7, 0.0])).to(kind.dtype).tolist()
    assert kind([[1], [0]]).dtype == kind.dtype == dtype
    x = minicnn.zeros(2, dtype=dtype)
    assert x.type() == f"torch.{name}"
    assert isinstance(x, kind)
    assert not isinstance(x, minicnn.cuda.FloatTensor)
    assert not isinstance([0.0], kind)
    for spelling in (kind, f"torch.{name}", f"minicnn.{name}", dtype):
        assert minicnn.ones(2).type(spelling).dtype == dtype
    assert repr(kind) == f"<class 'torch.{name}'>"


def test_a_tensor_of_the_same_dtype_shares_its_memory():
    x = minicnn.zeros(2)
    minicnn.FloatTensor(x)[0] = 5.0
    assert x.tolist() == [5.0, 0.0]


@pytest.mark.parametrize("bad", [3.5, "text", None, minicnn.zeros(2, dtype=minicnn.int64)], ids=str)
def test_what_old_types_do_not_take(bad):
    for kind in (minicnn.FloatTensor, minicnn.Tensor):
        with pytest.raises(TypeError, match="expects") as caught:
            kind(bad)
        assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(ValueError, match="sizes"):
        minicnn.FloatTensor(2, -1)


def test_old_types_of_the_gpu():
    kind = minicnn.cuda.FloatTensor
    assert repr(kind) == "<class 'torch.cuda.FloatTensor'>"
    if not minicnn.cuda.is_available():
        with pytest.raises(RuntimeError, match="GPU"):
            kind(2)
        with pytest.raises(RuntimeError, match="GPU"):
            minicnn.ones(2).type("torch.cuda.FloatTensor")
    assert minicnn.cuda.LongTensor.dtype == minicnn.int64


def test_new():
    x = minicnn.zeros(2, dtype=minicnn.int64)
    assert x.new(2, 3).shape == (2, 3)
    assert x.new([1.5, 2]).tolist() == [1, 2]
    assert x.new_ones(2).dtype == x.new_zeros(1).dtype == x.new_full((2,), 3).dtype == minicnn.int64
    assert x.new_tensor([1.5]).tolist() == [1]


def test_resize():
    x = minicnn.arange(6.0)
    with pytest.warns(UserWarning, match="non-inplace resize is deprecated"):
        assert x.resize(2, 3).shape == (2, 3)
    with pytest.warns(UserWarning), pytest.raises(RuntimeError, match="6 do not fit"):  # noqa: PT030
        x.resize(4)
    assert x.resize_(2, 2) is x
    assert x.tolist() == [[0, 1], [2, 3]]
    assert x.resize_((5,)).tolist() == [0, 1, 2, 3, 0]
    with pytest.raises(RuntimeError, match="requires grad"):
        minicnn.ones(2, requires_grad=True).resize_(3)


def test_data_shares_memory_off_the_tape():
    w = minicnn.ones(3, requires_grad=True)
    w.data -= 0.5
    w.data[0] = 7.0
    assert w.tolist() == [7.0, 0.5, 0.5]
    assert w.requires_grad
    assert not w.data.requires_grad
    assert w.is_leaf
    w.data = minicnn.zeros(2)
    assert w.shape == (2,)
    (w * 2).sum().backward()
    assert w.grad.tolist() == [2.0, 2.0]


def test_variable():
    x = minicnn.autograd.Variable(minicnn.ones(2), requires_grad=True)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert isinstance(x, minicnn.Tensor)
    assert not minicnn.autograd.Variable(minicnn.ones(2)).requires_grad


def test_numbers():
    assert float(minicnn.tensor([2.5])) == 2.5
    assert int(minicnn.tensor(2.7)) == 2
    assert bool(minicnn.tensor([[0.1]])) is True
    for number in (float, int):
        with pytest.raises(ValueError, match="one-element"):
            number(minicnn.zeros(2))
    for shape in (0, 2):
        with pytest.raises(RuntimeError):
            bool(minicnn.zeros(shape))


def test_facts():
    x = minicnn.zeros(2, 3)
    assert (x.is_cuda, x.is_cpu, x.is_sparse, x.is_complex(), x.is_signed()) == (False, True, False, False, True)
    assert (x.itemsize, x.element_size(), x.nbytes, x.nelement(), x.ndimension()) == (4, 4, 24, 6, 2)
    assert (x.stride(), x.t().stride(), x.stride(-1), x.get_device()) == ((3, 1), (1, 3), 1, -1)
    assert x.data_ptr() == x.view(6).data_ptr() != x.clone().data_ptr()
    if not minicnn.cuda.is_available():
        with pytest.raises(minicnn.errors.BackendError, match="a GPU was asked for"):  # as PyTorch's CPU build
            x.pin_memory()
    assert not x.is_pinned()
    assert x.reshape_as(minicnn.zeros(6)).shape == (6,)
    assert not minicnn.zeros(1, dtype=minicnn.uint8).is_signed()


def test_keywords_of_both_worlds():
    a, b = minicnn.tensor([1.0, 5.0]), minicnn.tensor([4.0, 2.0])
    assert minicnn.cat([a, b], axis=0).tolist() == minicnn.cat((a, b), dim=0).tolist() == [1, 5, 4, 2]
    assert minicnn.max(input=a, other=b).tolist() == [4, 5]
    assert minicnn.min(input=a, other=b).tolist() == [1, 2]
    assert a.sum(axis=0, keepdims=True).shape == (1,)
    out = minicnn.empty(2)
    assert minicnn.add(a, b, out=out) is out
    assert out.tolist() == [5, 7]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"size_average": True}, "mean"),
        ({"size_average": False}, "sum"),
        ({"reduce": False}, "none"),
        ({"reduce": True}, "mean"),
        ({"size_average": False, "reduce": True}, "sum"),
        ({"size_average": True, "reduce": False}, "none"),
    ],
)
def test_size_average_and_reduce(given, meant):
    x, y = minicnn.tensor([0.2, 0.6]), minicnn.tensor([0.0, 1.0])
    for loss in (F.mse_loss, F.binary_cross_entropy, F.l1_loss, F.smooth_l1_loss):
        with pytest.warns(UserWarning, match=f"size_average and reduce are deprecated: write reduction='{meant}'"):
            old = loss(x, y, **given)
        assert minicnn.equal(old, loss(x, y, reduction=meant))
    with pytest.warns(UserWarning, match="size_average"):
        assert nn.BCELoss(**given).reduction == meant


INITS = {
    "uniform": (),
    "normal": (),
    "constant": (0.5,),
    "eye": (),
    "xavier_uniform": (),
    "xavier_normal": (),
    "kaiming_uniform": (),
    "kaiming_normal": (),
    "orthogonal": (),
    "sparse": (0.5,),
}


@pytest.mark.parametrize(("old", "args"), INITS.items())
def test_initializers_without_the_underscore(old, args):
    minicnn.manual_seed(0)
    new = getattr(nn.init, f"{old}_")(minicnn.zeros(4, 3), *args)
    minicnn.manual_seed(0)
    with pytest.warns(FutureWarning, match=f"nn.init.{old} is deprecated: write nn.init.{old}_"):
        assert minicnn.equal(getattr(nn.init, old)(minicnn.zeros(4, 3), *args), new)


@pytest.mark.peers
def test_pytorch_warns_in_the_same_places():
    torch = pytest.importorskip("torch")

    def category(function, *args, **kwargs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            function(*args, **kwargs)
        return [w.category for w in caught]

    for library in (torch, minicnn):
        x = library.ones(2)
        assert category(library.nn.functional.mse_loss, x, x, size_average=False) == [UserWarning]
        assert category(library.nn.MSELoss, reduce=False) == [UserWarning]
        assert category(library.nn.init.kaiming_normal, library.zeros(3, 3)) == [FutureWarning]
        assert category(x.resize, 1, 2) == [UserWarning]
        assert category(x.type, "torch.LongTensor") == []
        assert category(library.autograd.Variable, x) == []


@pytest.mark.peers
@pytest.mark.parametrize("name", TYPES)
def test_old_types_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    ours, theirs = getattr(minicnn, name), getattr(torch, name)
    for data in ((2, 3), (), ([1, 0, 2],), ((2, 3),), ([[1.7], [0]],), (3.5,), ("a",), (0,), ([],), (-1,)):
        try:
            expected = theirs(*data)
        except (TypeError, RuntimeError) as error:
            with pytest.raises(type(error) if data[0] != -1 else ValueError):
                ours(*data)
            continue
        found = ours(*data)
        assert tuple(expected.shape) == found.shape
        assert str(expected.dtype) == f"torch.{found.dtype}"
        if data and isinstance(data[0], (list, tuple)):
            assert expected.tolist() == found.tolist()
