"""Random generators: drawn on the CPU, so that every backend starts from the same numbers; masks on the device."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from minicnn.errors import ArgumentTypeError, message


class Generator:
    """A stream of random numbers with a seed of its own (NumPy's PCG64).

    Args:
        device: where dropout and its kin draw their masks for tensors of a GPU: on the CPU, or there, with
            ``"cuda"``, by Philox. All other numbers are drawn on the CPU. The default generator draws masks where
            the tensors are.

    Raises:
        BackendError: there is no such device.

    Attributes:
        streams: the numbers drawn on devices, by backend.
        drawn: how many blocks of them a state had drawn that was taken up, by backend.

    >>> g = Generator().manual_seed(7)
    >>> g.initial_seed()
    7
    """

    def __init__(self, device: object = "cpu") -> None:
        if str(device) != "cpu":
            from minicnn.backend.device import device as Device  # which stands above this room

            Device(device).backend("Generator")
        self.device = device
        self.streams: dict[str, Any] = {}
        self.manual_seed(int.from_bytes(os.urandom(7), "little"))

    def manual_seed(self, seed: int) -> Generator:
        """Start the stream again from ``seed`` (an int); return the generator.

        Raises:
            ArgumentTypeError: ``seed`` is not an integer.
        """
        try:
            self._seed = int(seed.__index__())
        except AttributeError:
            raise ArgumentTypeError(
                message(
                    "manual_seed",
                    f"seed expects an int, got {type(seed).__name__}.",
                    f"seed = {seed!r}",
                    "pass a whole number, such as manual_seed(0).",
                )
            ) from None
        self._numpy: np.random.Generator | None = None
        self._restart({})
        return self

    def _restart(self, drawn: dict[str, int]) -> None:
        self.drawn = drawn
        for name, stream in self.streams.items():
            stream.restart(self._seed, drawn.get(name, 0))

    @property
    def numpy(self) -> np.random.Generator:
        """The stream itself, a NumPy generator; made on first use, since importing numpy.random takes time."""
        if self._numpy is None:
            self._numpy = np.random.Generator(np.random.PCG64(self._seed % 2**64))
        return self._numpy

    def seed(self) -> int:
        """Seed the stream from the operating system; return the seed."""
        return self.manual_seed(int.from_bytes(os.urandom(7), "little")).initial_seed()

    def initial_seed(self) -> int:
        """Return the seed the stream last started from."""
        return self._seed

    def get_state(self) -> dict[str, object]:
        """Return the state of the stream, for `set_state`."""
        drawn = self.drawn | {name: stream.blocks for name, stream in self.streams.items()}
        return {"seed": self._seed, "state": self.numpy.bit_generator.state, "drawn": drawn}

    def set_state(self, state: dict[str, object]) -> None:
        """Put the stream back to a state from `get_state`."""
        self.numpy.bit_generator.state = state["state"]  # type: ignore[assignment]
        self._seed = state["seed"]  # type: ignore[assignment]
        self._restart(dict(state.get("drawn", {})))  # type: ignore[call-overload]


default_generator = Generator()


def seed() -> int:
    """Seed the default generator from the operating system; return the seed.

    >>> seed() == initial_seed()
    True
    """
    return default_generator.seed()


def initial_seed() -> int:
    """Return the seed that the default generator last started from."""
    return default_generator.initial_seed()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that weights, shuffles and dropout masks are drawn from by default.

    >>> import minicnn
    >>> _ = minicnn.manual_seed(0)
    >>> a = minicnn.rand(3)
    >>> _ = minicnn.manual_seed(0)
    >>> bool((a == minicnn.rand(3)).all())
    True
    """
    return default_generator.manual_seed(seed)
