"""The conformance kit: whether a group, a rep or a domain keeps its promises. For those who add one, here or in their own code.

    from symcheck.testing import check_domain, check_group, check_rep

    def test_my_group():
        check_group(MyGroup(5))

Each raises AssertionError that names the law, the worst element in words and by how much it is off. Laws hold exactly for
integers and to rounding for others: an error is measured in roundings of the numbers that go into it.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Generator, Tensor

from symcheck._tree import Args, Leaves, Structure, flatten
from symcheck.domains import Domain
from symcheck.errors import GroupError
from symcheck.groups import Group, Monoid
from symcheck.groups.base import LISTED
from symcheck.reps import Rep, Shape

ROUNDINGS = 64.0
"""How many roundings of its operands, for each entry that is summed over, an exact law may be off by: a product of two
matrices that are each products themselves takes some ten."""

_EPS = float(torch.finfo(torch.float64).eps)
_TRIALS = 64


def check_group(group: Monoid, *, seed: int = 0) -> None:
    """Raise AssertionError unless a bound group keeps the laws of `Group`, or of `Monoid` if it has no inverses.

    >>> from symcheck.groups import SO
    >>> check_group(SO(3))
    """
    for law in (_elements, _associativity, _identity, _inverses, _algebra, _simplification, _inclusions, _order):
        law(group, Generator().manual_seed(seed))


def check_rep(rep: Rep, group: Monoid, shape: Shape, *, seed: int = 0) -> None:
    """Raise AssertionError unless a rep of a group acts on tensors of that shape as `Rep` promises.

    >>> from symcheck.groups import O
    >>> from symcheck.reps import Vector
    >>> check_rep(Vector(), O(3), (5, 3))
    """
    reason = rep.misfit(group, shape)
    if reason is not None:
        raise AssertionError(f"{rep} can't act on tensors of shape {shape} under {group}: {reason}.")
    rng = Generator().manual_seed(seed)
    g, h = group.sample(_TRIALS, rng), group.sample(_TRIALS, rng)
    x = rep.sample(group, shape, _TRIALS, rng)
    if not rep.exact:  # only where it is one: after one action by the identity
        x = rep.act(group, group.identity(_TRIALS), x)
    y = rep.act(group, g, x)
    if y.shape != x.shape:
        raise AssertionError(
            f"{rep} turns tensors of shape {tuple(x.shape[1:])} into {tuple(y.shape[1:])}; it must keep the shape."
        )
    if y.dtype != x.dtype:
        raise AssertionError(f"{rep} turns {x.dtype} into {y.dtype}; it must keep the dtype.")
    once, twice = rep.act(group, group.compose(g, h), x), rep.act(group, g, rep.act(group, h, x))
    if rep.exact:
        _agree(f"{rep}: act(g h, x) == act(g, act(h, x))", once, twice, group, g, x, g, h)
    _agree(f"{rep}: act(identity, x) == x", rep.act(group, group.identity(_TRIALS), x), x, group, g, x)
    if rep.linear and x.is_floating_point():
        z = rep.sample(group, shape, _TRIALS, rng)
        _agree(f"{rep}: act(g, 2 x + z) == 2 act(g, x) + act(g, z)",
            rep.act(group, g, 2 * x + z), 2 * y + rep.act(group, g, z), group, g, x, z, g)  # fmt: skip
    if rep.trivial and not torch.equal(y, x):
        raise AssertionError(f"{rep} says that it is trivial, but {group.describe(g[0])} changes a tensor.")


def check_domain(domain: Domain, *, seed: int = 0) -> None:
    """Raise AssertionError unless a domain supplies inputs as `Domain` promises.

    >>> from symcheck.domains import Grid
    >>> check_domain(Grid(channels=2, size=(4, 6)))
    """
    x, structure = _sample(domain, seed)
    for leaf, name in zip(x, structure.names(), strict=True):
        good = leaf.device.type == "cpu" and (leaf.dtype == torch.float64 or not leaf.is_floating_point())
        if not good:
            raise AssertionError(
                f"{domain}: leaf '{name}' is {leaf.dtype} on {leaf.device}; samples are float64, or not floating, on the CPU."
            )
        if not leaf.ndim or len(leaf) != _TRIALS:
            raise AssertionError(f"{domain}: leaf '{name}' of {_TRIALS} inputs has shape {tuple(leaf.shape)}.")
    again, other = _sample(domain, seed)[0], _sample(domain, seed + 1)[0]
    if not _equal(x, again):
        raise AssertionError(f"{domain}: two samples from one seed differ. Draw all random numbers from the `rng` given.")
    varies = [i for i in range(len(x)) if i not in domain.fixed]
    if varies and _equal(x, other):
        raise AssertionError(f"{domain}: samples from two seeds are equal. Draw them from the `rng` given.")
    for i in domain.fixed:
        if not torch.equal(x[i], x[i][:1].expand_as(x[i])):
            raise AssertionError(f"{domain}: leaf {i} is said to be fixed, and differs from input to input.")
    trees = domain.structured(domain.layout).items()
    for name, tree in [*trees, *((name, _at(domain, layout)) for name, layout in domain.boundaries.items())]:
        leaves, outline = flatten(Args.of(tree))
        if outline != structure:
            raise AssertionError(f"{domain}: '{name}' is {outline}; a sample is {structure}.")
        shapes = [tuple(leaf.shape[1:]) for leaf in leaves]
        expected = [tuple(leaf.shape[1:]) for leaf in x]
        if name not in domain.boundaries and shapes != expected:
            raise AssertionError(f"{domain}: '{name}' has shapes {shapes}; samples have {expected}.")
    if domain.unites:
        _unites(domain, x, structure)


def _sample(domain: Domain, seed: int) -> tuple[Leaves, Structure]:
    return flatten(Args.of(domain.sample(domain.layout, _TRIALS, Generator().manual_seed(seed))))


def _at(domain: Domain, layout: Any) -> Any:
    return domain.sample(layout, 2, Generator().manual_seed(0))


def _equal(a: Leaves, b: Leaves) -> bool:
    return all(torch.equal(one, other) for one, other in zip(a, b, strict=True))


def _unites(domain: Domain, x: Leaves, structure: Structure) -> None:
    """What is split again is what was joined, where a leaf counts the things that are joined."""
    union = domain.collate(structure.rebuild([leaf[:3] for leaf in x]))
    joined, _ = flatten(Args.of(union))
    for leaf, whole in zip(x, joined, strict=False):
        if leaf.is_floating_point() and leaf.ndim > 1 and whole.shape == (3 * leaf.shape[1], *leaf.shape[2:]):
            (back,), _ = flatten(domain.split(whole, 3))
            if not torch.equal(back, leaf[:3]):
                raise AssertionError(f"{domain}: split(collate(x)) isn't x.")


def _elements(group: Monoid, rng: Generator) -> None:
    """Samples, landmarks and generators are elements, of the shape that is said, and follow from the seed."""
    g = group.sample(_TRIALS, rng)
    kinds = {"sample": g, "landmarks": group.landmarks(), "generators": group.generators(), "identity": group.identity(3)}
    for name, elements in kinds.items():
        shape = tuple(elements.shape[1:])
        if shape != group.element:
            raise AssertionError(f"{group}: {name} have shape {shape}; `element` says {group.element}.")
        wrong = (~group.contains(elements)).nonzero().flatten().tolist()
        if wrong:
            raise AssertionError(f"{group}: {name} hold what `contains` doesn't accept: {elements[wrong[0]].tolist()}.")
    twice = [group.sample(5, Generator().manual_seed(7)) for _ in range(2)]
    if not torch.equal(*twice):
        raise AssertionError(f"{group}: two samples from one seed differ. Draw all random numbers from the `rng` given.")


def _associativity(group: Monoid, rng: Generator) -> None:
    g, h, k = (group.sample(_TRIALS, rng) for _ in range(3))
    left, right = group.compose(g, group.compose(h, k)), group.compose(group.compose(g, h), k)
    _same(f"{group}: g (h k) == (g h) k", left, right, group, g, g, h, k)


def _identity(group: Monoid, rng: Generator) -> None:
    g, one = group.sample(_TRIALS, rng), group.identity(_TRIALS)
    _same(f"{group}: g 1 == g", group.compose(g, one), g, group, g, g)
    _same(f"{group}: 1 g == g", group.compose(one, g), g, group, g, g)


def _inverses(group: Monoid, rng: Generator) -> None:
    if isinstance(group, Group):
        g = group.sample(_TRIALS, rng)
        back, one = group.inverse(g), group.identity(_TRIALS)
        _same(f"{group}: g g^-1 == 1", group.compose(g, back), one, group, g, g, back)
        _same(f"{group}: g^-1 g == 1", group.compose(back, g), one, group, g, g, back)


def _algebra(group: Monoid, rng: Generator) -> None:
    """What lies near the identity are elements, and steps in one direction add up."""
    if isinstance(group, Group) and group.dimension:
        v = 0.1 * torch.randn(_TRIALS, group.dimension, generator=rng, dtype=torch.float64)
        near = group.exponential(v)
        alone = torch.cat([group.exponential(one.unsqueeze(0)) for one in v])  # which torch computes in another way
        if not bool(group.contains(torch.cat([near, alone])).all()):
            raise AssertionError(f"{group}: an exponential of its algebra is no element.")
        twice = group.compose(near, near)
        _same(f"{group}: exp(v) exp(v) == exp(2 v)", twice, group.exponential(2 * v), group, near, near, near)


def _simplification(group: Monoid, rng: Generator) -> None:
    """Every candidate is an element and simpler: or a shrinker would never end."""
    cost = float(group.complexity(group.identity(1)))
    if cost != 0:
        raise AssertionError(f"{group}: the complexity of the identity is {cost:g}, and has to be 0.")
    for g in group.sample(4, rng):
        own, candidates = float(group.complexity(g.unsqueeze(0))), group.simpler(g)
        if not bool(group.contains(candidates).all()):
            raise AssertionError(f"{group}: something simpler than {group.describe(g)} is no element.")
        least = group.complexity(candidates)
        if not bool((least < own).all()):
            raise AssertionError(f"{group}: {group.describe(g)} ({own}) has candidates of complexity {least.max()}.")


def _inclusions(group: Monoid, rng: Generator) -> None:
    for inclusion in group.subgroups():
        g, h = inclusion.source.sample(_TRIALS, rng), inclusion.source.sample(_TRIALS, rng)
        images = inclusion(g), inclusion(h)
        if not bool(group.contains(images[0]).all()):
            raise AssertionError(f"{group}: the inclusion of {inclusion} leaves it.")
        whole = inclusion(inclusion.source.compose(g, h))
        _same(f"{group}: the inclusion of {inclusion} keeps products", whole, group.compose(*images), group, images[0], *images)


def _order(group: Monoid, rng: Generator) -> None:
    """A finite group lists as many elements as its order says, each once."""
    try:
        if group.order > LISTED:
            return
    except GroupError:
        return
    every = group.elements()
    distinct = len(set(map(str, every.tolist())))
    if not distinct == len(every) == group.order:
        raise AssertionError(f"{group}: order {group.order}, but {distinct} of {len(every)} elements differ.")


def _same(law: str, left: Tensor, right: Tensor, group: Monoid, g: Tensor, *operands: Tensor) -> None:
    _rounding(law, group.distance(left, right), left, group, g, *operands)


def _agree(law: str, left: Tensor, right: Tensor, group: Monoid, g: Tensor, x: Tensor, *operands: Tensor) -> None:
    gap = (left - right).abs() if left.is_floating_point() or left.is_complex() else (left != right)
    _rounding(law, gap.double().reshape(len(gap), -1).amax(-1), left, group, g, x, *operands)


def _rounding(law: str, gap: Tensor, left: Tensor, group: Monoid, g: Tensor, *operands: Tensor) -> None:
    exact = not (left.is_floating_point() or left.is_complex())
    width = max(left.shape[-1] if left.ndim > 1 else 1, 1)
    size = math.prod(max(1.0, float(t.abs().max())) for t in operands if t.numel())
    worst = int(gap.nan_to_num(nan=math.inf).argmax())
    allowed = 0.0 if exact else ROUNDINGS * width * _EPS * size
    fine = bool((gap <= allowed).all())
    if not fine:
        raise AssertionError(
            f"{law} is off by {gap[worst]:.2g}, rounding explains {allowed:.2g}, for g = {group.describe(g[worst])}."
        )
