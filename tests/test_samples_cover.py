"""Samples reach every parameter: each is given another value than its default at least once."""

import inspect

import pytest

from minicnn.testing.suite import every_function, samples_of

FUNCTIONS = {public.name: public for public in every_function()}
WITHOUT_EFFECT = {
    "inplace",
    "size_average",
    "reduce",
    "out",
}  # taken for PyTorch's sake; all but inplace are tested apart
RANDOM = {
    ("batch_norm", "momentum"),
    ("instance_norm", "momentum"),
}  # changes the running statistics, which are no outputs; see test_layers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_parameter_is_used(name):
    public = FUNCTIONS[name]
    signature = inspect.signature(public.function)
    left = {
        p.name
        for p in signature.parameters.values()
        if p.name not in WITHOUT_EFFECT and (name, p.name) not in RANDOM and p.kind is not p.VAR_POSITIONAL
    }
    for sample in samples_of(public, 0):
        bound = signature.bind(*sample.args, **sample.kwargs)
        for parameter, value in bound.arguments.items():
            default = signature.parameters[parameter].default
            if type(value) is not type(default) or repr(value) != repr(default):
                left.discard(parameter)
    assert not left, f"no sample of {name} sets {', '.join(sorted(left))}"
