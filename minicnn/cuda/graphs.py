"""Captured steps: a training step recorded once, and replayed without Python or launches of single kernels."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from minicnn.backend import backend_of, current, device_in_use
from minicnn.backend.capture import Capture, capturing, rehearsing
from minicnn.errors import ArgumentTypeError, BackendError, ParameterError, message, warn

__all__ = ["CUDAGraph", "GraphedStep", "graph", "is_current_stream_capturing"]

GRAPHS = 8  # signatures that one step is captured for; further ones run plainly
SIGNATURES = 256  # whose calls are counted: a number that differs at each call must not fill the memory


def is_current_stream_capturing() -> bool:
    """Return whether this thread is capturing a step.

    >>> is_current_stream_capturing()
    False
    """
    return capturing() is not None


class GraphedStep:
    """A function that is captured for each kind of arguments, and replayed: what `graph` returns.

    Attributes:
        captures: how many graphs it holds.
        replays: how many of its calls were replays.
    """

    def __init__(self, step: Callable[..., Any], warmup: int = 3) -> None:
        if not callable(step):
            got, fix = f"got {type(step).__name__}", "pass the function, not its result: cuda.graph(step)."
            raise ArgumentTypeError(message("cuda.graph", "step expects a function, or a CUDAGraph.", got, fix))
        if isinstance(warmup, bool) or not isinstance(warmup, int) or warmup < 1:
            got = f"got warmup={warmup!r}: the first steps make what later ones keep, such as momentum"
            raise ParameterError(message("cuda.graph", "warmup expects 1 or more.", got, "pass warmup=3."))
        self.step, self.warmup = step, warmup
        self.replays = 0
        self._told = False  # that it runs plainly
        self._calls: dict[Any, int] = {}
        self._graphs: dict[Any, _Captured] = {}
        functools.update_wrapper(self, step)

    @property
    def captures(self) -> int:
        return len(self._graphs)

    def reset(self) -> None:
        """Let go of the graphs and their memory: the next calls warm up and capture again."""
        self._calls.clear()
        self._graphs.clear()

    def __call__(self, *args: Any) -> Any:
        tensors: list[Any] = []
        key = _signature(args, tensors)
        backends = [backend_of(tensor._array) for tensor in tensors]
        backend = next((b for b in backends if b.records), backends[0] if backends else current())
        if not backend.records or capturing() is not None:
            if not backend.records and not self._told and device_in_use() is not None:
                self._told = True
                warn(
                    "cuda.graph: the step runs plainly and is not captured, since neither its arguments nor new "
                    'tensors live on the GPU: move batches before the step, x.to("cuda"), or minicnn.use("cupy").'
                )
            return self.step(*args)
        found = self._graphs.get(key)
        if found is not None:
            self.replays += 1
            return found.replay(tensors)
        if len(self._graphs) == GRAPHS:
            return self.step(*args)
        calls = self._calls[key] = self._calls.pop(key, 0) + 1
        if len(self._calls) > SIGNATURES:  # the last used stand last
            del self._calls[next(iter(self._calls))]
        if calls < self.warmup:
            return self.step(*args)
        if calls == self.warmup:
            with rehearsing(Capture(backend)):
                return self.step(*args)
        captured, result = _captured(backend, self.step, args, tensors)
        self._graphs[key] = captured
        return result


class _Captured:
    """One graph: its fixed inputs and outputs, and what launches it."""

    def __init__(self, inputs: list[Any], result: Any, capture: Capture, launch: Callable[[], None]) -> None:
        self._inputs, self._result, self._capture, self._launch = inputs, result, capture, launch

    def replay(self, tensors: list[Any]) -> Any:
        for fixed, new in zip(self._inputs, tensors, strict=True):
            fixed._array[...] = new._array
        self._capture.before_replay()
        self._launch()
        return _map(_copy, self._result)


def _captured(backend: Any, step: Callable[..., Any], args: Any, tensors: list[Any]) -> tuple[_Captured, Any]:
    """Capture a step with fixed copies of its arguments, having done it once; return it, and the result."""
    for tensor in tensors:
        if backend_of(tensor._array) is not backend:
            raise BackendError(
                message(
                    "cuda.graph",
                    "an argument lives on the CPU, from which a replay reads nothing.",
                    f"an argument of shape {tuple(tensor.shape)} among others on {backend.device_type}",
                    f'move it before the step: x.to("{backend.device_type}").',
                )
            )
        if tensor.requires_grad:
            raise BackendError(
                message(
                    "cuda.graph",
                    "an argument requires grad, and its gradient would go to the fixed copy that the graph reads.",
                    f"an argument of shape {tuple(tensor.shape)}",
                    "pass x.detach(), or make the tensor a parameter that the step reads by itself.",
                )
            )
    fixed = {id(tensor): _copy(tensor) for tensor in tensors}
    copies = _map(lambda tensor: fixed[id(tensor)], args)
    capture = Capture(backend)
    result, launch = backend.record(capture, lambda: _map(_result, step(*copies)))
    return _Captured([fixed[id(t)] for t in tensors], result, capture, launch), _map(_copy, result)


def _is_tensor(value: Any) -> bool:
    return hasattr(value, "_array")


def _copy(tensor: Any) -> Any:
    return tensor.detach().clone()


def _result(tensor: Any) -> Any:
    return tensor.detach()


def _map(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to the tensors in a value: itself, or in tuples, lists and dicts."""
    if _is_tensor(value):
        return function(value)
    if isinstance(value, dict):
        return {key: _map(function, part) for key, part in value.items()}
    if isinstance(value, (tuple, list)):
        parts = [_map(function, part) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    return value


def _signature(value: Any, tensors: list[Any]) -> Any:
    """Return what a graph is captured for: shapes and dtypes of tensors, and other values as they are.

    A tensor that stood before is its place among ``tensors``: two places that are one have one fixed copy.
    """
    if _is_tensor(value):
        for place, known in enumerate(tensors):
            if known is value:
                return place
        tensors.append(value)
        return (tuple(value._array.shape), str(value._array.dtype), type(value._array), value.requires_grad)
    if isinstance(value, dict):
        return ("dict", *((key, _signature(part, tensors)) for key, part in value.items()))
    if isinstance(value, (tuple, list)):
        return (type(value).__name__, *(_signature(part, tensors) for part in value))
    try:
        hash(value)
    except TypeError:
        got = f"got {type(value).__name__}"
        fix = "pass tensors, numbers, strings, and tuples, lists and dicts of these."
        raise ArgumentTypeError(
            message("cuda.graph", "a step takes arguments that can be compared.", got, fix)
        ) from None
    return (type(value).__name__, value)


class CUDAGraph:
    """A captured piece of work, as PyTorch has it: recorded by ``with cuda.graph(g):``, done again by ``g.replay()``.

    As there, the block records the work and does not do it: the first replay is the first step. What it reads and
    writes are the very tensors that the block used: copy new values into them (``x.copy_(...)``), and run the block's
    work a few times before. `graph` with a function does all of this by itself.

    Raises:
        BackendError: (from replay) nothing was captured.

    >>> import minicnn
    >>> from minicnn import cuda
    >>> with minicnn.use("strict"):
    ...     x, g = minicnn.ones(2), cuda.CUDAGraph()
    ...     with cuda.graph(g):
    ...         y = x * 3
    ...     _ = x.copy_(minicnn.tensor([1.0, 5.0]))
    ...     g.replay()
    ...     y.tolist()
    [3.0, 15.0]
    """

    def __init__(self, keep_graph: bool = False) -> None:
        self._work: tuple[Capture, Callable[[], None]] | None = None

    def replay(self) -> None:
        """Do the captured work again."""
        if self._work is None:
            raise BackendError(
                message(
                    "CUDAGraph.replay",
                    "nothing was captured.",
                    "the block of cuda.graph has not run, or reset() was called",
                    "run `with cuda.graph(g): ...` on a GPU first; cuda.graph(step) takes a function, on any device.",
                )
            )
        capture, launch = self._work
        capture.before_replay()
        launch()

    def reset(self) -> None:
        """Let go of what was captured, and of its memory."""
        self._work = None


class _Block:
    """The block in which a CUDAGraph is captured."""

    def __init__(self, graph: CUDAGraph) -> None:
        self.graph = graph

    def __enter__(self) -> None:
        backend = current()
        if not backend.records:
            raise BackendError(
                message(
                    "cuda.graph",
                    "a CUDAGraph is captured on a GPU.",
                    f"new tensors live on {backend.device_type}",
                    'use the GPU: minicnn.use("cupy"); or cuda.graph(step) with a function, which runs anywhere.',
                )
            )
        self.capture = Capture(backend, counts=False)
        self.recorder = backend.recorder(self.capture)
        self.recorder.__enter__()

    def __exit__(self, *details: Any) -> None:
        try:
            self.recorder.__exit__(*details)
        finally:
            self.capture.take_back()
        if details[0] is None:
            self.graph._work = (self.capture, self.recorder.launch)


def graph(step: Any, warmup: int = 3) -> Any:
    """Return a training step that is recorded once and then replayed, in place of launching kernel after kernel.

    Its first ``warmup`` calls run plainly; the next is captured as a CUDA graph; all later ones copy their arguments
    into the graph's fixed memory and replay it. The result is what the step returned, in fresh tensors: a loss stays on
    the device, and is read when you ask for it (``loss.item()``). Without a GPU the step runs plainly, so the same
    program runs anywhere.

    A graph repeats what the device did, and nothing of Python: branches, prints and ``model.train()`` count when it is
    captured. Learning rates, counts of steps, schedules stepped within it, and dropout's masks do go on. Arguments of
    other shapes or dtypes, or other numbers, are another graph, warmed up and captured likewise (8 at most; calls of
    further kinds run plainly). A step must not read a value (``loss.item()``, ``if loss > 1``, ``x[mask]``), nor bring
    one from the host: move batches to the GPU before it.

    Args:
        step: a function of tensors, and of numbers or strings that choose what it does; or a `CUDAGraph`, to be
            captured in a block: ``with cuda.graph(g):``.
        warmup: how many calls run plainly first, at least 1: they make what later ones keep, such as momentum.
    Returns:
        A `GraphedStep`; or the block.
    Raises:
        BackendError: (when captured) the step reads a value, or brings one from the host; the message names the
            function.
        ParameterError: (when captured) the optimizer cannot be captured.
    Source: the CUDA C++ Programming Guide, "CUDA Graphs".

    >>> import minicnn
    >>> from minicnn import cuda, nn, optim
    >>> model = nn.Linear(2, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.1)
    >>> def step(x, y):
    ...     optimizer.zero_grad()
    ...     loss = nn.functional.mse_loss(model(x), y)
    ...     loss.backward()
    ...     optimizer.step()
    ...     return loss
    >>> step = cuda.graph(step)
    >>> losses = [step(minicnn.ones(4, 2), minicnn.ones(4, 1)) for _ in range(9)]
    >>> bool(losses[-1] < losses[0])
    True
    """
    if isinstance(step, CUDAGraph):
        return _Block(step)
    return GraphedStep(step, warmup)
