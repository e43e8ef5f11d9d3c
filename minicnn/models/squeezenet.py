"""SqueezeNet: AlexNet's accuracy with fifty times fewer parameters.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer: SqueezeNet (arXiv 1602.07360), table 1. Version 1.1 does the same with
2.4 times fewer multiplications. Names in ``state_dict`` are torchvision's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.errors import ParameterError, message
from minicnn.models.weights import no_weights
from minicnn.ops import cat

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["Fire", "SqueezeNet", "squeezenet1_0", "squeezenet1_1"]

# Channels of the eight Fire modules: (squeeze, each of the two expansions).
FIRES: tuple[tuple[int, int], ...] = (
    (16, 64),
    (16, 64),
    (32, 128),
    (32, 128),
    (48, 192),
    (48, 192),
    (64, 256),
    (64, 256),
)
VERSIONS = {  # the first convolution, and before which Fire modules there is pooling
    "1_0": ((96, 7), (0, 3, 7)),
    "1_1": ((64, 3), (0, 2, 4)),
}


class Fire(nn.Module):
    """A 1×1 convolution that squeezes the channels, then 1×1 and 3×3 ones side by side that expand them.

    Shapes: x (N, inplanes, H, W) gives (N, expand1x1_planes + expand3x3_planes, H, W).

    Args:
        inplanes: channels that come in.
        squeeze_planes: channels between.
        expand1x1_planes: channels of the 1×1 expansion.
        expand3x3_planes: channels of the 3×3 expansion.

    >>> import minicnn
    >>> Fire(8, 2, 4, 4)(minicnn.zeros(1, 8, 5, 5)).shape
    (1, 8, 5, 5)
    """

    def __init__(self, inplanes: int, squeeze_planes: int, expand1x1_planes: int, expand3x3_planes: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inplanes, squeeze_planes, 1)
        self.squeeze_activation = nn.ReLU(inplace=True)
        self.expand1x1 = nn.Conv2d(squeeze_planes, expand1x1_planes, 1)
        self.expand1x1_activation = nn.ReLU(inplace=True)
        self.expand3x3 = nn.Conv2d(squeeze_planes, expand3x3_planes, 3, padding=1)
        self.expand3x3_activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, expand1x1_planes + expand3x3_planes, H, W)."""
        x = self.squeeze_activation(self.squeeze(x))
        ones = self.expand1x1_activation(self.expand1x1(x))
        y: Tensor = cat([ones, self.expand3x3_activation(self.expand3x3(x))], 1)
        return y


class SqueezeNet(nn.Module):
    """SqueezeNet: a convolution, eight Fire modules, and a 1×1 convolution whose maps' means are the logits.

    Shapes: x (N, 3, H, W), usually 224×224, gives logits (N, K), with K = num_classes.

    Args:
        version: ``"1_0"`` (1,248,424 parameters) or ``"1_1"`` (1,235,496).
        num_classes: how many classes there are (1000).
        dropout: the probability to drop an input of the last convolution.

    Raises:
        ParameterError: the version is neither of them.

    >>> import minicnn
    >>> SqueezeNet("1_1", num_classes=4)(minicnn.zeros(1, 3, 33, 33)).shape
    (1, 4)
    """

    def __init__(self, version: str = "1_0", num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.num_classes = num_classes
        if version not in VERSIONS:
            problem = f"version expects one of {', '.join(VERSIONS)}."
            raise ParameterError(message("SqueezeNet", problem, f"got {version!r}", 'pass version="1_1".'))
        (channels, kernel), pools = VERSIONS[version]
        layers: list[nn.Module] = [nn.Conv2d(3, channels, kernel, stride=2), nn.ReLU(inplace=True)]
        for i, (squeeze, expand) in enumerate(FIRES):
            if i in pools:
                layers.append(nn.MaxPool2d(3, stride=2, ceil_mode=True))
            layers.append(Fire(channels, squeeze, expand, expand))
            channels = 2 * expand
        self.features = nn.Sequential(*layers)
        final = nn.Conv2d(channels, num_classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), final, nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d((1, 1)))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                if module is final:
                    nn.init.normal_(module.weight, 0.0, 0.01)
                else:
                    nn.init.kaiming_uniform_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, H, W)."""
        logits: Tensor = self.classifier(self.features(x)).flatten(1)
        return logits


def squeezenet1_0(
    pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any
) -> SqueezeNet:
    """SqueezeNet 1.0, of the paper; 1,248,424 parameters.

    Args:
        pretrained: must be False: no weights come with minicnn.
        weights: must be None, likewise.
        progress: accepted for torchvision's sake.
        **kwargs: of `SqueezeNet`, such as num_classes.

    Raises:
        ParameterError: trained weights are asked for.

    >>> squeezenet1_0(num_classes=10).features[0]
    Conv2d(3, 96, kernel_size=(7, 7), stride=(2, 2))
    """
    no_weights("squeezenet1_0", pretrained, weights)
    return SqueezeNet("1_0", **kwargs)


def squeezenet1_1(
    pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any
) -> SqueezeNet:
    """SqueezeNet 1.1, which pools earlier; 1,235,496 parameters. Arguments and errors are `squeezenet1_0`'s."""
    no_weights("squeezenet1_1", pretrained, weights)
    return SqueezeNet("1_1", **kwargs)
