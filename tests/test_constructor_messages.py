"""A layer, optimizer, schedule, data set or transform made wrongly says so in three lines, under its own name."""

import inspect
import re
import warnings

import pytest

import minicnn
from minicnn import data, nn, optim
from minicnn.data import transforms
from minicnn.errors import MinicnnError
from minicnn.optim import lr_scheduler

PAIRS = data.TensorDataset(minicnn.ones(4, 2), minicnn.ones(4))
NEEDED = {  # values for arguments without default
    "in_features": 4, "out_features": 3, "in_channels": 4, "out_channels": 4, "kernel_size": 3, "num_features": 4,
    "num_channels": 4, "num_groups": 2, "normalized_shape": 4, "num_embeddings": 5, "embedding_dim": 3,
    "output_size": 2, "padding": 1, "in1_features": 2, "in2_features": 3, "upscale_factor": 2, "downscale_factor": 2,
    "groups": 2, "size": 3, "threshold": 0.1, "value": 0.2, "norm_type": 2, "dim": 1, "unflattened_size": (2, 2),
    "input_size": 5, "milestones": [1, 2], "T_max": 5, "T_0": 5, "step_size": 2, "gamma": 0.5, "max_lr": 0.1,
    "base_lr": 0.01, "lr_lambda": lambda epoch: 1.0, "dataset": PAIRS, "data_source": PAIRS, "sampler": [0, 1],
    "batch_size": 2, "drop_last": False, "indices": [0, 1], "datasets": [PAIRS, PAIRS], "weights": [1.0, 2.0],
    "num_samples": 2, "p": 0.5, "degrees": 10, "mean": (0.5,), "std": (0.5,), "transforms": [], "lambd": abs,
    "dtype": "float32",
}  # fmt: skip
FILES = {"CIFAR10", "CIFAR100", "MNIST", "FashionMNIST", "MovieReviews", "ImageFolder", "DatasetFolder", "Digits"}


def classes():
    for room in (nn, optim, lr_scheduler, data, transforms):
        for name in sorted(room.__all__):
            cls = getattr(room, name)
            if inspect.isclass(cls) and name not in FILES | {"InterpolationMode"} and complete(cls) is not None:
                yield pytest.param(cls, id=f"{room.__name__.removeprefix('minicnn.')}.{name}")


def complete(cls):
    """Return arguments that the class is made with; None where it takes others than those above."""
    given = {}
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.default is parameter.empty and parameter.kind not in (2, 4):
            if name == "params":
                given[name] = [nn.Parameter(minicnn.ones(3))]
            elif name == "optimizer":
                given[name] = optim.SGD([nn.Parameter(minicnn.ones(3))], lr=0.1)
            elif name in NEEDED:
                given[name] = NEEDED[name]
            else:
                return None
    try:
        cls(**given)
    except (MinicnnError, NotImplementedError):
        return None  # a base class, or one that needs what has a default
    return given


def wrong(value, parameter):
    yield from ("x", -7)
    if parameter.default is not None:
        yield None
    if isinstance(value, int) and not isinstance(value, bool):
        yield from (1.5, 0)


@pytest.mark.parametrize("cls", list(classes()))
def test_a_wrong_argument_is_answered(cls):
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (2, 4):
            continue
        for value in wrong(complete(cls).get(name, parameter.default), parameter):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    cls(**{**complete(cls), name: value})
                    continue
                except Exception as error:
                    said = f"{cls.__name__}({name}={value!r}): {type(error).__name__}: {error}"
                    told = isinstance(error, MinicnnError) and len(str(error).splitlines()) == 3
            assert told, said
            assert re.search(rf"\b{name}\b", said.partition(": ")[2]), said


def test_most_classes_are_among_them():
    names = [param.id for param in classes()]
    assert len(names) > 180
    assert {"nn.Linear", "nn.Conv2d", "nn.BatchNorm2d", "optim.Adam", "data.DataLoader"} <= set(names)


def test_the_class_is_named():
    with pytest.raises(ValueError, match=r"^Linear: sizes expect 0 or more, got \(3, -7\)\.\n  in_features=-7, out_"):
        nn.Linear(-7, 3)
    with pytest.raises(TypeError, match=r"^Adam: lr expects a number, got str\.\n  lr = 'fast'"):
        optim.Adam([nn.Parameter(minicnn.ones(3))], lr="fast")
    with pytest.raises(TypeError, match=r"^Conv2d: has no argument kernel\.\n.*\n  Fix: write kernel_size=\.$"):
        nn.Conv2d(3, 4, kernel=3)


def test_a_users_own_layer_answers_for_itself():
    class Own(nn.Module):
        def __init__(self, size):
            super().__init__()
            self.size = size + 1

    with pytest.raises(TypeError, match="can only concatenate str"):
        Own("x")
    assert not hasattr(Own.__init__, "__wrapped__")
