"""Counterexamples in their domains: what is drawn are the true numbers, and known structure shows."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor

import symcheck
from symcheck import Claim, Verdict
from symcheck.claims import Skipped
from symcheck.domains import Generated, Graph, Mesh, PointCloud, Sequence, Set, Sphere, Tensors
from symcheck.domains.mesh import icosphere
from symcheck.groups import SO, Symmetric, from_string
from symcheck.report import Record, Result
from symcheck.report.html import charts, render, scenes, tensors
from symcheck.report.record import MinimalRecord, TensorRecord
from symcheck.reps import Permute, Relabel, Rotate, SphericalSignal, Warp, as_rep


def audited(model: Any, group: str, domain: Any, inputs: Any, outputs: Any = "scalar", trials: int = 64) -> Result:
    claim = Claim(model, group, domain=domain, inputs=inputs, outputs=outputs, id="drawn")
    (result,) = symcheck.audit(claim, trials=trials).results
    assert result.verdict is Verdict.VIOLATED
    return result


def simplest(result: Result) -> MinimalRecord:
    assert result.counterexample is not None
    assert result.counterexample.minimal is not None
    return result.counterexample.minimal


def page(result: Result) -> str:
    audit: Record = symcheck.audit([], skipped=[Skipped("another", "for its frame alone")])
    return render(msgspec.structs.replace(audit, results=(result,), skipped=()))


def spaces(text: str) -> list[dict[str, Any]]:
    """The drawings in space, as the script gets them."""
    return [json.loads(found.replace("&#34;", '"')) for found in re.findall(r'data-space="([^"]*)"', text)]


# What is recorded


def test_the_moved_input_is_what_the_action_makes_of_x() -> None:
    found = simplest(audited(lambda x: x @ torch.tensor([[1.0], [2], [3]]).to(x), "SO(3)", PointCloud(3), "vector"))
    assert found.element == "rotation by 90 deg about y"
    (x,), (moved,) = found.x, found.moved
    assert any(any(row) for row in x.values)
    assert moved.values == [[z, y, -x] for x, y, z in x.values]
    assert (x.look, moved.look) == ("vectors", "vectors")


def test_a_derivative_moves_nothing() -> None:
    claim = Claim(
        lambda x: x[..., 0].sum(-1),
        "SO(3)",
        domain=PointCloud(2),
        inputs="vector",
        outputs="scalar",
        properties=(symcheck.properties.Infinitesimal(),),
    )
    (result,) = symcheck.audit(claim, trials=64).results
    assert simplest(result).moved == ()
    assert "moved input" not in page(result)


@pytest.mark.parametrize(
    ("rep", "group", "shape", "look"),
    [
        ("vector", "SO(3)", (5, 3), "vectors"),
        ("vector", "SO(5)", (5, 5), ""),
        ("point", "E(2)", (5, 2), "points"),
        ("permute * point", "E(3) x S_n", (5, 3), "points"),
        ("permute", "S_5", (5, 2), "set"),
        (Permute(axis=-2) * Permute(axis=-1), "S_5", (5, 5), "adjacency"),
        ("relabel", "S_5", (2, 7), "indices"),
        ("roll", "Z_4^2", (1, 4, 4), "image"),
        ("roll(axes=(-1,))", "Z_N", (2, 8), "signal"),
        ("warp", "Warp(T)", (8, 2), "steps"),
        ("image", "D_4", (1, 4, 4), "image"),
        (SphericalSignal(2, 5), "SO(3)", (1, 5, 10), "sphere"),
        ("scalar", "SO(3)", (5, 3), ""),
        ("1o", "SO(3)", (3,), ""),
    ],
    ids=str,
)
def test_a_rep_tells_what_its_tensors_look_like(rep: Any, group: str, shape: tuple[int, ...], look: str) -> None:
    bound = from_string(group).bind({"points": 5, "steps": 8, "grid0": shape[-2] if len(shape) > 1 else 1})
    assert as_rep(rep).look(bound, shape) == look


def test_a_large_image_is_reduced_to_the_largest_of_its_blocks() -> None:
    image = torch.zeros(3, 224, 200)
    image[1, 100, 57] = -5
    found = TensorRecord.of("x", image, "image").reduced
    assert found is not None
    assert (found.at, found.step) == ((1,), (14, 14))
    assert (len(found.rows), len(found.rows[0])) == (16, 15)
    assert found.rows[100 // 14][57 // 14] == -5
    assert sum(entry != 0 for row in found.rows for entry in row) == 1


def test_what_stands_beside_is_cut_at_the_same_place() -> None:
    here, there = torch.zeros(2, 40, 40), torch.zeros(2, 40, 40)
    here[0, 1, 1], there[1, 2, 2] = 1, 1
    found = TensorRecord.of("y", here, "image", there).reduced
    assert found is not None
    assert found.at == (1,)


@pytest.mark.parametrize(
    ("shape", "look", "step", "size"), [((500, 3), "points", (6, 1), 84), ((2, 500), "indices", (1, 6), 2)], ids=str
)
def test_of_many_points_or_edges_every_so_many_are_kept(
    shape: tuple[int, ...], look: str, step: tuple[int, int], size: int
) -> None:
    found = TensorRecord.of("x", torch.arange(math.prod(shape)).reshape(shape), look).reduced
    assert found is not None
    assert found.picked
    assert (found.step, len(found.rows)) == (step, size)


@pytest.mark.parametrize("tensor", [torch.zeros(0, 3), torch.zeros(90, dtype=torch.complex64), torch.tensor(2.0)], ids=str)
def test_what_is_empty_complex_or_small_is_not_reduced(tensor: Tensor) -> None:
    assert TensorRecord.of("x", tensor, "image").reduced is None


def test_what_is_not_finite_is_null_in_a_reduced_image() -> None:
    image = torch.zeros(30, 30)
    image[7, 7] = math.nan
    found = TensorRecord.of("x", image, "image").reduced
    assert found is not None
    assert sum(entry is None for row in found.rows for entry in row) == 1
    assert scenes.matrix(TensorRecord.of("x", image, "image")) is None


# What is drawn


def test_a_cloud_is_drawn_in_space_with_its_forces_as_arrows() -> None:
    result = audited(lambda x: x * torch.tensor([1.0, 2, 3]).to(x), "SO(3)", PointCloud(3), "point", "vector")
    found, text = simplest(result), page(result)
    (x, moved, left, right, difference) = spaces(text)
    assert x["points"] == found.x[0].values
    assert moved["points"] == found.moved[0].values == left["points"]
    ends = torch.tensor([[b - a for a, b in zip(*arrow, strict=True)] for arrow in difference["arrows"]])
    assert ends.norm() > 0
    truth = torch.tensor(found.difference[0].values)
    longest = max(math.hypot(*row) for side in (found.left[0], found.right[0], found.difference[0]) for row in side.values)
    reach = max(math.hypot(*row) for row in found.moved[0].values)
    assert torch.allclose(ends, 0.7 * reach / longest * truth, rtol=4e-3, atol=2e-3 * reach)  # of four digits
    assert right["reach"] == left["reach"]


def test_points_in_a_plane_are_drawn_flat() -> None:
    text = page(audited(lambda x: x[..., 0].sum(-1), "SO(2)", PointCloud(2, dim=2), "vector"))
    assert spaces(text) == []
    assert 'aria-label="input, x' in text


def test_a_surface_is_drawn_with_its_faces() -> None:
    vertices, faces = icosphere()
    reps = ("point", "scalar")
    result = audited(lambda x, faces: x[..., 0].abs().sum(-1), "SO(3)", Mesh(vertices, faces), reps)
    x, moved = spaces(page(result))[:2]
    assert x["faces"] == faces.tolist() == moved["faces"]
    assert len(x["points"]) == 12
    assert x["points"] != moved["points"]


def degree_of_the_first(x: Tensor, edges: Tensor) -> Tensor:
    return (edges == 0).to(x).sum((-2, -1)) + x.sum((-2, -1))


def test_a_graph_is_drawn_with_its_edges_before_and_after() -> None:
    found = simplest(audited(degree_of_the_first, "S_n", Graph(nodes=5, edges=6, features=1), ("permute", Relabel())))
    before, after = scenes.input_space(found.x), scenes.input_space(found.moved)
    assert before is not None
    assert after is not None
    assert before.flat
    assert set(before.lines) == set(zip(*found.x[1].values, strict=True))
    (g,) = found.g
    assert {(g[a], g[b]) for a, b in before.lines} == set(after.lines)
    drawing = scenes.view(before, before.reach)
    assert {mark.css for mark in drawing.marks} == {"link", "knot"}
    assert [label.text for label in drawing.labels] == [str(i) for i in range(len(before.points))]


def test_an_adjacency_is_a_graph_from_columns_to_rows() -> None:
    matrix = torch.zeros(3, 3)
    matrix[2, 0] = 1
    space = scenes.input_space([TensorRecord.of("A", matrix, "adjacency")])
    assert space is not None
    assert space.lines == ((0, 2),)


def test_a_sequence_is_drawn_as_lines_over_its_steps() -> None:
    result = audited(lambda x: x[..., :2, :].sum((-2, -1)), "Warp(T)", Sequence(6, 3), Warp())
    assert page(result).count('class="wave w0"') == 2  # x and rho(g) x
    x = TensorRecord.of("x", torch.arange(12.0).reshape(4, 3), "steps")
    assert scenes.signals(x) == [[0, 3, 6, 9], [1, 4, 7, 10], [2, 5, 8, 11]]
    assert scenes.signals(TensorRecord.of("x", torch.ones(2, 4), "signal")) == [[1] * 4] * 2
    drawing = scenes.sequence([[0.0, 2.0, -2.0]], 2.0)
    heights = [float(place.split()[1].split("h")[0]) for place in drawing.marks[2].d.split("M")[1:]]
    assert heights == [55.0, 10.0, 100.0]


def test_a_signal_on_the_sphere_is_a_map_of_its_samples() -> None:
    rep = SphericalSignal(2, 5)
    result = audited(lambda x: x[..., 0, :].square().sum((-2, -1)), "SO(3)", Sphere(2, 5), rep)
    assert page(result).count('class="shade') >= 2  # x and rho(g) x
    signal = TensorRecord.of("x", torch.eye(5, 10), "sphere")
    drawing = scenes.sphere(signal, lambda value: "p4" if value else "z")
    assert drawing is not None
    cells = {mark.css: mark.d.count("M") for mark in drawing.marks}
    assert cells == {"shade p4": 5, "shade z": 45, "frame": 1}


def test_a_set_is_a_table_of_its_members() -> None:
    found = simplest(audited(lambda x: x[..., 0, :].sum(-1), "S_n", Set(4, 2), "permute"))
    shown = {scene.title: scene for scene in tensors.scenes(found, "f(rho_in(g) x) = rho_out(g) f(x)")}
    assert list(shown) == ["input", "moved input", "left side", "right side", "difference"]
    rows = {name: [[cell.text for cell in row] for row in shown[name].panels[0].blocks[0].rows] for name in list(shown)[:2]}
    (g,) = found.g
    assert [rows["input"][i] for i in range(len(g))] == [rows["moved input"][g[i]] for i in range(len(g))]


def test_an_input_too_large_to_embed_is_reduced_and_it_says_so() -> None:
    image = torch.randn(1, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    claim = Claim(
        lambda x: x[..., ::2, ::2].square().sum((-3, -2, -1)),
        "Z_N^2",
        domain=image,
        inputs="roll",
        outputs="scalar",
        id="large",
    )
    (result,) = symcheck.audit(claim, trials=32).results
    text = page(result)
    assert "Too large to be drawn whole" in text
    assert "drawn: the largest of each 6 x 6" in text
    assert len(text) < 300_000


def test_points_at_one_place_are_named_together() -> None:
    space = scenes.Space(points=((0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, 0.0)))
    drawing = scenes.view(space, 1.0)
    assert [label.text for label in drawing.labels if label.text[0].isdigit()] == ["0, 2", "1"]


@pytest.mark.parametrize("values", [[[math.nan] * 3], [[math.inf, 0, 0]]], ids=str)
def test_points_that_are_not_finite_are_not_drawn(values: list[list[float]]) -> None:
    assert scenes.input_space([TensorRecord.of("x", torch.tensor(values), "points")]) is None


# The true structure of known cases


def four_turns(x: Tensor) -> Tensor:
    """A convolution's energy, summed over the quarter turns of its kernel: C4, and no more."""
    kernel = torch.randn(3, 1, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(x)
    turned = (torch.rot90(kernel, k, (-2, -1)) for k in range(4))
    return sum((torch.conv2d(x, one, padding=1).square().mean((-2, -1)) for one in turned), x.new_zeros(len(x), 3))


def test_a_c4_network_shows_four_zeros_round_the_circle() -> None:
    rep = Rotate("fourier")
    blobs = Generated(lambda n, rng: rep.sample(SO(2), (3, 1, 33, 33), n, rng).sum(1))
    result = audited(four_turns, "SO(2)", blobs, rep, trials=128)
    assert "C_4" in result.holding
    assert "C_8" not in result.holding
    assert result.profile is not None
    limit, most = result.detection_limit or 0.0, max(error for _, error in result.profile.points)
    zeros = {round(math.degrees(at[0])) % 360 for at, error in result.profile.points if charts.level(error, limit, most) == 0}
    assert zeros == {90, 180, 270}
    chart = charts.profile(result.profile, limit)
    assert chart is not None
    assert chart.drawing is not None
    on_the_rim = next(mark.d for mark in chart.drawing.marks if mark.css == "dot e0")
    places = {tuple(map(float, place.removesuffix("h0").split())) for place in on_the_rim.split("M")[1:]}
    assert {(round(x - 150), round(y - 142)) for x, y in places} == {(0, -108), (0, 108), (-108, 0)}
    assert sum(mark.css == "ring" for mark in chart.drawing.marks) == 1  # the identity, the fourth


def padded(x: Tensor) -> Tensor:
    return torch.conv2d(x, torch.ones(1, 1, 3, 3).to(x), padding=1)


def test_zero_padding_shows_its_border() -> None:
    """A shift along one axis tears two borders, one along both all four: the cross of the map is lighter than the rest."""
    result = audited(padded, "Z_N^2", torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(0)), "roll", "roll")
    assert result.profile is not None
    along = [error for at, error in result.profile.points if (at[0] == 0) != (at[1] == 0)]
    both = [error for at, error in result.profile.points if at[0] and at[1]]
    assert sum(along) / len(along) < 0.9 * sum(both) / len(both)
    found = simplest(result)
    (rows,) = found.difference[0].values
    shift = [int(step) for step in found.g[0]]
    torn = [{(step + border) % 8 for border in (0, -1)} | {0, 7} if step else set() for step in shift]
    wrong = {(i, j) for i, row in enumerate(rows) for j, entry in enumerate(row) if abs(entry) > 1e-9}
    assert wrong
    assert all(i in torn[0] or j in torn[1] for i, j in wrong)


