"""Discovery: the right group and output action on models that have one, none on models that have none."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn

import symcheck
from symcheck import Args, Claim
from symcheck.cli import main
from symcheck.config.worded import worded
from symcheck.discovery import Discovery, discover
from symcheck.discovery.algebra import called, parts
from symcheck.discovery.frames import by_axes, real
from symcheck.domains import Joint, PointCloud, Tensors
from symcheck.errors import GroupError, SubjectError
from symcheck.groups import (
    CO,
    GL,
    SE,
    SL,
    SO,
    SU,
    Aff,
    Exponential,
    Lorentz,
    MatrixGroup,
    Scaling,
    Sim,
    T,
    U,
)


def acts(found: Discovery) -> list[str]:
    """Group and reps of each symmetry that holds."""
    return [claim.id.partition(": ")[2] for claim in found.claims]


# Models and what they have


def forces(x: Tensor) -> Tensor:
    away = x.unsqueeze(-2) - x.unsqueeze(-3)
    return (away / (1 + away.square().sum(-1, keepdim=True))).sum(-2)


def charged(q: Tensor, x: Tensor) -> dict[str, Tensor]:
    away = x.unsqueeze(-2) - x.unsqueeze(-3)
    push = q.unsqueeze(-1).unsqueeze(-1) * q.unsqueeze(-2).unsqueeze(-1) * away / (1 + away.square().sum(-1, keepdim=True))
    return {"energy": push.square().sum((-3, -2, -1)), "forces": push.sum(-2)}


def torque(x: Tensor, y: Tensor) -> Tensor:
    return torch.linalg.cross(x, y) / (1 + x.square().sum(-1, keepdim=True) + y.square().sum(-1, keepdim=True).tanh())


def spiral(x: Tensor) -> Tensor:
    return x / (1 + x.square().sum(-1, keepdim=True)) + torch.stack([-x[..., 1], x[..., 0]], -1)


def edges(x: Tensor) -> Tensor:
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]]).to(x)
    return torch.tanh(nn.functional.conv2d(x.unsqueeze(-3), kernel[None, None], padding=1)).square().sum((-3, -2, -1))


def pinwheel(x: Tensor) -> Tensor:
    """Quarter turns hold; reflections don't: the sense of rotation counts."""
    north, east, south, west = x[..., 0, 1], x[..., 1, 2], x[..., 2, 1], x[..., 1, 0]
    pairs = ((north, east), (east, south), (south, west), (west, north))
    return torch.stack([torch.sin(a + b.square()) for a, b in pairs]).sum(0) + x.sin().sum((-1, -2))


def ring(x: Tensor) -> Tensor:
    return torch.tanh(x + 2 * x.roll(1, -1) + 3 * x.roll(2, -1))


def deep_set(x: Tensor) -> Tensor:
    return torch.tanh(x @ torch.arange(12.0).reshape(3, 4).cos().to(x) + 0.3).sum(-2)


