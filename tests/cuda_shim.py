"""CUDA's kernels on the CPU: `ShimBackend` is the GPU's backend with a C++ compiler in the place of NVRTC.

Everything but the compiler is the GPU's: the sources, the launcher, the choice of kernels. The arrays are the strict
ones, so that code is refused here which a device would refuse. Each launch is watched: its arguments against the
kernel's signature; fences around each array; what it only reads unchanged; the same result from both orders of threads.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import tally

from minicnn import backend as switch
from minicnn.backend.cupy import launch
from minicnn.backend.cupy.kernels import CudaKernels
from minicnn.backend.strict import StrictArray, StrictBackend
from minicnn.backend.strict.recording import call

HEADER = Path(__file__).with_name("cuda_shim.h")
COMPILER = shutil.which("g++") or shutil.which("clang++")
FLAGS = ["-std=c++17", "-O1", "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas"]
FENCE = 4096  # bytes before and after each array
WHY_NOT = "no C++ compiler (g++ or clang++) is installed: the CUDA kernels were not run"

_folder = tempfile.TemporaryDirectory(prefix="minicnn-shim-")
_made: dict[str, ctypes.CDLL] = {}


class ShimError(AssertionError):
    """A launch did what it must not do on a device."""


def library(text: str, names: list[str]) -> ctypes.CDLL:
    """Compile a source as C++, with one entry for each instance of a kernel."""
    entries = []
    for i, name in enumerate(names):
        entries.append(
            f'extern "C" const char* signature_{i}() {{\n'
            f"    static std::string s = shim::signature(&{name});\n    return s.c_str();\n}}\n"
            f'extern "C" const char* launch_{i}(void** args, const unsigned* grid, unsigned threads, unsigned shared,\n'
            f"                                  bool order) {{\n"
            f"    return shim::launch(&{name}, args, grid, threads, shared, order);\n}}\n"
        )
    code = "\n".join([HEADER.read_text(), text, *entries])
    key = hashlib.sha256(code.encode()).hexdigest()[:16]
    if key not in _made:
        source, target = (Path(_folder.name, f"{key}{suffix}") for suffix in (".cpp", ".so"))
        source.write_text(code)
        done = subprocess.run([COMPILER, *FLAGS, "-o", target, source], capture_output=True, text=True)
        if done.returncode:
            raise ShimError(f"the source is no C++:\n{done.stderr}")
        _made[key] = ctypes.CDLL(str(target))
    return _made[key]


class Kernel:
    """One instance, which is called as CuPy's are."""

    def __init__(self, made: ctypes.CDLL, i: int, name: str) -> None:
        self.name = name
        self._launch, signature = getattr(made, f"launch_{i}"), getattr(made, f"signature_{i}")
        self._launch.restype = signature.restype = ctypes.c_char_p
        self.kinds = signature().decode().split(",")[:-1]

    def __call__(self, grid, block, args, *, shared_mem=0):
        call(self.run, (grid, block, args), {"shared_mem": shared_mem})  # which a capture notes, and makes again

    def run(self, grid, block, args, *, shared_mem=0):
        tally.shim[self.name] += 1
        if len(args) != len(self.kinds):
            raise ShimError(f"{self.name} takes {len(self.kinds)} arguments, got {len(args)}")
        for at, (kind, value) in enumerate(zip(self.kinds, args, strict=True)):
            if not _is_of(kind, value):
                raise ShimError(f"{self.name}: argument {at} is a {kind}, got {value!r}")
        first, second = (self._run(grid, block, args, shared_mem, order) for order in (False, True))
        for at, (kind, value) in enumerate(zip(self.kinds, args, strict=True)):
            if not isinstance(value, StrictArray):
                continue
            values = value._values
            if first[at].tobytes() != second[at].tobytes():
                raise ShimError(f"{self.name}: argument {at} depends on the order of the threads")
            if "const" in kind:
                if first[at].tobytes() != values.tobytes():
                    raise ShimError(f"{self.name}: argument {at} is read only, and was changed")
            else:
                values[...] = first[at]

    def _run(self, grid, block, args, shared, order):
        """Run on copies between fences; return the copies."""
        held, places, copies = [], [], {}
        for at, value in enumerate(args):
            if isinstance(value, StrictArray):
                values = value._values
                raw = np.full(2 * FENCE + values.nbytes + 16, 0xFF, np.uint8)  # floats of these bytes are NaN
                start = -raw.ctypes.data % 16 + FENCE + values.ctypes.data % 16
                raw[start : start + values.nbytes] = values.reshape(-1).view(np.uint8)
                copies[at] = raw, start, start + values.nbytes
                held.append(ctypes.c_void_p(raw.ctypes.data + start))
                places.append(ctypes.addressof(held[-1]))
            elif value is None:
                held.append(ctypes.c_void_p(0))
                places.append(ctypes.addressof(held[-1]))
            else:
                held.append(np.array(value))
                places.append(held[-1].ctypes.data)
        wrong = self._launch(
            (ctypes.c_void_p * len(places))(*places),
            (ctypes.c_uint * 3)(*grid, *(1 for _ in range(3 - len(grid)))),
            ctypes.c_uint(block[0]),
            ctypes.c_uint(shared),
            ctypes.c_bool(order),
        )
        if wrong:
            raise ShimError(f"{self.name}: {wrong.decode()}")
        found = {}
        for at, (raw, start, stop) in copies.items():
            if not ((raw[:start] == 0xFF).all() and (raw[stop:] == 0xFF).all()):
                raise ShimError(f"{self.name}: a write outside of argument {at}")
            values = args[at]._values
            found[at] = raw[start:stop].view(values.dtype).reshape(values.shape).copy()
        return found


def _is_of(kind: str, value: object) -> bool:
    if kind.startswith("*"):
        return value is None or (isinstance(value, StrictArray) and value._values.dtype.char in _letters(kind[1]))
    if kind.startswith("V"):
        return isinstance(value, np.ndarray) and value.dtype.names is not None and value.nbytes == int(kind[1:])
    return isinstance(value, np.generic) and value.dtype.char in _letters(kind)


def _letters(letter: str) -> str:
    return {"q": "ql", "Q": "QL"}.get(letter, letter)  # NumPy has two words for 64 bits


class ShimBackend(CudaKernels, StrictBackend):
    """The GPU's backend on strict arrays, its kernels compiled as C++."""

    def compile(self, file, names):
        made = library(self.source(file), list(names))
        return {name: Kernel(made, i, name) for i, name in enumerate(names)}

    def source(self, file):
        return launch.source(file)


@contextmanager
def shim_as_strict(be):
    """Within this block, the strict backend computes by CUDA's kernels."""
    before = switch.get("strict")
    switch._made["strict"] = switch.by_array_type[StrictArray] = be
    try:
        yield be
    finally:
        switch._made["strict"] = switch.by_array_type[StrictArray] = before
