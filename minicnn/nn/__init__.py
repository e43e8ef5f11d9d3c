"""Layers, containers, losses and initial weights, under PyTorch's names."""

from minicnn.nn import functional, init
from minicnn.nn.activation import LogSoftmax, ReLU, Sigmoid, Softmax, Tanh
from minicnn.nn.container import ModuleDict, ModuleList, Sequential
from minicnn.nn.conv import Conv2d
from minicnn.nn.dropout import Dropout
from minicnn.nn.linear import Flatten, Identity, Linear, Unflatten
from minicnn.nn.loss import CrossEntropyLoss, MSELoss
from minicnn.nn.module import Module
from minicnn.nn.norm import BatchNorm1d, BatchNorm2d, LayerNorm
from minicnn.nn.parameter import Parameter
from minicnn.nn.parameter_container import ParameterDict, ParameterList
from minicnn.nn.pooling import AvgPool2d, MaxPool2d

__all__ = [
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "Identity",
    "LayerNorm",
    "Linear",
    "LogSoftmax",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "Parameter",
    "ParameterDict",
    "ParameterList",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Unflatten",
    "functional",
    "init",
]
