"""The conformance kit over the whole catalogue, and each of its laws made to fail by what breaks it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from symcheck import domains, groups, reps
from symcheck.domains import Domain, Layout, PointCloud
from symcheck.groups import SO, Homomorphism, Monoid, Symmetric, Translations
from symcheck.reps import Permute, Rep, Scalar, Shape, Vector
from symcheck.testing import check_domain, check_group, check_rep

GROUPS = [group for kind in groups.CATALOGUE for group in kind.examples()]
REPS = [case for kind in reps.CATALOGUE for case in kind.examples()]
DOMAINS = [domain for kind in domains.CATALOGUE for domain in kind.examples()]


@pytest.mark.parametrize("group", GROUPS, ids=str)
@pytest.mark.parametrize("seed", [0, 1])
def test_groups_keep_their_laws(group: Monoid, seed: int) -> None:
    check_group(group, seed=seed)


@pytest.mark.parametrize(("rep", "group", "shape"), REPS, ids=str)
def test_reps_keep_their_laws(rep: Rep, group: Monoid, shape: Shape) -> None:
    check_rep(rep, group, shape)


@pytest.mark.parametrize("domain", DOMAINS, ids=str)
def test_domains_keep_their_promises(domain: Domain) -> None:
    check_domain(domain)


class _Quotient(SO):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return g @ h.mT


class _Shifted(Translations):
    def identity(self, n: int) -> Tensor:
        return torch.ones(n, len(self.size), dtype=torch.int64)


class _OwnInverse(Symmetric):
    def inverse(self, g: Tensor) -> Tensor:
        return g


class _Single(SO):
    def compose(self, g: Tensor, h: Tensor) -> Tensor:
        return (g.float() @ h.float()).double()


class _Unseeded(Symmetric):
    def sample(self, n: int, rng: Generator) -> Tensor:
        return torch.rand(n, self.element[0]).argsort(-1)


class _Stretched(SO):
    def sample(self, n: int, rng: Generator) -> Tensor:
        return 1.001 * super().sample(n, rng)


class _Endless(Symmetric):
    def simpler(self, g: Tensor) -> Tensor:
        return g.unsqueeze(0)


class _Doubled(Symmetric):
    @property
    def order(self) -> int:
        return 2 * super().order


class _Wrong(Symmetric):
    def subgroups(self) -> tuple[Homomorphism, ...]:
        return (Homomorphism(Symmetric(self.element[0]), self, lambda g: g.argsort(-1), "the inverses"),)


class _Halved(SO):
    def exponential(self, v: Tensor) -> Tensor:
        return super().exponential(v * v)


class _Flat(SO):
    @property
    def element(self) -> tuple[int, ...]:
        return (9,)


class _Costly(SO):
    def complexity(self, g: Tensor) -> Tensor:
        return super().complexity(g) + 1


class _Leaving(SO):
    def simpler(self, g: Tensor) -> Tensor:
        return torch.zeros(1, *g.shape, dtype=g.dtype)


class _Grown(SO):
    def exponential(self, v: Tensor) -> Tensor:
        return 1.001 * super().exponential(v)


class _Outside(SO):
    def subgroups(self) -> tuple[Homomorphism, ...]:
        return (Homomorphism(SO(3), self, lambda g: 2 * g, "twice"),)


BROKEN_GROUPS: list[tuple[Monoid, str]] = [
    (_Quotient(3), "g (h k) == (g h) k is off by"),
    (_Single(3), "g (h k) == (g h) k is off by"),
    (_Shifted((5,)), "g 1 == g"),
    (_OwnInverse(5), "g g^-1 == 1"),
    (_Unseeded(5), "two samples from one seed differ"),
    (_Stretched(3), "hold what `contains` doesn't accept"),
    (_Endless(5), "has candidates of complexity"),
    (_Doubled(3), "S_3: order 12, but 6 of 6 elements differ"),
    (_Wrong(4), "the inclusion of the inverses keeps products"),
    (_Halved(3), "exp(v) exp(v) == exp(2 v)"),
    (_Flat(3), "`element` says (9,)"),
    (_Costly(3), "SO(3): the complexity of the identity is 1, and has to be 0."),
    (_Leaving(3), "is no element."),
    (_Grown(3), "SO(3): an exponential of its algebra is no element."),
    (_Outside(3), "SO(3): the inclusion of twice leaves it."),
]


@pytest.mark.parametrize(("group", "text"), BROKEN_GROUPS, ids=[type(group).__name__ for group, _ in BROKEN_GROUPS])
def test_a_broken_group_is_caught_by_the_law_that_it_breaks(group: Monoid, text: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_group(group)
    assert text in str(caught.value)


class _Inverse(Vector):
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return super().act(group, g.mT, x)


class _Squared(Vector):
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return super().act(group, g, x) * x.norm(dim=-1, keepdim=True) / x.norm(dim=-1, keepdim=True).detach().clamp(max=1)


class _Cut(Vector):
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return super().act(group, g, x)[..., :2]


class _Narrow(Vector):
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return super().act(group, g, x).float()


class _Trivial(Vector):
    trivial = True


class _Biased(Vector):
    def act(self, group: Monoid, g: Tensor, x: Tensor) -> Tensor:
        return super().act(group, g, x - 1) + 1


BROKEN_REPS: list[tuple[Rep, str]] = [
    (_Inverse(), "act(g h, x) == act(g, act(h, x)) is off by"),
    (_Squared(), "act("),
    (_Cut(), "it must keep the shape"),
    (_Narrow(), "it must keep the dtype"),
    (_Trivial(), "says that it is trivial"),
    (_Biased(), "act(g, 2 x + z)"),
]


@pytest.mark.parametrize(("rep", "text"), BROKEN_REPS, ids=[type(rep).__name__ for rep, _ in BROKEN_REPS])
def test_a_broken_rep_is_caught_by_the_law_that_it_breaks(rep: Rep, text: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_rep(rep, SO(3), (4, 3))
    assert text in str(caught.value)


def test_a_rep_that_does_not_fit_is_told() -> None:
    with pytest.raises(AssertionError, match="can't act on tensors of shape"):
        check_rep(Permute(), SO(3), (4, 3))
    with pytest.raises(AssertionError, match="is off by 1"):
        check_rep(type("Moving", (Scalar,), {"act": lambda self, group, g, x: x + 1})(), SO(3), (4,))  # fmt: skip


@dataclass(frozen=True)
class _Cloud(Domain):
    """A domain with one fault, by name."""

    fault: str

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        if self.fault == "unseeded":
            return torch.rand(n, 3, dtype=torch.float64)
        if self.fault == "constant":
            return torch.ones(n, 3, dtype=torch.float64)
        x = torch.randn(n, 3, generator=rng, dtype=torch.float64)
        return {"single": x.float(), "short": x[:-1]}.get(self.fault, x)

    @property
    def fixed(self) -> frozenset[int]:
        return frozenset({0}) if self.fault == "fixed" else frozenset()

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        return (
            {"zeros": torch.zeros(1, 4)}
            if self.fault == "shape"
            else {"zeros": (torch.zeros(1, 3),) * 2}
            if self.fault == "structure"
            else {}
        )

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        return []


class _Torn(domains.Graph):
    def split(self, y: Any, n: int) -> Any:
        return super().split(y.flip(0), n)


BROKEN_DOMAINS: list[tuple[Domain, str]] = [
    (_Cloud("unseeded"), "two samples from one seed differ"),
    (_Cloud("constant"), "samples from two seeds are equal"),
    (_Cloud("single"), "samples are float64"),
    (_Cloud("short"), "of 64 inputs has shape (63, 3)"),
    (_Cloud("fixed"), "is said to be fixed"),
    (_Cloud("shape"), "'zeros' has shapes"),
    (_Cloud("structure"), "a sample is"),
    (_Torn(4, 4), "split(collate(x)) isn't x"),
]


@pytest.mark.parametrize(("domain", "text"), BROKEN_DOMAINS, ids=[text for _, text in BROKEN_DOMAINS])
def test_a_broken_domain_is_caught_by_the_promise_that_it_breaks(domain: Domain, text: str) -> None:
    with pytest.raises(AssertionError) as caught:
        check_domain(domain)
    assert text in str(caught.value)


def test_a_sound_one_of_each_passes() -> None:
    check_group(SO(3))
    check_rep(Vector(), SO(3), (4, 3))
    check_domain(PointCloud(3))
    check_domain(_Cloud("none"))


def test_every_check_can_be_imported_from_the_package() -> None:
    import symcheck

    checks: list[Callable[..., None]] = [
        symcheck.testing.check_group,
        symcheck.testing.check_rep,
        symcheck.testing.check_domain,
    ]
    assert len(checks) == 3
