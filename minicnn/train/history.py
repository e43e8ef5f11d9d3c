"""What a training run has measured, a row an epoch."""

from __future__ import annotations

import csv
import io
from typing import NamedTuple

from minicnn.errors import CheckpointError, message

__all__ = ["Epoch", "History"]


class Epoch(NamedTuple):
    """One row: accuracies are fractions from 0 to 1, ``lr`` is that of the epoch's last step."""

    epoch: int
    train_loss: float
    train_accuracy: float
    val_loss: float
    val_accuracy: float
    lr: float
    seconds: float


class History:
    """The rows of a training run, oldest first.

    Args:
        rows: to start with; none by default.

    Attributes:
        rows: a list of `Epoch`.

    >>> history = History([Epoch(1, 0.5, 0.9, 0.4, 0.95, 0.001, 2.0)])
    >>> history.column("val_accuracy")
    [0.95]
    >>> History.from_csv(history.to_csv()).rows == history.rows
    True
    """

    def __init__(self, rows: list[Epoch] | None = None) -> None:
        self.rows = [] if rows is None else rows

    def __len__(self) -> int:
        return len(self.rows)

    def column(self, name: str) -> list[float]:
        """Return one measure by epoch; ``name`` is a field of `Epoch`."""
        return [getattr(row, name) for row in self.rows]

    def to_csv(self) -> str:
        """Return the rows as CSV text, a header first; numbers lose no digit."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(Epoch._fields)
        writer.writerows(self.rows)
        return text.getvalue()

    @classmethod
    def from_csv(cls, text: str) -> History:
        """Return the history that `to_csv` wrote.

        Raises:
            CheckpointError: the text is not such a table.
        """
        lines = list(csv.reader(io.StringIO(text)))
        try:
            if not lines or tuple(lines[0]) != Epoch._fields:
                raise ValueError(f"header {lines[:1]}")
            return cls([Epoch(int(number), *map(float, rest)) for number, *rest in lines[1:]])
        except (TypeError, ValueError) as error:
            fix = f"pass a table with the columns {', '.join(Epoch._fields)}."
            raise CheckpointError(message("History", "this is no history of a run.", str(error), fix)) from None
