"""Properties: each has a model that has it, a twin that is caught, and a claim of which it says nothing."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Claim, Result
from symcheck.domains import Examples, Grid, Joint, PointCloud, Set
from symcheck.errors import ClaimError
from symcheck.properties import (
    CATALOGUE,
    ClassEquivariance,
    Coarsening,
    Composition,
    Conservation,
    Conservative,
    Equivariance,
    FormatInvariance,
    GradientEquivariance,
    Infinitesimal,
    Property,
    Stability,
)
from symcheck.reps import LogShift

CLOUD = PointCloud(5)
PHASE = Joint(PointCloud(4), PointCloud(4))


def kernel(x: Tensor) -> tuple[Tensor, Tensor]:
    gaps = x[..., :, None, :] - x[..., None, :, :]
    return gaps, torch.exp(-gaps.square().sum(-1))


def energy(x: Tensor) -> Tensor:
    return kernel(x)[1].sum((-2, -1))


def leaking(x: Tensor) -> Tensor:
    return energy(x) + 1e-3 * x[..., 0].sum(-1) ** 2


def with_forces(x: Tensor) -> tuple[Tensor, Tensor]:
    gaps, k = kernel(x)
    return k.sum((-2, -1)), 4 * (k.unsqueeze(-1) * gaps).sum(-2)


def with_a_force_head(x: Tensor) -> tuple[Tensor, Tensor]:
    """Forces of a head of their own: equivariant, and the gradient of nothing."""
    gaps, k = kernel(x)
    return k.sum((-2, -1)), 4 * (k.square().unsqueeze(-1) * gaps).sum(-2)


def hamiltonian(q: Tensor, p: Tensor) -> Tensor:
    return p.square().sum((-2, -1)) / 2 + energy(q)


def in_a_field(q: Tensor, p: Tensor) -> Tensor:
    return hamiltonian(q, p) + 1e-3 * q[..., 0].sum(-1)


def audit(model: Any, *properties: Property, **words: Any) -> list[Result]:
    stated = {"group": "SO(3)", "inputs": "vector", "outputs": "scalar", "domain": CLOUD} | words
    return list(symcheck.audit(Claim(model, **stated, properties=properties), trials=64).results)


def only(model: Any, prop: Property, **words: Any) -> Result:
    (result,) = audit(model, prop, **words)
    return result


def halved(x: Tensor) -> Tensor:
    return (x + x.roll(1, -1))[..., ::2] / 2


def smooth(x: Tensor) -> Tensor:
    return x + x.roll(2, -1) / 4 + x.roll(-2, -1) / 4


def smooth_coarse(x: Tensor) -> Tensor:
    return x + x.roll(1, -1) / 4 + x.roll(-1, -1) / 4


def dense(edges: Tensor, x: Tensor) -> Tensor:
    return x


SHARED: list[tuple[Callable[..., Any], Callable[..., Any], Property, dict[str, Any]]] = [
    (energy, leaking, Equivariance(), {}),
    (energy, leaking, Composition(), {}),
    (energy, leaking, Infinitesimal(), {}),
    (energy, leaking, GradientEquivariance(), {}),
    (with_forces, with_a_force_head, Conservative(), {"outputs": ("scalar", "vector"), "group": "E(3)", "inputs": "point"}),
    (hamiltonian, in_a_field, Conservation(), {"group": "E(3)", "inputs": ("point", "vector"), "domain": PHASE}),
    (
        smooth,
        lambda x: smooth(x) * (1 + 1e-3 * x),
        Coarsening(inputs=halved, outputs=halved, model=smooth_coarse),
        {"group": "Z_N", "inputs": "roll(axes=(-1,))", "outputs": "roll(axes=(-1,))", "domain": Grid(1, (16,))},
    ),
    (
        lambda x: x.sum(-2),
        lambda x: x.cumsum(-2).sum(-2),
        FormatInvariance(convert=lambda x: x.flip(-2)),
        {"group": "S_n", "inputs": "permute", "domain": Set(5, 2)},
    ),
    (
        lambda x: x.norm(dim=-1),
        lambda x: torch.sin(50 * x).sum(-1),
        Stability(constant=2.0),
        {"group": "SO(3)", "domain": PointCloud(1)},
    ),
]
IDS = [prop.name for _, _, prop, _ in SHARED]


def test_every_property_is_tried() -> None:
    assert {type(prop) for _, _, prop, _ in SHARED} | {ClassEquivariance} == set(CATALOGUE)  # which has tests of its own below


@pytest.mark.parametrize(("model", "twin", "prop", "words"), SHARED, ids=IDS)
def test_a_model_that_has_the_property(model: Any, twin: Any, prop: Property, words: dict[str, Any]) -> None:
    result = only(model, prop, **words)
    assert result.verdict.name == "HOLDS", result
    assert result.statement == prop.statement


@pytest.mark.parametrize(("model", "twin", "prop", "words"), SHARED, ids=IDS)
def test_a_twin_that_has_not(model: Any, twin: Any, prop: Property, words: dict[str, Any]) -> None:
    result = only(twin, prop, **words)
    assert result.verdict.name == "VIOLATED", result
    assert result.counterexample is not None


@pytest.mark.parametrize(
    ("prop", "words", "text"),
    [
        (Infinitesimal(), {"group": "S_n", "inputs": "permute"}, "S_5 has no Lie algebra"),
        (Conservation(), {"group": "S_n", "inputs": "permute"}, "S_5 has no Lie algebra"),
        (Conservation(), {}, "takes positions and momenta of one shape as two inputs"),
        (GradientEquivariance(), {"model": lambda x: x, "outputs": "vector"}, "the gradient is that of an invariant"),
        (Conservative(), {}, "there are 1 inputs and 1 outputs"),
        (Conservative(), {"model": lambda x: (x, x.sum(-1)), "outputs": ("vector", "scalar")}, "must be equal"),
        (Stability(constant=-1.0), {}, "is positive and finite, not -1.0"),
        (Stability(constant=1.0), {"inputs": "scalar"}, "no input is deformed"),
    ],
)
def test_a_claim_of_which_it_says_nothing_is_misstated(prop: Property, words: dict[str, Any], text: str) -> None:
    words = dict(words)
    result = only(words.pop("model", energy), prop, **words)
    assert result.misstated
    assert "says nothing here" in result.because
    assert text in result.because


def test_one_claim_of_several_properties_has_a_result_for_each() -> None:
    results = audit(leaking, Equivariance(), Infinitesimal())
    assert [result.property_name for result in results] == ["equivariance", "infinitesimal"]
    assert {result.verdict.name for result in results} == {"VIOLATED"}


def test_a_property_that_says_nothing_leaves_the_others_their_verdicts() -> None:
    properties = (Equivariance(), Infinitesimal(), Composition())
    results = audit(energy, *properties, group="S_n", inputs="permute")
    assert [(result.property_name, result.verdict.name, result.misstated) for result in results] == [
        ("equivariance", "HOLDS", False),
        ("infinitesimal", "CRASHED", True),
        ("composition", "HOLDS", False),
    ]


def test_the_lie_derivative_does_not_see_reflections() -> None:
    def chiral(x: Tensor) -> Tensor:
        return torch.linalg.det(x[..., :3, :])

    connected, whole = audit(chiral, Infinitesimal(), Equivariance(), group="O(3)")
    assert connected.verdict.name == "HOLDS"
    assert whole.verdict.name == "VIOLATED"


def test_the_lie_derivative_equals_a_difference_quotient() -> None:
    """L_X f along a rotation about z, by forward mode and by central differences."""
    from symcheck._tree import Args, flatten
    from symcheck.engine.bound import Bound
    from symcheck.engine.forward import Batching, Forward
    from symcheck.groups import SO
    from symcheck.placement import Placement
    from symcheck.properties.infinitesimal import directions, velocity
    from symcheck.reps import Scalar, Vector

    x = torch.randn(6, 5, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    _, structure = flatten(Args(x))
    f = Forward(leaking, structure, Placement(torch.device("cpu"), torch.float64), Batching.BATCH)
    bound = Bound(SO(3), (Vector(),), (Scalar(),))
    g = SO(3).sample(6, torch.Generator().manual_seed(1))
    v, h = directions(SO(3), g), 1e-5
    (slope,) = f.jvp([x], velocity(bound, v, [x], inward=True))
    ends = [f(bound.on_inputs(SO(3).exponential(sign * h * v), [x]))[0] for sign in (1, -1)]
    assert torch.allclose(slope, (ends[0] - ends[1]) / (2 * h), rtol=1e-6, atol=1e-9)  # h^2, and eps / h


def test_a_gradient_shows_a_ripple_more_than_the_output_does() -> None:
    def rippled(x: Tensor) -> Tensor:
        return energy(x) + 1e-4 * torch.sin(300 * x[..., 0]).sum(-1)

    output, gradient = audit(rippled, Equivariance(), GradientEquivariance())
    assert output.worst is not None
    assert gradient.worst is not None
    assert (gradient.worst.relative or 0) > 30 * (output.worst.relative or 1)


def test_another_model_that_a_property_holds_is_cast_along() -> None:
    """The coarse model has parameters of its own, in float32; the check runs it in float64 and puts it back."""

    class Scaled(nn.Module):
        def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
            super().__init__()
            self.function, self.weight = function, nn.Parameter(torch.tensor(0.3))

        def forward(self, x: Tensor) -> Tensor:
            return self.function(x) * self.weight

    fine, coarse = Scaled(smooth), Scaled(smooth_coarse)
    words = {"group": "Z_N", "inputs": "roll(axes=(-1,))", "outputs": "roll(axes=(-1,))", "domain": Grid(1, (16,))}
    assert only(fine, Coarsening(halved, halved, coarse), **words).verdict.name == "HOLDS"
    assert coarse.weight.dtype == torch.float32
    with torch.no_grad():
        coarse.weight += 1e-3
    assert only(fine, Coarsening(halved, halved, coarse), **words).verdict.name == "VIOLATED"


def test_stability_allows_up_to_its_constant() -> None:
    """|x| is stable with constant 1 under dilations of space: the change of the norm is at most the displacement."""
    words = {"group": "SO(3)", "domain": PointCloud(1), "outputs": "scalar"}
    first = lambda x: x[..., 0].mean(-1)  # noqa: E731 - not invariant, but it moves no faster than the points do
    assert only(first, Stability(constant=2.0), **words).verdict.name == "HOLDS"
    assert only(first, Stability(constant=0.1), **words).verdict.name == "VIOLATED"


def test_the_model_that_cannot_be_differentiated_is_said_to_raise() -> None:
    class Opaque(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            return x.norm(dim=-1).sum(-1)

        @staticmethod
        def backward(ctx: Any, *grad: Tensor) -> Tensor:
            raise RuntimeError("no gradient here")

    result = only(lambda x: Opaque.apply(x), Infinitesimal())
    assert result.verdict.name == "CRASHED"
    assert "RuntimeError: no gradient here" in result.because


class OverDistances(nn.Module):
    """Attention by torch's fused kernels over what points are from the centre, and with `leak` where one lies."""

    def __init__(self, leak: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.leak, self.up, self.down = leak, nn.Linear(1, 8), nn.Linear(8, 1)
        self.mix = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        away = x - x.mean(-2, keepdim=True)
        seen = away.norm(dim=-1, keepdim=True) + self.leak * away[..., :1]
        return self.down(self.mix(self.up(seen))).tanh().sum((-2, -1))  # type: ignore[no-any-return]


@pytest.mark.parametrize(("leak", "verdict"), [(0.0, "HOLDS"), (1e-2, "VIOLATED")])
def test_attention_has_a_lie_derivative(leak: float, verdict: str) -> None:
    fast = torch.backends.mha.get_fastpath_enabled()
    result = only(OverDistances(leak).eval(), Infinitesimal())
    assert result.verdict.name == verdict
    assert torch.backends.mha.get_fastpath_enabled() == fast


class Rated(nn.Module):
    """h(t) = 1 - exp(-exp(b) t): the unit of time is absorbed in the bias of the rate."""

    def __init__(self, second: bool = False) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor([0.3, -0.2, 0.1]))
        self.other = nn.Parameter(torch.tensor([0.1, 0.2, 0.0]))
        self.second = second

    def forward(self, t: Tensor) -> Tensor:
        grown = -torch.expm1(-torch.exp(self.bias) * t.abs())
        return grown + torch.tanh(torch.exp(self.other) * t) if self.second else grown


