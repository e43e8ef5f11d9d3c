"""Compose, Lambda, Normalize, and the ways between PIL images, arrays and Tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from minicnn.data.transforms.functional.convert import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from minicnn.data.transforms.functional.picture import Picture
from minicnn.errors import ArgumentTypeError, message
from minicnn.tensor import Tensor

__all__ = ["Compose", "ConvertImageDtype", "Lambda", "Normalize", "PILToTensor", "ToPILImage", "ToTensor"]


class Compose:
    """Apply transforms one after another: y = t_n(... t_2(t_1(x))).

    Args:
        transforms: functions of one argument, in order.

    >>> Compose([abs, str])(-3)
    '3'
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for transform in self.transforms:
            img = transform(img)
        return img

    def __repr__(self) -> str:
        return "\n".join(["Compose(", *(f"    {transform}" for transform in self.transforms), ")"])


class Lambda:
    """Apply a function of one's own.

    Args:
        lambd: a function of one argument.

    Raises:
        ArgumentTypeError: it cannot be called.

    >>> Lambda(lambda x: x + 1)(2)
    3
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            got = f"got {type(lambd).__name__}"
            fix = "pass a function of one argument."
            raise ArgumentTypeError(message("Lambda", "expects a function.", got, fix))
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)

    def __repr__(self) -> str:
        return "Lambda()"


class ToTensor:
    """Make a picture of bytes a float32 Tensor from 0 to 1, channels first: y = x / 255.

    Shapes: PIL images and arrays (H, W) give (1, H, W), (H, W, C) give (C, H, W); Tensors (C, H, W) stay.

    >>> import numpy as np
    >>> ToTensor()(np.full((28, 28), 255, dtype=np.uint8)).shape
    (1, 28, 28)
    """

    def __call__(self, pic: Picture) -> Tensor:
        return to_tensor(pic)

    def __repr__(self) -> str:
        return "ToTensor()"


class Normalize:
    """Shift and scale each channel of a Tensor: y[c] = (x[c] − mean[c]) / std[c].

    Shapes: (..., C, H, W) gives the same.

    Args:
        mean: what to subtract, one entry a channel.
        std: what to divide by, one entry a channel; not 0.
        inplace: write the result into the input too.

    >>> from minicnn.tensor.creation import as_tensor
    >>> Normalize((0.5,), (0.5,))(as_tensor([[[0.0, 1.0]]]))
    tensor([[[-1.,  1.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float], inplace: bool = False) -> None:
        self.mean = mean
        self.std = std
        self.inplace = inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        return normalize(tensor, self.mean, self.std, self.inplace)

    def __repr__(self) -> str:
        return f"Normalize(mean={self.mean}, std={self.std})"


class PILToTensor:
    """Make a PIL image a Tensor of the same numbers, channels first.

    >>> from PIL import Image
    >>> PILToTensor()(Image.new("L", (4, 2), 7)).shape
    (1, 2, 4)
    """

    def __call__(self, pic: Picture) -> Tensor:
        return pil_to_tensor(pic)

    def __repr__(self) -> str:
        return "PILToTensor()"


class ToPILImage:
    """Make a Tensor (C, H, W), of bytes or of floats from 0 to 1, or an array (H, W, C) a PIL image.

    Args:
        mode: Pillow's name of the kind of image; None takes it from the channels.

    >>> import numpy as np
    >>> ToPILImage()(np.zeros((2, 4, 3), dtype=np.uint8)).size
    (4, 2)
    """

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Picture) -> Any:
        return to_pil_image(pic, self.mode)

    def __repr__(self) -> str:
        return "ToPILImage()" if self.mode is None else f"ToPILImage(mode={self.mode})"


class ConvertImageDtype:
    """Convert a Tensor's numbers and scale them: floats are from 0 to 1, whole numbers from 0 to their largest.

    Args:
        dtype: of the result.

    >>> import numpy as np
    >>> from minicnn.tensor.creation import as_tensor
    >>> ConvertImageDtype(np.uint8)(as_tensor([0.0, 1.0]))
    tensor([  0, 255], dtype=uint8)
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def __call__(self, image: Tensor) -> Tensor:
        return convert_image_dtype(image, self.dtype)

    def __repr__(self) -> str:
        return "ConvertImageDtype()"
