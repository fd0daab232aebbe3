"""The tensor field network and its tensor products: claims, the algebra, the same numbers as e3nn's, and what they learn."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

import symcheck
from models import tensor_field
from models._tasks.pieces import CUBES, anywhere, pieces
from models._tensor_product import TensorProduct, blocks, clebsch_gordan
from models._training import cross_entropy, fit, seeded
from models.tensor_field import HARMONICS, HIDDEN, TensorField, harmonics
from symcheck import Verdict
from symcheck.claims import Subject
from symcheck.groups import SO, E
from symcheck.reps.irreps import parse_irreps, spherical_harmonics, wigner_d

TRIPLES = [(a, b, c) for a, b in product(range(4), repeat=2) for c in range(abs(a - b), min(3, a + b) + 1)]
PRODUCTS = [(first, HARMONICS, out) for first, out in (("0e", HIDDEN[0]), (HIDDEN[0], HIDDEN[1]), (HIDDEN[1], HIDDEN[2]))]
ROUNDING = 1e-13  # of sums of some hundred terms of order one in float64
every_product: Any = pytest.mark.parametrize("irreps", PRODUCTS, ids=lambda texts: f"{texts[0]} -> {texts[2]}")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=Generator().manual_seed(seed), dtype=torch.float64)


def gap(a: Tensor, b: Tensor) -> float:
    return float(((a - b).abs().max() / b.abs().max()).detach())


# Claims


def test_parity_is_what_is_missing_without_it() -> None:
    (result,) = symcheck.audit(tensor_field.TWINS[0], trials=64, perturb=False).results
    assert "SE(3)" in str(result.holding)


def test_training_breaks_no_symmetry() -> None:
    model = seeded(tensor_field.classifier)
    before = [parameter.clone() for parameter in model.parameters()]
    fit(model, cross_entropy, lambda rng: pieces(16, rng), steps=5)
    moved = [not torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True)]
    assert sum(moved) > 0.8 * len(moved), "all but those of irreps that no class is read from"
    (result,) = symcheck.audit(replace(tensor_field.CLAIMS[3], subject=Subject.of(model), id=""), trials=64).results
    assert result.verdict is Verdict.HOLDS


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_claims_hold_in_other_precisions(dtype: str) -> None:
    (result,) = symcheck.audit(tensor_field.CLAIMS[0], trials=32, dtype=dtype, perturb=False).results
    assert result.verdict is Verdict.HOLDS, result


# Clebsch and Gordan


@pytest.mark.parametrize("degrees", TRIPLES, ids=str)
def test_coefficients_commute_with_rotations_and_are_normal(degrees: tuple[int, int, int]) -> None:
    c, turn = clebsch_gordan(*degrees), SO(3).sample(5, Generator().manual_seed(1))
    a, b, d = (wigner_d(degree, turn) for degree in degrees)
    assert gap(torch.einsum("ijk, nia, njb -> nabk", c, a, b), torch.einsum("abm, nkm -> nabk", c, d)) < ROUNDING
    assert gap(torch.einsum("ijk, ijm -> km", c, c), torch.eye(2 * degrees[2] + 1, dtype=torch.float64)) < ROUNDING


def test_coefficients_are_known_to_their_last_digit() -> None:
    """Of 1 x 1 -> 2: xy, yz and zx with 1 / sqrt 2; squares with 1 / sqrt 6, sqrt(2 / 3) and 1 / sqrt 2."""
    found = sorted({abs(value) for value in clebsch_gordan(1, 1, 2).flatten().tolist()})
    assert found == [0, (1 / 6) ** 0.5, 0.5**0.5, (2 / 3) ** 0.5]


def test_vectors_are_crossed_and_dotted() -> None:
    x, y = normal(2, 3)
    assert gap(torch.einsum("ijk, i, j -> k", clebsch_gordan(1, 1, 1), x, y) * 2**0.5, torch.linalg.cross(x, y)) < ROUNDING
    assert gap(torch.einsum("ijk, i, j -> k", clebsch_gordan(1, 1, 0), x, y) * 3**0.5, (x @ y).reshape(1)) < ROUNDING


def test_degrees_that_do_not_meet_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^1 x 1 -> 3: there is no such map\. Degrees are from"):
        clebsch_gordan(1, 1, 3)


# Products


def arguments(irreps: tuple[str, str, str], *batch: int, copies: int = 4) -> tuple[TensorProduct, Tensor, Tensor, Tensor]:
    made = TensorProduct(*irreps)
    sizes = (blocks(irreps[0])[-1].stop, copies), (blocks(irreps[1])[-1].stop,), (len(made.paths), copies)
    return made, *(normal(*batch, *size, seed=i) for i, size in enumerate(sizes))  # type: ignore[return-value]


def dense(made: TensorProduct, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
    """One sum over all i, j and k a path, zero or not."""
    found = [x.new_zeros(*x.shape[:-2], place.stop - place.start, x.shape[-1]) for place in blocks(made.out)]
    for path, w in zip(made.paths, weights.unbind(-2), strict=True):
        a, b = x[..., blocks(made.first)[path.first], :], y[..., blocks(made.second)[path.second]]
        found[path.out] += torch.einsum("...iu, ...j, ...u, ijk -> ...ku", a, b, w, made.coefficients(path))
    return torch.cat(found, -2)


@every_product
@pytest.mark.parametrize("batch", [(7,), (2, 5), (0,)], ids=str)
def test_the_code_computes_the_sum_that_it_is_written_from(irreps: tuple[str, str, str], batch: tuple[int, ...]) -> None:
    made, *given = arguments(irreps, *batch)
    found, expected = made(*given), dense(made, *given)
    assert found.shape == expected.shape
    assert not found.numel() or gap(found, expected) < ROUNDING


def test_the_code_has_a_term_for_each_coefficient_that_is_not_zero() -> None:
    made = TensorProduct(*PRODUCTS[1])
    nonzero = sum(int((made.coefficients(path) != 0).sum()) for path in made.paths)
    assert made.source.count("* y[") == nonzero
    assert nonzero < sum(made.coefficients(path).numel() for path in made.paths) / 3


def test_what_no_path_leads_to_is_zero() -> None:
    made = TensorProduct("0e", "1o", "0e+1o")
    z = made(normal(3, 1, 2), normal(3, 3), normal(3, 1, 2))
    assert not z[:, 0].any()
    assert z[:, 1:].any()


@every_product
def test_results_of_normal_numbers_are_of_order_one(irreps: tuple[str, str, str]) -> None:
    """Each irrep's mean square is one: of 20,000 products, within some standard errors."""
    made, *given = arguments(irreps, 5000)
    reached = sorted({path.out for path in made.paths})
    squares = [float(made(*given)[:, blocks(made.out)[place]].square().mean()) for place in reached]
    assert squares == pytest.approx([1.0] * len(reached), abs=0.15)


