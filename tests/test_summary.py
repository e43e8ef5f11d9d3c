"""`summary` prints torchsummary's table, and leaves the network as it was."""

import re
from pathlib import Path

import pytest
from summary_networks import networks

import minicnn
from minicnn import nn
from minicnn.errors import ArgumentTypeError, ParameterError, ShapeError

FILE = Path(__file__).with_name("summary_tables.txt")
TABLES = dict(re.findall(r"== (.*)\n((?:[^=].*\n|=====.*\n)*)", FILE.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", networks(minicnn))
def test_the_table_is_torchsummarys(name, capsys):
    net, size, batch = networks(minicnn)[name]
    assert minicnn.summary(net, size, batch) is None
    assert capsys.readouterr().out == TABLES[name]


def test_each_network_has_its_table():
    assert sorted(TABLES) == sorted(networks(minicnn))
    assert "Conv2d-1            [-1, 6, 12, 12]             156\n" in TABLES["strided"]
    assert "Total params: 56,166\n" in TABLES["strided"]


def rows(capsys):
    return [line.split() for line in capsys.readouterr().out.splitlines() if re.search(r"-\d", line[:20])]


def test_several_inputs(capsys):
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.features = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.ReLU())

        def forward(self, x, y):
            return self.features(x), self.features(y)

    minicnn.summary(Two(), [(1, 256, 256), (1, 512, 512)])
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()[3:7]] == ["Conv2d-1", "ReLU-2", "Conv2d-3", "ReLU-4"]
    assert "[-1, 1, 512, 512]              10" in out
    assert "Total params: 20\n" in out
    assert "Input size (MB): 1.25\n" in out  # 0.25 and 1 MB


def test_dtypes_and_lists(capsys):
    net = nn.Sequential(nn.Embedding(10, 4), nn.Flatten(), nn.Linear(20, 2))
    minicnn.summary(net, [5], dtypes=[minicnn.int64])
    assert rows(capsys)[0][0] == "Embedding-1"
    minicnn.summary(nn.Sequential(nn.Linear(3, 2)).double(), (3,))
    assert "Linear-1" in capsys.readouterr().out
    minicnn.summary(nn.Linear(3, 2), 3)  # a layer alone, which torchsummary cannot show
    assert rows(capsys) == [["Linear-1", "[-1,", "2]", "8"]]


def test_outputs_of_other_kinds(capsys):
    class Several(nn.Module):
        def forward(self, x):
            return {"a": x, "b": [x[:, :1], None]}

    class Take(nn.Module):
        def forward(self, found):
            return found["a"].sum()

    minicnn.summary(nn.Sequential(Several(), Take()), (3,))
    out = capsys.readouterr().out
    assert "[[-1, 3], [[-1, 1], []]]" in out
    assert re.search(r"Take-2 +\[\] +0", out)


def test_own_parameters_count(capsys):
    class Scale(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(minicnn.ones(7), requires_grad=False)

        def forward(self, x):
            return x * self.scale

    minicnn.summary(nn.Sequential(Scale()), (7,))
    assert "Non-trainable params: 7\n" in capsys.readouterr().out


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("fits", [True, False])
def test_the_network_is_as_it_was(training, fits):
    seen = []
    net = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5))
    net[1].eval()
    net[2].train(training)
    net[0].register_forward_hook(lambda *_: seen.append(1))
    net(minicnn.randn(5, 4)).sum().backward()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    buffers, grads = dict(net.named_buffers()), [p.grad.clone() for p in net.parameters()]
    modes = [m.training for m in net.modules()]
    state = minicnn.get_rng_state()
    if fits:
        minicnn.summary(net.train(), (4,))
        net.train(training)
        net[1].eval()
        net[2].train(training)
        modes[0] = modes[1] = training
    else:
        with pytest.raises(ShapeError):
            minicnn.summary(net, (5,))
    assert all(minicnn.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(value is buffers[name] for name, value in net.named_buffers())
    assert all(minicnn.equal(p.grad, grad) for p, grad in zip(net.parameters(), grads, strict=True))
    assert [m.training for m in net.modules()] == modes
    assert minicnn.equal(minicnn.get_rng_state(), state)
    seen.clear()
    net(minicnn.randn(5, 4))
    assert len(seen) == 1
    assert [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()] == [0, 1, 0, 0]


def test_batch_norm_in_training_keeps_its_statistics():
    norm = nn.BatchNorm1d(3)
    minicnn.summary(nn.Sequential(nn.Linear(4, 3), norm), (4,))
    assert norm.training
    assert norm.running_mean.tolist() == [0, 0, 0]
    assert norm.running_var.tolist() == [1, 1, 1]
    assert norm.num_batches_tracked.item() == 0


def test_lazy_layers_get_their_sizes(capsys):
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    minicnn.summary(net, (1, 5, 5))
    assert [row[-1] for row in rows(capsys)] == ["40", "8", "0", "74"]
    assert net[1].running_mean.tolist() == [0, 0, 0, 0]
    assert net[1].num_batches_tracked.item() == 0


def test_an_input_that_does_not_fit_names_the_layer():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(nn.Linear(4, 3), nn.Linear(5, 2))

        def forward(self, x):
            return self.body(x)

    with pytest.raises(ShapeError, match=r"layer body\.1 \(Linear\) cannot take its input") as caught:
        minicnn.summary(Net(), (4,))
    assert len(str(caught.value).splitlines()) == 3
    with pytest.raises(ShapeError, match=r"layer body\.0"):
        minicnn.summary(Net(), (5,))
    with pytest.raises(ShapeError, match="layer Net"):
        minicnn.summary(Net(), [(4,), (4,)])


def test_wrong_arguments():
    net = nn.Linear(3, 2)
    for size in (0, (3, -1), "3", (2.5,), None, [(3,), "a"]):
        with pytest.raises(ParameterError, match="input_size"):
            minicnn.summary(net, size)
    with pytest.raises(ParameterError, match="one dtype an input"):
        minicnn.summary(net, (3,), dtypes=[])
    with pytest.raises(ArgumentTypeError, match="expects a network"):
        minicnn.summary(nn.Linear, (3,))
    if not minicnn.cuda.is_available():
        with pytest.raises(RuntimeError, match="GPU"):
            minicnn.summary(net, (3,), device="cuda")


def test_on_another_device(capsys):
    net = nn.Sequential(nn.Linear(3, 2)).to("strict")
    minicnn.summary(net, (3,))
    assert rows(capsys)[0][0] == "Linear-1"
