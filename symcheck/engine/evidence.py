"""Evidence: what was measured on every trial, one column an output leaf; nothing judged yet."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Evidence:
    """Errors are RMS over the entries of a leaf, in its own units. float64, on the CPU; n trials, L output leaves.

    In float64: `truth` (n, L) is the difference of the two sides, `floor` (n, L) what rounding explains of it. In the
    working precision: `error` and `noise` (n, L). `interpolation` (n, L) is what an action that interpolates changes by
    itself. `signal` (L) is the spread of the output over most independent inputs, `spread` (L) its standard deviation over
    all, which a few may make up, `magnitude` (n, L) its size. `peak` (n, L): the largest error of one entry relative to that
    entry's own spread, and `peak_error` the error there. `moved` (n): how far the action moved the input, relative to its
    size. `region` (n) says which inputs a trial is of, as an index into `regions`, of which the first is the generic one.
    """

    leaves: tuple[str, ...]
    truth: Tensor
    floor: Tensor
    error: Tensor
    noise: Tensor
    interpolation: Tensor
    signal: Tensor
    spread: Tensor
    magnitude: Tensor
    peak: Tensor
    peak_error: Tensor
    entries: tuple[int, ...]  # (L): how many entries a leaf has
    moved: Tensor
    region: Tensor
    regions: tuple[str, ...]
    drawn: Tensor | None = None  # (n,), bool: the trials drawn at random, of which quantiles are told; None: all generic ones
    precise: bool = True  # False: the model doesn't run in float64, and truth is measured in the working precision

    def on_the_scale_of(self, signal: Tensor, coarse: float) -> Evidence:
        """The same for outputs whose signal `(L,)` is known from elsewhere, if it is larger than here. Entries that are off by
        less than a `coarse` part of it don't count apart.
        """
        peak = torch.where(self.peak_error > coarse * signal, self.peak, 0.0)
        return replace(self, signal=self.signal.maximum(signal), spread=self.spread.maximum(signal), peak=peak)

    @property
    def trials(self) -> int:
        return len(self.truth)
