"""`gradcheck` says so where it cannot see a gradient, or not all of it, rather than pass."""

from collections import namedtuple

import numpy as np
import pytest

import minicnn
from minicnn.errors import MinicnnError, ParameterError
from minicnn.testing import GradcheckError, gradcheck, gradgradcheck


class Bad(minicnn.autograd.Function):
    """sin, with a gradient half too large."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.sin()

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 1.5 * g * x.cos()


bad = Bad.apply
Pair = namedtuple("Pair", "first second")


def point(*values):
    return minicnn.tensor(values, dtype=minicnn.float64, requires_grad=True)


# ---- outputs of all forms


@pytest.mark.parametrize(
    "form",
    [
        lambda a, f: {"y": f(a)},
        lambda a, f: (a, (f(a),)),
        lambda a, f: [a, {"one": 3, "two": [None, f(a)]}],
        lambda a, f: Pair(a, f(a)),
        lambda a, f: {"n": (a > 0).long(), "y": f(a)},
    ],
)
def test_outputs_within_tuples_lists_and_dicts_are_checked(form):
    x = point(0.3, 0.7)
    assert gradcheck(lambda a: form(a, minicnn.sin), x)
    assert gradgradcheck(lambda a: form(a, minicnn.sin), x)
    with pytest.raises(GradcheckError, match="gradient of input 0 is wrong"):
        gradcheck(lambda a: form(a, bad), x)


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda a: None, "returns no tensor"),
        (lambda a: {"y": [3.0, "no"]}, "returns no tensor"),
        (lambda a: a.detach().numpy(), "returns no tensor"),
        (lambda a: (bad(a) > 0).long(), "no tensor of floats"),
        (lambda a: (bad(a) > 0, a.argmax()), "no tensor of floats"),
    ],
)
def test_a_function_without_float_outputs_is_refused(function, said):
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(GradcheckError, match=said) as caught:
            check(function, point(0.3, 0.7))
        assert len(str(caught.value).splitlines()) == 3
        assert check(function, point(0.3, 0.7), raise_exception=False) is False


def test_an_output_that_does_not_require_grad_has_a_zero_gradient():
    x = point(0.3, 0.7)
    assert gradcheck(lambda a: minicnn.ones(2, dtype=minicnn.float64), x)  # as PyTorch has it
    assert gradcheck(lambda a: (a, minicnn.ones(2, dtype=minicnn.float64)), x)
    for function in (lambda a: a.sin().detach(), lambda a: (a * a, a.sin().detach())):
        with pytest.raises(GradcheckError, match="is wrong"):
            gradcheck(function, x)
    for function in (lambda a: a.sin().detach(), lambda a: minicnn.ones(2, dtype=minicnn.float64)):
        with pytest.raises(GradcheckError, match="no gradient to differentiate"):
            gradgradcheck(function, x)


@pytest.mark.parametrize("block", [minicnn.no_grad, minicnn.inference_mode])
def test_where_nothing_is_recorded_the_mode_is_named(block):
    x = point(0.3, 0.7)
    for check in (gradcheck, gradgradcheck):
        with block():
            with pytest.raises(GradcheckError, match=block.__name__) as caught:
                check(minicnn.tanh, x)
            assert check(minicnn.tanh, x, raise_exception=False) is False
        assert "wrong" not in str(caught.value)
        assert len(str(caught.value).splitlines()) == 3


# ---- values that hide each other


@pytest.mark.parametrize("ratio", [1e3, 1e6, 1e8])
@pytest.mark.parametrize(
    "function",
    [
        lambda a, f, r: minicnn.cat([a * r, f(a)]),
        lambda a, f, r: minicnn.cat([f(a), a.tanh() * r]),
        lambda a, f, r: (a * r, f(a)),
        lambda a, f, r: (a, f(a) / r),
    ],
)
def test_a_steep_output_does_not_hide_a_flat_one(function, ratio):
    x = point(0.3, 0.7, -1.1)
    assert gradcheck(lambda a: function(a, minicnn.sin, ratio), x)
    with pytest.raises(GradcheckError, match="is wrong"):
        gradcheck(lambda a: function(a, bad, ratio), x)


@pytest.mark.parametrize("ratio", [1e4, 1e5, 1e6])
def test_a_steep_input_does_not_hide_a_flat_one(ratio):
    x = point(0.3, 0.7, -1.1)
    assert gradcheck(lambda a: ratio * a[0] + minicnn.sin(a[1:]).sum(), x)
    with pytest.raises(GradcheckError, match="is wrong"):
        gradcheck(lambda a: ratio * a[0] + bad(a[1:]).sum(), x)


@pytest.mark.parametrize("constant", [1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13])
@pytest.mark.parametrize("seed", range(4))
def test_a_large_constant_does_not_hide_a_gradient(constant, seed):
    x = point(0.3, 0.7)
    assert constant > 1e11 or gradcheck(lambda a: a.sin() + constant, x, seed=seed)
    said = "is wrong" if constant < 1e11 else "is wrong|too large beside their changes"
    with pytest.raises(GradcheckError, match=said):
        gradcheck(lambda a: bad(a) + constant, x, seed=seed)


@pytest.mark.parametrize("function", [minicnn.sin, bad])
def test_where_rounding_hides_the_gradient_nothing_is_passed(function):
    with pytest.raises(GradcheckError, match="too large beside their changes") as caught:
        gradcheck(lambda a: function(a) + 1e13, point(0.3, 0.7))
    assert "subtract a constant" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e-10, 1e10, 1e150, 1e200, 1e290])
@pytest.mark.filterwarnings("error")
def test_no_size_of_the_output_is_too_large_or_small(scale):
    x = point(0.3, 0.7)
    assert gradcheck(lambda a: a.sin() * scale, x)
    with pytest.raises(GradcheckError, match="is wrong"):
        gradcheck(lambda a: bad(a) * scale, x)


def test_inputs_so_large_that_the_step_is_lost_in_them():
    x = point(3e9, 1e9)
    assert gradcheck(lambda a: (a / 1e10).sin(), x)
    with pytest.raises(GradcheckError, match="is wrong"):
        gradcheck(lambda a: bad(a / 1e10), x)
    with pytest.raises(GradcheckError, match=r"too large beside their changes|do not settle"):
        gradcheck(lambda a: bad(a / 1e10) + 1e13, x)


def test_a_gradient_that_is_zero_but_for_rounding_passes():
    x = minicnn.tensor(np.random.default_rng(0).normal(size=(6, 40)), requires_grad=True)
    assert gradcheck(lambda a: minicnn.softmax(a, 1).sum(), x)
    assert gradcheck(lambda a: minicnn.softmax(100 * a, 1).sum(1), x)
    assert gradcheck(lambda a: minicnn.cat([minicnn.softmax(a, 1).sum(1), 1e6 * a[:, 0]]), x)
    assert gradcheck(lambda a: a * 0.0 + 1e12, x)


# ---- arguments


@pytest.mark.parametrize(
    ("keywords", "error"),
    [
        ({"eps": "a"}, TypeError),
        ({"eps": None}, TypeError),
        ({"eps": float("nan")}, ParameterError),
        ({"eps": float("inf")}, ParameterError),
        ({"directions": 1.5}, TypeError),
        ({"directions": "2"}, TypeError),
        ({"seed": 1.5}, TypeError),
        ({"seed": None}, TypeError),
        ({"atol": "a"}, TypeError),
        ({"rtol": [1]}, TypeError),
        ({"nondet_tol": None}, TypeError),
        ({"nondet_tol": float("nan")}, ParameterError),
    ],
)
def test_numbers_of_a_wrong_kind(keywords, error):
    (key,) = keywords
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(error, match=f"{key} expects") as caught:
            check(minicnn.tanh, point(1.0), **keywords)
        assert isinstance(caught.value, MinicnnError)
        assert len(str(caught.value).splitlines()) == 3
    assert gradcheck(minicnn.tanh, point(1.0), directions=np.int64(1), eps=np.float64(1e-6), atol=0, rtol=1)
