"""The names that real programs use are there, and do what PyTorch's do."""

import functools
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.errors import DTypeError

NAMES = []
for line in Path(__file__).with_name("api_names.txt").read_text(encoding="utf-8").splitlines():
    if line.startswith("["):
        ROOM = line.strip("[]")
    elif not line.startswith("#"):
        NAMES += [(ROOM, name) for name in line.split()]


@pytest.mark.parametrize(("room", "name"), NAMES, ids=[".".join(pair) for pair in NAMES])
def test_every_name_is_there(room, name):
    path, _, last = room.rpartition(".")
    owner = getattr(importlib.import_module(path), last) if last[0].isupper() else importlib.import_module(room)
    functools.reduce(getattr, name.split("."), owner)


def test_there_are_many_names():
    assert len(NAMES) > 250


# ---- rooms and probes


def test_utils_data_is_data():
    import minicnn.utils.data.dataset as dataset

    import minicnn.utils.data as first
    from minicnn.utils.data import DataLoader

    assert first is minicnn.data is minicnn.utils.data
    assert DataLoader is minicnn.data.DataLoader
    assert dataset.Dataset is minicnn.data.Dataset


def test_switches_of_other_libraries_can_be_set():
    import minicnn.backends.cudnn as cudnn

    before = cudnn.benchmark
    try:
        minicnn.backends.cudnn.benchmark = True
        assert cudnn.benchmark is True
    finally:
        cudnn.benchmark = before
    assert not minicnn.backends.mps.is_available()
    assert cudnn.version() is None
    minicnn.set_float32_matmul_precision("high")
    assert minicnn.get_float32_matmul_precision() == "high"
    assert minicnn.backends.cuda.matmul.allow_tf32 is True
    minicnn.set_float32_matmul_precision("highest")
    assert minicnn.get_float32_matmul_precision() == "highest"
    assert minicnn.backends.cuda.matmul.allow_tf32 is False
    with pytest.raises(ValueError, match="medium"):
        minicnn.set_float32_matmul_precision("low")


def test_the_switch_for_results_that_repeat():
    minicnn.use_deterministic_algorithms(True, warn_only=True)
    try:
        assert minicnn.are_deterministic_algorithms_enabled()
        assert minicnn.is_deterministic_algorithms_warn_only_enabled()
    finally:
        minicnn.use_deterministic_algorithms(False)
    assert not minicnn.are_deterministic_algorithms_enabled()
    assert not minicnn.is_deterministic_algorithms_warn_only_enabled()
    with pytest.raises(TypeError, match="mode expects a bool, got int"):
        minicnn.use_deterministic_algorithms(1)


def test_questions_about_anomalies_stand_at_the_top():
    with minicnn.autograd.detect_anomaly(check_nan=False):
        assert minicnn.is_anomaly_enabled()
        assert not minicnn.is_anomaly_check_nan_enabled()
    assert not minicnn.is_anomaly_enabled()


def test_probes_of_the_gpu_agree():
    there = minicnn.cuda.is_available()
    assert minicnn.accelerator.is_available() == there
    assert (minicnn.accelerator.current_accelerator() is not None) == there
    assert (minicnn.accelerator.device_count() > 0) == there
    assert (minicnn.cuda.device_count() > 0) == there
    device = minicnn.device("cuda:0" if there else "cpu")
    assert minicnn.zeros(2, device=device).is_cuda == there
    minicnn.cuda.empty_cache()
    minicnn.cuda.manual_seed_all(3)
    assert minicnn.initial_seed() == 3


def test_device():
    assert repr(minicnn.device("cuda:0")) == repr(minicnn.device(0)) == "device(type='cuda', index=0)"
    assert repr(minicnn.device(type="cpu")) == "device(type='cpu')"
    assert str(minicnn.device("cuda", 1)) == "cuda:1"
    with pytest.raises(RuntimeError, match="tpu"):
        minicnn.device("tpu")
    with minicnn.device("strict") as device:
        assert minicnn.zeros(2).device == device
    assert minicnn.zeros(2).device.type == "cpu"
    assert minicnn.zeros(2).to(minicnn.device("cpu"), minicnn.float64).dtype == minicnn.float64


def test_random_state():
    minicnn.manual_seed(5)
    assert minicnn.initial_seed() == 5
    minicnn.rand(3)
    state = minicnn.get_rng_state()
    a = minicnn.randn(4)
    assert state.dtype == minicnn.uint8
    minicnn.set_rng_state(state)
    assert minicnn.equal(minicnn.randn(4), a)
    before = minicnn.get_rng_state()
    for wrong in (minicnn.zeros(3, dtype=minicnn.uint8), "text"):
        with pytest.raises(ValueError, match="get_rng_state"):
            minicnn.set_rng_state(wrong)
    assert minicnn.equal(minicnn.get_rng_state(), before)
    assert minicnn.seed() == minicnn.initial_seed() != 5
    first, second = (minicnn.rand(3, generator=minicnn.Generator().manual_seed(2)) for _ in range(2))
    assert minicnn.equal(first, second)


