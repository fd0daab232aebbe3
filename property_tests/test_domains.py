"""Domains: the promises, for every domain of the catalogue by its own examples, and inputs made from the user's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from symcheck._tree import Args, Leaves, flatten
from symcheck.domains import CATALOGUE, Domain, Examples, Grid, Joint, Like, PointCloud, Set, Tensors
from symcheck.domains.base import Layout
from symcheck.errors import DomainError

EXAMPLES: list[Domain] = [domain for kind in CATALOGUE for domain in kind.examples()]
every_domain = pytest.mark.parametrize("domain", EXAMPLES, ids=str)


def rng(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def leaves(tree: Any) -> Leaves:
    return flatten(Args.of(tree))[0]


def draw(domain: Domain, n: int = 5, seed: int = 0) -> Leaves:
    return leaves(domain.sample(domain.layout, n, rng(seed)))


def shapes(tree: Any) -> list[torch.Size]:
    return [leaf.shape for leaf in leaves(tree)]


def same(left: Leaves, right: Leaves) -> bool:
    return all(torch.equal(mine, theirs) for mine, theirs in zip(left, right, strict=True))


# The promises


@every_domain
@pytest.mark.parametrize("n", [1, 4])
def test_a_sample_is_n_inputs_in_float64_on_the_cpu(domain: Domain, n: int) -> None:
    drawn = draw(domain, n)
    assert len(drawn) > 0
    for leaf in drawn:
        assert len(leaf) == n
        assert leaf.device.type == "cpu"
        assert leaf.dtype == torch.float64 or not leaf.is_floating_point()
        assert leaf.isfinite().all()
        assert not leaf.requires_grad


@every_domain
def test_the_shapes_do_not_depend_on_the_seed_or_the_number(domain: Domain) -> None:
    assert [leaf.shape[1:] for leaf in draw(domain, 2, seed=1)] == [leaf.shape[1:] for leaf in draw(domain, 7, seed=2)]


@every_domain
def test_a_sample_follows_from_the_seed_alone(domain: Domain) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = draw(domain, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert same(draw(domain, seed=3), first)
    assert not same(draw(domain, seed=4), first)


@every_domain
def test_inputs_differ(domain: Domain) -> None:
    drawn = [leaf for i, leaf in enumerate(draw(domain, 5)) if i not in domain.fixed]
    assert len(drawn) > 0
    for leaf in drawn:
        assert len(torch.unique(leaf, dim=0)) == 5


@every_domain
def test_fixed_leaves_are_the_same_in_every_sample(domain: Domain) -> None:
    for i in domain.fixed:
        assert torch.equal(draw(domain, 2, seed=1)[i], draw(domain, 2, seed=2)[i])
        assert torch.equal(*draw(domain, 2)[i])


@every_domain
def test_structured_inputs_have_the_structure_and_shapes_of_a_sample(domain: Domain) -> None:
    sample = domain.sample(domain.layout, 1, rng())
    for name, tree in domain.structured(domain.layout).items():
        assert name
        assert flatten(Args.of(tree))[1] == flatten(Args.of(sample))[1]
        assert shapes(tree) == shapes(sample)
        assert all(leaf.dtype == theirs.dtype for leaf, theirs in zip(leaves(tree), leaves(sample), strict=True))
        assert all(leaf.isfinite().all() for leaf in leaves(tree))


@every_domain
def test_structured_inputs_are_always_the_same(domain: Domain) -> None:
    once, again = domain.structured(domain.layout), domain.structured(domain.layout)
    assert all(same(leaves(once[name]), leaves(again[name])) for name in once)


@every_domain
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_every_layout_that_is_drawn_works(domain: Domain, data: st.DataObject) -> None:
    layout: Layout = data.draw(domain.layouts())
    assert set(layout) == set(domain.layout)
    sample = domain.sample(layout, 3, rng())
    assert all(len(leaf) == 3 and leaf.numel() > 0 for leaf in leaves(sample))
    one = domain.sample(layout, 1, rng())
    for tree in domain.structured(layout).values():
        assert shapes(tree) == shapes(one)
        assert all(leaf.isfinite().all() for leaf in leaves(tree))


@pytest.mark.parametrize("domain", [domain for domain in EXAMPLES if domain.layout], ids=str)
def test_layouts_shrink_to_the_smallest_and_reach_the_domain_s_own(domain: Domain) -> None:
    drawn: list[Layout] = []

    @settings(deadline=None, max_examples=200, database=None, derandomize=True)
    @given(domain.layouts())
    def collect(layout: Layout) -> None:
        drawn.append(layout)

    collect()
    assert dict.fromkeys(domain.layout, 1) in drawn
    assert dict(domain.layout) in drawn


@every_domain
def test_every_reading_draws_the_same_kind_of_input(domain: Domain) -> None:
    expected = flatten(Args.of(domain.sample(domain.layout, 2, rng())))[1]
    readings = domain.readings([1] * len(expected.names()))
    assert len(readings) > 0
    for reading in readings:
        assert flatten(Args.of(reading.sample(reading.layout, 2, rng())))[1] == expected


def test_the_promises_catch_a_careless_domain() -> None:
    """One that draws from torch's own random numbers, and all inputs alike."""

    class Careless(Set):
        def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
            return torch.randn(1, layout["points"], self.features, dtype=torch.float64).expand(n, -1, -1)

    for promise in (test_a_sample_follows_from_the_seed_alone, test_inputs_differ):
        with pytest.raises(AssertionError):
            promise(Careless(3, 2))


