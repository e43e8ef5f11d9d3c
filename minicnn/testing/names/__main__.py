"""``python -m minicnn.testing.names``: write ``docs/names.md``, and print what lacks a reason.

With ``--prune``, take out of ``reasons.txt`` first what no longer is in the state that it gives.
"""

from __future__ import annotations

import sys
from pathlib import Path

from minicnn.testing import names


def main() -> int:
    """Write the page; return 1 where a missing name has no reason, or a reason no name."""
    if "--prune" in sys.argv[1:]:
        names.prune()
    Path("docs").mkdir(exist_ok=True)
    Path("docs/names.md").write_text(names.page(), encoding="utf-8")
    faults = [f"{room}.{n.name}: absent without a reason" for room, found in names.states().items() for n in found
              if n.state == "unexplained"]  # fmt: skip
    faults += [f"{line}: no such name, or its state has changed" for line in names.stale()]
    print(*faults, sep="\n" if faults else "")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
