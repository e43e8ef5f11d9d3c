"""What every benchmark shares: the environment as on a user's machine, threads held, the machine described."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results")
PINNED = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")  # some environments set these to old values


def clean_environment(threads: int) -> None:
    """Start this process again without BLAS overrides and with so many threads, unless it already is such a one.

    BLAS libraries read their variables once, when they are loaded; hence a new process.
    """
    wanted = {name: str(threads) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    if any(name in os.environ for name in PINNED) or any(os.environ.get(k) != v for k, v in wanted.items()):
        environment = {k: v for k, v in os.environ.items() if k not in PINNED} | wanted
        module = sys.modules["__main__"].__spec__
        name = module.name if module is not None else "benchmarks"
        os.execve(sys.executable, [sys.executable, "-m", name, *sys.argv[1:]], environment)


def describe() -> dict[str, Any]:
    """Return what the figures depend on: processor, cores, Python, NumPy, BLAS and its threads."""
    import numpy as np
    from threadpoolctl import threadpool_info

    import minicnn

    blas = [
        {k: pool[k] for k in ("internal_api", "version", "architecture", "num_threads") if k in pool}
        for pool in threadpool_info()
    ]
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "minicnn": minicnn.__version__,
        "blas": blas,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown"


def keep(name: str, results: dict[str, Any]) -> Path:
    """Write results as benchmarks/results/NAME.json, with the machine beside them; return the path."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    text = json.dumps({"machine": describe(), **results}, indent=1, ensure_ascii=False)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)
    return path