@pytest.mark.parametrize("example", [torch.rand(5, 3) + 0.1, torch.rand(3) + 0.1], ids=["batch", "single"])
def test_parameters_transform_too(example: Tensor) -> None:
    prop = ClassEquivariance({"bias": LogShift()})
    words = {"group": "R+", "inputs": "scale_by(power=1)", "outputs": "scalar", "domain": example}
    assert only(Rated(), prop, **words).verdict.name == "HOLDS"
    assert only(Rated(second=True), prop, **words).verdict.name == "VIOLATED"
    assert only(Rated(), Equivariance(), **words).verdict.name == "VIOLATED"
    both = ClassEquivariance({"bias": LogShift(), "other": "log_shift"})
    assert only(Rated(second=True), both, **words).verdict.name == "HOLDS"


def test_the_order_of_hidden_units_is_a_symmetry_of_the_weights() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    reps = {"0.weight": "permute", "0.bias": "permute(axis=-1)", "2.weight": "permute(axis=-1)"}
    words = {"group": "S_5", "inputs": "scalar", "outputs": "scalar", "domain": torch.randn(6, 3)}
    assert only(net, ClassEquivariance(reps), **words).verdict.name == "HOLDS"
    del reps["0.bias"]
    assert only(net, ClassEquivariance(reps), **words).verdict.name == "VIOLATED"