torch.manual_seed(0)
MODELS: dict[str, tuple[Callable[..., Any], Any, str, list[str]]] = {
    "radius": (lambda x: x.norm(dim=-1).tanh(), torch.randn(4, 3), "so(3)", ["O(3), vector -> scalar"]),
    "length": (
        lambda x: x.norm(dim=-1),
        torch.randn(4, 3),
        "so(3) + scaling",
        ["O(3), vector -> scalar", "R+, scale_by -> scale_by"],
    ),
    "gram": (
        lambda x: torch.tanh(x @ x.mT).sum((-1, -2)),
        torch.randn(4, 6, 3),
        "so(3)",
        ["O(3), vector -> scalar", "S_n, permute -> scalar"],
    ),
    "volume": (
        lambda x: torch.linalg.det(x).sin() + torch.linalg.det(x),
        torch.randn(4, 3, 3),
        "2 sl(3)",
        ["SL(3), vector -> scalar"],
    ),
    "forces": (forces, torch.randn(2, 5, 3), "se(3)", ["E(3), point -> vector", "S_n, permute -> permute"]),
    "charged": (
        charged,
        (torch.randn(2, 5), torch.randn(2, 5, 3)),
        "se(3) + scaling",
        [
            "E(3), (scalar, point) -> (energy=scalar, forces=vector)",
            "R+, (scale_by, scalar) -> (energy=scale_by(power=4), forces=scale_by(power=2))",
            "S_n, (permute(axis=-1), permute) -> (energy=scalar, forces=permute)",
            "Flips(1), (sign, sign) -> (energy=scalar, forces=sign)",
            "Flips(1), (sign, scalar) -> (energy=scalar, forces=scalar)",
        ],
    ),
    "torque": (torque, (torch.randn(4, 3), torch.randn(4, 3)), "so(3)", ["O(3), (vector, vector) -> pseudovector"]),
    "handed": (
        lambda x, y, z: (torch.linalg.cross(x, y) * z).sum(-1).sin() + x.square().sum(-1) + y.norm(dim=-1),
        (torch.randn(4, 3), torch.randn(4, 3), torch.randn(4, 3)),
        "so(3)",
        ["O(3), (vector, vector, pseudovector) -> scalar"],
    ),
    "spiral": (spiral, torch.randn(4, 2), "so(2)", ["SO(2), vector -> vector"]),
    "planar": (lambda x: x * x.square().sum(-1, keepdim=True).cos(), torch.randn(4, 2), "so(2)", ["O(2), vector -> vector"]),
    "four": (lambda x: x.norm(dim=-1).tanh(), torch.randn(4, 4), "so(4)", ["O(4), vector -> scalar"]),
    "interval": (
        lambda p: torch.sin(p[..., 0].square() - p[..., 1:].square().sum(-1)),
        torch.randn(4, 4),
        "so(1,3)",
        ["O(1,3), four_vector -> scalar"],
    ),
    "phase": (lambda z: z * z.abs().tanh(), torch.randn(4, dtype=torch.complex64), "u(1)", ["U(1), phase -> phase"]),
    "current": (
        lambda z, w: (z.conj() * w).sum(-1) / (1 + z.abs().square().sum(-1) + (w.abs() ** 4).sum(-1)),
        (torch.randn(4, 3, dtype=torch.complex64), torch.randn(4, 3, dtype=torch.complex64)),
        "4 u(1)",
        ["S_n, (permute(axis=-1), permute(axis=-1)) -> scalar"],
    ),
    "homogeneous": (
        lambda m, x: m.abs() * (x[..., 0] ** 2 + (x[..., 1] ** 6 + x[..., 0] ** 6) ** (1 / 3)),
        (torch.rand(4) + 0.5, torch.randn(4, 2)),
        "2 scaling",
        ["R+, (scalar, scale_by) -> scale_by(power=2)", "R+, (scale_by, scalar) -> scale_by"],
    ),
    "shifted": (lambda x: torch.sin(x[..., 0] - x[..., 1]) + (x[..., 1] - x[..., 2]) ** 2, torch.randn(4, 3), "none", []),
    "set": (deep_set, torch.randn(2, 5, 3), "none", ["S_n, permute -> scalar"]),
    "ring": (ring, torch.randn(4, 5), "none", ["Z_N, roll(axes=(-1,)) -> roll(axes=(-1,))"]),
    "image": (edges, torch.randn(4, 6, 6), "none", ["D_4, image -> scalar", "Flips(1), sign -> scalar"]),
    "pinwheel": (pinwheel, torch.randn(4, 3, 3), "none", ["C_4, image -> scalar"]),
    "swap": (
        lambda x: x[..., 0].sin() + x[..., 1].sin() + x[..., 2].cos(),
        torch.randn(4, 3),
        "none",
        ["Flips(1), swap(i=0, j=1) -> scalar", "Flips(1), 2 scalar + sign -> scalar"],
    ),
    "one sign": (
        lambda x: torch.stack([x[..., 0].sin() + x[..., 1].cos(), x[..., 1].sin() * x[..., 2].exp(), x[..., 2].tanh()], -1),
        torch.randn(4, 3),
        "none",
        ["Flips(1), scalar + sign + scalar -> scalar + sign + scalar"],
    ),
    "scalar and vector": (
        lambda x: (x[..., 0].exp() + x[..., 1:].norm(dim=-1)).tanh(),
        torch.randn(4, 4),
        "so(3)",
        ["O(3), 1x0e+1x1o -> scalar"],
    ),
    "rounded": (lambda x: x.round().sort(-1).values, torch.randn(4, 5), "none", ["S_n, permute(axis=-1) -> scalar"]),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_right_group_is_found(name: str) -> None:
    torch.manual_seed(0)
    model, example, algebra, claims = MODELS[name]
    found = discover(model, example)
    assert algebra in ("", found.algebra)
    assert [claim for claim in claims if claim not in acts(found)] == []
    assert found.unconfirmed == ()


def test_nothing_more_is_told_than_holds() -> None:
    """Each list is the whole answer, so that what is wrongly added shows."""
    short = ("radius", "length", "gram", "forces", "charged", "spiral", "interval", "phase", "set", "swap")
    for name in (*short, "one sign", "scalar and vector"):
        model, example, _, claims = MODELS[name]
        torch.manual_seed(0)
        found = acts(discover(model, example))
        assert sorted(found) == sorted(claims), name


def mlp(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    act = (nn.GELU, nn.ReLU, nn.Tanh, nn.SiLU, nn.Softplus)[seed % 5]
    return nn.Sequential(nn.Linear(6, 32), act(), nn.Linear(32, 16), act(), nn.Linear(16, 1 + seed % 3))


def test_every_seed_of_an_audit_is_one() -> None:
    assert discover(lambda x: x.norm(dim=-1), torch.ones(2, 2), seed=2**63 - 1, finite=False).algebra == "so(2) + scaling"


@pytest.mark.parametrize("seed", range(10))
def test_no_symmetry_is_invented_for_an_mlp(seed: int) -> None:
    found = discover(mlp(seed), torch.randn(4, 6))
    assert (found.algebra, found.claims, found.unconfirmed) == ("none", (), ())
    assert found.spectrum[1] > 1e6 * found.floor


def test_a_small_break_leaves_what_it_doesn_t_break() -> None:
    """1e-9 of the output tells one axis apart, which float32 wouldn't see. Rotations about that axis are left."""
    found = discover(lambda x: x.norm(dim=-1).tanh() + 1e-9 * x[..., 0].sin(), torch.randn(4, 3), finite=False)
    assert found.algebra == "so(2)"
    assert 1e-11 < found.spectrum[1] < 1e-7
    assert acts(found) == ["O(2), scalar + vector -> scalar"]


def test_a_reflection_that_is_broken_by_little_is_left_out() -> None:
    """A triple product of 1e-9: screening, which sees float32, takes it for O(3), and the audit for what it is."""

    def model(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return (x - y).norm(dim=-1).tanh() + (y - z).norm(dim=-1).sin() + 1e-9 * (torch.linalg.cross(x, y) * z).sum(-1)

    found = discover(model, (torch.randn(4, 3), torch.randn(4, 3), torch.randn(4, 3)), finite=False)
    assert acts(found) == ["SO(3), (vector, vector, vector) -> scalar"]


def test_the_axis_of_rotations_needn_t_be_one_of_coordinates() -> None:
    """A form that isn't the unit matrix: the group is found by its own matrices."""
    metric = torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.2], [0.0, 0.2, 3.0]])
    found = discover(lambda x: torch.einsum("...i,ij,...j->...", x, metric.to(x), x).sin(), torch.randn(4, 3), finite=False)
    assert found.algebra == "so(3)"
    assert acts(found) == ["exp(so(3)), block(start=0, size=4) -> block(start=4, size=2, axis=0, axes=0)"]
    form = metric.double()
    assert all(float((x[:3, :3].mT @ form + form @ x[:3, :3]).abs().max()) < 1e-12 for x in found.generators[0])


