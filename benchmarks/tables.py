"""Write the tables of benchmarks/README.md from benchmarks/results: ``python -m benchmarks.tables``.

A table stands between ``<!-- table: KIND -->`` and ``<!-- end -->``; whatever is there is replaced, by one table for
each file of that kind (of other threads, of other batch sizes).
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from benchmarks.machine import RESULTS
from benchmarks.networks import NETWORKS

README = Path(__file__).with_name("README.md")
NAMES = {"torch": "PyTorch", "jax": "JAX", "mygrad": "MyGrad"}
PARTS = {"conv": "forward", "input_grad": "gradient of the input", "weight_grad": "gradient of the weight"}
Results = dict[str, Any]


def grid(head: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """Return a table in Markdown."""
    columns = list(head)
    rows = [columns, ["---"] * len(columns), *(list(line) for line in lines)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def number(value: float) -> str:
    """Return the number with three digits that say something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def machine(results: Results) -> str:
    """Return one line: the command, and what the figures depend on."""
    found = results["machine"]
    rows = results.get("rows", [])
    versions: dict[str, str] = dict(results.get("versions", {}))
    for row in rows:
        versions |= row.get("versions", {})
    blas = [f"{b['internal_api']} {b['version']} ({b['architecture']})" for b in found["blas"] if "architecture" in b]
    parts = [
        found["processor"],
        f"{found['cores']} cores",
        found["system"],
        f"Python {found['python']}",
        f"NumPy {found['numpy']}",
        *blas,
        *(f"{NAMES[library]} {version}" for library, version in versions.items() if library in NAMES),
    ]
    rounds = sorted({each["rounds"] for each in (results, *rows) if "rounds" in each})
    counted = f"; medians of {' or '.join(map(str, rounds))} rounds" if rounds else ""
    others = [row["others"] for row in rows if row.get("others") is not None]
    quiet = f"; other programs had {max(others):.2f} cores at most" if others else ""
    return f"`{results['command']}`\n\n{', '.join(parts)}{counted}{quiet}."


def peers_of(rows: list[Results]) -> list[str]:
    """Return the peers of any row, in the order of NAMES."""
    found = {peer for row in rows for part in row["parts"].values() for peer in part["ratio"]}
    return [peer for peer in NAMES if peer in found]


def against(part: Results | None, peer: str) -> list[str]:
    """Return two cells: the peer's milliseconds, and the ratio."""
    if part is None or peer not in part["ratio"]:
        return ["", ""]
    return [number(part["ms"][peer]), f"{part['ratio'][peer]:.2f}"]


def mean(rows: list[Results], part: str, peer: str) -> str:
    """Return the geometric mean of the ratios."""
    ratios = [row["parts"][part]["ratio"] for row in rows if part in row["parts"]]
    known = [ratio[peer] for ratio in ratios if peer in ratio]
    return f"{statistics.geometric_mean(known):.2f}" if known else ""


def in_order(rows: list[Results], names: Iterable[str]) -> list[Results]:
    """Return the rows in the order of the names."""
    places = {name: place for place, name in enumerate(names)}
    return sorted(rows, key=lambda row: places.get(row["name"], len(places)))


def steps(results: Results) -> str:
    """Return the table of networks: training steps or forward passes."""
    rows = in_order(results["rows"], NETWORKS)
    peers = peers_of(rows)
    goals = any("goal" in row for row in rows)
    head = ["network", "batch", "minicnn ms"]
    for peer in peers:
        head += [f"{NAMES[peer]} ms", "ratio"] + (["goal"] if goals and peer == "torch" else [])
    lines = []
    for row in rows:
        part = row["parts"]["step"]
        line = [row["name"], str(row["batch"]), number(part["ms"]["minicnn"])]
        for peer in peers:
            line += against(part, peer)
            if goals and peer == "torch":
                met = row["goal"] <= part["ratio"].get(peer, 0)
                line.append(f"{row['goal']:.1f}, {'met' if met else 'not met'}")
        lines.append(line)
    last = ["geometric mean", "", ""]
    for peer in peers:
        last += ["", mean(rows, "step", peer)] + ([""] if goals and peer == "torch" else [])
    return grid(head, [*lines, last])


def ops(results: Results) -> str:
    """Return the table of ops, forward and backward; an optimizer's step stands under forward."""
    rows = results["rows"]
    peers = peers_of(rows)
    head = ["op"]
    for part in ("forward", "backward"):
        head.append(f"{part}: minicnn ms")
        for peer in peers:
            head += [f"{NAMES[peer]} ms", "ratio"]
    lines = []
    for row in rows:
        line = [row["name"]]
        for part in (row["parts"].get("forward") or row["parts"].get("step"), row["parts"].get("backward")):
            line.append(number(part["ms"]["minicnn"]) if part else "")
            for peer in peers:
                line += against(part, peer)
        lines.append(line)
    last = ["geometric mean"]
    for part in ("forward", "backward"):
        last.append("")
        for peer in peers:
            last += ["", mean(rows, part, peer)]
    return grid(head, [*lines, last])


