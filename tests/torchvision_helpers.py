"""torchvision, imported so that its Python parts work without its compiled ones; tests that need it skip without."""

import pytest

torch = pytest.importorskip("torch")


def torchvision():
    """Return torchvision, or skip the test.

    A build for another PyTorch has compiled operators that this one does not load. Nothing here needs them, but the
    import registers stand-ins for them, which fails; it is made to pass them over.
    """
    real = torch.library.register_fake

    def register_fake(op, *args, **kwargs):
        if isinstance(op, str) and op.startswith("torchvision::"):
            return lambda function: function
        return real(op, *args, **kwargs)

    torch.library.register_fake = register_fake
    try:
        return pytest.importorskip("torchvision")
    finally:
        torch.library.register_fake = real
