"""ResNet: blocks that learn what to add to their input.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016 (arXiv 1512.03385), table 1. The stride of
a bottleneck is in its 3×3 convolution, as in torchvision, not in the first 1×1 one; names in ``state_dict`` are
torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.errors import ParameterError, message
from minicnn.models.weights import no_weights

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["BasicBlock", "Bottleneck", "ResNet", "resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]

WIDTHS = (64, 128, 256, 512)  # of the four stages


class BasicBlock(nn.Module):
    """Two 3×3 convolutions and the shortcut: y = relu(x' + bn(conv(relu(bn(conv(x)))))).

    x' is x, or ``downsample(x)`` where the shapes differ.

    Shapes: x (N, inplanes, H, W) gives (N, planes, H/stride, W/stride).

    Args:
        inplanes: channels that come in.
        planes: channels that go out.
        stride: of the first convolution.
        downsample: what brings x to the shape of the output; None where it has it.

    >>> import minicnn
    >>> BasicBlock(8, 8)(minicnn.zeros(1, 8, 6, 6)).shape
    (1, 8, 6, 6)
    """

    expansion = 1  # the output has expansion · planes channels

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, planes, H/stride, W/stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(out + shortcut)
        return y


class Bottleneck(nn.Module):
    """1×1, 3×3 and 1×1 convolutions, and the shortcut; the 3×3 one works on a quarter of the channels.

    Shapes: x (N, inplanes, H, W) gives (N, 4 · planes, H/stride, W/stride).

    Args:
        inplanes: channels that come in.
        planes: channels within.
        stride: of the 3×3 convolution.
        downsample: what brings x to the shape of the output; None where it has it.

    >>> import minicnn
    >>> Bottleneck(32, 8)(minicnn.zeros(1, 32, 6, 6)).shape
    (1, 32, 6, 6)
    """

    expansion = 4

    def __init__(self, inplanes: int, planes: int, stride: int = 1, downsample: nn.Module | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inplanes, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.conv3 = nn.Conv2d(planes, planes * self.expansion, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(planes * self.expansion)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = downsample
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, 4 · planes, H/stride, W/stride)."""
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        shortcut = x if self.downsample is None else self.downsample(x)
        y: Tensor = self.relu(out + shortcut)
        return y


class ResNet(nn.Module):
    """ResNet: a 7×7 convolution, four stages of blocks, and the mean over the picture into one linear layer.

    Shapes: x (N, 3, H, W), usually 224×224, gives logits (N, K), with K = num_classes.

    Args:
        block: BasicBlock or Bottleneck.
        layers: four numbers: the blocks of each stage.
        num_classes: how many classes there are (1000).
        zero_init_residual: start every block as the identity: the last batch norm's weight is 0.

    Raises:
        ParameterError: ``layers`` has not four numbers.

    >>> import minicnn
    >>> ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10)(minicnn.zeros(2, 3, 32, 32)).shape
    (2, 10)
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        layers: Sequence[int],
        num_classes: int = 1000,
        zero_init_residual: bool = False,
    ) -> None:
        super().__init__()
        if len(layers) != len(WIDTHS):
            fix = "pass four numbers, such as [2, 2, 2, 2]."
            raise ParameterError(message("ResNet", "layers expects the blocks of 4 stages.", f"got {layers!r}", fix))
        self.inplanes = WIDTHS[0]
        self.conv1 = nn.Conv2d(3, self.inplanes, 7, stride=2, padding=3, bias=False)  # (N, 64, H/2, W/2)
        self.bn1 = nn.BatchNorm2d(self.inplanes)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool: nn.Module = nn.MaxPool2d(3, stride=2, padding=1)  # (N, 64, H/4, W/4)
        self.layer1 = self._stage(block, WIDTHS[0], layers[0], stride=1)
        self.layer2 = self._stage(block, WIDTHS[1], layers[1], stride=2)  # H/8
        self.layer3 = self._stage(block, WIDTHS[2], layers[2], stride=2)  # H/16
        self.layer4 = self._stage(block, WIDTHS[3], layers[3], stride=2)  # H/32
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(WIDTHS[3] * block.expansion, num_classes)
        start(self, zero_init_residual)

    def _stage(self, block: Any, planes: int, count: int, stride: int) -> nn.Sequential:
        outputs = planes * block.expansion
        downsample = None
        if stride != 1 or self.inplanes != outputs:
            convolution = nn.Conv2d(self.inplanes, outputs, 1, stride, bias=False)
            downsample = nn.Sequential(convolution, nn.BatchNorm2d(outputs))
        blocks = [block(self.inplanes, planes, stride, downsample)]
        self.inplanes = outputs
        blocks += [block(outputs, planes) for _ in range(1, count)]
        return nn.Sequential(*blocks)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, H, W)."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        logits: Tensor = self.fc(self.avgpool(x).flatten(1))
        return logits


def start(model: nn.Module, zero_init_residual: bool = False) -> None:
    """Draw the initial weights of a residual network's convolutions: He's normal distribution, of fan-out."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    for module in model.modules():
        if zero_init_residual and isinstance(module, BasicBlock | Bottleneck):
            last: Any = module.bn3 if isinstance(module, Bottleneck) else module.bn2
            nn.init.zeros_(last.weight)


def resnet18(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-18: two BasicBlocks a stage; 11,689,512 parameters.

    Args:
        pretrained: must be False: no weights come with minicnn.
        weights: must be None, likewise.
        progress: accepted for torchvision's sake.
        **kwargs: of `ResNet`, such as num_classes.

    Raises:
        ParameterError: trained weights are asked for.

    >>> len(resnet18(num_classes=10).state_dict())
    122
    """
    no_weights("resnet18", pretrained, weights)
    return ResNet(BasicBlock, [2, 2, 2, 2], **kwargs)


def resnet34(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-34: 3, 4, 6 and 3 BasicBlocks; 21,797,672 parameters. Arguments and errors are `resnet18`'s."""
    no_weights("resnet34", pretrained, weights)
    return ResNet(BasicBlock, [3, 4, 6, 3], **kwargs)


def resnet50(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-50: 3, 4, 6 and 3 Bottlenecks; 25,557,032 parameters. Arguments and errors are `resnet18`'s."""
    no_weights("resnet50", pretrained, weights)
    return ResNet(Bottleneck, [3, 4, 6, 3], **kwargs)


def resnet101(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-101: 3, 4, 23 and 3 Bottlenecks; 44,549,160 parameters. Arguments and errors are `resnet18`'s."""
    no_weights("resnet101", pretrained, weights)
    return ResNet(Bottleneck, [3, 4, 23, 3], **kwargs)


def resnet152(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> ResNet:
    """ResNet-152: 3, 8, 36 and 3 Bottlenecks; 60,192,808 parameters. Arguments and errors are `resnet18`'s."""
    no_weights("resnet152", pretrained, weights)
    return ResNet(Bottleneck, [3, 8, 36, 3], **kwargs)
