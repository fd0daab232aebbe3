"""Hypothesis strategies for tests of your own: elements of a group, inputs of a domain, trials of a claim.

    from hypothesis import given
    from symcheck.strategies import trials

    @given(trials(claim))
    def test_the_model_is_equivariant(trial):
        left, right = trial.sides()
        torch.testing.assert_close(left, right)

Hypothesis draws the sizes of an input, and a few bytes for the input and for each element: whether it is plain, which of the
plain ones, and else a seed, from which torch draws the numbers, all at once: number by number, Hypothesis would give up at
some hundreds of them, and make most of them equal. Each draw takes the same choices in the same order, whatever comes of it,
so that failures shrink well: towards small sizes, the identity and the landmarks of the group, and inputs of zeros, ones and
whole numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisWarning
from hypothesis.strategies import SearchStrategy
from torch import Generator, Tensor

from symcheck._tree import Args, Leaves, Structure, flatten
from symcheck.claims import Claim, Model
from symcheck.domains import Domain, FromStrategy, Layout, Like
from symcheck.engine import Policy
from symcheck.engine.forward import ModelError
from symcheck.engine.measure import Known
from symcheck.engine.noise import rms
from symcheck.engine.probe import Setup, at_layout, check_applicable, settled
from symcheck.errors import ClaimError, DomainError, GroupError, SymcheckError, brief
from symcheck.groups import Group, Monoid, from_string
from symcheck.placement import Placement, all_placed, as_dtype, own_dtype, seeded, widened
from symcheck.properties import Property

PLAIN = 24  # so many plain elements, or inputs of one layout, there are at most
SHARE = 2 * PLAIN  # of 256 draws that are plain: with more, a test would miss what only others show
NEAR = 0.1  # the length of steps from the identity, in the Lie algebra: 6 degrees, where that is an angle

_CPU = torch.device("cpu")

Choice = bytes
"""The first, below SHARE, says which of the plain ones; at other times all of them are the seed of what is random."""

# One draw of bytes: of integers Hypothesis makes most small, and of a tuple's it repeats parts. Of 200 pairs of (kind, which,
# seed) 80 were different in their first half and random, of 200 pairs of bytes 125.
_choices: SearchStrategy[Choice] = st.binary(min_size=5, max_size=5)


def elements(group: Monoid | str) -> SearchStrategy[Tensor]:
    """Elements of a group: one at a time, a tensor of the shape `group.element`, without a batch axis, on the CPU.

    They shrink to the identity, to the landmarks of the group (quarter turns about an axis, one transposition, a shift by
    one), then to small steps along the axes of its Lie algebra. GroupError for a group without a size, such as S_n.

    >>> from hypothesis import given, settings
    >>> @settings(max_examples=20, database=None)
    ... @given(elements("SO(3)"))
    ... def test_rotations_keep_lengths(g):
    ...     assert abs(float((g @ torch.ones(3).double()).norm()) - 3**0.5) < 1e-12
    >>> test_rotations_keep_lengths()
    """
    group = from_string(group) if isinstance(group, str) else group
    if not isinstance(group, Monoid):
        raise GroupError(f"strategies.elements: {brief(group)} is no group. Use a name such as 'SO(3)'.")
    try:
        return _warning(_choices.map(_Elements(group).one))
    except GroupError as error:
        raise GroupError(
            f"strategies.elements: {error} Or draw whole trials of a claim, with strategies.trials(claim): inputs say the size."
        ) from None


def inputs(domain: Any, *, dtype: torch.dtype | str | None = None) -> SearchStrategy[Any]:
    """Inputs of a domain: one at a time, a tree as its samples are but without the axis that counts them, on the CPU.

    `domain` may be an example, as in `symcheck.check`. The sizes are drawn too, from `domain.layouts()`; `At(domain, layout)`
    holds them fixed. Floating-point tensors come in `dtype`, by default in that of the user's example, or else in float64.
    They shrink to the smallest sizes, then to zeros, ones and whole numbers, then to the domain's structured inputs.

    >>> from hypothesis import given, settings
    >>> from symcheck.domains import Set
    >>> @settings(max_examples=20, database=None)
    ... @given(inputs(Set(points=6, features=2)))
    ... def test_sums_do_not_depend_on_the_order(x):
    ...     assert torch.allclose(x.sum(0), x.flip(0).sum(0))
    >>> test_sums_do_not_depend_on_the_order()
    """
    domain = domain if isinstance(domain, Domain) else Like(domain)
    if isinstance(domain, FromStrategy):
        raise DomainError(f"{domain} draws its inputs by a strategy already. Use that one in place of inputs(...).")
    place = Placement(_CPU, as_dtype(dtype or domain.dtype or torch.float64))
    plain = _Inputs(domain)
    return _warning(st.tuples(domain.layouts(), _choices).map(lambda drawn: plain.one(*drawn, place)))


def trials(claim: Claim, *, prop: Property | None = None) -> SearchStrategy[Trial]:
    """Trials of a claim: one input and one element each, `x, g = trial`, with both sides of its equation by `trial.sides()`.

    The group is bound to the sizes of each input; in the place of sizes that the model or the group doesn't take, the
    domain's own come. `prop` is the property whose sides are meant, by default the claim's first. The model is loaded and tried
    when the first test begins, not before; ClaimError if it doesn't run on such inputs, or is random.

    >>> from hypothesis import given, settings
    >>> from symcheck.domains import PointCloud
    >>> lengths = Claim(lambda x: x.norm(dim=-1), "O(3)", domain=PointCloud(4), inputs="vector", outputs="scalar")
    >>> @settings(max_examples=20, database=None)
    ... @given(trials(lengths))
    ... def test_lengths_are_invariant(trial):
    ...     left, right = trial.sides()
    ...     torch.testing.assert_close(left, right)
    >>> test_lengths_are_invariant()
    """
    if not isinstance(claim, Claim):
        raise ClaimError(f"strategies.trials: {brief(claim)} is no Claim. Give a symcheck.Claim.")
    if isinstance(claim.domain, FromStrategy):
        raise DomainError(f"{claim.domain} can't run inside a test of Hypothesis. Give the claim a domain that draws by torch.")
    audited = _Audited(claim, prop or claim.properties[0])
    each = st.tuples(*[_choices] * audited.prop.arity)
    layouts = st.deferred(lambda: audited.setup.domain.layouts())
    return _warning(st.tuples(layouts, _choices, each).map(lambda drawn: audited.trial(*drawn)))


@dataclass(frozen=True, repr=False)
class Trial:
    """One input, a tree without the axis that counts inputs, and one element: `x, g = trial`.

    A property that takes several elements has them as a tuple.
    """

    x: Any
    g: Any
    layout: Layout
    _audited: _Audited = field(repr=False)

    def __iter__(self) -> Iterator[Any]:
        return iter((self.x, self.g))

    def sides(self, *, dtype: torch.dtype | str | None = None) -> tuple[Any, Any]:
        """Both sides of the claim's equation, which a model that has the property makes equal, to rounding.

        Trees as the model returns, or for a property that is about something else (gradients) tensors by name; float64, on
        the CPU. The model computes in `dtype`, by default in float64 if it runs there. The two sides of an inequality may
        differ by what `prop.allowance` says.
        """
        return self._audited.sides(self, dtype)

    def error(self, *, dtype: torch.dtype | str | None = None) -> float:
        """How far the two sides are apart: the RMS of the worst leaf's difference, in its own units. Made for `target()`."""
        left, right = (flatten(side)[0] for side in self.sides(dtype=dtype))
        return max(float(rms((_real(a) - _real(b)).unsqueeze(0))) for a, b in zip(left, right, strict=True))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # or Hypothesis prints its fields

    def __repr__(self) -> str:
        group, sizes = self._audited.here(self.layout)[0].bound.group, f"{dict(self.layout)}, " if self.layout else ""
        return f"Trial({sizes}g = {'; '.join(map(group.describe, _several(self.g)))}, x = {self.x})"


