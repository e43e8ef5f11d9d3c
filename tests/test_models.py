"""Networks: shapes, parameter counts of the papers, gradients everywhere, both modes, weights to and fro."""

import numpy as np
import pytest

import minicnn
from minicnn import models, nn
from minicnn.errors import ParameterError, ShapeError

# Small instances of every architecture, with the shape of an input.
SMALL = {
    "AlexNet": (lambda: models.AlexNet(num_classes=7, dropout=0.0), (2, 3, 64, 64)),
    "vgg": (lambda: models.VGG(models.vgg.make_layers((4, 8, 512), (1, 2, 1)), 7, dropout=0.0), (2, 3, 32, 32)),
    "vgg_bn": (lambda: models.CifarVGG("vgg11", 7), (2, 3, 32, 32)),
    "ResNet": (lambda: models.ResNet(models.BasicBlock, [1, 2, 1, 1], 7), (2, 3, 64, 64)),
    "ResNet_bottleneck": (lambda: models.ResNet(models.Bottleneck, [1, 1, 1, 2], 7), (2, 3, 64, 64)),
    "DenseNet": (lambda: models.DenseNet(4, (2, 3), 8, num_classes=7), (2, 3, 32, 32)),
    "squeezenet1_0": (lambda: models.squeezenet1_0(num_classes=7, dropout=0.0), (2, 3, 64, 64)),
    "squeezenet1_1": (lambda: models.squeezenet1_1(num_classes=7, dropout=0.0), (2, 3, 64, 64)),
    "MobileNetV2": (lambda: models.MobileNetV2(7, width_mult=0.25, dropout=0.0), (2, 3, 64, 64)),
    "CifarResNet": (lambda: models.CifarResNet(14, 7), (2, 3, 32, 32)),
    "cifar_resnet18": (lambda: models.cifar_resnet18(7), (2, 3, 16, 16)),
    "plain9": (lambda: models.PlainNet((4, 8, 8), 7), (2, 3, 32, 32)),
    "plain_bn": (lambda: models.PlainNet((4, 8), 7, batch_norm=True), (2, 3, 32, 32)),
    "CifarDenseNet": (lambda: models.CifarDenseNet(13, 4, num_classes=7), (2, 3, 32, 32)),
    "CifarDenseNet_BC": (lambda: models.CifarDenseNet(16, 4, True, num_classes=7), (2, 3, 32, 32)),
    "LeNet5": (lambda: models.LeNet5(7), (2, 1, 28, 28)),
    "StridedNet": (lambda: models.StridedNet(7), (2, 1, 28, 28)),
    "StridedNet_bn": (lambda: models.StridedNet(7, batch_norm=True), (2, 1, 28, 28)),
}
MODES_DIFFER = {
    "dropout": (lambda: models.StridedNet(dropout=0.5), (2, 1, 28, 28)),
    "drop_rate": (lambda: models.CifarDenseNet(10, 4, drop_rate=0.5), (2, 3, 32, 32)),
    "bottleneck drop_rate": (lambda: models.DenseNet(4, (2, 2), 8, drop_rate=0.5, num_classes=3), (2, 3, 32, 32)),
    "batch norm": (lambda: models.CifarResNet(8), (2, 3, 32, 32)),
}


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


def pictures(shape, seed=0):
    return minicnn.as_tensor(np.random.default_rng(seed).normal(size=shape).astype(np.float32))


LARGE = ("AlexNet", "vgg")  # their linear layers cannot be made small


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in LARGE else n for n in SMALL])
def test_forward_backward_and_state(name):
    minicnn.manual_seed(0)
    make, shape = SMALL[name]
    model, x = make(), pictures(shape)
    logits = model(x)
    assert logits.shape == (2, 7)
    nn.CrossEntropyLoss()(logits, minicnn.tensor([1, 5])).backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert np.isfinite(parameter.grad.numpy()).all(), key
    # A convolution before a batch norm has, but for rounding, no gradient along its bias; all others have some.
    dead = [key for key, p in model.named_parameters() if not p.grad.numpy().any() and not key.endswith("bias")]
    assert not dead
    expected = model.eval()(x).detach().numpy()
    other = make()
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other.eval()(x).detach().numpy(), expected)
    assert np.abs(make().eval()(x).detach().numpy() - expected).max() > 0  # another draw gives another network


