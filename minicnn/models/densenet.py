"""DenseNet: every layer of a block reads the outputs of all layers before it.

Huang, Liu, van der Maaten, Weinberger: Densely Connected Convolutional Networks, CVPR 2017 (arXiv 1608.06993), table 1:
the networks with bottlenecks and compression (BC) for ImageNet. Names in ``state_dict`` are torchvision's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from minicnn import nn
from minicnn.models.weights import no_weights
from minicnn.nn import functional as F
from minicnn.ops import cat

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["DenseNet", "densenet121", "densenet161", "densenet169", "densenet201"]


class DenseLayer(nn.Module):
    """Batch norm, ReLU and a 1×1 convolution, then again with a 3×3 one: growth_rate new channels.

    Shapes: x (N, C, H, W) gives (N, growth_rate, H, W).

    Args:
        num_input_features: C.
        growth_rate: channels that it adds.
        bn_size: the 1×1 convolution has bn_size · growth_rate outputs.
        drop_rate: the probability to drop an output; 0 for none.
    """

    def __init__(self, num_input_features: int, growth_rate: int, bn_size: int, drop_rate: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(num_input_features)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv1 = nn.Conv2d(num_input_features, bn_size * growth_rate, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(bn_size * growth_rate)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(bn_size * growth_rate, growth_rate, 3, padding=1, bias=False)
        self.drop_rate = drop_rate

    def forward(self, x: Tensor) -> Tensor:
        """Return the new channels (N, growth_rate, H, W)."""
        x = self.conv1(self.relu1(self.norm1(x)))
        x = self.conv2(self.relu2(self.norm2(x)))
        return F.dropout(x, self.drop_rate, self.training) if self.drop_rate else x


class DenseBlock(nn.ModuleDict):
    """Dense layers, each given the block's input and the outputs of all before it, side by side.

    Shapes: x (N, C, H, W) gives (N, C + num_layers · growth_rate, H, W).
    """

    def __init__(
        self, num_layers: int, num_input_features: int, bn_size: int, growth_rate: int, drop_rate: float
    ) -> None:
        super().__init__()
        for i in range(num_layers):
            layer = DenseLayer(num_input_features + i * growth_rate, growth_rate, bn_size, drop_rate)
            self.add_module(f"denselayer{i + 1}", layer)

    def forward(self, x: Tensor) -> Tensor:
        """Return the input and all new channels."""
        for layer in self.values():
            x = cat([x, layer(x)], 1)
        return x


class Transition(nn.Sequential):
    """Between blocks: fewer channels by a 1×1 convolution, and half the height and width.

    Shapes: x (N, num_input_features, H, W) gives (N, num_output_features, H/2, W/2).
    """

    def __init__(self, num_input_features: int, num_output_features: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(num_input_features)
        self.relu = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(num_input_features, num_output_features, 1, bias=False)
        self.pool = nn.AvgPool2d(2, stride=2)


class DenseNet(nn.Module):
    """DenseNet-BC: a 7×7 convolution, dense blocks with transitions that halve, and one linear layer.

    Shapes: x (N, 3, H, W), usually 224×224, gives logits (N, K), with K = num_classes.

    Args:
        growth_rate: channels that every layer adds (32; k in the paper).
        block_config: the layers of each block.
        num_init_features: channels of the first convolution (64).
        bn_size: the bottleneck of a layer has bn_size · growth_rate channels (4).
        drop_rate: the probability to drop an output of a layer (0).
        num_classes: how many classes there are (1000).
        memory_efficient: accepted for torchvision's sake, without effect.

    >>> import minicnn
    >>> DenseNet(4, (2, 2), num_init_features=8, num_classes=3)(minicnn.zeros(1, 3, 32, 32)).shape
    (1, 3)
    """

    def __init__(
        self,
        growth_rate: int = 32,
        block_config: Sequence[int] = (6, 12, 24, 16),
        num_init_features: int = 64,
        bn_size: int = 4,
        drop_rate: float = 0,
        num_classes: int = 1000,
        memory_efficient: bool = False,
    ) -> None:
        super().__init__()
        features = num_init_features
        self.features = nn.Sequential()
        self.features.add_module(
            "conv0", nn.Conv2d(3, features, 7, stride=2, padding=3, bias=False)
        )  # (N, F, H/2, W/2)
        self.features.add_module("norm0", nn.BatchNorm2d(features))
        self.features.add_module("relu0", nn.ReLU(inplace=True))
        self.features.add_module("pool0", nn.MaxPool2d(3, stride=2, padding=1))  # (N, F, H/4, W/4)
        for i, depth in enumerate(block_config, 1):
            self.features.add_module(f"denseblock{i}", DenseBlock(depth, features, bn_size, growth_rate, drop_rate))
            features += depth * growth_rate
            if i < len(block_config):
                self.features.add_module(f"transition{i}", Transition(features, features // 2))
                features //= 2
        self.features.add_module("norm5", nn.BatchNorm2d(features))
        self.classifier = nn.Linear(features, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, K) of pictures (N, 3, H, W)."""
        maps = F.relu(self.features(x))
        logits: Tensor = self.classifier(F.adaptive_avg_pool2d(maps, (1, 1)).flatten(1))
        return logits


def densenet121(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet-121: blocks of 6, 12, 24 and 16 layers; 7,978,856 parameters.

    Args:
        pretrained: must be False: no weights come with minicnn.
        weights: must be None, likewise.
        progress: accepted for torchvision's sake.
        **kwargs: of `DenseNet`, such as num_classes.

    Raises:
        ParameterError: trained weights are asked for.

    >>> densenet121(num_classes=10).classifier
    Linear(in_features=1024, out_features=10, bias=True)
    """
    no_weights("densenet121", pretrained, weights)
    return DenseNet(32, (6, 12, 24, 16), 64, **kwargs)


def densenet161(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet-161: growth rate 48; 28,681,000 parameters. Arguments and errors are `densenet121`'s."""
    no_weights("densenet161", pretrained, weights)
    return DenseNet(48, (6, 12, 36, 24), 96, **kwargs)


def densenet169(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet-169; 14,149,480 parameters. Arguments and errors are `densenet121`'s."""
    no_weights("densenet169", pretrained, weights)
    return DenseNet(32, (6, 12, 32, 32), 64, **kwargs)


def densenet201(pretrained: bool = False, *, weights: object = None, progress: bool = True, **kwargs: Any) -> DenseNet:
    """DenseNet-201; 20,013,928 parameters. Arguments and errors are `densenet121`'s."""
    no_weights("densenet201", pretrained, weights)
    return DenseNet(32, (6, 12, 48, 32), 64, **kwargs)
