"""Claims that nobody wrote: read off a model whose framework says itself how it transforms. One framework a file.

What a model says by being what it is is claimed. What it doesn't say, and is worth knowing, is tried: a claim that is
expected to do `either`. The first framework that knows a model as its own and can read it does; one that isn't loaded isn't
imported, since no model can be of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import WRAPPER_ASSIGNMENTS, partial, update_wrapper
from typing import Any

from torch import nn

from symcheck.claims import Claim, Subject
from symcheck.errors import SubjectError
from symcheck.subjects.frameworks import ase, e3nn, escnn, pyg, torch_nn, transformers
from symcheck.subjects.frameworks.base import Framework, Model, Said, Unreadable

FRAMEWORKS: tuple[Framework, ...] = (ase, e3nn, escnn, pyg, transformers)
"""Those that are read before torch.nn, of which all their modules are too."""

__all__ = ["FRAMEWORKS", "claims", "made_callable"]


def claims(subject: Subject, next_step: str) -> list[Claim]:
    """The claims that the subject's framework makes of it, and those that are worth trying.

    SubjectError says why there are none, and ends with `next_step`: what states a claim.
    """
    model = _evaluated(subject.load(seed=0))
    called = subject.spec or subject.name
    mine = [one for one in FRAMEWORKS if one.mine(model)] or [torch_nn] * torch_nn.mine(model)
    if not mine:
        known = ", ".join(one.NAME for one in (*FRAMEWORKS, torch_nn))
        raise SubjectError(
            f"nothing is claimed of {called}, and it is no model that says itself how it transforms ({known}). "
            f"Say what to check: {next_step}"
        )
    unread: list[Unreadable] = []
    for framework in mine:
        try:
            reading = framework.read(model)
        except Unreadable as error:
            unread.append(error)
            continue
        return [_claim(subject, f"{framework.NAME}: {reading.words}", said) for said in reading.said]
    reason = str(unread[0]).rstrip(".")
    raise SubjectError(
        f"{called} is of {mine[0].NAME}, but no claim can be read from it: {reason}. Or say what to check: {next_step}"
    ) from unread[0]


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
        built = partial(_built, subject.build, call)
        return {"build": update_wrapper(built, subject.build, WRAPPER_ASSIGNMENTS, ())}  # it says where its code is
    return {"model": _called(subject.model, call)}


def _built(build: Callable[[], Model], call: Callable[[Model], Model] | None) -> Model:
    return _called(build(), call)


def _called(model: Any, call: Callable[[Model], Model] | None) -> Model:
    """The function on tensors that is audited: of a module in evaluation mode, for which claims of symmetry are made."""
    model = _evaluated(model)
    return model if call is None else call(model)


def _evaluated(model: Any) -> Any:
    return model.eval() if isinstance(model, nn.Module) else model
