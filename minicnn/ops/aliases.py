"""Other names of the same functions, which PyTorch has too."""

from __future__ import annotations

from minicnn.ops.primitive.arithmetic import mul, sub
from minicnn.ops.primitive.division import div
from minicnn.ops.primitive.hyperbolic import acosh, asinh, atanh
from minicnn.ops.primitive.parts import split, vstack
from minicnn.ops.primitive.pointwise import abs, neg
from minicnn.ops.primitive.products import outer
from minicnn.ops.primitive.rearrange import movedim
from minicnn.ops.primitive.rounding import trunc
from minicnn.ops.primitive.running import trapezoid
from minicnn.ops.primitive.select import ge, gt, le, lt, ne
from minicnn.ops.primitive.solve import inv
from minicnn.ops.primitive.trigonometry import acos, asin, atan, atan2

absolute, negative, fix = abs, neg, trunc
subtract, multiply, divide, true_divide = sub, mul, div, div
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
arccosh, arcsinh, arctanh = acosh, asinh, atanh
ger, inverse, trapz = outer, inv, trapezoid
moveaxis, row_stack, split_with_sizes = movedim, vstack, split

__all__ = [name for name in dir() if not name.startswith("_") and name != "annotations"]