def test_maps_across_axes_are_found_and_told_apart_from_those_along_them() -> None:
    """The norm of all numbers of a matrix: rotations of 6 numbers, of which so(2) and so(3) act along its axes."""
    found = discover(lambda x: x.square().sum((-1, -2)).sin(), torch.randn(4, 2, 3), finite=False)
    assert found.algebra.startswith("so(3) + so(2) + ")
    assert "across points and features" in found.algebra
    assert found.dimension == 15


def test_what_is_ignored_is_said_and_not_told() -> None:
    found = discover(lambda x, unused: x[..., :2].norm(dim=-1).tanh(), (torch.randn(4, 3), torch.randn(4, 3)))
    assert acts(found) == ["O(2), (vector + scalar, scalar) -> scalar"]
    assert found.notes == (
        "the output ignores 1 of 3 directions of input 'x': maps of what it ignores aren't told",
        "the output ignores input 'unused': maps of what it ignores aren't told",
    )


def test_maps_of_what_is_ignored_alone_are_not_told() -> None:
    """A mean over points and one over features: most maps of the rest do nothing that the output sees."""

    def model(x: Tensor) -> Tensor:
        low = torch.fft.rfft(x, dim=-1)[..., :2]
        return torch.stack([low.real, low.imag], -1).flatten(-3).sin() @ torch.arange(16.0).reshape(16, 1).cos().to(x)

    found = discover(model, torch.randn(4, 4, 9), finite=False)
    assert (found.algebra, found.unconfirmed) == ("none", ())
    assert found.notes == ("the output ignores 24 of 36 directions of input 'x': maps of what it ignores aren't told",)


def strided(x: Tensor) -> Tensor:
    """Every fourth sample of a cyclic filter."""
    return (x + 2 * x.roll(1, -1) - 0.5 * x.roll(3, -1)).tanh()[..., ::4]


