"""VGG: 3×3 convolutions all the way, and pooling that halves the picture five times.

Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015 (arXiv 1409.1556),
table 1. Names in ``state_dict`` are torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.models.weights import no_weights

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["VGG", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"]

WIDTHS = (64, 128, 256, 512, 512)
DEPTHS = {  # convolutions in each of the five stages; the letters are the columns of the paper's table 1
    "vgg11": (1, 1, 2, 2, 2),  # A
    "vgg13": (2, 2, 2, 2, 2),  # B
    "vgg16": (2, 2, 3, 3, 3),  # D
    "vgg19": (2, 2, 4, 4, 4),  # E
}


def make_layers(widths: Sequence[int], depths: Sequence[int], batch_norm: bool = False) -> nn.Sequential:
    """Return stages of 3×3 convolutions with ReLU, each stage ended by 2×2 pooling.

    Shapes: (N, 3, H, W) gives (N, widths[-1], H / 2^S, W / 2^S) after S stages.

    Args:
        widths: the channels of each stage.
        depths: the convolutions of each stage.
        batch_norm: put a batch norm after each convolution.

    >>> import minicnn
    >>> make_layers((4, 8), (1, 2))(minicnn.zeros(1, 3, 8, 8)).shape
    (1, 8, 2, 2)
    """
    layers: list[nn.Module] = []
    channels = 3
    for width, depth in zip(widths, depths, strict=True):
        for _ in range(depth):
            layers.append(nn.Conv2d(channels, width, 3, padding=1))
            layers += [nn.BatchNorm2d(width)] * batch_norm
            layers.append(nn.ReLU(inplace=True))
            channels = width
        layers.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*layers)


def start(model: nn.Module) -> None:
    """Draw the initial weights: He's normal distribution of fan-out for convolutions, σ = 0.01 for linear layers."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)


class VGG(nn.Module):
    """VGG: convolutional features, brought to 7×7, and three linear layers with dropout.

    Shapes: x (N, 3, H, W), usually 224×224, gives logits (N, K), with K = num_classes.

    Args:
        features: gives 512 channels; see `make_layers`.
        num_classes: how many classes there are (1000).
        init_weights: draw the initial weights as torchvision does; False leaves the layers' own.
        dropout: the probability to drop an output of the first two linear layers.
    """

    def __init__(
        self, features: nn.Module, num_classes: int = 1000, init_weights: bool = True, dropout: float = 0.5
    ) -> None:
        super().__init__()
        self.features = features
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(512 * 7 * 7, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, num_classes),
        )
        if init_weights:
            start(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, H, W)."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


def _vgg(name: str, pretrained: bool, weights: object, kwargs: dict[str, Any]) -> VGG:
    no_weights(name, pretrained, weights)
    depths = DEPTHS[name.removesuffix("_bn")]
    return VGG(make_layers(WIDTHS, depths, batch_norm=name.endswith("_bn")), **kwargs)


def vgg11(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 8 convolutions and 3 linear layers; 132,863,336 parameters.

    Args:
        pretrained: must be False: no weights come with minicnn.
        weights: must be None, likewise.
        progress: accepted for torchvision's sake.
        **kwargs: of `VGG`, such as num_classes.

    Raises:
        ParameterError: trained weights are asked for.

    >>> vgg11(pretrained=True)
    Traceback (most recent call last):
        ...
    minicnn.errors.ParameterError: vgg11: no trained weights come with minicnn...
    """
    return _vgg("vgg11", pretrained, weights, kwargs)


def vgg11_bn(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """`vgg11` with batch norm; 132,868,840 parameters."""
    return _vgg("vgg11_bn", pretrained, weights, kwargs)


def vgg13(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 10 convolutions; 133,047,848 parameters. Arguments and errors are `vgg11`'s."""
    return _vgg("vgg13", pretrained, weights, kwargs)


def vgg13_bn(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """`vgg13` with batch norm; 133,053,736 parameters."""
    return _vgg("vgg13_bn", pretrained, weights, kwargs)


def vgg16(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 13 convolutions; 138,357,544 parameters. Arguments and errors are `vgg11`'s."""
    return _vgg("vgg16", pretrained, weights, kwargs)


def vgg16_bn(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """`vgg16` with batch norm; 138,365,992 parameters."""
    return _vgg("vgg16_bn", pretrained, weights, kwargs)


def vgg19(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """VGG with 16 convolutions; 143,667,240 parameters. Arguments and errors are `vgg11`'s."""
    return _vgg("vgg19", pretrained, weights, kwargs)


def vgg19_bn(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> VGG:
    """`vgg19` with batch norm; 143,678,248 parameters."""
    return _vgg("vgg19_bn", pretrained, weights, kwargs)