@pytest.mark.parametrize("name", MODES_DIFFER)
def test_training_and_evaluation_differ(name):
    make, shape = MODES_DIFFER[name]
    model, x = make(), pictures(shape)
    trained = model.train()(x).detach().numpy()
    tested = model.eval()(x).detach().numpy()
    assert np.abs(trained - tested).max() > 1e-6
    np.testing.assert_array_equal(model(x).detach().numpy(), tested)


FACTS = [  # torchvision documents these numbers, and the papers of the networks for 32×32 pictures round them
    ("resnet18", 11_689_512),
    ("resnet34", 21_797_672),
    ("resnet50", 25_557_032),
    ("densenet121", 7_978_856),
    ("squeezenet1_0", 1_248_424),
    ("squeezenet1_1", 1_235_496),
    ("mobilenet_v2", 3_504_872),
    ("resnet20", 269_722),
    ("resnet32", 464_154),
    ("resnet44", 658_586),
    ("resnet56", 853_018),
    ("resnet110", 1_727_962),
    ("cifar_resnet18", 11_173_962),
    ("densenet40", 1_019_722),
    ("densenet_bc100", 769_162),
    ("plain9", 1_960_970),
    ("plain12", 7_840_266),
    ("cifar_vgg16", 14_728_266),
]


@pytest.mark.parametrize(("name", "parameters"), FACTS)
def test_parameter_counts(name, parameters):
    model = getattr(models, name)()
    assert count(model) == parameters
    assert f"{parameters:,}" in (getattr(models, name).__doc__ + type(model).__doc__)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("alexnet", 61_100_840),
        ("vgg11", 132_863_336),
        ("vgg11_bn", 132_868_840),
        ("vgg13", 133_047_848),
        ("vgg13_bn", 133_053_736),
        ("vgg16", 138_357_544),
        ("vgg16_bn", 138_365_992),
        ("vgg19", 143_667_240),
        ("vgg19_bn", 143_678_248),
        ("resnet101", 44_549_160),
        ("resnet152", 60_192_808),
        ("densenet161", 28_681_000),
        ("densenet169", 14_149_480),
        ("densenet201", 20_013_928),
    ],
)
def test_parameter_counts_of_large_networks(name, parameters):
    model = getattr(models, name)()
    assert count(model) == parameters
    assert f"{parameters:,}" in (getattr(models, name).__doc__ + type(model).__doc__)


@pytest.mark.parametrize("name", ["alexnet", "vgg19", "resnet18", "densenet121", "squeezenet1_0", "mobilenet_v2"])
@pytest.mark.parametrize("asked", [{"pretrained": True}, {"weights": "DEFAULT"}])
def test_no_weights_come_with_the_package(name, asked):
    with pytest.raises(ParameterError, match="no trained weights come") as caught:
        getattr(models, name)(**asked)
    text = str(caught.value)
    assert text.count("\n") == 2
    assert name in text
    assert "load_weights" in text


def test_bad_arguments():
    for make, word in [
        (lambda: models.CifarResNet(21), "6n + 2"),
        (lambda: models.CifarDenseNet(41), "3n + 4"),
        (lambda: models.CifarDenseNet(40, bottleneck=False), None),
        (lambda: models.CifarDenseNet(43, bottleneck=True), "6n + 4"),
        (lambda: models.SqueezeNet("2_0"), "1_0, 1_1"),
        (lambda: models.ResNet(models.BasicBlock, [2, 2]), "4 stages"),
        (lambda: models.CifarVGG("vgg12"), "vgg11, vgg13, vgg16, vgg19"),
    ]:
        if word is None:
            make()
            continue
        with pytest.raises(ParameterError) as caught:
            make()
        assert word in str(caught.value)
        assert str(caught.value).count("\n") == 2