def repeated(x: Tensor) -> Tensor:
    return (x + 2 * x.roll(1, -1)).tanh().repeat_interleave(3, -1)


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (strided, "Z_N, roll(axes=(-1,), step=4) -> roll(axes=(-1,))"),
        (lambda x: strided(x).square().sum(-1), "Z_N, roll(axes=(-1,), step=4) -> scalar"),
        (lambda x: strided(x).repeat_interleave(4, -1), "Z_N, roll(axes=(-1,), step=4) -> roll(axes=(-1,), step=4)"),
        (repeated, "Z_N, roll(axes=(-1,)) -> roll(axes=(-1,), step=3)"),
        (lambda x: torch.nn.functional.pad(x, (1, 0))[..., :12:4].tanh(), None),  # its first sample is a zero
    ],
    ids=["stride", "pooled", "back up", "upsampled", "padded"],
)
def test_rolls_by_strides_are_told(model: Any, told: str | None) -> None:
    example = torch.randn(2, 12)
    found = discover(model, example)
    assert [text for text in acts(found) if "roll" in text] == ([] if told is None else [told])
    scope: dict[str, Any] = {"MODEL": model, "EXAMPLE": example}
    exec(found.source(), scope)
    assert symcheck.audit(scope["CLAIMS"], trials=32).exit_code == 0


def test_what_several_inputs_do_at_once_is_told() -> None:
    """An image and its mask, of which neither moves alone, with a kernel that quarter turns keep and one that nothing keeps."""

    def filtered(x: Tensor, mask: Tensor, weights: tuple[float, ...]) -> Tensor:
        steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
        return (x.exp() * sum(w * mask.roll(step, (-2, -1)) for w, step in zip(weights, steps, strict=True))).tanh()

    example = (torch.randn(3, 5, 5), torch.randn(3, 5, 5))
    rolls = {f"Z_N, (roll(axes=({a},)), roll(axes=({a},))) -> roll(axes=({a},))" for a in (-1, -2)}
    alike = set(acts(discover(partial(filtered, weights=(1.0,) * 4), example)))
    assert {text for text in alike if "sign" not in text and "exp" not in text} == {"D_4, (image, image) -> image", *rolls}
    apart = set(acts(discover(partial(filtered, weights=(1.0, 2.0, -1.0, 0.5)), example)))
    assert {text for text in apart if "sign" not in text and "exp" not in text} == rolls


def test_rolls_and_reflections_of_an_image_are_both_told_and_flips_written_down() -> None:
    def blurred(x: Tensor) -> Tensor:
        around = sum(x.roll(step, axis) for step in (1, -1) for axis in (-1, -2))
        return torch.tanh(x + 0.3 * around)

    told = acts(discover(blurred, torch.randn(3, 4, 4)))
    assert {"D_4, image -> image", "Z_N, roll(axes=(-1,)) -> roll(axes=(-1,))"} <= set(told)
    found = discover(lambda x: (x * torch.tensor([1.0, 2.0, 1.0]).to(x)).sin().sum(-1), torch.randn(4, 3))
    assert "Flips(1), flip(axes=(-1,)) -> scalar" in acts(found)


@pytest.mark.parametrize(
    ("model", "example", "note"),
    [
        (nn.Linear(4, 3), torch.randn(5, 4), "the model is affine"),
        (lambda x: 0 * x.sum(-1) + 1, torch.randn(5, 4), "the output doesn't depend on the input"),
        (lambda x: x.argmax(-1), torch.randn(5, 4), "no derivative to look at"),
        (lambda x: x.sort(-1).values.round(), torch.randn(5, 4), "finite search only"),
        (lambda x: (x + torch.randn_like(x)).norm(dim=-1), torch.randn(5, 4), "two calls on the same input differ"),
    ],
)
def test_models_without_an_answer_say_why(model: Callable[..., Any], example: Any, note: str) -> None:
    torch.manual_seed(0)
    found = discover(model, example)
    assert any(note in said for said in found.notes), found.notes
    assert found.algebra == "none"


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        x = x.clone()
        x *= x.norm(dim=-1, keepdim=True).tanh()
        return x, {"length": x.norm(dim=-1)}


def test_in_place_operations_tuples_and_dicts() -> None:
    found = discover(InPlace(), torch.randn(4, 3))
    assert acts(found) == ["O(3), vector -> (vector, (length=scalar))"]


def test_a_scripted_model() -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.tanh(x.square().sum(-1))

    assert acts(discover(torch.jit.script(Net()), torch.randn(4, 3))) == ["O(3), vector -> scalar"]


class Radius(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x.square().sum(-1))


