"""Watching a tensor's gradient: hooks, kept gradients, and what inference mode asks of a tensor."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from minicnn.autograd.graph import Handle, Hook, TapeTensor, register
from minicnn.errors import GraphError, message
from minicnn.ops.checks import need_tensors


class Hooked(TapeTensor):
    """Hooks on gradients."""

    def retain_grad(self) -> None:
        """Keep the gradient of a tensor that is no leaf."""
        self._need_grad("retain_grad", "keep")
        if self._node is not None:
            self._node.retain = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """Whether it is no leaf and its gradient will be kept, since `retain_grad` was called."""
        return self._node is not None and self._node.retain is not None and self._node.retain() is self

    def register_hook(self, hook: Hook) -> Handle:
        """Call ``hook(grad)`` when this tensor's gradient is known; a tensor it returns takes the gradient's place.

        Returns:
            A handle with ``remove()``.

        >>> import minicnn
        >>> x = minicnn.tensor([1.0], requires_grad=True)
        >>> handle = x.register_hook(lambda g: g * 10)
        >>> x.sum().backward()
        >>> x.grad
        tensor([10.])
        """
        self._need_grad("register_hook", "hook")
        return register(self, "_hooks", hook) if self._node is None else register(self._node, "hooks", hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], Any]) -> Handle:
        """Call ``hook(tensor)`` each time backward has added to this leaf's ``grad``; what it returns is ignored.

        Returns:
            A handle with ``remove()``.
        Raises:
            GraphError: the tensor is no leaf, or does not require grad.

        >>> import minicnn
        >>> x = minicnn.tensor([1.0], requires_grad=True)
        >>> handle = x.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad))
        >>> (x * 3).sum().backward()
        tensor([3.])
        """
        self._need_grad("register_post_accumulate_grad_hook", "hook")
        if self._node is not None:
            raise GraphError(
                message(
                    "register_post_accumulate_grad_hook",
                    "only a leaf accumulates gradients, and this tensor is none.",
                    f"it was made by {self._node.name()}",
                    "use register_hook, which sees the gradient of any tensor.",
                )
            )
        return register(self, "_post_hooks", hook)

    def _need_grad(self, where: str, what: str) -> None:
        if not self._requires_grad:
            raise GraphError(
                message(
                    where,
                    f"the tensor has no gradient to {what}.",
                    f"shape {tuple(self._array.shape)} does not require grad",
                    "set requires_grad=True on it, or on an input before computing it.",
                )
            )

    def is_inference(self) -> bool:
        """Return whether the tensor was made in `minicnn.inference_mode`.

        >>> import minicnn
        >>> with minicnn.inference_mode():
        ...     x = minicnn.ones(2)
        >>> x.is_inference(), x.clone().is_inference()
        (True, False)
        """
        return self._memory is not None and self._memory.inference


def is_inference(input: Any) -> bool:
    """Return whether the tensor was made in `minicnn.inference_mode`: `Tensor.is_inference` as a function."""
    need_tensors("is_inference", input=input)
    return input.is_inference()
