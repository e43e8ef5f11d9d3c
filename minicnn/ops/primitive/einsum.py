"""Einstein's sums, parsed here and computed as matrix products."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from minicnn.autograd.op import composition
from minicnn.autograd.sample import ErrorSample, Rng, Sample
from minicnn.errors import ParameterError, ShapeError, message
from minicnn.ops.checks import need_tensors
from minicnn.ops.primitive.matmul import matmul
from minicnn.ops.primitive.reduce import sum
from minicnn.ops.primitive.shape import expand, permute, reshape
from minicnn.ops.primitive.triangle import diagonal

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

Labels = tuple[str, ...]
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"  # what the numbers of dims stand for


def _samples(rng: Rng) -> Iterator[Sample]:
    def draw(*shape: int) -> Any:
        return rng.normal(size=shape)

    yield Sample("ij,jk->ik", draw(2, 3), draw(3, 4))
    yield Sample("ij,jk", draw(2, 3), draw(3, 4))
    yield Sample("bij,bjk->bik", draw(2, 2, 3), draw(2, 3, 4))
    yield Sample("i,j->ij", draw(2), draw(3))
    yield Sample("i,i", draw(3), draw(3))
    yield Sample("ii", draw(3, 3))
    yield Sample("ii->i", draw(3, 3))
    yield Sample("iij->ji", draw(3, 3, 2))
    yield Sample("ba", draw(2, 3))
    yield Sample("...ij->...ji", draw(2, 2, 3))
    yield Sample("...ij,...jk", draw(2, 2, 3), draw(3, 4))
    yield Sample("b...d,ed->b...e", draw(2, 1, 3, 2), draw(4, 2))
    yield Sample("bhqd, bhkd -> bhqk", draw(1, 2, 3, 2), draw(1, 2, 4, 2))
    yield Sample("ij->", draw(2, 3))
    yield Sample("...->", draw(2, 3))
    yield Sample("bn,anm,bm->ba", draw(2, 3), draw(2, 3, 4), draw(2, 4))
    yield Sample("ij,kl->il", draw(2, 3), draw(3, 2))
    yield Sample("ij,ij->ij", draw(2, 1), draw(2, 3))
    yield Sample("ij,jk->ik", draw(0, 3), draw(3, 2))
    yield Sample("i,->i", draw(3), draw())
    yield Sample("ij,jk->ik", [draw(2, 3), draw(3, 2)])
    yield Sample(draw(2, 3), [0, 1], draw(3, 4), [1, 2], [0, 2])
    yield Sample(draw(2, 3), [5, 1], draw(3), [1])
    yield Sample(draw(2, 2, 3), [Ellipsis, 0, 1], [Ellipsis, 1, 0])
    yield Sample(draw(3, 3), [0, 0])


def _errors() -> Iterator[ErrorSample]:
    yield ErrorSample(ParameterError, ("2 terms", "1 operand"), "ij,jk->ik", np.ones((2, 3)))
    yield ErrorSample(ShapeError, ("'ijk'", "(2, 3)"), "ijk->i", np.ones((2, 3)))
    yield ErrorSample(ShapeError, ("'j'", "3", "4"), "ij,jk->ik", np.ones((2, 3)), np.ones((4, 2)))
    yield ErrorSample(ParameterError, ("output", "'z'"), "ij->iz", np.ones((2, 3)))
    yield ErrorSample(ParameterError, ("output", "once"), "ij->ii", np.ones((2, 3)))
    yield ErrorSample(ParameterError, ("letters", "'i1'"), "i1->i", np.ones((2, 3)))
    yield ErrorSample(ShapeError, ("'ii'", "(2, 3)"), "ii->i", np.ones((2, 3)))
    yield ErrorSample(ParameterError, ("from 0 to 51", "52"), np.ones(2), [52])


def _fault(problem: str, equation: str, fix: str) -> ParameterError:
    return ParameterError(message("einsum", problem, f"equation {equation!r}", fix))


def _term(term: str, equation: str, ellipsis_dims: int) -> Labels:
    """Return a term's labels; the dims that ... stands for are numbered from the right."""
    before, dots, after = term.partition("...")
    if not all(c.isalpha() and c.isascii() for c in before + after):
        raise _fault(
            f"terms expect letters and one '...', got {term!r}.", equation, "write letters only, such as 'ij,jk->ik'."
        )
    middle = tuple(f".{i}" for i in range(ellipsis_dims, 0, -1)) if dots else ()
    return (*before, *middle, *after)