def compiled_in_place() -> nn.Module:
    net = Radius()
    net.compile(backend="eager")
    return net


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [
        torch.compile(Radius(), backend="eager"),
        torch.compile(lambda x: x.norm(dim=-1).tanh(), backend="eager"),
        compiled_in_place(),
        nn.Sequential(nn.Identity(), torch.compile(Radius(), backend="eager")),
    ],
    ids=["module", "function", "method", "part"],
)
def test_a_compiled_model_says_so(model: Callable[..., Any]) -> None:
    found = discover(model, torch.randn(4, 3))
    assert acts(found) == ["O(3), vector -> scalar"]
    assert any("is compiled" in note and "in its eager form" in note for note in found.notes)


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_function_that_a_model_calls() -> None:
    inner = torch.compile(lambda x: x.norm(dim=-1).tanh(), backend="eager")
    assert acts(discover(lambda x: inner(2 * x), torch.randn(4, 3))) == ["O(3), vector -> scalar"]


def test_flow_that_depends_on_data() -> None:
    """One vector a call. The ways part where the length does, which rotations keep; and where a coordinate does."""

    def kept(x: Tensor) -> Tensor:
        return x.norm().tanh() if bool(x.norm() > 1.5) else x.norm().square()

    def parting(x: Tensor) -> Tensor:
        return x.norm().tanh() if bool(x[0] > 0) else x[1].sin()

    assert acts(discover(kept, Tensors((3,)))) == ["O(3), vector -> scalar"]
    found = discover(parting, Tensors((3,)))
    assert acts(found) == ["Flips(1), 2 scalar + sign -> scalar"]  # rotations about x[1] hold on both sides, and not across
    assert [one.verdict.name for one in found.unconfirmed] == ["VIOLATED"]


