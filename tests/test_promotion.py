"""Type promotion: the result dtype of each op for each pair of dtypes and kinds of operand, by PyTorch's rule."""

from __future__ import annotations

import itertools
import operator

import numpy as np
import pytest

import minicnn
from minicnn.errors import DTypeError

NAMES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64")

# What PyTorch's torch.promote_types gives; rows and columns in the order of NAMES.
TABLE = """
bool    uint8   int8    int16   int32   int64   float32 float64
uint8   uint8   int16   int16   int32   int64   float32 float64
int8    int16   int8    int16   int32   int64   float32 float64
int16   int16   int16   int16   int32   int64   float32 float64
int32   int32   int32   int32   int32   int64   float32 float64
int64   int64   int64   int64   int64   int64   float32 float64
float32 float32 float32 float32 float32 float32 float32 float64
float64 float64 float64 float64 float64 float64 float64 float64
"""
PROMOTED = {
    (row, column): entry
    for row, line in zip(NAMES, TABLE.strip().splitlines(), strict=True)
    for column, entry in zip(NAMES, line.split(), strict=True)
}
SCALARS = {"bool": True, "int64": 2, "float32": 1.5}  # a Python float stands for the default dtype

# An operand: how it ranks ("dims", "none", "scalar") and its dtype.
OPERANDS = [(rank, name) for rank in ("dims", "none") for name in NAMES] + [("scalar", name) for name in SCALARS]
PAIRS = [(a, b) for a, b in itertools.product(OPERANDS, OPERANDS) if (a[0], b[0]) != ("scalar", "scalar")]
OPS = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "div": operator.truediv,
    "floordiv": operator.floordiv,
    "mod": operator.mod,
    "pow": operator.pow,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}
BITWISE = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
DIVISIONS = ("floordiv", "mod")


def category(name: str) -> int:
    return 0 if name == "bool" else 2 if name.startswith("float") else 1


def expected(a: tuple[str, str], b: tuple[str, str]) -> str:
    """The rule: the operand of the higher rank wins, unless the other is of a higher category."""
    ranks = ("dims", "none", "scalar")
    if a[0] == b[0]:
        return PROMOTED[a[1], b[1]]
    high, low = (a, b) if ranks.index(a[0]) < ranks.index(b[0]) else (b, a)
    return low[1] if category(low[1]) > category(high[1]) else high[1]


def make(operand: tuple[str, str], lib, index: int = 0):
    rank, name = operand
    if rank == "scalar":
        return SCALARS[name]
    values = ([1, 1, 1], [1, 1, 1])[index] if name == "bool" else ([3, 1, 2], [2, 1, 1])[index]
    return lib.tensor(values if rank == "dims" else values[0], dtype=getattr(lib, name))


def label(operand: tuple[str, str]) -> str:
    return "-".join(operand)


def dtype_of(name: str, a: tuple[str, str], b: tuple[str, str]) -> str:
    """What an op gives: the promoted dtype, a bool, or a float."""
    common = expected(a, b)
    if name in COMPARISONS:
        return "bool"
    if name == "div" and category(common) < 2:
        return "float32"
    return common


