"""Networks, one architecture a file, and the register by which the command line finds them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.errors import KeyNameError, message
from minicnn.models.lenet import LeNet5
from minicnn.models.strided import StridedNet

if TYPE_CHECKING:
    from collections.abc import Callable

    from minicnn import nn

__all__ = ["LeNet5", "StridedNet", "get", "names"]

_MODELS: dict[str, Callable[..., nn.Module]] = {"lenet5": LeNet5, "strided": StridedNet}


def names() -> list[str]:
    """Return the names that `get` knows.

    >>> names()
    ['lenet5', 'strided']
    """
    return list(_MODELS)


def get(name: str) -> Callable[..., nn.Module]:
    """Return the class of the network with that name; calling it makes one, with new weights.

    Args:
        name: one of `names`, in upper or lower case.

    Raises:
        KeyNameError: no network has that name.

    >>> get("lenet5") is LeNet5
    True
    """
    try:
        return _MODELS[name.lower()]
    except KeyError:
        known = ", ".join(_MODELS)
        raise KeyNameError(
            message("models.get", f"there is no network {name!r}.", f"known: {known}", "use one of these names.")
        ) from None
