"""Mixed precision, which minicnn has not: what programs write for it is accepted where it is switched off."""

from __future__ import annotations

from typing import Any, Self

from minicnn.errors import DTypeError, message
from minicnn.ops.dtypes import as_dtype


class autocast:
    """Do nothing for a block, as PyTorch's autocast does with ``enabled=False``.

    Args:
        device_type: accepted; a bool is ``enabled``, as for PyTorch's ``cuda.amp.autocast``.
        dtype: float32, or None; half precision is refused.
        enabled: False; True asks for half precision, unless the dtype is float32.
        cache_enabled: accepted.
    Raises:
        DTypeError: it is enabled.

    >>> with autocast("cpu", enabled=False):
    ...     pass
    """

    def __init__(
        self, device_type: Any = "cuda", dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None
    ) -> None:
        enabled = device_type if isinstance(device_type, bool) else enabled
        if enabled and dtype is None:
            raise _refused("autocast")
        if enabled:
            as_dtype(dtype)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __call__(self, function: Any) -> Any:
        return function


class GradScaler:
    """Scale nothing, as PyTorch's GradScaler does with ``enabled=False``: float32 needs no scale.

    Args:
        device: accepted.
        init_scale, growth_factor, backoff_factor, growth_interval: accepted.
        enabled: False.
    Raises:
        DTypeError: it is enabled.

    >>> GradScaler(enabled=False).get_scale()
    1.0
    """

    def __init__(
        self,
        device: Any = "cuda",
        init_scale: float = 65536.0,
        growth_factor: float = 2.0,
        backoff_factor: float = 0.5,
        growth_interval: int = 2000,
        enabled: bool = True,
    ) -> None:
        if enabled:
            raise _refused("GradScaler")

    def is_enabled(self) -> bool:
        """Return False."""
        return False

    def get_scale(self) -> float:
        """Return 1."""
        return 1.0

    def scale(self, outputs: Any) -> Any:
        """Return the loss, or losses, as they are."""
        return outputs

    def unscale_(self, optimizer: Any) -> None:
        """Leave the gradients as they are."""

    def step(self, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
        """Return what the optimizer's step gives."""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Keep the scale."""

    def state_dict(self) -> dict[str, Any]:
        """Return nothing to save."""
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take nothing over."""


def _refused(where: str) -> DTypeError:
    fix = f"stay in float32: {where}(..., enabled=False), or leave it out."
    return DTypeError(message(where, "half precision is not computed with.", "enabled is True", fix))