@pytest.mark.parametrize("name", OPS)
def test_result_dtypes(name):
    wrong = []
    for a, b in PAIRS:
        if name == "sub" and "bool" in (a[1], b[1]):
            continue  # an error, below
        if name in (*DIVISIONS, "pow") and a[1] == b[1] == "bool":
            continue  # below
        result = OPS[name](make(a, minicnn), make(b, minicnn, 1))
        if str(result.dtype) != dtype_of(name, a, b):
            wrong.append(f"{label(a)} {name} {label(b)}: {result.dtype}, not {dtype_of(name, a, b)}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_result_dtypes_of_extremes(name):
    for a, b in PAIRS:
        if "scalar" not in (a[0], b[0]):
            assert str(getattr(minicnn, name)(make(a, minicnn), make(b, minicnn, 1)).dtype) == expected(a, b)


@pytest.mark.parametrize("name", BITWISE)
def test_result_dtypes_and_values_of_bitwise_operators(name):
    wrong = []
    for a, b in PAIRS:
        if 2 in (category(a[1]), category(b[1])):
            continue
        x, y = make(a, minicnn), make(b, minicnn, 1)
        result = BITWISE[name](x, y)
        numbers = [v.numpy() if hasattr(v, "numpy") else v for v in (x, y)]
        right = BITWISE[name](*(np.asarray(v).astype(np.int64) for v in numbers))
        if str(result.dtype) != expected(a, b) or not (result.numpy().astype(np.int64) == right).all():
            wrong.append(f"{label(a)} {name} {label(b)}: {result!r}")
    assert not wrong, "\n".join(wrong)


def test_result_dtypes_of_where_and_cat():
    condition = minicnn.tensor([True, False, True])
    for a, b in PAIRS:
        x, y = make(a, minicnn), make(b, minicnn, 1)
        assert str(minicnn.where(condition, x, y).dtype) == expected(a, b), (a, b)
        if a[0] == b[0] == "dims":
            assert str(minicnn.cat([x, y]).dtype) == expected(a, b)
    assert str(minicnn.where(condition, 1.0, 0).dtype) == "float32"
    assert str(minicnn.where(condition, 1, 0).dtype) == "int64"
    assert str(minicnn.where(condition, True, False).dtype) == "bool"


def test_promote_types_and_result_type():
    for (a, b), result in PROMOTED.items():
        assert str(minicnn.promote_types(a, b)) == result
    for a, b in PAIRS:
        assert str(minicnn.result_type(make(a, minicnn), make(b, minicnn))) == expected(a, b)


def test_subtraction_of_bools_is_refused():
    for a, b in PAIRS:
        if "bool" in (a[1], b[1]):
            with pytest.raises(DTypeError, match="bool"):
                _ = make(a, minicnn) - make(b, minicnn)
    with pytest.raises(DTypeError, match="bool"):
        _ = -minicnn.tensor([True])


def test_scalars_do_not_widen():
    x = minicnn.ones(2)
    wide = minicnn.tensor(1.0, dtype=minicnn.float64)
    for y in (
        *(x + 1.5, x * 2, 2 - x, 1.5 / x, x**2, x**0.5, 2**x, x + True, x + wide, wide * x),
        *(x * np.float64(2), np.float64(2) * x, x + np.int64(1)),
        *(x > 0.5, x.clamp(0.0, 1.0), minicnn.where(x > 0, x, 0.0), x.masked_fill(x > 0, 1)),
    ):
        assert y.dtype in (minicnn.float32, minicnn.bool)


def test_reflected_operators():
    x = minicnn.tensor([2, 5])
    assert (7 // x).tolist() == [3, 1]
    assert (7 % x).tolist() == [1, 2]
    assert (7 - x).tolist() == [5, 2]
    assert (2**x).tolist() == [4, 32]
    assert (1 & x).tolist() == [0, 1]
    assert (1 | x).tolist() == [3, 5]
    assert (1 ^ x).tolist() == [3, 4]
    assert (+x).tolist() == [2, 5]
    assert (~x).tolist() == [-3, -6]
    assert (7 / x).tolist() == pytest.approx([3.5, 1.4])


def test_integer_division_is_exact():
    big = 2**53 + 1
    x = minicnn.tensor([big, -big, 16777217, -7])
    assert (x // 1).tolist() == [big, -big, 16777217, -7]
    assert (x % 10).tolist() == [v % 10 for v in (big, -big, 16777217, -7)]
    assert (x // minicnn.tensor(2)).tolist() == [v // 2 for v in (big, -big, 16777217, -7)]
    assert minicnn.div(minicnn.tensor([-7, 7, big]), 2, rounding_mode="trunc").tolist() == [-3, 3, big // 2]


def test_float_division_rounds_as_python_does():
    pairs = [(1.0, 0.1), (-1.0, 0.1), (7.5, -2.0), (-7.5, 2.0), (0.3, 0.1), (5.0, 5.0), (-0.0, 1.0)]
    for a, b in pairs:
        x = minicnn.tensor(a, dtype=minicnn.float64)
        assert (x // b).item() == a // b, (a, b)
        assert (x % b).item() == pytest.approx(a % b, abs=1e-15), (a, b)


def test_integer_division_by_zero_is_an_error():
    with pytest.raises(RuntimeError):
        _ = minicnn.tensor([1]) // 0
    with pytest.raises(RuntimeError):
        _ = minicnn.tensor([1]) % minicnn.tensor([0])


def test_extremes_of_integers():
    for dtype in ("uint8", "int8", "int64"):
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
        x = minicnn.tensor([[5, low], [high, 0]], dtype=getattr(minicnn, dtype))
        assert x.min().item() == low
        assert x.max().item() == high
        assert x.min().dtype == x.dtype
        assert x.min(0).values.tolist() == [5, low]
        assert x.max(1).indices.tolist() == [0, 0]
        assert x.argmin().item() == x.numpy().argmin()
    flags = minicnn.tensor([True, False])
    assert flags.min().item() is False
    assert flags.max().item() is True
    assert minicnn.tensor([1, 2, -3]).round().dtype == minicnn.int64
    assert flags.sum().item() == 1


def test_default_dtype():
    minicnn.set_default_dtype(minicnn.float64)
    try:
        assert minicnn.tensor([1.0]).dtype == minicnn.float64
        assert (minicnn.tensor([1]) / 2).dtype == minicnn.float64
        assert (minicnn.tensor([1]) + 0.5).dtype == minicnn.float64
        assert minicnn.tensor([1]).exp().dtype == minicnn.float64
        assert minicnn.zeros(1).dtype == minicnn.float64
    finally:
        minicnn.set_default_dtype(minicnn.float32)
    with pytest.raises(ValueError, match="float32 or float64"):
        minicnn.set_default_dtype("int64")


def test_other_operands_are_not_equal_and_not_promoted():
    x = minicnn.tensor([1])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    for bad in (None, "a", [1], object()):
        with pytest.raises(TypeError):
            _ = x + bad


@pytest.mark.peers
@pytest.mark.parametrize("name", [*OPS, *BITWISE])
def test_operators_against_torch(name):
    torch = pytest.importorskip("torch")
    function = {**OPS, **BITWISE}[name]
    wrong = []
    for a, b in PAIRS:
        for flip in (0, 1):

            def outcome(lib, a=a, b=b, flip=flip):
                try:
                    y = function(make(a, lib, flip), make(b, lib, 1 - flip))
                except (RuntimeError, TypeError) as error:
                    return "error", type(error).__name__ if lib is torch else ""
                return str(y.dtype).removeprefix("torch."), y.tolist()

            theirs, mine = outcome(torch), outcome(minicnn)
            if theirs[0] == "error" and name != "sub":
                continue  # minicnn may take more
            if name == "pow" and a[1] == b[1] == "bool":
                continue
            if theirs[0] != mine[0] or (theirs[0] != "error" and theirs[1] != pytest.approx(mine[1])):
                wrong.append(f"{label(a)} {name} {label(b)}: {mine}, not {theirs}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.peers
def test_the_table_is_torchs():
    torch = pytest.importorskip("torch")
    for (a, b), result in PROMOTED.items():
        assert str(torch.promote_types(getattr(torch, a), getattr(torch, b))) == f"torch.{result}"
    for a, b in PAIRS:
        assert str(torch.result_type(make(a, torch), make(b, torch))) == f"torch.{expected(a, b)}"


UNARY = (
    "sum mean amax max min argmax all any abs neg sign floor round ceil trunc relu exp sqrt sigmoid tanh logsumexp "
    "softmax var std isnan isinf isfinite logical_not clone flip"
)


@pytest.mark.peers
@pytest.mark.parametrize("function", UNARY.split())
def test_result_dtypes_of_one_tensor_against_torch(function):
    torch = pytest.importorskip("torch")
    wrong = []
    extra = {"logsumexp": (0,), "softmax": (0,), "flip": (0,)}.get(function, ())
    for name in NAMES:

        def outcome(lib, name=name):
            try:
                y = getattr(make(("dims", name), lib), function)(*extra)
            except (RuntimeError, TypeError):
                return "error", None
            return str(y.dtype).removeprefix("torch."), y.tolist()

        if function in ("all", "any") and name == "uint8":
            continue  # PyTorch gives uint8 for old code's sake
        theirs, mine = outcome(torch), outcome(minicnn)
        if theirs[0] == "error":
            continue  # minicnn may take more
        if theirs[0] != mine[0] or (theirs[1] is not None and mine[1] != pytest.approx(theirs[1], rel=1e-6)):
            wrong.append(f"{function} of {name}: {mine}, not {theirs}")
    assert not wrong, "\n".join(wrong)
