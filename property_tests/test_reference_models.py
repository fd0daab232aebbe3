"""Every claim of the reference models holds and every broken twin is caught, as `symcheck audit models --twins` has it."""

from __future__ import annotations

import pytest

import symcheck
from symcheck import Result, Verdict, subjects
from symcheck.claims import Claim

STATED = subjects.claims("models", twins=True)
DIFFERENCES = "forces by differences"  # quotients of differences come within 1e-9 or so of a gradient, and no nearer


@pytest.mark.parametrize("claim", STATED, ids=lambda claim: f"{claim.id} {claim.expected}")
def test_claims_hold_and_twins_are_caught(claim: Claim) -> None:
    for result in symcheck.audit(claim).results:
        assert result.met, str(result)
        caught = result.verdict is Verdict.VIOLATED
        assert caught if claim.expected == "violated" else exact(result), str(result)


def exact(result: Result) -> bool:
    return {output.leaf for output in result.outputs if output.verdict is not Verdict.HOLDS} <= {DIFFERENCES}
