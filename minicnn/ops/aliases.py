"""Other names of the same functions, which PyTorch has too.

An alias is the function itself. A name whose arguments PyTorch calls otherwise is a function of its own, since they may
be given by keyword: `swapaxes` (axis0, axis1) beside `transpose`, `vdot` (other) beside `dot`.
"""

from __future__ import annotations

from minicnn.ops.primitive.arithmetic import mul, sub
from minicnn.ops.primitive.clamp import clamp
from minicnn.ops.primitive.compare import ge, gt, le, lt, ne
from minicnn.ops.primitive.division import div
from minicnn.ops.primitive.hyperbolic import acosh, asinh, atanh
from minicnn.ops.primitive.join import cat, vstack
from minicnn.ops.primitive.parts import split
from minicnn.ops.primitive.pointwise import abs, neg
from minicnn.ops.primitive.products import outer
from minicnn.ops.primitive.rearrange import movedim
from minicnn.ops.primitive.rounding import trunc
from minicnn.ops.primitive.running import trapezoid
from minicnn.ops.primitive.shape import transpose
from minicnn.ops.primitive.sign import sign
from minicnn.ops.primitive.solve import inv
from minicnn.ops.primitive.trigonometry import acos, asin, atan, atan2

absolute, negative, fix = abs, neg, trunc
subtract, multiply, divide, true_divide = sub, mul, div, div
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
arccosh, arcsinh, arctanh = acosh, asinh, atanh
ger, inverse, trapz = outer, inv, trapezoid
moveaxis, row_stack, split_with_sizes = movedim, vstack, split
clip, sgn, swapdims, concat, concatenate = clamp, sign, transpose, cat, cat

# pytest, which rewrites modules, adds names of its own: @py_builtins.
__all__ = [name for name in dir() if name[0].isalpha() and name != "annotations"]
