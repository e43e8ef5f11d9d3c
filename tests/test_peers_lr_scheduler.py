"""Schedules against PyTorch's, with settings as drawn: sixty steps, resumed, and on from the other's state."""

import copy
import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minicnn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.peers

epochs = st.integers(1, 20)
part = st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0])
gamma = st.sampled_from([0.1, 0.5, 0.9, 0.99, 1.05])
rate = st.sampled_from([0.0, 1e-4, 0.01, 0.2])
momentum = st.sampled_from([0.3, 0.8, 0.95])


def drawn(name, *args, **kwargs):
    return st.tuples(st.just(name), st.tuples(*args), st.fixed_dictionaries({}, optional=kwargs))


def curve(t):
    return 0.9**t + 0.01 * t


def bend(t):
    return 1 - 0.1 * math.sin(t)


SCHEDULES = {
    "StepLR": drawn("StepLR", epochs, gamma=gamma),
    "MultiStepLR": drawn("MultiStepLR", st.lists(st.integers(0, 60), max_size=6), gamma=gamma),
    "ConstantLR": drawn("ConstantLR", factor=part, total_iters=epochs),
    "LinearLR": drawn("LinearLR", start_factor=part, end_factor=st.one_of(part, st.just(0.0)), total_iters=epochs),
    "ExponentialLR": drawn("ExponentialLR", gamma),
    "PolynomialLR": drawn("PolynomialLR", total_iters=epochs, power=st.sampled_from([0.5, 1.0, 2.0])),
    "LambdaLR": drawn("LambdaLR", st.sampled_from([curve, bend, [curve, bend]])),
    "MultiplicativeLR": drawn("MultiplicativeLR", st.sampled_from([bend, [bend, bend]])),
    "CosineAnnealingLR": drawn("CosineAnnealingLR", epochs, eta_min=rate),
    "CosineAnnealingWarmRestarts": drawn("CosineAnnealingWarmRestarts", epochs, T_mult=st.integers(1, 3), eta_min=rate),
    "CyclicLR": drawn(
        "CyclicLR",
        rate,
        st.one_of(rate, st.just([0.5, 0.3])),
        step_size_up=epochs,
        step_size_down=st.one_of(st.none(), epochs),
        mode=st.sampled_from(["triangular", "triangular2", "exp_range"]),
        gamma=gamma,
        scale_fn=st.one_of(st.none(), st.just(bend)),
        scale_mode=st.sampled_from(["cycle", "iterations"]),
        cycle_momentum=st.booleans(),
        base_momentum=st.one_of(momentum, st.just([0.7, 0.2])),
        max_momentum=momentum,
    ),
    "OneCycleLR": drawn(
        "OneCycleLR",
        st.sampled_from([0.5, [0.5, 0.1]]),
        st.sampled_from([61, 100]),
        pct_start=st.sampled_from([0.1, 0.3, 0.45]),
        anneal_strategy=st.sampled_from(["cos", "linear"]),
        cycle_momentum=st.booleans(),
        base_momentum=momentum,
        max_momentum=momentum,
        div_factor=st.sampled_from([5.0, 25.0]),
        final_div_factor=st.sampled_from([10.0, 1e4]),
        three_phase=st.booleans(),
    ),
}
TOGETHER = ("StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR")


def optimizer_of(lib, name="SGD"):
    p, q = lib.nn.Parameter(lib.ones(1)), lib.nn.Parameter(lib.ones(1))
    more = {"momentum": 0.9} if name == "SGD" else {}
    return getattr(lib.optim, name)([{"params": [p]}, {"params": [q], "lr": 0.2}], lr=0.5, **more)


def schedule_of(lib, optimizer, choice, **more):
    name, args, kwargs = copy.deepcopy(choice)
    return getattr(lib.optim.lr_scheduler, name)(optimizer, *args, **kwargs, **more)


def walk(optimizer, schedule, steps, measures=None):
    """Return what the groups hold, and what the schedule says, step by step."""
    rows = []
    for step in range(steps):
        for group in optimizer.param_groups:
            rows += [group["lr"], group["betas"][0] if "betas" in group else group["momentum"]]
        rows += schedule.get_last_lr()
        optimizer.step()
        schedule.step(*([] if measures is None else [measures[step]]))
    return rows


