"""Against PyTorch: every method that ends in an underscore, on the same values, with the same gradients."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

X = np.array([[0.3, 0.6, 0.2], [0.7, 0.4, 0.9]])
Y = np.array([[0.5, 0.25, 2.0], [1.5, 0.75, 0.1]])
N = np.array([[4, 6, 9], [12, 7, 3]])
J = np.array([[2, 3, 1], [5, 4, 2]])
M = np.array([[True, False, True], [False, True, False]])
S = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])

UNARY = """abs absolute neg negative sgn sign square sqrt rsqrt log log2 log10 log1p exp exp2 expm1 reciprocal sin cos
    tan sinh cosh tanh asin acos atan asinh atanh arcsin arccos arctan arcsinh arctanh erf erfc erfinv sinc logit
    sigmoid deg2rad rad2deg floor ceil round trunc frac fix relu nan_to_num zero"""
BINARY = """add sub subtract mul multiply div divide true_divide pow atan2 arctan2 hypot copysign xlogy fmod remainder
    floor_divide eq ne not_equal lt less le less_equal gt greater ge greater_equal logical_and logical_or logical_xor
    float_power clamp_min clamp_max copy"""
INTEGERS = (
    "gcd lcm bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift floor_divide remainder mul"
)
VALUES_ONLY = {  # PyTorch has no gradient of these in place, or (logical_) lets the old one through
    *("sgn_", "asinh_", "acosh_", "atanh_", "arcsinh_", "arccosh_", "arctanh_", "floor_divide_", "heaviside_"),
    *("logical_and_", "logical_or_", "logical_xor_", "logical_not_"),
}
CASES = [
    *((f"{name}_", X, (), {}) for name in UNARY.split()),
    *((f"{name}_", X, (Y,), {}) for name in BINARY.split()),
    *((f"{name}_", N, (J,), {}) for name in INTEGERS.split()),
    ("acosh_", X + 1, (), {}), ("arccosh_", X + 1, (), {}), ("bitwise_not_", N, (), {}), ("logical_not_", X, (), {}),
    ("clamp_", X, (0.3, 0.6), {}), ("clip_", X, (), {"max": 0.5}), ("fill_", X, (3.0,), {}),
    ("div_", X, (Y,), {"rounding_mode": "floor"}), ("add_", X, (Y,), {"alpha": 2}), ("sub_", X, (Y,), {"alpha": 2}),
    ("lerp_", X, (Y, 0.25), {}), ("addcmul_", X, (Y, Y), {"value": 0.5}), ("addcdiv_", X, (Y, Y), {"value": 0.5}),
    ("heaviside_", X, (Y,), {}), ("cumsum_", X, (1,), {}), ("cumprod_", X, (0,), {}), ("tril_", X, (), {}),
    ("triu_", X, (1,), {}), ("masked_fill_", X, (M, 2.0), {}), ("masked_scatter_", X, (M, Y), {}),
    ("index_add_", X, (1, np.array([2, 0]), Y[:, :2]), {"alpha": 2}),
    ("index_fill_", X, (1, np.array([2, 0]), 5.0), {}),
    ("index_copy_", X, (1, np.array([2, 0]), Y[:, :2]), {}), ("put_", X, (np.array([5, 0]), Y[0, :2]), {}),
    ("index_reduce_", X, (1, np.array([2, 0]), Y[:, :2], "mean"), {}), ("scatter_", X, (1, J % 3, Y), {}),
    ("scatter_add_", X, (1, J % 3, Y), {}), ("scatter_reduce_", X, (1, J % 3, Y, "amax"), {}),
    ("index_put_", X, ((np.array([0, 0]), np.array([1, 1])), Y[0, :2], True), {}),
    ("addmm_", S[:2], (Y, S), {"beta": 0.5}), ("addmv_", X[:, 0], (Y, X[0]), {}), ("addr_", X, (Y[:, 0], Y[0]), {}),
    ("baddbmm_", X[None], (Y[None, :, :2], Y[None, :2]), {}), ("addbmm_", X, (Y[None, :, :2], Y[None, :2]), {}),
    ("fill_diagonal_", X, (9.0,), {}), ("fill_diagonal_", np.zeros((7, 3)), (1.0,), {}),
    ("fill_diagonal_", np.zeros((7, 3)), (1.0, True), {}), ("fill_diagonal_", np.zeros((3, 3, 3)), (1.0,), {}),
    ("unsqueeze_", X, (1,), {}), ("squeeze_", X[:, :1], (), {}), ("squeeze_", X[None], (0,), {}),
    ("transpose_", X, (0, 1), {}), ("swapaxes_", X, (0, 1), {}), ("swapdims_", X, (-1, 0), {}), ("t_", X, (), {}),
]  # fmt: skip


def made(lib, value):
    if isinstance(value, np.ndarray):
        return lib.tensor(value)
    return tuple(made(lib, v) for v in value) if isinstance(value, tuple) else value


@pytest.mark.parametrize(("name", "values", "args", "kwargs"), CASES, ids=[case[0] for case in CASES])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_in_place(name, values, args, kwargs):
    found = []
    for lib in (minicnn, torch):
        leaf = lib.tensor(values)
        if values.dtype.kind == "f" and name not in VALUES_ONLY:
            leaf.requires_grad_()
        x = leaf * 1
        result = getattr(x, name)(*(made(lib, a) for a in args), **kwargs)
        assert result is x
        if x.requires_grad:
            (x * lib.arange(float(x.numel()), dtype=x.dtype).reshape(tuple(x.shape))).sum().backward()
        found.append((x.detach().numpy(), None if leaf.grad is None else leaf.grad.numpy()))
    (mine, grad), (theirs, expected) = found
    assert mine.dtype == theirs.dtype
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)
    if expected is not None:
        np.testing.assert_allclose(0.0 if grad is None else grad, expected, rtol=1e-9, atol=1e-12)


def test_every_underscore_of_a_tensor_is_here():
    drawn = {"uniform_", "normal_", "bernoulli_", "random_", "exponential_", "geometric_", "log_normal_", "cauchy_"}
    apart = {"requires_grad_", "detach_", "apply_", "resize_", "retain_grad_", "is_shared_", "share_memory_"}
    names = {n for n in dir(minicnn.Tensor) if n.endswith("_") and not n.startswith("_")}
    missing = names - drawn - apart - {case[0] for case in CASES}
    assert not missing
    assert {n for n in names if not hasattr(torch.Tensor, n)} == set()


OPERATORS = ["__ifloordiv__", "__imod__", "__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__"]


@pytest.mark.parametrize("name", OPERATORS)
def test_augmented_assignments_keep_the_memory(name):
    found = []
    for lib in (minicnn, torch):
        x = lib.tensor(N)
        view = x[0]
        assert getattr(x, name)(lib.tensor(J)) is x
        found.append((x.numpy(), view.numpy()))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


@pytest.mark.parametrize("name", ["unsqueeze_", "squeeze_", "transpose_", "t_"])
def test_shapes_in_place_keep_the_memory_and_the_rules(name):
    args = {"unsqueeze_": (0,), "transpose_": (0, 1)}.get(name, ())
    for lib in (minicnn, torch):
        base = lib.zeros(2, 1)
        x = base[:]
        getattr(x, name)(*args)
        x.fill_(3.0)
        assert base.tolist() == [[3.0], [3.0]]
        leaf = lib.zeros(2, 1, requires_grad=True)
        with pytest.raises(RuntimeError):
            getattr(leaf, name)(*args)
        y = leaf * 1
        view = y[0]
        getattr(y, name)(*args)
        y *= 5
        (view.sum() + y.sum() * 10).backward()
        assert leaf.grad.tolist() == [[55.0], [50.0]]


def test_a_value_that_backward_needs_is_guarded():
    for lib in (minicnn, torch):
        y = (lib.ones(3, requires_grad=True) * 1).exp()
        z = y * 2
        y.cumprod_(0)
        with pytest.raises(RuntimeError, match=r"in-?place|in place"):
            (y.sum() + z.sum()).backward()
