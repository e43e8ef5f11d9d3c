"""The page of PyTorch's names, ``docs/names.md``, made from the code: ``python -m minicnn.testing.names``.

``torch.txt`` holds PyTorch's names by room, as `collect` found them; ``reasons.txt`` says why some are missing, mean
something else here, or are there only to be refused; and why whole rooms are missing. A name that is missing without a
reason, and a reason without such a name, are errors.
"""

from __future__ import annotations

import fnmatch
import functools
import importlib
import textwrap
from collections import Counter
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOMS = {  # PyTorch's rooms that have another name here
    "torch.utils.data": "minicnn.data",
    "torchvision.datasets": "minicnn.data.datasets",
    "torchvision.transforms": "minicnn.data.transforms",
    "torchvision.transforms.functional": "minicnn.data.transforms.functional",
    "torchvision.models": "minicnn.models",
    "torchvision.utils": "minicnn.data.utils",
}

TITLES = {
    "there": "As in PyTorch",
    "differs": "With a difference",
    "refused": "Refused",
    "absent": "Absent",
    "unexplained": "Unexplained",
}


class Reason(NamedTuple):
    """Why names are absent, or differ.

    Attributes:
        state: "absent", "differs", "refused" (there, and raises an error that says what to do), or "room" (absent).
        text: the reason.
        names: by room, patterns such as ``RNN*``.
    """

    state: str
    text: str
    names: dict[str, list[str]]


class Named(NamedTuple):
    """One of PyTorch's names, and its state here: "there", or "differs", "refused" or "absent" with the reason."""

    name: str
    state: str
    reason: str


def torch_room(module: str) -> str:
    """Return PyTorch's name of a room of minicnn's.

    >>> torch_room("minicnn.nn"), torch_room("minicnn.models")
    ('torch.nn', 'torchvision.models')
    """
    return next((theirs for theirs, ours in ROOMS.items() if ours == module), module.replace("minicnn", "torch", 1))


def why(module: str, name: str) -> str:
    """Return why a room of minicnn's has not this name of PyTorch's; "" if that is not known.

    >>> why("minicnn.optim", "LBFGS")
    'optimizers for other kinds of problem'
    """
    room = torch_room(module)
    return next((r.text for r in _known() if r.state in ("absent", "room") and _holds(r, room, name)), "")


@functools.cache
def _known() -> list[Reason]:
    return reasons()


