"""PyTorch's switch for results that repeat bit for bit."""

from __future__ import annotations

from minicnn.errors import ArgumentTypeError, message

_asked = {"mode": False, "warn_only": False}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for results that repeat; accepted, since on the CPU they always do: same seed, same threads, same bits.

    On a GPU the sums over repeated indices (``index_add``, ``scatter_add``, the gradients of ``embedding`` and of
    indexing) are added up in no fixed order, and the switch changes nothing there: their last digits may differ.

    Args:
        mode: whether to ask.
        warn_only: PyTorch's, to warn in place of raising: remembered; neither happens here.
    Raises:
        ArgumentTypeError: mode is no bool.

    >>> use_deterministic_algorithms(True)
    >>> are_deterministic_algorithms_enabled()
    True
    >>> use_deterministic_algorithms(False)
    """
    if not isinstance(mode, bool):
        got = f"mode = {mode!r:.60}"
        problem = f"mode expects a bool, got {type(mode).__name__}."
        raise ArgumentTypeError(message("use_deterministic_algorithms", problem, got, "True or False."))
    _asked.update(mode=mode, warn_only=bool(warn_only))


def are_deterministic_algorithms_enabled() -> bool:
    """Return what `use_deterministic_algorithms` was called with last; False before.

    >>> are_deterministic_algorithms_enabled()
    False
    """
    return _asked["mode"]


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """Return whether that was asked for with ``warn_only``.

    >>> is_deterministic_algorithms_warn_only_enabled()
    False
    """
    return _asked["warn_only"]
