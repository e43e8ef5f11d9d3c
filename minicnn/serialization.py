"""`save` and `load`: tensors, and dicts and lists of them, to and from a file that never runs code when it is read.

The file is a safetensors file, which other programs read as well: each tensor stands under its path in what was saved
(the entries of a state_dict under their own names). One entry of the header's metadata, ``minicnn``, is JSON: the
dicts, lists, numbers and texts around the tensors, and a checksum of all. A file without that entry loads as a
dict of its tensors.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from minicnn.autograd.graph import TapeTensor
from minicnn.backend import to_numpy
from minicnn.backend.device import device as Device
from minicnn.errors import ArgumentTypeError, CheckpointError, FileMissingError, MinicnnError, message, shown
from minicnn.files import write_atomic
from minicnn.tensor import Size, Tensor
from minicnn.tensor.creation import as_tensor

VERSION = 1
DEEPEST = 200  # lists and dicts within each other: reading takes several calls a level
Arrays = dict[str, np.ndarray[Any, Any]]
IN_TORCH = 'in PyTorch, write safetensors.torch.save_file(model.state_dict(), "weights.safetensors"), and load that.'
FOREIGN = (  # how files of others begin, and what they hold; what they are; what to do
    (b"PK\x03\x04", b"data.pkl", "a PyTorch file, which holds pickles: reading those runs code", IN_TORCH),
    (b"PK\x03\x04", b".npy", "a NumPy .npz file", "minicnn.from_numpy(numpy.load(path)[name])."),
    (b"PK\x03\x04", b"", "a zip file", "unpack it first."),
    (b"\x80", b"", "a pickle, as PyTorch wrote it before 1.6: reading it runs code", IN_TORCH),
    (b"\x89HDF", b"", "an HDF5 file, as Keras writes it", "convert it to safetensors where it was written."),
    (b"\x93NUMPY", b"", "a NumPy .npy file", "minicnn.from_numpy(numpy.load(path))."),
)


def save(obj: Any, f: Any) -> None:
    """Write tensors, and dicts, lists and tuples of them, to a file: whole or not at all.

    What can be saved: tensors, parameters, NumPy arrays and numbers; dicts, OrderedDicts, lists, tuples and sets of
    all these; numbers, strings, bytes, bools and None; dtypes, devices and sizes. So: the ``state_dict()`` of modules,
    optimizers and schedules, and checkpoints around them. Modules themselves are not, since loading one would run
    code: save their ``state_dict()``. A tensor that stands in several places is written once, and loaded as one.
    NumPy arrays of the other byte order come back in the machine's own.

    Args:
        obj: what to save.
        f: a path, by custom ``*.pt`` or ``*.safetensors``; or a file object, open for writing bytes.
    Raises:
        ArgumentTypeError: obj holds something else, and the message says where; or f is neither.
        CheckpointError: the file cannot be written; one that was there is as it was.

    >>> import io, minicnn
    >>> file = io.BytesIO()
    >>> save({"epoch": 3, "weights": [minicnn.ones(2)]}, file)
    >>> _ = file.seek(0)
    >>> load(file)
    {'epoch': 3, 'weights': [tensor([1., 1.])]}
    """
    writer = _Writer()
    try:
        tree = writer.encode(obj, ())
        note = json.dumps({"version": VERSION, "crc32": _checksum(tree, writer.arrays), "tree": tree})
    except RecursionError:
        got, fix = f"a {type(obj).__name__}", "save its parts."
        problem = f"a list or dict holds itself, or more than {DEEPEST} others within each other."
        raise ArgumentTypeError(message("save", problem, got, fix)) from None
    write_arrays("save", f, writer.arrays, {"minicnn": note})


def load(f: Any, map_location: Any = None, *, weights_only: bool = True, mmap: bool | None = None) -> Any:
    """Read what `save` wrote, or the tensors of any other safetensors file.

    Args:
        f: a path, or a file object, open for reading bytes.
        map_location: where tensors go: a device, a dict from devices to devices, or a function of the tensor on the
            CPU and the name of its device, which returns a tensor; None: where they were saved from.
        weights_only: accepted: loading never runs code, whichever is asked for.
        mmap: accepted; the file is read.
    Raises:
        FileMissingError: there is no such file (a FileNotFoundError, too).
        CheckpointError: the file is truncated, corrupt, or in another format; the message says which.
        BackendError: a tensor was saved from a GPU, and there is none here: pass ``map_location="cpu"``.

    >>> import tempfile
    >>> from minicnn import nn
    >>> a, b = nn.Linear(3, 2), nn.Linear(3, 2)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(a.state_dict(), folder + "/linear.pt")
    ...     b.load_state_dict(load(folder + "/linear.pt"))
    <All keys matched successfully>
    """
    name, blob = _read("load", f)
    arrays, note = _parse("load", name, blob)
    place = _placing(map_location)
    if note is None:
        return {key: place(as_tensor(array, device="cpu"), "cpu") for key, array in arrays.items()}
    try:
        return _Reader(arrays, place).decode(note["tree"])
    except MinicnnError:
        raise
    except (KeyError, ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise _broken("load", name, blob, error) from error


# ---- the tree: what is not a tensor, as JSON. Plain values stand for themselves, all else is a list (kind, ...).


class _Writer:
    """Turns an object into the tree, and collects the arrays by name."""

    def __init__(self) -> None:
        self.arrays: Arrays = {}
        self._names: dict[int, str] = {}  # of arrays, by id
        self._kept: list[Any] = []  # alive, so that ids stay theirs

    def encode(self, value: Any, path: tuple[str, ...]) -> Any:
        kind = type(value)
        if len(path) > DEEPEST:
            raise RecursionError
        if kind is int and abs(value) >= 2**1024:  # Python reads and writes no more than 4300 decimal digits
            return ["int", hex(value)]
        if value is None or kind in (bool, int, float, str):
            return value
        if isinstance(value, TapeTensor):
            name = self._array(value._array, path)
            where = str(value.device)  # type: ignore[attr-defined]
            return ["tensor", name, where, value._requires_grad, _is_parameter(value)]
        if isinstance(value, np.ndarray) and _held(value.dtype):
            return ["array", self._array(value, path)]
        if isinstance(value, np.generic) and _held(value.dtype):
            return ["number", str(value.dtype), value.item()]
        if kind in (dict, OrderedDict):
            pairs = [[self.encode(k, (*path, "key")), self.encode(v, (*path, _step(k)))] for k, v in value.items()]
            return ["dict" if kind is dict else "ordered", pairs]
        if kind in (list, tuple, set, Size):
            items = [self.encode(item, (*path, str(i))) for i, item in enumerate(value)]
            return [kind.__name__.lower(), items]
        if kind is bytes:
            return ["bytes", base64.b64encode(value).decode()]
        if isinstance(value, np.dtype) and _held(value):
            return ["dtype", str(value)]
        if isinstance(value, Device):
            return ["device", str(value)]
        raise self._refusal(value, path)

    def _array(self, array: Any, path: tuple[str, ...]) -> str:
        name = self._names.get(id(array))
        if name is None:
            name = ".".join(path).encode(errors="backslashreplace").decode() or "tensor"  # a header is UTF-8
            while name in self.arrays or name == "__metadata__":  # safetensors' own
                name += "'"
            self._names[id(array)] = name
            self._kept.append(array)
            self.arrays[name] = _plain(array)
        return name

    def _refusal(self, value: Any, path: tuple[str, ...]) -> ArgumentTypeError:
        has_state = hasattr(value, "state_dict")
        return ArgumentTypeError(
            message(
                "save",
                f"cannot hold {'a ' if has_state else ''}{type(value).__name__}: files hold data, and no code.",
                f"at {'/'.join(path)}" if path else "it is the whole of what was passed",
                "save its state_dict()." if has_state else "save the tensors, numbers and strings that it is made of.",
            )
        )


class _Reader:
    """Turns a tree back into the object."""

    def __init__(self, arrays: Arrays, place: Callable[[Any, str], Any]) -> None:
        self.arrays = arrays
        self.place = place
        self.tensors: dict[tuple[Any, ...], Any] = {}

    def decode(self, tree: Any) -> Any:
        if not isinstance(tree, list):
            return tree
        kind, *rest = tree
        if kind == "tensor":
            return self._tensor(*rest)
        if kind in ("dict", "ordered"):
            pairs = [(self.decode(k), self.decode(v)) for k, v in rest[0]]
            return dict(pairs) if kind == "dict" else OrderedDict(pairs)
        if kind in ("list", "tuple", "set", "size"):
            items = [self.decode(item) for item in rest[0]]
            return {"list": list, "tuple": tuple, "set": set, "size": Size}[kind](items)
        if kind == "array":
            return self.arrays[rest[0]]
        if kind == "int":
            return int(rest[0], 16)
        if kind == "number" and _held(np.dtype(rest[0])):
            return np.dtype(rest[0]).type(rest[1])
        if kind == "bytes":
            return base64.b64decode(rest[0])
        if kind == "dtype":
            return np.dtype(rest[0])
        if kind == "device":
            return Device(rest[0])
        raise ValueError(f"a value of kind {kind!r}, of a later version of minicnn?")

    def _tensor(self, name: str, where: str, requires_grad: bool, parameter: bool) -> Any:
        known = (name, where, requires_grad, parameter)
        if known not in self.tensors:
            tensor = self.place(as_tensor(self.arrays[name], device="cpu"), where)
            if parameter:
                from minicnn.nn import Parameter

                tensor = Parameter(tensor, requires_grad)
            self.tensors[known] = tensor if parameter else tensor.requires_grad_(requires_grad)
        return self.tensors[known]


def _held(dtype: np.dtype[Any]) -> bool:
    """Whether safetensors has the dtype: of real numbers, and no longdouble."""
    return dtype.kind in "buif" and dtype.itemsize <= 8


def _step(key: Any) -> str:
    """Return a dict's key as a step of the path that names a tensor."""
    try:
        return str(key)
    except ValueError:  # numbers of thousands of digits
        return type(key).__name__