def close(mine, theirs):
    np.testing.assert_allclose(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", SCHEDULES)
def test_sixty_steps_and_on_from_the_others_state(name):
    @settings(max_examples=40)
    @given(SCHEDULES[name], st.sampled_from(["SGD", "Adam"]), st.integers(1, 20))
    def check(choice, optimizer_name, stop):
        rows, kept = [], []
        for lib in (minicnn, torch):
            optimizer = optimizer_of(lib, optimizer_name)
            schedule = schedule_of(lib, optimizer, choice)
            row = walk(optimizer, schedule, stop)
            kept.append((lib, copy.deepcopy(optimizer.state_dict()), schedule.state_dict(), row))
            rows.append(row + walk(optimizer, schedule, 60 - stop))
        close(*rows)
        expected = rows[1][len(kept[1][3]) :]
        for lib, (_, groups, state, _) in zip((minicnn, torch), kept[::-1], strict=True):
            optimizer = optimizer_of(lib, optimizer_name)
            schedule = schedule_of(lib, optimizer, choice)
            optimizer.load_state_dict(groups)
            schedule.load_state_dict(state)
            close(walk(optimizer, schedule, 60 - stop), expected)

    check()


@pytest.mark.parametrize("name", [n for n in SCHEDULES if n not in ("CyclicLR", "OneCycleLR")])
def test_a_schedule_made_to_go_on(name):
    @settings(max_examples=25)
    @given(SCHEDULES[name], st.integers(1, 12))
    def check(choice, stop):
        rows = []
        for lib in (minicnn, torch):
            optimizer = optimizer_of(lib)
            walk(optimizer, schedule_of(lib, optimizer, choice), stop)
            rows.append(walk(optimizer, schedule_of(lib, optimizer, choice, last_epoch=stop - 1), 30))
        close(*rows)

    check()


@pytest.mark.parametrize("name", TOGETHER)
def test_an_epoch_that_is_named(name):
    @settings(max_examples=25)
    @given(SCHEDULES[name], st.lists(st.integers(0, 30), max_size=5))
    def check(choice, named):
        rows = []
        for lib in (minicnn, torch):
            optimizer = optimizer_of(lib)
            schedule = schedule_of(lib, optimizer, choice)
            optimizer.step()
            row = []
            for epoch in named:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    schedule.step(epoch)
                row += schedule.get_last_lr()
            rows.append(row)
        close(*rows)

    check()


@settings(max_examples=100)
@given(epochs, st.integers(1, 3), rate, st.lists(st.floats(0, 60, allow_nan=False), max_size=8))
def test_warm_restarts_at_any_time(first, times, lowest, moments):
    assume(all(abs(m % 1) > 1e-6 or m == int(m) for m in moments))
    rows = []
    for lib in (minicnn, torch):
        optimizer = optimizer_of(lib)
        schedule = schedule_of(lib, optimizer, ("CosineAnnealingWarmRestarts", (first, times, lowest), {}))
        row = []
        for moment in moments:
            optimizer.step()
            schedule.step(moment)
            row += [*schedule.get_last_lr(), schedule.last_epoch]
        rows.append(row + walk(optimizer, schedule, 5))
    np.testing.assert_allclose(*rows, rtol=1e-9, atol=1e-9)


parts = st.lists(st.one_of(*(SCHEDULES[name] for name in (*TOGETHER, "LambdaLR"))), min_size=1, max_size=3)


@settings(max_examples=100)
@given(parts, st.data())
def test_one_after_another(choices, data):
    count = len(choices) - 1
    stops = sorted(data.draw(st.sets(st.integers(0, 40), min_size=count, max_size=count)))
    rows = []
    for lib in (minicnn, torch):
        optimizer = optimizer_of(lib)
        several = [schedule_of(lib, optimizer, choice) for choice in choices]
        schedule = lib.optim.lr_scheduler.SequentialLR(optimizer, several, stops)
        row = walk(optimizer, schedule, 20)
        state, groups = schedule.state_dict(), copy.deepcopy(optimizer.state_dict())
        row += walk(optimizer, schedule, 40)
        again = optimizer_of(lib)
        several = [schedule_of(lib, again, choice) for choice in choices]
        twin = lib.optim.lr_scheduler.SequentialLR(again, several, stops)
        again.load_state_dict(groups)
        twin.load_state_dict(state)
        rows.append(row + walk(again, twin, 40))
    close(*rows)


@settings(max_examples=60)
@given(parts)
def test_all_at_once(choices):
    rows = []
    for lib in (minicnn, torch):
        optimizer, lr_scheduler = optimizer_of(lib), lib.optim.lr_scheduler
        schedule = lr_scheduler.ChainedScheduler([schedule_of(lib, optimizer, choice) for choice in choices])
        rows.append(walk(optimizer, schedule, 60))
    close(*rows)


@settings(max_examples=200)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(["min", "max"]),
            "factor": st.sampled_from([0.1, 0.5, 0.9]),
            "patience": st.integers(0, 4),
            "threshold": st.sampled_from([0.0, 1e-4, 0.1, 0.5]),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "cooldown": st.integers(0, 5),
            "min_lr": st.sampled_from([0.0, 0.05, [0.1, 0.01]]),
            "eps": st.sampled_from([1e-8, 0.02]),
        },
    ),
    st.lists(st.sampled_from([0.0, 0.5, 0.9, 1.0, 1.05, 2.0, -1.0, math.nan]), min_size=60, max_size=60),
)
def test_plateaus(kwargs, measures):
    rows = []
    for lib in (minicnn, torch):
        optimizer = optimizer_of(lib)
        schedule = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **kwargs)
        row = walk(optimizer, schedule, 30, [lib.tensor(m) for m in measures])
        twin = lib.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
        twin.load_state_dict(schedule.state_dict())
        row += walk(optimizer, twin, 30, measures[30:])
        rows.append([*row, twin.best, twin.num_bad_epochs, twin.cooldown_counter, twin.in_cooldown])
    close(*rows)


