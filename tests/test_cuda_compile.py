"""The CUDA sources through CUDA's own compilers, where one is installed; no GPU is needed."""

from __future__ import annotations

import ctypes
import ctypes.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minicnn.backend.cupy.launch import FOLDER, KERNELS, instances, source

NVCC = shutil.which("nvcc")
FILES = sorted(KERNELS)


def nvrtc():
    """Return CUDA's run-time compiler, from CUDA's folder or a Python package; None where there is none."""
    found = [ctypes.util.find_library("nvrtc")]
    for folder in map(Path, sys.path):
        found += map(str, folder.glob("nvidia/*/lib/libnvrtc.so.*"))
    return next((name for name in found if name), None)


def every_instance(file):
    return instances(file, "float32") + [n for n in instances(file, "float64") if n not in instances(file, "float32")]


def test_every_source_is_known():
    assert {path.stem for path in FOLDER.glob("*.cu")} == {*FILES, "common"}
    for file in FILES:
        kernels = set(
            re.findall(r"__global__ void (\w+)\(", (FOLDER / file).with_suffix(".cu").read_text(encoding="utf-8"))
        )
        assert kernels == {name.split("<")[0] for name in KERNELS[file]}


@pytest.mark.parametrize("file", FILES)
def test_sources_are_read_alike_everywhere(file):
    """In ASCII, line for line, and no line past what the others may have."""
    text = source(file)
    assert text.isascii()
    assert text.count("\n") == sum((FOLDER / f"{n}.cu").read_bytes().count(b"\n") for n in ("common", file)) + 3
    for name in ("common", file):
        lines = (FOLDER / f"{name}.cu").read_text(encoding="utf-8").splitlines()
        assert max(map(len, lines)) <= 120
        assert len(lines) <= 400


@pytest.mark.skipif(NVCC is None, reason="nvcc is not installed")
@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc(file, architecture, tmp_path):
    """No warnings; a kernel for each instance; registers enough, and few enough for 1024 threads a multiprocessor."""
    names = every_instance(file)
    table = ",\n".join(f"reinterpret_cast<const void*>(&{name})" for name in names)
    code = tmp_path / f"{file}.cu"
    code.write_text(f"{source(file)}\nconst void* entries[] = {{{table}}};\n")
    words = [NVCC, "-std=c++17", f"-arch={architecture}", "-cubin", "-Werror", "all-warnings", "-Xptxas", "-v"]
    done = subprocess.run([*words, "-o", tmp_path / "cubin", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", done.stderr)]
    assert len(registers) == len(names)
    assert max(registers) <= 64
    spilled = re.findall(r"(\d+) bytes spill stores", done.stderr)
    assert len(spilled) == len(names)
    assert set(spilled) == {"0"}


def compile_by_nvrtc(text, names, architecture):
    """Return the compiler's error code and log, and the kernels' names in the code that it made."""
    library = ctypes.CDLL(nvrtc())
    program = ctypes.c_void_p()
    assert library.nvrtcCreateProgram(ctypes.byref(program), text.encode(), b"minicnn.cu", 0, None, None) == 0
    for name in names:
        assert library.nvrtcAddNameExpression(program, name.encode()) == 0
    options = [b"--std=c++17", f"--gpu-architecture={architecture}".encode()]
    code = library.nvrtcCompileProgram(program, len(options), (ctypes.c_char_p * len(options))(*options))
    size = ctypes.c_size_t()
    library.nvrtcGetProgramLogSize(program, ctypes.byref(size))
    log = ctypes.create_string_buffer(size.value)
    library.nvrtcGetProgramLog(program, log)
    lowered = []
    for name in names if code == 0 else ():
        found = ctypes.c_char_p()
        assert library.nvrtcGetLoweredName(program, name.encode(), ctypes.byref(found)) == 0
        lowered.append(found.value.decode())
    library.nvrtcDestroyProgram(ctypes.byref(program))
    return code, log.value.decode(), lowered


@pytest.mark.skipif(nvrtc() is None, reason="NVRTC (libnvrtc) is not installed")
@pytest.mark.parametrize("file", FILES)
def test_nvrtc(file):
    """As CuPy does it: name expressions, C++17, no headers."""
    names = every_instance(file)
    code, log, lowered = compile_by_nvrtc(source(file), names, "compute_90")
    assert code == 0, log
    assert len(set(lowered)) == len(names)
    assert "warning" not in log


@pytest.mark.skipif(nvrtc() is None, reason="NVRTC (libnvrtc) is not installed")
def test_nvrtc_names_the_files_line():
    from minicnn.backend.cupy.nvrtc import first_error

    broken = source("pool").replace("T most = lowest;", "T most = lowest")
    code, log, _ = compile_by_nvrtc(broken, instances("pool", "float32"), "compute_90")
    assert code != 0
    assert first_error(log).startswith("pool.cu(")


def cupys_compiler():
    """Return CuPy's module that compiles, where CuPy is installed and finds NVRTC; no GPU is needed for that."""
    try:
        from cupy.cuda import compiler

        compiler._get_nvrtc_version()
    except (ImportError, RuntimeError):
        return None
    return compiler


@pytest.mark.filterwarnings("ignore")  # CuPy's own, of libraries that it looks for
@pytest.mark.parametrize("file", FILES)
def test_as_cupy_compiles(file, monkeypatch):
    """By CuPy's own options and to machine code, for a device that need not be there."""
    compiler = cupys_compiler()
    if compiler is None:
        pytest.skip("CuPy is not installed, or finds no NVRTC")
    from minicnn.backend.cupy.nvrtc import first_error

    monkeypatch.setattr(compiler, "_get_arch_for_options_for_nvrtc", lambda arch=None: ("-arch=sm_90", "cubin"))

    def compiled(text):
        names = tuple(every_instance(file))
        return compiler.compile_using_nvrtc(text, ("--std=c++17",), "90", "minicnn.cu", names), names

    (code, lowered), names = compiled(source(file))
    assert code[1:4] == b"ELF"
    assert len(set(lowered.values())) == len(names)
    with pytest.raises(compiler.CompileException) as error:
        compiled(source(file).replace("__global__ void", "__global__ voil"))
    assert first_error(str(error.value)).startswith(f"{file}.cu(")