def _is_parameter(tensor: TapeTensor) -> bool:
    if type(tensor) is Tensor:
        return False
    from minicnn.nn import Parameter

    return isinstance(tensor, Parameter)


def _checksum(tree: Any, arrays: Arrays) -> int:
    total = zlib.crc32(json.dumps(tree).encode())
    for name in sorted(arrays):
        total = zlib.crc32(arrays[name].reshape(-1).view(np.uint8).data, total)
    return total


def _placing(map_location: Any) -> Callable[[Any, str], Any]:
    """Return the function that puts a tensor of the CPU where ``map_location`` says."""
    if callable(map_location):

        def by_function(tensor: Any, where: str) -> Any:
            found = map_location(tensor, where)
            return tensor.to(device=where) if found is None else found

        return by_function
    if isinstance(map_location, Mapping):
        table = {str(here): there for here, there in map_location.items()}
        return lambda tensor, where: tensor.to(device=table.get(where, where))
    if map_location is None:
        return lambda tensor, where: tensor.to(device=where)
    target = Device(map_location)
    return lambda tensor, where: tensor.to(device=target)


# ---- the file


def write_arrays(where: str, f: Any, arrays: Mapping[str, Any], metadata: dict[str, str]) -> None:
    """Write arrays of any backend to a safetensors file, whole or not at all; raise the errors of `save`."""
    from safetensors.numpy import save as to_bytes

    blob = to_bytes({name: _plain(array) for name, array in arrays.items()}, metadata=metadata)
    if not hasattr(f, "write"):
        write_atomic(_path(where, f), blob)
        return
    try:
        f.write(blob)
    except TypeError:
        got, fix = f"{shown(f)} takes text", 'open(path, "wb").'
        raise ArgumentTypeError(message(where, "expects a file open for writing bytes.", got, fix)) from None


