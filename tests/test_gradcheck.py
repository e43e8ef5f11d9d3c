"""`gradcheck` on functions of one's own: what it passes, what it refuses, and what it says."""

import copy
import inspect
import re
import sys

import numpy as np
import pytest

import minicnn
import minicnn.nn.functional as F
from minicnn import nn
from minicnn.errors import ArgumentTypeError, DTypeError, ParameterError
from minicnn.testing import GradcheckError, NotDifferentiableError, gradcheck, gradgradcheck

STRAY = 1e-3


def point(*values):
    return minicnn.tensor(values, dtype=minicnn.float64, requires_grad=True)


class Cube(minicnn.autograd.Function):
    """x³; subclasses give it backwards that are wrong in one way each."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 3 * g * x * x


def cube(backward):
    return type("Cube", (Cube,), {"backward": staticmethod(backward)}).apply


def test_it_stands_where_pytorch_has_it():
    assert minicnn.gradcheck is gradcheck is minicnn.autograd.gradcheck
    assert minicnn.gradgradcheck is gradgradcheck is minicnn.autograd.gradgradcheck
    assert issubclass(GradcheckError, RuntimeError)
    assert issubclass(GradcheckError, AssertionError)


@pytest.mark.parametrize(
    ("function", "values"),
    [
        (lambda x: minicnn.sin(1e4 * x), (0.3, 0.1)),
        (lambda x: minicnn.sin(1e8 * x), (0.3, 0.1)),
        (lambda x: minicnn.exp(1000 * x), (0.3, 0.0)),
        (lambda x: minicnn.tanh(1e7 * x), (0.0, 1.0)),
        (lambda x: (x * x + 1e-14).sqrt(), (0.0, 1.0)),  # |x|, its corner rounded within 1e-7
        (lambda x: 1e6 * x**2, (0.0, 1e-3)),
        (lambda x: x**3, (0.0, 0.0)),
        (lambda x: x**5, (0.0, 1.0)),
        (lambda x: x * x.abs(), (0.0, 1.0)),
        (lambda x: (x + 1e6) - 1e6, (0.3, 0.1)),
        (lambda x: x * x, (1e6, -3e8)),
        (lambda x: x * 1e-12, (1.0, 2.0)),
        (lambda x: x.relu(), (1.0, 2e-6)),  # a kink within the step, but not at the point
        (lambda x: x.relu(), (1.0, 1e-7)),
        (lambda x: x.split(1), (1.0, 2.0)),
        (lambda x: x.sum() * 0.0 + 7.0, (1.0, 2.0)),
        (lambda x: minicnn.softmax(x, 0).sum(), (1.0, 2.0)),
    ],
)
def test_right_gradients_pass_however_curved_steep_or_flat(function, values):
    assert gradcheck(function, point(*values))


@pytest.mark.parametrize("factor", [1.01, 0.99, 1.0001])
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_small_error_is_caught_at_any_scale(factor, scale):
    class Scaled(Cube):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return scale * x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return factor * scale * 3 * g * x * x

    with pytest.raises(GradcheckError, match="gradient of input 0 is wrong"):
        gradcheck(Scaled.apply, point(0.5, -1.0, 2.0))


def test_one_element_in_ten_thousand_is_found_and_named():
    values = np.random.default_rng(0).normal(size=(100, 100))
    values[58, 43] = 1.0
    x = minicnn.tensor(values, requires_grad=True)

    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        g = 3 * g * x * x
        g[58, 43] = g[58, 43] * 1.5
        return g

    with pytest.raises(GradcheckError, match=re.escape("furthest off at element (58, 43) of (100, 100)")):
        gradcheck(cube(backward), x)


@pytest.mark.parametrize(
    ("function", "values", "element", "what"),
    [
        (minicnn.relu, (1.0, 0.0, -2.0), 1, "has a kink"),
        (minicnn.abs, (1.0, 2.0, 0.0), 2, "has a kink"),
        (lambda x: x.max(), (3.0, 3.0, -2.0), None, "has a kink"),
        (lambda x: F.max_pool1d(x.reshape(1, 1, 4), 2), (3.0, 3.0, 1.0, 2.0), None, "has a kink"),
        (lambda x: 1e-3 * x.relu() + x.sin(), (1.0, 0.0), 1, "has a kink"),
        (minicnn.sign, (1.0, 0.0, -2.0), 1, "jumps"),
        (minicnn.floor, (0.5, 2.0), 1, "jumps"),
        (lambda x: (x > 0).double() * x.cos(), (0.0, 1.0), 0, "jumps"),
    ],
)
def test_a_point_without_derivative_is_refused_and_the_gradient_not_blamed(function, values, element, what):
    with pytest.raises(NotDifferentiableError, match="not differentiable at this point") as caught:
        gradcheck(function, point(*values))
    text = str(caught.value)
    assert what in text
    assert "wrong" not in text
    assert f"element ({'' if element is None else element}" in text
    assert "input 0" in text


def test_the_kink_of_a_derivative_is_refused_at_second_order():
    assert gradcheck(lambda x: x.relu() ** 2, point(1.0, 0.0))
    with pytest.raises(NotDifferentiableError):
        gradgradcheck(lambda x: x.relu() ** 2, point(1.0, 0.0))
    with pytest.raises(NotDifferentiableError, match="jumps"):
        gradgradcheck(minicnn.relu, point(1.0, 0.0))


@pytest.mark.parametrize("seed", range(8))
def test_what_no_step_can_follow_is_not_blamed_on_the_gradient(seed):
    with pytest.raises(GradcheckError) as caught:
        gradcheck(lambda x: minicnn.sin(2e9 * x), point(0.3), seed=seed)
    assert "wrong" not in str(caught.value)
    assert "do not settle" in str(caught.value)


@pytest.mark.parametrize(
    ("backward", "said"),
    [
        (lambda ctx, g: g * 2, "gradient of input 0 is wrong"),
        (lambda ctx, g: None, "none was given by backward"),
        (lambda ctx, g: Cube.backward(ctx, g).float(), "Cube.backward returned a float32 gradient"),
        (lambda ctx, g: Cube.backward(ctx, g).sum(), r"must have its input's shape \(3,\), got \(\)"),
        (lambda ctx, g: Cube.backward(ctx, g).numpy(), "must be a Tensor, got ndarray"),
        (lambda ctx, g: g * float("nan"), r"gradient of input 0 is nan at element \(0,\)"),
        (lambda ctx, g: g * minicnn.rand(3, dtype=minicnn.float64), "backward is not deterministic"),
        (lambda ctx, g: _written(ctx, g), "its backward changed input 0"),
    ],
)
def test_what_a_backward_does_wrong_is_said(backward, said):
    with pytest.raises(GradcheckError, match=said):
        gradcheck(cube(backward), point(0.5, -1.0, 2.0))
    assert gradcheck(cube(backward), point(0.5, -1.0, 2.0), raise_exception=False) is False
    assert gradcheck(Cube.apply, point(0.5, -1.0, 2.0))


def _written(ctx, g):
    (x,) = ctx.saved_tensors
    result = 3 * g * x * x
    x._array[...] += STRAY
    return result


class Widened(minicnn.autograd.Fused, register=False):
    """An op of one's own, with a backward of a wrong shape or dtype in the middle of a graph."""

    spoil = staticmethod(lambda d: d)

    @staticmethod
    def definition(x):
        return x * 2

    @staticmethod
    def forward(be, x):
        return x * 2, None

    @classmethod
    def backward(cls, be, grads, saved, needs, x):
        return [cls.spoil(grads[0] * 2)]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(lambda d: d[:1], "shape"), (lambda d: d.astype(np.float32), "float32"), (lambda d: d.sum(), "shape")],
)
def test_a_wrong_kind_of_gradient_is_seen_in_the_middle_of_a_graph(monkeypatch, spoil, said):
    def function(x):
        return Widened.apply(x * x) * 3

    assert gradcheck(function, point(1.0, 2.0))
    monkeypatch.setattr(Widened, "spoil", staticmethod(spoil), raising=True)
    with pytest.raises(GradcheckError, match=f"widened.backward returned a .*{said}"):
        gradcheck(function, point(1.0, 2.0))


