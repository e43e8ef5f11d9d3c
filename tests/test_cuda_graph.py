"""Captured steps by CUDA's kernels, compiled as C++: replays are launches with the arguments of the recording."""

import numpy as np
import pytest
from cuda_shim import COMPILER, WHY_NOT, ShimBackend, shim_as_strict
from gpu_helpers import OPTIMIZERS, batches, network

import minicnn
from minicnn import cuda, nn, optim

pytestmark = pytest.mark.skipif(COMPILER is None, reason=WHY_NOT)
CUDA = ShimBackend()


@pytest.mark.parametrize("name", ["SGD", "Adam", "Adam amsgrad", "AdamW"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_captured_steps_are_plain_steps(name, dtype):
    """Masks are drawn anew, steps counted, and rates follow their schedule, by numbers in the device's memory."""

    def losses(graphed):
        minicnn.manual_seed(0)
        model = network().to(getattr(minicnn, dtype))
        optimizer = OPTIMIZERS[name](model.parameters())
        schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.02, total_steps=9)

        def step(x, t):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t)
            loss.backward()
            optimizer.step()
            schedule.step()
            return loss

        run = cuda.graph(step, warmup=1) if graphed else step
        found = [run(minicnn.tensor(x), minicnn.tensor(t)).item() for x, t in batches(8, dtype=dtype)]
        assert not graphed or run.replays == 6
        return found, [p.detach().cpu().numpy() for p in model.parameters()]

    with shim_as_strict(CUDA), minicnn.use("strict"):
        found, weights = losses(True)
        expected, same = losses(False)
    tolerance = 1e-9 if dtype == "float64" else 1e-5
    assert found == pytest.approx(expected, rel=tolerance)
    assert len(set(found)) == 8
    for a, b in zip(weights, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)
