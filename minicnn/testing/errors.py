"""The page of error messages, ``docs/errors.md``, made from the error samples: ``python -m minicnn.testing.errors``."""

from __future__ import annotations

import sys
from pathlib import Path

from minicnn.autograd.op import Public
from minicnn.autograd.sample import ErrorSample
from minicnn.testing.call import Call
from minicnn.testing.suite import every_function

ROOMS = {"minicnn.nn": "minicnn.nn.functional", "minicnn": "minicnn"}  # by how the module's name starts


def page() -> str:
    """Return the text of ``docs/errors.md``: by room and function, each call that must raise, and what it raises.

    >>> "relu: input expects a Tensor, got list." in page()
    True
    """
    rooms: dict[str, list[Public]] = {"minicnn": [], "minicnn.nn.functional": []}
    for public in every_function():
        rooms[next(r for start, r in ROOMS.items() if public.function.__module__.startswith(start))].append(public)
    lines = [
        "# What minicnn answers to mistakes",
        "",
        "Made by `python -m minicnn.testing.errors` from the error samples of all public functions. An array in a call",
        "is shown by its dtype and shape. Each message says which function, and what is wrong with which argument;",
        "what came; and what to write instead.",
    ]
    for room, publics in rooms.items():
        lines += ["", f"## {room}"]
        for public in publics:
            lines += ["", f"### {public.name}"]
            for sample in public.errors():
                lines += ["", f"`{public.name}{sample}`", "", "```text", told(public, sample), "```"]
    return "\n".join(lines) + "\n"


def told(public: Public, sample: ErrorSample) -> str:
    """Return the error that a sample raises, its type in front; "nothing" if it raises none."""
    try:
        Call(public, sample).run()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def main() -> int:
    """Write the page."""
    Path("docs").mkdir(exist_ok=True)
    Path("docs/errors.md").write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
