"""Writes in place that autograd refuses."""

from __future__ import annotations

from minicnn.autograd.graph import TapeTensor
from minicnn.autograd.mode import mode
from minicnn.errors import GraphError, message


def refuse_inference(tensor: TapeTensor, name: str) -> None:
    """Raise GraphError for a write to an inference tensor outside of inference mode."""
    if not mode.inference and tensor._memory is not None and tensor._memory.inference:
        raise GraphError(
            message(
                name,
                "an inference tensor is changed in place outside of inference mode.",
                f"shape {tuple(tensor._array.shape)}; it was made in inference mode",
                "change x.clone(), an ordinary tensor, or do it under minicnn.inference_mode().",
            )
        )


def refuse_leaf(tensor: TapeTensor, name: str) -> None:
    """Raise GraphError for a recorded write to a leaf that requires grad, or to a view of one."""
    relatives = [] if tensor._family is None else [ref() for ref in tensor._family.members]
    if any(t is not None and t._requires_grad and t._node is None for t in (tensor, *relatives)):
        raise GraphError(
            message(
                name,
                "a leaf tensor that requires grad is changed in place.",
                f"shape {tuple(tensor._array.shape)}; its gradient would belong to a value that is gone",
                "do it under `with minicnn.no_grad():`, as optimizers do, or work on a clone().",
            )
        )
