"""The networks of `test_summary`, for any library with PyTorch's names."""


def networks(library):
    """Return networks by name, each with the input size and the batch size to show.

    `summary_tables.txt` has the tables that the package torchsummary 1.5.1 prints for them.
    """
    nn = library.nn

    class Block(nn.Module):
        def __init__(self, channels):
            super().__init__()
            self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
            self.norm = nn.BatchNorm2d(channels)
            self.act = nn.ReLU()

        def forward(self, x):
            return self.act(self.norm(self.conv(x)) + x)

    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem = nn.Conv2d(3, 8, 3)
            self.act = nn.ReLU()  # called twice
            self.blocks = nn.Sequential(Block(8), Block(8))
            self.pool = nn.AdaptiveAvgPool2d(1)
            self.drop = nn.Dropout(0.5)
            self.fc = nn.Linear(8, 10)

        def forward(self, x):
            x = self.act(self.stem(x))
            x = self.act(self.blocks(x))
            return self.fc(self.drop(self.pool(x).flatten(1)))

    class Pair(nn.Module):
        def forward(self, x):
            return x, x[:, :1]

    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(5, 2000), nn.Linear(2000, 4)])
            for p in self.layers[0].parameters():
                p.requires_grad_(False)

        def forward(self, x):
            return self.layers[1](self.layers[0](x))

    strided = nn.Sequential(
        nn.Conv2d(1, 6, 5, stride=2), nn.ReLU(), nn.Flatten(), nn.Linear(864, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    return {
        "strided": (strided, (1, 28, 28), -1),
        "residual": (Residual(), (3, 32, 32), -1),
        "residual in batches": (Residual(), (3, 32, 32), 64),
        "frozen": (Frozen(), (5,), -1),
        "wide": (nn.Sequential(nn.Linear(1000, 2000), nn.PReLU(), nn.Linear(2000, 999, bias=False)), (1000,), 8),
        "three dims": (nn.Sequential(nn.Conv3d(1, 2, 3), nn.BatchNorm3d(2), nn.MaxPool3d(2)), (1, 6, 6, 6), -1),
        "sequence": (nn.Sequential(nn.Conv1d(4, 8, 3), nn.LeakyReLU(), nn.LayerNorm(8)), (4, 10), -1),
        "pair": (nn.Sequential(nn.Linear(3, 2), Pair()), (3,), -1),
    }
