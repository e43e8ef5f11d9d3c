"""What can be typed: the commands, their options, and what is said about a wrong one."""

from __future__ import annotations

import argparse
import difflib
import importlib
import shlex
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from minicnn import __version__
from minicnn.backend.device import BACKENDS
from minicnn.cli import UsageError
from minicnn.errors import message

__all__ = ["parse"]

# Named here too, so that `minicnn --help` need not load the rooms they come from; a test compares them.
DATASETS = ("digits", "mnist", "fashion-mnist")
MODELS = ("lenet5", "strided")
MAX_SHIFT = 8  # pixels


class Parser(argparse.ArgumentParser):
    """argparse, with errors in minicnn's three lines."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.set_defaults(parser=self)  # of two, a command's goes before the program's

    @property
    def known_options(self) -> list[str]:
        """All options, as they are typed."""
        return list(self._option_string_actions)

    def error(self, message: str) -> NoReturn:
        raise _NotUnderstood(self.prog, message)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            known = [str(choice) for choice in action.choices]
            raise argparse.ArgumentError(action, f"{value!r} is none of {', '.join(known)}{_meant(str(value), known)}")


class _NotUnderstood(Exception):
    """Raised inside argparse, which does not know what was typed: `parse` does."""


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Return the options that the words stand for; ``run`` among them is the function of the command.

    Raises:
        UsageError: they are not understood.

    >>> parse(["train", "--seed", "3"]).seed
    3
    """
    try:
        options, strange = build_parser().parse_known_args(words)
        if strange:
            raise _strange(options.parser, strange)
    except _NotUnderstood as error:
        program, problem = error.args
        typed = f"typed: minicnn {shlex.join(words)}"
        end = "" if problem.endswith("?") else "."
        raise UsageError(message(program, problem.rstrip(".") + end, typed, f"see {program} --help.")) from None
    return options


def _strange(parser: Parser, words: Sequence[str]) -> _NotUnderstood:
    """Return the error for words that a command does not know, which names the first option among them."""
    word = next((word for word in words if word.startswith("-")), words[0]).split("=")[0]
    if not word.startswith("-"):
        return _NotUnderstood(parser.prog, f"{word!r} is one argument too many")
    return _NotUnderstood(parser.prog, f"there is no option {word}{_meant(word, parser.known_options)}")


def _meant(word: str, known: Iterable[str]) -> str:
    """Return a question after the nearest of the known words, or nothing where none is near.

    >>> _meant("--epoch", ["--lr", "--epochs"])
    '; did you mean --epochs?'
    """
    names = {name.lstrip("-"): name for name in known}  # else the dashes alone make short names alike
    near = difflib.get_close_matches(word.lstrip("-"), names, n=1)
    return f"; did you mean {names[near[0]]}?" if near else ""


def _number(kind: type, good: Callable[[Any], bool], wanted: str) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not good(value):
            raise argparse.ArgumentTypeError(f"expects {wanted}, got {text!r}")
        return value

    return read


_count = _number(int, lambda value: value >= 1, "a whole number of at least 1")
_natural = _number(int, lambda value: value >= 0, "a whole number of at least 0")
_pixels = _number(
    int,
    lambda value: 0 <= value <= MAX_SHIFT,
    f"a whole number from 0 to {MAX_SHIFT} (moved farther, digits leave their 28x28 pixels)",
)
_positive = _number(float, lambda value: 0 < value < float("inf"), "a number above 0")


