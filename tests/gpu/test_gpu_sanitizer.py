"""NVIDIA's compute-sanitizer on the kernels: no access outside of memory, no race, nothing read unwritten."""

import shutil
import subprocess
import sys

import pytest

# A step of every kernel, on sizes that fill no block; odd ones find what even ones hide.
PROGRAM = """
import sys
import minicnn
from minicnn import nn, optim
from minicnn.backend import get
from minicnn.backend.device import BACKENDS
minicnn.use(BACKENDS[sys.argv[1]])
if sys.argv[1] == "cuda":  # a pool hands out parts of large blocks, beyond whose ends the tool sees nothing wrong
    get("cupy").xp.cuda.set_allocator(None)
minicnn.manual_seed(0)
for dtype in (minicnn.float32, minicnn.float64):
    model = nn.Sequential(
        nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(3, 2, 1),
        nn.Conv2d(5, 10, 3, padding=2, dilation=2, groups=5), nn.GroupNorm(2, 10), nn.GELU(), nn.AvgPool2d(2, 1),
        nn.ConvTranspose2d(10, 7, 3), nn.InstanceNorm2d(7, affine=True), nn.Sigmoid(), nn.Flatten(),
        nn.LazyLinear(37), nn.LayerNorm(37), nn.Dropout(0.3), nn.Tanh(), nn.Linear(37, 11),
    ).to(dtype)
    x, t = minicnn.randn(7, 3, 19, 23, dtype=dtype), minicnn.arange(7)
    model(x)
    for make in (optim.SGD, optim.Adam, optim.AdamW):
        optimizer = make(model.parameters(), lr=1e-3)
        for _ in range(2):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), t, label_smoothing=0.1)
            loss.backward()
            optimizer.step()
    words = nn.Embedding(13, 5).to(dtype)
    (words(minicnn.tensor([[1, 12, 0], [1, 1, 3]])).softmax(-1).max(1).values ** 2).sum().backward()
    assert minicnn.isfinite(loss).item()
print("done")
"""


GPU = pytest.mark.gpu


@pytest.mark.parametrize(
    "tool", ["memcheck", pytest.param("racecheck", marks=GPU), pytest.param("initcheck", marks=GPU)]
)
def test_kernels_are_clean(device, tool):
    command = [sys.executable, "-c", PROGRAM, device]
    if device == "cuda":
        sanitizer = shutil.which("compute-sanitizer")
        if sanitizer is None:
            pytest.skip("compute-sanitizer, of CUDA's toolkit, is not installed.")
        command = [sanitizer, "--tool", tool, "--error-exitcode", "9", *command]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "done" in done.stdout
    if device == "cuda":
        assert "SUMMARY: 0 " in done.stdout, f"{tool} has looked at nothing: {done.stdout[-3000:]}"