def test_parameters_that_the_group_leaves_alone_show_nothing() -> None:
    words = {"group": "R+", "inputs": "scalar", "outputs": "scalar", "domain": torch.rand(5, 3)}
    assert only(Rated(), ClassEquivariance({"bias": "scalar"}), **words).verdict.name == "VACUOUS"


@pytest.mark.parametrize(
    ("model", "prop", "text"),
    [
        (Rated(), ClassEquivariance({}), "it names no parameters"),
        (Rated(), ClassEquivariance({"bais": "scalar"}), "Rated has no parameter 'bais'; did you mean 'bias'?"),
        (lambda x: x, ClassEquivariance({"bias": "scalar"}), "is no module, and so has no parameters by name"),
    ],
)
def test_parameters_that_are_not_there_are_named(model: Any, prop: Property, text: str) -> None:
    result = only(model, prop, group="R+", inputs="scale_by(power=1)", outputs="scalar", domain=torch.rand(5, 3))
    assert result.misstated
    assert text in result.because


def test_a_parameter_that_the_group_does_not_fit_is_named() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2))
    result = only(net, ClassEquivariance({"0.bias": "permute(axis=-1)"}), group="S_4", inputs="scalar", outputs="scalar",
        domain=torch.randn(6, 3))  # fmt: skip
    assert result.misstated
    assert (
        "parameter '0.bias' has shape (5,): Permute(axis=-1, of='points') under S_4 permutes 4 entries along axis -1."
        in result.because
    )