def test_zero_init_residual_starts_blocks_as_the_identity():
    block = models.ResNet(models.BasicBlock, [2, 1, 1, 1], 3, zero_init_residual=True).layer1[1].eval()
    x = pictures((1, 64, 4, 4)).abs()
    np.testing.assert_array_equal(block(x).detach().numpy(), x.numpy())


def test_a_shortcut_without_parameters_takes_every_second_pixel():
    shortcut = models.CifarResNet(8).layer2[0].downsample
    x = pictures((1, 16, 6, 6))
    y = shortcut(x).numpy()
    np.testing.assert_array_equal(y[:, :16], x.numpy()[:, :, ::2, ::2])
    assert not y[:, 16:].any()
    assert y.shape == (1, 32, 3, 3)
    assert not list(shortcut.parameters())


def test_strided_net_keeps_the_names_of_its_weights():
    keys = ["features.0", "classifier.1", "classifier.3", "classifier.5"]
    assert list(models.StridedNet().state_dict()) == [f"{key}.{kind}" for key in keys for kind in ("weight", "bias")]
    variant = models.StridedNet(batch_norm=True, dropout=0.2)
    kinds = [type(module).__name__ for module in variant.modules() if not list(module.children())]
    assert kinds.count("BatchNorm2d") == 1
    assert kinds.count("BatchNorm1d") == kinds.count("Dropout") == 2


def test_autoencoder_learns_to_give_its_input_back():
    minicnn.manual_seed(0)
    model = models.ConvAutoencoder(code=16)
    from minicnn.data import Digits

    x = minicnn.as_tensor(Digits(train=False).data[:8].numpy()[:, None].astype(np.float32) / 255)
    optimizer = minicnn.optim.Adam(model.parameters(), lr=3e-3)
    losses = []
    for _ in range(15):
        optimizer.zero_grad()
        loss = nn.MSELoss()(model(x), x)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    y = model(x)
    assert y.shape == x.shape
    assert 0 <= y.min().item() <= y.max().item() <= 1
    np.testing.assert_array_equal(model.decode(model.encode(x)).detach().numpy(), y.detach().numpy())
    assert models.ConvAutoencoder(8, in_channels=3)(pictures((2, 3, 28, 28))).shape == (2, 3, 28, 28)


def test_textcnn():
    minicnn.manual_seed(0)
    model = models.TextCNN(20, embed_dim=6, num_classes=3, num_filters=4)
    words = minicnn.as_tensor(np.random.default_rng(0).integers(1, 20, size=(5, 9)))
    logits = model(words)
    assert logits.shape == (5, 3)
    nn.CrossEntropyLoss()(logits, minicnn.tensor([0, 1, 2, 0, 1])).backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in model.parameters())
    assert not model.embedding.weight.grad.numpy()[0].any()  # the padding's vector is not trained
    assert not model.embedding.weight.detach().numpy()[0].any()
    model.eval()
    # A maximum over the sentence does not depend on where in it the words are that make it.
    lone = np.zeros((1, 12), dtype=np.int64)
    lone[0, 3:5] = 7, 8
    moved = np.roll(lone, 3, axis=1)
    np.testing.assert_allclose(
        model(minicnn.as_tensor(lone)).detach().numpy(), model(minicnn.as_tensor(moved)).detach().numpy(), rtol=1e-6
    )
    with pytest.raises(ShapeError, match="at least 5"):
        model(words[:, :4])
    assert count(models.TextCNN(100)) == 100 * 300 + 300 * 100 * (3 + 4 + 5) + 3 * 100 + 300 * 2 + 2


def test_models_are_found_beside_the_data():
    import minicnn.data as data

    assert data.models is models
    assert data.models.ResNet is models.ResNet
    with pytest.raises(AttributeError, match="'nothing'"):
        _ = data.nothing


def test_every_public_name_is_there():
    assert sorted(set(models.__all__)) == sorted(models.__all__)
    assert all(hasattr(models, name) for name in models.__all__)
