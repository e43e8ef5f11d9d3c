"""A convolutional autoencoder: a picture in few numbers, and back by transposed convolutions.

Masci, Meier, Cireşan, Schmidhuber: Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction, ICANN 2011;
strides in place of pooling and unpooling, as Radford, Metz, Chintala (arXiv 1511.06434) advise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from minicnn import nn

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["ConvAutoencoder"]


class ConvAutoencoder(nn.Module):
    """Three convolutions to a code of ``code`` numbers, and three transposed ones back to the picture.

    Shapes: x (N, C, 28, 28) gives the same, from 0 to 1; ``encode(x)`` gives (N, code).

    Args:
        code: how many numbers stand for a picture (64).
        in_channels: C, the channels of a picture (1: grey).

    >>> import minicnn
    >>> model = ConvAutoencoder(code=8)
    >>> model(minicnn.zeros(2, 1, 28, 28)).shape, model.encode(minicnn.zeros(2, 1, 28, 28)).shape
    ((2, 1, 28, 28), (2, 8))
    """

    def __init__(self, code: int = 64, in_channels: int = 1) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(in_channels, 16, 3, stride=2, padding=1),  # (N, 16, 14, 14)
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),  # (N, 32, 7, 7)
            nn.ReLU(),
            nn.Conv2d(32, code, 7),  # (N, code, 1, 1)
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(code, 32, 7),  # (N, 32, 7, 7)
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),  # (N, 16, 14, 14)
            nn.ReLU(),
            nn.ConvTranspose2d(16, in_channels, 3, stride=2, padding=1, output_padding=1),  # (N, C, 28, 28)
            nn.Sigmoid(),
        )

    def encode(self, x: Tensor) -> Tensor:
        """Return the codes (N, code) of pictures (N, C, 28, 28)."""
        codes: Tensor = self.encoder(x).flatten(1)
        return codes

    def decode(self, codes: Tensor) -> Tensor:
        """Return the pictures (N, C, 28, 28) of codes (N, code)."""
        pictures: Tensor = self.decoder(codes[:, :, None, None])
        return pictures

    def forward(self, x: Tensor) -> Tensor:
        """Return pictures (N, C, 28, 28) coded and decoded."""
        return self.decode(self.encode(x))
