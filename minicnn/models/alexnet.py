"""AlexNet, the network that won ImageNet in 2012, on one device.

Krizhevsky, Sutskever, Hinton: ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012; the numbers
of channels are those of Krizhevsky: One weird trick for parallelizing convolutional neural networks (arXiv 1404.5997).
Names in ``state_dict`` are torchvision's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.models.weights import no_weights

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["AlexNet", "alexnet"]


class AlexNet(nn.Module):
    """AlexNet: five convolutions and three linear layers with dropout; 61,100,840 parameters.

    Shapes: x (N, 3, H, W), usually 224×224 and at least 63×63, gives logits (N, K), with K = num_classes.

    Args:
        num_classes: how many classes there are (1000).
        dropout: the probability to drop an input of the first two linear layers.

    >>> import minicnn
    >>> AlexNet(num_classes=4)(minicnn.zeros(1, 3, 64, 64)).shape
    (1, 4)
    """

    def __init__(self, num_classes: int = 1000, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 11, stride=4, padding=2),  # (N, 64, 55, 55) of 224×224
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # (N, 64, 27, 27)
            nn.Conv2d(64, 192, 5, padding=2),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # (N, 192, 13, 13)
            nn.Conv2d(192, 384, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(3, stride=2),  # (N, 256, 6, 6)
        )
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256 * 6 * 6, 4096),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(4096, 4096),
            nn.ReLU(inplace=True),
            nn.Linear(4096, num_classes),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, H, W)."""
        logits: Tensor = self.classifier(self.avgpool(self.features(x)).flatten(1))
        return logits


def alexnet(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> AlexNet:
    """Return an `AlexNet`.

    Args:
        pretrained: must be False: no weights come with minicnn.
        weights: must be None, likewise.
        progress: accepted for torchvision's sake.
        **kwargs: of `AlexNet`, such as num_classes.

    Raises:
        ParameterError: trained weights are asked for.

    >>> alexnet(pretrained=True)
    Traceback (most recent call last):
        ...
    minicnn.errors.ParameterError: alexnet: no trained weights come with minicnn...
    """
    no_weights("alexnet", pretrained, weights)
    return AlexNet(**kwargs)
