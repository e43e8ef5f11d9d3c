"""``minicnn doctor``: what is installed, what can be used, and what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

import minicnn
from minicnn.cli.sets import ON_DISK, places
from minicnn.errors import BackendError

WIDTH = 13


def run(options: Any) -> int:
    """Print what there is; return the exit code."""
    import numpy as np

    _say("minicnn", f"{minicnn.__version__}, {Path(minicnn.__file__).parent}")
    _say("Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")
    _say("NumPy", np.__version__)
    for text in _blas():
        _say("BLAS", text)
    _say("GPU", _gpu())
    _say("backend", _current())
    for package, extra, use in (("matplotlib", "viz", "curves"), ("Pillow", "images", "minicnn predict")):
        _say(package, _version(package) or f"not installed; pip install 'minicnn[{extra}]' for {use}")
    found = minicnn.data.find_datasets(options.data_root)
    _say("data sets", f"digits: in the package ({found['digits']})" if "digits" in found else "digits: missing")
    for name in ON_DISK:
        text = str(found[name]) if name in found else f"not found; looked in {places(name, options.data_root)}"
        _say("", f"{name}: {text}")
    return 0


def _say(name: str, text: str) -> None:
    print(f"{name:<{WIDTH}}{text}")


def _blas() -> list[str]:
    from threadpoolctl import threadpool_info

    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return [
        f"{pool['internal_api']} {pool['version']}, {pool['num_threads']} threads, {pool.get('architecture', '')}"
        for pool in pools
    ] or ["unknown to threadpoolctl; its threads cannot be set"]


def _gpu() -> str:
    from minicnn import backend
    from minicnn.backend.device import BACKENDS

    try:
        backend.get(BACKENDS["cuda"])
    except BackendError as error:
        return f"none can be used: {str(error).splitlines()[1].strip()}"
    return f"can be used: --backend {BACKENDS['cuda']}"


def _current() -> str:
    from minicnn import backend

    try:
        name = backend.current().name
    except BackendError as error:
        name = str(error).splitlines()[0]
    variable = os.environ.get("MINICNN_BACKEND")
    return name if variable is None else f"{name} (MINICNN_BACKEND={variable})"


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
