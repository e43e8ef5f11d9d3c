"""Transforms of pictures, with torchvision's names: of PIL images, arrays (H, W, C) and Tensors (C, H, W).

Random choices are drawn from minicnn's default generator, and under a `minicnn.data.DataLoader` from numbers that
depend on its seed, the epoch and the batch alone.

The standard recipe, ``Compose([ToTensor(), Normalize(mean, std)])``, is applied to a whole batch at once by
the datasets of minicnn; the numbers are the same to the last bit.
"""

from typing import TYPE_CHECKING as _TYPE_CHECKING

from minicnn.autograd.refusal import guard_constructor
from minicnn.data.transforms import functional
from minicnn.data.transforms.basic import (
    Compose,
    ConvertImageDtype,
    Lambda,
    Normalize,
    PILToTensor,
    ToPILImage,
    ToTensor,
)
from minicnn.data.transforms.choose import RandomApply, RandomChoice, RandomOrder
from minicnn.data.transforms.colour import ColorJitter, GaussianBlur, Grayscale, RandomGrayscale
from minicnn.data.transforms.erase import RandomErasing
from minicnn.data.transforms.functional import InterpolationMode
from minicnn.data.transforms.geometry import (
    CenterCrop,
    FiveCrop,
    Pad,
    RandomCrop,
    RandomHorizontalFlip,
    RandomVerticalFlip,
    TenCrop,
)
from minicnn.data.transforms.scale import RandomResizedCrop, Resize
from minicnn.data.transforms.warp import RandomAffine, RandomRotation
from minicnn.errors import missing_names as _missing_names

__all__ = [
    "CenterCrop",
    "ColorJitter",
    "Compose",
    "ConvertImageDtype",
    "FiveCrop",
    "GaussianBlur",
    "Grayscale",
    "InterpolationMode",
    "Lambda",
    "Normalize",
    "PILToTensor",
    "Pad",
    "RandomAffine",
    "RandomApply",
    "RandomChoice",
    "RandomCrop",
    "RandomErasing",
    "RandomGrayscale",
    "RandomHorizontalFlip",
    "RandomOrder",
    "RandomResizedCrop",
    "RandomRotation",
    "RandomVerticalFlip",
    "Resize",
    "TenCrop",
    "ToPILImage",
    "ToTensor",
    "functional",
]

if not _TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)

for _name in __all__:
    guard_constructor(globals()[_name])
