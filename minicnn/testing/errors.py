"""The page of error messages, ``docs/errors.md``, made from the error samples: ``python -m minicnn.testing.errors``."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path

from minicnn.autograd.op import Public
from minicnn.autograd.sample import ErrorSample
from minicnn.testing.call import Call
from minicnn.testing.suite import every_function

ROOMS = {"minicnn.nn": "minicnn.nn.functional", "minicnn": "minicnn"}  # by how the module's name starts
NAME = "NAME"  # stands for a function's own
ALIKE = 5  # so many functions give an answer that is told once


def page() -> str:
    """Return the text of ``docs/errors.md``: by room and function, each call that must raise, and what it raises.

    >>> "NAME: input expects a Tensor, got list." in page()
    True
    """
    rooms: dict[str, list[Public]] = {"minicnn": [], "minicnn.nn.functional": []}
    for public in every_function():
        rooms[next(r for start, r in ROOMS.items() if public.function.__module__.startswith(start))].append(public)
    blocks = {(public.name, block): _block(public, block) for public in every_function() for block in public.errors()}
    alike: dict[str, list[str]] = {}  # the functions of which a block is told, by the block without their name
    for (name, _), text in blocks.items():
        alike.setdefault(_unnamed(text, name), []).append(name)
    shared = {text: names for text, names in alike.items() if len(names) >= ALIKE}
    own = {
        public.name: [
            text for (name, _), text in blocks.items() if name == public.name and _unnamed(text, name) not in shared
        ]
        for public in every_function()
    }
    lines = [
        "# What minicnn answers to mistakes",
        "",
        "Made by `python -m minicnn.testing.errors` from the error samples of all public functions. An array in a call",
        "is shown by its dtype and shape. Each message says which function, and what is wrong with which argument;",
        "what came; and what to write instead.",
        "",
        "## Contents",
        "",
        "- [Answers that many functions give](#answers-that-many-functions-give)",
    ]
    for room, publics in rooms.items():
        lines.append(f"- [{room}](#{room.replace('.', '')})")
        letters: dict[str, list[str]] = {}
        for public in publics:
            if own[public.name]:
                letters.setdefault(public.name[0].upper(), []).append(f"[{public.name}](#{public.name})")
        lines += [f"  - {letter}: {', '.join(links)}" for letter, links in sorted(letters.items())]
    lines += [
        "",
        "## Answers that many functions give",
        "",
        f"The function's name stands where `{NAME}` is written here.",
    ]
    for text, names in shared.items():
        listed = textwrap.wrap(", ".join(names), 118, break_long_words=False)
        lines += ["", text, "", f"{len(names)} functions:", "", "```text", *listed, "```"]
    for room, publics in rooms.items():
        lines += ["", f"## {room}"]
        for public in publics:
            if own[public.name]:
                lines += ["", f"### {public.name}"]
            for text in own[public.name]:
                lines += ["", text]
    return "\n".join(lines) + "\n"


def _block(public: Public, sample: ErrorSample) -> str:
    return f"`{public.name}{sample}`\n\n```text\n{told(public, sample)}\n```"


def _unnamed(text: str, name: str) -> str:
    return re.sub(rf"\b{name}\b", NAME, text)


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
