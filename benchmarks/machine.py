"""What every benchmark shares: the environment as on a user's machine, threads held, the machine described."""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
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


def memory_kib() -> tuple[int, int]:
    """Return the resident memory of this process, now and at its highest, in KiB."""
    try:
        # Not getrusage's maximum: Linux lets that of the parent, before it started this one, count too.
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        now = int(subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True).stdout)
        unit = 1024 if sys.platform == "darwin" else 1  # macOS counts bytes
        return now, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit
    fields = {line.partition(":")[0]: line.partition(":")[2] for line in lines}
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


def named(name: str, threads: int) -> str:
    """Return the file name of results measured with so many threads; two go without saying."""
    return name if threads == 2 else f"{name}_threads_{threads}"


def keep(name: str, command: str, results: dict[str, Any]) -> tuple[Path, dict[str, Any]]:
    """Write results as benchmarks/results/NAME.json, with command and machine; return the path and all that it holds.

    Rows (under "rows", each with a "name") of an earlier run on the same machine stay, unless there are new ones of
    their names.
    """
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    whole = {"command": f"python -m benchmarks.{command} --keep", "machine": describe(), **results}
    if "rows" in results and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        if before["machine"] == whole["machine"]:
            new = {row["name"]: row for row in results["rows"]}
            old = {row["name"]: row for row in before["rows"]}
            whole["rows"] = list((old | new).values())
        else:
            print(f"{path.name} was measured on another machine: its other rows are gone")
    text = json.dumps(whole, indent=1, ensure_ascii=False)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text + "\n", encoding="utf-8")
    temporary.replace(path)
    return path, whole
