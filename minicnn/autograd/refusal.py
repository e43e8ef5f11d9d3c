"""What a public function answers when a call fails: three lines with its own name and its own arguments.

A function is composed of others, and those name themselves and their arguments, or NumPy does. So the outermost one
looks at the call again: an argument that is not of the annotated type is named; an error of minicnn's gets the name of
the function that the user called; one of NumPy's is told in three lines, with its cause kept. A call that succeeds is
not looked at.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, NamedTuple, NoReturn, TypeVar, cast

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.backend import backend_of
from minicnn.errors import (
    ArgumentTypeError,
    BackendError,
    DTypeError,
    IndexRangeError,
    MinicnnError,
    ParameterError,
    message,
    near,
    shown,
)

F = TypeVar("F", bound=Callable[..., Any])
# What NumPy and Python raise for arguments that they do not take, and what stands for it here.
RAW: dict[type[Exception], type[MinicnnError]] = {
    TypeError: ArgumentTypeError,
    AttributeError: ArgumentTypeError,
    IndexError: IndexRangeError,
    ValueError: ParameterError,
    OverflowError: ParameterError,
    ZeroDivisionError: ParameterError,
}
# An error that comes out of any other code, such as a callback, is its author's.
OURS = {"minicnn", "numpy", "cupy", *sys.stdlib_module_names}


def guarded(function: F) -> F:
    """Decorator: a call of the function that fails is answered by `refuse`."""
    answer = refuse  # a name of `call` itself, which is given other globals below

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            answer(function, args, kwargs, error)

    # In the function's own module, so that doctest finds it there.
    guard = types.FunctionType(call.__code__, function.__globals__, function.__name__, None, call.__closure__)
    return cast(F, functools.wraps(function)(guard))


def guard_constructor(cls: Any) -> None:
    """Guard the constructor that a class of minicnn's own defines; a user's class answers for itself."""
    if isinstance(cls, type) and "__init__" in vars(cls) and cls.__module__.startswith("minicnn."):
        cls.__init__ = guarded(cls.__init__)  # type: ignore[misc]


def refuse(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> NoReturn:
    """Raise what `refusal` returns."""
    told = refusal(function, args, kwargs, error)
    if told is error:
        raise error
    raise told from told.__cause__


def refusal(function: Any, args: Sequence[Any], kwargs: Mapping[str, Any], error: Exception) -> Exception:
    """Return the error to raise for a call that raised ``error``: that one itself, or one that says more."""
    ours = isinstance(error, MinicnnError)
    kinds = [mine for raw, mine in RAW.items() if isinstance(error, raw)]
    if not ours and (not kinds or not _from_here(error.__traceback__)):
        return error
    name = function.__name__
    signature = inspect.signature(function)
    if name == "__init__":
        name, args = type(args[0]).__name__, args[1:]
        signature = signature.replace(parameters=list(signature.parameters.values())[1:])
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError as wrong:
        return error if ours else _wrong_call(name, signature, args, kwargs, wrong)
    if not ours or (isinstance(error, TypeError) and not str(error).startswith(f"{name}: ")):
        for parameter, value in given.items():
            if problem := wrong_type(signature.parameters[parameter], value):
                return ArgumentTypeError(message(name, *problem))
    given = {k: v for k, v in given.items() if v is not signature.parameters[k].default}
    if isinstance(error, MinicnnError):
        return _renamed(name, error, given)
    told = kinds[0](
        message(
            name,
            f"these arguments cannot be computed with: {str(error).rstrip('.')}.",
            described(given, type(error)),
            f"compare them with help({_address(function, name)}).",
        )
    )
    told.__cause__ = error
    return told


def _from_here(trace: TracebackType | None) -> bool:
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] not in OURS:
            return False
        trace = trace.tb_next
    return True


def _renamed(name: str, error: MinicnnError, given: Mapping[str, Any]) -> Exception:
    """Return an error as one of this function, with the arguments in its second line if that names none."""
    lines = str(error).split("\n")
    if len(lines) != 3:
        return error
    problem, got = lines[0].partition(": ")[2], error.got or lines[1].strip()
    shows = described(given, type(error))
    if shows and (error.got or not re.search(rf"\b({'|'.join(given)})\b", got)):
        error.got = got  # as it was: the next function outside shows its own arguments
        got = f"{shows}; {got}"
    error.args = (f"{name}: {problem}\n  {got}\n{lines[2]}", *error.args[1:])
    return error


def described(given: Mapping[str, Any], error: type[Exception] = Exception) -> str:
    """Return a call's arguments: tensors by shape, and by dtype or device where the error is about those."""

    def one(value: Any) -> str:
        if isinstance(value, TapeTensor):
            text = str(tuple(value._array.shape))
            if issubclass(error, BackendError):
                text += f" on {backend_of(value._array).device_type}"
            return f"{text} {value._array.dtype}" if issubclass(error, (DTypeError, TypeError)) else text
        if isinstance(value, (list, tuple)) and any(isinstance(x, TapeTensor) for x in value):
            return f"[{', '.join(map(one, value[:4]))}{', ...' if len(value) > 4 else ''}]"
        return shown(value, 40)

    return ", ".join(f"{k} {one(v)}" if isinstance(v, TapeTensor) else f"{k}={one(v)}" for k, v in given.items())


