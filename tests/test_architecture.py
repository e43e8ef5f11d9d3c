"""The house stands as drawn: imports run one way, heavy libraries load when needed, no op goes unchecked."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import minicnn
from minicnn.autograd.fused import Fused
from minicnn.autograd.op import Op, functions, ops
from minicnn.autograd.primitive import Primitive
from minicnn.backend.strict.names import names

ROOT = Path(minicnn.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
ORDER = [
    "errors",
    "files",
    "random",
    "backend",
    "cuda",
    "accelerator",
    "backends",
    "compiler",
    "autograd",
    "ops",
    "amp",
    "tensor",
    "serialization",
    "linalg",
    "nn",
    "optim",
    "data",
    "utils",
    "models",
    "train",
    "cli",
]
ANYWHERE = {"testing", "viz"}  # may import any room; no room imports them when it is itself imported


def room(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] not in ("__init__", "__main__") else "cli"


def imported_rooms(tree):
    """Yield the rooms imported when the module is imported; not inside functions, not for type checkers."""
    stack = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            stack.extend(node.orelse)
            continue
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("minicnn."):
                    yield name.name.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "minicnn":
            parts = node.module.split(".")
            if len(parts) > 1:
                yield parts[1]
            else:
                yield from (name.name for name in node.names if (ROOT / name.name).exists())
        stack.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_one_way(path):
    here = room(path)
    for there in imported_rooms(ast.parse(path.read_text(encoding="utf-8"))):
        if here in ANYWHERE or here == there:
            continue
        assert there not in ANYWHERE, f"{path.name} imports {there} when it is imported"
        if there in ORDER:
            assert ORDER.index(there) < ORDER.index(here), f"{here} imports {there}, which stands above it"


def test_the_import_check_can_fail():
    bad = ast.parse("from minicnn.nn import Module\nimport minicnn.viz")
    assert set(imported_rooms(bad)) == {"nn", "viz"}


def test_cupy_stands_in_its_room_alone():
    for path in FILES:
        if "backend" in path.relative_to(ROOT).parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.Name) and node.id in ("cupy", "cp")), path
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = [n.name for n in node.names] + [getattr(node, "module", "") or ""]
                assert not any(m.split(".")[0] == "cupy" for m in modules), path


def test_import_is_light():
    code = "import sys, minicnn; print([m for m in ('matplotlib', 'cupy', 'PIL', 'torch', 'tqdm') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_array_function_exists_on_the_device():
    """Every ``xp.name`` in the package is a name that the real device module has."""
    used = set()
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute):
                owner = node.value
                if (isinstance(owner, ast.Name) and owner.id == "xp") or (
                    isinstance(owner, ast.Attribute) and owner.attr == "xp"
                ):
                    used.add(node.attr)
    assert len(used) > 40
    assert used <= names()["cupy"] | {"lib", "cuda"}, used - names()["cupy"]


ROOTS = {
    "cupy": "cupy",
    "xp": "cupy",
    "_xp": "cupy",
    "_cupy": "cupy",
    "cuda": "cupy.cuda",
    "runtime": "cupy.cuda.runtime",
}


def device_names(tree):
    """Yield (object, name) for the names asked of CuPy, as far as the code spells them out: ``xp.cuda.Stream``."""

    def owner(node):
        if isinstance(node, ast.Name):
            return ROOTS.get(node.id)
        if isinstance(node, ast.Attribute):
            outer = owner(node.value)
            if outer is None:
                return ROOTS.get(node.attr) if node.attr in ("xp", "_xp", "_cupy") else None
            return f"{outer}.{node.attr}"
        return None

    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (found := owner(node.value)):
            yield found, node.attr


def test_every_name_of_the_gpus_room_exists_in_cupy():
    """Streams, graphs, pools and the runtime: what the code asks of them is there in CuPy."""
    known, checked = names(), set()
    for path in [*(ROOT / "backend" / "cupy").rglob("*.py"), *(ROOT / "cuda").rglob("*.py")]:
        for where, name in device_names(ast.parse(path.read_text(encoding="utf-8"))):
            if where in known and not name.startswith("__"):
                assert name in known[where] or (where, name) in LAZY, f"{path.name}: {where}.{name}"
                checked.add((where, name))
    assert {where for where, _ in checked} >= {"cupy", "cupy.cuda", "cupy.cuda.runtime", "cupy.cuda.memory"}
    assert len(checked) > 15
    for text, bad in (("xp.cuda.Streem()", "Streem"), ("cuda.runtime.memGetInf()", "memGetInf")):
        assert any(w in known and n == bad and n not in known[w] for w, n in device_names(ast.parse(text)))


LAZY = {("cupy.cuda", "cublas")}  # loaded by the first who asks


def all_ops(base):
    for cls in base.__subclasses__():
        yield cls
        yield from all_ops(cls)


def test_every_op_is_registered_and_public():
    own = [
        op for op in all_ops(Op) if op.__module__.startswith("minicnn.ops") or op.__module__.startswith("minicnn.nn")
    ]
    concrete = [op for op in own if "forward" in vars(op)]
    assert len(concrete) > 50
    for op in concrete:
        assert ops.get(op.name) is op, f"{op.__name__} is not registered"
        assert any(public.op is op for public in functions.values()), f"{op.__name__} has no public function"


def test_an_op_without_samples_fails_at_import():
    with pytest.raises(TypeError, match="has no samples"):

        class NoSamples(Primitive):
            @staticmethod
            def forward(be, x):
                return x

            @staticmethod
            def grad_x(g):
                return g

    with pytest.raises(TypeError, match="has no definition"):

        class NoDefinition(Fused, register=False):
            @staticmethod
            def forward(be, x):
                return x, None

    with pytest.raises(TypeError, match="no grad_x"):

        class NoGradient(Primitive, register=False):
            @staticmethod
            def forward(be, x):
                return x


def test_no_op_asks_for_its_backend():
    for path in (ROOT / "ops").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert "be.name" not in text, path
        assert "device_type ==" not in text, path


def test_files_hold_one_idea():
    tests = sorted(Path(__file__).parent.rglob("*.py"))
    for path in [*FILES, *tests]:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400, path


def test_no_assert_in_the_package():
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert not any(isinstance(node, ast.Assert) for node in ast.walk(tree)), path
