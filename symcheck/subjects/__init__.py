"""Subjects: from what a person types to models and their claims. One kind of target a file."""

from __future__ import annotations

from dataclasses import replace

from symcheck.claims import Claim, Subject
from symcheck.errors import SubjectError
from symcheck.subjects import frameworks, module, program
from symcheck.subjects.module import example, home
from symcheck.subjects.program import is_program
from symcheck.subjects.weights import weighted

__all__ = ["claims", "home", "is_program", "read", "subject"]


def claims(target: str, *, twins: bool = False, weights: str | None = None, trust_code: bool = False) -> list[Claim]:
    """The claims that a target states: a module, a package's modules, a name in one. `weights` takes a name of one model.

    Of a model that nothing is claimed of, those that its framework makes of it.
    """
    if is_program(target):
        return read(subject(target, weights=weights, trust_code=trust_code), target)
    model = subject(target, weights=weights) if weights is not None else None
    stated = module.claims(target, twins=twins)
    if not stated:
        return read(model or subject(target), target)
    return stated if model is None else [replace(claim, subject=model) for claim in stated]


def read(model: Subject, target: str = "") -> list[Claim]:
    """The claims that a model's framework makes of it. SubjectError says why there are none."""
    return frameworks.claims(model, example(target or model.spec or "pkg.mod:build"))


def subject(target: str, *, weights: str | None = None, trust_code: bool = False) -> Subject:
    """The model that a target names, at the weights of a file if one is given.

    `trust_code` is for files whose reading runs code; what is named by its Python name is code anyhow. Weights are never
    read in a way that could run any.
    """
    if not is_program(target):
        found = module.subject(target)
        return found if weights is None else weighted(found, weights)
    if weights is not None:
        raise SubjectError(f"{target!r} has its own weights. --weights is for a model's source: pkg.mod:build")
    return program.subject(target, trust_code=trust_code)
