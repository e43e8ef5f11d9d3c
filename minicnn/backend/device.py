"""PyTorch's spelling of the switch: ``device("cuda")`` is the backend "cupy", ``device("cpu")`` is "numpy"."""

from __future__ import annotations

from typing import Any

from minicnn.backend import Backend, get
from minicnn.errors import BackendError, message

BACKENDS = {"cpu": "numpy", "cuda": "cupy", "strict": "strict"}


class device:
    """Where a tensor lives: ``device("cpu")``, ``device("cuda")`` or ``device("cuda:0")``.

    Raises:
        BackendError: the type is unknown.

    >>> device("cuda:0")
    device(type='cuda', index=0)
    """

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            index = type.index
        name, _, number = str(type).partition(":")
        if name not in BACKENDS or (number and not number.isdigit()):
            raise BackendError(
                message(
                    "device",
                    f"there is no device {type!r}.",
                    f"known: {', '.join(BACKENDS)}",
                    'device("cpu"), or device("cuda") for a GPU.',
                )
            )
        self.type = name
        self.index = int(number) if number else index

    def backend(self) -> Backend:
        """Return the backend whose arrays live there."""
        return get(BACKENDS[self.type])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, device):
            return NotImplemented
        return (self.type, self.index or 0) == (other.type, other.index or 0)

    def __hash__(self) -> int:
        return hash((self.type, self.index or 0))

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type={self.type!r}{'' if self.index is None else f', index={self.index}'})"
