"""Schedules of the learning rate: against their formulas, together, resumed, and their errors."""

import math

import numpy as np
import pytest

import minicnn
from minicnn import nn, optim
from minicnn.optim import lr_scheduler


def parameter():
    return nn.Parameter(minicnn.ones(3))


def rates_of(make, steps=12, lr=0.5, **options):
    """Return the rates that are trained with, step by step."""
    optimizer = optim.SGD([parameter()], lr=lr, **options)
    schedule, rates = make(optimizer), []
    for _ in range(steps):
        assert schedule.get_last_lr() == [g["lr"] for g in optimizer.param_groups]
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


SCHEDULES = [
    (lambda o, **k: lr_scheduler.StepLR(o, 3, 0.5, **k), lambda t: 0.5 * 0.5 ** (t // 3)),
    (lambda o, **k: lr_scheduler.MultiStepLR(o, [2, 5, 5], **k), lambda t: 0.5 * 0.1 ** ((t >= 2) + 2 * (t >= 5))),
    (lambda o, **k: lr_scheduler.ExponentialLR(o, 0.9, **k), lambda t: 0.5 * 0.9**t),
    (lambda o, **k: lr_scheduler.LambdaLR(o, lambda t: 1 / (t + 1), **k), lambda t: 0.5 / (t + 1)),
    (
        lambda o, **k: lr_scheduler.CosineAnnealingLR(o, 4, 0.1, **k),
        lambda t: 0.1 + 0.4 * (1 + math.cos(math.pi * t / 4)) / 2,
    ),
]


@pytest.mark.parametrize(("make", "formula"), SCHEDULES)
def test_schedules(make, formula):
    assert rates_of(make, 20) == pytest.approx([formula(t) for t in range(20)], abs=1e-15, rel=1e-12)


@pytest.mark.parametrize(("make", "formula"), SCHEDULES)
def test_a_schedule_goes_on(make, formula):
    p = parameter()
    optimizer = optim.SGD([p], lr=0.5)
    schedule = make(optimizer)
    for _ in range(5):
        optimizer.step()
        schedule.step()
    twin_optimizer = optim.SGD([p], lr=9.0)
    twin = make(twin_optimizer)
    twin_optimizer.load_state_dict(optimizer.state_dict())
    twin.load_state_dict(schedule.state_dict())
    resumed_optimizer = optim.SGD([p], lr=0.5)
    resumed_optimizer.load_state_dict(optimizer.state_dict())
    resumed = make(resumed_optimizer, last_epoch=4)
    for t in range(6, 10):
        for o, s in ((twin_optimizer, twin), (resumed_optimizer, resumed)):
            o.step()
            s.step()
        assert twin.get_last_lr() == pytest.approx([formula(t)])
        if not isinstance(twin, (lr_scheduler.StepLR, lr_scheduler.MultiStepLR, lr_scheduler.ExponentialLR)):
            assert resumed.get_last_lr() == pytest.approx([formula(t)])
    assert "optimizer" not in schedule.state_dict()
    for t in (3, 5, 0):
        with pytest.warns(DeprecationWarning, match=r"step\(epoch\)"):
            twin.step(t)
        assert twin.get_last_lr() == pytest.approx([formula(t)])
    twin_optimizer.param_groups[0]["lr"] = 7.0
    assert make(twin_optimizer).base_lrs == [0.5]  # the first rate, whatever stands there now
    with pytest.raises(KeyError, match="initial_lr"):
        make(optim.SGD([p]), last_epoch=4)


def test_one_cycle():
    def make(o):
        return lr_scheduler.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=5, pct_start=0.4, anneal_strategy="linear")

    p = parameter()
    optimizer = optim.Adam([p])
    schedule = make(optimizer)
    rates, betas = [], []
    for _ in range(9):
        rates.append(optimizer.param_groups[0]["lr"])
        betas.append(optimizer.param_groups[0]["betas"][0])
        optimizer.step()
        schedule.step()
    rise, fall = np.linspace(0.04, 1.0, 4), np.linspace(1.0, 0.04 / 1e4, 7)
    assert rates == pytest.approx([*rise, *fall[1:-1], fall[-1]][:9])
    assert betas == pytest.approx([*np.linspace(0.95, 0.85, 4), *np.linspace(0.85, 0.95, 7)[1:]][:9])
    assert schedule.get_last_lr() == pytest.approx([4e-6])
    schedule.step()
    with pytest.raises(ValueError, match="after the last of 10 steps"):
        schedule.step()
    assert max(rates_of(make, 9, momentum=0.5)) == 1.0
    three = rates_of(
        lambda o: lr_scheduler.OneCycleLR(
            o, 1.0, 11, pct_start=0.4, anneal_strategy="linear", three_phase=True, cycle_momentum=False, div_factor=2.0
        ),
        10,
    )
    middle = np.interp(np.arange(10), [0, 3.4, 6.8, 10], [0.5, 1.0, 0.5, 0.5 / 1e4])
    assert three == pytest.approx(middle)
    steep = optim.SGD([p], 0.1, momentum=0.9)
    assert lr_scheduler.OneCycleLR(steep, 1.0, total_steps=10, pct_start=0.1).get_last_lr() == [1.0]
    assert steep.param_groups[0]["momentum"] == 0.85


def test_schedules_share_an_optimizer_and_leave_room_for_edits():
    optimizer = optim.SGD([{"params": [parameter()]}, {"params": [parameter()], "lr": 0.2}], lr=0.1)
    step, decay = lr_scheduler.StepLR(optimizer, 2), lr_scheduler.ExponentialLR(optimizer, 0.5)
    for _ in range(2):
        optimizer.step()
        step.step()
        decay.step()
    assert decay.get_last_lr() == pytest.approx([0.1 * 0.1 * 0.25, 0.2 * 0.1 * 0.25])
    optimizer.param_groups[0]["lr"] = 8.0
    decay.step()
    assert decay.get_last_lr()[0] == 4.0
    optimizer.add_param_group({"params": [parameter()], "lr": 1.0})
    decay.step()
    assert decay.get_last_lr()[2] == 0.5
    multiplied = lr_scheduler.LambdaLR(optimizer, [lambda t: 1.0, lambda t: 2.0, lambda t: 3.0])
    assert multiplied.state_dict()["lr_lambdas"] == [None] * 3
    optimizer.add_param_group({"params": [parameter()], "lr": 1.0})
    with pytest.raises(ValueError, match="made for 3 groups, the optimizer has 4"):
        multiplied.step()


def chained(o):
    return lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(o, 2, 0.5), lr_scheduler.ExponentialLR(o, 0.9)])


