"""DenseNet for 32×32 pictures.

Huang, Liu, van der Maaten, Weinberger: Densely Connected Convolutional Networks, CVPR 2017 (arXiv 1608.06993),
section 3 ("Implementation Details") and table 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn import nn
from minicnn.errors import ParameterError, message
from minicnn.models.densenet import DenseBlock, Transition
from minicnn.nn import functional as F
from minicnn.ops import cat

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["CifarDenseNet", "densenet40", "densenet_bc100"]


class PlainLayer(nn.Module):
    """Batch norm, ReLU and a 3×3 convolution, whose growth_rate channels are put behind the input.

    Shapes: x (N, C, H, W) gives (N, C + growth_rate, H, W).
    """

    def __init__(self, channels: int, growth_rate: int, drop_rate: float) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels)
        self.conv = nn.Conv2d(channels, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = drop_rate

    def forward(self, x: Tensor) -> Tensor:
        """Return the input and the new channels."""
        new = self.conv(F.relu(self.norm(x)))
        if self.drop_rate:
            new = F.dropout(new, self.drop_rate, self.training)
        return cat([x, new], 1)


class CifarDenseNet(nn.Module):
    """A 3×3 convolution, three dense blocks at 32×32, 16×16 and 8×8, and one linear layer.

    Shapes: x (N, 3, 32, 32) gives logits (N, K), with K = num_classes.

    Args:
        depth: layers with weights, 3n + 4; the paper has 40 and 100.
        growth_rate: channels that every layer adds (12).
        bottleneck: the form BC: every layer first has a 1×1 convolution with 4 · growth_rate outputs, and the
            transitions halve the channels.
        drop_rate: the probability to drop an output of a layer (0; the paper takes 0.2 without augmentation).
        num_classes: how many classes there are (10).

    Raises:
        ParameterError: ``depth`` does not make three equal blocks.

    >>> import minicnn
    >>> CifarDenseNet(10, growth_rate=4, bottleneck=True)(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 10)
    """

    def __init__(
        self,
        depth: int = 40,
        growth_rate: int = 12,
        bottleneck: bool = False,
        drop_rate: float = 0.0,
        num_classes: int = 10,
    ) -> None:
        super().__init__()
        step = 6 if bottleneck else 3
        if depth < 4 + step or (depth - 4) % step:
            got, fix = f"got {depth!r}", "pass 40, or 100 with bottleneck=True."
            raise ParameterError(message("CifarDenseNet", f"depth expects {step}n + 4 layers.", got, fix))
        layers = (depth - 4) // step
        channels = 2 * growth_rate if bottleneck else 16
        stages: list[nn.Module] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
        for i in range(3):
            if bottleneck:
                stages.append(DenseBlock(layers, channels, 4, growth_rate, drop_rate))
            else:
                plain = (PlainLayer(channels + n * growth_rate, growth_rate, drop_rate) for n in range(layers))
                stages.append(nn.Sequential(*plain))
            channels += layers * growth_rate
            if i < 2:
                outputs = channels // 2 if bottleneck else channels
                stages.append(Transition(channels, outputs))
                channels = outputs
        self.features = nn.Sequential(*stages, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))  # (N, C, 8, 8)
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, 32, 32)."""
        logits: Tensor = self.classifier(self.features(x).mean((2, 3)))
        return logits


def densenet40(num_classes: int = 10, drop_rate: float = 0.0) -> CifarDenseNet:
    """DenseNet with 40 layers and growth rate 12; 1,019,722 parameters (1.0M in table 2)."""
    return CifarDenseNet(40, 12, False, drop_rate, num_classes)


def densenet_bc100(num_classes: int = 10, drop_rate: float = 0.0) -> CifarDenseNet:
    """DenseNet-BC with 100 layers and growth rate 12; 769,162 parameters (0.8M in table 2)."""
    return CifarDenseNet(100, 12, True, drop_rate, num_classes)
