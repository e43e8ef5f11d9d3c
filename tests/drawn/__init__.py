"""Drawn calls of every public function, which `test_peers_every_op.py` makes of minicnn and of PyTorch.

A module a family; a new one is found by itself. A drawer makes one call:

    @drawn("sin", "cos")
    def _circular(draw, rng, name):
        return Call((normal(rng, shape(draw)),))

``draw`` draws from a hypothesis strategy, ``rng`` is a NumPy generator with a drawn seed, ``name`` is the function's.
What decides which path is taken is drawn by ``draw``, so that hypothesis can shrink it; values come from ``rng``.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minicnn.autograd.sample import _show

Draw = Callable[[Any], Any]
Rng = np.random.Generator


@dataclass
class Call:
    """One call: NumPy arrays stand for tensors, those of float64 get gradients; a `Constant` gets none.

    The harness lays each array out in memory in an order of its own, but one that is broadcast already.

    Attributes:
        args: the positional arguments; lists and tuples in them may hold arrays.
        kwargs: the keyword arguments.
        theirs: PyTorch's function, where the name does not find it or its arguments differ.
        mine: minicnn's function, where both are to be compared in another form (the order of what has none).
        gradient: whether the gradients are compared.
        changed: the places of arguments that the call writes to, compared as outputs are.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    theirs: Callable[..., Any] | None = None
    mine: Callable[..., Any] | None = None
    gradient: bool = True
    changed: tuple[int, ...] = ()

    def __str__(self) -> str:
        shown = [_show(a) for a in self.args] + [f"{k}={_show(v)}" for k, v in self.kwargs.items()]
        return f"({', '.join(shown)})"


Drawer = Callable[[Draw, Rng, str], Call]
drawers: dict[str, Drawer] = {}


def drawn(*names: str) -> Callable[[Drawer], Drawer]:
    """Decorator: the drawer of these functions."""

    def register(drawer: Drawer) -> Drawer:
        for name in names:
            if name in drawers:
                raise ValueError(f"{name} has two drawers: {drawers[name].__module__}, {drawer.__module__}")
            drawers[name] = drawer
        return drawer

    return register