def in_turn(o):
    return lr_scheduler.SequentialLR(o, [lr_scheduler.ExponentialLR(o, 0.9), lr_scheduler.StepLR(o, 2)], [2])


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (chained, lambda t: 0.5 ** (t // 2) * 0.9**t),
        (in_turn, lambda t: 0.9**t if t < 2 else 0.1 ** ((t - 2) // 2)),
    ],
)
def test_several_schedules_in_turn_with_another(make, formula):
    """Before a milestone, and from one on, such as PyTorch's cannot."""
    another = lr_scheduler.ExponentialLR
    first = rates_of(lambda o: lr_scheduler.SequentialLR(o, [make(o), another(o, 0.7)], [4]), 8, lr=1.0)
    assert first == pytest.approx([*map(formula, range(4)), *(0.7**t for t in range(4))])
    second = rates_of(lambda o: lr_scheduler.SequentialLR(o, [another(o, 0.7), make(o)], [3]), 8, lr=1.0)
    assert second == pytest.approx([*(0.7**t for t in range(3)), *map(formula, range(5))])


def test_a_rate_of_none_comes_back():
    assert rates_of(lambda o: lr_scheduler.ConstantLR(o, 0.0, 2), 4) == [0.0, 0.0, 0.5, 0.5]


def test_groups_added_to_a_plateau():
    optimizer = optim.SGD([parameter()], lr=1.0)
    schedule = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.3)
    listed = lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=[0.3])
    optimizer.add_param_group({"params": [parameter()], "lr": 2.0})
    for _ in range(2):
        schedule.step(1.0)
    assert schedule.get_last_lr() == [0.3, 0.3]
    listed.step(1.0)
    with pytest.raises(ValueError, match="one value a group"):
        listed.step(1.0)
    with pytest.warns(DeprecationWarning, match="leave it out"):
        schedule.step(0.5, epoch=7)
    assert schedule.last_epoch == 7


class Half:
    def __init__(self):
        self.by = 0.5

    def __call__(self, t):
        return self.by**t