class Again(nn.Module):
    """Calls one layer twice and another never."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.never = nn.Linear(3, 3), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.layer(x).tanh()).tanh()


def test_modules_that_are_called_twice_or_never() -> None:
    torch.manual_seed(0)
    assert acts(discover(Again(), torch.randn(4, 5, 3))) == ["S_n, permute -> permute"]


def test_complex_features_inside_of_a_real_model() -> None:
    def model(x: Tensor) -> Tensor:
        z = torch.complex(x[..., 0], x[..., 1])
        return torch.view_as_real(z * z / (1 + z.abs()))

    found = discover(model, torch.randn(4, 2), finite=False)
    assert found.algebra == "so(2)"
    assert len(found.claims) == 1


def test_attention_is_differentiated_by_torch() -> None:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0, batch_first=True).eval()
    found = discover(lambda x: layer(x), torch.randn(2, 5, 4), finite=False)
    assert found.dimension == 0
    assert not any("finite differences" in note for note in found.notes)


def test_a_model_that_torch_cannot_differentiate() -> None:
    def detour(x: Tensor) -> Tensor:
        return torch.from_numpy(x.detach().square().sum(-1).numpy()).tanh()

    found = discover(detour, torch.randn(4, 3))
    assert found.algebra == "so(3)"
    assert acts(found) == ["O(3), vector -> scalar"]
    assert any("finite differences" in note for note in found.notes)


def test_keywords_and_integers() -> None:
    def model(x: Tensor, *, kind: Tensor) -> Tensor:
        return (x.norm(dim=-1) * (1 + kind)).sum(-1).tanh()

    found = discover(model, Args(torch.randn(4, 5, 3) / 3, kind=torch.arange(20).reshape(4, 5) % 3))
    assert "O(3), (vector, kind=scalar) -> scalar" in acts(found)
    assert "S_n, (permute, kind=permute(axis=-1)) -> scalar" in acts(found)


def test_maps_along_points_are_not_tried_at_other_numbers_of_points() -> None:
    """Among the boundaries are two points, half of the four numbers that such a map moves, as four of complex ones would be."""
    found = discover(lambda x: x.norm(dim=-1), PointCloud(4), trials=16, finite=False)
    assert any("axis=-2" in one.claim.id for one in found.found)


def test_a_model_that_raises_is_an_error() -> None:
    def model(x: Tensor) -> Tensor:
        raise ValueError("no")

    with pytest.raises(
        SubjectError, match=r"raised on the example: ValueError: no \(at .*py:\d+\)\. Give an example that it takes"
    ):
        discover(model, torch.randn(4, 3))


def test_a_model_that_is_finite_nowhere_is_an_error() -> None:
    def model(x: Tensor) -> Tensor:
        return x.sum(-1) * torch.nan

    with pytest.raises(SubjectError, match=r"returned NaN or infinity on each of 8 inputs like the example\. Give"):
        discover(model, torch.randn(4, 3))
    with pytest.raises(SubjectError, match="returned NaN or infinity on each of 8 inputs"):
        symcheck.infer(model, torch.randn(4, 3), group="SO(3)", inputs="vector")
    assert discover(lambda x: x[..., 0].log(), torch.randn(4, 3)).dimension >= 0  # NaN on half of the inputs alone


def test_the_claims_can_be_audited_and_written_down() -> None:
    found = discover(charged, (torch.randn(2, 5), torch.randn(2, 5, 3)))
    assert symcheck.audit(found.claims, trials=32).exit_code == 0
    scope: dict[str, Any] = {"MODEL": charged, "EXAMPLE": (torch.randn(2, 5), torch.randn(2, 5, 3))}
    exec(found.source(), scope)
    assert len(scope["CLAIMS"]) == len(found.claims)
    assert symcheck.audit(scope["CLAIMS"], trials=32).exit_code == 0


def test_generated_groups_and_swaps_are_written_down() -> None:
    def model(x: Tensor) -> Tensor:
        return (x[..., 0].square() + 2 * x[..., 1].square()).sin() + x[..., 2].cos() + x[..., 3].cos()

    found = discover(model, torch.randn(4, 4))
    scope: dict[str, Any] = {"MODEL": model, "EXAMPLE": torch.randn(4, 4)}
    exec(found.source(), scope)
    assert {type(claim.group) for claim in scope["CLAIMS"]} >= {Exponential}
    assert any("swap(i=2, j=3)" in claim.id for claim in scope["CLAIMS"])
    assert symcheck.audit(scope["CLAIMS"], trials=32).exit_code == 0


def test_the_same_seed_gives_the_same_answer() -> None:
    one, two = (str(discover(mlp(1), torch.randn(4, 6), seed=3)) for _ in range(2))
    assert one.splitlines()[0] == two.splitlines()[0]
    assert str(discover(forces, torch.ones(2, 4, 3))) == str(discover(forces, torch.ones(2, 4, 3)))


# Algebras


def spanned(*groups: MatrixGroup) -> tuple[Tensor, Tensor, list[Tensor]]:
    """A random basis of a sum of algebras, as homogeneous matrices; without translations; and by group."""
    mats = [group.algebra() for group in groups]
    mats = [
        torch.cat([torch.cat([m.real, -m.imag], -1), torch.cat([m.imag, m.real], -1)], -2) if m.is_complex() else m
        for m in mats
    ]
    k, d = sum(map(len, mats)), sum(m.shape[-1] for m in mats)
    x, linear, places = torch.zeros(k, d, d, dtype=torch.float64), torch.zeros(k, d, d, dtype=torch.float64), []
    row = start = 0
    for m, group in zip(mats, groups, strict=True):
        own = m.clone()
        if isinstance(group, (SE, Sim, Aff, T)):
            own[:, :-1, -1] = 0
        here = slice(start, start + m.shape[-1])
        x[row : row + len(m), here, here], linear[row : row + len(m), here, here] = m, own
        moved = isinstance(group, (SE, Sim, Aff, T))
        places.append(slice(start, start + m.shape[-1] - moved))
        row, start = row + len(m), start + m.shape[-1]
    change = torch.linalg.qr(torch.randn(k, k, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
    x, linear = (torch.einsum("mk,kij->mij", change, m) for m in (x, linear))
    return x, linear, [linear[:, p, p] for p in places]


@pytest.mark.parametrize(
    ("groups", "name"),
    [
        ((SO(3),), "so(3)"),
        ((SE(2),), "se(2)"),
        ((SE(3),), "se(3)"),
        ((SO(4),), "so(4)"),
        ((SO(5),), "so(5)"),
        ((SL(2),), "sl(2)"),
        ((GL(3),), "gl(3)"),
        ((Aff(2),), "aff(2)"),
        ((Sim(3),), "sim(3)"),
        ((CO(3),), "so(3) + scaling"),
        ((T(3),), "t(3)"),
        ((Lorentz(3),), "so(1,3)"),
        ((SU(2),), "su(2)"),
        ((SU(3),), "su(3)"),
        ((U(2),), "su(2) + so(2)"),
        ((SO(3), SO(3)), "2 so(3)"),
        ((SO(3), SL(2), Scaling()), "so(3) + sl(2) + scaling"),
    ],
    ids=str,
)
def test_algebras_are_named_in_any_basis(groups: tuple[MatrixGroup, ...], name: str) -> None:
    assert sorted(called(parts(*spanned(*groups))).split(" + ")) == sorted(name.split(" + "))


def test_an_algebra_that_isn_t_reductive_is_told_by_its_dimension() -> None:
    """The Heisenberg algebra: upper triangular matrices."""
    x = torch.zeros(3, 3, 3, dtype=torch.float64)
    x[0, 0, 1] = x[1, 1, 2] = x[2, 0, 2] = 1
    assert called(parts(x, x, [x])) == "3 dimensions, not reductive"


def test_frames_have_no_map_twice() -> None:
    """Multiples of the identity along one axis are those along another: they are in one slot alone."""
    x = real([torch.randn(3, 4, 2, dtype=torch.float64)])
    frame = by_axes(x, [0], [None])
    images = frame.images(x).mT.reshape(-1, frame.size)
    assert torch.linalg.matrix_rank(images) == frame.size == 4 + 2 + 15


# The command


def test_the_command_tells_and_writes_claims(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "radius.py").write_text("def build():\n    return lambda x: x.norm(dim=-1).tanh()\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["discover", "radius.py:build", "--shape", "3", "--claims", "found.py"])
    assert done.exit_code == 0, done.output
    assert "O(3), vector -> scalar" in done.output
    assert CliRunner().invoke(main, ["audit", "found.py", "--trials", "32"]).exit_code == 0


MODULE = """
import torch
from torch import nn