@pytest.mark.parametrize("name", ["StepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR"])
def test_a_rate_in_a_tensor(name):
    rows = []
    for lib in (minicnn, torch):
        p = lib.nn.Parameter(lib.ones(1))
        optimizer = lib.optim.SGD([p], lr=lib.tensor(0.5, dtype=lib.float64))
        args = {"StepLR": (3,), "ExponentialLR": (0.9,), "CosineAnnealingLR": (7,), "LinearLR": ()}[name]
        schedule = getattr(lib.optim.lr_scheduler, name)(optimizer, *args)
        row = []
        for _ in range(12):
            row.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            schedule.step()
        rows.append(row)
    close(*rows)


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("ConstantLR", (1.5,), {}),
        ("ConstantLR", (-0.1,), {}),
        ("LinearLR", (0.0,), {}),
        ("LinearLR", (0.5, 1.5), {}),
        ("MultiplicativeLR", (0.5,), {}),
        ("MultiplicativeLR", ([bend],), {}),
        ("LambdaLR", ([bend],), {}),
        ("CosineAnnealingWarmRestarts", (0,), {}),
        ("CosineAnnealingWarmRestarts", (2.5,), {}),
        ("CosineAnnealingWarmRestarts", (2, 0), {}),
        ("CyclicLR", (0.1, 0.2), {"mode": "square"}),
        ("CyclicLR", ([0.1], 0.2), {}),
        ("CyclicLR", (0.1, [0.2] * 3), {}),
        ("ReduceLROnPlateau", (), {"factor": 1.0}),
        ("ReduceLROnPlateau", (), {"mode": "least"}),
        ("ReduceLROnPlateau", (), {"threshold_mode": "square"}),
        ("ReduceLROnPlateau", (), {"min_lr": [0.1]}),
        ("SequentialLR", ([], []), {}),
        ("SequentialLR", ([3], []), {}),
    ],
)
def test_errors_are_of_pytorchs_types(name, args, kwargs):
    for optimizer_name in ("SGD", "Adagrad"):
        groups = [{"params": [torch.nn.Parameter(torch.ones(1))]} for _ in range(2)]
        with pytest.raises((ValueError, TypeError)) as theirs:
            getattr(torch.optim.lr_scheduler, name)(getattr(torch.optim, optimizer_name)(groups), *args, **kwargs)
        groups = [{"params": [minicnn.nn.Parameter(minicnn.ones(1))]} for _ in range(2)]
        with pytest.raises(theirs.type) as mine:
            getattr(minicnn.optim.lr_scheduler, name)(getattr(minicnn.optim, optimizer_name)(groups), *args, **kwargs)
        assert str(mine.value).count("\n") == 2
