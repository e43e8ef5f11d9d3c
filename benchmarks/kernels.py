"""Every kernel that minicnn has for a convolution, timed on its three products: ``python -m benchmarks.ops --kernels``.

A kernel is a module of `minicnn.backend.numpy` with a function of a product's name, which is called with the arguments
that its parameters name. One that raises, or whose result is not the plain kernel's, is none for the shape. So a new
module is measured as soon as it is there.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import pkgutil
import statistics
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.op_cases import CONVS, Conv, drawn

PRODUCTS = {  # what a kernel's module calls it, and what the backend does
    "conv": "conv",
    "input_grad": "conv_input_grad",
    "weight_grad": "conv_weight_grad",
}
SLACK = 1.05  # a kernel is not called slower than another before so much


def modules() -> dict[str, ModuleType]:
    """Return the modules that hold kernels, by name."""
    package = importlib.import_module("minicnn.backend.numpy")
    names = [info.name for info in pkgutil.iter_modules(package.__path__)]
    found = {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}
    return {name: module for name, module in found.items() if any(hasattr(module, product) for product in PRODUCTS)}


def arguments_of(conv: Conv) -> dict[str, Any]:
    """Return what kernels and backends may ask for, by their parameters' names; one dim is done as (1, L)."""
    import minicnn
    from minicnn.backend.numpy.rows import Geometry

    flat = len(conv.kernel) == 1
    stride, dilation = (1, conv.stride) if flat else (conv.stride, conv.stride), (1, 1)
    padding = ((0, 0) if flat else (conv.padding, conv.padding), (conv.padding, conv.padding))
    sizes, kernel = ((1, *conv.sizes), (1, *conv.kernel)) if flat else (conv.sizes, conv.kernel)
    shape = (*conv.weight_shape[:2], *kernel)
    x = drawn(minicnn, conv.n, conv.c, *sizes, plain=conv.image).numpy()
    arguments = {
        "x": x,
        "weight": np.ascontiguousarray(drawn(minicnn, *shape, seed=1).numpy()),
        "bias": drawn(minicnn, conv.o, seed=2).numpy(),
        "sizes": sizes,
        "shape": shape,
        "weight_shape": shape,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": conv.groups,
        "geometry": Geometry(stride, padding, dilation),
    }
    out = plain_call("conv", arguments)()
    return arguments | {"grad": drawn(minicnn, *out.shape, seed=3).numpy()}


def call_of(function: Callable[..., Any], arguments: dict[str, Any]) -> functools.partial[Any] | None:
    """Return the call with the arguments that the parameters name; None where one is unknown or one is missing."""
    parameters = inspect.signature(function).parameters
    needed = {name for name, parameter in parameters.items() if parameter.default is parameter.empty}
    if needed - set(arguments):
        return None
    return functools.partial(function, **{name: arguments[name] for name in parameters if name in arguments})


def plain_call(product: str, arguments: dict[str, Any]) -> Callable[[], Any]:
    """Return the call of the plain kernel, `minicnn.backend.base`."""
    from minicnn.backend import get
    from minicnn.backend.base import Backend

    call = call_of(functools.partial(getattr(Backend, PRODUCTS[product]), get("numpy")), arguments)
    assert call is not None
    return call


def taken(product: str, arguments: dict[str, Any]) -> str:
    """Return the name of the kernel that the backend takes: the first that it calls."""
    from minicnn.backend import get

    called = []

    def noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            called.append(name)
            return function(*args, **kwargs)

        return wrapper

    whole = call_of(getattr(get("numpy"), PRODUCTS[product]), arguments)
    assert whole is not None
    patches = [
        patch.object(module, p, noting(name, getattr(module, p)))
        for name, module in modules().items()
        for p in PRODUCTS
        if hasattr(module, p)
    ]
    for each in patches:
        each.start()
    try:
        whole()
    finally:
        for each in patches:
            each.stop()
    return called[0] if called else "base"


def candidates(product: str, arguments: dict[str, Any]) -> dict[str, Callable[[], Any]]:
    """Return the calls of all kernels that compute this product, the plain one first."""
    plain = plain_call(product, arguments)
    right = plain()
    limit = 1e-3 * np.abs(right).max()
    calls = {"base": plain}
    for name, module in modules().items():
        function = getattr(module, product, None)
        call = call_of(function, arguments) if function else None
        if call is None:
            continue
        if set(arguments["stride"]) != {1} and not {"stride", "geometry"} & set(call.keywords):
            continue  # it knows no strides, and would compute something else
        try:
            found = call()
        except Exception:  # a shape that it is not for: it need not say so in any special way
            continue
        if found.shape == right.shape and np.abs(found - right).max() <= limit:
            calls[name] = call
    return calls


def milliseconds(calls: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median of each call, the calls in turn."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(found) * 1e3 for name, found in times.items()}


def measure(names: list[str], threads: int, rounds: int) -> list[dict[str, Any]]:
    """Print and return, for each of `CONVS` and each product, the kernels' milliseconds and which one is taken."""
    import minicnn

    minicnn.set_num_threads(threads)
    print(f"{'milliseconds':34} {'product':12} * is taken, ! should have been")
    rows = []
    for name in names:
        arguments = arguments_of(CONVS[name])
        products = {}
        for product in ("conv", "weight_grad") if CONVS[name].image else PRODUCTS:
            ms = milliseconds(candidates(product, arguments), rounds)
            choice = taken(product, arguments)
            products[product] = {"taken": choice, "ms": ms}
            better = [n for n in ms if choice in ms and ms[choice] > SLACK * ms[n] and ms[n] == min(ms.values())]
            marks = {choice: " *", **dict.fromkeys(better, " !")}
            figures = ", ".join(f"{kernel} {value:.3f}{marks.get(kernel, '')}" for kernel, value in ms.items())
            print(f"{name:34} {product:12} {figures}", flush=True)
        rows.append({"name": name, "threads": threads, "rounds": rounds, "products": products})
    return rows