class _Elements:
    """One element at a time. GroupError for a group without a size."""

    def __init__(self, group: Monoid) -> None:
        self.group = group
        simpler = [group.simpler(g) for g in group.sample(4, Generator().manual_seed(0))]
        found = torch.cat([group.identity(1), group.landmarks(), *simpler]) + 0  # -0.0 + 0 is 0.0
        steps = group.exponential(NEAR * torch.eye(group.dimension).double())[: PLAIN // 3] if isinstance(group, Group) else ()
        each = {str(found[i].tolist()): found[i] for i in group.complexity(found).argsort(stable=True).tolist()}
        self.plain: list[Tensor] = [*list(each.values())[: PLAIN - len(steps)], *steps]

    def one(self, choice: Choice) -> Tensor:
        if choice[0] < SHARE:
            return self.plain[_which(choice) % len(self.plain)].clone()
        return self.group.sample(1, _rng(choice))[0]


class _Inputs:
    """One input at a time."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self._known: dict[str, tuple[list[Any], int]] = {}

    def one(self, layout: Layout, choice: Choice, place: Placement) -> Any:
        plain, count = self.known(layout)
        if choice[0] < SHARE:
            tree = plain[_which(choice) % len(plain)]
        else:
            tree = self.domain.sample(layout, count, _rng(choice))
        leaves, structure = flatten(tree)
        return _arguments(structure.rebuild([place.put(leaf[-1]).clone() for leaf in leaves]))  # a test may write into them

    def known(self, layout: Layout) -> tuple[list[Any], int]:
        """The plain inputs of a layout, a first sample and the structured ones; how many to draw for a random one, the last.

        Two where a sample begins with the user's own.
        """
        key = str(dict(layout))
        if key not in self._known:
            first, other = (self.domain.sample(layout, 1, _rng(bytes([seed]))) for seed in (0, 1))
            same = any(torch.equal(a, b) for a, b in zip(flatten(first)[0], flatten(other)[0], strict=True))
            plain = [*self.domain.plain(layout).values(), first, *self.domain.structured(layout).values()]
            self._known[key] = plain[:PLAIN], 2 if same else 1
        return self._known[key]


class _Audited:
    """A claim's model as it is called, at every layout."""

    def __init__(self, claim: Claim, prop: Property) -> None:
        self.claim, self.prop = claim, prop
        self._here: dict[str, tuple[Setup, _Elements]] = {}

    @cached_property
    def model(self) -> Model:
        return self.claim.subject.load(0)

    @cached_property
    def setup(self) -> Setup:
        """What a probe finds out. ClaimError if there is nothing to compare."""
        claim = self.claim
        working = Placement(_CPU, own_dtype(self.model) or claim.domain.dtype or torch.get_default_dtype())
        with self._running(working):
            setup, _ = settled(claim, self.model, working, 0, Policy())
            check_applicable(claim, self.prop, setup)
        if setup.unstable is not None:
            found = " ".join(one.text for one in setup.findings if one.kind == "training-mode")
            raise ClaimError(f"{claim.subject.name} is random, so no symmetry can be tested: {setup.unstable}. {found}".strip())
        return setup

    @cached_property
    def inputs(self) -> _Inputs:
        return _Inputs(self.setup.domain)

    def here(self, layout: Layout) -> tuple[Setup, _Elements]:
        """The model as it is called at a layout, or else at the domain's own, and the elements for its sizes."""
        key, own = str(dict(layout)), self.setup.domain.layout
        if key not in self._here:
            try:
                with self._running(self.setup.forward.placement):
                    setup = at_layout(self.claim, self.setup, layout, 0)
                self._here[key] = setup, _Elements(setup.bound.group)
            except SymcheckError:
                if layout == own:
                    raise
                self._here[key] = self.here(own)
        return self._here[key]

    def trial(self, layout: Layout, choice: Choice, choices: tuple[Choice, ...]) -> Trial:
        setup, known = self.here(layout)
        x = self.inputs.one(setup.domain.layout, choice, Placement(_CPU, torch.float64))
        g = tuple(map(known.one, choices))
        return Trial(x, g if len(g) > 1 else g[0], setup.domain.layout, self)

    def sides(self, trial: Trial, dtype: torch.dtype | str | None) -> tuple[Any, Any]:
        setup, _ = self.here(trial.layout)
        f = setup.at(setup.forward.placement if dtype is None else Placement(_CPU, as_dtype(dtype)))
        x, g = ([leaf.unsqueeze(0) for leaf in leaves] for leaves in (flatten(trial.x)[0], _several(trial.g)))
        with self._running(f.placement):
            left, right = self.prop.sides(Known(f, x, f.strict(x)), setup.bound, x, *g)
            if f.crashes:
                raise ModelError(next(iter(f.crashes.values())))
        names = self.prop.names(setup.names, setup.outputs, x)
        outline = f.output if names == setup.outputs else None
        return _tree(left, outline, names), _tree(right, outline, names)

    @contextmanager
    def _running(self, place: Placement) -> Iterator[None]:
        """The model placed, with random numbers that follow from nothing else: or Hypothesis calls the test flaky.

        ClaimError if the model raises.
        """
        try:
            with seeded(0), all_placed((self.model, *self.prop.held), place):
                yield
        except ModelError as error:
            raise ClaimError(f"{self.claim.subject.name} raised on an input of {self.claim.domain}: {error}.") from None


def _warning(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """The strategy, which says so where a test that asks for it can hardly fail."""

    def drawn(value: Any) -> Any:
        if settings().max_examples == 1:
            text = "max_examples=1 tries the simplest alone, the identity and zeros, at which hardly any model can fail"
            warnings.warn(f"{text}. Ask for 20 or more.", HypothesisWarning, stacklevel=2)
        return value

    return strategy.map(drawn)


def _which(choice: Choice) -> int:
    """Which of the plain ones. There are many ways to each: shrinkers lower one byte at a time, and don't try all values."""
    return choice[0] if choice[0] < PLAIN else sum(choice)


def _rng(choice: Choice) -> Generator:
    return Generator().manual_seed(int.from_bytes(choice, "big"))


def _arguments(x: Any) -> Any:
    """What stands for the arguments of a call: one alone, or a tuple of them; `Args` where some have names."""
    if not isinstance(x, Args) or x.kwargs:
        return x
    return x.args[0] if len(x.args) == 1 else x.args


def _several(g: Any) -> tuple[Tensor, ...]:
    return g if isinstance(g, tuple) else (g,)


def _tree(leaves: Leaves, outline: Structure | None, names: tuple[str, ...]) -> Any:
    """The leaves of one trial as the model's own tree, or by name."""
    single = [leaf[0].detach().cpu() for leaf in leaves]
    return outline.rebuild(single) if outline is not None else dict(zip(names, single, strict=True))


def _real(x: Tensor) -> Tensor:
    """In double precision, booleans as well."""
    return widened(x) if x.is_complex() else x.double()
