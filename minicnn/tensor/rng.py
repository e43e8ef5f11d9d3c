"""The state of the default random generator, as a tensor: what PyTorch's checkpoints hold."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from minicnn.errors import ParameterError, message
from minicnn.random import default_generator
from minicnn.tensor import Tensor
from minicnn.tensor.creation import tensor


def get_rng_state() -> Tensor:
    """Return the state of the default generator as a tensor of bytes, for `set_rng_state`.

    >>> import minicnn
    >>> state = get_rng_state()
    >>> a = minicnn.rand(3)
    >>> set_rng_state(state)
    >>> bool((a == minicnn.rand(3)).all())
    True
    """
    text = json.dumps(default_generator.get_state())
    return tensor(np.frombuffer(text.encode(), dtype=np.uint8), device="cpu")


def set_rng_state(new_state: Any) -> None:
    """Put the default generator back to a state from `get_rng_state`.

    Raises:
        ParameterError: it is no such state; the generator is as it was.
    """
    try:
        state = json.loads(np.asarray(new_state, dtype=np.uint8).tobytes())
        default_generator.set_state({"seed": state["seed"], "state": state["state"], "drawn": state.get("drawn", {})})
    except (ValueError, TypeError, KeyError) as error:
        raise ParameterError(
            message(
                "set_rng_state",
                "expects a state from get_rng_state().",
                f"got {type(new_state).__name__}: {type(error).__name__}",
                "use manual_seed(seed) to start anew.",
            )
        ) from None
