"""Print the names that CuPy offers: ``python -m minicnn.backend.strict.names``, on a machine with CuPy (no GPU needed).

`names.txt` keeps what it printed, for machines without CuPy: the strict namespace offers only what stands there.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("names.txt")


@cache
def names() -> dict[str, frozenset[str]]:
    """Return the names that CuPy offers, by the object that has them: ``names()["cupy.ndarray"]``."""
    found: dict[str, set[str]] = {}
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), set())
        elif not line.startswith("#"):
            section.add(line)
    return {key: frozenset(value) for key, value in found.items()}


def listing(module: Any, extras: Any) -> str:
    """Return the file's text for an imported CuPy, and its room of extras, cupyx."""
    parts = {
        "": module,
        ".ndarray": module.ndarray,
        ".ufunc": module.ufunc,
        ".linalg": module.linalg,
        ".lib.stride_tricks": module.lib.stride_tricks,
        ".cuda": module.cuda,
        ".cuda.runtime": module.cuda.runtime,
        ".cuda.memory": module.cuda.memory,
        ".cuda.device": module.cuda.device,
        ".cuda.Device": module.cuda.Device,
        ".cuda.Stream": module.cuda.Stream,
        ".cuda.Event": module.cuda.Event,
        ".cuda.Graph": module.cuda.Graph,
        ".cuda.MemoryPool": module.cuda.MemoryPool,
        ".cuda.MemoryHook": module.cuda.MemoryHook,
    }
    lines = [f"# The names of version {module.__version__}, printed by `python -m minicnn.backend.strict.names`."]
    for suffix, part in parts.items():
        lines.append(f"[{module.__name__}{suffix}]")
        lines.extend(sorted(name for name in dir(part) if not name.startswith("_")))
    lines.append(f"[{extras.__name__}]")
    lines.extend(sorted(name for name in dir(extras) if not name.startswith("_")))
    return "\n".join(lines)


if __name__ == "__main__":
    import cupy
    import cupyx

    print(listing(cupy, cupyx))
