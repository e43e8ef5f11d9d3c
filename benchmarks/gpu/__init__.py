"""minicnn beside PyTorch on the same GPU: ``python -m benchmarks.gpu``."""
