"""Findings of the probes: each is made to happen by a model with that fault, and stays away from one without it."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import symcheck
from symcheck import Args, Result
from symcheck.domains import Graph
from symcheck.errors import ClaimError
from symcheck.properties import Composition, Equivariance, Infinitesimal, Property

CLOUD = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def radii(x: Tensor) -> Tensor:
    return x.norm(dim=-1)


def check(model: Any, example: Any = CLOUD, **words: Any) -> Result:
    return symcheck.check(model, example, **{"group": "SO(3)", "inputs": "vector", "outputs": "scalar", "trials": 64, **words})


def findings(result: Result) -> dict[str, str]:
    return {finding.kind: finding.text for finding in result.findings}


class Counting(nn.Module):
    """Right, but each call leaves traces: in a buffer, in place, and in an attribute, by a new tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))
        self.last = torch.zeros(3)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.last = x.reshape(-1, 3)[0].detach().clone()
        return radii(x)


class Replacing(nn.Module):
    """Right, but remembers the last input: the tensor before it is freed first, and may leave it its place in memory."""

    def __init__(self) -> None:
        super().__init__()
        self.last: Tensor | None = torch.zeros(3)

    def forward(self, x: Tensor) -> Tensor:
        self.last = None
        self.last = x.reshape(-1, 3)[0].detach().clone()
        return radii(x)


class Cached(nn.Module):
    """Computes a table at the first call and keeps it: no memory of its inputs."""

    table: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.table is None or self.table.dtype != x.dtype:
            self.table = torch.ones(3, dtype=x.dtype)
        return (x.square() * self.table).sum(-1)


def test_a_factor_that_moves_no_input_is_named() -> None:
    result = check(radii, group="SO(3) x S_6")
    assert result.verdict.name == "HOLDS"
    assert findings(result) == {
        "idle-factor": "No element of S_6 moves an input, so that the claim says nothing of it. Give an input a rep by which "
        "it acts, or leave S_6 out of the group."
    }
    assert result.findings[0].severity == "warning"


@pytest.mark.parametrize("prop", [Equivariance(), Infinitesimal(), Composition()], ids=lambda prop: prop.name)
def test_a_factor_that_moves_inputs_is_not(prop: Property) -> None:
    words = {"inputs": "permute * vector", "outputs": "permute", "domain": CLOUD, "properties": (prop,)}
    assert not findings(symcheck.audit(symcheck.Claim(radii, "SO(3) x S_n", **words), trials=64).results[0])


def test_state_that_calls_change_is_named() -> None:
    result = check(Counting())
    assert result.verdict.name == "HOLDS"
    assert "'last', 'calls'" in findings(result)["mutates-state"]
    assert result.findings[0].severity == "note"


def test_a_tensor_in_the_place_of_a_freed_one_is_another() -> None:
    assert "'last'" in findings(check(Replacing()))["mutates-state"]


def test_a_cache_is_no_memory() -> None:
    assert findings(check(Cached())) == {}


def test_a_memory_that_changes_the_output_is_a_warning_and_unstable() -> None:
    class Drifting(Counting):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x) * self.calls

    result = check(Drifting())
    assert result.verdict.name == "UNSTABLE"
    assert {finding.kind: finding.severity for finding in result.findings}["mutates-state"] == "warning"


@pytest.mark.parametrize(
    "model",
    [lambda x: radii(x.float()).to(x.dtype), lambda x: (x.square() * torch.full((3,), 0.3)).to(torch.float32).sum(-1)],
    ids=["a cast", "an output in float32"],
)
def test_a_model_that_ignores_its_dtype_is_told(model: Any) -> None:
    result = check(model)
    assert result.verdict.name == "LIMITED"
    assert "compute in lower precision, the first of them" in findings(result)["ignores-dtype"]


def test_what_ignores_the_dtype_is_called_as_users_call_it() -> None:
    once = check(lambda x: radii(x) + torch.tensor([0.1]))
    assert "floating-point operations computes in lower precision, torch.tensor: it ignores" in findings(once)["ignores-dtype"]
    cast = check(lambda x: radii(x.float()))
    assert "compute in lower precision, the first of them to: it ignores" in findings(cast)["ignores-dtype"]


def test_what_an_entry_depends_on_is_told_by_its_size_where_it_is_constant() -> None:
    """The distance of the first point to itself is a constant but for rounding, which is no spread to quote anything by."""

    def from_the_first(x: Tensor) -> Tensor:
        x = x / x.norm(dim=-1, keepdim=True)
        return (x * x[..., :1, :]).sum(-1)

    text = findings(check(from_the_first))["coupled-batch"]
    told = re.search(r"by ([0-9.e+-]+) of the output's spread", text)
    assert told is not None
    assert 0.1 < float(told[1]) < 100


def test_graphs_that_a_batch_does_not_keep_apart() -> None:
    """A softmax over the nodes of all graphs, by a model that knows which node is whose."""

    def pooled(x: Tensor, edges: Tensor, batch: Tensor, kept: bool) -> Tensor:
        graphs = int(batch.max()) + 1
        sums = x.new_zeros(graphs, x.shape[-1]).index_add(0, batch, x.exp())
        weights = x.exp() / sums[batch] if kept else x.softmax(0)
        return x.new_zeros(graphs, x.shape[-1]).index_add(0, batch, weights * x)

    words = {"group": "S_n", "inputs": ("permute", "relabel", "permute(axis=-1)"), "trials": 64}
    graphs = Graph(5, 8, features=2, batch=True)
    good, bad = (symcheck.check(partial(pooled, kept=kept), graphs, outputs="scalar", **words) for kept in (True, False))
    assert (good.verdict.name, good.findings) == ("HOLDS", ())
    assert [(finding.kind, finding.severity) for finding in bad.findings] == [("coupled-batch", "warning")]
    assert "Graphs in one batch aren't kept apart" in bad.findings[0].text


