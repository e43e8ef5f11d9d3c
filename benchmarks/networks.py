"""The networks that the benchmarks train, each written once for both libraries: the names are the same.

A builder takes the library (`minicnn` or `torch`) and returns a module; `NETWORKS` holds them by name, with the batch
and the input's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


def base(lib: Any) -> Any:
    """One strided convolution and two linear layers: the first net of many courses (864-64-32-10)."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(864, 64),
        nn.ReLU(),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def base_batch_norm(lib: Any) -> Any:
    """`base` with batch norm after each layer but the last."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(864, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


def base_dropout(lib: Any) -> Any:
    """`base` with dropout before each linear layer but the first."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(864, 64),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(64, 32),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(32, 10),
    )


def lenet5(lib: Any) -> Any:
    """LeCun et al. (1998), with ReLU and max pooling."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def sigmoid2(lib: Any) -> Any:
    """Two wide convolutions with sigmoids, on 28×28."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 64, 3, padding=1),
        nn.Sigmoid(),
        nn.MaxPool2d(2),
        nn.Conv2d(64, 128, 3, padding=1),
        nn.Sigmoid(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128 * 49, 10),
    )


def _plain(lib: Any, widths: list[list[int]], norm: bool, head: Callable[[Any], list[Any]]) -> Any:
    """Stages of 3×3 convolutions, a pooling after each: VGG's plan (Simonyan and Zisserman, 2015)."""
    nn = lib.nn
    layers: list[Any] = []
    before = 3
    for stage in widths:
        for width in stage:
            layers.append(nn.Conv2d(before, width, 3, padding=1))
            if norm:
                layers.append(nn.BatchNorm2d(width))
            layers.append(nn.ReLU())
            before = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), *head(nn))


def conv9(lib: Any) -> Any:
    """Nine convolutions on 32×32: three each of 64, 128 and 256 channels."""
    return _plain(lib, [[64] * 3, [128] * 3, [256] * 3], False, lambda nn: [nn.Linear(256 * 16, 10)])


def conv9_batch_norm(lib: Any) -> Any:
    """`conv9` with batch norm."""
    return _plain(lib, [[64] * 3, [128] * 3, [256] * 3], True, lambda nn: [nn.Linear(256 * 16, 10)])


def conv12(lib: Any) -> Any:
    """Twelve convolutions on 32×32: three each of 64, 128, 256 and 512 channels, with batch norm."""
    return _plain(lib, [[64] * 3, [128] * 3, [256] * 3, [512] * 3], True, lambda nn: [nn.Linear(512 * 4, 10)])


def vgg16(lib: Any) -> Any:
    """VGG-16 for 32×32, with batch norm and a single linear layer."""
    widths = [[64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3]
    return _plain(lib, widths, True, lambda nn: [nn.Linear(512, 10)])


def _residual(lib: Any, widths: list[int], blocks: int, projected: bool) -> Any:
    """He et al. (2016): a 3×3 stem and stages of basic blocks; the shortcut projected, or padded with zeros."""
    nn, F = lib.nn, lib.nn.functional

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, before: int, width: int, stride: int) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.stride, self.grown = stride, width - before
            self.shortcut = None
            if projected and (stride != 1 or before != width):
                self.shortcut = nn.Sequential(nn.Conv2d(before, width, 1, stride, bias=False), nn.BatchNorm2d(width))

        def forward(self, x: Any) -> Any:
            y = F.relu(self.bn1(self.conv1(x)))
            y = self.bn2(self.conv2(y))
            if self.shortcut is not None:
                x = self.shortcut(x)
            elif self.grown:
                x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.grown // 2, self.grown // 2))
            return F.relu(y + x)

    layers: list[Any] = [nn.Conv2d(3, widths[0], 3, 1, 1, bias=False), nn.BatchNorm2d(widths[0]), nn.ReLU()]
    before = widths[0]
    for stage, width in enumerate(widths):
        for i in range(blocks):
            layers.append(Block(before, width, 2 if stage and not i else 1))
            before = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 10))


def resnet20(lib: Any) -> Any:
    """ResNet-20 for 32×32: 16, 32, 64 channels, three blocks a stage."""
    return _residual(lib, [16, 32, 64], 3, False)


