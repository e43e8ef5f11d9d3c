"""``python -m minicnn.testing``: run the op suite and print a row a function (also ``minicnn gradcheck``)."""

from __future__ import annotations

import sys

from minicnn.cli import main

if __name__ == "__main__":
    sys.exit(main(["gradcheck", *sys.argv[1:]]))