def test_float32_tables_in_float64_are_told() -> None:
    """A table of constants made in float32 and not cast: the symmetry is off by what its rounding breaks."""
    table = torch.full((3,), 1 / 3)  # equal entries, so that the symmetry is kept all the same

    def model(x: Tensor) -> Tensor:
        return (x.square() * torch.tensor(table.tolist(), dtype=torch.float32)).sum(-1)

    result = check(model)
    assert result.verdict.name == "HOLDS"
    assert "ignores-dtype" in findings(result)


def test_a_model_that_follows_its_dtype_is_not_told_so() -> None:
    assert findings(check(radii)) == {}


def strained(pos: Tensor, cell: Tensor | None = None, species: Tensor | None = None) -> Tensor:
    return radii(pos if cell is None else pos @ cell)


@pytest.mark.parametrize(
    ("example", "inputs"),
    [
        (Args(CLOUD, cell=torch.eye(3) + 0.1 * CLOUD[:3]), Args("vector")),
        (Args(CLOUD, torch.eye(3) + 0.1 * CLOUD[:3]), Args("vector")),
    ],
    ids=["keyword", "position"],
)
def test_an_input_that_no_rep_mentions_is_named(example: Args, inputs: Args) -> None:
    result = check(strained, example, inputs=inputs)
    assert result.verdict.name == "VIOLATED"
    assert "how SO(3) acts on input 'cell', which is floating point" in findings(result)["unmentioned-input"]
    assert "unmentioned-input" not in findings(
        check(
            strained,
            example,
            inputs=Args("vector", *["scalar"] * len(example.args[1:]), **dict.fromkeys(example.kwargs, "scalar")),
        )
    )


def test_an_integer_that_no_rep_mentions_is_a_note() -> None:
    result = check(strained, Args(CLOUD, species=torch.arange(6)), inputs=Args("vector"))
    assert result.verdict.name == "HOLDS"
    assert [(finding.kind, finding.severity) for finding in result.findings] == [("unmentioned-input", "note")]


def test_a_key_of_a_dict_that_no_rep_mentions() -> None:
    def model(batch: dict[str, Tensor]) -> Tensor:
        return strained(batch["pos"], batch["cell"])

    example = {"pos": CLOUD, "cell": torch.eye(3) + 0.1 * CLOUD[:3]}
    assert "input 'batch.cell'" in findings(check(model, example, inputs={"pos": "vector"}))["unmentioned-input"]
    with pytest.raises(ClaimError, match=r"a rep for 'poss', but no such input; did you mean 'pos'\?"):
        check(model, example, inputs={"poss": "vector"})


def test_rounding_that_costs_digits_is_told() -> None:
    result = check(lambda x: radii(x) + 1e6, dtype="float64")
    assert result.verdict.name == "HOLDS"
    assert "Rounding costs the output 6 of 16 digits in float64" in findings(result)["ill-conditioned"]
    assert "In float32 1 digits are left" in findings(result)["ill-conditioned"]


def masked(x: Tensor) -> Tensor:
    """Four entries of each point, the third of which is NaN."""
    return torch.stack([radii(x), radii(x), radii(x) * torch.nan, radii(x)], -1)


def test_a_mask_of_nan_is_named() -> None:
    result = check(masked)
    assert result.verdict.name == "NONFINITE"
    assert findings(result)["nonfinite-entries"].startswith(
        "The output is NaN or infinite in 1 of its 4 entries, the same at every input, the first at (2,). Where that is a mask"
    )
    assert "nonfinite-entries" not in findings(check(lambda x: x.sum(-1).log()))  # at some inputs alone
    assert "nonfinite-entries" not in findings(check(lambda x: radii(x) * torch.nan))  # in all entries
    assert "nonfinite-entries" not in findings(check(radii))


class Moody(nn.Module):
    """Raises at every third call."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        if self.calls % 3 == 0:
            raise RuntimeError("not now")
        return radii(x)


def test_a_model_that_raises_now_and_then_is_found_out() -> None:
    result = check(Moody())
    assert result.passed
    text = findings(result)["raises-in-batches"]
    assert re.match(r"The model raised in a call with \d+ inputs in float(64|32) \(RuntimeError: not now \(at property_", text)
    assert "it raises at random: what is told is of the calls that returned." in text


def raises_above_zero(x: Tensor) -> Tensor:
    if bool((x[..., 0] > 1.5).any()):
        raise ValueError("above")
    return radii(x)


def test_a_model_that_raises_at_some_inputs_is_no_such_model() -> None:
    result = check(raises_above_zero, trials=256)
    assert result.verdict.name == "CRASHED"
    assert re.match(r"the model fails on \d+ of 256 trials, for the first time at g = .*: ValueError: above", result.because)
    assert "raises-in-batches" not in findings(result)
    assert "raises-in-batches" not in findings(check(radii))
