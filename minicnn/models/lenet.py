"""LeNet-5, the network that read cheques.

LeCun, Bottou, Bengio, Haffner: Gradient-Based Learning Applied to Document Recognition, Proc. IEEE 86 (1998),
section II.B and figure 2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn import nn
from minicnn.errors import ParameterError, message

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

VARIANTS = ("relu", "tanh")


class LeNet5(nn.Module):
    """LeNet-5: two convolutions with pooling, then three linear layers; 61,706 parameters.

    Figure 2 of the paper, with the changes that nearly everybody makes today: all six maps of the first layer
    feed all sixteen of the second (table I of the paper leaves some out), pooling has no weights of its own,
    and the last layer is linear. The paper's 32×32 input is a 28×28 picture with a border of 2, which here is
    the padding of the first convolution.

    Shapes: x (N, C, 28, 28) gives logits (N, K), with K = num_classes.

    Args:
        num_classes: how many classes there are (10).
        in_channels: C, the channels of a picture (1: grey).
        variant: ``"relu"`` has ReLU and max pooling, which train best (the default); ``"tanh"`` has tanh and
            average pooling, as the paper.

    Raises:
        ParameterError: the variant is neither of them.

    >>> import minicnn
    >>> LeNet5()(minicnn.zeros(2, 1, 28, 28)).shape
    (2, 10)
    """

    def __init__(self, num_classes: int = 10, in_channels: int = 1, variant: str = "relu") -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ParameterError(
                message(
                    "LeNet5",
                    f"variant expects one of {', '.join(VARIANTS)}.",
                    f"got {variant!r}",
                    'use "relu" to train well, or "tanh" for the network of the paper.',
                )
            )
        squash, pool = (nn.ReLU, nn.MaxPool2d) if variant == "relu" else (nn.Tanh, nn.AvgPool2d)
        # The comments name the layers as the paper does, with the shape that each gives.
        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 6, 5, padding=2),  # C1: (N, 6, 28, 28)
            squash(),
            pool(2),  # S2: (N, 6, 14, 14)
            nn.Conv2d(6, 16, 5),  # C3: (N, 16, 10, 10)
            squash(),
            pool(2),  # S4: (N, 16, 5, 5)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),  # (N, 400)
            nn.Linear(16 * 5 * 5, 120),  # C5: a convolution of 5×5 maps by 5×5 kernels, so a linear layer
            squash(),
            nn.Linear(120, 84),  # F6
            squash(),
            nn.Linear(84, num_classes),  # (N, K)
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, C, 28, 28)."""
        logits: Tensor = self.classifier(self.features(x))
        return logits