def _command(name: str) -> Callable[[Any], int]:
    """Return the function of a command, which loads its module when called: help needs none of them."""

    def run(options: Any) -> int:
        code: int = importlib.import_module(f"minicnn.cli.{name}").run(options)
        return code

    return run


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(prog="minicnn", description="Train small networks, look at them, and use them.")
    parser.add_argument("--version", action="version", version=f"minicnn {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_evaluate(commands)
    _add_predict(commands)
    _add_gradcheck(commands)
    doctor = commands.add_parser(
        "doctor", help="say what is installed, and what is missing", description="Say what is installed and missing."
    )
    _add_data_root(doctor)
    doctor.set_defaults(run=_command("doctor"))
    return parser


def _add_train(commands: Any) -> None:
    train = commands.add_parser(
        "train",
        help="train a network on pictures, and keep it in a run folder",
        description="Train a network on pictures of 28x28 pixels, and keep it in a run folder. Without options it "
        "trains LeNet-5 on the handwritten digits that are in the package, in less than a minute.",
    )
    option, shown = train.add_argument, "(default: %(default)s)"
    option("--model", default="lenet5", choices=MODELS, help=f"which network {shown}")
    option("--data", default="digits", choices=DATASETS, help=f"which pictures; digits needs no files {shown}")
    _add_data_root(train)
    option("--download", action="store_true", help="fetch the data set's files where they are missing")
    passes = "passes over the training pictures (default: 12 for digits, 5 for mnist, 10 for fashion-mnist)"
    option("--epochs", type=_count, metavar="N", help=passes)
    option("--batch-size", type=_count, metavar="N", default=64, help=f"pictures a step {shown}")
    option("--lr", type=_positive, metavar="RATE", default=6e-3, help=f"the highest learning rate {shown}")
    option("--seed", type=_natural, metavar="N", default=0, help=f"the same seed gives the same weights {shown}")
    moved = f"how far training pictures are moved at random, at most {MAX_SHIFT} {shown}"
    option("--shift", type=_pixels, metavar="PIXELS", default=2, help=moved)
    _add_backend(train)
    option("--graph", action="store_true", help="on a GPU, capture a training step and replay it: many times as quick")
    folder = "the run folder; one that holds a run is kept, and a number added (default: runs/DATA-MODEL-001, ...)"
    option("--out", metavar="DIR", help=folder)
    option("--quiet", action="store_true", help="print the run folder and the test accuracy only")
    train.set_defaults(run=_command("train"))


def _add_gradcheck(commands: Any) -> None:
    gradcheck = commands.add_parser(
        "gradcheck",
        help="check every gradient against finite differences",
        description="Check functions on all their samples: gradients against finite differences to second order, "
        "on NumPy and on the strict device namespace; kernels against definitions, memory layouts, float32, and error "
        "messages. A case at a kink (a tie, relu at 0) is held to the slopes on its two sides; order 2 leaves it out.",
    )
    option = gradcheck.add_argument
    option("names", nargs="*", metavar="FUNCTION", help="what to check, such as conv2d (default: all)")
    option("--order", type=int, choices=(1, 2), help="check the gradients alone, up to this order")
    option("--seed", type=_natural, metavar="N", default=0, help="draws other samples (default: %(default)s)")
    option("--case", type=_count, metavar="N", help="check one sample of the function alone, by its number from 1")
    option("--teeth", action="store_true", help="plant faults in the gradients, and report that each was caught")
    gradcheck.set_defaults(run=_command("gradcheck"))


def _add_evaluate(commands: Any) -> None:
    evaluate = commands.add_parser(
        "evaluate",
        help="measure a trained network on the test pictures",
        description="Measure the network of a run folder on its test pictures: accuracy, and which classes were "
        "taken for which.",
    )
    _add_run(evaluate)
    _add_data_root(evaluate)
    _add_backend(evaluate)
    evaluate.set_defaults(run=_command("evaluate"))


def _add_predict(commands: Any) -> None:
    predict = commands.add_parser(
        "predict",
        help="say what a trained network sees in a picture",
        description="Say what the network of a run folder sees in a picture. Networks are trained on white on black: "
        "a picture on a light background is inverted; what is on it is scaled and moved to where the training "
        "pictures have it; the output says so.",
    )
    _add_run(predict)
    predict.add_argument("image", metavar="IMAGE", help="a picture file, such as a PNG, of any size")
    _add_backend(predict)
    predict.set_defaults(run=_command("predict"))


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="RUN", help="a run folder, such as runs/digits-lenet5-001")


def _add_data_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data-root",
        metavar="DIR",
        help="the folder of the data sets' files (default: the variable MINICNN_DATA, or else ./data)",
    )


def _add_backend(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--backend",
        choices=(BACKENDS["cpu"], BACKENDS["cuda"], "auto"),
        help="where to compute (default: the variable MINICNN_BACKEND, or else numpy)",
    )
    threads = "of NumPy's matrix products; 0: as NumPy likes (default: %(default)s, as quick for small networks)"
    parser.add_argument("--threads", type=_natural, metavar="N", default=1, help=threads)
