"""PyTorch's spelling of the switch: ``device("cuda")`` is the backend "cupy", ``device("cpu")`` is "numpy"."""

from __future__ import annotations

from typing import Any

from minicnn.backend import Backend, current, get, gpu, use
from minicnn.errors import BackendError, message

BACKENDS = {"cpu": "numpy", "cuda": "cupy", "strict": "strict"}


class device:
    """Where a tensor lives: ``device("cpu")``, ``device("cuda")``, ``device("cuda:0")`` or ``device(0)``.

    As a context manager, it is where new tensors live within the block.

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
        name, _, number = (f"cuda:{type}" if isinstance(type, int) else str(type)).partition(":")
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

    def backend(self, where: str | None = None) -> Backend:
        """Return the backend whose arrays live there.

        Args:
            where: the function that asks, as its errors name it.
        Raises:
            BackendError: there is no GPU; or another one than this is in use.
        """
        found = gpu(where or f'device("{self}")') if self.type == "cuda" else get(BACKENDS[self.type])
        if self.type == "cuda" and self.index not in (None, found.index):
            raise BackendError(
                message(
                    where or f'device("{self}")',
                    f"{self} is not the GPU in use, and a process computes with one.",
                    f"in use: cuda:{found.index}",
                    f"set CUDA_VISIBLE_DEVICES={self.index}, or cuda.set_device({self.index}) before the first tensor.",
                )
            )
        return found

    def __enter__(self) -> device:
        self._block = use(BACKENDS[self.type])
        self._block.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._block.__exit__(*details)

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


def get_default_device() -> device:
    """Return where new tensors live.

    >>> get_default_device()
    device(type='cpu')
    """
    return device(current().device_type)


def set_default_device(device: Any) -> None:
    """Set where new tensors live, as `minicnn.use` does; None is the CPU.

    Raises:
        BackendError: the device is unknown or not there.
    """
    use(BACKENDS[_device("cpu" if device is None else device).type])


_device = device
