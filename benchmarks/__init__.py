"""Benchmarks that anyone can run: ``python -m benchmarks.NAME``; results in benchmarks/results, tables in README.md."""
