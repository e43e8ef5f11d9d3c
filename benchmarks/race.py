"""Libraries that take turns: each in a process of its own, a round gives each a few steps, one after the other.

A ratio is of the same round, and the median of all rounds is what counts: other programs on the machine slow both
alike. But threads that wait for one another lose far more than their share of a busy machine, so what other programs
took meanwhile is measured, and said. A ratio of 2 says that the peer takes twice as long as minicnn.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SHARE = 0.15  # seconds a library should have of a round
DISTURBED = 0.1  # cores that other programs had, above which a row is marked


def add_options(parser: argparse.ArgumentParser, what: str, quick: str, peers: list[str], rounds: int = 0) -> None:
    """Add what all these benchmarks ask: names, threads, quick, keep, interpreters, and rounds where there are any."""
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{what}; all by default")
    parser.add_argument("--threads", type=positive, default=2)
    if rounds:
        parser.add_argument("--rounds", type=positive, help=f"{rounds} by default; 3 with --quick")
    parser.add_argument("--quick", action="store_true", help=quick)
    parser.add_argument("--keep", action="store_true", help="write a file in benchmarks/results")
    parser.add_argument(
        "--python",
        action="append",
        default=[],
        metavar="PEER=PATH",
        help=f"run a peer ({', '.join(peers)}) with this interpreter, which has it installed",
    )
    parser.set_defaults(usual_rounds=rounds)


def positive(text: str) -> int:
    """Read a whole number above zero."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return value


def parse(parser: argparse.ArgumentParser, names: Iterable[str], quick: list[str]) -> argparse.Namespace:
    """Parse the command line: names of these alone, all of them or the quick ones by default."""
    options = parser.parse_args()
    known = list(names)
    for name in options.names:
        if name not in known:
            parser.error(f"there is no {name!r}; there are {', '.join(known)}")
    if options.quick and options.keep:
        parser.error("--quick is too rough to keep: leave out one of --quick and --keep")
    options.names = options.names or (quick if options.quick else known)
    if options.usual_rounds:
        options.rounds = options.rounds or (3 if options.quick else options.usual_rounds)
    return options


def interpreters(parser: argparse.ArgumentParser, options: argparse.Namespace, peers: list[str]) -> dict[str, str]:
    """Return the interpreter of minicnn and of each peer that is installed; say which are not."""
    chosen = {}
    for value in options.python:
        peer, _, path = value.partition("=")
        if peer not in peers or not path:
            parser.error(f"--python takes PEER=PATH, with a peer of {', '.join(peers)}; not {value!r}")
        chosen[peer] = path
    found = {"minicnn": sys.executable}
    for peer in peers:
        path = chosen.get(peer, sys.executable)
        if path == sys.executable:
            installed = importlib.util.find_spec(peer) is not None
        else:
            question = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({peer!r}) is None)"
            try:
                installed = subprocess.run([path, "-c", question]).returncode == 0
            except OSError as error:
                parser.error(f"--python {peer}={path}: {error.strerror}")
        if installed:
            found[peer] = path
        else:
            print(f"{peer} is not installed and takes no part (see --python)")
    return found


