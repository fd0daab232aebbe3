"""From evidence to a verdict. Pure arithmetic: no model, no randomness.

Every comparison is written so that NaN fails it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from symcheck.engine.evidence import Evidence
from symcheck.engine.outcome import Figures
from symcheck.engine.policy import Policy
from symcheck.engine.verdict import Verdict

# The verdict on a claim is that of its worst leaf. One that can't show anything leaves a claim that holds elsewhere undecided.
_ORDER = (Verdict.NONFINITE, Verdict.VIOLATED, Verdict.IMPRECISE, Verdict.VACUOUS, Verdict.LIMITED, Verdict.HOLDS)


@dataclass(frozen=True)
class Judgement:
    """The verdict on a claim, that of its worst output leaf, with the figures of all."""

    verdict: Verdict
    because: str
    figures: tuple[Figures, ...]
    violating: Tensor  # (n,), bool: the trials that violate the claim


def judge(evidence: Evidence, policy: Policy, precision: str, tolerance: float | None = None) -> Judgement:
    """The verdict that the evidence supports, for a claim made for that precision."""
    leaves = [_Leaf.of(evidence, column, policy, precision, tolerance) for column in range(len(evidence.leaves))]
    figures = tuple(leaf.figures() for leaf in leaves)
    violating = torch.stack([leaf.violating for leaf in leaves], -1).any(-1)
    worst = min(figures, key=lambda f: (_ORDER.index(f.verdict), -f.relative if f.relative == f.relative else -math.inf))
    broken = worst.verdict in (Verdict.NONFINITE, Verdict.VIOLATED)
    if not broken and not bool((evidence.moved > policy.slack * _DOUBLE).any()):
        return Judgement(Verdict.VACUOUS, _UNMOVED, figures, violating)
    return Judgement(worst.verdict, worst.because, figures, violating)


_DOUBLE = float(torch.finfo(torch.float64).eps)
_UNMOVED = (
    "no element moved any input, so that both sides are the same computation. Give at least one input a rep by which the "
    "group acts on it, or inputs that it doesn't fix"
)


@dataclass(frozen=True)
class _Leaf:
    """One output leaf: its evidence, and how large an error may be, trial by trial."""

    name: str
    policy: Policy
    precision: str
    precise: bool
    tolerance: float
    truth: Tensor
    floor: Tensor
    interpolation: Tensor
    error: Tensor
    noise: Tensor
    magnitude: Tensor
    peak: Tensor
    peak_error: Tensor
    entries: int
    region: Tensor
    regions: tuple[str, ...]
    signal: float
    spread: float
    drawn: Tensor

    @classmethod
    def of(cls, e: Evidence, column: int, policy: Policy, precision: str, tolerance: float | None) -> _Leaf:
        return cls(
            name=e.leaves[column],
            policy=policy,
            precision=precision,
            precise=e.precise,
            tolerance=tolerance or 0.0,
            truth=e.truth[:, column],
            floor=e.floor[:, column],
            interpolation=e.interpolation[:, column],
            error=e.error[:, column],
            noise=e.noise[:, column],
            magnitude=e.magnitude[:, column],
            peak=e.peak[:, column],
            peak_error=e.peak_error[:, column],
            entries=e.entries[column],
            region=e.region,
            regions=e.regions,
            signal=float(e.signal[column]),
            spread=float(e.spread[column]),
            drawn=e.region == 0 if e.drawn is None else e.drawn,
        )

    @cached_property
    def generic(self) -> Tensor:
        return self.region == 0

    @property
    def explained(self) -> Tensor:
        """Up to here an error in float64 is rounding, or interpolation."""
        return self.policy.slack * self.floor + self.policy.interpolation * self.interpolation

    @property
    def allowed(self) -> Tensor:
        """What the claim itself allows: a part of the spread, or of the size at structured inputs where that is larger."""
        size = torch.where(self.generic, 0.0, self.magnitude.nan_to_num())
        return self.tolerance * size.clamp_min(self.signal)

    @property
    def exact(self) -> Tensor:
        """Up to here an error in float64 is rounding, or what the claim itself allows."""
        return self.explained.maximum(self.allowed)

    @property
    def single(self) -> Tensor:
        """Up to here float32 could not tell it from rounding: of an output that is larger than most, by its own size."""
        own = self.magnitude.nan_to_num().clamp_max(self.spread).clamp_min(self.signal)
        return self.exact.maximum(self.policy.slack * self.policy.single * own)

    @property
    def working(self) -> Tensor:
        """Up to here an error in the working precision is rounding, or what the claim allows, or what float64 shows as well."""
        return (self.policy.slack * self.noise + self.truth.nan_to_num()).maximum(self.allowed)

    @cached_property
    def violating(self) -> Tensor:
        return self.seen | self.hidden

    @cached_property
    def seen(self) -> Tensor:
        """The trials on which the leaf as a whole is off by more than float32 could take for rounding."""
        return ~(self.truth <= self.single) & self.truth.isfinite()

    @cached_property
    def hidden(self) -> Tensor:
        """The trials on which one entry is off by a part of its own spread that counts, though larger entries hide it.

        Rounding doesn't explain it even if all the noise of the leaf were in that entry.
        """
        noise = self.explained * float(self.entries) ** 0.5
        allowed = self.allowed / self.signal if self.signal > 0 else torch.zeros_like(noise)
        off: Tensor = (self.peak > allowed.clamp_min(self.policy.coarsest)) & (self.peak_error > noise)
        return off

    @cached_property
    def judged(self) -> Tensor:
        """The trials that count. NaN at generic inputs has a verdict of its own, at structured ones (zeros) a finding."""
        return self.generic | self.truth.isfinite()

    @cached_property
    def typical(self) -> float:
        """The floor at most generic inputs."""
        return float(self.floor[self.generic].nanmedian())

    @cached_property
    def blur(self) -> float:
        """What interpolation hides at most generic inputs."""
        return self.policy.interpolation * float(self.interpolation[self.generic].nanmedian())

    @property
    def only_at(self) -> tuple[str, ...]:
        """The structured inputs at which it is violated, if it isn't at generic ones."""
        bad = set(self.region[self.violating].tolist())
        return () if 0 in bad else tuple(self.regions[region] for region in sorted(bad))

    def quantiles(self, scale: float) -> tuple[float, ...]:
        """The relative difference that half, 9 of 10 and 99 of 100 of the random trials stay below, and the worst."""
        known = self.truth[self.drawn & self.truth.isfinite()] / scale
        at = torch.tensor([0.5, 0.9, 0.99, 1.0], dtype=known.dtype)
        return tuple(known.quantile(at).tolist()) if len(known) else ()

    def figures(self) -> Figures:
        verdict, because = self.verdict()
        worst = _worst(self.truth, self.exact, self.judged)
        noisiest = _worst(self.error, self.working, self.generic)
        magnitude = float(self.magnitude[self.generic].nan_to_num().median())
        scale = self.signal or magnitude or 1.0
        limit = max(self.policy.slack * self.typical + self.blur, self.tolerance * self.signal)
        if verdict is Verdict.LIMITED:
            limit = max(limit, self.policy.slack * self.policy.single * self.signal)
        return Figures(
            leaf=self.name,
            verdict=verdict,
            truth=float(self.truth[worst]),
            floor=float(self.floor[worst]),
            error=float(self.error[noisiest]),
            noise=float(self.noise[noisiest]),
            signal=self.signal,
            magnitude=magnitude,
            typical=self.typical,
            limit=limit / self.signal if self.signal > 0 else float("nan"),
            relative=float(self.truth[worst]) / scale,
            quantiles=self.quantiles(scale),
            only_at=self.only_at,
            because=because,
        )

    def verdict(self) -> tuple[Verdict, str]:
        """The verdict on this leaf and its reason, a clause that follows "because"."""
        for dtype, errors in ((self.dtype, self.truth), (self.precision, self.error)):
            lost = int((~errors[self.generic].isfinite()).sum())
            if lost:
                share = f"{lost} of {int(self.generic.sum())} trials"
                return Verdict.NONFINITE, f"{self._subject} is NaN or infinite in {dtype} in {share}"
        if self.violating.any():
            return Verdict.VIOLATED, self._violation()
        if not self.signal > self.policy.slack * self.typical:
            return Verdict.VACUOUS, (
                f"{self._subject} doesn't vary with the input beyond its rounding, and so can't disagree. Give inputs and "
                f"weights on which it depends, or leave it out of what the model returns"
            )
        return self._imprecision() or self._agreement()

    @property
    def dtype(self) -> str:
        """The precision in which the truth was measured."""
        return "float64" if self.precise else self.precision

    @property
    def _subject(self) -> str:
        return f"output '{self.name}'" if self.name else "the output"

    def _violation(self) -> str:
        if not bool(self.seen.any()):
            size = float(self.peak[self.hidden].max())
            return (
                f"the two sides of {self._subject} differ in an entry by {size:.2g} of its own spread, which larger entries "
                f"hide and rounding doesn't explain"
            )
        worst = _worst(self.truth, self.single, self.seen)
        size = float(self.truth[worst])
        blurred = bool(self.interpolation[worst] > self.floor[worst])
        times = size / max(float(self.floor[worst] + self.interpolation[worst]), 5e-324)
        where = f" only at {', '.join(self.only_at)}" if self.only_at else ""
        amount = f"{size / self.signal:.2g} of its spread" if self.signal > 0 else f"{size:.2g}, though it is constant"
        differ = f"the two sides of {self._subject} differ{where} by {amount} in {self.dtype}"
        return f"{differ}, {times:.2g} times what {'interpolation' if blurred else 'rounding'} explains"

    def _imprecision(self) -> tuple[Verdict, str] | None:
        noise = float(self.noise[self.generic].nanmedian())
        if not noise <= 2.0**-self.policy.bits * self.signal:
            offset = float(self.magnitude[self.generic].nanmedian()) / self.signal
            return Verdict.IMPRECISE, (
                f"{self.precision} doesn't carry the signal of {self._subject}: its noise is {noise / self.signal:.2g} of its "
                f"spread, its size {offset:.2g} of it. Take a large offset out, or compute in higher precision"
            )
        if not bool((self.error <= self.working)[self.generic].all()):
            worst = _worst(self.error, self.working, self.generic)
            error, times = float(self.error[worst]), float(self.error[worst] / self.noise[worst])
            return Verdict.IMPRECISE, (
                f"in {self.precision} the two sides of {self._subject} differ by {error / self.signal:.2g} of its spread, "
                f"{times:.2g} times its noise, though they agree in {self.dtype}: the output jumps (ties, cutoffs), or loses "
                f"digits at some inputs"
            )
        return None

    def _agreement(self) -> tuple[Verdict, str]:
        policy, noise = self.policy, self.typical / self.signal
        worst, limit = float(self.truth[self.judged].max()) / self.signal, policy.slack * noise
        blur = self.blur / self.signal
        if not blur <= max(policy.coarsest, self.tolerance):
            return Verdict.IMPRECISE, (
                f"the group's action interpolates, and alone changes {self._subject} by {blur:.2g} of its spread: a violation "
                f"under that can't be seen. Give smoother inputs, on a finer grid, or elements that move samples to samples"
            )
        if not limit <= max(policy.coarsest, self.tolerance):
            return Verdict.IMPRECISE, (
                f"the two sides of {self._subject} agree no better than it rounds in {self.dtype}, {noise:.2g} of its spread: "
                f"a violation under {limit:.2g} can't be seen. Compute in higher precision inside the model"
            )
        if not self.precise:
            return Verdict.LIMITED, f"it can be measured in {self.precision} alone, where the two sides agree to {worst:.2g}"
        if not bool((self.truth <= self.exact)[self.judged].all()):
            far = _worst(self.truth, self.exact, self.judged)
            worst, limit = float(self.truth[far]) / self.signal, float(self.exact[far]) / self.signal
            return Verdict.LIMITED, (
                f"the two sides of {self._subject} differ by {worst:.2g} of its spread in float64, where rounding explains "
                f"{limit:.2g}: lower-precision constants, or a break too small for float32 to show (it shows "
                f"above {policy.slack * policy.single:.2g})"
            )
        if not noise <= 2.0**-policy.finer * policy.single and not limit <= self.tolerance:
            return Verdict.LIMITED, (
                f"the two sides agree, but {self._subject} is no better than float32 in float64: its rounding is "
                f"{noise:.2g} of its spread, and hides violations under {limit:.2g} (casts to float32 inside?)"
            )
        if not blur <= max(limit, policy.slack * 2.0**-policy.finer * policy.single, self.tolerance):
            return Verdict.LIMITED, (
                f"the two sides of {self._subject} differ by {worst:.2g} of its spread, within what the group's action, which "
                f"interpolates, changes alone: it hides violations under {blur:.2g}"
            )
        if bool((self.truth <= policy.slack * self.floor)[self.judged].all()):
            which = "is rounding"
        elif bool((self.truth <= self.explained)[self.judged].all()):
            which = "the group's action changes alone, which interpolates"
        else:
            which = f"the claim's tolerance of {self.tolerance:g} allows"
        return Verdict.HOLDS, f"the two sides differ by at most {worst:.2g} of the output's spread in float64, which {which}"


def _worst(errors: Tensor, bounds: Tensor, among: Tensor) -> int:
    """The trial whose error stands highest above its bound; one whose error is NaN before all others."""
    ratio = errors / bounds.clamp_min(5e-324)
    return int(torch.where(among, ratio.nan_to_num(nan=float("inf")), -1.0).argmax())