def test_of_the_proper_half_a_mirror_blind_network_shows_nothing() -> None:
    result = audited(lambda x: torch.linalg.det(x[..., :3, :]), "O(3)", PointCloud(4), "vector")
    chart = charts.profile(result.profile, result.detection_limit) if result.profile else None
    assert chart is not None
    shades = {row[3]: set() for row in chart.table.rows}
    for row, shade in zip(chart.table.rows, chart.table.css, strict=True):
        shades[row[3]].add(shade)
    assert shades["proper"] == {"e0"}
    assert "e0" not in shades["improper"]


def test_a_matrix_of_permutations_shows_which_place_matters() -> None:
    result = audited(lambda x: x[..., 2, :].sum(-1), "S_n", Set(5, 1), "permute")
    assert result.profile is not None
    means: dict[tuple[int, int], list[float]] = {}
    for at, error in result.profile.points:
        means.setdefault((2, int(at[3])), []).append(error)
    assert max(means[2, 2]) == 0  # who is left where it is read breaks nothing
    chart = charts.profile(result.profile, result.detection_limit)
    assert chart is not None
    row = next(row for row in chart.table.rows if row[:2] == ("2", "2"))
    assert row[3] == "0"
    assert all(float(other[3]) > 0 for other in chart.table.rows if other[0] != "2" and other[1] == "2")


def test_a_group_of_many_elements_is_a_matrix() -> None:
    result = audited(lambda x: x[..., 0] ** 2, "C_20", Tensors((20,)), "regular")
    chart = charts.profile(result.profile, result.detection_limit) if result.profile else None
    assert chart is not None
    assert chart.bars == ()
    assert len(chart.table.rows) == 20


def test_the_permutations_of_many_things_are_told_by_how_many_they_move() -> None:
    found = symcheck.engine.profile.coordinates(Symmetric(20), Symmetric(20).landmarks()[:1])
    assert found is not None
    assert found[1].tolist() == [[2]]