# What structured inputs are


def structured(domain: Domain) -> dict[str, Tensor]:
    return {name: tree[0] for name, tree in domain.structured(domain.layout).items()}


@pytest.mark.parametrize("points", [1, 2, 5, 8, 9, 28])
@pytest.mark.parametrize("features", [1, 3])
def test_sets_have_ties(points: int, features: int) -> None:
    found = structured(Set(points, features))
    assert not found["zeros"].any()
    one_hot = found["one-hot"]
    assert ((one_hot == 0) | (one_hot == 1)).all()
    assert one_hot.sum(-1).tolist() == [1.0] * min(points, features) + [0.0] * max(0, points - features)
    repeated = found["repeated elements"]
    assert len(torch.unique(repeated, dim=0)) == -(-points // 2)
    assert (found["equal norms"].norm(dim=-1) - 1).abs().max() <= 4 * torch.finfo(torch.float64).eps
    assert features == 1 or len(torch.unique(found["equal norms"], dim=0)) == points


@pytest.mark.parametrize("points", [2, 5, 8, 9, 28])
@pytest.mark.parametrize("dim", [1, 2, 3])
def test_point_clouds_are_degenerate(points: int, dim: int) -> None:
    found = structured(PointCloud(points, dim))
    lattice = found["integer lattice"]
    assert torch.equal(lattice, lattice.round())
    assert len(torch.unique(lattice, dim=0)) == points
    line = found["collinear points"]
    assert int(torch.linalg.matrix_rank(line - line[0])) == 1
    assert len(torch.unique(line, dim=0)) == points
    assert not found["planar points"][:, -1].any()
    assert int(torch.linalg.matrix_rank(found["planar points"])) < dim
    assert torch.equal(found["coincident points"][0], found["coincident points"][1])
    assert len(torch.unique(found["coincident points"], dim=0)) == -(-points // 2)


def test_planar_points_are_not_collinear() -> None:
    assert int(torch.linalg.matrix_rank(structured(PointCloud(8, 3))["planar points"])) == 2


def test_grids_have_an_impulse_and_the_highest_frequency() -> None:
    found = structured(Grid(2, (4, 6)))
    assert found["impulse"].sum((-1, -2)).tolist() == [1, 1]
    assert found["impulse"][:, 0, 0].tolist() == [1, 1]
    board = found["checkerboard"]
    assert torch.equal(board.roll(1, -1), 1 - board)
    assert torch.equal(board.roll(1, -2), 1 - board)


# Like: inputs like one example


def test_the_example_is_the_first_input() -> None:
    x = torch.rand(5, 3)
    drawn = draw(Like(x))[0]
    assert drawn.shape == (5, 5, 3)
    assert torch.equal(drawn[0], x.double())
    assert not torch.equal(drawn[1], x.double())


def test_an_example_read_as_a_batch_gives_its_first_row_first() -> None:
    x = torch.rand(5, 3)
    batch, whole = Like(x).readings([1])
    assert torch.equal(draw(batch, 7)[0][0], x[0].double())
    assert draw(batch, 7)[0].shape == (7, 3)
    assert draw(whole, 7)[0].shape == (7, 5, 3)


def test_inputs_have_the_mean_and_the_spread_of_the_example() -> None:
    x = 40 + 3 * torch.randn(6, 7, generator=rng(), dtype=torch.float64)
    numbers = draw(Like(x), 2_001)[0][1:]
    count, spread = numbers.numel(), float(x.std())
    # The mean of N normal numbers strays by 6 spreads / sqrt(N) once in a billion; their spread by 6 / sqrt(2 N) of itself.
    assert abs(float(numbers.mean() - x.mean())) < 6 * spread / math.sqrt(count)
    assert abs(float(numbers.std()) / spread - 1) < 6 / math.sqrt(2 * count)


@pytest.mark.parametrize("shape", [(), (1,), (7, 3), (16, 16), (3, 11, 13)], ids=str)
@pytest.mark.parametrize("value", [0.0, 1.0, -2.5, 0.1, 1 / 3, 1e6])
def test_an_example_of_equal_entries_gives_unit_normal_inputs(value: float, shape: tuple[int, ...]) -> None:
    example = torch.full(shape, value, dtype=torch.float64)
    drawn = draw(Like(example), 10_001)[0]
    assert torch.equal(drawn[0], example)
    numbers = drawn[1:]
    assert abs(float(numbers.mean())) < 6 / math.sqrt(numbers.numel())
    assert abs(float(numbers.std()) - 1) < 6 / math.sqrt(2 * numbers.numel())


MASK = torch.tensor([[1.0, 1, 0], [1, 0, 0], [1, 1, 1], [0, 1, 0]])
KEPT: list[tuple[str, Any, list[int]]] = [
    ("a mask of booleans", (torch.randn(4, 3), MASK.bool()), [1]),
    ("a mask of numbers", (torch.randn(4, 3), MASK), [1]),
    ("an adjacency of integers", (torch.randn(4, 3), MASK.long()), [1]),
    ("indices", (torch.arange(4), torch.randn(4, 2)), [0]),
    ("indices with a mask of numbers", (torch.arange(12).reshape(4, 3), MASK), [1]),
    ("indices with a mask of booleans", (torch.arange(12).reshape(4, 3), MASK.bool()), [1]),
]


@pytest.mark.parametrize(("example", "kept"), [case[1:] for case in KEPT], ids=[case[0] for case in KEPT])
def test_integers_and_masks_are_kept(example: Any, kept: list[int]) -> None:
    given_, drawn = leaves(example), draw(Like(example))
    for i, leaf in enumerate(given_):
        alike = [torch.equal(one, leaf.to(one.dtype)) for one in drawn[i]]
        assert alike[0]
        assert all(alike) == (i in kept)


def test_integers_alone_are_drawn_from_their_own_entries() -> None:
    tokens = torch.tensor([[3, 7, 7], [12, 3, 3]])
    drawn = draw(Like(tokens), 50)[0]
    assert drawn.dtype == torch.int64
    assert set(drawn.flatten().tolist()) == {3, 7, 12}
    assert len(torch.unique(drawn, dim=0)) > 1


def test_complex_inputs_stay_complex() -> None:
    drawn = draw(Like(torch.complex(torch.randn(3), torch.randn(3))))[0]
    assert drawn.dtype == torch.complex128
    assert drawn.imag.std() > 0


def test_rows_of_a_kept_mask_stay_with_their_rows() -> None:
    """Read as a batch, the leaves that are kept are dealt out row by row, and again from the first."""
    batch, whole = Like((torch.randn(4, 3), MASK)).readings([0, 0])
    assert torch.equal(draw(batch, 6)[1], MASK.double()[[0, 1, 2, 3, 0, 1]])
    assert batch.fixed == frozenset()
    assert whole.fixed == {1}


@pytest.mark.parametrize(
    ("example", "ranks", "batched"),
    [
        (torch.randn(5, 3), [1], [True, False]),
        (torch.randn(5, 3), [0], [True, False]),
        (torch.randn(5, 3), [2], [False]),
        (torch.randn(()), [0], [False]),
        ((torch.randn(5, 3), torch.randn(5, 2)), [1, 1], [True, False]),
        ((torch.randn(5, 3), torch.randn(4, 2)), [1, 1], [False]),
        ((torch.randn(5, 3), torch.randn(5)), [1, 1], [False]),
        ((torch.randn(5, 3), torch.arange(4)), [1, 0], [False]),  # indices of the five, perhaps
        ((torch.randn(5, 3), torch.rand(4) > 0.5), [1, 0], [True, False]),
    ],
)
def test_a_leading_axis_may_be_a_batch_if_no_rep_acts_on_it_and_all_share_it(
    example: Any, ranks: list[int], batched: list[bool]
) -> None:
    assert [reading.batched for reading in Like(example).readings(ranks)] == batched


def test_the_dtype_is_that_of_the_user() -> None:
    assert Like(torch.rand(5, 3)).dtype == torch.float32
    assert Like((torch.arange(3), torch.rand(3, dtype=torch.float64))).dtype == torch.float64
    assert Examples(torch.arange(3)).dtype is None
    assert Set().dtype is None


def test_the_example_is_left_as_it_is() -> None:
    x = torch.rand(5, 3, requires_grad=True)
    before = x.detach().clone()
    for drawn in (draw(Like(x), 3)[0], draw(Examples(x), 3)[0]):
        drawn.zero_()
    assert torch.equal(x, before)
    assert x.requires_grad


# Examples: the user's inputs and nothing else


def test_examples_are_the_user_s_own_and_keep_together() -> None:
    place = torch.arange(9)
    places, drawn = draw(Examples({"x": torch.rand(9, 2, generator=rng()), "place": place}), 40)
    given_ = torch.rand(9, 2, generator=rng()).double()
    assert torch.equal(drawn, given_[places])


@pytest.mark.parametrize("rounds", [1, 3])
def test_each_example_comes_once_a_round(rounds: int) -> None:
    drawn = draw(Examples(torch.arange(10)), 10 * rounds)[0].reshape(rounds, 10)
    assert (drawn.sort(-1).values == torch.arange(10)).all()
    assert not torch.equal(drawn[0], torch.arange(10))  # in another order
    assert rounds == 1 or not torch.equal(drawn[0], drawn[1])


def test_a_part_of_a_round_repeats_none() -> None:
    assert len(set(draw(Examples(torch.arange(10)), 7)[0].tolist())) == 7
    assert draw(Examples(torch.arange(10)), 13)[0].bincount().max() == 2


# Joint: one domain an argument


def test_joint_domains_share_their_sizes() -> None:
    domain = Joint(Set(5, features=4), x=PointCloud(5), image=Grid(1, (6,)))
    assert domain.layout == {"points": 5, "grid0": 6}
    sample = domain.sample({"points": 3, "grid0": 2}, 7, rng())
    assert [tuple(leaf.shape) for leaf in leaves(sample)] == [(7, 3, 4), (7, 3, 3), (7, 1, 2)]
    assert (len(sample.args), list(sample.kwargs)) == (1, ["x", "image"])


def test_the_parts_of_a_joint_domain_are_independent() -> None:
    first, second = draw(Joint(Set(5, 3), PointCloud(5)))
    assert not torch.equal(first, second)


def test_each_structured_input_of_each_part_is_tried() -> None:
    def zeros(domain: Joint) -> list[list[bool]]:
        trees = [leaves(tree) for tree in domain.structured(domain.layout).values()]
        return [[not leaf.any() for leaf in tree] for tree in trees]

    assert [True, False] in zeros(Joint(Set(5, 3), PointCloud(5)))
    assert [True, False] in zeros(Joint(Set(5, 3), Set(5, 2)))
    assert [False, True] in zeros(Joint(Set(5, 3), Set(5, 2)))


@pytest.mark.parametrize("part", [Like(torch.rand(2)), Examples(torch.rand(4, 2))], ids=str)
def test_a_part_made_from_tensors_is_passed_as_tensors(part: Domain) -> None:
    sample = Joint(Set(5), part).sample({"points": 5}, 3, rng())
    assert [type(argument) for argument in sample.args] == [Tensor, Tensor]


# Refusals

EMPTY = "an empty set on which every claim is true. Give at least one entry along each axis."
PASS = (
    "Give the tensors that the model takes; a tuple is its positional arguments, and symcheck.Args(x, mask=mask) passes "
    "keywords too."
)
NAN = torch.tensor([0.0, float("nan")])
REFUSED: list[tuple[Callable[[], Domain], str]] = [
    (lambda: Set(points=0), "Set(points=0, features=3) is empty. Give at least 1 point and 1 feature."),
    (lambda: Set(features=0), "Set(points=8, features=0) is empty. Give at least 1 point and 1 feature."),
    (lambda: PointCloud(points=0), "PointCloud(points=0, dim=3) is empty. Give at least 1 point and 1 dimension."),
    (lambda: PointCloud(dim=0), "PointCloud(points=16, dim=0) is empty. Give at least 1 point and 1 dimension."),
    (lambda: Grid(0), "Grid(channels=0, size=(16, 16)) is empty. Give at least 1 channel and 1 sample along each axis."),
    (lambda: Grid(1, ()), "Grid(channels=1, size=()) is empty. Give at least 1 channel and 1 sample along each axis."),
    (lambda: Grid(1, (4, 0)), "Grid(channels=1, size=(4, 0)) is empty. Give at least 1 channel and 1 sample along each axis."),
    (lambda: Tensors((2, 0)), "Tensors(shape=(2, 0)) is empty. Give at least one entry along each axis."),
    (lambda: Joint(), "Joint() joins nothing. Give one domain for each argument of the model."),
    (
        lambda: Joint(Set(5), x=PointCloud(6)),
        "Joint: points is 5 in one domain and 6 in PointCloud(points=6, dim=3). Make them equal.",
    ),
    (lambda: Like(torch.zeros(0, 3)), f"example: input [0] has shape (0, 3), {EMPTY}"),
    (lambda: Examples(torch.zeros(0, 3)), f"Examples: input [0] has shape (0, 3), {EMPTY}"),
    (lambda: Like((torch.zeros(2), NAN)), "example: input [1] holds NaN or infinity. Give finite numbers."),
    (lambda: Like(1 / torch.zeros(2)), "example: input [0] holds NaN or infinity. Give finite numbers."),
    (lambda: Examples({"pos": NAN}), "Examples: input [0].pos holds NaN or infinity. Give finite numbers."),
    (lambda: Like(3), f"example: input holds no tensors: (int). {PASS}"),
    (lambda: Like({"a": None}), f"example: input holds no tensors: (dict(a=None)). {PASS}"),
    (lambda: Examples([]), f"Examples: input holds no tensors: (list()). {PASS}"),
    (
        lambda: Examples((torch.zeros(2, 3), torch.zeros(4))),
        "Examples: the leading axes must be equal, one entry an input; the shapes are (2, 3), (4,).",
    ),
    (
        lambda: Examples(torch.tensor(1.0)),
        "Examples: the leading axes must be equal, one entry an input; the shapes are ().",
    ),
]


@pytest.mark.parametrize(("make", "text"), REFUSED, ids=[text.partition(".")[0] for _, text in REFUSED])
def test_what_can_supply_no_inputs_is_refused(make: Callable[[], Domain], text: str) -> None:
    with pytest.raises(DomainError) as caught:
        make()
    assert str(caught.value) == text


def test_structured_clouds_are_what_their_names_say() -> None:
    clouds = {name: cloud[0] for name, cloud in PointCloud(12).structured({"points": 12}).items()}
    assert torch.linalg.matrix_rank(clouds["collinear points"] - clouds["collinear points"][0]) == 1
    assert torch.linalg.matrix_rank(clouds["planar points"] - clouds["planar points"][0]) == 2
    assert torch.equal(clouds["coincident points"][::2], clouds["coincident points"][1::2])
    assert torch.linalg.matrix_rank(clouds["coincident points"] - clouds["coincident points"][0]) == 3
    assert torch.equal(
        clouds["mirror-symmetric points"][::2], clouds["mirror-symmetric points"][1::2] * torch.tensor([-1, 1, 1])
    )
    assert not torch.equal(clouds["mirror-symmetric points"][::2], clouds["mirror-symmetric points"][1::2])
    steps = clouds["a helix"].diff(dim=0).norm(dim=-1)
    assert torch.allclose(steps, steps[0].expand_as(steps))
    assert torch.linalg.matrix_rank(clouds["a helix"] - clouds["a helix"].mean(0)) == 3
    assert ((clouds["points on the axes"] != 0).sum(-1) == 1).all()
    assert len(clouds["points on the axes"].unique(dim=0)) == 12
    lattice = clouds["integer lattice"]
    assert torch.equal(lattice, lattice.round())
    assert len(lattice.unique(dim=0)) == 12
