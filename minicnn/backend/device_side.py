"""What the backends share whose arrays lie on a device: checks that do not wait for it, and numbers drawn there."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Hashable
from typing import Any

from minicnn.backend.base import Array, Backend, Ints
from minicnn.backend.capture import Capture, capturing, keep, on_replay, refuse_crossing
from minicnn.backend.philox import PER_BLOCK, DeviceStream, uniform
from minicnn.random import Generator, default_generator

CHECKS = 64  # ranges that can be noted; one that finds no place is looked at straight away
CONSTANTS = 256  # small arrays of ops that are kept on the device
ATOMIC = ("int32", "uint32", "uint64")  # the integers that atomics take
SIGN = 2**63
CHECK_NOW = os.environ.get("CUDA_LAUNCH_BLOCKING") == "1"  # PyTorch's way to be told at once


class DeviceSide(Backend):
    """A backend of which reading a value means waiting for all the work before it."""

    records = True

    def __init__(self) -> None:
        self._ranges: Ranges | None = None
        self._constants: dict[Hashable, Array] = {}

    def item(self, array: Array) -> Any:
        return self.to_numpy(array).item()

    # ---- checks of values, read when values are read anyway

    def check_range(self, where: str, values: Array, low: float, high: float, error: Callable[[Any], Any]) -> None:
        if not values.size:
            return
        if not self.ranges().note((where, low, high), values, error) or (CHECK_NOW and capturing() is None):
            self.settle()

    def constant(self, values: Any) -> Array:
        key = (values.dtype.str, values.shape, values.tobytes())
        found = self._constants.pop(key, None)
        if found is None:
            found = self.asarray(values)
        self._constants[key] = found  # the last used stands last
        if len(self._constants) > CONSTANTS:
            del self._constants[next(iter(self._constants))]
        keep(found)
        return found

    def may_hold(self, condition: Array) -> bool:
        return True

    def ranges(self) -> Ranges:
        """Return the table of checks, made on first use."""
        if self._ranges is None:
            self._ranges = Ranges(self)
        return self._ranges

    def settle(self) -> None:
        if self._ranges is not None and self._ranges.fresh:
            self._ranges.settle()

    def read(self, array: Array) -> Any:
        """Return the values as a NumPy array, whatever was noted; `to_numpy` without the checks."""
        raise NotImplementedError(f"{type(self).__name__}.read")

    def to_numpy(self, array: Array) -> Any:
        refuse_crossing("a value on the host")
        self.settle()
        return self.read(array)

    # ---- writing to places by atomics, which devices have for some dtypes only

    def add_at(self, target: Array, index: Any, values: Any) -> None:
        if target.dtype.kind == "f" or str(target.dtype) in ATOMIC:
            self.xp.add.at(target, index, values)
            return
        work = "uint64" if target.dtype.itemsize == 8 else "int32"
        if hasattr(values, "astype"):
            values = values.astype(target.dtype, copy=False).astype(work)
        changed = target.astype(work)  # two's complement: sums are the same, signed or not
        self.xp.add.at(changed, index, values)
        target[...] = changed.astype(target.dtype)

    def extreme_at(self, target: Array, index: Any, values: Array, largest: bool) -> None:
        function = self.xp.maximum if largest else self.xp.minimum
        if str(target.dtype) in ("float32", "float64", *ATOMIC):
            function.at(target, index, values)
            return
        if target.dtype.itemsize < 4:
            changed = target.astype("int32")
            function.at(changed, index, values.astype("int32"))
            target[...] = changed.astype(target.dtype)
            return
        changed = target.astype("uint64") ^ SIGN  # in whose order unsigned numbers are as the signed ones were
        function.at(changed, index, values.astype("uint64") ^ SIGN)
        target[...] = (changed ^ SIGN).astype(target.dtype)

    # ---- random numbers

    def draws(self, generator: Generator) -> bool:
        return generator is default_generator or str(generator.device) != "cpu"

    def stream(self, generator: Generator) -> DeviceStream:
        """Return the stream of this device's numbers for a generator."""
        if self.name not in generator.streams:
            refuse_crossing("the first numbers of its generator")
            drawn = generator.drawn.get(self.name, 0)
            generator.streams[self.name] = DeviceStream(self, generator.initial_seed(), drawn)
        found: DeviceStream = generator.streams[self.name]
        return found

    def random(self, shape: Ints, dtype: Any, generator: Generator) -> Array:
        """Return uniform numbers in [0, 1), drawn on the device; those of a generator of the CPU's, on the CPU."""
        if not self.draws(generator):
            return super().random(shape, dtype, generator)
        stream, count = self.stream(generator), 1
        for size in shape:
            count *= size
        blocks = -(-count // PER_BLOCK)

        def advance() -> None:
            stream.blocks += blocks

        on_replay(advance, lambda: functools.partial(setattr, stream, "blocks", stream.blocks))
        return self.uniform(stream.state, count).reshape(shape).astype(dtype, copy=False)

    def uniform(self, state: Array, count: int) -> Array:
        """Return float32 numbers in [0, 1) of a stream, and advance it: see `minicnn.backend.philox`."""
        return uniform(self.xp, state, count)

    # ---- captured steps

    def live_numbers(self, count: int, dtype: str) -> tuple[Array, Callable[[Array, Any], None]]:
        """Return an array for numbers that change from replay to replay, and what overwrites it."""
        # A capture must find what its kernels write to in place.
        self.stream(default_generator)
        self.ranges()
        return self.xp.zeros(count, dtype=dtype), lambda array, numbers: array.set(numbers)

    def record(self, capture: Capture, step: Callable[[], Any]) -> tuple[Any, Callable[[], None]]:
        """Record what a step asks of the device, and do it once; return its result, and what does it again."""
        with self.recorder(capture) as recorder:
            result = step()
        if not self.runs_while_recording:
            capture.upload()
            recorder.launch()
        return result, recorder.launch


class Ranges:
    """The lowest and the highest value that each check has seen, on the device, until somebody looks."""

    def __init__(self, backend: DeviceSide) -> None:
        self.backend = backend
        self.table = backend.xp.zeros((CHECKS, 2), dtype="float64")
        self.known: dict[Hashable, tuple[int, float, float, Callable[[Any], Any], str]] = {}
        self.captured: set[Hashable] = set()  # the keys of rows that replays write to: their places stay
        self.fresh = False
        self._reset()

    def _reset(self) -> None:
        self.table[:, 0:1].fill(float("inf"))
        self.table[:, 1:2].fill(-float("inf"))
        self.fresh = False

    def note(self, key: tuple[str, float, float], values: Array, error: Callable[[Any], Any]) -> bool:
        """Take the values into the check's range; return False where the table is full, having looked at once."""
        if key not in self.known:
            if len(self.known) == CHECKS and capturing() is None:
                self.settle()  # may raise; then there is room but for what replays write to
                self.known = {key: check for key, check in self.known.items() if key in self.captured}
            taken = {check[0] for check in self.known.values()}
            if len(taken) == CHECKS:
                least, most = (float(self.backend.item(v)) for v in (values.min(), values.max()))
                _judge(least, most, key[1], key[2], error, "")
                return False
            place = min(set(range(CHECKS)) - taken)
        else:
            place = self.known[key][0]
        self.known[key] = (place, key[1], key[2], error, _line())  # the latest error knows the latest shapes
        if capturing() is not None:
            self.captured.add(key)
        row = self.table[place]
        low, high = row[0:1], row[1:2]
        xp = self.backend.xp
        xp.fmin(low, values.min().astype("float64"), out=low)
        xp.fmax(high, values.max().astype("float64"), out=high)
        on_replay(self._touch)
        return True

    def _touch(self) -> None:
        self.fresh = True

    def settle(self) -> None:
        """Read the table, begin anew, and raise the error of the first check that failed."""
        seen = self.backend.read(self.table)
        self._reset()
        for place, low, high, error, line in self.known.values():
            _judge(float(seen[place, 0]), float(seen[place, 1]), low, high, error, line)


def _judge(least: float, most: float, low: float, high: float, error: Callable[[Any], Any], line: str) -> None:
    for value in (least, most) if least <= most else ():  # +inf and -inf: it has seen nothing
        if not low <= value <= high:
            found = error(int(value) if value.is_integer() else value)
            if line:
                found.add_note(f"Found when a value was read from the device. The check is that of {line}.")
            raise found


def _line() -> str:
    """Return the line outside of minicnn that led here."""
    frame: Any = sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("minicnn."):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}, line {frame.f_lineno}"
