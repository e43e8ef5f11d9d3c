"""Other libraries than PyTorch: a module each, with ``load(threads)`` and ``training(name, size)``.

They train what `layers.read` makes of benchmarks/networks.py, so their networks are minicnn's own.
"""