def build():
    return lambda x: torch.tanh(x @ torch.arange(12.0).reshape(3, 4).cos().to(x) + 0.3).sum(-2)

def second():
    return lambda x: x[..., 1, :].tanh()

def odd():
    return lambda x: (x[..., 0].square() + 2 * x[..., 1].square()).sin() + x[..., 2].cos() + x[..., 3].cos()

class Weighted(nn.Module):
    def __init__(self):
        super().__init__()
        self.metric = nn.Parameter(torch.tensor([1.0, 2.0, 3.0]))

    def forward(self, x):
        return (self.metric * x).norm(dim=-1).tanh()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def command(*args: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, list(args))
    return done.exit_code, done.output


def verdicts(told: str) -> list[list[str]]:
    """Each verdict and its claim, of a discovery or of an audit, without what is measured."""
    rows = [re.split(r"  +", re.sub(r"here\.\w+: ", "", line.strip())) for line in told.splitlines()]
    return [row[:2] for row in rows if row[0] in ("HOLDS", "LIMITED", "VIOLATED")]


@pytest.mark.usefixtures("folder")
def test_what_is_discovered_is_written_to_a_config_that_audits_alike() -> None:
    code, told = command("discover", "here.py:build", "--shape", "5,3", "--claims", "symcheck.toml")
    assert (code, verdicts(told)) == (0, [["HOLDS", "S_n, permute -> scalar"]])
    assert "symcheck.toml has 1 claim of here.py:build. Audit: symcheck audit --config symcheck.toml" in told
    code, audited = command("audit")
    assert (code, verdicts(audited)) == (0, verdicts(told))
    Path("symcheck.toml").write_text(Path("symcheck.toml").read_text().replace(":build", ":second"))
    assert verdicts(command("audit")[1])[:1] == [["VIOLATED", "S_n, permute -> scalar"]]


@pytest.mark.usefixtures("folder")
def test_a_config_says_what_has_no_words_in_it() -> None:
    code, told = command("discover", "here.py:odd", "--shape", "4", "--claims", "found.toml")
    assert code == 0, told
    assert "1 has no words there. Audit: symcheck audit --config found.toml" in told
    config = Path("found.toml").read_text()
    assert "symcheck discover --claims found.py writes them:\n# here.odd: exp(so(2)), block(" in config
    assert 'inputs = ["swap(i=2, j=3)"]' in config
    claims = config.count("[[models.claims]]")
    assert command("audit", "--config", "found.toml")[1].count("HOLDS") == claims > 2
    assert command("discover", "here.py:odd", "--shape", "4", "--claims", "found.py")[0] == 0
    assert command("audit", "found.py")[1].count("HOLDS") == claims + 1


@pytest.mark.usefixtures("folder")
def test_claims_are_those_of_the_weights_that_were_given() -> None:
    torch.save({"metric": torch.ones(3)}, "round.pt")
    for file in ("found.py", "found.toml"):
        code, told = command(
            "discover", "here.py:Weighted", "--shape", "3", "--weights", "round.pt", "--connected", "--claims", file
        )
        assert code == 0, told
        audit = command("audit", *(["--config", file] if file.endswith("toml") else [file]), "--trials", "32")
        assert (audit[0], verdicts(audit[1])) == (0, [["HOLDS", "O(3), vector -> scalar"]])


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("target", "file", "message"),
    [
        ("here.py:build", "there.toml", "there.toml is not for discover to write: it may hold other things. Add to it"),
        ("here.py:build", "here.py", "here.py is not for discover to write: it may hold other things."),
        ("here.py:build", "symcheck.toml", "pyproject.toml is not for discover to write"),
        ("here.py:build", "no/found.toml", "--claims no/found.toml: there is no folder 'no'. Make it first."),
        ("models.deepsets", "found.toml", "'models.deepsets' names a module, not a model. Name the model"),
    ],
)
def test_nothing_is_searched_that_could_not_be_written(target: str, file: str, message: str) -> None:
    Path("there.toml").write_text("")
    Path("pyproject.toml").write_text("[tool.symcheck]\n")
    shapes = [] if target.startswith("models") else ["--shape", "5,3"]
    code, told = command("discover", target, *shapes, "--claims", file)
    assert code == 2
    assert message in told
    assert "singular values" not in told


