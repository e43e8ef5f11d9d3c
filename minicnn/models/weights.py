"""The answer to ``pretrained=True``: no weights come with minicnn."""

from __future__ import annotations

from minicnn.errors import ParameterError, message

__all__ = ["no_weights"]


def no_weights(where: str, pretrained: bool, weights: object) -> None:
    """Refuse to make a network with trained weights, which are not in the package.

    Args:
        where: the function that was called.
        pretrained: torchvision's old argument.
        weights: torchvision's newer one.

    Raises:
        ParameterError: one of them asks for weights.

    >>> no_weights("vgg19", pretrained=False, weights=None)
    """
    if pretrained or weights is not None:
        raise ParameterError(
            message(
                where,
                "no trained weights come with minicnn.",
                f"got pretrained={pretrained!r}, weights={weights!r}",
                f"model = {where}(), then minicnn.train.load_weights(model, 'file.safetensors') with torchvision's "
                "weights in that format: names and shapes are the same.",
            )
        )
