"""The three functions: any callable, any tree; and what they say to bad input."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Args, Claim, Subject, Verdict
from symcheck.errors import ClaimError, DomainError, GroupError, SettingsError, SubjectError, SymcheckError
from symcheck.reps import Permute, Vector

CLOUD = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
ROTATION = {"group": "SO(3)", "inputs": "vector", "outputs": "vector"}


class Linear3(nn.Module):
    """Mixes points, not coordinates; its weights and a plain attribute are float32."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)))
        self.scale = torch.tensor(3.0)

    def forward(self, x: Tensor, factor: float = 1.0) -> Tensor:
        return self.scale * factor * (self.weight @ x)


NET = Linear3()
TABLE = torch.randn(5, 5)


def through_a_global(x: Tensor) -> Tensor:
    return TABLE @ NET(x)


class Callable3:
    def __init__(self) -> None:
        self.net = Linear3()

    def __call__(self, x: Tensor) -> Tensor:
        return self.net(x)

    def method(self, x: Tensor) -> Tensor:
        return self.net(x)


@pytest.mark.parametrize(
    "model",
    [
        Linear3(),
        Linear3().double(),
        lambda x: NET(x),
        through_a_global,
        functools.partial(NET, factor=2.0),
        Callable3(),
        Callable3().method,
        nn.Sequential(Linear3(), Linear3()),
    ],
    ids=["module", "float64 module", "closure", "global", "partial", "object", "method", "sequential"],
)
def test_any_callable(model: Callable[..., Any]) -> None:
    assert symcheck.check(model, CLOUD, **ROTATION).verdict is Verdict.HOLDS
    assert symcheck.check(model, CLOUD, **{**ROTATION, "outputs": "scalar"}).verdict is Verdict.VIOLATED
    assert NET.weight.dtype is torch.float32
    assert TABLE.dtype is torch.float32


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_scripted_module() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.factor = nn.Parameter(torch.tensor(2.0))

        def forward(self, x: Tensor) -> Tensor:
            return self.factor * x

    assert symcheck.check(torch.jit.script(Scaled()), CLOUD, **ROTATION).verdict is Verdict.HOLDS


class Pair(NamedTuple):
    energy: Tensor
    forces: Tensor


@dataclasses.dataclass(frozen=True)
class Atoms:
    positions: Tensor
    numbers: Tensor
    cell: Tensor | None = None


def pair(x: Tensor) -> Pair:
    return Pair(x.square().sum((-1, -2)), -2 * x)


def leaves(result: symcheck.Result) -> dict[str, str]:
    return {leaf.leaf: leaf.verdict.name for leaf in result.outputs}


def test_output_trees() -> None:
    holds = symcheck.check(pair, CLOUD, group="O(3)", inputs="vector", outputs=Pair("scalar", "vector"))
    assert leaves(holds) == {"energy": "HOLDS", "forces": "HOLDS"}
    broken = symcheck.check(pair, CLOUD, group="O(3)", inputs="vector", outputs=Pair("scalar", "scalar"))
    assert leaves(broken) == {"energy": "HOLDS", "forces": "VIOLATED"}
    assert "output 'forces'" in broken.because


def test_outputs_of_numbers_none_and_dicts() -> None:
    def model(x: Tensor) -> dict[str, Any]:
        return {"norm": float(x.norm()), "none": None, "nested": [x, (x.sum(-2),)]}

    outputs = {"norm": "scalar", "none": None, "nested": ["vector", ("vector",)]}
    result = symcheck.check(model, CLOUD, group="O(3)", inputs="vector", outputs=outputs)
    assert leaves(result) == {"norm": "HOLDS", "nested[0]": "HOLDS", "nested[1][0]": "HOLDS"}
    assert result.batching == "loop"  # float() can't be mapped


def test_input_trees_with_integers_and_none() -> None:
    def model(atoms: Atoms) -> Tensor:
        assert atoms.numbers.dtype is torch.int64
        assert atoms.cell is None
        return (atoms.numbers.unsqueeze(-1) * atoms.positions).sum(-2)

    example = Atoms(CLOUD, torch.tensor([1, 1, 6, 7, 8]))
    result = symcheck.check(model, example, group="O(3)", inputs=Atoms("vector", "scalar"), outputs="vector")
    assert result.verdict is Verdict.HOLDS
    assert result.inputs == ("atoms.positions", "atoms.numbers")


