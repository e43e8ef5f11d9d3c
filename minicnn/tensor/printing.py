"""How a tensor is shown, in PyTorch's form, and the options of it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minicnn.errors import ParameterError, message

Style = tuple[Callable[[Any], str], int]  # shows one element; how wide elements are


class Options:
    """What `set_printoptions` sets."""

    def __init__(self) -> None:
        self.precision: int = 4  # digits after the point
        self.threshold: float = 1000  # elements; larger tensors show their edges only
        self.edgeitems: int = 3  # elements shown at each end of a long dim
        self.linewidth: int = 80  # characters
        self.sci_mode: bool | None = None  # 1.0000e+00 always, never, or (None) where numbers differ much in size


PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": float("inf"), "edgeitems": 3, "linewidth": 80},
}
options = Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are shown; what is left out stays, but for ``sci_mode``.

    Args:
        precision: digits after the point; at first 4.
        threshold: number of elements above which only the edges are shown; 1000.
        edgeitems: how many elements at each edge; 3.
        linewidth: characters in a line; 80.
        profile: "default", "short" or "full": all of the above at once, which the others then change.
        sci_mode: True for 1.0000e+00 always, False for never, None for where numbers differ much in size.
    Raises:
        ParameterError: a number below 0, or an unknown profile.

    >>> import minicnn
    >>> set_printoptions(precision=2)
    >>> minicnn.tensor([3.14159])
    tensor([3.14])
    >>> set_printoptions(profile="default")
    """
    if profile is not None and profile not in PROFILES:
        raise _bad(f"profile expects one of {', '.join(PROFILES)}, got {profile!r}.", 'profile="default", for example.')
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    for name, value in given.items():
        kinds = (int, float) if name == "threshold" else int  # no limit: threshold=inf
        if value is not None and (isinstance(value, bool) or not isinstance(value, kinds) or not value >= 0):
            raise _bad(f"{name} expects a number of 0 or more, got {value!r}.", f"{name}=4, for example.")
    changes: dict[str, Any] = dict(PROFILES[profile]) if profile is not None else {}
    changes.update({name: value for name, value in given.items() if value is not None})
    for name, value in changes.items():
        setattr(options, name, value)
    options.sci_mode = sci_mode


def get_printoptions() -> dict[str, Any]:
    """Return what `set_printoptions` was given, as its keywords.

    >>> get_printoptions()["precision"]
    4
    """
    return dict(vars(options))


@contextlib.contextmanager
def printoptions(**changes: Any) -> Iterator[None]:
    """`set_printoptions` for a block.

    >>> import minicnn
    >>> with printoptions(sci_mode=True):
    ...     minicnn.tensor([1.0])
    tensor([1.0000e+00])
    """
    before = get_printoptions()
    set_printoptions(**changes)
    try:
        yield
    finally:
        set_printoptions(**before)


def _bad(problem: str, fix: str) -> ParameterError:
    return ParameterError(message("set_printoptions", problem, "nothing was changed", fix))


def show(array: Any, suffixes: list[str], prefix: str = "tensor(") -> str:
    """Return ``tensor(...)`` for a NumPy array, with the suffixes behind it, on lines of their own where too long."""
    indent = len(prefix)
    if array.size == 0:
        text = "[]"
    else:
        edges = array.size > options.threshold
        text = _lines(array, indent, edges, _style(_seen(array) if edges else array))
    if array.ndim != 1 if array.size == 0 else not options.edgeitems:
        suffixes = [f"size={tuple(array.shape)}", *suffixes]
    parts = [prefix, text]
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > options.linewidth:
            parts.append(",\n" + " " * indent + suffix)
            used = indent + len(suffix)
        else:
            parts.append(", " + suffix)
            used += len(suffix) + 2
    return "".join([*parts, ")"])


def _lines(array: Any, indent: int, edges: bool, style: Style) -> str:
    """Return the elements in brackets; long rows are broken, and dims are set apart by empty lines."""
    one, width = style
    if array.ndim == 0:
        return one(array[()])
    edge = options.edgeitems
    skip = edges and len(array) > 2 * edge
    parts = [*array[:edge], None, *array[len(array) - edge :]] if skip else list(array)
    if array.ndim > 1:
        rows = ["..." if part is None else _lines(part, indent + 1, edges, style) for part in parts]
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(rows) + "]"
    dots = " ..." if edge else "..."
    texts = [dots if part is None else one(part) for part in parts]
    a_line = max(1, (options.linewidth - indent) // (width + 2))
    lines = [", ".join(texts[i : i + a_line]) for i in range(0, len(texts), a_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _seen(array: Any) -> Any:
    """Return the elements that will be seen of a large array."""
    edge = options.edgeitems
    for dim, size in enumerate(array.shape):
        if size > 2 * edge:
            array = np.take(array, np.r_[:edge, size - edge : size].astype(int), axis=dim)
    return array


def _style(values: Any) -> Style:
    """Return the function that shows one element, and the width of the widest finite one."""
    values = values.ravel()
    if values.dtype.kind != "f":
        width = max((len(str(v)) for v in values.tolist()), default=1)
        return lambda v: str(v).rjust(width), width
    finite = values[np.isfinite(values) & (values != 0)].astype(np.float64)
    sizes = np.abs(finite)
    whole = bool((finite == np.ceil(finite)).all())
    science = options.sci_mode
    if science is None:
        science = bool(sizes.size) and (
            sizes.max() > 1000 * sizes.min() or sizes.max() > 1e8 or bool(sizes.min() < 1e-4)
        )
    if science and sizes.size:
        plain = f"{{:.{options.precision}e}}"
    else:
        plain = "{:.0f}." if whole else f"{{:.{options.precision}f}}"

    def one(v: Any) -> str:
        return plain.format(v) if np.isfinite(v) else str(float(v))

    width = max((len(one(v)) for v in finite), default=1)
    return lambda v: one(v).rjust(width), width