def _parse(equation: str, operands: Sequence[Tensor]) -> tuple[list[Labels], Labels]:
    """Return the labels of each operand's dims, and those of the output."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise _fault(
            f"{len(terms)} terms for {len(operands)} operand(s).",
            equation,
            "write one term per operand, separated by commas.",
        )
    inputs = []
    for term, x in zip(terms, operands, strict=True):
        letters = len(term.replace("...", ""))
        if letters > x.ndim or ("..." not in term and letters != x.ndim):
            raise ShapeError(
                message(
                    "einsum",
                    f"the term {term!r} does not fit the shape {tuple(x.shape)}.",
                    f"equation {equation!r}",
                    "write one letter per dim, and ... for any number of others.",
                )
            )
        inputs.append(_term(term, equation, x.ndim - letters))
    every = [label for labels in inputs for label in labels]
    dots = max((int(label[1:]) for label in every if label[0] == "."), default=0)
    if not arrow:  # those that occur once, in order; the dims of ... come first
        once = sorted(label for label in set(every) if every.count(label) == 1 and label[0] != ".")
        return inputs, (*_term("...", equation, dots), *once)
    output = _term(right, equation, dots)
    for label in output:
        if label not in every:
            raise _fault(f"the output names {label!r}, which no operand has.", equation, "take it out.")
        if output.count(label) > 1:
            raise _fault(f"the output names {label!r} more than once.", equation, "name each once.")
    return inputs, output


def _distinct(x: Tensor, labels: Labels, equation: str) -> tuple[Tensor, Labels]:
    """Return the operand with the diagonals of its repeated labels taken."""
    for label in dict.fromkeys(labels):
        while labels.count(label) > 1:
            first = labels.index(label)
            second = labels.index(label, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(
                    message(
                        "einsum",
                        f"{label + label!r} takes a diagonal of dims of unequal sizes: {tuple(x.shape)}.",
                        f"equation {equation!r}",
                        "use two letters, or a square tensor.",
                    )
                )
            x = diagonal(x, 0, first, second)
            labels = (*(a for i, a in enumerate(labels) if i not in (first, second)), label)
    return x, labels


def _drop(x: Tensor, labels: Labels, kept: set[str]) -> tuple[Tensor, Labels]:
    """Sum over the labels that nobody needs any more."""
    gone = tuple(i for i, label in enumerate(labels) if label not in kept)
    return (sum(x, gone), tuple(a for a in labels if a in kept)) if gone else (x, labels)


def _order(x: Tensor, labels: Labels, wanted: Sequence[str]) -> Tensor:
    return permute(x, tuple(labels.index(a) for a in wanted)) if wanted else x


def _pair(x: Tensor, a: Labels, y: Tensor, b: Labels, later: set[str], sizes: dict[str, int]) -> tuple[Tensor, Labels]:
    """Multiply two operands, and sum over what they share and nobody needs later: one batched matrix product."""
    x, a = _drop(x, a, later | set(b))
    y, b = _drop(y, b, later | set(a))
    shared = [label for label in a if label in b]
    batch = [label for label in shared if label in later]
    summed = [label for label in shared if label not in later]
    rows, columns = [label for label in a if label not in shared], [label for label in b if label not in shared]
    x = expand(x, tuple(sizes[label] if label in shared else s for label, s in zip(a, x.shape, strict=True)))
    y = expand(y, tuple(sizes[label] if label in shared else s for label, s in zip(b, y.shape, strict=True)))
    x, y = _order(x, a, [*batch, *rows, *summed]), _order(y, b, [*batch, *summed, *columns])
    batch_shape = tuple(x.shape[: len(batch)])
    row_shape = tuple(x.shape[len(batch) : len(batch) + len(rows)])
    column_shape = tuple(y.shape[len(batch) + len(summed) :])
    n, m, k = math.prod(row_shape), math.prod(column_shape), math.prod(sizes[label] for label in summed)
    count = (math.prod(batch_shape),) if batch else ()
    left, right = reshape(x, (*count, n, k)), reshape(y, (*count, k, m))
    product = matmul(left, right) if summed else left * right
    return reshape(product, batch_shape + row_shape + column_shape), (*batch, *rows, *columns)


def _lettered(given: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """Return the equation and the operands of x, [0, 1], y, [1, 2], [0, 2], where numbers stand for letters."""
    terms = []
    for numbers in given[1::2] + given[-1:] if len(given) % 2 else given[1::2]:
        for number in numbers:
            if number is not Ellipsis and not (isinstance(number, int) and 0 <= number < 52):
                raise _fault(f"dims are numbered from 0 to 51, got {number!r}.", str(numbers), "use smaller numbers.")
        terms.append("".join("..." if n is Ellipsis else LETTERS[n] for n in numbers))
    output = "->" + terms.pop() if len(given) % 2 else ""
    return ",".join(terms) + output, tuple(given[: len(given) // 2 * 2 : 2])


@composition(_samples, _errors)
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products, by Einstein's convention: ``"ij,jk->ik"`` is yᵢₖ = Σⱼ aᵢⱼ bⱼₖ.

    Args:
        equation: a term of letters for each operand, one a dim; ``...`` for any number of dims, which broadcast;
            behind ``->`` the dims of the output. Letters that are not in the output are summed over; one that a term
            repeats takes the diagonal. Without ``->``, the output has the dims of ``...``, then the letters that
            occur once, in alphabetical order.
            Or no equation: each operand is followed by a list of its dims' numbers, and the output's comes last.
        operands: tensors, or one list of them. They are multiplied from left to right.
    Raises:
        ParameterError: the equation cannot be read, or has not one term an operand.
        ShapeError: a term does not fit its operand, or a letter stands for two sizes.

    >>> import minicnn
    >>> einsum("ij->j", minicnn.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([4., 6.])
    """
    if not isinstance(equation, str):
        equation, operands = _lettered((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    need_tensors("einsum", **{f"operands[{i}]": x for i, x in enumerate(operands)})
    inputs, output = _parse(equation, operands)
    pairs = [_distinct(x, labels, equation) for x, labels in zip(operands, inputs, strict=True)]
    sizes: dict[str, int] = {}
    for x, labels in pairs:
        for label, size in zip(labels, x.shape, strict=True):
            known = sizes.setdefault(label, size)
            if known == 1:
                sizes[label] = size
            elif size not in (1, known):
                raise ShapeError(
                    message(
                        "einsum",
                        f"the label {label!r} stands for sizes {known} and {size}.",
                        f"equation {equation!r}; shapes {', '.join(str(tuple(o.shape)) for o in operands)}",
                        "equal letters need equal sizes, or 1.",
                    )
                )
    x, labels = pairs[0]
    for i, (y, more) in enumerate(pairs[1:], 2):
        later = {*output, *(label for _, rest in pairs[i:] for label in rest)}
        x, labels = _pair(x, labels, y, more, later, sizes)
    x, labels = _drop(x, labels, set(output))
    return _order(x, labels, output)
