"""The device suite: each test runs on the strict namespace in the ordinary run, and on a GPU with ``-m gpu``."""

import functools

import pytest

import minicnn
from minicnn.backend.cupy import why_not
from minicnn.backend.device import BACKENDS

missing = functools.cache(why_not)


@pytest.fixture(params=["strict", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request: pytest.FixtureRequest):
    """The name of the device; new tensors live there during the test, and float32 products keep all their digits."""
    cudnn, matmul = minicnn.backends.cudnn, minicnn.backends.cuda.matmul
    before = cudnn.allow_tf32, matmul.allow_tf32
    cudnn.allow_tf32 = matmul.allow_tf32 = False
    with minicnn.use(BACKENDS[request.param]):
        yield request.param
    cudnn.allow_tf32, matmul.allow_tf32 = before


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]):
    """Leave out what is for a GPU alone, on the strict namespace."""

    def for_a_gpu_alone(item: pytest.Item) -> bool:
        params = getattr(getattr(item, "callspec", None), "params", {})
        return params.get("device") == "strict" and item.get_closest_marker("gpu") is not None

    out = [item for item in items if for_a_gpu_alone(item)]
    config.hook.pytest_deselected(items=out)
    items[:] = [item for item in items if not for_a_gpu_alone(item)]


def pytest_runtest_setup(item: pytest.Item):
    if item.get_closest_marker("gpu") and (reason := missing()):
        pytest.skip(f"No GPU can be used here: {reason}.")
