"""Memory on a device stays what it is, step after step; and what is said when there is no more."""

import gc

import pytest
from gpu_helpers import OPTIMIZERS, batches, network

import minicnn
from minicnn import cuda, nn
from minicnn.backend import get
from minicnn.errors import OutOfMemoryError

STEPS = {"strict": 60, "cuda": 1000}


def held(device):
    """Return how many bytes arrays hold."""
    if device == "cuda":
        cuda.synchronize()
        return cuda.memory_allocated()
    kind = get("strict").array_type
    return sum(a.nbytes for a in gc.get_objects() if type(a) is kind and a.base is None)


@pytest.mark.parametrize("graphed", [False, True])
@pytest.mark.parametrize("name", ["SGD", "AdamW"])
def test_memory_is_flat(device, name, graphed):
    model = network()
    optimizer = OPTIMIZERS[name](model.parameters())

    def step(x, t):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        return loss

    run = cuda.graph(step) if graphed else step
    data = [(minicnn.tensor(x), minicnn.tensor(t)) for x, t in batches(4)]
    seen = []
    for i in range(STEPS[device]):
        loss = run(*data[i % 4])
        if i % 10 == 9:
            seen.append(held(device))
    assert minicnn.isfinite(loss).item()
    assert len(set(seen[1:])) == 1, seen


def test_a_leak_would_be_seen(device):
    kept, before = [], held(device)
    for _ in range(3):
        kept.append(minicnn.ones(1000))
    assert held(device) >= before + 3 * 4000


@pytest.mark.gpu
def test_no_memory_is_left(device):
    x = minicnn.ones(2**20)
    _, total = cuda.mem_get_info()
    with pytest.raises(OutOfMemoryError) as raised:
        minicnn.zeros(total // 2)  # of float32: twice what there is
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert "out of memory" in lines[0]
    assert "the largest tensors: " in lines[1]
    assert "4.00 MiB" in lines[1]
    assert (x + 1).sum().item() == 2**21  # and things go on