@pytest.mark.parametrize(
    ("domain", "inputs", "outputs", "table"),
    [
        (Tensors((3,)), "vector", "scalar", {"inputs": "vector", "domain": "Tensors(shape=(3,))"}),
        (Joint(Tensors((3,))), ("vector",), "scalar", {"inputs": ["vector"], "shapes": [[3]]}),
        (Joint(x=Tensors((3,))), Args(x="vector"), "scalar", {"inputs": {"x": "vector"}, "shapes": {"x": [3]}}),
        (PointCloud(4), "vector", {"a": "scalar"}, {"domain": repr(PointCloud(4)), "outputs": {"a": "scalar"}}),
        (
            Joint(PointCloud(4), Tensors((4,))),
            ("vector", "scalar"),
            ("scalar", "vector"),
            {"domain": [repr(PointCloud(4)), "Tensors(shape=(4,))"], "outputs": ["scalar", "vector"]},
        ),
        (torch.randn(4, 3), "vector", "scalar", None),
        (Joint(Tensors((3,)), y=Tensors((3,))), Args("vector", y="vector"), "scalar", None),
        (Tensors((3,)), "vector", ("scalar", ("scalar", "scalar")), None),
    ],
)
def test_claims_in_the_words_of_a_config(domain: Any, inputs: Any, outputs: Any, table: dict[str, Any] | None) -> None:
    claim = Claim(torch.relu, "SO(3)", domain=domain, inputs=inputs, outputs=outputs)
    found = worded(claim)
    assert table is None or found is not None
    for name, value in (table or {}).items():
        assert getattr(found, name) == value
    assert (found is None) is (table is None)
    named = worded(replace(claim, id="mine"))
    assert (named.id if named else None) == ("mine" if table else None)


def test_a_group_that_no_name_tells_has_no_words() -> None:
    turn = Exponential((((0.0, -1.0), (1.0, 0.0)),), "exp(so(2))")
    claim = Claim(torch.relu, turn, domain=Tensors((2,)), inputs="vector", outputs="vector")
    assert worded(claim) is None
    with pytest.raises(
        GroupError, match=r"'exp\(so\(2\)\)' has matrices of its own, which a name doesn't tell\. Give the object"
    ):
        Claim(torch.relu, "exp(so(2))", domain=Tensors((2,)), inputs="vector", outputs="vector")


def test_the_command_needs_inputs() -> None:
    done = CliRunner().invoke(main, ["discover", "torch:relu"])
    assert done.exit_code == 2
    told = "torch:relu claims nothing that tells its inputs. Give the shape of each of its inputs, such as --shape 8,3."
    assert done.output == f"symcheck: {told}\n"
    assert "there is no module 'no_such_module'" in CliRunner().invoke(main, ["discover", "no_such_module:net"]).output


def test_the_command_takes_the_inputs_of_claims() -> None:
    done = CliRunner().invoke(main, ["discover", "models.deepsets:set_classifier", "--connected"])
    assert done.exit_code == 0, done.output
    assert "connected  none" in done.output


@pytest.mark.slow
def test_rotations_hidden_among_64_numbers() -> None:
    """Sixteen four-vectors behind a random change of basis: 4,160 unknowns, of which six combinations hold."""
    mix = torch.linalg.qr(torch.randn(64, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)).Q
    head = nn.Sequential(nn.Linear(136, 32), nn.Tanh(), nn.Linear(32, 32))

    def model(x: Tensor) -> Tensor:
        points = (x @ mix.to(x)).unflatten(-1, (16, 4))
        gram = points @ points.mT
        return head(gram[(..., *torch.triu_indices(16, 16))] / 4)

    found = discover(model, torch.randn(4, 64), finite=False)
    assert (found.algebra, found.dimension) == ("2 so(3)", 6)  # which so(4) is
    assert found.spectrum[1] > 1e9 * found.spectrum[0]
    whole = "block(start=0, size=65) -> block(start=65, size=33, axis=0)"
    assert acts(found) == [f"exp(so(3)), {whole}", f"exp(so(3)), {whole} [2]"]