class Worker:
    """A process that runs one library (`benchmarks.worker`)."""

    def __init__(self, python: str, library: str, name: str, kind: str, size: int, threads: int) -> None:
        command = [python, "-m", "benchmarks.worker", library, name, kind, str(size), str(threads)]
        self.command = " ".join(command)
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version: str = self._answer()["version"]
        self.peak_kib = self.resident_kib = 0

    def _answer(self) -> Any:
        assert self.process.stdout is not None
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"a worker ended early: {self.command}")
        return json.loads(answer)

    def rounds(self, count: int) -> list[dict[str, float]]:
        """Do the job so often; return the seconds of its parts each time."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        found = self._answer()
        self.peak_kib, self.resident_kib = found["peak_kib"], found["resident_kib"]
        return list(found["seconds"])

    def medians(self, count: int) -> dict[str, float]:
        """Do the job so often; return the median seconds of each part."""
        found = self.rounds(count)
        return {part: statistics.median(seconds[part] for seconds in found) for part in found[0]}

    def end(self) -> None:
        """Let the process end."""
        self.process.communicate("\n")


class Clock:
    """How much of the machine other programs take, from when it is made."""

    def __init__(self) -> None:
        self.start = self._now()

    def _now(self) -> tuple[float, float, float] | None:
        """Return seconds: of the clock, of all processors at work, and of them for this process and its children."""
        try:
            first = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0]
        except OSError:
            return None
        user, nice, system, _, _, irq, softirq, steal, *_ = (int(field) for field in first.split()[1:])
        work = (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return time.perf_counter(), work, sum(usage.ru_utime + usage.ru_stime for usage in usages)

    def others(self) -> float | None:
        """Return the cores that others had on average, of what children have ended; None where Linux does not say."""
        end = self._now()
        if self.start is None or end is None:
            return None
        seconds, work, own = (b - a for a, b in zip(self.start, end, strict=True))
        return max(0.0, (work - own) / seconds)


def compare(pythons: dict[str, str], name: str, kind: str, size: int, threads: int, rounds: int) -> dict[str, Any]:
    """Return each part's milliseconds and ratios (medians), the cores that others had, peak memory, and versions."""
    clock = Clock()
    workers = {library: Worker(python, library, name, kind, size, threads) for library, python in pythons.items()}
    counts = {}
    for library, worker in workers.items():
        shortest = min(sum(parts.values()) for parts in worker.rounds(3))  # warms up
        # Three at least: the first step after another library's turn finds cold caches, as none does in training.
        counts[library] = max(3, min(50, int(SHARE / max(shortest, 1e-4))))
    found: dict[str, list[dict[str, float]]] = {library: [] for library in workers}
    for _ in range(rounds):
        for library, worker in workers.items():
            found[library].append(worker.medians(counts[library]))
    for worker in workers.values():
        worker.end()
    parts = {}
    for part in found["minicnn"][0]:
        times = {library: [seconds[part] for seconds in each] for library, each in found.items()}
        mine = times["minicnn"]
        parts[part] = {
            "ms": {library: statistics.median(each) * 1e3 for library, each in times.items()},
            "ratio": {
                library: statistics.median(theirs / ours for theirs, ours in zip(each, mine, strict=True))
                for library, each in times.items()
                if library != "minicnn"
            },
        }
    return {
        "name": name,
        "batch": size,
        "threads": threads,
        "rounds": rounds,
        "parts": parts,
        "others": clock.others(),
        "peak_mib": {library: worker.peak_kib / 1024 for library, worker in workers.items()},
        "versions": {library: worker.version for library, worker in workers.items()},
    }


def figures(part: dict[str, Any], digits: int = 2, images: int = 1) -> str:
    """Return the milliseconds (an image) of each library, and the ratios."""
    return ", ".join(
        f"{library} {ms / images:.{digits}f}" + (f" ({part['ratio'][library]:.2f})" if library in part["ratio"] else "")
        for library, ms in part["ms"].items()
    )


def disturbance(row: dict[str, Any]) -> str:
    """Return what to say of other programs."""
    cores = row["others"]
    return f"  disturbed: other programs had {cores:.1f} cores" if cores is not None and cores > DISTURBED else ""


def means(rows: list[dict[str, Any]]) -> None:
    """Print the geometric mean of the ratios to each peer, of each part."""
    for part in dict.fromkeys(part for row in rows for part in row["parts"]):
        for peer in dict.fromkeys(peer for row in rows for peer in row["parts"].get(part, {"ratio": {}})["ratio"]):
            ratios = [row["parts"][part]["ratio"] for row in rows if part in row["parts"]]
            known = [ratio[peer] for ratio in ratios if peer in ratio]
            mean = statistics.geometric_mean(known)
            print(f"{part}: geometric mean of {len(known)} ratios to {peer}: {mean:.2f}")
