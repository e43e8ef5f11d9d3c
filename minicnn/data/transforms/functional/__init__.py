"""Transforms as functions of a picture: PIL image, array (H, W) or (H, W, C), or Tensor (..., H, W)."""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.data.transforms.functional.blur import gaussian_blur
from minicnn.data.transforms.functional.colour import (
    adjust_brightness,
    adjust_contrast,
    adjust_gamma,
    adjust_hue,
    adjust_saturation,
    invert,
    rgb_to_grayscale,
    to_grayscale,
)
from minicnn.data.transforms.functional.convert import (
    convert_image_dtype,
    normalize,
    pil_to_tensor,
    to_pil_image,
    to_tensor,
)
from minicnn.data.transforms.functional.frame import (
    center_crop,
    crop,
    erase,
    five_crop,
    hflip,
    pad,
    ten_crop,
    vflip,
)
from minicnn.data.transforms.functional.picture import get_dimensions, get_image_size
from minicnn.data.transforms.functional.resize import InterpolationMode, resize, resized_crop
from minicnn.data.transforms.functional.warp import affine, rotate
from minicnn.errors import missing_names as _missing_names

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_gamma",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "erase",
    "five_crop",
    "gaussian_blur",
    "get_dimensions",
    "get_image_size",
    "hflip",
    "invert",
    "normalize",
    "pad",
    "pil_to_tensor",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "ten_crop",
    "to_grayscale",
    "to_pil_image",
    "to_tensor",
    "vflip",
]

if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)
