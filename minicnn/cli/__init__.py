"""The command line: ``minicnn train``, ``evaluate``, ``predict``, ``gradcheck`` and ``doctor``."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

from minicnn.errors import MinicnnError, ParameterError

__all__ = ["INTERRUPTED", "UsageError", "main"]

INTERRUPTED = 130  # the exit code that shells give for Ctrl-C: 128 + SIGINT


class UsageError(ParameterError):
    """The command line was not understood."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code.

    0: done. 1: it could not be done; the error is on stderr. 2: the command was not understood. 130: Ctrl-C.

    Args:
        argv: the arguments after the name of the program; those of the process by default.

    >>> main(["train", "--epochs", "0"])
    2
    """
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError):  # a stream that someone has put in the place of the real one
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        from minicnn.cli.parser import parse  # here, so that Ctrl-C is met inside the try

        options = parse(words)
        code: int = options.run(options)
        sys.stdout.flush()  # here, so that a closed pipe is met inside the try
    except MinicnnError as error:
        print(error, file=sys.stderr)
        return 2 if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        print("minicnn: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `minicnn doctor | head -1` is no error, but nothing more can be printed
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code
