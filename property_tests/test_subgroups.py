"""What still holds of a violated claim: the largest declared subgroups, and each factor of a product on its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from models import cnn, egnn
from symcheck import Claim
from symcheck.domains import Grid, Joint, PointCloud, Set
from symcheck.engine import Judged, Outcome, Settings, examine
from symcheck.engine.policy import Policy
from symcheck.engine.subgroups import _elements, _within
from symcheck.groups import Group, Translations, from_string


def outcome(model: Any, group: str, domain: Any, inputs: Any, outputs: Any = "scalar") -> Outcome:
    claim = Claim(model, group, domain=domain, inputs=inputs, outputs=outputs)
    return judged(claim)


def judged(claim: Claim) -> Outcome:
    (found,) = (event.outcome for event in examine(claim, Settings(trials=128)) if isinstance(event, Judged))
    return found


def radii(x: Tensor) -> Tensor:
    return x.square().sum(-1).exp().neg().exp().sum(-1)


@pytest.mark.parametrize(
    ("model", "group", "expected"),
    [
        (lambda x: radii(x) + torch.linalg.det(x[..., :3, :]), "O(3)", ("SO(3)",)),
        (lambda x: radii(x) + x[..., 2].square().sum(-1), "SO(3)", ("O(2) about z",)),
        (lambda x: radii(x) + x[..., 2].sum(-1), "SO(3)", ("SO(2) about z",)),
        (lambda x: radii(x) + x[..., 0].sum(-1) + 2 * x[..., 2].sum(-1), "SO(3)", ()),
        (radii, "E(3)", ("O(3)",)),
        (lambda x: radii(x - x.mean(-2, keepdim=True)) + x.diff(dim=-2)[..., 0].square().sum(-1), "E(3)", ("T(3)",)),
    ],
    ids=["mirrors", "about z, squared", "about z", "nothing", "off the origin", "translations"],
)
def test_the_largest_subgroup_that_holds(model: Any, group: str, expected: tuple[str, ...]) -> None:
    found = outcome(model, group, PointCloud(5), "point" if group == "E(3)" else "vector")
    assert found.verdict.name == "VIOLATED"
    assert set(found.holding) <= set(expected)
    assert bool(found.holding) == bool(expected)


def test_a_subgroup_within_another_is_left_out_in_a_product_too() -> None:
    """Events whose squared lengths are Euclidean, in an order that ties break."""

    def loudest(x: Tensor) -> Tensor:
        return radii(x) + x.norm(dim=-1).cumsum(-1)[..., 0]

    momenta = outcome(loudest, "SO+(1,3) x S_n", PointCloud(5, dim=4), "permute * four_vector")
    assert "SO(3)" in momenta.holding
    assert "SO(2) about z" not in momenta.holding


def test_strides_leave_the_shifts_by_their_multiples() -> None:
    def strided(x: Tensor) -> Tensor:
        return x[..., ::2, ::2].square().sum((-3, -2, -1))

    assert outcome(strided, "Z_N^2", Grid(1, (8, 8)), "roll").holding == ("shifts by multiples of 2",)
    assert outcome(lambda x: x[..., ::2].square().sum((-3, -2, -1)), "Z_N^2", Grid(1, (8, 8)), "roll").holding == (
        "shifts by multiples of 2",
        "shifts along axis 0",
    )


@pytest.mark.parametrize(("step", "size"), [(3, 12), (8, 32), (32, 256)])
def test_strides_of_any_size_are_told(step: int, size: int) -> None:
    found = outcome(lambda x: x[..., ::step].square().sum((-2, -1)), "Z_N", Grid(1, (size,)), "roll(axes=(-1,))")
    assert found.holding == (f"shifts by multiples of {step}",)
    assert [hint.kind for hint in found.hints] == ["stride"]


@pytest.mark.parametrize("group", [Translations((12, 8)), Translations((256, 256))])
def test_shifts_that_lie_in_others_are_left_out(group: Translations) -> None:
    coarse = {str(f): f for f in group.subgroups()}  # of the larger grid too many to list
    two, four, rows = (coarse[name] for name in ("shifts by multiples of 2", "shifts by multiples of 4", "shifts along axis 0"))
    assert _within(two, four, four(four.source.generators()))
    assert not _within(four, two, two(two.source.generators()))
    assert not _within(two, rows, rows(rows.source.generators()))
    assert not _within(rows, two, two(two.source.generators()))
    assert _within(rows, rows, rows(rows.source.generators()))


def test_one_of_two_mirrors_that_holds_is_told() -> None:
    def sideways(x: Tensor) -> Tensor:
        return (x * torch.arange(6.0).to(x).unsqueeze(-1)).sum((-3, -2, -1))

    assert outcome(sideways, "Flips(2)", Grid(1, (6, 6)), "flip").holding == ("flips of 1 alone",)


@pytest.mark.parametrize("group", ["p4", "p4m", "pm"])
def test_a_pooled_group_network_keeps_turns_and_shifts_by_its_stride(group: str) -> None:
    def pooled(x: Tensor) -> Tensor:
        return avg_pool2d(x.pow(3), 2).square().amax((-2, -1))

    found = outcome(pooled, group, Grid(1, (8, 8)), "image")
    assert found.holding == (f"{group}(8) with shifts by multiples of 2",)
    assert [hint.kind for hint in found.hints] == ["stride"]


@pytest.mark.parametrize(("axis", "expected"), [(-1, "shifts along axis 0"), (-2, "shifts along axis 1")])
def test_a_mirror_and_the_shifts_of_one_axis_are_told_of_a_plane_group(axis: int, expected: str) -> None:
    mirrors = {-1: "D_1 (line at 90 deg)", -2: "D_1"}  # the one that leaves the place along that axis
    found = outcome(lambda x: x.cumsum(axis).pow(3).sum((-3, -2, -1)), "p4m", Grid(1, (8, 8)), "image")
    assert found.holding == (expected, mirrors[axis])


def test_a_plane_group_beside_another_group_says_what_is_left() -> None:
    found = outcome(lambda x: avg_pool2d(x.pow(2), 2).square().amax((-2, -1)), "p4m x Flips(1)", Grid(1, (4, 4)), _SIGNED)
    assert found.holding == ("p4m(4) with shifts by multiples of 2 x Flips(1)",)
    assert {factor.group for factor in found.factors} == {"p4m(4)", "Flips(1)"}
    (hint,) = (hint for hint in found.hints if hint.kind == "stride")
    assert hint.cause == "a stride, a pooling or a grid of patches of 2 samples"


_SIGNED = "image * factor(sign, index=1)"


def test_shifts_by_all_of_the_shorter_side_are_told() -> None:
    found = outcome(lambda x: x[..., ::4, ::4].square().sum((-3, -2, -1)), "Z_N^2", Grid(1, (16, 4)), "roll")
    assert found.holding == ("shifts by multiples of 4",)


def test_no_coarser_shifts_are_taken_for_finer_ones() -> None:
    """Half of the shifts by 2 are shifts by 4: a few random ones may all be."""

    def pooled(x: Tensor) -> Tensor:
        return x.pow(3).sum((-2, -1)).unflatten(-1, (2, 4)).mean(-1).amax(-1)

    channels = "factor(image, index=0) * factor(roll(axes=(-3,)), index=1)"
    for seed in range(4):
        claim = Claim(pooled, "D_4 x Z_8", domain=Grid(8, (3, 3)), inputs=channels, outputs="scalar")
        (found,) = (e.outcome for e in examine(claim, Settings(trials=64, seed=seed)) if isinstance(e, Judged))
        assert found.holding == ("D_4 x shifts by multiples of 4",)


@pytest.mark.parametrize(
    "name", ["p4m(4)", "pmm(4, 6)", "p4m(2) x Flips(1)", "D_4 x Z_8", "D_4 x S_3", "Flips(2) x S_3", "B_3", "S_4"]
)
def test_a_finite_subgroup_is_tried_by_elements_that_generate_it(name: str) -> None:
    """Else a subgroup of it that holds would pass for it by chance."""
    for inclusion in from_string(name).subgroups():
        source = inclusion.source
        assert isinstance(source, Group)
        rng = torch.Generator().manual_seed(0)
        tried = _elements(inclusion, Policy(), rng)[: len(source.generators())]
        assert len(_reached(source, tried)) == source.order, str(inclusion)


def _reached(group: Group, generators: Tensor) -> Tensor:
    """All products of them."""
    found = torch.cat([group.identity(1), generators]).unique(dim=0)
    while True:
        pairs = group.compose(
            found.repeat_interleave(len(generators), 0), generators.repeat(len(found), *[1] * (found.ndim - 1))
        )
        more = torch.cat([found, pairs]).unique(dim=0)
        if len(more) == len(found):
            return found
        found = more


def test_orders_that_are_read() -> None:
    cyclic = outcome(lambda x: (x * x.roll(1, -2)).sum((-2, -1)), "S_n", Set(6, 2), "permute")
    assert cyclic.holding == ("cyclic shifts", "the reversal")
    first = outcome(lambda x: x.square().sum((-2, -1)) + x[..., 0, 0], "S_n", Set(6, 2), "permute")
    assert first.holding == ("S_5, the first in place",)
    causal = outcome(lambda x: x.cumsum(-2).square().sum((-2, -1)), "S_n", Set(6, 2), "permute")
    assert causal.holding == ()


def test_a_claim_that_holds_lists_nothing() -> None:
    assert outcome(radii, "SO(3)", PointCloud(5), "vector").holding == ()


def test_the_reference_twins_say_what_is_left() -> None:
    names = ("egnn.axis_weighted", "cnn.max_pooled_classifier", "cnn.zero_padded_classifier")
    left = {twin.subject.name: judged(twin).holding for twin in (*egnn.TWINS, *cnn.TWINS) if twin.subject.name in names}
    assert [name.rpartition("_")[0] for name in left["egnn.axis_weighted"]] == ["T(3) x S"]
    assert left["cnn.max_pooled_classifier"] == ("shifts by multiples of 2",)
    assert left["cnn.zero_padded_classifier"] == ()


# Factors


def cloud(h: Tensor, x: Tensor) -> Tensor:
    return (h.sum(-1) * x.square().sum(-1).exp().neg().exp()).sum(-1)


@pytest.mark.parametrize(
    ("model", "broken"),
    [
        (lambda h, x: cloud(h, x) + x[..., 0].sum(-1), {"O(3)"}),
        (lambda h, x: cloud(h, x) + (x.norm(dim=-1) * torch.arange(4.0).to(x)).sum(-1), {"S_4"}),
        (lambda h, x: cloud(h, x) + x[..., 0, 0], {"O(3)", "S_4"}),
        (cloud, set()),
    ],
    ids=["rotations", "permutations", "both", "neither"],
)
def test_each_factor_of_a_product_is_told_apart(model: Any, broken: set[str]) -> None:
    domain = Joint(Set(4, 2), PointCloud(4))
    found = outcome(model, "O(3) x S_n", domain, ("permute", "permute * vector"))
    assert found.verdict.name == ("VIOLATED" if broken else "HOLDS")
    assert {factor.group for factor in found.factors if factor.violating} == broken
    assert {factor.group for factor in found.factors} == {"O(3)", "S_4"}
    assert all(factor.trials == 64 for factor in found.factors)
    assert set(found.holding) >= ({"O(3)", "S_4"} - broken if broken else set())


def test_small_groups_are_tried_whole() -> None:
    found = outcome(lambda x: x.square().sum((-3, -2, -1)), "C_4", Grid(1, (6, 6)), "image")
    assert found.verdict.name == "HOLDS"
    assert found.random_trials == 128
    seen = []

    def watch(x: Tensor) -> Tensor:
        seen.append(len(x))
        return x[..., 0, 0].square().sum(-1) + x[..., 0, -1].square().sum(-1)

    broken = outcome(watch, "C_4", Grid(1, (6, 6)), "image")
    assert broken.counterexample is not None
    assert "90 deg" in broken.counterexample.element
