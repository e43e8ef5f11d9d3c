"""Adding to the gradients of leaves: now, and in the replays of a captured step."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from minicnn.autograd.graph import TapeTensor, clock, memory_of, wrap
from minicnn.backend.capture import capturing, on_replay
from minicnn.errors import GraphError, message

_adding = threading.Lock()  # several threads may run backward into the same leaves


def accumulate(leaf: TapeTensor, grad: Any, create_graph: bool, lent: set[int]) -> None:
    """Add to a tensor's grad; each gets an array of its own, which its owner may then change."""
    with _adding:
        _add_grad(leaf, grad, create_graph, lent)


def _add_grad(leaf: TapeTensor, grad: Any, create_graph: bool, lent: set[int]) -> None:
    if leaf._grad is not None:
        if create_graph or leaf._grad._requires_grad:
            leaf._grad = leaf._grad + grad
        else:
            if capturing() is not None:
                _add_in_replays(leaf, leaf._grad)
            leaf._grad._array += grad._array
            memory_of(leaf._grad).written = clock()
    elif create_graph:
        leaf._grad = grad.clone()
    else:
        array = grad._array
        if id(array) in lent or array.base is not None:  # another tensor's too, or a view of something larger
            array = array.copy()
        lent.add(id(array))
        leaf._grad = wrap(array)
        if capturing() is not None:
            _give_in_replays(leaf, leaf._grad)


def _add_in_replays(leaf: TapeTensor, fixed: Any) -> None:
    """Bring what the leaf holds before a replay to where the replay adds to it."""

    known = weakref.ref(leaf)  # one made within the step is gone when it is replayed

    def bring() -> None:
        leaf = known()
        if leaf is not None and leaf._grad is not fixed:
            fixed._array[...] = 0 if leaf._grad is None else leaf._grad._array
            leaf._grad = fixed

    on_replay(bring)


def _give_in_replays(leaf: TapeTensor, fixed: Any) -> None:
    """Give the leaf, at each replay, the gradient that the replay writes; the one it holds would be lost."""
    capture = capturing()
    refuses, first = capture is not None and capture.counts, True  # in a block replays write over it, as in PyTorch
    known = weakref.ref(leaf)

    def give() -> None:
        nonlocal first
        leaf = known()
        if leaf is None:
            return
        if leaf._grad is not None and refuses and not first:
            raise GraphError(
                message(
                    "cuda.graph",
                    "a captured backward writes a gradient, where one stands already that it would have to add to.",
                    f"a leaf of shape {tuple(leaf._array.shape)}, which had no gradient when the step was captured",
                    "call zero_grad() within the step; or before the captures and the replays alike.",
                )
            )
        leaf._grad, first = fixed, False

    on_replay(give)