def coulomb(x: Tensor) -> tuple[Tensor, Tensor]:
    gaps = x.unsqueeze(-2) - x.unsqueeze(-3)
    same = torch.eye(x.shape[-2], dtype=torch.bool)
    inverse = gaps.square().sum(-1).masked_fill(same, 1.0).rsqrt().masked_fill(same, 0.0)
    return inverse.sum((-2, -1)) / 2, (gaps * (inverse**3).unsqueeze(-1)).sum(-2)


@pytest.mark.parametrize("points", [2, 5, 12])
def test_forces_that_grow_without_bound_are_conservative(points: int) -> None:
    words = {"group": "E(3)", "inputs": "point", "outputs": ("scalar", "vector"), "domain": PointCloud(points)}
    assert only(coulomb, Conservative(), **words).verdict.name == "HOLDS"
    wrong = only(lambda x: (coulomb(x)[0], 1.001 * coulomb(x)[1]), Conservative(), **words)
    assert wrong.verdict.name == "VIOLATED"


@pytest.mark.parametrize("stiffness", [1.0, 100.0, 400.0])
def test_stiff_hamiltonians_conserve_their_momenta(stiffness: float) -> None:
    def spring(q: Tensor, p: Tensor) -> Tensor:
        return (stiffness * q.square() + p.square()).sum((-2, -1))

    assert only(spring, Conservation(), inputs="vector", domain=PHASE).verdict.name == "HOLDS"


