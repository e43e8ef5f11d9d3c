"""The benchmarks' networks: each trains by captured steps as by plain ones."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # benchmarks are no part of the package

import minicnn
from benchmarks.networks import NETWORKS
from benchmarks.worker import batch_of
from minicnn import cuda, optim

LARGE = {"alexnet", "vgg16", "conv12", "resnet18"}
NAMES = [pytest.param(n, marks=pytest.mark.gpu) if n in LARGE else n for n in NETWORKS]


@pytest.mark.parametrize("name", NAMES)
def test_captured_steps_train_as_plain_ones(device, name):
    network = NETWORKS[name]

    def losses(graphed):
        minicnn.manual_seed(0)
        model = network.build(minicnn)
        x, target = batch_of(network, 3, minicnn)
        loss_fn = minicnn.nn.CrossEntropyLoss() if network.classes else minicnn.nn.MSELoss()
        optimizer = optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)

        def step(x, target):
            optimizer.zero_grad()
            loss = loss_fn(model(x), target)
            loss.backward()
            optimizer.step()
            return loss

        run = cuda.graph(step, warmup=1) if graphed else step
        found = [run(x, target).item() for _ in range(4)]
        assert not graphed or run.replays == 2
        return found

    found, expected = losses(True), losses(False)
    assert found == pytest.approx(expected, rel=1e-3)
    assert len(set(found)) == 4
