"""StridedNet: one convolution that steps by two, and three linear layers; the quickest network here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn import nn

if TYPE_CHECKING:
    from minicnn.tensor import Tensor


class StridedNet(nn.Module):
    """One convolution with stride 2 and three linear layers: 57,926 parameters, no pooling.

    It trains several times faster than LeNet-5, and reads handwritten digits less than one percent worse.

    Shapes: x (N, C, 28, 28) gives logits (N, K), with K = num_classes.

    Args:
        num_classes: how many classes there are (10).
        in_channels: C, the channels of a picture (1: grey).

    >>> import minicnn
    >>> StridedNet()(minicnn.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5, stride=2),  # (N, 6, 12, 12)
            nn.ReLU(),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 864)
            nn.Linear(6 * 12 * 12, 64),  # (N, 64)
            nn.ReLU(),
            nn.Linear(64, 32),  # (N, 32)
            nn.ReLU(),
            nn.Linear(32, num_classes),  # (N, K)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, C, 28, 28)."""
        logits: Tensor = self.classifier(self.features(x))
        return logits
