"""How much longer ``import minicnn`` takes than ``import numpy``: ``python -m benchmarks.import_time``.

Each import runs in a process of its own, in turn, with bytecode cached as pip leaves it; the figure is the median.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time


def seconds(code: str, environment: dict[str, str]) -> float:
    """Return how long a fresh interpreter takes to run the code."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    return time.perf_counter() - start


def main(rounds: int = 25) -> float:
    """Print and return the median difference in milliseconds."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = cache
        seconds("import minicnn", environment)  # fills the cache
        found = [seconds("import minicnn", environment) - seconds("import numpy", environment) for _ in range(rounds)]
    difference = statistics.median(found) * 1000
    print(f"import minicnn takes {difference:.0f} ms more than import numpy (median of {rounds})")
    return difference


if __name__ == "__main__":
    main()