def test_integers_move_with_a_permutation() -> None:
    def model(x: Tensor, numbers: Tensor) -> Tensor:
        return x * numbers.unsqueeze(-1)

    example = (CLOUD, torch.tensor([1, 1, 6, 7, 8]))
    both = ("permute", Permute(axis=-1))
    assert symcheck.check(model, example, group="S_n", inputs=both, outputs="permute").verdict is Verdict.HOLDS
    forgotten = symcheck.check(model, example, group="S_n", inputs=("permute", "scalar"), outputs="permute")
    assert forgotten.verdict is Verdict.VIOLATED


def test_keyword_arguments() -> None:
    def model(x: Tensor, *, mask: Tensor, shift: Tensor | None = None) -> Tensor:
        return x.masked_fill(~mask.unsqueeze(-1), 0.0).sum(-2)

    example = Args(CLOUD, mask=torch.tensor([True, True, False, True, False]))
    claim = {"group": "S_n", "outputs": "scalar"}
    assert symcheck.check(model, example, inputs=Args("permute", mask=Permute(axis=-1)), **claim).verdict is Verdict.HOLDS
    assert symcheck.check(model, example, inputs=Args("permute", mask="scalar"), **claim).verdict is Verdict.VIOLATED


def test_a_model_that_differentiates_inside() -> None:
    def forces(x: Tensor) -> Tensor:
        x = x.requires_grad_()
        (gradient,) = torch.autograd.grad((x.norm(dim=-1) ** 3).sum(), x)
        return -gradient

    assert symcheck.check(forces, CLOUD, group="O(3)", inputs="vector", outputs="vector").verdict is Verdict.HOLDS


def test_the_models_own_tensors_are_left_as_they_were() -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)).train()
    before = {name: (tensor.data_ptr(), tensor.clone()) for name, tensor in model.state_dict(keep_vars=True).items()}
    symcheck.check(model, torch.randn(6, 3), group="SO(3)", inputs="vector", outputs="scalar", trials=32)
    for name, tensor in model.state_dict(keep_vars=True).items():
        assert tensor.data_ptr() == before[name][0]
        assert torch.equal(tensor, before[name][1])
    assert model.training


def test_a_mutated_input_is_found_and_does_no_harm() -> None:
    def model(x: Tensor) -> Tensor:
        x += 1.0
        return x - 1.0

    example = CLOUD.clone()
    result = symcheck.check(model, example, **ROTATION)
    assert result.verdict is Verdict.HOLDS
    (finding,) = result.findings
    assert finding.kind == "mutates-input"
    assert "writes into its input 'x'" in finding.text
    assert torch.equal(example, CLOUD)


def test_batch_norm_in_training_leaks_across_the_batch() -> None:
    norm = nn.BatchNorm1d(3)

    def model(x: Tensor) -> Tensor:
        return norm(x.tanh().mean(-2))

    result = symcheck.check(model, torch.randn(6, 5, 3), group="S_n", inputs="permute", outputs="scalar", trials=32)
    warnings = {finding.kind: finding.text for finding in result.findings}
    assert set(warnings) == {"training-mode", "coupled-batch"}
    assert "BatchNorm1d" in warnings["training-mode"]
    assert "the model mixes examples" in warnings["coupled-batch"]
    assert result.verdict is Verdict.UNSTABLE
    assert "depends on the others of its batch" in result.because
    norm.eval()
    assert symcheck.check(model, torch.randn(6, 5, 3), group="S_n", inputs="permute", outputs="scalar").findings == ()


def test_assert_equivariant() -> None:
    assert symcheck.assert_equivariant(torch.nn.Identity(), CLOUD, **ROTATION).passed
    with pytest.raises(AssertionError) as raised:
        symcheck.assert_equivariant(torch.abs, CLOUD, **ROTATION)
    text = str(raised.value)
    for part in ("VIOLATED", "claimed", "because", "example    g = ", "random trials violate it", "means"):
        assert part in text
    assert max(map(len, text.splitlines())) < 140
    assert raised.traceback[-1].frame.f_locals.get("__tracebackhide__") is True


def test_an_undecided_check_fails_too() -> None:
    with pytest.raises(AssertionError, match="VACUOUS"):
        symcheck.assert_equivariant(torch.nn.Identity(), CLOUD, group="SO(3)", inputs="scalar", outputs="scalar")