@pytest.mark.parametrize("make", [lr_scheduler.LambdaLR, lr_scheduler.MultiplicativeLR])
def test_functions_that_are_objects_are_remembered(make):
    kept, new = Half(), Half()
    kept.by = 0.25
    state = make(optim.SGD([parameter()]), kept).state_dict()
    assert state["lr_lambdas"] == [{"by": 0.25}]
    make(optim.SGD([parameter()]), new).load_state_dict(state)
    assert new.by == 0.25
    cyclic = {"base_lr": 0.1, "max_lr": 1.0, "cycle_momentum": False}
    state = lr_scheduler.CyclicLR(optim.SGD([parameter()]), **cyclic, scale_fn=kept).state_dict()
    new = Half()
    lr_scheduler.CyclicLR(optim.SGD([parameter()]), **cyclic, scale_fn=new).load_state_dict(state)
    assert new.by == 0.25


def test_a_schedule_stepped_first_warns():
    schedule = lr_scheduler.StepLR(optim.SGD([parameter()]), 3)
    with pytest.warns(UserWarning, match=r"call optimizer.step\(\) first"):
        schedule.step()
    schedule.step()  # once is enough


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda o: lr_scheduler.StepLR(parameter(), 3), TypeError, "expects an Optimizer"),
        (lambda o: lr_scheduler.StepLR(o, 0), ValueError, "step_size"),
        (lambda o: lr_scheduler.CosineAnnealingLR(o, 0), ValueError, "T_max"),
        (lambda o: lr_scheduler.LambdaLR(o, [abs, abs]), ValueError, "one value a group"),
        (lambda o: lr_scheduler.LambdaLR(3, abs), TypeError, "expects an Optimizer"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0), ValueError, "number of steps"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, pct_start=2), ValueError, "pct_start"),
        (lambda o: lr_scheduler.OneCycleLR(o, 1.0, 10, anneal_strategy="exp"), ValueError, "'exp'"),
        (lambda o: lr_scheduler.OneCycleLR(o, [1.0, 2.0], 10), ValueError, "one value a group"),
        (lambda o: lr_scheduler.OneCycleLR(optim.Optimizer([parameter()], {"lr": 1}), 1.0, 9), ValueError, "momentum"),
        (lambda o: lr_scheduler.LinearLR(o, 0.0), ValueError, "start_factor"),
        (lambda o: lr_scheduler.LinearLR(o, 0.5, 2.0), ValueError, "end_factor"),
        (lambda o: lr_scheduler.ConstantLR(o, 2.0), ValueError, "factor expects a part from 0 to 1"),
        (lambda o: lr_scheduler.MultiplicativeLR(o, 0.5), TypeError, "expects a function, got float"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2.5), ValueError, "T_0"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2, 0), ValueError, "T_mult"),
        (lambda o: lr_scheduler.CosineAnnealingWarmRestarts(o, 2).step(-1), ValueError, "0 or more, got -1"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, mode="square"), ValueError, "'square'"),
        (lambda o: lr_scheduler.CyclicLR(o, 0.1, 1.0, 0), ValueError, "steps up and down"),
        (lambda o: lr_scheduler.CyclicLR(o, [0.1] * 2, 1.0), ValueError, "base_lr expects one value a group"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, factor=1.0), ValueError, "below 1"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, "least"), ValueError, "'min' or 'max', got 'least'"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(o, threshold_mode="x"), ValueError, "threshold_mode"),
        (lambda o: lr_scheduler.ReduceLROnPlateau(3), TypeError, "expects an Optimizer"),
        (lambda o: lr_scheduler.SequentialLR(o, [], []), ValueError, "one milestone fewer"),
        (lambda o: lr_scheduler.SequentialLR(o, [3], []), TypeError, "got int at index 0"),
        (lambda o: lr_scheduler.ChainedScheduler([]), ValueError, "got none"),
        (lambda o: lr_scheduler.ChainedScheduler([3], o), TypeError, "got int at index 0"),
        (
            lambda o: lr_scheduler.SequentialLR(o, [lr_scheduler.ReduceLROnPlateau(o)], []),
            ValueError,
            "does not go together",
        ),
        (
            lambda o: lr_scheduler.ChainedScheduler([lr_scheduler.StepLR(optim.SGD([parameter()]), 1)], o),
            ValueError,
            "another one's at index 0",
        ),
        (lambda o: lr_scheduler.LRScheduler(o), NotImplementedError, "get_lr"),
    ],
)
def test_schedule_errors(make, error, words):
    with pytest.raises(error, match=words) as info:
        make(optim.SGD([parameter()]))
    assert str(info.value).count("\n") == 2
