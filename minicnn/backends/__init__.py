"""PyTorch's switches of the libraries that it computes with: accepted, so that programs which set them run.

minicnn chooses its algorithms itself; see `minicnn.backend` for its own switch between array libraries.
"""

from minicnn.backends import cuda, cudnn, mkldnn, mps

__all__ = ["cuda", "cudnn", "mkldnn", "mps"]