def test_a_mask_takes_no_part_in_the_motion() -> None:
    def spring(there: Tensor, q: Tensor, p: Tensor) -> Tensor:
        return ((q.square() + p.square()).sum(-1) * there).sum(-1)

    rng = torch.Generator().manual_seed(0)
    there, q, p = torch.rand(16, 4, generator=rng) < 0.8, *torch.randn(2, 16, 4, 3, generator=rng).double()
    words = {"inputs": ("scalar", "vector", "vector"), "domain": Examples((there, q, p))}
    assert only(spring, Conservation(q=1, p=2), **words).verdict.name == "HOLDS"


class Counted:
    """Springs of unit rate and mass and their gradient, by how often it was asked for."""

    asked = 0

    def __call__(self, x: list[Tensor]) -> list[Tensor]:
        return [sum(leaf.square().sum((-2, -1)) / 2 for leaf in x)]  # type: ignore[list-item]

    def vjp(self, x: list[Tensor], slope: list[Tensor]) -> list[Tensor]:
        self.asked += 1
        return x


def test_a_step_is_solved_to_rounding_and_no_further() -> None:
    """The midpoint rule turns the phase of a spring by 2 atan(step / 2): known to 16 digits, by some 12 gradients a step."""
    springs, motion = Counted(), Conservation(step=0.01, steps=4)
    q, p = torch.randn(2, 5, 4, 3, dtype=torch.float64)
    moved: Any = motion._flow(springs, [q, p])  # type: ignore[arg-type]
    angle = torch.tensor(8 * math.atan(0.01 / 2), dtype=torch.float64)
    assert torch.allclose(moved[0], angle.cos() * q + angle.sin() * p, rtol=0, atol=1e-14)
    assert torch.allclose(moved[1], angle.cos() * p - angle.sin() * q, rtol=0, atol=1e-14)
    assert springs.asked < 4 * 16


def test_what_is_not_a_number_stays_so() -> None:
    x = [torch.full((2, 4, 3), torch.nan, dtype=torch.float64), torch.ones(2, 4, 3, dtype=torch.float64)]
    x[0][1] = 1
    moved: Any = Conservation(steps=1)._flow(Counted(), x)  # type: ignore[arg-type]
    assert moved[0][0].isnan().all()
    assert moved[0][1].isfinite().all()