def test_compile_gives_the_model_back():
    net = nn.Linear(2, 2)
    assert minicnn.compile(net, mode="max-autotune") is net

    @minicnn.compile
    def one(x):
        return x + 1

    @minicnn.compile(fullgraph=True)
    def two(x):
        return x + 2

    assert (one(1), two(1)) == (2, 3)


def test_an_unknown_name_is_an_attribute_error():
    for room in (minicnn, minicnn.utils, minicnn.cuda):
        with pytest.raises(AttributeError, match="nonsense"):
            room.nonsense  # noqa: B018


# ---- Size


def test_size():
    x = minicnn.zeros(4, 2, 3)
    assert isinstance(x.shape, minicnn.Size)
    assert isinstance(x.size(), tuple)
    assert (x.shape.numel(), x.shape[1:].numel(), x.size(1), x.size(-1)) == (24, 6, 2, 3)
    assert x.shape == (4, 2, 3)
    assert repr(x.shape) == "(4, 2, 3)"
    one = (1,)
    assert all(isinstance(s, minicnn.Size) for s in (x.shape[:1], x.shape + one, one + x.shape, x.shape * 2))
    assert (x.shape + one, one + x.shape) == ((4, 2, 3, 1), (1, 4, 2, 3))
    assert isinstance(x.shape[0], int)
    n, *rest = x.shape
    assert (n, rest) == (4, [2, 3])
    assert minicnn.Tensor(x.shape).shape == x.shape
    assert minicnn.zeros(x.shape).shape == minicnn.ones(*x.shape).shape == x.reshape(x.shape).shape
    assert {x.shape: 1}[(4, 2, 3)] == 1


# ---- half precision is refused at every door


DOORS = {
    "tensor": lambda d: minicnn.tensor([1.0], dtype=d),
    "as_tensor": lambda d: minicnn.as_tensor([1.0], dtype=d),
    "zeros": lambda d: minicnn.zeros(2, dtype=d),
    "ones": lambda d: minicnn.ones(2, dtype=d),
    "empty": lambda d: minicnn.empty(2, dtype=d),
    "full": lambda d: minicnn.full((2,), 1.0, dtype=d),
    "eye": lambda d: minicnn.eye(2, dtype=d),
    "arange": lambda d: minicnn.arange(3, dtype=d),
    "linspace": lambda d: minicnn.linspace(0, 1, 3, dtype=d),
    "rand": lambda d: minicnn.rand(2, dtype=d),
    "randn": lambda d: minicnn.randn(2, dtype=d),
    "zeros_like": lambda d: minicnn.zeros_like(minicnn.ones(2), dtype=d),
    "randn_like": lambda d: minicnn.randn_like(minicnn.ones(2), dtype=d),
    "new_zeros": lambda d: minicnn.ones(2).new_zeros(2, dtype=d),
    "to": lambda d: minicnn.ones(2).to(d),
    "to(dtype=)": lambda d: minicnn.ones(2).to(dtype=d),
    "type": lambda d: minicnn.ones(2).type(d),
    "half": lambda d: minicnn.ones(2).half(),
    "bfloat16": lambda d: minicnn.ones(2).bfloat16(),
    "sum": lambda d: minicnn.ones(2).sum(dtype=d),
    "softmax": lambda d: minicnn.ones(2).softmax(0, dtype=d),
    "Linear": lambda d: nn.Linear(2, 2, dtype=d),
    "Module.to": lambda d: nn.Linear(2, 2).to(d),
    "Module.half": lambda d: nn.Linear(2, 2).half(),
    "Module.bfloat16": lambda d: nn.Linear(2, 2).bfloat16(),
    "set_default_dtype": minicnn.set_default_dtype,
    "promote_types": lambda d: minicnn.promote_types(d, minicnn.float32),
    "HalfTensor": lambda d: minicnn.HalfTensor(2),
    "autocast": lambda d: minicnn.autocast("cpu", dtype=d),
    "amp.autocast": lambda d: minicnn.amp.autocast("cuda"),
}


@pytest.mark.parametrize("dtype", [minicnn.float16, minicnn.half, minicnn.bfloat16, "float16", "torch.bfloat16"])
@pytest.mark.parametrize("door", DOORS)
def test_half_precision_is_refused(door, dtype):
    with pytest.raises(DTypeError, match=r"(?s)half precision|float16 is not computed with.*x\.float\(\)") as caught:
        DOORS[door](dtype)
    assert len(str(caught.value).splitlines()) == 3