# ---- arguments against the types that are written beside them


class Kind(NamedTuple):
    """What an annotation stands for: in words, as a question, and how to get one."""

    words: str
    holds: Callable[[Any], bool]
    fix: str


def _is_int(value: Any) -> bool:
    if isinstance(value, TapeTensor):
        return value._array.size == 1 and value._array.dtype.kind in "iu"
    return hasattr(value, "__index__") and not isinstance(value, np.ndarray)


def _is_number(value: Any) -> bool:
    if isinstance(value, (TapeTensor, np.ndarray)):
        return bool((value._array if isinstance(value, TapeTensor) else value).size == 1)
    return isinstance(value, (int, float, np.number, np.bool_))


def _all_are(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (list, tuple)) and all(map(holds, value))


def _is_tensor(value: Any) -> bool:
    return isinstance(value, TapeTensor)


KINDS = {
    "Tensor": Kind("a Tensor", _is_tensor, "make one first: minicnn.tensor(values)."),
    "int": Kind("an int", _is_int, "pass a whole number, such as 1."),
    "float": Kind("a number", _is_number, "pass an int or a float."),
    "bool": Kind("True or False", lambda x: isinstance(x, (bool, np.bool_, int)), "pass True or False."),
    "str": Kind("a string", lambda x: isinstance(x, str), "pass one of the words in the docstring, in quotes."),
    "None": Kind("None", lambda x: x is None, "leave it out."),
    "Sequence[Tensor]": Kind("a list of Tensors", _all_are(_is_tensor), "put the tensors into a list: [a, b]."),
    "Sequence[int]": Kind("ints", _all_are(_is_int), "pass whole numbers: (2, 3)."),
    "Sequence[float]": Kind("numbers", _all_are(_is_number), "pass numbers: (0.5, 2.0)."),
    "tuple[float, float]": Kind(
        "two numbers", lambda x: _all_are(_is_number)(x) and len(x) == 2, "pass two: (0.9, 0.999)."
    ),
    "tuple[int, ...]": Kind("ints", _all_are(_is_int), "pass whole numbers: (2, 3)."),
    "Sequence[int | None]": Kind("ints", _all_are(lambda x: x is None or _is_int(x)), "pass whole numbers: (2, 3)."),
}
ALIASES = {"Sizes": "int | Sequence[int]", "Dims": "int | Sequence[int] | None"}


def wrong_type(parameter: inspect.Parameter, value: Any) -> tuple[str, str, str] | None:
    """Return problem, value and fix, if a value is not of the type annotated; None if it is, or nothing is known."""
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or value is parameter.default:
        return None
    names = [
        part for name in _alternatives(str(parameter.annotation)) for part in _alternatives(ALIASES.get(name, name))
    ]
    kinds = [KINDS.get(name) for name in names]
    if any(kind is None or kind.holds(value) for kind in kinds):
        return None
    words = " or ".join(kind.words for kind in kinds if kind is not None)
    what = "None" if value is None else type(value).__name__
    fix = "check where the None comes from." if value is None else cast(Kind, kinds[0]).fix
    return f"{parameter.name} expects {words}, got {what}.", f"{parameter.name} = {shown(value)}", fix


def _alternatives(annotation: str) -> list[str]:
    return re.split(r" \| (?![^\[]*\])", annotation)


def _wrong_call(
    name: str, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any], wrong: TypeError
) -> ArgumentTypeError:
    """Return the error for arguments that are missing, unknown, too many or given twice."""
    unknown = [key for key in kwargs if key not in signature.parameters]
    problem, fix = f"{wrong}.", "pass each argument once, by position or by name."
    if unknown:
        close = near(unknown[0], signature.parameters)
        problem = f"has no argument {unknown[0]}."
        fix = f"write {close[0]}=." if close else "leave it out."
    return ArgumentTypeError(message(name, problem, f"its arguments are {', '.join(signature.parameters)}", fix))


def _address(function: Any, name: str) -> str:
    rooms = ("minicnn.nn.functional", "minicnn.nn", "minicnn.optim", "minicnn.linalg", "minicnn.data")
    return f"{next((room for room in rooms if function.__module__.startswith(room)), 'minicnn')}.{name}"