def test_randomness_and_writes_of_the_function_are_said():
    with pytest.raises(GradcheckError, match="the function is not deterministic"):
        gradcheck(F.dropout, point(*range(1, 9)))
    x = point(1.0, 2.0)

    def writes(x):
        x._array[0] += STRAY
        return x * 1.0

    with pytest.raises(GradcheckError, match="the function changed input 0"):
        gradcheck(writes, x)
    assert gradcheck(lambda x: x + 0.0 * float(minicnn.rand(1)[0]), x)
    assert gradcheck(lambda x: x + 1e-12 * float(minicnn.rand(1)[0]), x, nondet_tol=1e-9)


def test_what_is_not_finite_is_said():
    with pytest.raises(GradcheckError, match="output is not finite"):
        gradcheck(minicnn.log, point(0.0, 1.0))
    with pytest.raises(GradcheckError, match="is inf at element"):
        gradcheck(minicnn.sqrt, point(0.0, 1.0))
    with pytest.raises(GradcheckError, match="not finite a step away"):
        gradcheck(minicnn.log, point(1e-6, 1.0))
    assert gradcheck(minicnn.log, point(1e-6, 1.0), eps=1e-9, rtol=1e-4)


def test_a_missing_gradient_of_one_output_counts_as_zeros():
    class Two(minicnn.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return 2 * g + 3 * h

    x = point(1.0, 2.0)
    with pytest.raises(GradcheckError, match="output 0 alone has a gradient"):
        gradcheck(Two.apply, x)
    assert gradcheck(Two.apply, x, check_undefined_grad=False)
    Two.backward = staticmethod(lambda ctx, g, h: (2 * g if g is not None else 0) + (3 * h if h is not None else 3))
    with pytest.raises(GradcheckError, match="missing gradient for something else than zeros"):
        gradcheck(Two.apply, x)


def test_modules_have_their_parameters_checked_by_name():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Tanh(), nn.Flatten(), nn.LazyLinear(2)).double()
    x = minicnn.randn(2, 1, 5, 5, dtype=minicnn.float64)
    model(x)
    before = copy.deepcopy({k: v.numpy() for k, v in model.state_dict().items()})
    assert gradcheck(model, x)
    assert gradgradcheck(model, x)
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key], err_msg=key)
    assert all(p.grad is None for p in model.parameters())

    class Forgets(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(point(2.0, 3.0).detach())

        def forward(self, x):
            return x * self.weight.detach() + self.weight

    with pytest.raises(GradcheckError, match="gradient of parameter weight is wrong"):
        gradcheck(Forgets(), minicnn.ones(2, dtype=minicnn.float64))
    with pytest.raises(DTypeError, match=r"parameter weight is float32"):
        gradcheck(nn.Linear(2, 2), minicnn.ones(2, dtype=minicnn.float64))


def test_the_same_tensor_twice_and_inputs_that_are_no_tensors():
    x = point(1.0, 2.0)
    assert gradcheck(lambda a, b, k: a * b * k, (x, x, 3))
    assert x.grad is None


@pytest.mark.parametrize(
    ("keywords", "error", "said"),
    [
        ({"eps": 0.0}, ParameterError, "eps"),
        ({"directions": 0}, ParameterError, "directions"),
        ({"seed": -1}, ParameterError, "seed"),
        ({"atol": -1.0}, ParameterError, "atol"),
        ({"check_batched_grad": True}, ParameterError, "check_batched_grad"),
        ({"check_forward_ad": True}, ParameterError, "check_forward_ad"),
        ({"epsilon": 1e-6}, ArgumentTypeError, "epsilon"),
    ],
)
def test_wrong_keywords(keywords, error, said):
    for check in (gradcheck, gradgradcheck):
        with pytest.raises(error, match=said) as caught:
            check(minicnn.tanh, point(1.0), **keywords)
        assert len(str(caught.value).splitlines()) == 3


def test_wrong_inputs():
    with pytest.raises(ArgumentTypeError, match="no input requires grad"):
        gradcheck(minicnn.tanh, minicnn.ones(2))
    with pytest.raises(DTypeError, match="input 0 is float32"):
        gradcheck(minicnn.tanh, minicnn.ones(2, requires_grad=True))
    with pytest.raises(ArgumentTypeError, match="func expects a function"):
        gradcheck(point(1.0), point(1.0))
    with pytest.raises(GradcheckError, match="output 0 is float32"):
        gradcheck(lambda x: x.float(), point(1.0))


def test_pytorch_keywords_that_change_nothing():
    x = point(0.3, -0.7)
    assert gradcheck(minicnn.tanh, (x,), eps=1e-6, atol=1e-5, rtol=1e-3, check_grad_dtypes=True, fast_mode=True)
    assert gradgradcheck(
        minicnn.tanh, (x,), point(1.0, 2.0), check_batched_grad=False, gen_non_contig_grad_outputs=False
    )


@pytest.mark.peers
@pytest.mark.parametrize("name", ["gradcheck", "gradgradcheck"])
def test_every_keyword_of_pytorch_is_taken_at_its_default(name):
    torch = pytest.importorskip("torch")
    parameters = inspect.signature(getattr(torch.autograd, name)).parameters.values()
    defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    if name == "gradgradcheck":
        defaults["masked"] = False
    assert len(defaults) > 8
    assert getattr(minicnn, name)(minicnn.tanh, (point(0.3, -0.7),), **defaults)
    ours = list(inspect.signature(getattr(minicnn, name)).parameters)
    assert ours[: 2 + (name == "gradgradcheck")] == [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]


def test_tolerances_given_by_the_user_hold():
    def backward(ctx, g):
        return 1.001 * Cube.backward(ctx, g)

    x = point(0.5, 2.0)
    assert not gradcheck(cube(backward), x, raise_exception=False)
    assert gradcheck(cube(backward), x, rtol=1e-2)
    assert gradcheck(cube(backward), x, atol=1.0)


def wrong_square(x):
    return cube(lambda ctx, g: g * ctx.saved_tensors[0].detach() * ctx.saved_tensors[0])(x)


@pytest.mark.parametrize("check", [gradcheck, gradgradcheck])
@pytest.mark.parametrize("function", [wrong_square, lambda x: wrong_square(x)])
@pytest.mark.parametrize("size", [3, 50])
def test_the_line_that_a_failure_gives_repeats_it(check, function, size, monkeypatch):
    x = minicnn.randn(size, dtype=minicnn.float64, generator=minicnn.Generator().manual_seed(0)).requires_grad_()
    with pytest.raises(GradcheckError) as first:
        check(function, x, seed=5, eps=1e-5)
    line = str(first.value).split("to repeat: ")[1]
    assert "\n" not in line
    assert "seed=5" in line
    monkeypatch.setattr(sys, "last_value", first.value, raising=False)
    with pytest.raises(GradcheckError) as second:
        exec(line, {})
    details = [str(error.value).splitlines()[1] for error in (first, second)]
    assert details[0] == details[1]
    for said in ("element", "backward", "differences", "step 1e-05", "float64", "seed 5"):
        assert said in details[0]
