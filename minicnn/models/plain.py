"""Plain networks for 32×32 pictures: stages of three 3×3 convolutions, pooling between, and one linear layer.

The stages are VGG's: Simonyan, Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015
(arXiv 1409.1556). Batch norm: Ioffe, Szegedy, ICML 2015 (arXiv 1502.03167).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minicnn import nn
from minicnn.models.vgg import make_layers

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["PlainNet", "plain9", "plain12"]

SIDE = 32  # pixels


class PlainNet(nn.Module):
    """Stages of three 3×3 convolutions with ReLU, each ended by 2×2 pooling, and one linear layer.

    Shapes: x (N, 3, 32, 32) gives logits (N, K), with K = num_classes.

    Args:
        widths: the channels of each stage.
        num_classes: how many classes there are (10).
        batch_norm: put a batch norm after each convolution.

    >>> import minicnn
    >>> PlainNet((4, 8))(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 10)
    """

    def __init__(self, widths: Sequence[int] = (64, 128, 256), num_classes: int = 10, batch_norm: bool = False) -> None:
        super().__init__()
        self.features = make_layers(widths, [3] * len(widths), batch_norm)
        side = SIDE >> len(widths)
        self.classifier = nn.Linear(widths[-1] * side * side, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, 32, 32)."""
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


def plain9(num_classes: int = 10, batch_norm: bool = False) -> PlainNet:
    """Nine convolutions, three each of 64, 128 and 256 channels; 1,960,970 parameters without batch norm."""
    return PlainNet((64, 128, 256), num_classes, batch_norm)


def plain12(num_classes: int = 10, batch_norm: bool = False) -> PlainNet:
    """Twelve convolutions: those of `plain9`, then three of 512; 7,840,266 parameters without batch norm."""
    return PlainNet((64, 128, 256, 512), num_classes, batch_norm)
