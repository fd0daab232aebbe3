"""Claims that nobody wrote: read off a model whose framework says itself how it transforms. One framework a file.

What a model says by being what it is is claimed. What it doesn't say, and is worth knowing, is tried: a claim that is
expected to do `either`. The first framework that knows a model as its own reads it; a framework that isn't loaded isn't
imported, since no model can be of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from torch import nn

from symcheck.claims import Claim, Subject
from symcheck.errors import SubjectError
from symcheck.subjects.frameworks import ase, e3nn, escnn, pyg, torch_nn, transformers
from symcheck.subjects.frameworks.base import Framework, Model, Said, Unreadable

FRAMEWORKS: tuple[Framework, ...] = (ase, e3nn, escnn, pyg, transformers, torch_nn)

__all__ = ["FRAMEWORKS", "claims", "made_callable"]


def claims(subject: Subject, next_step: str) -> list[Claim]:
    """The claims that the subject's framework makes of it, and those that are worth trying.

    SubjectError says why there are none, and ends with `next_step`: what states a claim.
    """
    model = _evaluated(subject.load(seed=0))
    framework = next((one for one in FRAMEWORKS if one.mine(model)), None)
    if framework is None:
        known = ", ".join(one.NAME for one in FRAMEWORKS)
        raise SubjectError(
            f"nothing is claimed of {subject.spec or subject.name}, and it is no model that says itself how it transforms "
            f"({known}). Say what to check: {next_step}"
        )
    try:
        reading = framework.read(model)
    except Unreadable as error:
        reason = str(error).rstrip(".")
        raise SubjectError(
            f"{subject.spec or subject.name} is of {framework.NAME}, but no claim can be read from it: {reason}. "
            f"Or say what to check: {next_step}"
        ) from error
    return [_claim(subject, f"{framework.NAME}: {reading.words}", said) for said in reading.said]


def made_callable(found: Any) -> Any:
    """A function on tensors in the place of an object that is none, where a framework knows how to call it."""
    return ase.Potential(found) if ase.is_calculator(found) else found


def _claim(subject: Subject, source: str, said: Said) -> Claim:
    made = replace(subject, batching=said.batching, **_wrapped(subject, said.call))
    return Claim(
        made,
        said.group,
        domain=said.domain,
        inputs=said.inputs,
        outputs=said.outputs,
        properties=said.properties,
        expected="either" if said.tried else "holds",
        reason=said.tried,
        source=source,
        id=f"{subject.name}: {said.name}" if said.name else "",
    )


def _wrapped(subject: Subject, call: Callable[[Model], Model] | None) -> dict[str, Any]:
    if subject.build is not None:
        return {"build": partial(_built, subject.build, call)}
    return {"model": _called(subject.model, call)}


def _built(build: Callable[[], Model], call: Callable[[Model], Model] | None) -> Model:
    return _called(build(), call)


def _called(model: Any, call: Callable[[Model], Model] | None) -> Model:
    """The function on tensors that is audited: of a module in evaluation mode, for which claims of symmetry are made."""
    model = _evaluated(model)
    return model if call is None else call(model)


def _evaluated(model: Any) -> Any:
    return model.eval() if isinstance(model, nn.Module) else model
