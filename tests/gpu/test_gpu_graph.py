"""Captured steps: what plain steps give, whatever goes on from step to step; and what cannot be captured."""

import functools

import numpy as np
import pytest
from gpu_helpers import OPTIMIZERS, batches, network

import minicnn
from minicnn import cuda, nn, optim
from minicnn.errors import ArgumentTypeError, BackendError, GraphError, IndexRangeError, MinicnnError, ParameterError

CAPTURABLE = ["SGD", "Adam", "Adam amsgrad", "AdamW", "Adamax", "RMSprop", "Adagrad", "Adadelta"]


def losses_of(device, make_optimizer, graphed, steps=12, schedule=None, accumulate=False):
    """Return the losses and the weights of training by captured, or by plain steps."""
    minicnn.manual_seed(0)
    model = network().double()
    optimizer = make_optimizer(model.parameters())
    rates = schedule(optimizer) if schedule else None

    def step(x, t):
        if not accumulate:
            optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        if rates is not None:
            rates.step()
        return loss, {"hits": [(model[:2](x) > 0).sum()]}

    run = cuda.graph(step, warmup=2) if graphed else step
    losses = []
    for x, t in batches(steps, dtype="float64"):
        loss, extra = run(minicnn.tensor(x), minicnn.tensor(t))
        losses.append(loss)
        losses.append(extra["hits"][0])
    if graphed:
        assert (run.captures, run.replays) == (1, steps - 3)
    return [value.item() for value in losses], [p.detach().cpu().numpy() for p in model.parameters()]


@pytest.mark.parametrize("name", CAPTURABLE)
def test_captured_steps_are_plain_steps(device, name):
    """With masks, running statistics and counts of steps, each of which goes on in replays."""
    found, weights = losses_of(device, OPTIMIZERS[name], True)
    expected, same = losses_of(device, OPTIMIZERS[name], False)
    assert found == pytest.approx(expected, rel=1e-9)
    for a, b in zip(weights, same, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-10)


SCHEDULES = {
    "OneCycleLR": lambda o: optim.lr_scheduler.OneCycleLR(o, max_lr=0.02, total_steps=13),
    "StepLR": lambda o: optim.lr_scheduler.StepLR(o, 3),
    "CosineAnnealingWarmRestarts": lambda o: optim.lr_scheduler.CosineAnnealingWarmRestarts(o, 5),
    "SequentialLR": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.ConstantLR(o), optim.lr_scheduler.ExponentialLR(o, 0.8)], [4]
    ),
    "ChainedScheduler": lambda o: optim.lr_scheduler.ChainedScheduler(
        [optim.lr_scheduler.ConstantLR(o), optim.lr_scheduler.ExponentialLR(o, 0.8)]
    ),
}


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("optimizer", ["AdamW", "SGD"])
def test_schedules_go_on_in_replays(device, name, optimizer):
    make = OPTIMIZERS[optimizer]
    found, _ = losses_of(device, make, True, schedule=SCHEDULES[name])
    expected, _ = losses_of(device, make, False, schedule=SCHEDULES[name])
    assert found == pytest.approx(expected, rel=1e-9)


def test_the_generators_state_counts_replays(device):
    x = minicnn.ones(40)
    step = cuda.graph(lambda: nn.functional.dropout(x, 0.5), warmup=1)
    minicnn.manual_seed(2)
    masks = [step().tolist() for _ in range(4)]
    state = minicnn.get_rng_state()
    following = [step().tolist(), nn.functional.dropout(x, 0.5).tolist()]
    minicnn.set_rng_state(state)
    assert [step().tolist(), nn.functional.dropout(x, 0.5).tolist()] == following
    minicnn.manual_seed(2)
    assert [step().tolist() for _ in range(4)] == masks
    assert len({str(mask) for mask in masks + following}) == 6
    assert step.captures == 1


def test_gradients_add_up_in_replays(device):
    found, _ = losses_of(device, OPTIMIZERS["SGD"], True, accumulate=True)
    expected, _ = losses_of(device, OPTIMIZERS["SGD"], False, accumulate=True)
    assert found == pytest.approx(expected, rel=1e-9)


def test_shapes_and_numbers_have_graphs_of_their_own(device):
    calls = []

    @cuda.graph
    def double(x, plus=0.0):
        calls.append(x.shape)
        return x * 2 + plus

    for _ in range(6):
        assert double(minicnn.ones(3)).tolist() == [2.0] * 3
        assert double(minicnn.ones(2)).tolist() == [2.0] * 2
        assert double(minicnn.ones(2), 1.0).tolist() == [3.0] * 2
    assert double.captures == 3
    assert len(calls) == 3 * 4  # three of warm-up and one recorded; then Python has no part in it
    double.reset()
    assert double.captures == 0
    double(minicnn.ones(2))
    assert len(calls) == 13
    for size in range(12):
        for _ in range(5):
            double(minicnn.ones(size))
    assert double.captures == 8


