"""Domains: the promises, for every domain of the catalogue by its own examples, and inputs made from the user's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Generator, Tensor

from symcheck._tree import Args, Leaves, flatten
from symcheck.domains import (
    CATALOGUE,
    Crystal,
    Domain,
    Examples,
    FromStrategy,
    Generated,
    Graph,
    Grid,
    Joint,
    Like,
    PaddedSet,
    PointCloud,
    Set,
    Tensors,
)
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


def alike(tree: Any, sample: Any) -> bool:
    """Whether the shapes are those of the sample, for any number of inputs, one at least."""
    n = len(leaves(tree)[0])
    return n > 0 and shapes(tree) == [torch.Size([n, *shape[1:]]) for shape in shapes(sample)]


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
    """As a whole; of the tensors, those of numbers each, while indices and masks may come again."""
    drawn = [leaf for i, leaf in enumerate(draw(domain, 5)) if i not in domain.fixed]
    assert len(drawn) > 0
    for i in range(5):
        assert not any(same([leaf[i] for leaf in drawn], [leaf[j] for leaf in drawn]) for j in range(i))
    for leaf in drawn:
        assert len(torch.unique(leaf, dim=0)) == 5 if leaf.is_floating_point() else len(torch.unique(leaf, dim=0)) > 1


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
        assert alike(tree, sample)
        assert all(leaf.dtype == theirs.dtype for leaf, theirs in zip(leaves(tree), leaves(sample), strict=True))
        assert all(leaf.isfinite().all() for leaf in leaves(tree))


@every_domain
def test_structured_inputs_are_always_the_same(domain: Domain) -> None:
    once, again = domain.structured(domain.layout), domain.structured(domain.layout)
    assert all(same(leaves(once[name]), leaves(again[name])) for name in once)


@every_domain
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.nested_given])  # FromStrategy runs Hypothesis
@given(data=st.data())
def test_every_layout_that_is_drawn_works(domain: Domain, data: st.DataObject) -> None:
    layout: Layout = data.draw(domain.layouts())
    assert set(layout) == set(domain.layout)
    sample = domain.sample(layout, 3, rng())
    assert all(len(leaf) == 3 and leaf.numel() > 0 for leaf in leaves(sample))
    one = domain.sample(layout, 1, rng())
    for tree in domain.structured(layout).values():
        assert alike(tree, one)
        assert all(leaf.isfinite().all() for leaf in leaves(tree))


def layouts(domain: Domain) -> list[Layout]:
    drawn: list[Layout] = []

    @settings(deadline=None, max_examples=200, database=None, derandomize=True)
    @given(domain.layouts())
    def collect(layout: Layout) -> None:
        drawn.append(layout)

    collect()
    return drawn


@pytest.mark.parametrize("domain", [domain for domain in EXAMPLES if domain.layout], ids=str)
def test_layouts_shrink_to_the_smallest_and_reach_the_domain_s_own(domain: Domain) -> None:
    drawn = layouts(domain)
    least = {name: min(layout[name] for layout in drawn) for name in domain.layout}
    assert least in drawn
    assert dict(domain.layout) in drawn


LEAST: list[tuple[Domain, Layout]] = [
    (Set(5), {"points": 1}),
    (PointCloud(5), {"points": 1}),
    (Grid(1, (4, 6)), {"grid0": 1, "grid1": 1}),
    (Grid(1, (4, 6), multiple=2), {"grid0": 2, "grid1": 2}),
    (Graph(5, 8), {"nodes": 1, "edges": 1}),
    (Graph(5, 8, directed=False), {"nodes": 1, "edges": 2}),
    (Graph(5, 0), {"nodes": 1, "edges": 0}),
    (PaddedSet(5), {"points": 1}),
    (PaddedSet(5, least=3), {"points": 3}),
    (Crystal(5), {"atoms": 1}),
]


@pytest.mark.parametrize(("domain", "least"), LEAST, ids=str)
def test_layouts_shrink_to_one_of_each_where_that_makes_sense(domain: Domain, least: Layout) -> None:
    drawn = layouts(domain)
    assert least in drawn
    assert all(layout[name] >= size for layout in drawn for name, size in least.items())


@pytest.mark.parametrize("size", [4, 6, 12])
def test_a_grid_of_multiples_keeps_to_them(size: int) -> None:
    drawn = {layout["grid0"] for layout in layouts(Grid(1, (size,), multiple=2))}
    assert drawn == set(range(2, size + 1, 2))


@every_domain
def test_boundaries_are_layouts_that_can_be_drawn(domain: Domain) -> None:
    for name, layout in domain.boundaries.items():
        assert name
        assert set(layout) == set(domain.layout)
        sample = domain.sample(layout, 3, rng())
        assert all(len(leaf) == 3 and leaf.isfinite().all() for leaf in leaves(sample))
        assert all(alike(tree, sample) for tree in domain.structured(layout).values())


BOUNDARIES: list[tuple[Domain, str, list[tuple[int, ...]]]] = [
    (Set(5, 2), "an empty set", [(0, 2)]),
    (Set(5, 2), "a single point", [(1, 2)]),
    (PointCloud(5), "two points", [(2, 3)]),
    (Grid(2, (4, 6)), "a single sample", [(2, 1, 1)]),
    (Grid(2, (4, 6), multiple=2), "the smallest grid, 2 samples an axis", [(2, 2, 2)]),
    (Graph(5, 8, 1), "no edges", [(5, 1), (2, 0)]),
    (Graph(5, 8, 1, format="dense"), "no edges", [(5, 1), (5, 5)]),
    (Graph(5, 8, 1, format="csr"), "a single node", [(1, 1), (2,), (0,)]),
    (Graph(5, 8, 1), "a single node with a self-loop", [(1, 1), (2, 1)]),
    (PaddedSet(5, 2), "a single point", [(1, 2), (1,)]),
    (PaddedSet(5, 2, least=2), "two points", [(2, 2), (2,)]),
    (Crystal(5), "a single atom", [(1, 3), (3, 3), (1,)]),
]


@pytest.mark.parametrize(("domain", "name", "expected"), BOUNDARIES, ids=str)
def test_boundaries_are_what_their_names_say(domain: Domain, name: str, expected: list[tuple[int, ...]]) -> None:
    drawn = leaves(domain.sample(domain.boundaries[name], 2, rng()))
    assert [tuple(leaf.shape[1:]) for leaf in drawn] == expected


def test_sets_of_at_least_two_have_no_boundary_below() -> None:
    assert set(PaddedSet(5, least=2).boundaries) == {"two points"}


@every_domain
def test_what_is_simpler_is_an_input_and_some_of_it_measures_less(domain: Domain) -> None:
    found, structure = flatten(domain.sample(domain.layout, 2, rng()))  # the first may be as simple as can be: an example
    candidates = domain.simpler(structure.rebuild([leaf[1] for leaf in found]))
    assert flatten(candidates)[1] == structure
    assert alike(Args.of(candidates), structure.rebuild(found))
    assert all(leaf.dtype == theirs.dtype for leaf, theirs in zip(flatten(candidates)[0], found, strict=True))
    measure = domain.complexity(structure.rebuild([leaf[1:] for leaf in found]))
    assert (domain.complexity(candidates) < measure).any()


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


# Padded sets


@pytest.mark.parametrize("least", [0, 1, 3])
def test_padded_sets_have_all_sizes_before_any_comes_again(least: int) -> None:
    _, mask = draw(PaddedSet(6, least=least), 3 * (7 - least))
    assert sorted(mask.sum(-1).tolist()) == sorted(3 * list(range(least, 7)))
    assert torch.equal(mask, torch.arange(6) < mask.sum(-1, keepdim=True))
    assert mask.dtype == torch.bool


def test_padding_is_neither_zero_nor_like_the_points() -> None:
    """The spread of N normal numbers strays by 6 / sqrt(2 N) of itself once in a billion."""
    x, mask = draw(PaddedSet(8, 3, garbage=5.0), 4_000)
    for numbers, spread in ((x[mask], 1.0), (x[~mask], 5.0)):
        assert abs(float(numbers.std()) / spread - 1) < 6 / math.sqrt(2 * numbers.numel())


def test_masks_at_which_models_break() -> None:
    found = PaddedSet(5, 2, least=0).structured({"points": 5})
    assert {name: mask[0].int().tolist() for name, (_, mask) in found.items()} == {
        "all kept": [1, 1, 1, 1, 1],
        "one kept": [1, 0, 0, 0, 0],
        "none kept": [0, 0, 0, 0, 0],
        "kept points apart": [1, 0, 1, 0, 1],
        "points equal to the padding": [1, 1, 1, 0, 0],
    }
    equal, _ = found["points equal to the padding"]
    assert len(torch.unique(equal[0], dim=0)) == 1
    assert all(x[~mask].all() for x, mask in found.values())  # no zeros
    assert "none kept" not in PaddedSet(5, 2).structured({"points": 5})
    assert all(mask.sum() >= 3 for _, mask in PaddedSet(5, 2, least=3).structured({"points": 5}).values())


# Crystals


def test_atoms_are_in_a_right_handed_cell_that_has_room_for_them() -> None:
    positions, cell, species = draw(Crystal(5, (1, 6, 8), spacing=2.5), 500)
    within = positions @ torch.linalg.inv(cell)
    assert (within > -1e-12).all()  # the solve rounds
    assert (within < 1 + 1e-12).all()
    volume = torch.linalg.det(cell) / 5
    assert (volume > 0).all()
    assert abs(float(volume.mean()) / 2.5**3 - 1) < 0.05  # the strain averages out, to first order
    assert (torch.linalg.cond(cell) < 10).all()
    assert set(species.flatten().tolist()) == {1, 6, 8}


def periodic(positions: Tensor, cell: Tensor, size: int = 4) -> Tensor:
    """Distances between an atom and all atoms and their images, sorted: `(atoms, ...)`."""
    steps = torch.cartesian_prod(*[torch.arange(-size, size + 1, dtype=torch.float64)] * 3)
    arrows = positions.unsqueeze(0) - positions.unsqueeze(1)
    return (arrows.unsqueeze(2) + steps @ cell).norm(dim=-1).flatten(1).sort(-1).values


# The number of nearest neighbours, and the distance of the second ones in units of the first (Ashcroft & Mermin, chapter 4).
LATTICES = {
    "simple cubic": (6, math.sqrt(2)),
    "body-centred cubic": (8, math.sqrt(4 / 3)),
    "face-centred cubic": (12, math.sqrt(2)),
    "hexagonal": (8, math.sqrt(2)),
    "simple cubic, a sheared cell": (6, math.sqrt(2)),
}


@pytest.mark.parametrize("atoms", [1, 2, 3])
@pytest.mark.parametrize("name", list(LATTICES))
def test_lattices_are_what_their_names_say(name: str, atoms: int) -> None:
    positions, cell, species = Crystal(spacing=2.0).structured({"atoms": atoms})[name]
    neighbours, second = LATTICES[name]
    for distances in periodic(positions[0], cell[0]):
        assert float(distances[0]) == 0
        assert torch.allclose(distances[1 : neighbours + 1], torch.tensor(2.0, dtype=torch.float64), atol=1e-12)
        assert float(distances[neighbours + 1]) == pytest.approx(2 * second, abs=1e-12)
    assert torch.linalg.det(cell[0]) > 0
    assert not species.any()


def test_a_sheared_cell_holds_the_same_crystal() -> None:
    found = Crystal(4).structured({"atoms": 4})
    straight, sheared = found["simple cubic"][1][0], found["simple cubic, a sheared cell"][1][0]
    change = sheared @ torch.linalg.inv(straight)
    assert torch.equal(change, change.round())
    assert float(torch.linalg.det(change)) == 1
    assert not torch.equal(straight, sheared)
    assert found["simple cubic, two species"][2].tolist() == [[0, 1, 0, 1]]


def test_no_simpler_crystal_has_an_empty_cell() -> None:
    domain = Crystal(4)
    positions, cell, species = domain.sample(domain.layout, 1, rng())
    _, cells, _ = domain.simpler((positions[0], cell[0], species[0]))
    assert (torch.linalg.det(cells) > 0).all()


# Generated: the user's own function


def test_a_generator_s_inputs_are_widened_and_its_dtype_is_remembered() -> None:
    domain = Generated(lambda n, rng: {"x": torch.randn(n, 3, generator=rng), "i": torch.arange(n)})
    sample = domain.sample({}, 4, rng(5))
    assert torch.equal(sample["x"], torch.randn(4, 3, generator=rng(5)).double())
    assert sample["i"].dtype == torch.int64
    assert domain.dtype == torch.float32


def careless(n: int, rng: Generator) -> Tensor:
    return torch.randn(n, 3)


def constant(n: int, rng: Generator) -> Tensor:
    return torch.arange(3.0 * n).reshape(n, 3)


def alike_inputs(n: int, rng: Generator) -> Tensor:
    return torch.randn(3, generator=rng).expand(n, -1)


def counted(n: int, rng: Generator) -> Tensor:
    counted.calls += 1  # type: ignore[attr-defined]
    return torch.randn(n, 3, generator=rng) + counted.calls  # type: ignore[attr-defined, no-any-return]


counted.calls = 0  # type: ignore[attr-defined]


def ragged(n: int, rng: Generator) -> Tensor:
    return torch.randn(n, n, generator=rng)


def single(n: int, rng: Generator) -> Tensor:
    return torch.randn(3, generator=rng)[:2]


def dividing(n: int, rng: Generator) -> Tensor:
    return torch.randn(n, 2, generator=rng) / 0


def empty(n: int, rng: Generator) -> Tensor:
    return torch.randn(n, 0, generator=rng)


WRONG: list[tuple[Callable[[int, Generator], Any], str]] = [
    (careless, "it draws from torch's own random numbers. Draw them with generator=rng."),
    (constant, "another seed gave the same inputs. Draw random numbers with generator=rng."),
    (alike_inputs, "the inputs of one call are all the same. Draw n of them, as in torch.randn(n, 5, 3)."),
    (counted, "the same seed gave other inputs. Draw all random numbers with generator=rng."),
    (ragged, "2 inputs and 3 inputs have different shapes. Give each input the same shapes."),
    (single, "for n = 3 it gave tensors of shapes (2,). Give each a leading axis of n."),
    (dividing, "input holds NaN or infinity. Draw finite numbers, as by floats(-1, 1)."),
    (empty, "input has shape (3, 0), an empty set on which every claim is true. Draw entries."),
]


@pytest.mark.parametrize(("function", "text"), WRONG, ids=[function.__name__ for function, _ in WRONG])
def test_a_generator_that_breaks_a_promise_is_refused(function: Callable[[int, Generator], Any], text: str) -> None:
    before = torch.get_rng_state()
    with pytest.raises(DomainError) as caught:
        Generated(function)
    assert str(caught.value) == f"Generated({function.__name__}): {text}"
    assert torch.equal(torch.get_rng_state(), before)


# FromStrategy: the user's own Hypothesis strategy

TRIPLES = st.lists(st.floats(-10, 10, width=32), min_size=3, max_size=3)


def test_a_strategy_s_inputs_are_its_own() -> None:
    strategy = st.fixed_dictionaries({"x": TRIPLES.map(torch.tensor), "k": st.sampled_from([2, 3, 5, 7, 11, 13])})
    domain = FromStrategy(strategy)
    sample = domain.sample({}, 50, rng())
    assert sample["x"].shape == (50, 3)
    assert sample["x"].dtype == torch.float64
    assert domain.dtype == torch.float32
    assert sample["x"].abs().max() <= 10
    assert len(sample["x"].unique(dim=0)) > 25
    assert set(sample["k"].tolist()) == {2, 3, 5, 7, 11, 13}


def test_what_a_strategy_shrinks_to_is_a_structured_input() -> None:
    (simplest,) = FromStrategy(TRIPLES.map(torch.tensor)).structured({}).values()
    assert simplest.tolist() == [[0, 0, 0]]


def test_a_single_input_of_a_strategy_follows_from_the_seed_too() -> None:
    """Hypothesis begins with the simplest value, whatever the seed: that one is left out."""
    domain = FromStrategy(TRIPLES.map(torch.tensor))
    assert len({tuple(draw(domain, 1, seed)[0].flatten().tolist()) for seed in range(8)}) > 4


def test_a_strategy_with_few_values_gives_them_again() -> None:
    drawn = draw(FromStrategy(st.booleans().map(lambda b: torch.tensor([1.0 + b]))), 7)[0]
    assert drawn.shape == (7, 1)
    assert set(drawn.flatten().tolist()) <= {1.0, 2.0}


def test_arrays_and_numbers_are_tensors() -> None:
    numpy = pytest.importorskip("numpy")
    strategy = st.tuples(TRIPLES.map(numpy.array), st.floats(0, 1), st.booleans())
    drawn = FromStrategy(strategy).sample({}, 4, rng())
    assert [leaf.dtype for leaf in drawn] == [torch.float64, torch.float64, torch.bool]
    assert [tuple(leaf.shape) for leaf in drawn] == [(4, 3), (4,), (4,)]


STRATEGIES: list[tuple[Any, str]] = [
    (3, "FromStrategy(3): that is no strategy. Give one of hypothesis.strategies."),
    (st.none(), "FromStrategy(none()): it drew None, which holds no numbers. Draw tensors, arrays or numbers."),
    (
        st.just(float("nan")),
        "FromStrategy(just(nan)): input holds NaN or infinity. Draw finite numbers, as by floats(-1, 1).",
    ),
]


@pytest.mark.parametrize(("strategy", "text"), STRATEGIES, ids=str)
def test_a_strategy_that_draws_no_inputs_is_refused(strategy: Any, text: str) -> None:
    with pytest.raises(DomainError) as caught:
        FromStrategy(strategy)
    assert str(caught.value) == text


def test_a_strategy_of_many_shapes_is_refused_when_they_show() -> None:
    domain = FromStrategy(st.lists(st.floats(-1, 1), min_size=1, max_size=9).map(torch.tensor))
    with pytest.raises(DomainError, match=r"it draws inputs of shapes \(1,\) and \(\d,\)\. Fix the shapes, and use one domain"):
        domain.sample({}, 20, rng())


# Refusals

EMPTY = "an empty set on which every claim is true. Give at least one entry along each axis."
PASS = (
    "Give the tensors that the model takes; a tuple is its positional arguments, and symcheck.Args(x, mask=mask) passes "
    "keywords too."
)
NAN = torch.tensor([0.0, float("nan")])


def ragged() -> Tensor:
    return torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)], layout=torch.jagged)


REFUSED: list[tuple[Callable[[], Domain], str]] = [
    (lambda: Set(points=0), "Set(points=0, features=3) is empty. Give at least 1 point and 1 feature."),
    (lambda: Set(features=0), "Set(points=8, features=0) is empty. Give at least 1 point and 1 feature."),
    (lambda: PointCloud(points=0), "PointCloud(points=0, dim=3) is empty. Give at least 1 point and 1 dimension."),
    (lambda: PointCloud(dim=0), "PointCloud(points=16, dim=0) is empty. Give at least 1 point and 1 dimension."),
    (lambda: Grid(0), "Grid(channels=0, size=(16, 16)) is empty. Give at least 1 channel and 1 sample along each axis."),
    (lambda: Grid(1, ()), "Grid(channels=1, size=()) is empty. Give at least 1 channel and 1 sample along each axis."),
    (lambda: Grid(1, (4, 0)), "Grid(channels=1, size=(4, 0)) is empty. Give at least 1 channel and 1 sample along each axis."),
    (
        lambda: Grid(1, (8, 6), multiple=4),
        "Grid(channels=1, size=(8, 6)): each size must be a multiple of 4. Change the sizes, or `multiple`.",
    ),
    (
        lambda: PaddedSet(points=0),
        "PaddedSet(points=0, features=3, least=1, garbage=3.0) is empty. Give at least 1 point and 1 feature.",
    ),
    (
        lambda: PaddedSet(4, least=5),
        "PaddedSet(points=4, features=3, least=5, garbage=3.0): the least size is between 0 and the 4 points, not 5.",
    ),
    (
        lambda: PaddedSet(4, garbage=0.0),
        "PaddedSet(points=4, features=3, least=1, garbage=0.0): garbage is the spread of the padding, positive and finite. "
        "Zeros would hide a leak.",
    ),
    (lambda: Crystal(0), "Crystal(atoms=0, species=(0, 1, 2), spacing=1.0) is empty. Give at least 1 atom and 1 species."),
    (lambda: Crystal(2, ()), "Crystal(atoms=2, species=(), spacing=1.0) is empty. Give at least 1 atom and 1 species."),
    (
        lambda: Crystal(spacing=0.0),
        "Crystal(atoms=6, species=(0, 1, 2), spacing=0.0): the spacing is a length, positive and finite, in the units of the "
        "model.",
    ),
    (lambda: Tensors((2, 0)), "Tensors(shape=(2, 0)) is empty. Give at least one entry along each axis."),
    (lambda: Tensors(3), "Tensors: shape is 3. Give whole numbers below 2^31 in brackets, as in (8, 3)."),  # type: ignore[arg-type]
    (lambda: PointCloud(2.5), "PointCloud: points is 2.5. Give a whole number below 2^31."),  # type: ignore[arg-type]
    (lambda: PointCloud(10**20), f"PointCloud: points is {10**20}. Give a whole number below 2^31."),
    (lambda: PointCloud(True), "PointCloud: points is True. Give a whole number below 2^31."),
    (
        lambda: PointCloud(cutoff=0.0),
        "PointCloud(points=16, dim=3): the cutoff is a distance, positive and finite. Leave it out if the model has none.",
    ),
    (lambda: PointCloud(cutoff="far"), "PointCloud: cutoff is 'far'. Give a number."),  # type: ignore[arg-type]
    (lambda: Set("8"), "Set: points is '8'. Give a whole number below 2^31."),  # type: ignore[arg-type]
    (lambda: Grid((8, 8)), "Grid: channels is (8, 8). Give a whole number below 2^31."),  # type: ignore[arg-type]
    (
        lambda: Joint(3),  # type: ignore[arg-type]
        "Joint: 3 is no domain. Give domains, such as Tensors((8, 3)) for a tensor (8, 3).",
    ),
    (
        lambda: Generated(None),  # type: ignore[arg-type]
        "Generated: None is no function. Give one of n and a torch.Generator, function(n, rng).",
    ),
    (
        lambda: Like(torch.zeros(2, device="meta")),
        "example: input [0] is on device 'meta'. Give plain numbers, as torch.randn(8, 3) has.",
    ),
    (lambda: Like(ragged()), "example: input [0] is nested. Give plain numbers, as torch.randn(8, 3) has."),
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
    (lambda: Like(torch.eye(3).to_sparse()), "example: input [0] is sparse_coo. Give it dense: x.to_dense()."),
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