def test_a_tolerance_allows_a_small_break() -> None:
    def leaning(x: Tensor) -> Tensor:
        return x.norm(dim=-1) + 1e-3 * x[..., 0]

    claim = {"group": "SO(3)", "inputs": "vector", "outputs": "scalar"}
    assert symcheck.check(leaning, CLOUD, **claim).verdict is Verdict.VIOLATED
    assert symcheck.check(leaning, CLOUD, tolerance=0.1, **claim).verdict is Verdict.HOLDS
    assert symcheck.check(leaning, CLOUD, tolerance=1e-4, **claim).verdict is Verdict.VIOLATED


def test_prints_in_a_notebook() -> None:
    result = symcheck.check(torch.abs, CLOUD, **ROTATION)
    html = result._repr_html_()
    assert "VIOLATED" in html
    assert "-&gt; vector" in html
    record = symcheck.audit([Claim(torch.abs, "SO(3)", domain=CLOUD, inputs="vector", outputs="vector", id="<script>")])
    assert "<script>" not in record._repr_html_()


# Bad input: the value, what was expected, and the next step.

MISSTATED: list[tuple[dict[str, Any], type[SymcheckError], list[str]]] = [
    ({"group": "SO3"}, GroupError, ["no group 'SO3'", "did you mean 'SO(3)'"]),
    ({"group": "SO(2)"}, ClaimError, ["Vector() under SO(2) acts on a last axis of size 2", "input 'x' has shape (5, 3)"]),
    ({"group": "S_n"}, ClaimError, ["S_n needs the number of points", "Permute(axis=-2)"]),
    ({"group": "S_n", "inputs": "permute"}, ClaimError, ["S_5 has no linear part", "the output has shape"]),
    ({"group": 3}, ClaimError, ["3 is no group", "'SO(3)'"]),
    ({"inputs": "vektor"}, ClaimError, ["no rep 'vektor'", "did you mean 'vector'"]),
    ({"inputs": "3x7q"}, ClaimError, ["no rep '3x7q'"]),
    ({"inputs": ("vector", "vector")}, ClaimError, ["('vector', 'vector')", "the input there is (Tensor)"]),
    ({"inputs": "permute(axis=0)"}, ClaimError, ["a negative integer"]),
    ({"outputs": {"a": "vector"}}, ClaimError, ["{'a': 'vector'}", "the output there is Tensor"]),
    ({"outputs": "1x2e"}, ClaimError, ["acts on a last axis of size 5", "the output has shape"]),
    ({"trials": 0}, SettingsError, ["trials is a whole number of 1 or more, not 0"]),
    ({"seed": -1}, SettingsError, ["seed is a whole number of 0 or more, not -1"]),
    ({"dtype": "int8"}, SettingsError, ["'int8' is no floating-point dtype", "'float32'"]),
    ({"device": "tpu"}, SettingsError, ["device 'tpu' can't be used here", "'cpu'"]),
    ({"tolerance": 2.0}, ClaimError, ["between 0 and 1, not 2.0"]),
    ({"tolerance": "a"}, ClaimError, ["between 0 and 1, not 'a'"]),
    ({"seed": 2**70}, SettingsError, ["seed is below 2^63"]),
    ({"device": "meta"}, SettingsError, ["device 'meta' can't be used here"]),
]


@pytest.mark.parametrize(("wrong", "kind", "parts"), MISSTATED, ids=[str(wrong) for wrong, _, _ in MISSTATED])
def test_a_misstated_claim(wrong: dict[str, Any], kind: type[SymcheckError], parts: list[str]) -> None:
    with pytest.raises(kind) as raised:
        symcheck.check(torch.nn.Identity(), CLOUD, **{**ROTATION, **wrong})
    for part in parts:
        assert part in str(raised.value).replace("input 'input'", "input 'x'")


@pytest.mark.parametrize(
    ("example", "part"),
    [
        (torch.zeros(0, 3), "an empty set on which every claim is true"),
        (torch.full((2, 3), float("nan")), "NaN or infinity"),
        ("text", "holds no tensors"),
        (None, "holds no tensors"),
    ],
)
def test_a_bad_example(example: Any, part: str) -> None:
    with pytest.raises(DomainError, match=part):
        symcheck.check(torch.nn.Identity(), example, **ROTATION)


@pytest.mark.parametrize(
    ("model", "part"),
    [
        (lambda x: None, "returned None; expected tensors"),
        (lambda x: "text", "returned 'text' (a str); expected tensors"),
        (lambda x: x.to("meta"), "on device 'meta', its inputs on 'cpu'"),
        (nn.Embedding(4, 3), "RuntimeError"),
        (lambda x: x.to_sparse(), "has layout torch.sparse_coo. Return dense tensors"),
    ],
    ids=["None", "text", "another device", "needs integers", "sparse"],
)
def test_a_bad_output(model: Callable[..., Any], part: str) -> None:
    result = symcheck.check(model, CLOUD, **ROTATION)
    assert result.verdict is Verdict.CRASHED
    assert part in result.because


