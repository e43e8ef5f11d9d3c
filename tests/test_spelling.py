"""``out=``, NumPy's keywords, and other names of the same functions."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import minicnn
from minicnn.autograd.op import functions
from minicnn.errors import MinicnnError
from minicnn.ops import aliases
from minicnn.ops.spelling import OUT

X = minicnn.tensor([[0.5, 0.25, 0.75], [0.1, 0.9, 0.3]])


def test_out_is_written_to_and_returned():
    for name in ("exp", "sqrt", "sin", "sum", "cumsum", "prod", "median"):
        kwargs = {"dim": 1} if name == "cumsum" else {}
        expected = getattr(minicnn, name)(X, **kwargs)
        out = minicnn.full(tuple(expected.shape), -1.0)
        assert getattr(minicnn, name)(X, **kwargs, out=out) is out
        np.testing.assert_array_equal(out.numpy(), expected.numpy())


def test_out_of_two_and_of_lists():
    out = minicnn.zeros(2, 3)
    assert minicnn.add(X, X, out=out) is out
    assert minicnn.clamp(X, 0.2, 0.5, out=out) is out
    np.testing.assert_allclose(out.numpy(), np.clip(X.numpy(), 0.2, 0.5))
    assert minicnn.cat([X, X], out=minicnn.empty(0)).shape == (4, 3)
    assert minicnn.stack([X, X], dim=0, out=minicnn.empty(0)).shape == (2, 2, 3)
    assert minicnn.mm(X, X.T, out=minicnn.zeros(2, 2)).shape == (2, 2)


def test_out_of_several_results():
    values, places = minicnn.zeros(2, 3), minicnn.zeros(2, 3, dtype=minicnn.int64)
    found = minicnn.sort(X, dim=1, out=(values, places))
    assert found.values is values
    assert found.indices is places
    np.testing.assert_array_equal(values.numpy(), np.sort(X.numpy(), 1))


def test_out_takes_no_gradient_and_no_other_shape():
    x = X.clone().requires_grad_()
    with pytest.raises(MinicnnError, match="out="):
        minicnn.exp(x, out=minicnn.zeros(2, 3))
    with pytest.raises(MinicnnError, match="out="):
        minicnn.exp(X, out=minicnn.zeros(2, 3, requires_grad=True))
    with minicnn.no_grad():
        minicnn.exp(x, out=minicnn.zeros(2, 3))
    with pytest.raises(MinicnnError, match="does not fit in place"):
        minicnn.exp(X, out=minicnn.zeros(3, 3))
    with pytest.raises(MinicnnError, match="does not fit in place"):
        minicnn.exp(X, out=minicnn.zeros(2, 3, dtype=minicnn.int64))


def test_functions_that_take_out_are_there():
    missing = {name for name in OUT if not hasattr(minicnn, name)}
    assert not missing
    assert not {name for name in OUT if name not in functions and name != "narrow"}


def test_axis_and_keepdims_wherever_there_is_a_dim():
    x = minicnn.tensor(np.arange(6.0).reshape(2, 3) + 1)
    for name in ("sum", "mean", "prod", "var", "std", "amax", "amin", "logsumexp", "nansum", "nanmean", "norm"):
        function, method = getattr(minicnn, name), getattr(x, name, None)
        expected = function(x, dim=1, keepdim=True).numpy()
        np.testing.assert_array_equal(function(x, axis=1, keepdims=True).numpy(), expected)
        if method is not None:
            np.testing.assert_array_equal(method(axis=1, keepdims=True).numpy(), expected)
    for name in ("softmax", "log_softmax", "cumsum", "cumprod", "unsqueeze", "squeeze", "argsort"):
        expected = getattr(minicnn, name)(x, dim=1)
        np.testing.assert_array_equal(getattr(x, name)(axis=1).numpy(), expected.numpy())
    for name in ("max", "min", "sort", "median", "mode", "kthvalue"):
        args = (2,) if name == "kthvalue" else ()
        expected = getattr(minicnn, name)(x, *args, dim=1)
        np.testing.assert_array_equal(getattr(x, name)(*args, axis=1).indices.numpy(), expected.indices.numpy())
    assert minicnn.cat([x, x], axis=1).shape == minicnn.stack([x, x], axis=2).reshape(2, 6).shape


def test_max_of_two_by_keyword():
    assert minicnn.max(input=X, other=X.flip(1)).shape == (2, 3)


def test_both_names_at_once_are_refused():
    with pytest.raises(TypeError):
        minicnn.prod(X, dim=0, axis=1)


def test_aliases_are_the_same_functions():
    names = [name for name in aliases.__all__ if name not in functions]
    assert len(names) > 20
    for name in names:
        assert hasattr(minicnn, name), name
        own = inspect.unwrap(getattr(minicnn, name), stop=lambda f: f is functions[f.__name__].function)
        assert own is functions[own.__name__].function