def kernels(results: Results) -> str:
    """Return the table of kernels: the one taken in bold."""
    products = [(row["name"], name, product) for row in results["rows"] for name, product in row["products"].items()]
    columns = list(dict.fromkeys(kernel for _, _, product in products for kernel in product["ms"]))
    lines = []
    for conv, name, product in products:
        cells = [number(product["ms"][kernel]) if kernel in product["ms"] else "" for kernel in columns]
        marked = [
            f"**{cell}**" if kernel == product["taken"] else cell for kernel, cell in zip(columns, cells, strict=True)
        ]
        lines.append([conv, PARTS[name], *marked])
    return grid(["convolution", "product", *(f"{kernel} ms" for kernel in columns)], lines)


def scaling(results: Results) -> str:
    """Return the table of batches: milliseconds an image."""
    rows = sorted(results["rows"], key=lambda row: row["batch"])
    peers = peers_of(rows)
    head = ["batch", "minicnn ms an image"]
    for peer in peers:
        head += [f"{NAMES[peer]} ms an image", "ratio"]
    lines = []
    for row in rows:
        part, batch = row["parts"]["step"], row["batch"]
        line = [str(batch), number(part["ms"]["minicnn"] / batch)]
        for peer in peers:
            line += [number(part["ms"][peer] / batch), f"{part['ratio'][peer]:.2f}"] if peer in part["ms"] else ["", ""]
        lines.append(line)
    return grid(head, lines)


def memory(results: Results) -> str:
    """Return the sentence on the thousand steps, and the table of peaks."""
    long = results["long"]
    name = {"minicnn": "minicnn"} | NAMES
    readings = [
        f"{name[library]} {found[0]:.1f} MiB after {long['every']} steps, {found[-1]:.1f} after {long['steps']}, "
        f"{long['growth_mib'][library]:.1f} of growth"
        for library, found in long["resident_mib"].items()
    ]
    text = f"Resident over {long['steps']} steps of {long['network']} (bound of growth: {long['bound_mib']:g} MiB): "
    text += f"{'; '.join(readings)}."
    rows = in_order(results["rows"], NETWORKS)
    columns = [library for library in name if any(library in row["peak_mib"] for row in rows)]
    head = ["network", "batch", *(f"{name[library]} MiB" for library in columns)]
    lines = [
        [
            row["name"],
            str(row["batch"]),
            *(f"{row['peak_mib'][c]:.0f}" if c in row["peak_mib"] else "" for c in columns),
        ]
        for row in rows
    ]
    return f"{text}\n\n{grid(head, lines)}"


def tape(results: Results) -> str:
    """Return the table of chains."""
    chains = results["microseconds"]
    libraries = list(next(iter(chains.values())))
    name = {"minicnn": "minicnn"} | NAMES
    head = ["µs an op", *(f"{name[library]} {part}" for library in libraries for part in ("forward", "backward"))]
    lines = [
        [chain, *(number(row[library][part]) for library in libraries for part in ("forward", "backward"))]
        for chain, row in chains.items()
    ]
    return grid(head, lines)


TABLES: dict[str, Callable[[Results], str]] = {
    "train_step": steps,
    "infer": steps,
    "ops": ops,
    "kernels": kernels,
    "scaling": scaling,
    "memory": memory,
    "tape": tape,
}


def section(kind: str, folder: Path) -> str:
    """Return what stands between the markers of a kind."""
    files = sorted(path for path in folder.glob("*.json") if re.fullmatch(rf"{kind}(_.*)?", path.stem))
    tables = []
    for path in files:
        results = json.loads(path.read_text(encoding="utf-8"))
        text = f"{machine(results)}\n\n{TABLES[kind](results)}"
        if path.with_suffix(".png").exists():
            text += f"\n\n![{results['command']}]({folder.name}/{path.stem}.png)"
        tables.append(text)
    return "\n\n".join(tables) or "Not measured yet."


def render(readme: str, folder: Path) -> str:
    """Return the README with all its tables made anew."""

    def replaced(match: re.Match[str]) -> str:
        kind = match[1]
        if kind not in TABLES:
            raise SystemExit(f"the README asks for a table of {kind!r}; there are {', '.join(TABLES)}")
        return f"<!-- table: {kind} -->\n\n{section(kind, folder)}\n\n<!-- end -->"

    return re.sub(r"<!-- table: (\w+) -->.*?<!-- end -->", replaced, readme, flags=re.DOTALL)


def main() -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tables", description=__doc__)
    parser.parse_args()
    README.write_text(render(README.read_text(encoding="utf-8"), RESULTS), encoding="utf-8")
    print(README)
    return 0


if __name__ == "__main__":
    sys.exit(main())
