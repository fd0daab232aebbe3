"""Benchmarks: each puts ours and a peer's in one run, and is read as a ratio.

`python -m property_tests.benchmarks` writes the table, `pytest property_tests/benchmarks --benchmark-only` runs the same cases.
"""

from property_tests.benchmarks import engine, kernels

CASES = (*engine.CASES, *kernels.CASES)
