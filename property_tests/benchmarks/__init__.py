"""Benchmarks: each puts ours and the peer's in one run, and is read as a ratio. Run with `pytest --benchmark-only`."""
