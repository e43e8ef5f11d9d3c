"""Layers that resize images: Upsample, UpsamplingNearest2d, UpsamplingBilinear2d."""

from __future__ import annotations

from collections.abc import Sequence

from minicnn.nn import functional as F
from minicnn.nn.module import Module
from minicnn.tensor import Tensor


class Upsample(Module):
    """Resize images; see `functional.interpolate`.

    Shapes: input (N, C, *S); output (N, C, *OS).

    Args:
        size: OS, one number or one a dim.
        scale_factor: OS / S, one number or one a dim, where no size is given.
        mode: "nearest", "nearest-exact" or "area"; "linear" for 1 spatial dim, "bilinear" or "bicubic" for 2,
            "trilinear" for 3.
        align_corners: in modes with weights, put corners on corners.
        recompute_scale_factor: whether elements are read by the factor that the rounded size gives.
    Raises:
        ParameterError, ShapeError, ArgumentTypeError: as for `functional.interpolate`, when called.

    >>> import minicnn
    >>> Upsample(scale_factor=2)(minicnn.zeros(1, 2, 3, 3)).shape
    (1, 2, 6, 6)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool | None = None,
        recompute_scale_factor: bool | None = None,
    ) -> None:
        super().__init__()
        self.size = size
        if isinstance(scale_factor, (tuple, list)):
            scale_factor = tuple(map(float, scale_factor))
        self.scale_factor = float(scale_factor) if isinstance(scale_factor, (int, float)) else scale_factor
        self.mode = mode
        self.align_corners = align_corners
        self.recompute_scale_factor = recompute_scale_factor

    def forward(self, input: Tensor) -> Tensor:
        """Return the image resized."""
        return F.interpolate(
            input, self.size, self.scale_factor, self.mode, self.align_corners, self.recompute_scale_factor
        )

    def extra_repr(self) -> str:
        what = f"size={self.size}" if self.scale_factor is None else f"scale_factor={self.scale_factor}"
        return f"{what}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Resize images by the nearest element: `Upsample` with mode "nearest", under PyTorch's old name.

    Shapes: input (N, C, H, W); output (N, C, OH, OW).

    Args:
        size: OH and OW.
        scale_factor: OH / H and OW / W, where no size is given.

    >>> import minicnn
    >>> UpsamplingNearest2d(scale_factor=2)(minicnn.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1., 1., 2., 2.],
              [1., 1., 2., 2.]]]])
    """

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, mode="nearest")


class UpsamplingBilinear2d(Upsample):
    """Resize images by their neighbours' weights, corners on corners, under PyTorch's old name.

    It is `Upsample` with mode "bilinear" and align_corners.

    Shapes: input (N, C, H, W); output (N, C, OH, OW).

    Args:
        size: OH and OW.
        scale_factor: OH / H and OW / W, where no size is given.

    >>> import minicnn
    >>> UpsamplingBilinear2d(size=(1, 3))(minicnn.tensor([[[[1.0, 2.0]]]]))
    tensor([[[[1.0000, 1.5000, 2.0000]]]])
    """

    def __init__(
        self, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
    ) -> None:
        super().__init__(size, scale_factor, mode="bilinear", align_corners=True)
