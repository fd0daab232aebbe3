"""The three functions that most people need."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from symcheck.auditing import Auditing, recorded
from symcheck.auditing import AuditInterrupted as AuditInterrupted
from symcheck.claims import Claim, Skipped
from symcheck.engine import Event, Judged, Settings, examine
from symcheck.errors import ClaimError, SettingsError, brief
from symcheck.failures import DIRECTORY
from symcheck.groups import Monoid
from symcheck.journal import Journal
from symcheck.placement import as_dtype
from symcheck.report import Record, Result


def check(
    model: Callable[..., Any],
    example: Any,
    *,
    group: Monoid | str,
    inputs: Any,
    outputs: Any,
    tolerance: float | None = None,
    dtype: torch.dtype | str | None = None,
    device: str = "cpu",
    trials: int = 256,
    seed: int = 0,
    perturb: bool | None = None,
) -> Result:
    """Does the model have this symmetry? `model(rho_in(g) x) = rho_out(g) model(x)` for every g in the group.

    `model` is any callable on tensors: a module, a function, a compiled or scripted module. `example` is what it takes: a
    tensor, any nesting of tuples, lists, dicts and dataclasses of them; a plain tuple is its positional arguments, and
    `Args(x, mask=mask)` passes keywords too. Inputs are drawn with the example's shapes, mean and spread; give a `Domain` in
    its place to say otherwise: `Examples(batch)` for your own inputs and nothing else.

    `inputs` and `outputs` say how the group acts, leaf by leaf: reps, or their names, in the structure of the input and of
    the output, or one for all. A scalar output claims invariance. `dtype` is the precision that the claim is made for, by
    default the model's own. No tolerance is needed: rounding is measured. Give one only for a symmetry that is meant to be
    approximate, as a fraction of the output's spread. `perturb` judges at perturbed weights too, where a break may show that
    the model's own weights hide (a bias of zero); by default for models that a factory builds, `Subject.built(build)`.

    Raises ClaimError if the reps don't fit the group or the tensors. A model that raises is a result, not an error.

    >>> import torch
    >>> result = check(lambda x: x.norm(dim=-1), torch.randn(8, 3), group="SO(3)", inputs="vector", outputs="scalar")
    >>> result.verdict.name
    'HOLDS'
    """
    settings = _settings(seed, trials, device, dtype, perturb)
    claim = Claim(model, group, domain=example, inputs=inputs, outputs=outputs, tolerance=tolerance)
    (outcome,) = (event.outcome for event in examine(claim, settings) if isinstance(event, Judged))
    return recorded(outcome, settings, None)


def assert_equivariant(
    model: Callable[..., Any],
    example: Any,
    *,
    group: Monoid | str,
    inputs: Any,
    outputs: Any,
    tolerance: float | None = None,
    dtype: torch.dtype | str | None = None,
    device: str = "cpu",
    trials: int = 256,
    seed: int = 0,
    perturb: bool | None = None,
    save: str | Path | None = DIRECTORY,
) -> Result:
    """`check` for tests: raises AssertionError with the whole diagnosis unless the claim is met. Takes what `check` takes.

    An undecided check fails too: a test that can't fail tests nothing. The trial that fails is kept in the folder `save`,
    for `symcheck replay`, unless that is None.
    """
    __tracebackhide__ = True
    result = check(
        model,
        example,
        group=group,
        inputs=inputs,
        outputs=outputs,
        tolerance=tolerance,
        dtype=dtype,
        device=device,
        trials=trials,
        seed=seed,
        perturb=perturb,
    )
    if not result.passed:
        if save is not None and result.counterexample is not None:
            result = result.kept(save)
        raise AssertionError(f"{result}\n  means      {result.verdict.meaning}")
    return result


def audit(
    claims: Claim | Iterable[Claim],
    *,
    dtype: torch.dtype | str | None = None,
    device: str = "cpu",
    trials: int = 256,
    seed: int = 0,
    perturb: bool | None = None,
    on_event: Callable[[Event], None] | None = None,
    save: str | Path | None = None,
    fail_fast: bool = False,
    max_time: float | None = None,
    baseline: Record | None = None,
    journal: Journal | None = None,
    layers: bool = False,
    skipped: Iterable[Skipped] = (),
) -> Record:
    """Audit many claims. One that can't be tested as stated is recorded with the reason, and the others go on.

    `on_event` is called with each event, to show progress. Trials that violate a claim against expectation are kept in the
    folder `save`, if one is given, for `symcheck replay`. Raises AuditInterrupted, with what is done, on Ctrl-C;
    ClaimError where there are no claims, which nothing could fail.

    `fail_fast` begins no further claim once one isn't as expected, and `max_time` none after so many seconds; what is then
    left is recorded as skipped, with the reason, beside the claims in `skipped`. What fails in the record `baseline` with the
    same verdict is known, and isn't counted as a failure. `journal` is where the results of each claim that is done are
    written, and taken from. `layers` adds what the layers of a model carry under the group of a claim that holds.
    """
    settings = _settings(seed, trials, device, dtype, perturb)
    if max_time is not None and not (isinstance(max_time, (int, float)) and 0 < max_time < math.inf):
        raise SettingsError(f"max_time is a number of seconds above 0, not {max_time!r}.")
    if baseline is not None and not isinstance(baseline, Record):
        raise SettingsError(f"the baseline is a Record, not {brief(baseline)}. Read one: symcheck.report.reading.read(path)")
    if not isinstance(claims, (Claim, Iterable)):
        raise ClaimError(f"{brief(claims)} is no Claim. Give an iterable of symcheck.Claim.")
    claims, left_out = [claims] if isinstance(claims, Claim) else list(claims), list(skipped)
    if not claims and not left_out:
        raise ClaimError("there are no claims: an audit of nothing can't fail. Give one or more of symcheck.Claim.")
    _unique(claims)
    whole = Auditing(settings, on_event, save, fail_fast, max_time, baseline, journal, layers, left_out)
    return whole.audited(claims)


def _settings(seed: int, trials: int, device: str, dtype: torch.dtype | str | None, perturb: bool | None) -> Settings:
    known = None if dtype is None else as_dtype(dtype)
    return Settings(seed=seed, trials=trials, device=str(device), dtype=known, perturb=perturb)


def _unique(claims: list[Claim]) -> None:
    seen: set[str] = set()
    for claim in claims:
        if not isinstance(claim, Claim):
            raise ClaimError(f"{brief(claim)} is no Claim. Give an iterable of symcheck.Claim.")
        if claim.id in seen:
            raise ClaimError(f"two claims are called {claim.id!r}. Give one of them an id of its own: Claim(..., id='...').")
        seen.add(claim.id)
