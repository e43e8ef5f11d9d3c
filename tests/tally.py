"""What the log tells at its end: what went through the stand-ins for a GPU."""

from __future__ import annotations

from collections import Counter

strict: Counter[str] = Counter()  # by function: its samples that went through the strict device namespace
shim: Counter[str] = Counter()  # by instance of a kernel: its launches on the CPU


def lines(strict: Counter[str], shim: Counter[str]) -> list[str]:
    """Return the lines, one for each stand-in that was used.

    >>> lines(Counter(exp=3), Counter({"softmax<float>": 5, "softmax<double>": 2}))
    ['strict device namespace: 3 op cases of 1 functions', 'C++ shim: 1 CUDA kernels in 2 instances, 7 launches']
    """
    found = []
    if strict:
        found.append(f"strict device namespace: {strict.total()} op cases of {len(strict)} functions")
    if shim:
        kernels = {name.split("<")[0] for name in shim}
        found.append(f"C++ shim: {len(kernels)} CUDA kernels in {len(shim)} instances, {shim.total()} launches")
    return found
