"""Inference: the irreps that hidden layers carry, in any basis of their features, and none where they carry none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import symcheck
from symcheck import Claim
from symcheck.cli import main
from symcheck.discovery import Inference, infer
from symcheck.discovery.characters import characters, irreps
from symcheck.domains import Tensors
from symcheck.errors import ClaimError, SubjectError
from symcheck.groups import Cyclic, Dihedral, Group, Polyhedral, Symmetric
from symcheck.properties import Composition, Equivariance
from symcheck.report.html import render
from symcheck.report.reading import read
from symcheck.reps import Permute, Regular
from symcheck.reps.irreps import spherical_harmonics


def reps(found: Inference) -> dict[str, str]:
    return {layer.name: layer.rep for layer in found.layers}


def mixed() -> Tensor:
    return torch.linalg.qr(torch.randn(40, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q


def black_box(x: Tensor) -> Tensor:
    """Six scalars, seven vectors and a pseudovector, two quadrupoles, behind a random change of basis."""
    a, b = x[..., 0, :], x[..., 1, :]
    along, far, near = (a * b).sum(-1, keepdim=True), a.norm(dim=-1, keepdim=True), b.norm(dim=-1, keepdim=True)
    scalars = [far, near, along, along.sin(), far.cos(), near.cos()]
    vectors = [a, b, a * near, torch.linalg.cross(a, b), a * along.sin(), b * far.sin(), b * near, a * far.square()]
    tensors = [spherical_harmonics(2, a / far), near * spherical_harmonics(2, b / near)]
    return torch.cat([*scalars, *vectors, *tensors], -1) @ mixed().to(x)


def test_the_defect_of_scalars_is_not_that_of_their_noise() -> None:
    """Features that are invariant to float32, as behind its tables: their generators are noise, and so are its commutators."""

    def tabled(x: Tensor) -> Tensor:
        return torch.cat([x.norm(dim=-1), 1e-9 * x.sum(-1) + x.square().sum(-1).cos()], -1)

    (layer,) = infer(tabled, torch.randn(4, 2, 3), group="SO(3)", inputs="vector").layers
    assert layer.rep == "4x0"
    assert layer.defect < 1e-6


@pytest.mark.parametrize(("group", "rep"), [("SO(3)", "6x0+8x1+2x2"), ("O(3)", "6x0e+1x1e+7x1o+2x2e")])
def test_irreps_are_read_off_a_black_box(group: str, rep: str) -> None:
    (layer,) = infer(black_box, torch.randn(4, 2, 3), group=group, inputs="vector").layers
    assert layer.rep == rep
    assert layer.residual < 1e-9
    assert layer.defect < 1e-9
    assert layer.rank == 40


class Pointwise(nn.Module):
    """A set network whose one ReLU is called twice and in place, with a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.act, self.outer = nn.Linear(3, 16), nn.ReLU(inplace=True), nn.Linear(16, 8)
        self.never = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> dict[str, Any]:
        h = self.act(self.outer(self.act(self.inner(x))))
        return {"each": h, "all": (h.sum(-2), h.mean(-2).norm(dim=-1))}


def test_permutations_by_characters_in_place_and_called_twice() -> None:
    torch.manual_seed(0)
    found = infer(Pointwise(), torch.randn(4, 4, 3), group="S_n", inputs="permute")
    told = reps(found)
    assert {told[name] for name in ("inner", "act", "outer", "act (call 2)")} == {"1x1 + 1x3'"}  # points: trivial and standard
    assert list(told.values())[-3:] == ["7x1", "1x1", "1x1 + 1x3'"]  # sum, norm of the mean, and each point
    assert found.layers[-3].told.startswith("7x1 (7 of 8 dimensions), residual ")  # the ReLU leaves one dark
    assert found.notes == ("never called: never",)


