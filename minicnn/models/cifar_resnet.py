"""Residual networks for 32×32 pictures.

He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, CVPR 2016 (arXiv 1512.03385), section 4.2
and table 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.errors import ParameterError, message
from minicnn.models.resnet import BasicBlock, ResNet, start
from minicnn.nn import functional as F

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["CifarResNet", "cifar_resnet18", "resnet20", "resnet32", "resnet44", "resnet56", "resnet110"]


class Shortcut(nn.Module):
    """Every second row and column, and channels of zeros behind the others: a shortcut without parameters.

    Shapes: x (N, C, H, W) gives (N, C + channels, H/2, W/2).

    Args:
        channels: how many are added.

    >>> import minicnn
    >>> Shortcut(16)(minicnn.zeros(1, 16, 8, 8)).shape
    (1, 32, 4, 4)
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C + channels, H/2, W/2)."""
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, self.channels))


class CifarResNet(nn.Module):
    """A 3×3 convolution, three stages of n blocks with 16, 32 and 64 channels, and one linear layer: 6n + 2 layers.

    Shortcuts have no parameters (option A of the paper).

    Shapes: x (N, 3, 32, 32) gives logits (N, K), with K = num_classes.

    Args:
        depth: 6n + 2: 20, 32, 44, 56 or 110 in the paper.
        num_classes: how many classes there are (10).
        in_channels: the channels of a picture (3).

    Raises:
        ParameterError: ``depth`` is not 6n + 2.

    >>> import minicnn
    >>> CifarResNet(8)(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 10)
    """

    def __init__(self, depth: int = 20, num_classes: int = 10, in_channels: int = 3) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            fix = "pass 20, 32, 44, 56 or 110."
            raise ParameterError(message("CifarResNet", "depth expects 6n + 2 layers.", f"got {depth!r}", fix))
        blocks = (depth - 2) // 6
        self.conv1 = nn.Conv2d(in_channels, 16, 3, padding=1, bias=False)  # (N, 16, 32, 32)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(*(BasicBlock(16, 16) for _ in range(blocks)))
        self.layer2 = self._halving(16, 32, blocks)  # (N, 32, 16, 16)
        self.layer3 = self._halving(32, 64, blocks)  # (N, 64, 8, 8)
        self.fc = nn.Linear(64, num_classes)
        start(self)

    @staticmethod
    def _halving(inplanes: int, planes: int, blocks: int) -> nn.Sequential:
        first = BasicBlock(inplanes, planes, 2, Shortcut(planes - inplanes))
        return nn.Sequential(first, *(BasicBlock(planes, planes) for _ in range(1, blocks)))

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, 32, 32)."""
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        logits: Tensor = self.fc(x.mean((2, 3)))
        return logits


def resnet20(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-20 for 32×32 pictures; 269,722 parameters."""
    return CifarResNet(20, num_classes, in_channels)


def resnet32(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-32 for 32×32 pictures; 464,154 parameters."""
    return CifarResNet(32, num_classes, in_channels)


def resnet44(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-44 for 32×32 pictures; 658,586 parameters."""
    return CifarResNet(44, num_classes, in_channels)


def resnet56(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-56 for 32×32 pictures; 853,018 parameters."""
    return CifarResNet(56, num_classes, in_channels)


def resnet110(num_classes: int = 10, in_channels: int = 3) -> CifarResNet:
    """ResNet-110 for 32×32 pictures; 1,727,962 parameters."""
    return CifarResNet(110, num_classes, in_channels)


def cifar_resnet18(num_classes: int = 10, **kwargs: Any) -> ResNet:
    """ResNet-18 for 32×32 pictures: its first convolution is 3×3 with stride 1, and no pooling follows it.

    11,173,962 parameters; the layers and names are `ResNet`'s.

    Args:
        num_classes: how many classes there are (10).
        **kwargs: of `ResNet`.

    >>> cifar_resnet18().conv1
    Conv2d(3, 64, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1), bias=False)
    """
    model = ResNet(BasicBlock, [2, 2, 2, 2], num_classes, **kwargs)
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    model.maxpool = nn.Identity()
    return model
