"""Networks, one architecture a file, and the register by which the command line finds those for 28×28 grey pictures.

Those that torchvision has take its arguments and have its names and shapes in ``state_dict``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn.errors import KeyNameError, message
from minicnn.errors import missing_names as _missing_names
from minicnn.models.alexnet import AlexNet, alexnet
from minicnn.models.autoencoder import ConvAutoencoder
from minicnn.models.cifar_densenet import CifarDenseNet, densenet40, densenet_bc100
from minicnn.models.cifar_resnet import (
    CifarResNet,
    cifar_resnet18,
    resnet20,
    resnet32,
    resnet44,
    resnet56,
    resnet110,
)
from minicnn.models.cifar_vgg import CifarVGG, cifar_vgg16
from minicnn.models.densenet import DenseNet, densenet121, densenet161, densenet169, densenet201
from minicnn.models.lenet import LeNet5
from minicnn.models.mobilenet import MobileNetV2, mobilenet_v2
from minicnn.models.plain import PlainNet, plain9, plain12
from minicnn.models.resnet import BasicBlock, Bottleneck, ResNet, resnet18, resnet34, resnet50, resnet101, resnet152
from minicnn.models.squeezenet import SqueezeNet, squeezenet1_0, squeezenet1_1
from minicnn.models.strided import StridedNet
from minicnn.models.textcnn import TextCNN
from minicnn.models.vgg import VGG, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

if TYPE_CHECKING:
    from collections.abc import Callable

    from minicnn import nn

__all__ = [
    "VGG",
    "AlexNet",
    "BasicBlock",
    "Bottleneck",
    "CifarDenseNet",
    "CifarResNet",
    "CifarVGG",
    "ConvAutoencoder",
    "DenseNet",
    "LeNet5",
    "MobileNetV2",
    "PlainNet",
    "ResNet",
    "SqueezeNet",
    "StridedNet",
    "TextCNN",
    "alexnet",
    "cifar_resnet18",
    "cifar_vgg16",
    "densenet40",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "densenet_bc100",
    "get",
    "mobilenet_v2",
    "names",
    "plain9",
    "plain12",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet44",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet152",
    "squeezenet1_0",
    "squeezenet1_1",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]

if not TYPE_CHECKING:  # a type checker is to find the names that are not there
    __getattr__ = _missing_names(__name__)

_MODELS: dict[str, Callable[..., nn.Module]] = {"lenet5": LeNet5, "strided": StridedNet}


def names() -> list[str]:
    """Return the names that `get` knows.

    >>> names()
    ['lenet5', 'strided']
    """
    return list(_MODELS)


def get(name: str) -> Callable[..., nn.Module]:
    """Return the class of the network with that name; calling it makes one, with new weights.

    Args:
        name: one of `names`, in upper or lower case.

    Raises:
        KeyNameError: no network has that name.

    >>> get("lenet5") is LeNet5
    True
    """
    try:
        return _MODELS[name.lower()]
    except KeyError:
        known = ", ".join(_MODELS)
        raise KeyNameError(
            message("models.get", f"there is no network {name!r}.", f"known: {known}", "use one of these names.")
        ) from None
