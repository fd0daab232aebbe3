"""The verdicts. Each is a sentence that explains itself."""

from __future__ import annotations

from enum import Enum


class Verdict(str, Enum):
    """What was found about one claim, from best to worst."""

    HOLDS = "holds"
    LIMITED = "limited"
    VACUOUS = "vacuous"
    UNSTABLE = "unstable"
    IMPRECISE = "imprecise"
    VIOLATED = "violated"
    NONFINITE = "nonfinite"
    CRASHED = "crashed"

    @property
    def meaning(self) -> str:
        return _MEANING[self]

    @property
    def inconclusive(self) -> bool:
        """Neither a proof nor a counterexample: the check couldn't decide."""
        return self in (Verdict.VACUOUS, Verdict.UNSTABLE)

    def passes(self, precision: str) -> bool:
        """Whether a claim made for that precision is met."""
        return self is Verdict.HOLDS or (self is Verdict.LIMITED and precision != "float64")


_MEANING = {
    Verdict.HOLDS: "The two sides agree to rounding in float64: the symmetry is exact as far as can be computed.",
    Verdict.LIMITED: (
        "The two sides differ by more than float64 rounds, but by no more than float32 does: constants or casts in lower "
        "precision, or a break too small for float32 to show."
    ),
    Verdict.VACUOUS: "The check could not have failed: the action moved no input, or the output doesn't vary with the input.",
    Verdict.UNSTABLE: "The model gives different outputs for the same input, by more than rounding: no symmetry can be judged.",
    Verdict.IMPRECISE: (
        "The symmetry is there in float64, but not in the working precision: the output jumps, or rounding swamps the signal."
    ),
    Verdict.VIOLATED: "The two sides differ by more than any rounding explains: the model doesn't have this symmetry.",
    Verdict.NONFINITE: "The model returns NaN or infinity, about which no equation can be checked.",
    Verdict.CRASHED: "The model raised an error, or its output changed shape or structure under the group.",
}