def read_arrays(where: str, f: Any) -> Arrays:
    """Return the arrays of a safetensors file by name; raise the errors of `load`."""
    return _parse(where, *_read(where, f))[0]


def _plain(array: Any) -> np.ndarray[Any, Any]:
    """Return an array of any backend as NumPy's, in C order and the machine's byte order, as safetensors stores it."""
    found = to_numpy(array)
    return np.asarray(found, dtype=found.dtype.newbyteorder("="), order="C")


def _path(where: str, f: Any) -> Path:
    if not isinstance(f, (str, os.PathLike)):
        got, fix = f"{f!r:.60}", f'{where}(..., "model.pt").'
        problem = f"expects a path or a file object, got {type(f).__name__}."
        raise ArgumentTypeError(message(where, problem, got, fix))
    if not os.fspath(f):
        raise FileMissingError(message(where, "the path is empty.", f"got {f!r}", f'{where}(..., "model.pt").'))
    return Path(f)


def _read(where: str, f: Any) -> tuple[str, bytes]:
    """Return the name and the bytes of a file."""
    if hasattr(f, "read"):
        name, blob = str(getattr(f, "name", type(f).__name__)), f.read()
        if not isinstance(blob, bytes):
            got = f"{name} gave {type(blob).__name__}"
            raise ArgumentTypeError(message(where, "expects a file open for reading bytes.", got, 'open(path, "rb").'))
        return name, blob
    path = _path(where, f)
    try:
        return str(path), path.read_bytes()
    except ValueError:  # as a NUL character
        raise CheckpointError(message(where, "no file can have this name.", shown(f), "check the path.")) from None
    except FileNotFoundError:
        got = f"looked for {path.absolute()}"
        raise FileMissingError(message(where, "the file is not there.", got, "check the path.")) from None
    except OSError as error:
        got = f"{path}: {error.strerror or type(error).__name__}"
        fix = "check the path and its permissions."
        raise CheckpointError(message(where, "the file cannot be read.", got, fix)) from error


