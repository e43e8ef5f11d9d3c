"""Transforms of pictures, with torchvision's names: of PIL images, arrays (H, W, C) and Tensors (C, H, W).

The standard recipe, ``Compose([ToTensor(), Normalize(mean, std)])``, is applied to a whole batch at once by
the datasets of minicnn; the numbers are the same to the last bit.
"""

from minicnn.data.transforms import functional
from minicnn.data.transforms.basic import Compose, Lambda, Normalize, ToTensor
from minicnn.data.transforms.geometry import CenterCrop, Pad, RandomCrop, RandomHorizontalFlip, Resize

__all__ = [
    "CenterCrop",
    "Compose",
    "Lambda",
    "Normalize",
    "Pad",
    "RandomCrop",
    "RandomHorizontalFlip",
    "Resize",
    "ToTensor",
    "functional",
]
