"""TextCNN: convolutions over the words of a sentence.

Kim: Convolutional Neural Networks for Sentence Classification, EMNLP 2014 (arXiv 1408.5882), section 2 and figure 1;
the variant CNN-rand, whose word vectors start at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from minicnn import nn
from minicnn.errors import ShapeError, message
from minicnn.ops import cat

if TYPE_CHECKING:
    from minicnn.tensor import Tensor

__all__ = ["TextCNN"]


class TextCNN(nn.Module):
    """Word vectors, convolutions over 3, 4 and 5 words, the maximum of each over the sentence, and one linear layer.

    Shapes: words (N, L) of integers, with L at least the widest kernel, gives logits (N, K), K = num_classes.

    Args:
        vocab_size: how many words there are.
        embed_dim: numbers a word (300).
        num_classes: how many classes there are (2).
        kernel_sizes: the words that a filter spans (3, 4, 5).
        num_filters: filters of each size (100).
        dropout: the probability to drop an input of the linear layer (0.5).
        padding_idx: the number that fills short sentences up; its vector is 0 and is not trained.

    Raises:
        ShapeError: (in forward) words has not two dimensions, or a sentence is shorter than the widest kernel.

    >>> import minicnn
    >>> TextCNN(vocab_size=50, embed_dim=8)(minicnn.ones(2, 12, dtype=minicnn.long)).shape
    (2, 2)
    """

    def __init__(
        self,
        vocab_size: int,
        embed_dim: int = 300,
        num_classes: int = 2,
        kernel_sizes: Sequence[int] = (3, 4, 5),
        num_filters: int = 100,
        dropout: float = 0.5,
        padding_idx: int | None = 0,
    ) -> None:
        super().__init__()
        self.kernel_sizes = tuple(kernel_sizes)
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=padding_idx)
        self.convs = nn.ModuleList([nn.Conv1d(embed_dim, num_filters, width) for width in self.kernel_sizes])
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(num_filters * len(self.kernel_sizes), num_classes)

    def forward(self, words: Tensor) -> Tensor:
        """Return the logits (N, K) of sentences (N, L)."""
        widest = max(self.kernel_sizes)
        if words.ndim != 2 or words.shape[1] < widest:
            raise ShapeError(
                message(
                    "TextCNN",
                    f"words expects (N, L), with L at least {widest}.",
                    f"got {tuple(words.shape)}",
                    f"pad short sentences to {widest} words or more.",
                )
            )
        vectors = self.embedding(words).transpose(1, 2)  # (N, D, L)
        strongest = [conv(vectors).relu().amax(dim=2) for conv in self.convs]  # (N, filters) each
        logits: Tensor = self.fc(self.dropout(cat(strongest, 1)))
        return logits
