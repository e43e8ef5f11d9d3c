"""The training loop on a device: the CPU's history, files and state, and values read at the end of an epoch alone."""

import numpy as np
import pytest
from gpu_helpers import batches, network, off

import minicnn
from minicnn import nn, optim
from minicnn.backend.strict import crossings
from minicnn.data import DataLoader, TensorDataset
from minicnn.train import evaluate, fit, load_weights, save_weights


def loaders(place="cpu", dtype="float64"):
    x, t = (np.concatenate(part) for part in zip(*batches(6, dtype=dtype), strict=True))
    data = TensorDataset(minicnn.tensor(x, device=place), minicnn.tensor(t, device=place))
    return DataLoader(data, 8, shuffle=True, seed=0), DataLoader(data, 24)


def run(place, epochs=2, **options):
    minicnn.manual_seed(0)
    model = network().to(place).double()
    optimizer = optim.AdamW(model.parameters(), lr=1e-2)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1e-2, total_steps=epochs * 6)
    history = fit(model, *loaders(), optimizer, schedule, epochs=epochs, step_each="batch", quiet=True, **options)
    return model, optimizer, [row[1:5] for row in map(tuple, history.rows)]


def test_the_loop_gives_the_history_of_the_cpu(device, same_masks):
    with crossings() as seen:
        model, _, found = run(device)
    other, _, expected = run("cpu")
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert off(a.detach().cpu().numpy(), b.detach().numpy()) < 1e-5
    if device == "strict":
        # An epoch reads the loss and the hits of training and of validation, and the confusion matrix; with the
        # first read, what was noted of labels and indices.
        names = [crossing.where for crossing in seen]
        assert len(names) <= 2 * (5 + 2), names
        assert set(names) <= {"means", "evaluate", "float", "int"}


def test_the_loop_replays_a_captured_step(device, same_masks, monkeypatch):
    from minicnn.cuda import graphs

    made = []
    plain = graphs.GraphedStep.__init__
    monkeypatch.setattr(graphs.GraphedStep, "__init__", lambda self, *a: made.append(self) or plain(self, *a))
    with crossings() as seen:
        model, _, found = run(device, epochs=3, graph=True)
    assert len(made) == 1
    assert (made[0].captures, made[0].replays) == (1, 3 * 6 - 4)
    other, _, expected = run("cpu", epochs=3)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert off(a.detach().cpu().numpy(), b.detach().numpy()) < 1e-5
    assert device != "strict" or len(seen) <= 3 * (5 + 2)


def test_evaluation_counts_as_the_cpu_does(device):
    minicnn.manual_seed(1)
    model = network().double()
    found = evaluate(model, loaders()[1])
    expected = evaluate(model.to("cpu"), loaders()[1])
    assert found[:2] == pytest.approx(expected[:2], rel=1e-9)
    np.testing.assert_array_equal(found.confusion, expected.confusion)
    assert found.confusion.sum() == 48
    assert found.confusion.dtype == np.int64


def test_a_run_is_taken_up_where_it_was_left(device, same_masks, tmp_path):
    """Weights, the optimizer's state, the schedule's and the generator's, through files and across devices."""

    def steps(model, optimizer, schedule, data):
        for x, t in data:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(minicnn.tensor(x)), minicnn.tensor(t))
            loss.backward()
            optimizer.step()
            schedule.step()
        return loss.item()

    def parts():
        model = network().double()
        optimizer = optim.Adam(model.parameters(), lr=1e-2)
        return model, optimizer, optim.lr_scheduler.StepLR(optimizer, 2)

    data = batches(8, dtype="float64")
    minicnn.manual_seed(3)
    first = parts()
    steps(*first, data[:4])
    states = [part.state_dict() for part in first] + [minicnn.get_rng_state()]
    minicnn.save(states, tmp_path / "all.pt")
    save_weights(first[0], tmp_path / "weights.safetensors")
    expected = steps(*first, data[4:])

    minicnn.manual_seed(99)
    second = parts()
    loaded = minicnn.load(tmp_path / "all.pt")
    for part, state in zip(second, loaded, strict=False):
        part.load_state_dict(state)
    minicnn.set_rng_state(loaded[-1])
    assert next(second[0].parameters()).device.type == device
    assert steps(*second, data[4:]) == pytest.approx(expected, rel=1e-9)

    with minicnn.use("numpy"):
        third = network().double()
        load_weights(third, tmp_path / "weights.safetensors")
        assert next(third.parameters()).device.type == "cpu"
        np.testing.assert_array_equal(third[10].weight.detach().numpy(), loaded[0]["10.weight"].cpu().numpy())


def test_wrong_labels_are_reported_when_a_value_is_read(device):
    logits = minicnn.randn(4, 3, requires_grad=True)
    loss = nn.functional.cross_entropy(logits, minicnn.tensor([0, 1, 2, 7]))
    loss.backward()
    with pytest.raises(minicnn.errors.IndexRangeError, match="classes from 0 to 2, got 7") as raised:
        loss.item()
    assert "test_gpu_loop.py" in raised.value.__notes__[0]
    assert np.isfinite(loss.item())  # said once
    minicnn.ones(3)[minicnn.tensor([0, -4])]
    with pytest.raises(minicnn.errors.IndexRangeError, match=r"index -4 is out of range .* size 3"):
        logits.tolist()
    nn.functional.cross_entropy(logits, minicnn.tensor([0, 1, -100, 2])).item()  # ignored


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "uint8", "int8", "float32", "float64"])
def test_writes_to_places_of_every_dtype(device, dtype):
    def results(place):
        x = minicnn.tensor(np.array([[3, 100, 7], [5, 2, 90]], dtype=dtype), device=place)
        index = minicnn.tensor(np.array([[0, 1, 0], [1, 1, 1]]), device=place)
        low = x - 60 if dtype[0] != "u" else x
        return [
            x.scatter_add(1, index, x),
            x.index_add(0, index[0], minicnn.cat([x, x])[:3]),
            low.scatter_reduce(1, index, low, "amax"),
            low.scatter_reduce(1, index, low, "amin", include_self=False),
        ]

    for found, expected in zip(results(device), results("cpu"), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.cpu().numpy(), expected.numpy())


def test_masks_come_from_the_devices_own_seeded_stream(device):
    x = minicnn.ones(1000)
    minicnn.manual_seed(5)
    first, second = nn.functional.dropout(x, 0.5), nn.functional.dropout(x, 0.5)
    state = minicnn.get_rng_state()
    third = nn.functional.dropout(x, 0.5)
    minicnn.set_rng_state(state)
    again = nn.functional.dropout(x, 0.5)
    minicnn.manual_seed(5)
    assert first.tolist() == nn.functional.dropout(x, 0.5).tolist()
    assert first.tolist() != second.tolist()
    assert third.tolist() == again.tolist()
    # The numbers are those of NumPy's Philox with the seed for its key.
    drawn = np.random.Generator(np.random.Philox(key=5, counter=0)).random(1000, dtype="float32")
    np.testing.assert_array_equal(first.cpu().numpy() > 0, drawn >= 0.5)
    # A generator of the CPU's draws there, on every backend alike.
    masks = [
        nn.functional.dropout(minicnn.ones(50, device=place), 0.5, generator=minicnn.Generator().manual_seed(1))
        for place in (device, "cpu")
    ]
    np.testing.assert_array_equal(masks[0].cpu().numpy(), masks[1].numpy())
    own = minicnn.Generator(device).manual_seed(5)
    assert nn.functional.dropout(x, 0.5, generator=own).tolist() == first.tolist()
