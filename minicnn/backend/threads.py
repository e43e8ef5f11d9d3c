"""How many threads NumPy's matrix products use."""

from __future__ import annotations

import functools
from typing import Any

from minicnn.errors import ParameterError, message


@functools.cache
def _controller() -> Any:
    """Return the one controller of the BLAS libraries that are loaded; making it takes milliseconds."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController().select(user_api="blas")


def set_num_threads(n: int) -> None:
    """Let matrix products use n threads, from here on and in this whole process.

    Small networks are as quick with one, and much quicker beside other busy programs: threads wait for each other.

    Raises:
        ParameterError: n is no whole number of at least 1.

    >>> before = get_num_threads()
    >>> set_num_threads(1)
    >>> get_num_threads()
    1
    >>> set_num_threads(before)
    """
    if isinstance(n, bool) or not hasattr(n, "__index__") or n < 1:
        raise ParameterError(
            message(
                "set_num_threads",
                f"expects a whole number of at least 1, got {n!r}.",
                f"now there are {get_num_threads()}",
                "set_num_threads(1), for example.",
            )
        )
    _controller().limit(limits=int(n))


def get_num_threads() -> int:
    """Return how many threads matrix products use; 1 where the BLAS library is unknown.

    >>> get_num_threads() >= 1
    True
    """
    return max((pool.num_threads for pool in _controller().lib_controllers), default=1)