def find_drawers() -> dict[str, Drawer]:
    """Return the drawers of all families, by the function's name."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return drawers


# ---- shapes and dims

_SIZES = st.sampled_from([2, 3, 1, 4, 0])
_SOME = st.sampled_from([2, 3, 1, 4])
_RANKS = {(a, b): st.integers(a, b) for a in range(5) for b in range(a, 6)}
_BOOLS = st.booleans()
_TENTH = st.integers(0, 9)


def flag(draw: Draw) -> bool:
    return draw(_BOOLS)


def rarely(draw: Draw) -> bool:
    """True in a tenth of the draws."""
    return draw(_TENTH) == 9


def choose(draw: Draw, *values: Any) -> Any:
    return draw(st.sampled_from(values))


def spelled(draw: Draw, args: tuple[Any, ...], options: dict[str, Any], **rest: Any) -> Call:
    """Return a call with the options by name or by place: they are given in order, none left out."""
    return Call((*args, *options.values()), **rest) if flag(draw) else Call(args, options, **rest)


def shape(draw: Draw, low: int = 0, high: int = 4, empty: bool = True) -> tuple[int, ...]:
    """Return sizes from 0 (or 1) to 4, for ``low`` to ``high`` dims."""
    sizes = _SIZES if empty else _SOME
    return tuple(draw(sizes) for _ in range(draw(_RANKS[low, high])))


def broadcastable(draw: Draw, count: int = 2, high: int = 4, empty: bool = True) -> list[tuple[int, ...]]:
    """Return shapes that broadcast together; in a tenth of the draws they may not."""
    full = shape(draw, 0, high, empty)
    shapes = []
    for _ in range(count):
        own = tuple(1 if draw(st.integers(0, 3)) == 3 else s for s in full)
        shapes.append(own[draw(st.integers(0, len(own))) :] if flag(draw) else own)
    if full and rarely(draw):
        shapes[0] = tuple(s + 1 for s in full)
    return shapes


def dim(draw: Draw, ndim: int, wrong: bool = True) -> int:
    """Return one dim, from either end; in a tenth of the draws one that may be out of range."""
    span = max(ndim, 1)
    return draw(st.integers(-span - 1, span) if wrong and rarely(draw) else st.integers(-span, span - 1))


def dims(draw: Draw, ndim: int, low: int = 0) -> tuple[int, ...]:
    """Return several dims, in any order, from either end, each once."""
    chosen = draw(st.lists(st.integers(0, max(ndim, 1) - 1), min_size=low, max_size=ndim, unique=True))
    return tuple(d - ndim if ndim and flag(draw) else d for d in chosen)


# ---- values


def normal(rng: Rng, size: tuple[int, ...] = (), spread: float = 1.0) -> Any:
    """Return normal values; an eighth of the arrays are rows repeated without memory of their own."""
    if len(size) > 1 and rng.random() < 0.125:
        axis = rng.integers(len(size))
        return np.broadcast_to(rng.normal(size=[min(s, 1) if i == axis else s for i, s in enumerate(size)]), size)
    return np.asarray(rng.normal(size=size)) * spread


def positive(rng: Rng, size: tuple[int, ...] = (), low: float = 0.1, high: float = 3.0) -> Any:
    return np.asarray(rng.uniform(low, high, size))


def distinct(rng: Rng, size: tuple[int, ...] = ()) -> Any:
    """Return values without ties, in steps of 1/7 about 0: the place of each in the order is certain."""
    count = int(np.prod(size, dtype=int))
    return (rng.permutation(count).reshape(size) - count // 2) / 7.0


def tied(rng: Rng, size: tuple[int, ...] = ()) -> Any:
    """Return whole numbers from −2 to 2, so that many are equal and many are 0."""
    return np.asarray(rng.integers(-2, 3, size)).astype(float)


def special(rng: Rng, size: tuple[int, ...] = ()) -> Any:
    """Return normal values, with NaN, the infinities and both zeros among them."""
    odd = rng.choice([np.nan, np.inf, -np.inf, 0.0, -0.0], size)
    return np.where(rng.random(size) < 0.4, odd, rng.normal(size=size))


def whole(rng: Rng, size: tuple[int, ...] = (), low: int = -3, high: int = 4) -> Any:
    return np.asarray(rng.integers(low, high, size))


def mask(rng: Rng, size: tuple[int, ...] = ()) -> Any:
    return np.asarray(rng.random(size) < 0.5)


def floats(draw: Draw, rng: Rng, size: tuple[int, ...]) -> Any:
    """Return values of one of the kinds above: normal, with ties, or with NaN and the infinities."""
    return choose(draw, normal, normal, tied, special)(rng, size)


def any_dtype(draw: Draw, rng: Rng, size: tuple[int, ...]) -> Any:
    """Return floats of any kind, ints or bools."""
    kind = choose(draw, "float", "float", "int", "bool")
    return floats(draw, rng, size) if kind == "float" else (whole if kind == "int" else mask)(rng, size)


# ---- memory


def laid_out(rng: Rng, a: Any) -> Any:
    """Return the same values in another order in memory; an array that is broadcast stays so."""
    if a.size > 1 and 0 in a.strides:
        return a
    return _LAYOUTS[rng.integers(len(_LAYOUTS))](a) if a.ndim else a


def _strided(a: Any) -> Any:
    view = np.zeros([2 * s for s in a.shape], a.dtype)[(slice(None, None, 2),) * a.ndim]
    view[...] = a
    return view


_LAYOUTS: list[Callable[[Any], Any]] = [
    lambda a: np.array(a, order="C"),
    lambda a: np.array(a, order="F"),
    _strided,
    lambda a: np.array(a[(slice(None, None, -1),) * a.ndim], order="C")[(slice(None, None, -1),) * a.ndim],  # reversed
    lambda a: (
        np.moveaxis(np.array(np.moveaxis(a, 1, -1), order="C"), -1, 1) if a.ndim > 2 else np.array(a)
    ),  # N, H, W, C
]