def test_a_ragged_list_is_a_tree_of_numbers_that_no_vector_fits() -> None:
    with pytest.raises(ClaimError, match=r"output '\[0\]\[0\]' has shape \(\): Vector\(\) needs 1 trailing axis\."):
        symcheck.check(lambda x: [[1.0, 2.0], [3.0]], CLOUD, **ROTATION)


def test_an_output_whose_structure_changes_under_the_group() -> None:
    def model(x: Tensor) -> Any:
        return (x, x) if bool(x[..., 0, 0] > 1) else x

    result = symcheck.check(model, CLOUD, **ROTATION)
    assert result.verdict is Verdict.CRASHED
    assert "the output's structure changed from" in result.because


def test_an_output_whose_shape_changes_under_the_group() -> None:
    result = symcheck.check(lambda x: x[x[:, 0] > 0], CLOUD, **ROTATION)
    assert result.verdict is Verdict.CRASHED
    assert "the output's shapes changed from" in result.because


@pytest.mark.parametrize("thing", [3, "text", nn.Linear, None])
def test_what_is_no_model(thing: Any) -> None:
    with pytest.raises(SubjectError, match="can't be checked"):
        symcheck.check(thing, CLOUD, **ROTATION)


def test_a_factory_that_fails() -> None:
    def build() -> nn.Module:
        raise OSError("no weights")

    def nothing() -> None:
        return None

    claims = [
        Claim(Subject.built(factory), "SO(3)", domain=CLOUD, inputs="vector", outputs="vector") for factory in (build, nothing)
    ]
    first, second = symcheck.audit(claims).results
    assert (first.verdict, first.misstated) == (Verdict.CRASHED, True)
    assert "build() raised OSError: no weights" in first.because
    assert "nothing() returned None, not a model" in second.because


def test_a_rep_that_is_none() -> None:
    class Halved(Vector):
        """Forgets part of the element: rho(g) rho(h) isn't rho(gh)."""

        def act(self, group: Any, g: Tensor, x: Tensor) -> Tensor:
            return (super().act(group, g, x) + x) / 2

    with pytest.raises(ClaimError, match=r"is no representation of SO\(3\): rho\(g\) rho\(h\) x and rho\(gh\) x differ by"):
        symcheck.check(torch.nn.Identity(), CLOUD, **{**ROTATION, "inputs": Halved()})


def test_an_audit_of_nothing_is_refused() -> None:
    with pytest.raises(ClaimError, match="there are no claims: an audit of nothing can't fail"):
        symcheck.audit([])


def test_claims_need_reasons_and_names_of_their_own() -> None:
    claim = Claim(torch.nn.Identity(), "SO(3)", domain=CLOUD, inputs="vector", outputs="vector")
    with pytest.raises(ClaimError, match="needs a reason"):
        Claim(torch.abs, "SO(3)", domain=CLOUD, inputs="vector", outputs="vector", expected="violated")
    with pytest.raises(ClaimError, match="two claims are called 'Identity: SO"):
        symcheck.audit([claim, claim])
    with pytest.raises(ClaimError, match="is no Claim"):
        symcheck.audit(["models"])  # type: ignore[list-item]


def inference_module() -> nn.Module:
    with torch.inference_mode():
        return nn.Linear(3, 3)


@pytest.mark.filterwarnings("ignore:Lazy modules")
@pytest.mark.parametrize(
    ("build", "part"),
    [
        (inference_module, "made under torch.inference_mode"),
        (lambda: nn.LazyLinear(3), "has a lazy parameter, which has no shape before its first call"),
        (lambda: nn.Linear(3, 3, device="meta"), "on device 'meta', which has no numbers"),
    ],
)
def test_a_model_whose_tensors_cannot_be_cast(build: Callable[[], nn.Module], part: str) -> None:
    model = build()
    with pytest.raises(SubjectError, match=part):
        symcheck.check(model, CLOUD, **ROTATION)
    assert type(model) is type(build())


def test_an_output_that_can_show_nothing_leaves_the_claim_undecided() -> None:
    def model(x: Tensor) -> tuple[Tensor, Tensor]:
        return x.norm(dim=-1), 0 * x

    result = symcheck.check(model, CLOUD, group="SO(3)", inputs="vector", outputs=("scalar", "vector"))
    assert result.verdict is Verdict.VACUOUS
    assert "output '[1]' doesn't vary" in result.because
    assert "leave it out of what the model returns" in result.because


