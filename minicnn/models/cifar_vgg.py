"""VGG-16 for 32×32 pictures: its thirteen convolutions with batch norm, and one linear layer.

Simonyan, Zisserman (arXiv 1409.1556), table 1 D, for the convolutions; Liu, Deng: Very Deep Convolutional Neural
Network Based Image Classification Using Small Training Sample Size, ACPR 2015, fits VGG-16 to CIFAR-10 with batch norm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn import nn
from minicnn.errors import ParameterError, message
from minicnn.models.vgg import DEPTHS, WIDTHS, make_layers, start

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["CifarVGG", "cifar_vgg16"]


class CifarVGG(nn.Module):
    """VGG's convolutions, after which a 32×32 picture is 1×1, and one linear layer.

    Shapes: x (N, 3, 32, 32) gives logits (N, K), with K = num_classes.

    Args:
        name: ``"vgg11"``, ``"vgg13"``, ``"vgg16"`` or ``"vgg19"``.
        num_classes: how many classes there are (10).
        batch_norm: put a batch norm after each convolution (True).

    Raises:
        ParameterError: the name is another.

    >>> import minicnn
    >>> CifarVGG("vgg11").eval()(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 10)
    """

    def __init__(self, name: str = "vgg16", num_classes: int = 10, batch_norm: bool = True) -> None:
        super().__init__()
        if name not in DEPTHS:
            problem = f"name expects one of {', '.join(DEPTHS)}."
            raise ParameterError(message("CifarVGG", problem, f"got {name!r}", 'pass name="vgg16".'))
        self.features = make_layers(WIDTHS, DEPTHS[name], batch_norm)  # (N, 512, 1, 1)
        self.classifier = nn.Linear(WIDTHS[-1], num_classes)
        start(self)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, 32, 32)."""
        logits: Tensor = self.classifier(self.features(x).flatten(1))
        return logits


def cifar_vgg16(num_classes: int = 10, batch_norm: bool = True) -> CifarVGG:
    """VGG-16 for 32×32 pictures; 14,728,266 parameters with batch norm, 14,719,818 without."""
    return CifarVGG("vgg16", num_classes, batch_norm)
