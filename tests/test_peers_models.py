"""torchvision's networks: the same names in state_dict, and with the same weights the same logits and gradients."""

import numpy as np
import pytest
from torchvision_helpers import torch, torchvision

import minicnn
from minicnn import models

pytestmark = pytest.mark.peers
NAMES = ["alexnet", "resnet18", "resnet34", "resnet50", "densenet121", "squeezenet1_0", "squeezenet1_1", "mobilenet_v2"]
VGGS = ["vgg11", "vgg13_bn", "vgg16", "vgg19_bn"]


def pair(name, **options):
    """Return torchvision's network and minicnn's, with the same weights and running statistics."""
    torch.manual_seed(0)
    theirs = getattr(torchvision().models, name)(num_classes=10, **options)
    mine = getattr(models, name)(num_classes=10, **options)
    state = theirs.state_dict()
    rng = np.random.default_rng(1)
    for key, value in state.items():  # statistics as after some training: not 0 and 1
        if key.endswith("running_mean"):
            value.copy_(torch.from_numpy(0.1 * rng.normal(size=value.shape)))
        elif key.endswith("running_var"):
            value.copy_(torch.from_numpy(0.5 + rng.random(value.shape)))
    assert list(state) == list(mine.state_dict())
    mine.load_state_dict({key: minicnn.as_tensor(value.numpy().copy()) for key, value in state.items()})
    return theirs, mine


@pytest.mark.parametrize("name", [*NAMES, *VGGS])
def test_same_weights_same_logits(name):
    theirs, mine = pair(name)
    x = np.random.default_rng(0).normal(size=(2, 3, 96, 96)).astype(np.float32)
    with torch.no_grad():
        expected = theirs.eval()(torch.from_numpy(x)).numpy()
    with minicnn.no_grad():
        got = mine.eval()(minicnn.as_tensor(x)).numpy()
    # float32 through up to 121 layers: relative to the largest logit, for single ones may cancel
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "squeezenet1_1", "mobilenet_v2"])
def test_same_training_step(name):
    """In float64, in training mode: batch statistics, gradients of all parameters, and new running statistics."""
    theirs, mine = pair(name)
    theirs, mine = theirs.double(), mine.double()
    for module in [*theirs.modules(), *mine.modules()]:
        if type(module).__name__ == "Dropout":
            module.p = 0.0
    x = np.random.default_rng(0).normal(size=(3, 3, 64, 64))
    labels = np.array([1, 7, 3])
    torch.nn.functional.cross_entropy(theirs.train()(torch.from_numpy(x)), torch.from_numpy(labels)).backward()
    minicnn.nn.CrossEntropyLoss()(mine.train()(minicnn.as_tensor(x)), minicnn.as_tensor(labels)).backward()
    gradients = {key: value.grad.numpy() for key, value in theirs.named_parameters()}
    scale = max(np.abs(value).max() for value in gradients.values())
    for key, value in mine.named_parameters():
        np.testing.assert_allclose(value.grad.numpy(), gradients[key], rtol=1e-7, atol=1e-9 * scale, err_msg=key)
    for key, value in mine.state_dict().items():
        expected = theirs.state_dict()[key].numpy()
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", [*NAMES, "vgg11_bn"])
def test_initial_weights_are_distributed_alike(name):
    """Large tensors have torchvision's standard deviation; constant ones its value."""
    torch.manual_seed(0)
    minicnn.manual_seed(0)
    theirs = dict(getattr(torchvision().models, name)(num_classes=10).named_parameters())
    for key, value in getattr(models, name)(num_classes=10).named_parameters():
        mine, expected = value.detach().numpy(), theirs[key].detach().numpy()
        if expected.std() == 0:
            np.testing.assert_array_equal(mine, expected, err_msg=key)
        elif expected.size > 2000:
            np.testing.assert_allclose(mine.std(), expected.std(), rtol=0.1, err_msg=key)
            assert abs(mine.mean() - expected.mean()) < 6 * expected.std() / expected.size**0.5, key


def test_arguments_are_torchvisions():
    peers = torchvision().models
    for name in ("AlexNet", "VGG", "SqueezeNet", "DenseNet"):
        import inspect

        mine = list(inspect.signature(getattr(models, name).__init__).parameters)
        theirs = list(inspect.signature(getattr(peers, name).__init__).parameters)
        assert mine == theirs, name