@pytest.mark.parametrize("size", [1.0, 1e4, 1e8])
def test_a_small_channel_cannot_hide_behind_a_large_one(size: float) -> None:
    def model(x: Tensor) -> Tensor:
        return torch.stack([size * x.norm(dim=-1), x[..., 0]], -1)

    claim = {"group": "SO(3)", "inputs": "vector", "outputs": "scalar"}
    result = symcheck.check(model, CLOUD, **claim)
    assert result.verdict is Verdict.VIOLATED
    assert ("in an entry by" in result.because) is (size == 1e8)
    exact = symcheck.check(
        lambda x: torch.stack([size * x.norm(dim=-1), x.square().sum(-1)], -1), CLOUD, dtype="float64", **claim
    )
    assert exact.verdict is Verdict.HOLDS


def test_rounding_that_hides_large_violations_passes_nothing() -> None:
    def coarse(x: Tensor) -> Tensor:
        h = (x.to(torch.bfloat16) * 1.1).float()
        return (h * (1 + 0.3 * torch.linspace(-1, 1, 5).unsqueeze(-1))).mean(-2)

    assert not symcheck.check(coarse, CLOUD, group="S_n", inputs="permute", outputs="scalar").passed


def test_frozen_parameters_are_not_perturbed() -> None:
    class Metric(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.metric = nn.Parameter(torch.eye(3), requires_grad=False)

        def forward(self, x: Tensor) -> Tensor:
            return ((x @ self.metric) * x).sum(-1)

    claim = Claim(Subject.built(Metric), "O(3)", domain=CLOUD, inputs="vector", outputs="scalar")
    assert symcheck.audit(claim).results[0].verdict is Verdict.HOLDS


def test_inputs_like_the_example_keep_its_nature() -> None:
    embedding = nn.Embedding(10, 4)

    def model(x: Tensor, numbers: Tensor, weights: Tensor, image: Tensor) -> Tensor:
        h = embedding(numbers.long()).sum((-2, -1)) + image.log().mean((-2, -1))
        return (x * (weights / weights.sum()).unsqueeze(-1)).norm(dim=-1).sum(-1) * h

    example = (CLOUD, torch.tensor([1.0, 6, 8, 1, 1]), torch.ones(5), torch.rand(3, 4) + 1e-3)
    inputs = ("vector", "scalar", "scalar", "scalar")
    assert symcheck.check(model, example, group="O(3)", inputs=inputs, outputs="scalar").verdict is Verdict.HOLDS


def test_tokens_that_mix_across_the_batch() -> None:
    embedding = nn.Embedding(10, 4)

    def model(tokens: Tensor) -> Tensor:
        pooled = embedding(tokens).tanh().sum(-2)
        return pooled - pooled.mean(0, keepdim=True)

    tokens = torch.randint(10, (4, 6), generator=torch.Generator().manual_seed(0))
    result = symcheck.check(model, tokens, group="S_n", inputs="permute(axis=-1)", outputs="scalar")
    assert "coupled-batch" in {finding.kind for finding in result.findings}


class Trainer:
    def __init__(self) -> None:
        self.model = Linear3()
        self.parts = {"net": self.model}

    def predict(self, x: Tensor) -> Tensor:
        return self.model(x)


TRAINER = Trainer()
REGISTRY = {"net": Linear3()}


@pytest.mark.parametrize(
    "model",
    [Trainer().predict, lambda x: TRAINER.model(x), lambda x: TRAINER.parts["net"](x), lambda x: REGISTRY["net"](x)],
    ids=["method of an object", "attribute of a global", "in a dict of a global", "in a global dict"],
)
def test_models_inside_other_objects_are_found(model: Callable[..., Any]) -> None:
    assert symcheck.check(model, CLOUD, **ROTATION).verdict is Verdict.HOLDS
    assert TRAINER.model.weight.dtype is torch.float32


def test_hostile_names_cannot_steer_a_terminal() -> None:
    name = "net[/foo]\x1b[31m\nEVIL"
    claim = Claim(torch.abs, "SO(3)", domain=CLOUD, inputs="vector", outputs="vector", id=name)
    result = symcheck.audit(claim).results[0]
    assert str(result).splitlines()[0] == "VIOLATED  net[/foo]?[31m EVIL"
