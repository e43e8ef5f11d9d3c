"""The page of PyTorch's names, ``docs/names.md``, made from the code: ``python -m minicnn.testing.names``.

``torch.txt`` holds PyTorch's names by room, as `collect` found them; ``reasons.txt`` says why some are missing here, or
mean something else. A name that is missing without a reason, and a reason without such a name, are errors.
"""

from __future__ import annotations

import fnmatch
import importlib
import textwrap
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


class Reason(NamedTuple):
    """Why names are absent, or differ.

    Attributes:
        state: "absent" or "differs".
        text: the reason.
        names: by room, patterns such as ``RNN*``.
    """

    state: str
    text: str
    names: dict[str, list[str]]


class Named(NamedTuple):
    """One of PyTorch's names, and its state here: "there", "differs" or "absent", with the reason of the last two."""

    name: str
    state: str
    reason: str


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

    >>> {reason.state for reason in reasons()} == {"absent", "differs"}
    True
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
            wanted = "differs" if is_there(room, name) else "absent"
            text = next((r.text for r in known if r.state == wanted and _holds(r, room, name)), "")
            state = ("there" if wanted == "differs" else "unexplained") if not text else wanted
            found[room].append(Named(name, state, text))
    return found


def stale() -> list[str]:
    """Return the patterns of ``reasons.txt`` that no name in that state has: for names that are there by now."""
    found = states()
    idle = []
    for reason in reasons():
        for room, patterns in reason.names.items():
            names = [named.name for named in found.get(room, ()) if named.state == reason.state]
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
    every = [named.state for names in found.values() for named in names]
    total, differing = len(every), every.count("differs")
    have = every.count("there") + differing
    lines = [
        "# PyTorch's names in minicnn",
        "",
        "Made by `python -m minicnn.testing.names` from the code, the names that PyTorch 2.13 and torchvision document",
        "(`minicnn/testing/names/torch.txt`), and the reasons for what is left out or differs (`reasons.txt` there).",
        "",
        f"Of {total:,} names, {have:,} are there, {differing:,} with a difference, and {total - have:,} are absent.",
        "",
        "| room | in minicnn | names | there | with a difference | absent |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for room, names in found.items():
        here = ROOMS.get(room, room.replace("torch", "minicnn", 1))
        differ = sum(n.state == "differs" for n in names)
        some = differ + sum(n.state == "there" for n in names)
        lines.append(f"| {room} | {here} | {len(names)} | {some} | {differ} | {len(names) - some} |")
    for room, names in found.items():
        lines += ["", f"## {room}", ""]
        if there := [n.name for n in names if n.state == "there"]:
            lines += [f"There ({len(there)}): " + _listed(there), ""]
        for state, title in (("differs", "With a difference"), ("absent", "Absent"), ("unexplained", "Unexplained")):
            groups: dict[str, list[str]] = {}
            for named in names:
                if named.state == state:
                    groups.setdefault(named.reason, []).append(named.name)
            if groups:
                lines += [f"{title} ({sum(map(len, groups.values()))}):", ""]
                lines += [f"- {reason}: {_listed(group)}" for reason, group in groups.items()] + [""]
        lines.pop()
    return "\n".join(lines) + "\n"


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
