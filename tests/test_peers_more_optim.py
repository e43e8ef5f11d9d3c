"""Optimizers against PyTorch's, with settings as drawn: twenty steps in float64, then on from the other's state."""

import inspect

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minicnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

rates = st.sampled_from([1e-3, 0.01, 0.05, 0.3])
parts = st.sampled_from([0.0, 0.3, 0.7, 0.9, 0.99])
betas = st.tuples(parts, st.sampled_from([0.0, 0.5, 0.9, 0.99, 0.999]))
small = st.sampled_from([1e-8, 1e-3, 0.1])
decays = st.sampled_from([0.0, 0.0, 0.05, 0.5])
flags = st.booleans()
shared = {"lr": rates, "maximize": flags}
moments = {**shared, "betas": betas, "eps": small, "weight_decay": decays}

SETTINGS = {
    "SGD": {**shared, "momentum": parts, "dampening": parts, "weight_decay": decays, "nesterov": flags},
    "Adam": {**moments, "amsgrad": flags, "decoupled_weight_decay": flags},
    "AdamW": {**moments, "amsgrad": flags},
    "Adamax": moments,
    "NAdam": {**moments, "momentum_decay": st.sampled_from([0.0, 4e-3, 0.5]), "decoupled_weight_decay": flags},
    "RAdam": {**moments, "decoupled_weight_decay": flags},
    "RMSprop": {
        **shared,
        "alpha": parts,
        "eps": small,
        "weight_decay": decays,
        "momentum": parts,
        "centered": flags,
    },
    "Rprop": {
        **shared,
        "etas": st.tuples(st.sampled_from([0.2, 0.5, 0.9]), st.sampled_from([1.05, 1.2, 3.0])),
        "step_sizes": st.sampled_from([(1e-6, 50), (0.01, 0.05)]),
    },
    "Adadelta": {**shared, "rho": parts, "eps": small, "weight_decay": decays},
    "Adagrad": {
        **shared,
        "lr_decay": st.sampled_from([0.0, 0.1, 2.0]),
        "weight_decay": decays,
        "initial_accumulator_value": st.sampled_from([0.0, 0.3]),
        "eps": small,
    },
}


@pytest.fixture(autouse=True)
def step_counts_in_double():
    torch.set_default_dtype(torch.float64)  # PyTorch keeps NAdam's product of momenta in the default dtype
    yield
    torch.set_default_dtype(torch.float32)


def make(lib, name, kwargs):
    """Return two parameters and an optimizer with a group each, the second with a rate of its own."""
    rng = np.random.default_rng(0)
    params = [lib.nn.Parameter(lib.tensor(rng.normal(size=shape))) for shape in ((3, 2), (4,))]
    groups = [{"params": [("a", params[0])]}, {"params": [("b", params[1])], "lr": 0.03}]
    return params, getattr(lib.optim, name)(groups, **kwargs)


def walk(lib, params, optimizer, seed, steps=20):
    """Step on a bowl with noise; the second parameter now and then has no gradient. Return the values on the way."""
    rng, path = np.random.default_rng(seed), []
    for step in range(steps):
        optimizer.zero_grad(set_to_none=step % 2 == 0)
        noise = [lib.tensor(rng.normal(size=tuple(p.shape))) for p in params]
        sum(((p - n) ** 2).sum() for p, n in zip(params, noise, strict=True)).backward()
        if step % 5 == 3:
            params[1].grad = None
        optimizer.step()
        path += [p.detach().numpy().copy() for p in params]
    return path


def same(mine, theirs, tolerance=1e-10):
    for a, b in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def converted(state, lib):
    """Return a state_dict with the other library's tensors."""
    if isinstance(state, dict):
        return {key: converted(value, lib) for key, value in state.items()}
    if isinstance(state, list):
        return [converted(value, lib) for value in state]
    return lib.tensor(state.detach().numpy()) if hasattr(state, "detach") else state


