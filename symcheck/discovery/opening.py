"""A claim's model, loaded, placed and probed: what discovery and inference begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Generator

from symcheck.claims import Claim
from symcheck.engine import Settings
from symcheck.engine.forward import ModelError
from symcheck.engine.probe import Setup, sample, settled
from symcheck.engine.trace import eager, uncompiled
from symcheck.errors import SubjectError
from symcheck.placement import Placement, all_placed, as_device, modules_of, own_dtype, seeded

_HIDDEN = {
    "compiled": "the model is compiled ({}): it was looked at in its eager form",
    "scripted": "{} is scripted: what is inside of it isn't seen",
}


@dataclass(frozen=True)
class Opened:
    """The setup of a model, what there is to note of it, and why it doesn't run in float64, if it doesn't."""

    setup: Setup
    notes: tuple[str, ...]
    failed: ModelError | None


@contextmanager
def opened(claim: Claim, settings: Settings) -> Iterator[Opened]:
    """The claim's model, in the precision and on the device in which it runs, in eager form. Then all is as it was.

    Raises SubjectError if it doesn't run on the inputs of the claim's domain, then or later, or is finite on none of them.
    """
    place = as_device(settings.device)
    with seeded(settings.seed):
        loaded = claim.subject.load(settings.seed)
        working = Placement(place, own_dtype(loaded) or claim.domain.dtype or torch.get_default_dtype())
        try:
            setup, failed = settled(claim, loaded, working, settings.seed, settings.policy)
            kind, part = eager(loaded, modules_of(loaded))
            told = (_HIDDEN[kind].format(part) if kind else "", setup.unstable or "")
            with all_placed((loaded,), setup.forward.placement), uncompiled():
                _finite_somewhere(claim, setup, settings.seed)
                yield Opened(setup, tuple(filter(None, told)), failed)
        except ModelError as error:
            raise SubjectError(
                f"{claim.subject.name} raised on the example: {error}. Give an example that it takes."
            ) from error


def _finite_somewhere(claim: Claim, setup: Setup, seed: int) -> None:
    f = setup.at(setup.forward.placement)
    y = f(sample(setup.domain, TRIED, Generator().manual_seed(seed))[0])
    if not f.crashes and any(not leaf.isfinite().reshape(len(leaf), -1).all(1).any() for leaf in y):
        raise SubjectError(
            f"{claim.subject.name} returned NaN or infinity on each of {TRIED} inputs like the example. Give an example on "
            f"which it is finite."
        )


TRIED = 8
