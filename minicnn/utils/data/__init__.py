"""PyTorch's name for `minicnn.data`: this module *is* that one, and so are the rooms within it."""

import sys

from minicnn import data
from minicnn.data import collate, dataset, loader

_NAMES = {"": data, ".dataset": dataset, ".dataloader": loader, ".loader": loader, ".collate": collate}
for _ending, _module in _NAMES.items():
    sys.modules[__name__ + _ending] = _module
