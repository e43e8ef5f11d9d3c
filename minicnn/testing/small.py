"""A second look at what is small: elements of the outputs, or of the gradient, that the large ones would hide.

An error is relative to the sum that it is in. So where slopes of the outputs' elements lie far apart, u is divided by
their sizes; and where elements of the gradient do, v is. Then all of them count alike, and an error that was far below
the tolerance for the sum is of the size of the terms.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minicnn.testing.differences import EPSILON, Line
from minicnn.testing.failures import host
from minicnn.testing.slopes import Settings, compare
from minicnn.testing.subject import like

APART = 1e-3  # how small beside the largest is worth a second look
LEAST = 1e-6  # below this fraction of the largest, an element of the gradient may be rounding
RTOL = 1e-2  # a second look is for what is plainly wrong


def look_at_small(line: Line, gradient: Any, settings: Settings) -> None:
    """Compare the gradient with differences along a line again, its small parts enlarged.

    Raises:
        GradcheckError: it is wrong.
    """
    settings = settings._replace(sure=False, rtol=max(RTOL, settings.rtol or 0.0))
    weights = _evened_weights(line)
    if weights is not None:
        even = line.weighted(weights)
        compare(even, _gradient(even), settings)
    if gradient is None:
        return
    sizes = np.abs(host(gradient))
    largest = np.max(sizes, initial=0.0)
    if np.any((sizes > 0) & (sizes < APART * largest)):
        least = max(np.min(sizes[sizes > 0]), LEAST * largest)
        direction = line.direction * np.minimum(1.0, least / np.maximum(sizes, least))
        compare(line.along(direction), gradient, settings)


def _evened_weights(line: Line) -> Any:
    """Return weights under which all output elements change alike; None where they do so nearly."""
    slopes = line.first.each
    sizes = np.abs(slopes)
    if not line.first.finite or not np.any((sizes > 0) & (sizes < APART * np.max(sizes, initial=0.0))):
        return None
    # What may be rounding, or is another slope at another step, cannot be scaled by.
    again = line.difference(line.step / 2).each
    clear = (sizes > 10 * EPSILON * np.max(np.abs(line.start)) / line.step) & (np.abs(slopes - again) <= 1e-2 * sizes)
    if not np.any(clear & (sizes < APART * np.max(sizes))):
        return None
    return np.where(clear, line.weights * np.min(sizes[clear]) / np.where(clear, sizes, 1.0), 0.0)


def _gradient(line: Line) -> Any:
    """Return the gradient of the line's variable for the line's weights."""
    outputs = line.subject.outputs()
    ends = np.cumsum([y.numel() for y in outputs])
    parts = np.split(line.weights, ends[:-1])
    cotangents = [like(y, part.reshape(y.shape)) for y, part in zip(outputs, parts, strict=True)]
    which = next(i for i, v in enumerate(line.subject.variables) if v.tensor is line.variable.tensor)
    return line.subject.gradients(outputs, cotangents)[which]