def test_gradients_are_right_and_have_gradients() -> None:
    made, *given = arguments(PRODUCTS[0], 2, copies=1)
    leaves = [leaf.requires_grad_() for leaf in given]
    assert torch.autograd.gradcheck(made, leaves, check_forward_ad=True)
    assert torch.autograd.gradgradcheck(made, leaves)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_products_are_computed_in_the_dtype_of_their_arguments(dtype: torch.dtype) -> None:
    made, *given = arguments(PRODUCTS[1], 50)
    found = made(*(leaf.to(dtype) for leaf in given))
    assert found.dtype == dtype
    assert gap(found.double(), made(*given)) < 16 * torch.finfo(dtype).eps  # of some 30 roundings, by their root


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_harmonics_are_those_of_the_reps(degree: int) -> None:
    points = nn.functional.normalize(normal(50, 3), dim=-1)
    found = harmonics(points)[:, blocks(HARMONICS)[degree]]
    assert gap(found, math.sqrt(2 * degree + 1) * spherical_harmonics(degree, points)) < ROUNDING


# e3nn


@pytest.mark.peers
@every_product
def test_products_are_those_of_e3nn(irreps: tuple[str, str, str]) -> None:
    """With the same weights, its copies one after another."""
    o3 = pytest.importorskip("e3nn.o3")
    made, x, y, weights = arguments(irreps, 20)
    first, out = ("+".join(f"4x{kind}" for kind in text.split("+")) for text in (made.first, made.out))
    instructions = [(*path, "uvu", True) for path in made.paths]
    torch.set_default_dtype(torch.float64)  # or else its coefficients are rounded to float32
    try:
        theirs = o3.TensorProduct(first, made.second, out, instructions, shared_weights=False, internal_weights=False)
    finally:
        torch.set_default_dtype(torch.float32)

    def copies_apart(h: Tensor, text: str) -> Tensor:
        return torch.cat([h[:, place].mT.flatten(1) for place in blocks(text)], 1)

    expected = theirs(copies_apart(x, made.first), y, weights.flatten(1))
    assert gap(copies_apart(made(x, y, weights), made.out), expected) < 1e-10


@pytest.mark.peers
@pytest.mark.parametrize("degrees", TRIPLES, ids=str)
def test_coefficients_are_those_of_e3nn(degrees: tuple[int, int, int]) -> None:
    o3 = pytest.importorskip("e3nn.o3")
    theirs = o3.wigner_3j(*degrees, dtype=torch.float64) * (2 * degrees[2] + 1) ** 0.5
    assert gap(clebsch_gordan(*degrees), theirs) < 1e-10


