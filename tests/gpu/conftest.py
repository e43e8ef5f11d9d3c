"""The device suite: each test runs on the strict namespace in the ordinary run, and on a GPU with ``-m gpu``."""

import pytest

import minicnn
from minicnn.backend.cupy import why_not
from minicnn.backend.device import BACKENDS


@pytest.fixture(params=["strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest):
    """The name of the device; new tensors live there during the test."""
    if request.param == "cuda" and (reason := why_not()):
        pytest.skip(f"No GPU can be used here: {reason}.")
    with minicnn.use(BACKENDS[request.param]):
        yield request.param
