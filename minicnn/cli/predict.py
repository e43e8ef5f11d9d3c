"""``minicnn predict``: what a trained network sees in a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from minicnn.cli.picture import DIGIT, GARMENT, read_picture
from minicnn.cli.text import backend_name, bars

SURE = 0.6  # the probability from which on an answer is given without a word of doubt


def run(options: Any) -> int:
    """Print the probability of every class for a picture; return the exit code."""
    from minicnn import no_grad, softmax
    from minicnn.train import Images, open_run
    from minicnn.train.run import surroundings
    from minicnn.train.settings import DATASETS, load_settings

    settings, _ = load_settings(Path(options.folder))
    picture = read_picture(options.image, GARMENT if settings.data == "fashion-mnist" else DIGIT)
    dataset = DATASETS[settings.data]
    with surroundings(settings, backend_name(options.backend), options.threads), no_grad():
        model, *_ = open_run(options.folder)
        x, _ = Images(picture.pixels[None], np.zeros(1, dtype=np.int64), dataset.mean, dataset.std).__getitems__([0])
        shares = softmax(model(x), dim=1).tolist()[0]
    print(f"{options.image}: {picture.note}\n")
    print(bars(shares, dataset.classes))
    if max(shares) < SURE:
        print(f"\nThe network is unsure: no class reaches {SURE:.0%}.")
    return 0
