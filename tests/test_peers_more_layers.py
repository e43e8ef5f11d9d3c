"""The layers added after the first against PyTorch's, from the same weights."""

import pytest
from test_peers_nn import test_layer as check_layer

pytest.importorskip("torch")
pytestmark = [pytest.mark.peers, pytest.mark.filterwarnings("ignore::UserWarning")]

ACTIVATIONS = [
    ("LeakyReLU", (0.2,), {}, (2, 3)),
    ("PReLU", (), {}, (2, 3)),
    ("PReLU", (3, 0.1), {}, (2, 3, 4)),
    ("ELU", (0.5,), {}, (2, 3)),
    ("CELU", (0.5,), {}, (2, 3)),
    ("SELU", (), {}, (2, 3)),
    ("Hardtanh", (-0.5, 2.0), {}, (2, 3)),
    ("ReLU6", (), {}, (2, 3)),
    ("Hardsigmoid", (), {}, (2, 3)),
    ("Hardswish", (), {}, (2, 3)),
    ("Threshold", (0.1, 2.0), {}, (2, 3)),
    ("Softshrink", (0.3,), {}, (2, 3)),
    ("Hardshrink", (0.3,), {}, (2, 3)),
    ("GELU", (), {}, (2, 3)),
    ("GELU", ("tanh",), {}, (2, 3)),
    ("SiLU", (), {}, (2, 3)),
    ("Mish", (), {}, (2, 3)),
    ("Softplus", (2.0, 1.0), {}, (2, 3)),
    ("Softsign", (), {}, (2, 3)),
    ("LogSigmoid", (), {}, (2, 3)),
    ("Tanhshrink", (), {}, (2, 3)),
    ("GLU", (1,), {}, (2, 4, 3)),
    ("Softmin", (1,), {}, (2, 4)),
    ("Softmax2d", (), {}, (2, 4, 2, 2)),
]
CONVOLUTIONS = [
    ("Conv1d", (3, 4, 3), {"padding": 1, "stride": 2}, (2, 3, 7)),
    ("Conv1d", (2, 4, 3), {"padding": "same", "padding_mode": "circular", "groups": 2}, (2, 2, 7)),
    ("Conv3d", (3, 4, (1, 2, 3)), {"padding": 1, "padding_mode": "replicate"}, (2, 3, 4, 4, 4)),
    ("ConvTranspose1d", (3, 4, 3, 2), {"padding": 1, "output_padding": 1}, (2, 3, 5)),
    ("ConvTranspose2d", (4, 6, (3, 2)), {"stride": 2, "groups": 2, "dilation": 2, "bias": False}, (2, 4, 4, 3)),
    ("ConvTranspose2d", (3, 4, 4, 2, 1), {}, (3, 4, 4)),
    ("ConvTranspose3d", (2, 3, 2), {}, (2, 2, 3, 3, 3)),
    ("Unfold", (2,), {"padding": 1, "stride": 2}, (2, 3, 5, 4)),
    ("Fold", ((5, 4), 2), {"padding": 1, "stride": 2}, (2, 12, 9)),
]
POOLING = [
    ("MaxPool1d", (3, 2, 1), {}, (2, 3, 7)),
    ("MaxPool3d", (2,), {"ceil_mode": True}, (2, 3, 5, 4, 4)),
    ("AvgPool1d", (3,), {"stride": 2, "padding": 1}, (2, 3, 7)),
    ("AvgPool3d", (2,), {}, (2, 3, 5, 4, 4)),
    ("AdaptiveAvgPool1d", (3,), {}, (2, 3, 7)),
    ("AdaptiveAvgPool2d", (1,), {}, (2, 3, 7, 5)),
    ("AdaptiveAvgPool2d", ((3, None),), {}, (3, 7, 5)),
    ("AdaptiveAvgPool3d", (2,), {}, (2, 3, 5, 4, 4)),
    ("AdaptiveMaxPool1d", (3,), {}, (2, 3, 7)),
    ("AdaptiveMaxPool2d", ((3, 8),), {}, (2, 3, 7, 5)),
]
OTHERS = [
    ("BatchNorm3d", (3,), {}, (4, 3, 2, 2, 2)),
    ("InstanceNorm1d", (3,), {"affine": True}, (2, 3, 5)),
    ("InstanceNorm2d", (3,), {"affine": True, "track_running_stats": True}, (2, 3, 4, 5)),
    ("InstanceNorm2d", (3,), {}, (3, 4, 5)),
    ("InstanceNorm3d", (3,), {}, (2, 3, 2, 2, 2)),
    ("GroupNorm", (2, 4), {}, (2, 4, 3, 3)),
    ("RMSNorm", (4,), {"eps": 1e-5}, (2, 3, 4)),
    ("Dropout2d", (0.0,), {}, (2, 3, 2, 2)),
    ("ZeroPad2d", (1,), {}, (2, 3, 4, 4)),
    ("ConstantPad1d", (2, 1.5), {}, (2, 3, 4)),
    ("ConstantPad2d", ((1, 2, 0, 1), 1.5), {}, (2, 3, 4, 4)),
    ("ReflectionPad1d", (2,), {}, (2, 3, 4)),
    ("ReflectionPad2d", (1,), {}, (2, 3, 4, 4)),
    ("ReplicationPad2d", ((1, 2, 0, 1),), {}, (2, 3, 4, 4)),
    ("CircularPad2d", (1,), {}, (2, 3, 4, 4)),
    ("PixelShuffle", (2,), {}, (2, 8, 3, 2)),
    ("Upsample", (), {"scale_factor": 2}, (2, 3, 3, 4)),
    ("Upsample", (), {"scale_factor": 2, "mode": "bilinear", "align_corners": True}, (2, 3, 3, 4)),
]
LAYERS = [*ACTIVATIONS, *CONVOLUTIONS, *POOLING, *OTHERS]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-5), ("float64", 1e-9)])
@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_another_layer(name, args, kwargs, shape, dtype, tolerance):
    if name == "Hardsigmoid":
        tolerance = 1e-5  # PyTorch's gradient multiplies by 1/6 in float32
    check_layer(name, args, kwargs, shape, dtype, tolerance)
