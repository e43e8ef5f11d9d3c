"""NumPy's functions called with tensors: computed by the op of that name, or refused in three lines."""

import operator

import numpy as np
import pytest

import minicnn
from minicnn.errors import MinicnnError

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of arccosh below 1
UFUNCS = sorted({f.__name__ for f in vars(np).values() if isinstance(f, np.ufunc)})
A, B = np.array([[0.25, 0.5, 0.75], [0.5, 0.25, 0.125]]), np.array([0.5, 0.25, 0.125])


def arguments(ufunc):
    for dtype in (np.float64, np.int64, np.bool_):
        given = [a.astype(dtype) if dtype is np.float64 else (a * 8).astype(dtype) for a in (A, B)][: ufunc.nin]
        try:
            return given, ufunc(*given)
        except (TypeError, ValueError):
            continue
    return [A, B][: ufunc.nin], None


def answer(ufunc, given):
    """Return the error that a call raises; None if it is computed."""
    try:
        ufunc(*given)
    except (TypeError, RuntimeError) as error:
        return error
    return None


@pytest.mark.parametrize("name", UFUNCS)
def test_a_ufunc_is_the_op_of_its_name_or_refused(name):
    ufunc = getattr(np, name)
    given, expected = arguments(ufunc)
    ways = [[minicnn.tensor(x) for x in given]]
    if ufunc.nin == 2:
        ways += [[minicnn.tensor(given[0]), given[1]], [given[0], minicnn.tensor(given[1])]]
    for way in ways:
        refused = answer(ufunc, way)
        if refused is not None:
            assert isinstance(refused, MinicnnError), refused
            assert len(str(refused).splitlines()) == 3
            assert ufunc not in (np.sin, np.add, np.multiply, np.maximum, np.equal, np.power, np.invert), refused
            continue
        found = ufunc(*way)
        assert isinstance(found, minicnn.Tensor)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def test_most_are_there():
    def taken(name):
        ufunc = getattr(np, name)
        return answer(ufunc, [minicnn.tensor(x) for x in arguments(ufunc)[0]]) is None

    assert sum(map(taken, UFUNCS)) > 65


def test_the_gradient_is_recorded():
    x = minicnn.tensor(B, requires_grad=True)
    np.multiply(B, np.sin(x)).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), B * np.cos(B))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: np.spacing(x), "numpy.spacing: does not take a Tensor."),
        (lambda x: np.add.reduce(x), "numpy.add.reduce: does not take a Tensor"),
        (lambda x: np.add.outer(x, x), "numpy.add.outer"),
        (lambda x: np.add(B, x, out=B.copy()), "with out"),
        (lambda x: np.sin(x, where=B > 0.2), "with where"),
        (lambda x: operator.iadd(B.copy(), x), "with out"),
        (lambda x: np.mean(x), "mean: has no argument out"),
    ],
)
def test_others_are_refused_in_three_lines(call, words):
    with pytest.raises(TypeError) as caught:
        call(minicnn.tensor(B))
    lines = str(caught.value).splitlines()
    assert words in lines[0]
    assert len(lines) == 3


@pytest.mark.parametrize("op", ["add", "sub", "mul", "truediv", "pow", "mod", "floordiv", "lt", "le", "eq", "ne", "gt"])
@pytest.mark.parametrize(
    "left", [B, B.astype(np.float32), np.array([1, 2, 3]), np.float64(2), np.int64(3), np.array(2)]
)
def test_an_array_on_the_left_gives_what_a_tensor_there_gives(op, left):
    x = minicnn.tensor([0.5, 2.0, 3.0])
    found = getattr(operator, op)(left, x)
    number = isinstance(left, np.generic)
    expected = getattr(operator, op)(left.item() if number else minicnn.from_numpy(left), x)
    assert (found.dtype, found.tolist()) == (expected.dtype, expected.tolist())


def test_a_product_of_matrices_takes_the_array_in_the_tensors_dtype():
    found = A @ minicnn.tensor([1.0, 2.0, 3.0])
    assert (found.dtype, found.tolist()) == (minicnn.float32, [3.5, 1.375])