def torch_names() -> dict[str, list[str]]:
    """Return PyTorch's names by room.

    >>> "conv2d" in torch_names()["torch.nn.functional"]
    True
    """
    rooms: dict[str, list[str]] = {}
    room: list[str] = []
    for line in (HERE / "torch.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            room = rooms.setdefault(line.strip("[]"), [])
        else:
            room += line.split()
    return rooms


def reasons() -> list[Reason]:
    """Return what ``reasons.txt`` says: blocks of ``state: reason``, and under each ``room: names`` with ``*`` for any.

    >>> sorted({reason.state for reason in reasons()})
    ['absent', 'differs', 'refused', 'room']
    """
    found: list[Reason] = []
    room = ""
    for line in (HERE / "reasons.txt").read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        head, colon, rest = line.partition(":")
        if not line.startswith(" "):
            found.append(Reason(head, rest.strip(), {}))
            continue
        if colon:
            room, line = head.strip(), rest
        found[-1].names.setdefault(room, []).extend(line.split())
    return found


def is_there(room: str, name: str) -> bool:
    """Whether minicnn has one of PyTorch's names.

    >>> is_there("torch.nn", "Linear"), is_there("torch.nn", "LSTM")
    (True, False)
    """
    if room == "torch.Tensor":
        return hasattr(importlib.import_module("minicnn").Tensor, name)
    path = ROOMS.get(room, room.replace("torch", "minicnn", 1))
    try:
        return hasattr(importlib.import_module(path), name)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        return False


def states() -> dict[str, list[Named]]:
    """Return the state of each of PyTorch's names, by room; that of a missing name without reason is "unexplained"."""
    known = reasons()
    found: dict[str, list[Named]] = {}
    for room, names in torch_names().items():
        found[room] = []
        for name in names:
            there = is_there(room, name)
            wanted = ("differs", "refused") if there else ("absent",)
            reason = next((r for r in known if r.state in wanted and _holds(r, room, name)), None)
            state = ("there" if there else "unexplained") if reason is None else reason.state
            found[room].append(Named(name, state, "" if reason is None else reason.text))
    return found


def stale() -> list[str]:
    """Return the patterns of ``reasons.txt`` that no name in that state has: for names that are there by now."""
    found = states()
    idle = []
    for reason in reasons():
        for room, patterns in reason.names.items():
            names = [named.name for named in found.get(room, ()) if named.state == reason.state]
            if reason.state == "room":
                names = [name for name in patterns if not is_there(room, name)]
            idle += [f"{reason.state}: {room} {p}" for p in patterns if not fnmatch.filter(names, p)]
    return idle


def prune() -> None:
    """Take what `stale` finds out of ``reasons.txt``."""
    idle = set(stale())
    lines: list[str] = []
    for reason in reasons():
        rooms = []
        for room, patterns in reason.names.items():
            kept = [pattern for pattern in patterns if f"{reason.state}: {room} {pattern}" not in idle]
            if kept:
                rooms += textwrap.wrap(f"{room}: {' '.join(kept)}", 116, initial_indent="  ", subsequent_indent="    ")
        if rooms:
            lines += [f"{reason.state}: {reason.text}", *rooms]
    path = HERE / "reasons.txt"
    head = [line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#")]
    path.write_text("\n".join([*head, "", *lines, ""]), encoding="utf-8")


def _holds(reason: Reason, room: str, name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in reason.names.get(room, ()))


def page() -> str:
    """Return the text of ``docs/names.md``."""
    found = states()
    counts = {room: Counter(named.state for named in names) for room, names in found.items()}
    every = sum(counts.values(), Counter[str]())
    lines = [
        "# PyTorch's names in minicnn",
        "",
        "Made by `python -m minicnn.testing.names` from the code, the names that PyTorch 2.13 and torchvision document",
        "(`minicnn/testing/names/torch.txt`), and the reasons for what is left out or differs (`reasons.txt` there).",
        "",
        "To read it: find the room of a name in the table, and the name in that room's section, in one of four lists:",
        "",
        "- **as in PyTorch**;",
        "- **with a difference** that is worth knowing;",
        "- **refused**: it is there, and raises an error that says what to do instead;",
        "- **absent**: `minicnn.nn.LSTM` raises an `AttributeError`, which gives the reason as this page does.",
        "",
        "[Rooms that are absent as a whole](#rooms-that-are-absent) stand at the end; their names are not counted.",
        "",
        f"Of {every.total():,} names, {every['there']:,} are as in PyTorch, {every['differs']:,} have a difference,",
        f"{every['refused']:,} are refused, and {every['absent']:,} are absent.",
        "",
        "| room | in minicnn | names | as in PyTorch | with a difference | refused | absent |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for room, count in counts.items():
        numbers = " | ".join(str(n) for n in (count.total(), *(count[state] for state in list(TITLES)[:4])))
        lines.append(
            f"| [{room}](#{_anchor(room)}) | {ROOMS.get(room, room.replace('torch', 'minicnn', 1))} | {numbers} |"
        )
    for room, names in found.items():
        lines += ["", f"## {room}"]
        for state, title in TITLES.items():
            groups: dict[str, list[str]] = {}
            for named in names:
                if named.state == state:
                    groups.setdefault(named.reason, []).append(named.name)
            if groups:
                lines += ["", f"### {title} ({counts[room][state]})"]
            for reason, group in groups.items():
                lines += ["", *([f"{reason[0].upper()}{reason[1:]}:", ""] if reason else [])]
                lines += ["```text", *_columns(group), "```"]
    lines += ["", "## Rooms that are absent", "", "| room | reason |", "| --- | --- |"]
    rows = [
        (f"{room}.{name}", r.text)
        for r in reasons()
        if r.state == "room"
        for room, own in r.names.items()
        for name in own
    ]
    lines += [f"| {room} | {text} |" for room, text in sorted(rows)]
    return "\n".join(lines) + "\n"


def _anchor(title: str) -> str:
    return title.replace(".", "").lower()


def _columns(names: list[str], width: int = 118) -> list[str]:
    """Return names in as few lines as fit, in columns that are read downwards.

    >>> _columns(["a", "bb", "c", "d", "e"], 5)
    ['a   d', 'bb  e', 'c']
    """
    for rows in range(1, len(names) + 1):
        columns = [names[i : i + rows] for i in range(0, len(names), rows)]
        wide = [max(map(len, column)) + 2 for column in columns]
        if sum(wide) - 2 <= width or rows == len(names):
            break
    return [
        "".join(c[i].ljust(w) for c, w in zip(columns, wide, strict=True) if i < len(c)).rstrip() for i in range(rows)
    ]