def test_results_are_the_callers_own(device):
    step = cuda.graph(lambda x: x + 1, warmup=1)
    kept = [step(minicnn.tensor([float(i)])) for i in range(5)]
    assert [y.item() for y in kept] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_wrong_labels_are_found_in_replays(device):
    logits = minicnn.randn(2, 3)
    step = cuda.graph(lambda t: nn.functional.cross_entropy(logits, t), warmup=1)
    for labels in ([0, 1], [2, 2], [1, 0]):
        step(minicnn.tensor(labels)).item()
    loss = step(minicnn.tensor([0, 3]))
    assert step.replays == 2
    with pytest.raises(IndexRangeError, match="got 3"):
        loss.item()


HALTS = {
    "item": (lambda x: x.sum().item(), "item"),
    "float": (lambda x: float(x.sum()), "float"),
    "bool": (lambda x: x + 1 if x.sum() > 0 else x, "bool"),
    "tolist": (lambda x: x.tolist(), "tolist"),
    "numpy": (lambda x: x.cpu().numpy(), "transfer"),
    "mask": (lambda x: x[x > 0], "getitem"),
    "nonzero": (lambda x: (x > 0).nonzero(), "nonzero"),
    "from the host": (lambda x: x + minicnn.tensor([1.0, 2.0]), "tensor"),
    "drawn on the CPU": (lambda x: x + minicnn.randn(2), "randn"),
    "moved": (lambda x: x + HOST.to(x.device), "transfer"),
}
with minicnn.use("numpy"):
    HOST = minicnn.ones(2)


@pytest.mark.parametrize("name", HALTS)
def test_what_needs_the_host_is_refused_by_name(device, name):
    step, where = HALTS[name]
    graphed = cuda.graph(step, warmup=1)
    x = minicnn.ones(2)
    graphed(x)
    with pytest.raises(BackendError) as raised:
        graphed(x)
    lines = str(raised.value).splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"{where}: needs ")
    assert lines[2].startswith("  Fix: ")
    assert not cuda.is_current_stream_capturing()
    assert (x * 2).tolist() == [2.0, 2.0]  # the device goes on


@pytest.mark.parametrize("name", sorted(OPTIMIZERS.keys() - set(CAPTURABLE)))
def test_optimizers_that_cannot_be_captured_say_so(device, name):
    with pytest.raises(ParameterError, match=f"{name}.step: this optimizer cannot be captured"):
        losses_of(device, OPTIMIZERS[name], True)


def test_arguments_that_cannot_be_captured(device):
    x = minicnn.ones(2, requires_grad=True)
    step = cuda.graph(lambda x: x * 2, warmup=1)
    step(x)
    with pytest.raises(BackendError, match="requires grad"):
        step(x)
    pair = cuda.graph(lambda x, y: x * 2, warmup=1)
    pair(x.detach(), HOST)
    with pytest.raises(BackendError, match="an argument lives on the CPU"):
        pair(x.detach(), HOST)
    with pytest.raises(ArgumentTypeError, match="compared"):
        step({1, 2})
    with pytest.raises(ArgumentTypeError, match="expects a function"):
        cuda.graph(3)
    with pytest.raises(ParameterError, match="1 or more"):
        cuda.graph(step, warmup=0)
    with pytest.raises(BackendError, match="nothing was captured"):
        cuda.CUDAGraph().replay()
    inner = cuda.graph(lambda x: x + 1, warmup=1)
    outer = cuda.graph(lambda x: inner(x) * 2, warmup=1)
    for _ in range(4):  # within a capture, a graphed step is a step like others
        assert outer(minicnn.ones(1)).item() == 4.0
    g = cuda.CUDAGraph()
    with pytest.raises(BackendError, match="captured already"), cuda.graph(cuda.CUDAGraph()), cuda.graph(g):
        pass


def test_a_graph_in_a_block(device):
    x, w, g = minicnn.ones(3), minicnn.ones(3), cuda.CUDAGraph()
    with cuda.graph(g):
        y = x * w
        assert cuda.is_current_stream_capturing()
    for value in (2.0, 5.0):
        x.copy_(minicnn.full((3,), value))
        g.replay()
        assert y.tolist() == [value] * 3
    g.reset()
    with pytest.raises(BackendError, match="nothing was captured"):
        g.replay()


def test_without_a_gpu_a_step_runs_plainly():
    calls = []
    step = cuda.graph(lambda x: calls.append(1) or float(x.sum()))
    assert [step(minicnn.ones(2)) for _ in range(6)] == [2.0] * 6
    assert len(calls) == 6
    assert step.captures == 0
    with pytest.raises(BackendError, match="on a GPU"), cuda.graph(cuda.CUDAGraph()):
        pass


