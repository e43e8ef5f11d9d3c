"""MobileNetV2: depthwise convolutions between thin layers, for small machines.

Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks, CVPR 2018
(arXiv 1801.04381), table 2. Names in ``state_dict`` are torchvision's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.models.weights import no_weights

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["InvertedResidual", "MobileNetV2", "mobilenet_v2"]

STAGES = (  # table 2: expansion t, channels c, blocks n, stride s of the first block
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def eighths(channels: float) -> int:
    """Return a number of channels as a multiple of 8, rounded, but never down by more than a tenth.

    >>> eighths(32 * 0.5), eighths(11)
    (16, 16)
    """
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


class ConvBNReLU(nn.Sequential):
    """A convolution that keeps the size (but for its stride), batch norm and ReLU6."""

    def __init__(self, inputs: int, outputs: int, kernel_size: int = 3, stride: int = 1, groups: int = 1) -> None:
        padding = (kernel_size - 1) // 2
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel_size, stride, padding, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand the channels by a 1×1 convolution, filter each by a 3×3 one, and project back, without ReLU.

    With stride 1 and oup = inp the input is added.

    Shapes: x (N, inp, H, W) gives (N, oup, H/stride, W/stride).

    Args:
        inp: channels that come in.
        oup: channels that go out.
        stride: of the 3×3 convolution.
        expand_ratio: the expanded layer has expand_ratio · inp channels; 1 leaves the expansion out.

    >>> import minicnn
    >>> InvertedResidual(4, 8, 2, 6)(minicnn.zeros(1, 4, 6, 6)).shape
    (1, 8, 3, 3)
    """

    def __init__(self, inp: int, oup: int, stride: int, expand_ratio: int) -> None:
        super().__init__()
        hidden = inp * expand_ratio
        self.use_res_connect = stride == 1 and inp == oup
        layers: list[nn.Module] = [ConvBNReLU(inp, hidden, kernel_size=1)] if expand_ratio != 1 else []
        layers.append(ConvBNReLU(hidden, hidden, stride=stride, groups=hidden))
        layers += [nn.Conv2d(hidden, oup, 1, bias=False), nn.BatchNorm2d(oup)]
        self.conv = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, oup, H/stride, W/stride)."""
        y: Tensor = self.conv(x)
        return x + y if self.use_res_connect else y


class MobileNetV2(nn.Module):
    """MobileNetV2: 17 inverted residual blocks and one linear layer; 3,504,872 parameters.

    Shapes: x (N, 3, H, W), usually 224×224, gives logits (N, K), with K = num_classes.

    Args:
        num_classes: how many classes there are (1000).
        width_mult: multiplies the channels of all layers (1.0).
        dropout: the probability to drop an input of the linear layer.

    >>> import minicnn
    >>> MobileNetV2(num_classes=4, width_mult=0.25).eval()(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 4)
    """

    def __init__(self, num_classes: int = 1000, width_mult: float = 1.0, dropout: float = 0.2) -> None:
        super().__init__()
        channels = eighths(32 * width_mult)
        self.last_channel = eighths(1280 * max(1.0, width_mult))
        layers: list[nn.Module] = [ConvBNReLU(3, channels, stride=2)]
        for expansion, width, blocks, stride in STAGES:
            outputs = eighths(width * width_mult)
            for i in range(blocks):
                layers.append(InvertedResidual(channels, outputs, stride if i == 0 else 1, expansion))
                channels = outputs
        layers.append(ConvBNReLU(channels, self.last_channel, kernel_size=1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(self.last_channel, num_classes))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out")
            elif isinstance(module, nn.Linear):
                nn.init.normal_(module.weight, 0, 0.01)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, H, W)."""
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits


def mobilenet_v2(
    pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any
) -> MobileNetV2:
    """Return a `MobileNetV2`.

    Args:
        pretrained: must be False: no weights come with minicnn.
        weights: must be None, likewise.
        progress: accepted for torchvision's sake.
        **kwargs: of `MobileNetV2`, such as num_classes.

    Raises:
        ParameterError: trained weights are asked for.

    >>> mobilenet_v2(num_classes=10).classifier[1]
    Linear(in_features=1280, out_features=10, bias=True)
    """
    no_weights("mobilenet_v2", pretrained, weights)
    return MobileNetV2(**kwargs)
