"""Dropout of whole channels, and alpha dropout."""

from __future__ import annotations

from minicnn.nn import functional as F
from minicnn.nn.dropout import Dropout
from minicnn.tensor import Tensor


class Dropout1d(Dropout):
    """In training, set whole channels to 0 at random and scale the others up by 1 / (1 − p).

    Shapes: input and output (N, C, L) or (C, L).

    Args:
        p: the probability of 0.
        inplace: write the result over the input.

    >>> import minicnn
    >>> Dropout1d(0.5).eval()(minicnn.ones(1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout1d(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout):
    """In training, set whole channels to 0 at random and scale the others up by 1 / (1 − p).

    Shapes: input and output (N, C, H, W) or (C, H, W).

    Args:
        p: the probability of 0.
        inplace: write the result over the input.

    >>> import minicnn
    >>> Dropout2d(0.5).eval()(minicnn.ones(1, 1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout2d(input, self.p, self.training, self.inplace)


class Dropout3d(Dropout):
    """In training, set whole channels to 0 at random and scale the others up by 1 / (1 − p).

    Shapes: input and output (N, C, D, H, W) or (C, D, H, W).

    Args:
        p: the probability of 0.
        inplace: write the result over the input.

    >>> import minicnn
    >>> Dropout3d(0.5).eval()(minicnn.ones(1, 1, 1, 1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.dropout3d(input, self.p, self.training, self.inplace)


class AlphaDropout(Dropout):
    """In training, set elements to SELU's limit at random, scale and shift: mean 0 and variance 1 stay so.

    Shapes: input and output (*); see `functional.alpha_dropout` for the equation.

    Args:
        p: the probability of being dropped.
        inplace: write the result over the input.
    Raises:
        ParameterError: p outside [0, 1].
    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017), section "New Dropout Technique".

    >>> import minicnn
    >>> AlphaDropout(0.5).eval()(minicnn.ones(1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with elements dropped, in training."""
        return F.alpha_dropout(input, self.p, self.training, self.inplace)


class FeatureAlphaDropout(Dropout):
    """In training, drop whole channels as `AlphaDropout` drops elements.

    Shapes: input and output (N, C, *).

    Args:
        p: the probability of being dropped.
        inplace: write the result over the input.
    Raises:
        ParameterError: p outside [0, 1].
    Source: Klambauer et al., "Self-Normalizing Neural Networks" (2017), section "New Dropout Technique".

    >>> import minicnn
    >>> FeatureAlphaDropout(0.5).eval()(minicnn.ones(1, 1)).item()
    1.0
    """

    def forward(self, input: Tensor) -> Tensor:
        """Return the input with channels dropped, in training."""
        return F.feature_alpha_dropout(input, self.p, self.training, self.inplace)
