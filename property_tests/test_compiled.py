"""Compiled reference models get the verdicts of eager ones, and all of them run in bfloat16."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pkgutil import iter_modules

import pytest
import torch
from torch import nn

import models
import symcheck
from models import cnn, deepsets, egnn
from symcheck import Verdict
from symcheck.claims import Claim, Subject
from symcheck.properties import Conservative

NAMES = sorted(module.name for module in iter_modules(models.__path__) if not module.name.startswith("_"))
STATED: list[Claim] = [claim for name in NAMES for claim in import_module(f"models.{name}").CLAIMS[:2]]
CLAIMED = [claim for claim in STATED if claim.expected == "holds" and Conservative not in map(type, claim.properties)]
"""Differences of a potential at near points tell nothing in 8 bits; an MLP has no symmetry to hold."""


def compiled(claim: Claim) -> Claim:
    """The same of the compiled model. It is placed in each precision in turn, and compiled anew for it."""
    model = claim.subject.load(0)
    assert isinstance(model, nn.Module)
    return replace(claim, subject=Subject.of(torch.compile(model, dynamic=True)), id=claim.id)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("module", [cnn, deepsets, egnn], ids=lambda module: module.__name__)
def test_compiled_models_get_the_verdicts_of_eager_ones(module: object) -> None:
    """A claim that holds and its twin, in float32. To compile them takes a minute or two, for each precision."""
    for claim, verdict in ((module.CLAIMS[0], Verdict.HOLDS), (module.TWINS[0], Verdict.VIOLATED)):  # type: ignore[attr-defined]
        torch.compiler.reset()
        (result,) = symcheck.audit(compiled(claim), trials=32, dtype="float32", perturb=False).results
        assert result.verdict is verdict, result


@pytest.mark.filterwarnings("error")
def test_a_compiled_model_is_watched_without_complaint_of_torch(caplog: pytest.LogCaptureFixture) -> None:
    torch.manual_seed(0)
    model = torch.compile(nn.Sequential(*(nn.Conv2d(1, 1, 3, padding=1) for _ in range(8))), backend="eager")
    with caplog.at_level("WARNING"):
        result = symcheck.check(model, torch.randn(2, 1, 6, 6), group="Z_N^2", inputs="roll", outputs="roll", trials=32)
    assert caplog.records == []
    assert result.verdict is Verdict.VIOLATED
    assert result.location is not None
    assert result.location.culprit is not None
    assert result.location.culprit.name == "0 (Conv2d)"


@pytest.mark.parametrize("claim", CLAIMED, ids=lambda claim: claim.id)
def test_claims_hold_in_bfloat16(claim: Claim) -> None:
    for result in symcheck.audit(claim, trials=16, dtype="bfloat16", perturb=False).results:
        assert result.verdict in (Verdict.HOLDS, Verdict.LIMITED), result
