"""Make ``torch.txt``, the list of PyTorch's names, anew: ``python -m minicnn.testing.names.collect``; needs PyTorch.

Kept are the public names that PyTorch documents: functions, classes, dtypes, and the methods of Tensor. Its rooms of
torchvision come along where that is installed.
"""

from __future__ import annotations

import importlib
import inspect
import sys
import textwrap
import types
import warnings
from pathlib import Path
from typing import Any

PATH = Path(__file__).with_name("torch.txt")
ROOMS = (
    *("torch", "torch.Tensor", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.optim"),
    *("torch.optim.lr_scheduler", "torch.autograd", "torch.autograd.functional", "torch.linalg", "torch.utils.data"),
    *("torch.utils.checkpoint", "torch.cuda", "torch.accelerator"),
)
VISION = ("datasets", "transforms", "transforms.functional", "models", "utils")
UNDOCUMENTED = {  # names without a docstring of their own that programs use
    "torch": "Generator Size Tensor device dropout dtype embedding group_norm layer_norm batch_norm instance_norm "
    "relu selu celu prelu pixel_shuffle FloatTensor DoubleTensor LongTensor IntTensor ShortTensor CharTensor "
    "ByteTensor BoolTensor get_printoptions rms_norm cosine_similarity hinge_embedding_loss",
    "torch.Tensor": "T data dtype grad_fn relu relu_ split chunk new resize log_softmax unflatten __getitem__ "
    "__setitem__ __len__ __iter__ __contains__ __bool__ __float__ __int__ __index__ __array__ __format__ "
    "__deepcopy__ __matmul__ __pow__ __invert__ __floordiv__ __mod__ __dlpack__",
    "torch.autograd": "Variable",
    "torch.cuda": "FloatTensor DoubleTensor LongTensor IntTensor ByteTensor BoolTensor",
    "torch.nn.functional": "sigmoid tanh",
}
MACHINERY = ("typing", "collections", "enum", "bisect", "functools")  # what modules import for themselves


def collect() -> dict[str, list[str]]:
    """Return PyTorch's public names, room by room."""
    found = {room: _names(room) for room in ROOMS}
    for room in _vision():
        found[room] = _names(room)
    return found


def _names(room: str) -> list[str]:
    import torch

    owner: Any = torch.Tensor if room == "torch.Tensor" else importlib.import_module(room)
    listed = None if room in ("torch", "torch.Tensor") else getattr(owner, "__all__", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        names = {
            name
            for name in (dir(owner) if listed is None else listed)
            if not name.startswith("_") and _public(room, getattr(owner, name))
        }
    return sorted(names | set(UNDOCUMENTED.get(room, "").split()))


def _public(room: str, value: Any) -> bool:
    import torch

    if isinstance(value, types.ModuleType):
        return False
    if isinstance(value, torch.dtype):
        return True
    if not getattr(value, "__doc__", None) and not (inspect.isclass(value) and value.__name__.endswith("_Weights")):
        return False
    if room == "torch.Tensor":
        return True
    if not callable(value):
        return False
    own = getattr(value, "__module__", None) or ""
    family = room.partition(".")[0]
    return own.startswith(family) if inspect.isclass(value) or inspect.isfunction(value) else own not in MACHINERY


def _vision() -> list[str]:
    """Return torchvision's rooms; none where it is not installed, or does not fit the PyTorch that is."""
    import torch

    register = torch.library.register_fake
    torch.library.register_fake = lambda name, *args, **kwargs: (
        (lambda function: function) if str(name).startswith("torchvision::") else register(name, *args, **kwargs)
    )
    try:
        for room in VISION:
            importlib.import_module(f"torchvision.{room}")
    except (ImportError, RuntimeError):
        return []
    finally:
        torch.library.register_fake = register
    return [f"torchvision.{room}" for room in VISION]


def main() -> int:
    """Write the file."""
    parts = []
    for room, names in collect().items():
        lines = textwrap.wrap(" ".join(names), 118, break_long_words=False, break_on_hyphens=False)
        parts.append("\n".join([f"[{room}]", *lines, ""]))
    PATH.write_text("\n".join(parts), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