def test_errors_are_minicnns_own(device):
    """An error of the step's own comes through as it is, and ends the capture."""
    step = cuda.graph(lambda x: x.reshape(7), warmup=1)
    for _ in range(3):
        with pytest.raises(MinicnnError, match="7"):
            step(minicnn.ones(2))
    assert not cuda.is_current_stream_capturing()


def test_the_same_tensor_twice_is_another_signature(device):
    step = cuda.graph(lambda x, y: x * 10 + y, warmup=1)
    x, a, b = (minicnn.full((2,), value) for value in (1.0, 2.0, 3.0))
    for _ in range(3):
        assert step(x, x).tolist() == [11.0] * 2
    for _ in range(4):
        assert step(a, b).tolist() == [23.0] * 2
        assert step(b, b).tolist() == [33.0] * 2
    assert step.captures == 2


@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_of_a_captured_backward_reach_the_optimizer_outside(device, to_none):
    """zero_grad() and step() run plainly around the captured part, and between two of its replays for one step."""

    def weights(graphed):
        minicnn.manual_seed(1)
        model = nn.Linear(3, 2).double()
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

        def part(x):
            loss = (model(x) ** 2).sum()
            loss.backward()
            return loss

        run = cuda.graph(part, warmup=1) if graphed else part
        rng = np.random.default_rng(0)
        found = []
        for i in range(9):
            if i % 3 != 1:  # else the gradients of two calls add up
                optimizer.zero_grad(set_to_none=to_none)
            run(minicnn.tensor(rng.normal(size=(4, 3))))
            if i % 3:
                optimizer.step()
            found.append(model.weight.detach().cpu().numpy().copy())
        assert not graphed or run.replays == 7
        return found

    for a, b in zip(weights(True), weights(False), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)


def test_gradients_that_the_step_takes_away_are_gone_after_replays(device):
    w = minicnn.ones(2, requires_grad=True)

    @functools.partial(cuda.graph, warmup=1)
    def step(x):
        (w * x).sum().backward()
        found = w.grad * 1
        w.grad = None
        return found

    for i in range(5):
        assert step(minicnn.full((2,), float(i))).tolist() == [i, i]
        assert w.grad is None
    (w * 7).sum().backward()
    assert w.grad.tolist() == [7.0, 7.0]


@pytest.mark.parametrize("kept", [False, True])
def test_a_gradient_that_a_replay_would_write_over_is_refused(device, kept):
    w = minicnn.ones(2, requires_grad=True)
    step = cuda.graph(lambda: (w * 2).sum().backward(), warmup=1)
    step()
    w.grad = None
    step()  # captured without a gradient: replays write one
    if not kept:
        w.grad = minicnn.ones(2)
    with pytest.raises(GraphError, match="one stands already"):
        step()
    w.grad = None
    step()
    assert w.grad.tolist() == [2.0, 2.0]


def test_a_block_records_and_does_not_do(device):
    """Weights, counts of steps, rates and masks go on by one a replay, as in PyTorch; the block itself is no step."""

    def run(graphed):
        minicnn.manual_seed(3)
        model = nn.Linear(3, 2).double()
        optimizer = optim.AdamW(model.parameters(), lr=0.1)
        rates = optim.lr_scheduler.SequentialLR(
            optimizer, [optim.lr_scheduler.ConstantLR(optimizer), optim.lr_scheduler.ExponentialLR(optimizer, 0.8)], [3]
        )
        x = minicnn.ones(4, 3, dtype=minicnn.float64)

        def step():
            optimizer.zero_grad()
            nn.functional.dropout(model(x), 0.5).sum().backward()
            optimizer.step()
            rates.step()

        def facts():
            state = [int(s["step"]) for s in optimizer.state.values()]
            return [
                model.weight.tolist(),
                state,
                rates.last_epoch,
                rates.get_last_lr(),
                minicnn.get_rng_state().tolist(),
            ]

        step()
        step()
        if graphed:
            before, g = facts(), cuda.CUDAGraph()
            with cuda.graph(g):
                step()
            assert facts() == before
        again = g.replay if graphed else step
        found = []
        for _ in range(4):
            again()
            found.append(facts())
        return found

    for a, b in zip(run(True), run(False), strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-9)
        assert a[1:3] == b[1:3]
        assert a[3] == pytest.approx(b[3])
        assert a[4] == b[4]


def test_what_a_signature_tells_apart(device):
    """A tensor that requires grad is refused by later calls too, and numbers that never repeat fill no memory."""
    step = cuda.graph(lambda x, i=0: x * 2, warmup=1)
    for _ in range(3):
        step(minicnn.ones(2))
    step(minicnn.ones(2, requires_grad=True))
    with pytest.raises(BackendError, match="requires grad"):
        step(minicnn.ones(2, requires_grad=True))
    for i in range(300):
        step(minicnn.ones(2), i)
    assert len(step._calls) <= 256
    with pytest.raises(TypeError, match="warm_up"):
        cuda.graph(lambda x: x, warm_up=1)