def test_forces_by_autograd_inside_the_model() -> None:
    def model(x: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            x = x if x.requires_grad else x.detach().requires_grad_()
            e = energy(x)
            return e, -torch.autograd.grad(e.sum(), x, create_graph=True)[0]

    words = {"group": "E(3)", "inputs": "point", "outputs": ("scalar", "vector")}
    assert [r.verdict.name for r in audit(model, Equivariance(), Conservative(), **words)] == ["HOLDS", "HOLDS"]


@pytest.mark.parametrize("added", [0, 2])
def test_sides_of_other_shapes_are_an_error(added: int) -> None:
    """More padding makes more rows; and no row may be stretched to many, as torch would."""

    def padded(x: Tensor) -> Tensor:
        return nn.functional.pad(x, (0, 0, 0, added)) if added else x[..., :1, :]

    result = only(torch.tanh, FormatInvariance(convert=padded), group="S_n", inputs="permute", outputs="permute")
    assert result.misstated
    shape = (5 + added, 3) if added else (1, 3)
    assert f"f(convert(x)) = f(x): the left side has shape {shape}, the right side (5, 3)." in result.because


class Field(nn.Module):
    """Pairs within a cosine cutoff, whose second derivative jumps there, as those of SchNet and PaiNN do."""

    def __init__(self, *, keep: bool = False, sign: float = -1.0) -> None:
        super().__init__()
        self.keep, self.sign, self.pair = keep, sign, nn.Sequential(nn.Linear(1, 16), nn.SiLU(), nn.Linear(16, 1))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        with torch.enable_grad():
            x = x.clone().requires_grad_()
            e = self.energy(x)
            (slope,) = torch.autograd.grad(e.sum(), x, create_graph=self.keep)
        return {"energy": e, "forces": self.sign * slope}

    def energy(self, x: Tensor) -> Tensor:
        eye = torch.eye(x.shape[-2], dtype=x.dtype)
        d = ((x.unsqueeze(-2) - x.unsqueeze(-3)).square().sum(-1) + eye).sqrt()
        near = (1 + (math.pi * d / 1.5).cos()) * (d < 1.5) * (1 - eye)
        return (self.pair(d.unsqueeze(-1)).squeeze(-1) * near).sum((-2, -1))


class Detached(Field):
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        found = super().forward(x.detach())
        return {**found, "energy": found["energy"].detach()}


FIELD = {"group": "E(3)", "inputs": "point", "outputs": {"energy": "scalar", "forces": "vector"}}


@pytest.mark.parametrize("keep", [True, False])
def test_forces_of_a_graph_that_the_model_keeps_or_frees(keep: bool) -> None:
    """In evaluation most force fields free it, by create_graph=self.training."""
    assert only(Field(keep=keep), Conservative(), **FIELD).verdict.name == "HOLDS"
    assert only(Field(keep=keep, sign=1.0), Conservative(), **FIELD).verdict.name == "VIOLATED"


def test_an_energy_whose_curvature_jumps_is_conservative() -> None:
    """At weights that once read as a violation: a pair crosses the cutoff within the differences."""
    claim = Claim(symcheck.Subject.built(Field), domain=PointCloud(6), properties=(Conservative(),), **FIELD)
    assert [symcheck.audit(claim, seed=seed).results[0].verdict.name for seed in SEEDS] == ["HOLDS"] * len(SEEDS)


SEEDS = (0, 1, 2)


def test_an_energy_that_is_detached_cannot_be_differentiated() -> None:
    result = only(Detached(), Conservative(), **FIELD)
    assert result.misstated
    assert "changes with the positions but isn't attached to them. Leave detach() and no_grad() out" in result.because


@pytest.mark.parametrize(
    "made", [lambda: Conservative("energy"), lambda: Conservative(forces=-1), lambda: Conservation(p=True)]
)  # type: ignore[arg-type]
def test_leaves_are_named_by_their_place(made: Callable[[], Property]) -> None:
    with pytest.raises(ClaimError, match=r"is the place of a leaf, a whole number from 0 on, not .* alphabetical order"):
        made()


def test_an_output_without_entries_disagrees_with_nothing() -> None:
    def model(x: Tensor) -> tuple[Tensor, Tensor]:
        return energy(x), x[..., :0, 0]

    assert symcheck.check(model, CLOUD, group="SO(3)", inputs="vector", outputs=("scalar", "scalar")).verdict.name == "VACUOUS"