@pytest.mark.parametrize("name", SETTINGS)
def test_steps_and_state_are_pytorchs(name):
    drawn = st.fixed_dictionaries({}, optional=SETTINGS[name])

    @settings(max_examples=60)
    @given(drawn)
    def check(kwargs):
        if name == "SGD" and kwargs.get("nesterov"):
            kwargs = {**kwargs, "momentum": kwargs.get("momentum") or 0.9, "dampening": 0.0}
        mine, theirs = make(minicnn, name, kwargs), make(torch, name, kwargs)
        same(walk(minicnn, *mine, 1), walk(torch, *theirs, 1))
        ours, others = mine[1].state_dict(), theirs[1].state_dict()
        for number, entries in others["state"].items():
            known = {key: value for key, value in entries.items() if value is not None}
            assert known.keys() == ours["state"][number].keys()
            same([np.asarray(ours["state"][number][key]) for key in known], [v.numpy() for v in known.values()])
        for a, b in zip(ours["param_groups"], others["param_groups"], strict=True):
            assert a == {k: v for k, v in b.items() if k not in ("foreach", "capturable", "differentiable", "fused")}
        # Each goes on from the other's state.
        fresh, other = make(minicnn, name, {}), make(torch, name, {})
        for (params, optimizer), state, lib in ((fresh, others, minicnn), (other, ours, torch)):
            optimizer.load_state_dict(converted(state, lib))
            for p, q in zip(params, mine[0], strict=True):
                p.data = lib.tensor(q.detach().numpy())
        path = walk(torch, *theirs, 2, 5)
        same(walk(minicnn, *fresh, 2, 5), path)
        same(walk(torch, *other, 2, 5), path)

    check()


@pytest.mark.parametrize("name", SETTINGS)
def test_signatures_are_pytorchs(name):
    mine, theirs = (inspect.signature(getattr(lib.optim, name).__init__).parameters for lib in (minicnn, torch))
    for parameter in theirs.values():
        assert mine[parameter.name].default == parameter.default
        assert mine[parameter.name].kind == parameter.kind
    positional = [[p.name for p in both.values() if p.kind is not p.KEYWORD_ONLY] for both in (mine, theirs)]
    assert positional[0] == positional[1]
    assert set(mine) == set(theirs)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_rate_in_a_tensor(name):
    paths = []
    for lib in (minicnn, torch):
        p = lib.nn.Parameter(lib.tensor([1.0, -2.0]))
        optimizer = getattr(lib.optim, name)([p], lr=lib.tensor(0.05))
        for _ in range(3):
            optimizer.zero_grad()
            (p * p).sum().backward()
            optimizer.step()
        paths.append(p.detach().numpy())
    same([paths[0]], [paths[1]], 1e-6)


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(
    "kwargs",
    [
        {"lr": -1.0},
        {"eps": -1.0},
        {"weight_decay": -0.1},
        {"betas": (1.0, 0.9)},
        {"betas": (0.9, -0.1)},
        {"momentum": -0.5},
        {"alpha": -1.0},
        {"rho": 1.5},
        {"lr_decay": -1.0},
        {"initial_accumulator_value": -1.0},
        {"momentum_decay": -1.0},
        {"etas": (0.5, 0.9)},
        {"nesterov": True},
    ],
)
def test_errors_are_of_pytorchs_types(name, kwargs):
    theirs = getattr(torch.optim, name)
    try:
        theirs([torch.nn.Parameter(torch.ones(1))], **kwargs)
    except Exception as error:  # whatever PyTorch raises, TypeErrors for settings it does not have included
        with pytest.raises(type(error)):
            getattr(minicnn.optim, name)([minicnn.nn.Parameter(minicnn.ones(1))], **kwargs)
    else:
        getattr(minicnn.optim, name)([minicnn.nn.Parameter(minicnn.ones(1))], **kwargs)
