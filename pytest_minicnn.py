"""The pytest plugin of minicnn: the fixture `assert_gradients`, for the tests of any project that has it installed.

It stands beside the package, since importing a part of a package imports all of it, and pytest imports its plugins at
each start: this one brings nothing with it until a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def assert_gradients() -> Callable[..., None]:
    """Check gradients against finite differences: ``assert_gradients(fn, inputs, order=2)``; see `minicnn.testing`."""
    from minicnn.testing import assert_gradients

    return assert_gradients