@pytest.mark.parametrize("door", [minicnn.tensor, minicnn.as_tensor, minicnn.from_numpy])
@pytest.mark.parametrize("dtype", ["float16", "complex64", "longdouble"])
def test_arrays_of_other_dtypes_are_refused(door, dtype):
    with pytest.raises(DTypeError, match="not computed with"):
        door(np.ones(2, dtype=dtype))


def test_half_precision_can_be_named_and_switched_off():
    assert minicnn.zeros(2).dtype not in (minicnn.float16, minicnn.half, minicnn.bfloat16)
    with minicnn.autocast("cuda", dtype=minicnn.float16, enabled=False):
        assert (minicnn.ones(2) @ minicnn.ones(2)).item() == 2
    with minicnn.autocast("cpu", dtype=minicnn.float32), minicnn.cuda.amp.autocast(False):
        pass

    @minicnn.autocast("cpu", enabled=False)
    def double(x):
        return 2 * x

    assert double(2) == 4
    p = nn.Parameter(minicnn.ones(2))
    optimizer, scaler = optim.SGD([p], lr=1.0), minicnn.amp.GradScaler(enabled=False)
    scaler.scale(p.sum()).backward()
    scaler.unscale_(optimizer)
    scaler.step(optimizer)
    scaler.update()
    assert p.tolist() == [0.0, 0.0]
    with pytest.raises(DTypeError, match="GradScaler"):
        minicnn.GradScaler()
    with pytest.raises(TypeError, match="dtype"):
        minicnn.zeros(2, dtype="nonsense")


# ---- modules


def test_subclasses_with_positional_device_and_dtype():
    class Masked(nn.Linear):
        def __init__(self, n_in, n_out, bias=True, device=None, dtype=None):
            super().__init__(n_in, n_out, bias, device, dtype)

    class Own(nn.Conv2d):
        def __init__(self, c, o, k):
            super().__init__(c, o, k, 1, 0, 1, 1, True, "zeros", "cpu", minicnn.float64)

    assert Masked(2, 3, True, "cpu", minicnn.float64).weight.dtype == minicnn.float64
    assert Own(1, 2, 3)(minicnn.zeros(1, 5, 5, dtype=minicnn.float64)).shape == (2, 3, 3)


def test_layers_without_a_batch_axis():
    assert nn.Conv2d(1, 2, 3)(minicnn.zeros(1, 5, 5)).shape == (2, 3, 3)
    assert nn.MaxPool2d(2)(minicnn.zeros(1, 4, 4)).shape == (1, 2, 2)
    assert nn.AdaptiveAvgPool2d(1)(minicnn.zeros(3, 4, 4)).shape == (3, 1, 1)
    assert nn.Linear(4, 2)(minicnn.zeros(4)).shape == (2,)
    assert nn.CrossEntropyLoss()(minicnn.zeros(3), minicnn.tensor(1)).shape == ()


def test_dtypes_of_modules():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    parameter = net[0].weight
    assert net.double()[0].weight is parameter
    assert {str(v.dtype) for v in net.state_dict().values()} == {"float64", "int64"}
    assert net.float().to(memory_format=minicnn.channels_last)[1].running_mean.dtype == minicnn.float32
    assert net.to("cpu", minicnn.float64).type("torch.FloatTensor")[0].bias.dtype == minicnn.float32


def test_data_parallel_keeps_its_keys_and_results():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    wrapped = nn.DataParallel(net, device_ids=[0])
    assert wrapped.module is net
    assert list(wrapped.state_dict()) == [f"module.{key}" for key in net.state_dict()]
    assert list(net.state_dict())[-1] == "1.num_batches_tracked"
    x = minicnn.randn(4, 2)
    assert minicnn.equal(wrapped.eval()(x), net(x))


def test_groups_of_an_optimizer_may_be_edited():
    p = nn.Parameter(minicnn.ones(2))
    optimizer = optim.SGD([p], lr=0.5)
    optimizer.param_groups[0]["lr"] = 1.0
    p.sum().backward()
    optimizer.step()
    assert p.tolist() == [0.0, 0.0]
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.tolist() == [0.0, 0.0]
    optimizer.zero_grad()
    assert p.grad is None


def test_import_stays_light():
    heavy = ("minicnn.serialization", "minicnn.nn.summary", "minicnn.testing.names", "minicnn.data", "minicnn.optim")
    code = f"import sys, minicnn; print([m for m in {heavy!r} if m in sys.modules])"
    import subprocess

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_constants_are_there():
    assert (minicnn.pi, minicnn.e, minicnn.inf, minicnn.newaxis) == (np.pi, np.e, np.inf, None)
    assert minicnn.nan != minicnn.nan
    assert minicnn.ones(2)[:, minicnn.newaxis].shape == (2, 1)
