"""What programs ask of a tensor: its bytes, its place in memory, and the kinds of tensor that minicnn does not have."""

from __future__ import annotations

from typing import Any, Self

from minicnn.autograd.graph import TapeTensor, wrap
from minicnn.backend import backend_of, device_in_use, gpu
from minicnn.errors import BackendError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.dims import normal_dim


def is_complex(input: Any) -> bool:
    """Whether a tensor's elements are complex: never, since complex numbers are not computed with.

    >>> import minicnn
    >>> is_complex(minicnn.ones(2))
    False
    """
    need_tensors("is_complex", input=input)
    return False


def is_nonzero(input: Any) -> bool:
    """Whether the one element of a tensor is not 0.

    Raises:
        GraphError: it has none, or several (a RuntimeError, as PyTorch's).

    >>> import minicnn
    >>> is_nonzero(minicnn.tensor([0.5]))
    True
    """
    need_tensors("is_nonzero", input=input)
    return bool(input)


class Facts(TapeTensor):
    """Questions with short answers."""

    is_sparse = is_quantized = is_meta = is_mps = False

    @property
    def is_cpu(self) -> bool:
        """Whether it lives on the CPU."""
        return backend_of(self._array).device_type == "cpu"

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return int(self._array.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements."""
        return int(self._array.nbytes)

    def element_size(self) -> int:
        """Bytes of one element."""
        return self.itemsize

    def ndimension(self) -> int:
        """How many dims it has."""
        return int(self._array.ndim)

    def stride(self, dim: int | None = None) -> Any:
        """How many elements lie between neighbours along each dim, or along one.

        A convolution's output lies in memory in another order than PyTorch's, so it has other strides.

        >>> import minicnn
        >>> minicnn.zeros(2, 3).stride()
        (3, 1)
        """
        steps = tuple(s // self._array.dtype.itemsize for s in self._array.strides)
        return steps if dim is None else steps[normal_dim("stride", dim, len(steps))]

    def data_ptr(self) -> int:
        """The address of its first element."""
        return backend_of(self._array).address(self._array)

    def get_device(self) -> int:
        """The number of its GPU; −1 on the CPU."""
        return -1 if backend_of(self._array).device_type != "cuda" else 0

    def is_complex(self) -> bool:
        """Whether its elements are complex: never."""
        return False

    def is_signed(self) -> bool:
        """Whether its elements may be below 0."""
        return self._array.dtype.kind in "if"

    def is_pinned(self) -> bool:
        """Whether it lies in page-locked memory, from which a GPU copies by itself."""
        backend = device_in_use()
        return backend is not None and backend.is_pinned(self._array)

    def is_shared(self) -> bool:
        """Whether processes share it: never."""
        return False

    def pin_memory(self) -> Self:
        """The tensor in page-locked memory: a copy, or itself where it lies there.

        Raises:
            BackendError: there is no GPU to lock it for; or it lives there.
        """
        backend = device_in_use()
        if backend is None:
            backend = gpu("pin_memory")  # which says what is missing
        place = backend_of(self._array).device_type
        if place != "cpu":
            problem, fix = "only the CPU's memory is page-locked.", "pin it before it is moved."
            raise BackendError(message("pin_memory", problem, f"the tensor lives on {place}", fix))
        return self if self.is_pinned() else wrap(backend.pinned(self._array))

    def reshape_as(self, other: Any) -> Any:
        """Under the other tensor's shape."""
        here: Any = self
        return here.reshape(other.shape)
