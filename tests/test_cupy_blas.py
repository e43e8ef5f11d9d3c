"""Matrix products of captured steps: the calls to cuBLAS, made to a library of plain loops with its interface."""

import ctypes
import shutil
import subprocess
import threading
from pathlib import Path
from types import SimpleNamespace

import fake_cupy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minicnn.backend import get
from minicnn.backend.cupy.blas import Blas
from minicnn.errors import BackendError

COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """The path of the library."""
    if COMPILER is None:
        pytest.skip("No C++ compiler is found.")
    path = tmp_path_factory.mktemp("cublas") / "libcublas.so"
    source = Path(__file__).with_name("fake_cublas.cpp")
    subprocess.run([COMPILER, "-O1", "-shared", "-fPIC", "-o", path, source], check=True)
    return str(path)


@pytest.fixture(scope="module")
def blas(library):
    with pytest.MonkeyPatch.context() as patch:
        machine = fake_cupy.Machine().install(patch)
        yield Blas(machine.module, library)


@st.composite
def factors(draw):
    """Two arrays that matmul takes, in memory of many kinds."""
    m, k, n = (draw(st.integers(1, 5)) for _ in range(3))
    lead = draw(st.lists(st.integers(0, 3), max_size=2))
    shapes = [[*lead, m, k], [*lead, k, n]]
    for shape in shapes:
        if draw(st.booleans()):
            del shape[: draw(st.integers(0, len(lead)))]
        for i in range(len(shape) - 2):
            if draw(st.integers(0, 3)) == 0:
                shape[i] = 1
    if draw(st.integers(0, 4)) == 0:
        shapes[0] = shapes[0][-1:]
    if draw(st.integers(0, 4)) == 0:
        shapes[1] = shapes[1][-2:-1]
    if draw(st.integers(0, 9)) == 0:
        shapes[0][-1] = 0
        shapes[1][-2 if len(shapes[1]) > 1 else 0] = 0
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    arrays = []
    for shape, dtype in zip(shapes, draw(st.sampled_from([("f", "f"), ("d", "d"), ("f", "d")])), strict=True):
        kind = draw(st.sampled_from(["plain", "transposed", "strided", "reversed", "rows", "moved"]))
        a = rng.normal(size=shape).astype(dtype)
        if kind == "transposed" and a.ndim > 1:
            a = np.ascontiguousarray(a.swapaxes(-1, -2)).swapaxes(-1, -2)
        elif kind == "strided":
            a = np.repeat(a, 2, axis=-1)[..., ::2]
        elif kind == "reversed":
            a = np.ascontiguousarray(a[..., ::-1])[..., ::-1]
        elif kind == "rows" and a.ndim > 1:
            a = np.concatenate([a, a], axis=-1)[..., : a.shape[-1]]
        elif kind == "moved" and a.ndim > 2:
            a = np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 0, -1)), -1, 0)
        arrays.append(a)
    return arrays


def device(a):
    """Return a strict array that keeps the memory order, as `asarray` does not."""
    from minicnn.backend.strict import StrictArray

    return StrictArray(a)


@settings(max_examples=300)
@given(pair=factors(), write=st.sampled_from(["", "plain", "transposed"]))
def test_products_are_numpys(blas, pair, write):
    a, b = pair
    expected = np.matmul(a, b)
    out = get("strict").xp.zeros(expected.shape, dtype=expected.dtype) if write else None
    if write == "transposed" and expected.ndim > 1:
        out = device(np.zeros(expected.shape[::-1], expected.dtype).T)
    found = blas.matmul(device(a), device(b), out)
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    np.testing.assert_allclose(found._values, expected, rtol=1e-5, atol=1e-5 if expected.dtype == "f" else 1e-12)
    assert out is None or out is found


def test_the_mode_the_stream_and_one_call_for_a_stack(blas, library):
    seen = ctypes.CDLL(library)
    before = seen.seen_calls()
    assert not blas.active
    with blas.for_stream(SimpleNamespace(ptr=1234)):
        assert blas.active
        assert seen.seen_stream() == 1234
        x = device(np.ones((6, 2, 3), "f"))
        blas.matmul(x, x.swapaxes(1, 2))
    assert not blas.active
    assert seen.seen_mode() == 3  # CuPy's own handle has it: TF32 as the switch says
    assert seen.seen_calls() == before + 1
    x = device(np.ones((2, 2), "i8"))
    assert blas.matmul(x, x)._values.tolist() == [[2, 2], [2, 2]]


def test_a_product_outside_of_captures_is_of_the_current_stream(blas, library):
    seen = ctypes.CDLL(library)
    with blas.for_stream(SimpleNamespace(ptr=1234)):
        pass
    x = device(np.ones((2, 2, 3, 3), "f"))
    blas.matmul(x, x)
    assert seen.seen_stream() == blas._xp.cuda.get_current_stream().ptr


@pytest.mark.parametrize("images", [1, 3, 9])
def test_the_weights_of_groups_are_read_where_they_lie(blas, images, monkeypatch):
    rng = np.random.default_rng(images)
    weight, columns = rng.normal(size=(4, 2, 5)), rng.normal(size=(images, 4, 5, 7))
    a, b = device(weight), device(columns)
    calls, plain = [], blas._call
    monkeypatch.setattr(blas, "_call", lambda name, *args: (calls.append((name, args)), plain(name, *args)))
    found = blas.matmul(a, b)
    np.testing.assert_allclose(found._values, np.matmul(weight, columns), rtol=1e-12)
    products = [args for name, args in calls if "gemm" in name]
    assert len(products) == min(images, 4)
    for x, which in ((a, 10), (b, 7)):
        assert min(args[which].value for args in products) == x.data.ptr, "it was copied"


def test_a_capture_is_of_its_thread(blas):
    seen = []
    with blas.for_stream(SimpleNamespace(ptr=1234)):
        other = threading.Thread(target=lambda: seen.append(blas.active))
        other.start()
        other.join()
    assert seen == [False]


def test_cupys_own_handle_comes_first(blas, library, monkeypatch):
    """CuPy's wheels load cuBLAS with it; and no capture may have to make it."""
    seen = []
    own = blas._xp.cuda.device.get_cublas_handle
    monkeypatch.setattr(blas._xp.cuda.device, "get_cublas_handle", lambda: (seen.append("handle"), own())[1])
    new = Blas(blas._xp, library)
    plain = new._call
    monkeypatch.setattr(new, "_call", lambda name, *args: (seen.append(name), plain(name, *args)))
    with new.for_stream(SimpleNamespace(ptr=1)):
        assert seen[0] == "handle"


def test_errors_of_the_library(blas, library):
    parts = {
        "runtime": SimpleNamespace(runtimeGetVersion=lambda: 98000),
        "device": SimpleNamespace(get_cublas_handle=lambda: 7),
    }
    machine = SimpleNamespace(cuda=SimpleNamespace(**parts))
    with pytest.raises(BackendError, match="cuBLAS cannot be loaded"):
        Blas(machine)._handle  # noqa: B018
    with pytest.raises(BackendError, match="returned 7"):
        blas._call("cublasSgemmStridedBatched", *[ctypes.c_void_p()] * 18)
