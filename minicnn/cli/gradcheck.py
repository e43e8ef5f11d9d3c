"""``minicnn gradcheck``: the op suite, and the faults that it must catch."""

from __future__ import annotations

from typing import Any


def run(options: Any) -> int:
    """Run the suite on the functions asked for; return the exit code."""
    from minicnn.testing.report import from_options

    options.prog = "minicnn gradcheck"
    return from_options(options)
