"""Checks of values on the device: any number of them waits for nothing, step after step."""

import pytest

import minicnn
from minicnn import cuda
from minicnn.backend.strict import crossings
from minicnn.errors import IndexRangeError


@pytest.mark.parametrize("device", ["strict"], indirect=True)  # where waits are counted
def test_many_sizes_leave_room(device):
    index = minicnn.tensor([0, 1])
    held = cuda.graph(lambda index: minicnn.ones(500)[index], warmup=1)
    for _ in range(3):
        held(index)
    for size in range(2, 140):
        minicnn.ones(size)[index]
    with crossings() as seen:
        for size in range(200, 205):
            minicnn.ones(size)[index]
    assert len(seen) <= 1
    step = cuda.graph(lambda index: minicnn.ones(300)[index], warmup=1)
    for _ in range(3):
        step(index)
    assert step.captures == 1
    for graphed in (held, step):
        rows = graphed(minicnn.tensor([0, 999]))
        with pytest.raises(IndexRangeError, match="999"):
            rows.tolist()
