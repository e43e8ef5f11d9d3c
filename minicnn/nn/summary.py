"""`summary`: a table of a network's layers, their output shapes and parameters, as torchsummary prints it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from minicnn.autograd import no_grad
from minicnn.autograd.graph import TapeTensor
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError, message, shown
from minicnn.nn.container import ModuleList, Sequential
from minicnn.nn.module import Module
from minicnn.nn.uninitialized import Uninitialized
from minicnn.ops.promote import get_default_dtype
from minicnn.random import default_generator
from minicnn.tensor.creation import rand

Row = tuple[str, Any, int, int]  # layer, output shape, parameters, trainable ones
MB = 4 / 1024**2  # of one number: float32


def summary(model: Module, input_size: Any, batch_size: int = -1, device: Any = None, dtypes: Any = None) -> None:
    """Print a table of the layers that a network calls, with output shapes and numbers of parameters.

    The network is called once, on random numbers and a batch of 2, in the mode it is in, without gradients. Its
    mode, hooks, buffers (batch norm's statistics) and the random state are as before; lazy layers get their sizes.
    A row counts the parameters that the layer holds itself; a layer that is called twice has two rows and, as in
    torchsummary, counts twice. Sizes in MB are of float32; those of several inputs add up.

    Args:
        model: the network.
        input_size: the shape of one input without its batch axis, such as (3, 32, 32); a list of them for several.
        batch_size: what is printed, and counted, for the batch axis; −1 stands for any.
        device: of the inputs; that of the network's parameters if None.
        dtypes: of the inputs, one an input; the dtype of the network's parameters if None.
    Raises:
        ArgumentTypeError: model is no Module.
        ParameterError: input_size is no shape, or there is not one dtype an input.
        ShapeError: the inputs do not fit; the message names the layer.

    >>> from minicnn import nn
    >>> summary(nn.Sequential(nn.Conv2d(1, 6, 5, stride=2), nn.ReLU()), (1, 28, 28))
    ----------------------------------------------------------------
            Layer (type)               Output Shape         Param #
    ================================================================
                Conv2d-1            [-1, 6, 12, 12]             156
                  ReLU-2            [-1, 6, 12, 12]               0
    ================================================================
    Total params: 156
    Trainable params: 156
    Non-trainable params: 0
    ----------------------------------------------------------------
    Input size (MB): 0.00
    Forward/backward pass size (MB): 0.01
    Params size (MB): 0.00
    Estimated Total Size (MB): 0.02
    ----------------------------------------------------------------
    """
    if not isinstance(model, Module):
        problem = f"expects a network, got {type(model).__name__}."
        raise ArgumentTypeError(message("summary", problem, f"{model!r:.60}", "summary(model, (3, 32, 32))."))
    sizes = _sizes(input_size)
    rows = _run(model, sizes, batch_size, device, dtypes)
    total, trainable = sum(row[2] for row in rows), sum(row[3] for row in rows)
    inputs = abs(sum(int(np.prod(size)) for size in sizes) * batch_size * MB)
    passes = abs(2 * sum(_numel(row[1]) for row in rows) * MB)  # twice: the outputs and their gradients
    line, double = "-" * 64, "=" * 64
    print(line, f"{'Layer (type)':>20}  {'Output Shape':>25} {'Param #':>15}", double, sep="\n")
    for name, shape, count, _ in rows:
        print(f"{name:>20}  {shape!s:>25} {count:>15,}")
    print(double, f"Total params: {total:,}", f"Trainable params: {trainable:,}", sep="\n")
    print(f"Non-trainable params: {total - trainable:,}", line, f"Input size (MB): {inputs:.2f}", sep="\n")
    print(f"Forward/backward pass size (MB): {passes:.2f}", f"Params size (MB): {total * MB:.2f}", sep="\n")
    print(f"Estimated Total Size (MB): {inputs + passes + total * MB:.2f}", line, sep="\n")


def _sizes(input_size: Any) -> list[tuple[int, ...]]:
    """Return the shapes of the inputs, from one shape or a sequence of them."""
    given = list(input_size) if isinstance(input_size, (list, tuple)) else [input_size]
    several = [given] if all(isinstance(n, (int, np.integer)) for n in given) else given
    for size in several:
        if not isinstance(size, (list, tuple)) or not all(isinstance(n, (int, np.integer)) and n > 0 for n in size):
            raise ParameterError(
                message(
                    "summary",
                    "input_size expects a shape of whole numbers above 0, or a list of shapes.",
                    f"input_size = {_told(input_size)}",
                    "leave the batch axis out: (3, 32, 32), or [(3, 32, 32), (10,)] for two inputs.",
                )
            )
    return [tuple(int(n) for n in size) for size in several]


def _told(input_size: Any) -> str:
    if isinstance(input_size, TapeTensor):
        return f"a Tensor of shape {tuple(input_size._array.shape)}"
    return shown(input_size)


def _run(model: Module, sizes: list[tuple[int, ...]], batch_size: int, device: Any, dtypes: Any) -> list[Row]:
    """Call the network once and return a row for each layer called."""
    first = next((p for p in model.parameters()), None)
    if device is None and first is not None:
        device = first.device
    own = get_default_dtype() if first is None else first.dtype
    kinds = [own] * len(sizes) if dtypes is None else list(dtypes)
    if len(kinds) != len(sizes):
        got = f"{len(kinds)} dtypes, {len(sizes)} inputs"
        raise ParameterError(
            message("summary", "expects one dtype an input.", got, "dtypes=[minicnn.int64], for example.")
        )
    alone = not any(True for _ in model.children())
    rows: list[Row] = []
    running: list[str] = []  # the paths of the layers that are computing, the innermost last

    def leave(module: Module, _: Any, output: Any) -> None:
        running.pop()
        if isinstance(module, (Sequential, ModuleList)) or (module is model and not alone):
            return
        own = [p for p in module._parameters.values() if p is not None]
        counts = [p.numel() for p in own], [p.numel() for p in own if p.requires_grad]
        name = f"{type(module).__name__}-{len(rows) + 1}"
        rows.append((name, _shape(output, batch_size), sum(counts[0]), sum(counts[1])))

    with contextlib.ExitStack() as stack, no_grad():
        stack.enter_context(_as_before(model))
        inputs = [rand(2, *size).to(device=device, dtype=kind) for size, kind in zip(sizes, kinds, strict=True)]
        for path, module in model.named_modules():
            name = f"{path} ({type(module).__name__})" if path else type(module).__name__
            enter = lambda _, __, name=name: running.append(name)  # noqa: E731
            stack.enter_context(module.register_forward_pre_hook(enter, prepend=True))
            stack.enter_context(module.register_forward_hook(leave))
        try:
            model(*inputs)
        except Exception as error:
            where = running[-1] if running else type(model).__name__
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ShapeError(
                message(
                    "summary",
                    f"layer {where} cannot take its input: {reason}",
                    f"the network was given {', '.join(str(tuple(x.shape)) for x in inputs)}, a batch of 2",
                    "pass the shape of one input without its batch axis, and dtypes=[...] where it is no float.",
                )
            ) from error
    return rows


@contextlib.contextmanager
def _as_before(model: Module) -> Iterator[None]:
    """Put the random state and all buffers back after the block."""
    state = default_generator.get_state()
    buffers = [
        (module, name, buffer, None if isinstance(buffer, Uninitialized) else buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
        if buffer is not None
    ]
    try:
        yield
    finally:
        default_generator.set_state(state)
        for module, name, buffer, values in buffers:
            if values is not None:
                buffer.detach().copy_(values)
                module._buffers[name] = buffer
            elif not isinstance(buffer, Uninitialized):  # a lazy layer's, which has its size now
                module.reset_running_stats()


def _shape(output: Any, batch_size: int) -> Any:
    """Return the shape of an output with the batch size as asked for; of several outputs, the list of shapes."""
    if isinstance(output, TapeTensor):
        return [batch_size, *output._array.shape[1:]] if output._array.ndim else []
    parts = list(output.values()) if isinstance(output, Mapping) else output
    return [_shape(part, batch_size) for part in parts] if isinstance(parts, (list, tuple)) else []


def _numel(shape: Any) -> int:
    """Return the number of elements of a shape, or of a list of them, without sign."""
    if any(isinstance(n, list) for n in shape):
        return sum(_numel(part) for part in shape)
    return abs(int(np.prod(shape)))