@pytest.mark.peers
def test_harmonics_are_those_of_e3nn() -> None:
    o3 = pytest.importorskip("e3nn.o3")
    points = nn.functional.normalize(normal(50, 3), dim=-1)
    theirs = o3.spherical_harmonics(o3.Irreps(HARMONICS), points, normalize=False, normalization="component")
    assert gap(harmonics(points), theirs) < 1e-10


# Clouds


def network() -> TensorField:
    return seeded(tensor_field.irreps).double()


@pytest.mark.parametrize("points", [0, 1, 2])
def test_few_points_are_a_cloud(points: int) -> None:
    found = network()(normal(3, points, 4), normal(3, points, 3) / 4)
    assert found.shape == (3, points, sum(n * (2 * degree + 1) for n, degree, _ in parse_irreps("2x0e+1x0o+2x1o+1x2e")))
    assert found.isfinite().all()
    assert points < 2 or bool(found[..., 3:].any())
    assert points != 1 or not found[..., 2:].any(), "a point alone has no direction and no handedness"


def test_points_that_coincide_have_finite_gradients() -> None:
    h, x = normal(2, 4, 4), normal(2, 4, 3, seed=1)
    x[:, 1] = x[:, 0]
    x.requires_grad_()
    (slope,) = torch.autograd.grad(network()(h, x).square().sum(), x)
    assert slope.isfinite().all()
    assert slope.any()


def test_an_envelope_brings_points_in_without_a_jump() -> None:
    h, gap = normal(1, 2, 4), 1e-6
    ends = [torch.tensor([[[0.0, 0, 0], [tensor_field.CUTOFF * (1 + sign * gap), 0, 0]]]).double() for sign in (-1, 0, 1)]
    inside, at, outside = (network()(h, x) for x in ends)
    assert (inside - outside).abs().max() < 1e-12
    assert torch.equal(at, outside)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_it_computes_in_the_dtype_of_its_inputs(dtype: torch.dtype) -> None:
    h, x = normal(3, 6, 4), normal(3, 6, 3, seed=1) / 2
    found = network().to(dtype)(h.to(dtype), x.to(dtype))
    assert found.dtype == dtype
    assert gap(found.double(), network()(h, x)) < 100 * torch.finfo(dtype).eps  # of some hundreds of roundings in a row


@pytest.mark.cuda
def test_it_computes_on_a_gpu_too() -> None:
    h, x = normal(3, 6, 4), normal(3, 6, 3, seed=1)
    assert gap(network().cuda()(h.cuda(), x.cuda()).cpu(), network()(h, x)) < ROUNDING


# Pieces


def test_the_first_two_pieces_are_mirror_images_and_no_others_are_alike() -> None:
    """By their distances pieces are told apart, but the screws, whose triple products have different signs."""
    cells = [[[-1.0 if c == "-" else float(c) for c in cube] for cube in piece.split()] for piece in CUBES]
    x = torch.tensor(cells)
    sizes = [tuple(torch.pdist(each).sort().values.tolist()) for each in x]
    assert sizes[0] == sizes[1]
    assert len(set(sizes)) == len(CUBES) - 1
    volumes = torch.linalg.det(x[:2].diff(dim=1))
    assert volumes[0] == -volumes[1] != 0


def test_pieces_are_moved_and_their_labels_with_them() -> None:
    _, x, label = old = pieces(200, Generator().manual_seed(0))
    _, moved, new = anywhere(old, Generator().manual_seed(1))
    mirrored = torch.linalg.det(x.diff(dim=1)) * torch.linalg.det(moved.diff(dim=1)) < 0
    screws = label < 2
    assert mirrored.any()
    assert not mirrored.all()
    assert torch.equal((new != label)[screws], mirrored[screws])
    assert torch.equal(new[~screws], label[~screws])
    assert gap(torch.cdist(moved, moved), torch.cdist(x, x)) < 1e-4  # in float32
    assert E(3).dimension == 6


@pytest.mark.slow
def test_what_is_learnt_of_upright_pieces_is_known_of_all() -> None:
    row = tensor_field.LESSON.row(100)
    assert row["test"] > 0.7
    assert abs(row["test"] - row["transformed"]) < 1e-3
    assert row["broken_test"] - row["broken_transformed"] > 0.2


@pytest.mark.slow
def test_training_comes_to_the_stated_figure() -> None:
    assert tensor_field.LESSON.train()["accuracy"] > tensor_field.LESSON.goal