def resnet18(lib: Any) -> Any:
    """ResNet-18 with a 3×3 stem for 32×32: 64, 128, 256, 512 channels, two blocks a stage."""
    return _residual(lib, [64, 128, 256, 512], 2, True)


def densenet(lib: Any) -> Any:
    """A small DenseNet (Huang et al., 2017): growth 12, three dense blocks of six layers, on 32×32."""
    nn, F = lib.nn, lib.nn.functional

    class Layer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, before: int) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(before)
            self.conv = nn.Conv2d(before, 12, 3, padding=1, bias=False)

        def forward(self, x: Any) -> Any:
            return lib.cat([x, self.conv(F.relu(self.norm(x)))], 1)

    channels = 24
    layers: list[Any] = [nn.Conv2d(3, channels, 3, padding=1, bias=False)]
    for stage in range(3):
        for _ in range(6):
            layers.append(Layer(channels))
            channels += 12
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        if stage < 2:
            layers += [nn.Conv2d(channels, channels // 2, 1, bias=False), nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10))


def autoencoder(lib: Any) -> Any:
    """A convolutional autoencoder on 28×28: strided convolutions down, transposed ones up."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 7),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 7),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 3, stride=2, padding=1, output_padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 3, stride=2, padding=1, output_padding=1),
        nn.Sigmoid(),
    )


def textcnn(lib: Any) -> Any:
    """Kim (2014): an embedding, convolutions of widths 3, 4 and 5 over the words, the largest of each over time."""
    nn, F = lib.nn, lib.nn.functional

    class TextCNN(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(20_000, 128)
            self.convs = nn.ModuleList([nn.Conv1d(128, 100, k) for k in (3, 4, 5)])
            self.drop = nn.Dropout(0.5)
            self.linear = nn.Linear(300, 2)

        def forward(self, words: Any) -> Any:
            x = self.embedding(words).transpose(1, 2)  # (N, 128, words)
            parts = [F.relu(conv(x)).amax(2) for conv in self.convs]
            return self.linear(self.drop(lib.cat(parts, 1)))

    return TextCNN()


def alexnet(lib: Any) -> Any:
    """AlexNet in torchvision's form (Krizhevsky, 2014), on 224×224."""
    nn = lib.nn
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, stride=4, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(384, 256, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(3, 2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(256 * 36, 4096),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(4096, 4096),
        nn.ReLU(),
        nn.Linear(4096, 1000),
    )


class Network(NamedTuple):
    """A network of the benchmark.

    Attributes:
        build: makes it, for a library.
        batch: the size of a batch in training.
        shape: of one input.
        classes: how many; 0 where the target is the input (mean squared error).
        words: the inputs are numbers of words below this; 0 for images.
        goal: the ratio to PyTorch that is aimed at.
    """

    build: Callable[[Any], Any]
    batch: int
    shape: tuple[int, ...]
    classes: int = 10
    words: int = 0
    goal: float = 1.0


NETWORKS: dict[str, Network] = {
    "base": Network(base, 64, (1, 28, 28)),
    "base_batch_norm": Network(base_batch_norm, 64, (1, 28, 28)),
    "base_dropout": Network(base_dropout, 64, (1, 28, 28)),
    "lenet5": Network(lenet5, 64, (1, 28, 28), goal=1.2),
    "sigmoid2": Network(sigmoid2, 256, (1, 28, 28), goal=1.2),
    "conv9": Network(conv9, 64, (3, 32, 32), goal=1.5),
    "conv9_batch_norm": Network(conv9_batch_norm, 64, (3, 32, 32), goal=1.5),
    "conv12": Network(conv12, 64, (3, 32, 32), goal=1.5),
    "vgg16": Network(vgg16, 64, (3, 32, 32), goal=1.5),
    "resnet20": Network(resnet20, 128, (3, 32, 32)),
    "resnet18": Network(resnet18, 32, (3, 32, 32)),
    "densenet": Network(densenet, 64, (3, 32, 32)),
    "autoencoder": Network(autoencoder, 128, (1, 28, 28), classes=0, goal=1.2),
    "textcnn": Network(textcnn, 50, (56,), classes=2, words=20_000),
    "alexnet": Network(alexnet, 8, (3, 224, 224), classes=1000),
}
