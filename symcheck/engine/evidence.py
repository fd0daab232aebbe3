"""Evidence: what was measured on every trial, one column an output leaf; nothing judged yet."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Evidence:
    """Errors are RMS over the entries of a leaf, in its own units. float64, on the CPU; n trials, L output leaves.

    In float64: `truth` (n, L) is the difference of the two sides, `floor` (n, L) what rounding explains of it. In the
    working precision: `error` and `noise` (n, L). `signal` (L) is the spread of the output over independent inputs,
    `magnitude` (n, L) its size. `peak` (n, L): the largest error of one entry relative to that entry's own spread, and
    `peak_error` the error there. `moved` (n): how far the action moved the input, relative to its size. `region` (n) says
    which inputs a trial is of, as an index into `regions`, of which the first is the generic one.
    """

    leaves: tuple[str, ...]
    truth: Tensor
    floor: Tensor
    error: Tensor
    noise: Tensor
    signal: Tensor
    magnitude: Tensor
    peak: Tensor
    peak_error: Tensor
    entries: tuple[int, ...]  # (L): how many entries a leaf has
    moved: Tensor
    region: Tensor
    regions: tuple[str, ...]
    drawn: Tensor | None = None  # (n,), bool: the trials drawn at random, of which quantiles are told; None: all generic ones
    precise: bool = True  # False: the model doesn't run in float64, and truth is measured in the working precision

    @property
    def trials(self) -> int:
        return len(self.truth)
