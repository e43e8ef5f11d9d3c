"""Why no GPU can be used here, and what to do about it."""

from __future__ import annotations

import importlib.metadata
from typing import NamedTuple

WHEELS = "cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x"  # each brings a folder named cupy, the last one wins
INSTALL = "pip install 'minicnn[cuda13]' (or cuda12, for drivers older than 580)"
STAY = 'or stay on the CPU: use("numpy").'


class Reason(NamedTuple):
    """Why no GPU can be used.

    Attributes:
        problem: the cause, in a clause.
        found: what was found on this machine.
        fix: what to do.
    """

    problem: str
    found: str
    fix: str


def wheels() -> list[str]:
    """Return the packages of CuPy that are installed, with their versions."""
    found = []
    for name in WHEELS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def reason() -> Reason | None:
    """Return why no GPU can be used here, or None where one can."""
    several = wheels()
    if len(several) > 1:
        names = " ".join(wheel.split()[0] for wheel in several)
        fix = f"pip uninstall -y {names}, then install the one that fits your driver: {INSTALL}."
        return Reason("several packages of CuPy are installed, which overwrite each other", ", ".join(several), fix)
    try:
        import cupy
    except ImportError as error:
        if several:
            fix = f"pip uninstall -y {several[0].split()[0]}, and install it again: {INSTALL}."
            return Reason("CuPy is installed and cannot be imported", f"{several[0]}: {_line(error)}", fix)
        return Reason("CuPy is not installed", _line(error), f"{INSTALL} on a machine with an NVIDIA GPU, {STAY}")
    version = f"CuPy {cupy.__version__}"
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except RuntimeError as error:  # cupy imports without a driver, and fails at the first call
        text = _line(error)
        if "InsufficientDriver" in text:
            return _old_driver(runtime, version, text)
        if "NoDevice" in text:
            return _no_device(f"{version}: {text}")
        fix = f"see what nvidia-smi says on this machine, {STAY}"
        return Reason("CuPy finds no usable CUDA device", f"{version}: {text}", fix)
    return None if count else _no_device(f"{version} counts 0 devices")


def why_not() -> str | None:
    """Return why no GPU can be used here in a sentence, or None where one can."""
    found = reason()
    return None if found is None else f"{found.problem} ({found.found})"


def _old_driver(runtime: object, version: str, text: str) -> Reason:
    """The driver is too old, or there is none: the runtime calls both by one name."""
    driver, needed = (_cuda(runtime, ask) for ask in ("driverGetVersion", "runtimeGetVersion"))
    if driver == "0.0":
        return Reason("there is no NVIDIA driver", f"{version}: {text}", f"install NVIDIA's driver, {STAY}")
    found = f"{version} is for CUDA {needed}, the driver knows CUDA {driver} at most: {text}"
    fix = "bring NVIDIA's driver up to date, or pip install 'minicnn[cuda12]', which asks for an older one."
    return Reason("the NVIDIA driver is too old for this CuPy", found, fix)


def _cuda(runtime: object, ask: str) -> str:
    """Return a version of CUDA as people write it: 12040 is 12.4; 0.0 where the runtime does not know."""
    try:
        number = int(getattr(runtime, ask)())
    except RuntimeError:
        number = 0
    return f"{number // 1000}.{number % 1000 // 10}"


def _no_device(found: str) -> Reason:
    fix = f"look whether nvidia-smi lists a GPU and CUDA_VISIBLE_DEVICES leaves one, {STAY}"
    return Reason("there is no CUDA device", found, fix)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