def test_permutations_of_many_points() -> None:
    """40,320 elements aren't listed: what is invariant is counted, and the rest told by the trace of a swap."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh())
    found = infer(lambda x: {"each": net(x), "all": net(x).sum(-2)}, torch.randn(4, 8, 3), group="S_n", inputs="permute")
    assert [layer.rep for layer in found.layers][-2:] == ["8x1", "1x1 + 1x7"]
    assert max(layer.defect for layer in found.layers) < 1e-9


def test_a_layer_that_forgets_what_its_features_are_carries_nothing() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    found = infer(net, torch.randn(4, 3), group="SO(3)", inputs="vector")
    told = reps(found)
    assert told["0"] == "1x0+1x1"  # linear: a vector and the bias
    assert told["1"] == told["2"] == ""
    assert found.layers[1].because.startswith("no linear map of features follows the group: ")
    assert found.layers[1].residual > 0.01


def test_charges_of_complex_features() -> None:
    def model(z: Tensor) -> Tensor:
        return torch.stack([z, z * z, z.abs() + 0j], -1)

    found = infer(model, torch.randn(4, 2, dtype=torch.complex64), group="U(1)", inputs="phase")
    assert found.layers[-1].rep == "1x0 + 1x1 + 1x2"


def test_charges_of_complex_features_that_are_detached() -> None:
    found = infer(lambda z: (z * z).detach(), torch.randn(4, 2, dtype=torch.complex64), group="U(1)", inputs="phase")
    assert found.layers[-1].rep == "2x2"


def test_powers_of_a_scaling() -> None:
    found = infer(lambda x: torch.stack([x, x.abs() ** 3], -1), torch.randn(4, 2), group="R+", inputs="scale_by")
    assert found.layers[-1].rep == "1x^1 + 1x^3"


def test_translations_are_told_with_an_offset() -> None:
    def model(x: Tensor) -> dict[str, Tensor]:
        away = x.unsqueeze(-2) - x.unsqueeze(-3)
        return {"energy": away.norm(dim=-1).sum((-1, -2)), "pos": x + (away * away.norm(dim=-1, keepdim=True).tanh()).sum(-2)}

    found = infer(model, torch.randn(4, 5, 3), group="E(3)", inputs="point")
    assert [layer.rep for layer in found.layers] == ["1x0e", "1x1o"]


def test_an_image_carries_the_regular_rep_of_shifts() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1, padding_mode="circular"), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    found = infer(net, torch.randn(4, 1, 4, 4), group="Z_N^2", inputs="roll")
    told = reps(found)
    assert (told["0"], told["1"], told["2"]) == ("1 regular", "1 regular", "1x1")


def test_a_grid_too_large_to_fit_is_not_said_to_carry_nothing() -> None:
    found = infer(lambda x: x.sin(), torch.randn(2, 1, 10, 10), group="Z_N^2", inputs="roll")
    assert found.layers[-1].because.startswith("no linear map of up to 90 features follows the group: ")


def test_zero_padding_carries_none() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU())
    found = infer(net, torch.randn(4, 1, 8, 8), group="Z_N^2", inputs="roll")
    assert reps(found)["1"] == ""


def branching(x: Tensor) -> Tensor:
    """A way by the length, which rotations keep, of one vector."""
    return x.norm() * x if bool(x.norm() > 1.5) else 2.25 * x / x.norm()


def test_ways_that_the_group_keeps_are_no_hindrance() -> None:
    found = infer(branching, Tensors((3,)), group="O(3)", inputs="vector")
    assert (found.layers[-1].rep, found.notes) == ("1x1o", ())
    other = infer(lambda x: x if bool(x[0] > 0) else x.exp(), Tensors((3,)), group="O(3)", inputs="vector")
    assert other.layers[-1].because.startswith("no linear map of features follows the group")


def cube(x: Tensor) -> Tensor:
    return x * x.square().sum(-1, keepdim=True)


@pytest.mark.parametrize(
    ("model", "rep", "note"),
    [
        (lambda x: cube(x.detach()), "1x1", "torch doesn't differentiate the output as computed"),
        (lambda x: torch.from_numpy(cube(x).numpy()), "1x1", "torch doesn't differentiate the model as computed"),
        (
            lambda x: torch.cat([cube(x).detach(), torch.ones_like(x[..., :1])], -1),
            "1x0+1x1",
            "torch doesn't differentiate the output as computed",
        ),
        (lambda x: x.detach().exp(), "", ""),
        (lambda x: x.sign(), "", ""),
    ],
    ids=["detached", "in numpy", "with a constant", "broken", "jumping"],
)
def test_models_that_torch_cannot_differentiate(model: Callable[[Tensor], Tensor], rep: str, note: str) -> None:
    """A derivative of zero would be that of three invariants: a finite element tells, and finite differences."""
    found = infer(model, torch.randn(4, 3), group="SO(3)", inputs="vector")
    assert found.layers[-1].rep == rep
    assert any(said.startswith(note) for said in found.notes) if note else found.notes == ()


def test_what_holds_no_real_numbers_is_said() -> None:
    found = infer(lambda x: (x, {"most": x.argmax(-1)}), torch.randn(4, 3), group="SO(3)", inputs="vector")
    assert [layer.rep for layer in found.layers] == ["1x1", ""]
    assert found.layers[-1].because == "it holds no real numbers"


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_part_is_told_once_by_its_own_name() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Identity(), torch.compile(nn.ReLU(), backend="eager"))
    assert [layer.name for layer in infer(net, torch.randn(4, 5, 2), group="S_n", inputs="permute").layers] == [
        "0",
        "1",
        "the output",
    ]


@pytest.mark.parametrize("kind", ["scripted", "compiled"])
def test_scripted_and_compiled_models_say_so(kind: str) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * x.square().sum(-1, keepdim=True)

    model = torch.jit.script(Net()) if kind == "scripted" else torch.compile(Net(), backend="eager")
    found = infer(model, torch.randn(4, 3), group="SO(3)", inputs="vector")
    assert found.layers[-1].rep == "1x1"
    assert any(kind in note for note in found.notes)


def test_what_cannot_be_told_says_why() -> None:
    (layer,) = infer(lambda x: 0 * x.sum(-1) + 1, torch.randn(4, 3), group="SO(3)", inputs="vector").layers
    assert layer.because == "it is the same for every input"
    with pytest.raises(ClaimError, match="is a monoid, which has no irreps to read"):
        infer(lambda x: x, torch.randn(4, 6, 2), group="Warp(T)", inputs="warp")
    with pytest.raises(SubjectError, match="raised on the example"):
        infer(lambda x: x @ torch.ones(5, 2).to(x), torch.randn(4, 3), group="SO(3)", inputs="vector")


def test_a_claim_brings_group_and_inputs() -> None:
    claim = Claim(lambda x: x.norm(dim=-1), "O(3)", domain=torch.randn(4, 3), inputs="vector", outputs="scalar")
    assert infer(claim).layers[-1].rep == "1x0e"


def test_it_is_told_in_words() -> None:
    told = str(infer(lambda x: x * x.norm(dim=-1, keepdim=True), torch.randn(4, 3), group="O(3)", inputs="vector"))
    assert told.startswith("<lambda> under O(3)\n  the output")
    assert "1x1o, residual " in told
    assert ", defect " in told


@pytest.mark.parametrize(
    ("group", "dimensions"),
    [
        (Cyclic(5), [1, 1, 1, 1, 1]),
        (Dihedral(4), [1, 1, 1, 1, 2]),
        (Symmetric(4), [1, 1, 2, 3, 3]),
        (Polyhedral("Icosahedral"), [1, 3, 3, 4, 5]),
    ],
    ids=str,
)
def test_characters_are_orthogonal(group: Group, dimensions: list[int]) -> None:
    table, classes = characters(group)
    sizes = torch.tensor([len(some) for some in classes], dtype=torch.float64)
    products = torch.einsum("ac,bc,c->ab", table, table.conj(), sizes.to(table)) / group.order
    assert torch.allclose(products, torch.eye(len(table), dtype=products.dtype), atol=1e-9)
    assert [round(float(row[0].real)) for row in table] == dimensions
    assert torch.allclose(table[0].real, torch.ones(len(table), dtype=torch.float64), atol=1e-9)


def test_the_regular_rep_holds_each_irrep_as_often_as_its_dimension() -> None:
    group = Symmetric(3)
    matrices = Regular().matrix(group, group.elements(), (6,))
    assert irreps(group, matrices) == "1 regular"
    moved = Permute(axis=-1).matrix(group, group.elements(), (3,))
    assert irreps(group, moved) == "1x1 + 1x2"


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cube.py").write_text("def build():\n    return lambda x: x * x.square().sum(-1, keepdim=True)\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["infer", "cube.py:build", "--group", "SO(3)", "--shape", "3", "--input", "vector"])
    assert done.exit_code == 0, done.output
    assert "1x1" in done.output


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "torch:relu claims nothing that tells its inputs. Give a group, and the shape and the rep of each input, such as"),
        (["--group", "SO(3)"], "one for each input. Give --shape and --input too."),
        (["--shape", "3", "--input", "vector"], "one for each input. Give --group too."),
        (["--group", "SO(3)", "--shape", "3", "--shape", "3", "--input", "vector"], "there are 2 of --shape and 1 of --input."),
    ],
)
def test_the_command_says_what_is_missing(options: list[str], said: str) -> None:
    done = CliRunner().invoke(main, ["infer", "torch:relu", *options])
    assert done.exit_code == 2
    assert said in done.output


def test_the_command_takes_group_and_inputs_of_a_claim() -> None:
    done = CliRunner().invoke(main, ["infer", "models.deepsets:set_classifier"])
    assert done.exit_code == 0, done.output
    assert "under S_" in done.output


def test_an_audit_tells_of_the_layers_of_claims_that_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.py").write_text(
        "import torch\nfrom symcheck import Claim\nfrom symcheck.groups import Warps\n"
        "class Cube(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        self.squares = torch.nn.Identity()\n"
        "    def forward(self, x):\n        return x * self.squares(x.square().sum(-1, keepdim=True))\n"
        "def claim(name, model, group, rep):\n"
        "    return Claim(model, group, domain=torch.randn(4, 6, 3), inputs=rep, outputs=rep, id=name)\n"
        "CLAIMS = (claim('holds', Cube(), 'SO(3)', 'vector'), claim('broken', lambda x: x.abs(), 'SO(3)', 'vector'),\n"
        "          claim('in time', Cube(), 'Warp(T)', 'warp'))\n"
    )
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["audit", "net", "--layers", "--json", "out.json", "--html", "out.html"])
    assert done.exit_code == 1, done.output
    assert "  squares     Identity  6x1  1x0 on axis -1, residual " in done.output
    record = read(Path("out.json"))
    holds, broken, warped = record.results
    assert [(layer.layer, layer.irreps) for layer in holds.layers] == [("squares", "1x0"), ("the output", "1x1")]
    assert max(layer.residual or 0.0 for layer in holds.layers) < 1e-13
    assert broken.layers == ()
    assert warped.layers == ()
    assert [f.text for f in warped.findings if f.kind == "layers"] == [
        "what its layers carry isn't known: Warp(6) is a monoid, which has no irreps to read. Use a group."
    ]
    page = Path("out.html").read_text()
    assert "What the layers carry" in page
    assert page == render(record)
    assert "<bdi>1x1 on axis -1, residual " in page
    plain = CliRunner().invoke(main, ["audit", "net", "--only", "holds", "--html", "plain.html"])
    assert "squares" not in plain.output
    assert "What the layers carry" not in Path("plain.html").read_text()


def test_layers_are_read_once_a_claim_and_cost_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Claim] = []

    def stopped(claim: Claim, **settings: Any) -> Inference:
        calls.append(claim)
        raise KeyboardInterrupt

    both = (Equivariance(), Composition())
    claim = Claim(torch.tanh, "S_n", domain=torch.randn(4, 6, 3), inputs="permute", outputs="permute", properties=both)
    found = symcheck.audit(claim, layers=True).results
    assert [bool(result.layers) for result in found] == [True, False]
    monkeypatch.setattr("symcheck.discovery.infer", stopped)
    with pytest.raises(symcheck.AuditInterrupted) as caught:
        symcheck.audit(claim, layers=True)
    assert [result.verdict.name for result in caught.value.record.results] == ["HOLDS", "HOLDS"]
    assert len(calls) == 1
