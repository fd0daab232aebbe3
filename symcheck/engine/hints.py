"""Hints: from what a violation looks like to its usual cause, each with the evidence for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import torch

from symcheck._tree import Leaves, split
from symcheck.engine.measure import Sides
from symcheck.engine.outcome import Hint, Outcome, Point
from symcheck.engine.policy import Policy
from symcheck.engine.represent import atoms
from symcheck.engine.shrink import Nearby
from symcheck.engine.trials import GENERIC
from symcheck.reps import Rep, Roll, as_rep


def hints(outcome: Outcome, policy: Policy) -> tuple[Hint, ...]:
    """The usual causes of a violation that looks like this one, those that the engine has seen itself first."""
    return (*outcome.hints, *_hints(outcome, policy))


def _hints(outcome: Outcome, policy: Policy) -> Iterator[Hint]:
    yield from _from_findings(outcome)
    yield from _from_location(outcome, policy)
    yield from _from_profile(outcome)
    yield from _from_subgroups(outcome)
    places = [figures.only_at for figures in outcome.figures if figures.verdict is outcome.verdict]
    if places and all(places):
        names = ", ".join(dict.fromkeys(name for only in places for name in only))
        cause = "a neighbour list, a sort or a top-k that breaks ties by order, or a jump at a cutoff"
        yield Hint("ties", cause, f"it is violated at {names} alone")
    if outcome.weights[-1] != "own" and len(outcome.weights) > 1:
        cause = "a term that starts at zero, or weights that start symmetric, such as a bias or a scale for each axis"
        yield Hint("hidden", cause, f"the model's own weights hide it, and weights {outcome.weights[-1]} show it")


def _from_findings(outcome: Outcome) -> Iterator[Hint]:
    for finding in outcome.findings:
        if finding.kind == "training-mode":
            yield Hint("training", "dropout or batch statistics: call model.eval() first", "the model is in training mode")
        if finding.kind == "unmentioned-input" and finding.severity == "warning":
            cause = "an input that should have moved along, such as a cell or an edge's attribute: give it a rep"
            yield Hint("forgotten", cause, finding.text.split(":")[0])


def _from_location(outcome: Outcome, policy: Policy) -> Iterator[Hint]:
    where = outcome.location
    if where is None:
        return
    if where.border is not None and where.border[1] <= policy.slack * policy.single * where.border[0]:
        evidence = f"the layer differs by {where.border[0]:.2g} at the border of the grid, and by {where.border[1]:.1g} inside"
        yield Hint("padding", "padding with zeros, or a crop: use circular padding, or claim it inside alone", evidence)
    if where.marks:
        cause = "a positional term, a causal mask, or weights for each place"
        yield Hint("position", cause, "a constant that tells the moved places apart comes in at that layer")
    if where.otherwise:
        cause = "the claim names another rep than the output has (a scalar for a vector, another parity or order), or none"
        yield Hint("rep", cause, "every layer follows the group, and so does the output, but not as claimed")


def _from_subgroups(outcome: Outcome) -> Iterator[Hint]:
    """What still holds says what doesn't."""
    for name in outcome.holding:
        told = _MULTIPLES.search(name)
        if told:
            samples = int(told[1]) * max(_steps(outcome.claim.inputs), default=1)
            cause = f"a stride, a pooling or a grid of patches of {samples} samples"
            yield Hint("stride", cause, f"it holds under {name}, and not under {outcome.group}")
            return


_MULTIPLES = re.compile(r"shifts by multiples of (\d+)")


def _steps(inputs: Any) -> set[int]:
    """By how many samples a claim's reps roll a grid for each step of the group."""
    if isinstance(inputs, (str, Rep)):
        return {atom.step for atom in atoms(as_rep(inputs)) if isinstance(atom, Roll)}
    node = None if inputs is None else split(inputs)
    return {step for _, child in node[0] for step in _steps(child)} if node is not None else set()


def _from_profile(outcome: Outcome) -> Iterator[Hint]:
    """Which elements break it: those with a mirror alone."""
    found = outcome.profile
    limit = max((figures.limit for figures in outcome.figures), default=0.0)
    if found is None:
        return
    if found.kind in ("rotation", "angle"):
        proper, mirrored = ([p for p in found.points if sign * p.at[-1] > 0] for sign in (1, -1))
        yield from _mirror(proper, mirrored, limit)
    if found.kind == "element":
        kinds: dict[bool, list[Point]] = {False: [], True: []}
        for point in found.points:
            label = found.labels[int(point.at[0])]
            if label != "identity":  # which nothing breaks: of a single sign flip it is all that there is without a mirror
                kinds[any(word in label for word in _MIRRORS)].append(point)
        yield from _mirror(kinds[False], kinds[True], limit)


_MIRRORS = ("mirror", "reflection", "inversion", "flip")


def _mirror(proper: list[Point], mirrored: list[Point], limit: float) -> Iterator[Hint]:
    bad = _above(mirrored, limit)
    if proper and bad and not _above(proper, limit):
        cause = "a cross product, a determinant or a triple product taken for a true vector or scalar; filters without mirrors"
        yield Hint(
            "mirror", cause, f"all {len(proper)} elements without a mirror hold, {bad} of {len(mirrored)} with one don't"
        )


def _above(points: list[Point], limit: float) -> int:
    return sum(not point.error <= limit for point in points)


def crashed(error: str, x: Leaves) -> tuple[Hint, ...]:
    """A hint if a model asks for whole numbers and was given none, as an input that is stated by its shape has none."""
    if not any(words in error for words in _WHOLE) or not all(leaf.is_floating_point() or leaf.is_complex() for leaf in x):
        return ()
    cause = "an input holds whole numbers (atomic numbers, indices): in Python, give an example of the inputs as the domain"
    return (Hint("integers", cause, "the model asks for whole numbers, and all of its inputs were real ones"),)


_WHOLE = (
    "types: Long, Int",
    "indices must be long",
    "dtype int32/int64 for index",
    "dtype int32 or int64 for index",
    "LongTensor",
)


def mask(outcome: Outcome, sides: Sides, limit: float) -> tuple[Hint, ...]:
    """A hint if the claim holds on the same trials once all that booleans mask is there."""
    trials, found = sides.trials, outcome.counterexample
    masks = [i for i, leaf in enumerate(trials.inputs) if leaf.dtype == torch.bool]
    if found is None or found.region != GENERIC or sides.prop.arity != 1:
        return ()
    absent = [i for i in masks if not bool(trials.inputs[i].all())]
    if not absent:
        return ()
    chosen = trials.few(len(trials.inputs[0])) if bool(trials.random.any()) else torch.arange(0)
    x = [torch.ones_like(leaf) if i in absent else leaf for i, leaf in enumerate(trials.x(chosen))]
    if not len(chosen):
        return ()
    swept = Nearby(sides, x, trials.g[chosen].unsqueeze(1)).measured()
    signal = torch.where(sides.signal > 0, sides.signal, 1.0)
    if not bool((swept.error / signal <= limit).all()):
        return ()
    cause = "padding that leaks: a mask that a layer forgets, a mean over padded entries, a place counted from the front"
    return (Hint("mask", cause, f"with nothing masked all {len(chosen)} of the trials that were tried hold"),)