def _parse(where: str, name: str, blob: bytes) -> tuple[Arrays, Any]:
    """Return the arrays of a safetensors file, and minicnn's note where it has one, its checksum compared."""
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    for start, held, what, fix in FOREIGN:
        # A safetensors file is 8 bytes of length, which may be any, and then JSON.
        if blob.startswith(start) and held in blob and blob[8:9] != b"{":
            raise CheckpointError(message(where, f"this is {what}.", f"{name}, {len(blob)} bytes", fix))
    try:
        arrays: Arrays = {key: np.array(array) for key, array in from_bytes(blob).items()}  # writable
        if strange := [str(array.dtype) for array in arrays.values() if array.dtype.kind not in "buif"]:
            raise ValueError(f"dtype {strange[0]}")
        length = int.from_bytes(blob[:8], "little")
        metadata = json.loads(blob[8 : 8 + length]).get("__metadata__", {})
        text = metadata.get("minicnn")
        if text is None and any("crc32" in other for other in metadata.values()):
            raise ValueError("the name of minicnn's note is damaged")
        if text is None:
            return arrays, None
        note = json.loads(text)
        if note["version"] != VERSION:
            raise ValueError(f"version {note['version']} of the format; this minicnn reads version {VERSION}")
        if note["crc32"] != _checksum(note["tree"], arrays):
            raise ValueError("the checksum differs")
        return arrays, note
    except (SafetensorError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise _broken(where, name, blob, error) from error  # KeyError: a dtype that NumPy has not, as bfloat16


def _broken(where: str, name: str, blob: bytes, error: Exception) -> CheckpointError:
    return CheckpointError(
        message(
            where,
            "the file is truncated or corrupt, or of a format that is not known." if blob else "the file is empty.",
            f"{name}, {len(blob)} bytes: {' '.join(str(error).split())[:200]}",
            "copy it again from where it came, or save it again.",
        )
    )
