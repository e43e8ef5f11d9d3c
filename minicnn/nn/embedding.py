"""Tables of vectors: Embedding, EmbeddingBag."""

from __future__ import annotations

from typing import Any, Self

from minicnn.errors import ParameterError, ShapeError, message
from minicnn.nn import functional as F
from minicnn.nn import init
from minicnn.nn.module import Module
from minicnn.nn.parameter import Parameter
from minicnn.tensor import Tensor
from minicnn.tensor.creation import empty


class _Table(Module):
    """What both share: the table, and how its rows are held in length."""

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None,
        max_norm: float | None,
        norm_type: float,
        scale_grad_by_freq: bool,
        sparse: bool,
        weight: Tensor | None,
        frozen: bool,
        place: dict[str, Any],
    ) -> None:
        super().__init__()
        where, rows = type(self).__name__, num_embeddings
        if padding_idx is not None and not -rows <= padding_idx < rows:
            raise ParameterError(
                message(
                    where,
                    f"padding_idx expects a row from {-rows} to {rows - 1}, got {padding_idx}.",
                    f"num_embeddings {rows}",
                    "name a row of the table.",
                )
            )
        if sparse:
            raise ParameterError(
                message(where, "sparse gradients are not offered: they are dense.", "sparse=True", "leave sparse away.")
            )
        if weight is not None and tuple(weight.shape) != (num_embeddings, embedding_dim):
            raise ShapeError(
                message(
                    where,
                    f"_weight expects shape {(num_embeddings, embedding_dim)}, got {tuple(weight.shape)}.",
                    "(num_embeddings, embedding_dim)",
                    "use from_pretrained(weight), which takes the sizes from it.",
                )
            )
        self.num_embeddings = num_embeddings
        self.embedding_dim = embedding_dim
        self.padding_idx = None if padding_idx is None else padding_idx % rows
        self.max_norm = max_norm
        self.norm_type = norm_type
        self.scale_grad_by_freq = scale_grad_by_freq
        self.sparse = sparse
        self.weight = Parameter(empty(num_embeddings, embedding_dim, **place) if weight is None else weight, not frozen)
        if weight is None:
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the table anew, normal with variance 1."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx] = 0.0

    def extra_repr(self) -> str:
        shown = f"{self.num_embeddings}, {self.embedding_dim}"
        for name in self._shown:
            value = getattr(self, name)
            if value is not None and value is not False and (name, value) != ("norm_type", 2.0):
                shown += f", {name}={value!r}"
        return shown

    _shown: tuple[str, ...] = ("padding_idx", "max_norm", "norm_type", "scale_grad_by_freq")


class Embedding(_Table):
    """A table of vectors: y[*] = w[x[*]].

    Shapes: input (*) of integers; weight (V, D); output (*, D).

    Args:
        num_embeddings, embedding_dim: V and D.
        padding_idx: a row that starts at 0 and gets no gradient.
        max_norm: how long a row may be: longer ones that are read are scaled in the table itself.
        norm_type: which norm that is: 2 for the length.
        scale_grad_by_freq: divide each row's gradient by how often it is read in a call.
        sparse: not offered; gradients are dense.
        _weight: the table to start from.
        _freeze: whether the table is left out of training.
        device, dtype: of the parameter; the defaults if None.
    Raises:
        ParameterError: padding_idx is no row, or sparse gradients are asked for.
        IndexRangeError: on calling it, a row that the table does not have.

    >>> import minicnn
    >>> Embedding(10, 3)(minicnn.tensor([[1, 2]])).shape
    (1, 2, 3)
    """

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        _weight: Tensor | None = None,
        _freeze: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        rules = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        super().__init__(num_embeddings, embedding_dim, *rules, _weight, _freeze, {"device": device, "dtype": dtype})

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        padding_idx: int | None = None,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
    ) -> Self:
        """Return a layer on a given table (V, D), which is left out of training unless freeze is False.

        Raises:
            ShapeError: the table has not two dims.

        >>> import minicnn
        >>> Embedding.from_pretrained(minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]))(minicnn.tensor([1]))
        tensor([[3., 4.]])
        """
        rows, size = _sizes(cls.__name__, embeddings)
        return cls(
            rows, size, padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse, _weight=embeddings, _freeze=freeze
        )

    def forward(self, input: Tensor) -> Tensor:
        """Return the rows."""
        limits = (self.max_norm, self.norm_type, self.scale_grad_by_freq)
        return F.embedding(input, self.weight, self.padding_idx, *limits)


class EmbeddingBag(_Table):
    """The sum, mean or maximum of the rows in each bag; see `functional.embedding_bag`.

    Shapes: input (B, L), a bag a row, or (T,) with offsets (B,); weight (V, D); output (B, D).

    Args:
        num_embeddings, embedding_dim: V and D.
        max_norm, norm_type, scale_grad_by_freq, sparse, _weight: as for `Embedding`.
        mode: "sum", "mean" or "max".
        include_last_offset: whether offsets ends in T, which starts no bag.
        padding_idx: a row that starts at 0 and is left out of its bag.
        device, dtype: of the parameter; the defaults if None.

    >>> import minicnn
    >>> EmbeddingBag(10, 3)(minicnn.tensor([1, 2, 4]), minicnn.tensor([0, 2])).shape
    (2, 3)
    """

    _shown = ("max_norm", "norm_type", "scale_grad_by_freq", "mode", "padding_idx")

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        _weight: Tensor | None = None,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        rules = (padding_idx, max_norm, norm_type, scale_grad_by_freq, sparse)
        super().__init__(num_embeddings, embedding_dim, *rules, _weight, False, {"device": device, "dtype": dtype})
        self.mode = mode
        self.include_last_offset = include_last_offset

    @classmethod
    def from_pretrained(
        cls,
        embeddings: Tensor,
        freeze: bool = True,
        max_norm: float | None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        mode: str = "mean",
        sparse: bool = False,
        include_last_offset: bool = False,
        padding_idx: int | None = None,
    ) -> Self:
        """Return a layer on a given table (V, D), which is left out of training unless freeze is False.

        Raises:
            ShapeError: the table has not two dims.
        """
        rows, size = _sizes(cls.__name__, embeddings)
        layer = cls(
            rows,
            size,
            max_norm,
            norm_type,
            scale_grad_by_freq,
            mode,
            sparse,
            embeddings,
            include_last_offset,
            padding_idx,
        )
        layer.weight.requires_grad_(not freeze)
        return layer

    def forward(self, input: Tensor, offsets: Tensor | None = None, per_sample_weights: Tensor | None = None) -> Tensor:
        """Return a vector for each bag."""
        return F.embedding_bag(
            input,
            self.weight,
            offsets,
            self.max_norm,
            self.norm_type,
            self.scale_grad_by_freq,
            self.mode,
            self.sparse,
            per_sample_weights,
            self.include_last_offset,
            self.padding_idx,
        )


def _sizes(where: str, table: Tensor) -> tuple[int, int]:
    if table.ndim != 2:
        shape = tuple(table.shape)
        raise ShapeError(
            message(where, f"embeddings expects 2 dims (V, D), got {len(shape)}.", f"{shape}", "a row for each word.")
        )
    return table.shape[0], table.shape[1]
