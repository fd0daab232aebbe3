"""Claims that nobody wrote: what each framework's reader makes of a model, and that a broken model of each is caught."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner, Result
from torch import Tensor, nn

from symcheck import Args, Claim, Subject, audit
from symcheck.cli import main
from symcheck.domains import Domain, Set
from symcheck.errors import SubjectError
from symcheck.report.text import diagnosis, mark, summary, verdict_line
from symcheck.subjects import read
from symcheck.subjects.frameworks import graphs
from symcheck.subjects.frameworks.convolutions import Stack
from symcheck.testing import check_domain

Write = Callable[[str], str]
FEW = ("--trials", "24")


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a module into an empty current folder, under a name that no other test uses; returns the name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def written(text: str) -> str:
        name = f"framework_{abs(hash(str(tmp_path)))}"
        (tmp_path / f"{name}.py").write_text(f"import torch\nfrom torch import nn\n{text}")
        return name

    return written


def symcheck(*arguments: str) -> Result:
    return CliRunner(env={"COLUMNS": "110"}).invoke(main, ["audit", *arguments, *FEW], catch_exceptions=False)


def claims(build: Callable[[], Any]) -> dict[str, Claim]:
    """What is read of a factory's model, by what stands after its name."""
    found = read(Subject.built(build, spec="net:build"))
    return {claim.id.partition(": ")[2]: claim for claim in found}


def verdicts(build: Callable[[], Any], trials: int = 24) -> dict[str, tuple[str, str]]:
    """Of each claim that is read its verdict and its mark."""
    record = audit(claims(build).values(), trials=trials, perturb=False)
    return {r.claim.partition(": ")[2]: (r.verdict.name, mark(r)) for r in record.results}


def refusal(build: Callable[[], Any]) -> str:
    with pytest.raises(SubjectError) as error:
        read(Subject.built(build, spec="net:build"))
    return str(error.value)


# What is tried


def tried(subject: Callable[[Tensor], Tensor], reason: str = "it may") -> Claim:
    return Claim(
        subject, "SO(3)", domain=torch.randn(5, 3), inputs="vector", outputs="scalar", expected="either", reason=reason
    )


@pytest.mark.parametrize("model", [lambda x: x.norm(dim=-1), lambda x: x[..., 0]])
def test_what_nobody_promises_is_met_whichever_it_does(model: Any) -> None:
    record = audit(tried(model), trials=24)
    (result,) = record.results
    assert result.met
    assert mark(result) == "tried"
    assert record.exit_code == 0
    holds = int(result.passed)
    assert verdict_line(record) == f"nothing is promised; of what was tried, {holds} of 1 hold."
    assert "  tried      which nobody promises: it may" in diagnosis(result)


def crashing(x: Tensor) -> Tensor:
    raise ValueError("no")


def test_what_could_not_be_tried_is_not_met() -> None:
    def noisy(x: Tensor) -> Tensor:
        return x.norm(dim=-1) + torch.randn(())

    record = audit([tried(crashing), tried(noisy)], trials=8)
    assert [r.met for r in record.results] == [False, False]
    assert record.exit_code == 1
    told = "nothing is promised; of what was tried, 0 of 2 hold, and 2 can't be told (CRASHED, UNSTABLE)."
    assert verdict_line(record) == told


def test_promises_are_counted_apart() -> None:
    promised = Claim(torch.relu, "S_n", domain=torch.randn(5, 3), inputs="permute", outputs="permute", source="a book")
    record = audit([promised, tried(lambda x: x[..., 0])], trials=24)
    assert verdict_line(record) == "1 of 1 claims are as expected; of what nobody promises, 0 of 1 hold."
    assert summary(record).startswith("claims read from a book\n")
    assert [json.loads(record.json())["results"][i]["source"] for i in (0, 1)] == ["a book", ""]


def test_a_try_needs_a_reason() -> None:
    with pytest.raises(Exception, match=r"a claim that is only tried needs a reason\. Say in `reason` why it is worth it"):
        tried(torch.relu, reason="")


def test_the_report_says_what_was_only_tried() -> None:
    from symcheck.report.html import render

    page = render(audit(tried(lambda x: x[..., 0], reason="it looks so"), trials=24))
    assert "Tried, though nobody promises it: it looks so" in page


def test_what_one_framework_cannot_read_the_next_may(monkeypatch: pytest.MonkeyPatch) -> None:
    from symcheck.subjects import frameworks
    from symcheck.subjects.frameworks.base import Reading, Said, Unreadable

    class Mute:
        NAME = "mute"

        def mine(self, model: Any) -> bool:
            return True

        def read(self, model: Any) -> Reading:
            raise Unreadable("it says nothing")

    class Plain(Mute):
        NAME = "plain"

        def read(self, model: Any) -> Reading:
            return Reading("all", (Said("S_n", Set(4, 2), "permute", "permute"),))

    monkeypatch.setattr(frameworks, "FRAMEWORKS", (Mute(), Plain()))
    (claim,) = claims(lambda: torch.relu).values()
    assert claim.source == "plain: all"
    monkeypatch.setattr(frameworks, "FRAMEWORKS", (Mute(), Mute()))
    assert "is of mute, but no claim can be read from it: it says nothing. Or say what to check" in refusal(lambda: torch.relu)


def odd(holds: nn.Module, forward: Callable[..., Any]) -> nn.Module:
    """A network that holds a layer and calls something else."""
    model = type("Odd", (nn.Module,), {"forward": forward})()
    model.layer = holds
    return model


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (
            lambda: odd(nn.LSTM(3, 4), lambda self, x, y: x),
            "it takes x, y. Only a network with one argument, the sequence, is read",
        ),
        (
            lambda: odd(nn.Conv2d(1, 1, 3), lambda self, x, y: x),
            "it takes x, y. Only a network with one argument, the grid, is read",
        ),
        (lambda: odd(nn.Conv2d(1, 1, 3), lambda self, x: None), "the call returned no tensors"),
        (lambda: odd(nn.Conv2d(1, 1, 3), lambda self, x: x[..., 1:, :]), "its output is a grid of (7, 8) for one of (8, 8)"),
        (
            lambda: odd(nn.MultiheadAttention(8, 2), lambda self, x, y: x),
            "it takes x, y. Only a network with one argument, the tokens, is read",
        ),
        (lambda: odd(nn.MultiheadAttention(8, 2), lambda self, x: 1 / 0), "the call raised ZeroDivisionError: division"),
        (
            lambda: nn.MultiheadAttention(8, 2, kdim=4),
            "its keys and values have other sizes than its queries, so that it can't",
        ),
        (lambda: nn.Linear(3, 3), "Linear holds no convolution, recurrence or attention, which would say by its kind how it"),
    ],
)
def test_a_network_of_torch_that_cannot_be_read_says_why(build: Callable[[], nn.Module], reason: str) -> None:
    said = refusal(build)
    assert said.startswith("net:build is of torch.nn, but no claim can be read from it: ")
    assert reason in said
    assert "Or say what to check: symcheck audit net:build --shape 8,3" in said


# The command


def test_the_command_shows_what_is_read(write: Write) -> None:
    name = write("def build():\n    return nn.Conv1d(2, 3, 3, padding=1)")
    done = symcheck(f"{name}:build", "--json", "record.json")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("claims read from torch.nn: Conv1d, padding zeros, strides of 1 in all\n")
    assert "HOLDS" in done.output
    assert "VIOLATED" in done.output
    assert "tried      which nobody promises: its padding (zeros) doesn't move with the grid" in done.output
    assert "1 of 1 claims are as expected; of what nobody promises, 0 of 1 hold." in done.output
    results = json.loads(Path("record.json").read_text())["results"]
    assert [r["expected"] for r in results] == ["holds", "either"]


def test_a_failure_of_a_claim_that_was_read_is_replayed_as_it_was_called(write: Write) -> None:
    name = write(
        "class Placed(nn.MultiheadAttention):\n"
        "    def forward(self, query, key, value, **options):\n"
        "        place = torch.arange(len(query), dtype=query.dtype).reshape(-1, 1, 1)\n"
        "        return super().forward(query + place, key + place, value, **options)\n"
        "def build():\n    return Placed(8, 2)"
    )
    done = symcheck(f"{name}:build")
    assert done.exit_code == 1, done.output
    failure = next(Path(".symcheck").glob("*.json")).stem
    again = CliRunner().invoke(main, ["replay", failure], catch_exceptions=False)
    assert again.exit_code == 1, again.output  # not 2: a multi-head attention of one argument would raise
    assert again.output.startswith("FAILED")


def test_a_model_in_training_is_audited_in_evaluation() -> None:
    def build() -> nn.Module:
        return nn.TransformerEncoderLayer(8, 2, 16, dropout=0.5, batch_first=True)

    assert set(verdicts(build).values()) == {("HOLDS", "ok")}


def test_no_framework_is_imported_for_a_model_of_another() -> None:
    code = (
        "import sys, torch\nfrom symcheck import Subject\nfrom symcheck.subjects import read\n"
        "read(Subject('net', model=torch.nn.Conv1d(2, 2, 3)))\n"
        "print(sorted({'ase', 'e3nn', 'escnn', 'e2cnn', 'torch_geometric', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_says_nothing_is_refused_with_what_to_do() -> None:
    assert refusal(lambda: torch.relu).endswith(
        "it is no model that says itself how it transforms (ASE, e3nn, escnn, torch_geometric, transformers, torch.nn). "
        'Say what to check: symcheck audit net:build --shape 8,3 --group "SO(3)" --input vector --output scalar'
    )
    assert "Linear holds no convolution, recurrence or attention" in refusal(lambda: nn.Linear(3, 3))


# torch.nn


def circular(**options: Any) -> nn.Conv2d:
    return nn.Conv2d(2, 2, 3, padding=1, padding_mode="circular", **options)


class Place(nn.Conv2d):
    """Adds the place to what it finds."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + torch.linspace(0, 1, y.shape[-1], dtype=y.dtype)


HOLDS, BREAKS, TRIED = ("HOLDS", "ok"), ("VIOLATED", "FAILED"), ("VIOLATED", "tried")


def test_circular_convolutions_are_claimed_on_the_whole_grid() -> None:
    assert verdicts(lambda: nn.Sequential(circular(), nn.GELU(), circular())) == {"Z_N^2, roll -> roll": HOLDS}


def test_padded_convolutions_are_claimed_away_from_the_border() -> None:
    found = verdicts(lambda: nn.Sequential(nn.Conv2d(2, 3, 5, padding=2), nn.ReLU(), nn.Conv2d(3, 2, 3, padding=1)))
    assert found == {"Z_N^2, away from the border -> roll": HOLDS, "Z_N^2, roll -> roll": TRIED}


def test_a_convolution_that_knows_its_place_is_caught_away_from_the_border() -> None:
    assert verdicts(lambda: Place(2, 2, 3, padding=1))["Z_N^2, away from the border -> roll"] == BREAKS


@pytest.mark.parametrize(
    ("layers", "claim"),
    [
        ((nn.Conv1d(2, 2, 5), nn.MaxPool1d(2), nn.Conv1d(2, 2, 3)), "Z_8, shifts by multiples of 2, away from the border"),
        ((nn.Conv1d(2, 2, 3, stride=2, padding=1), nn.Conv1d(2, 2, 3, stride=2)), "Z_4, shifts by multiples of 4, away"),
        ((nn.Conv3d(1, 2, 3, dilation=2, padding=2), nn.BatchNorm3d(2)), "Z_N^3, away from the border"),
        ((nn.Conv2d(2, 2, 3, padding="same", padding_mode="reflect"),), "Z_N^2, away from the border"),
        ((nn.Conv2d(2, 2, 4, stride=4),), "Z_4^2, shifts by multiples of 4 -> roll"),
    ],
)
def test_strides_leave_shifts_by_their_multiples(layers: tuple[nn.Module, ...], claim: str) -> None:
    found = verdicts(lambda: nn.Sequential(*layers))
    assert [kept for name, kept in found.items() if name.startswith(claim)] == [HOLDS]
    assert [kept for kept in found.values() if kept not in (HOLDS, TRIED)] == []


def test_a_pooled_network_with_strides_is_tried_under_every_shift() -> None:
    found = verdicts(
        lambda: nn.Sequential(circular(stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 3))
    )
    assert found == {"Z_4^2, shifts by multiples of 2 -> scalar": HOLDS, "Z_N^2, roll -> scalar": TRIED}


class Residual(nn.Module):
    """Two branches of one stride, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.main, self.skip, self.head = circular(stride=2), nn.Conv2d(2, 2, 1, stride=2), nn.Linear(2, 3)

    def forward(self, image: Tensor) -> Tensor:
        return self.head((self.main(image) + self.skip(image)).relu().mean((-2, -1)))  # type: ignore[no-any-return]


def test_a_module_of_ones_own_is_tried() -> None:
    found = verdicts(Residual)
    assert found == {"Z_4^2, shifts by multiples of 2 -> scalar": ("HOLDS", "tried"), "Z_N^2, roll -> scalar": TRIED}


class Padding(nn.Module):
    """Pads before its layers, on one side."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv1d(1, 2, 10, stride=5), nn.Conv1d(2, 2, 3, stride=2)

    def forward(self, sound: Tensor) -> Tensor:
        y = self.first(nn.functional.pad(sound, (5, 0), mode="circular"))
        return self.second(nn.functional.pad(y, (1, 0), mode="circular")).square().mean(-1)  # type: ignore[no-any-return]


def test_strides_are_counted_through_what_a_module_pads_itself() -> None:
    found = verdicts(Padding)
    assert found == {"Z_2, shifts by multiples of 10 -> scalar": ("HOLDS", "tried"), "Z_N, roll -> scalar": TRIED}


class Patches(nn.Module):
    """Attention over the patches of an image of 28 samples an axis, with a term for each place or without."""

    def __init__(self, placed: bool = False) -> None:
        super().__init__()
        self.patch, self.mix = nn.Conv2d(1, 8, 7, stride=7), encoder_layer()
        self.place = nn.Parameter(torch.randn(16, 8)) if placed else None

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.patch(image).flatten(2).mT
        tokens = tokens if self.place is None else tokens + self.place
        return self.mix(tokens).mean(1)  # type: ignore[no-any-return]


def test_attention_over_the_patches_of_an_image_is_tried_under_shifts() -> None:
    found = verdicts(Patches)
    assert found == {"Z_4^2, shifts by multiples of 7 -> scalar": ("HOLDS", "tried"), "Z_N^2, roll -> scalar": TRIED}
    placed = verdicts(lambda: Patches(placed=True))
    assert placed == {"Z_4^2, shifts by multiples of 7 -> scalar": TRIED, "Z_N^2, roll -> scalar": TRIED}


def test_a_network_that_returns_several_tensors_is_refused_in_words() -> None:
    class Two(Residual):
        def forward(self, image: Tensor) -> Any:
            return self.main(image), self.skip(image)

    assert "it takes: it returns 2 tensors. Only a network that returns one is read" in refusal(Two)


def test_what_is_known_of_layers() -> None:
    stack = Stack(1)
    assert stack.through(nn.Conv1d(1, 1, 5, padding=2)) == Stack(1, reach=4, modes=("zeros",))
    assert stack.through(nn.LayerNorm(4)) is None
    assert stack.through(nn.Linear(4, 4)) is None
    assert stack.through(nn.ConvTranspose1d(1, 1, 3)) is None
    pooled = stack.through(nn.AdaptiveAvgPool1d(1))
    assert pooled is not None
    assert pooled.pooled
    assert pooled.through(nn.Linear(4, 4)) == pooled
    assert pooled.through(nn.Conv1d(1, 1, 3)) is None


class Placed(nn.TransformerEncoder):
    def forward(self, src: Tensor, *_: Any, **options: Any) -> Tensor:
        return super().forward(src + torch.arange(src.shape[1], dtype=src.dtype).sin().unsqueeze(-1), **options)


class Leaking(nn.TransformerEncoderLayer):
    def forward(self, src: Tensor, *_: Any, **options: Any) -> Tensor:
        return super().forward(src + src.mean(1, keepdim=True), **options)


def encoder_layer(**options: Any) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(8, 2, 16, **{"batch_first": True, **options})


ORDER, PADDING = "S_n, permute -> permute", "S_n, whatever stands in the padding"


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.MultiheadAttention(8, 2),
        lambda: nn.MultiheadAttention(8, 2, batch_first=True),
        lambda: nn.TransformerEncoder(encoder_layer(), 1),
        lambda: encoder_layer(batch_first=False),
    ],
)
def test_attention_hears_tokens_in_any_order_and_no_padding(build: Any) -> None:
    assert verdicts(build) == {ORDER: HOLDS, PADDING: HOLDS}


def test_broken_attention_is_caught() -> None:
    assert verdicts(lambda: Placed(encoder_layer(), 1)) == {ORDER: BREAKS, PADDING: HOLDS}
    assert verdicts(lambda: Leaking(8, 2, 16, batch_first=True)) == {ORDER: HOLDS, PADDING: BREAKS}


class OverSets(nn.Module):
    def __init__(self, batch_first: bool = True) -> None:
        super().__init__()
        self.up, self.mix, self.down = nn.Linear(3, 8), encoder_layer(batch_first=batch_first), nn.Linear(8, 2)
        self.tokens = 1 if batch_first else 0

    def forward(self, points: Tensor) -> Tensor:
        return self.down(self.mix(self.up(points))).mean(self.tokens)  # type: ignore[no-any-return]


class Words(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.mix = nn.Embedding(20, 8), encoder_layer()

    def forward(self, tokens: Tensor) -> Tensor:
        return self.mix(self.words(tokens))  # type: ignore[no-any-return]


def test_a_network_around_attention_is_tried() -> None:
    assert verdicts(OverSets) == {"S_n, permute -> scalar": ("HOLDS", "tried")}
    assert verdicts(lambda: OverSets(batch_first=False)) == {"S_n, permute -> scalar": ("HOLDS", "tried")}
    assert verdicts(Words) == {ORDER: ("HOLDS", "tried")}


CAUSAL = "S_n x R+ of later steps -> scalar (causal)"


class Hasty(nn.GRU):
    """Looks one step ahead."""

    def forward(self, x: Tensor, *_: Any) -> Any:
        return super().forward(x + x.roll(-1, 1))


@pytest.mark.parametrize("build", [lambda: nn.LSTM(3, 4), lambda: nn.GRU(3, 4, batch_first=True), lambda: nn.RNN(3, 4)])
def test_recurrences_are_causal_and_count_steps(build: Any) -> None:
    assert verdicts(build) == {CAUSAL: HOLDS, "Warp(T), warp -> warp": TRIED, "Delay(T), shift -> shift": TRIED}


class Centred(nn.LSTM):
    """Knows the mean of what is to come, though not its order."""

    def forward(self, x: Tensor, *_: Any) -> Any:
        return super().forward(x - x.mean(1, keepdim=True))


class Scaled(nn.LSTM):
    """Knows how large what is to come will be."""

    def forward(self, x: Tensor, *_: Any) -> Any:
        return super().forward(x / (1 + x.square().mean((1, 2), keepdim=True)))


@pytest.mark.parametrize("kind", [Hasty, Centred, Scaled])
def test_a_recurrence_that_looks_ahead_is_caught(kind: Any) -> None:
    assert verdicts(lambda: kind(3, 4, batch_first=True))[CAUSAL] == BREAKS


def test_in_both_directions_nothing_is_promised() -> None:
    assert list(verdicts(lambda: nn.LSTM(3, 4, bidirectional=True))) == ["Warp(T), warp -> warp", "Delay(T), shift -> shift"]


# Graphs, by the names of arguments


class Summing(nn.Module):
    """Message passing in plain torch: what it takes and returns is as `returns` says."""

    def __init__(self, returns: str = "nodes", kinds: bool = False) -> None:
        super().__init__()
        self.up, self.returns = nn.Linear(5, 4), returns

    def forward(self, x: Tensor, edge_index: Tensor, edge_weight: Tensor, batch: Tensor | None = None) -> Tensor:
        source, target = edge_index
        h = self.up(x)
        y = torch.zeros_like(h).index_add(0, target, h[source] * edge_weight.unsqueeze(-1))
        if self.returns == "edges":
            return y[source] - y[target]
        return y if self.returns == "nodes" else y.sum(0)


@pytest.mark.parametrize("returns", ["nodes", "edges", "graphs"])
def test_how_a_graph_network_is_called(returns: str) -> None:
    found = graphs.called(Summing(returns))
    assert found.of == (returns,)
    assert found.domain.graph.features == 5
    assert [role for _, role in found.domain.roles] == ["features", "edges", "weights"]  # batch is offered, and isn't read


def test_a_graph_network_with_arguments_of_no_known_name_is_refused() -> None:
    class Strange(nn.Module):
        def forward(self, x: Tensor, adjacency: Tensor) -> Tensor:
            return adjacency @ x

    with pytest.raises(Exception, match=r"its argument 'adjacency' has no name that tells what it holds\. Known are: x, h"):
        graphs.called(Strange())


def test_the_domains_of_frameworks_keep_what_domains_promise() -> None:
    from symcheck.subjects.frameworks.ase import Structures

    kinds: tuple[type[Domain], ...] = (graphs.Named, Structures)
    for kind in kinds:
        for domain in kind.examples():
            check_domain(domain)


def test_outputs_in_space_are_told_apart() -> None:
    class Moving(nn.Module):
        def forward(self, x: Tensor, pos: Tensor, edge_index: Tensor) -> Any:
            source, target = edge_index
            away = torch.zeros_like(pos).index_add(0, target, pos[source] - pos[target])
            return x.sum(-1), away, pos + away

    model = Moving()
    found = graphs.called(model, (4,))
    assert [rep.name for rep in graphs.in_space(model, found)] == ["scalar", "vector", "point"]


# e3nn

E3NN = """
from e3nn import o3
from e3nn.nn import Gate

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.irreps_in, self.irreps_out = o3.Irreps("4x0e+2x1o"), o3.Irreps("1x0e+1x1o")
        self.gate = Gate("4x0e", [nn.functional.silu], "2x0e", [torch.sigmoid], "2x1o")
        self.first = o3.Linear(self.irreps_in, self.gate.irreps_in)
        self.last = o3.Linear(self.gate.irreps_out, self.irreps_out)

    def forward(self, x):
        return self.last(self.gate(self.first(x)))

class Broken(Net):
    def forward(self, x):
        y = super().forward(x)
        return torch.cat([y[..., :1], y[..., 1:].relu()], -1)
"""


@pytest.fixture
def e3nn_modules() -> Any:
    return pytest.importorskip("e3nn.o3"), pytest.importorskip("e3nn.nn")


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_e3nn_in_one_command(write: Write, e3nn_modules: Any) -> None:
    name = write(E3NN)
    done = symcheck(f"{name}:Net")
    assert done.exit_code == 0, done.output
    assert done.output.startswith("claims read from e3nn: irreps_in = 4x0e+2x1o, irreps_out = 1x0e+1x1o\n")
    assert f"{name}.Net: O(3), 4x0e+2x1o -> 1x0e+1x1o" in " ".join(done.output.split())
    done = symcheck(f"{name}:Broken")
    assert done.exit_code == 1, done.output
    assert "relu in Broken" in done.output


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_what_e3nn_modules_say(e3nn_modules: Any) -> None:
    o3, enn = e3nn_modules
    product = verdicts(lambda: o3.FullyConnectedTensorProduct("2x0e+1o", "0e+1o", "0e+1o"))
    assert list(product) == ["O(3), (2x0e+1x1o, 1x0e+1x1o) -> 1x0e+1x1o"]
    given = verdicts(lambda: o3.FullyConnectedTensorProduct("2x0e+1o", "0e+1o", "0e+1o", shared_weights=False))
    assert list(given) == ["O(3), (2x0e+1x1o, 1x0e+1x1o, scalar) -> 1x0e+1x1o"]
    norm = verdicts(lambda: enn.BatchNorm("2x0e+1o"))
    assert list(norm) == ["O(3), 2x0e+1x1o -> 2x0e+1x1o"]
    even = verdicts(lambda: o3.Linear("2x0e+1e", "1e"))
    assert list(even) == ["SO(3), 2x0e+1x1e -> 1x1e"]
    assert {mark for found in (product, given, norm, even) for _, mark in found.values()} == {"ok"}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_e3nn_on_points_and_without_irreps(e3nn_modules: Any) -> None:
    o3, _ = e3nn_modules

    class OnPoints(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.irreps_in, self.irreps_out = o3.Irreps("2x0e+1o"), o3.Irreps("1x1o")
            self.mix = o3.FullyConnectedTensorProduct(self.irreps_in, "1x0e+1x1o", self.irreps_out)

        def forward(self, x: Tensor, pos: Tensor) -> Tensor:
            away = pos - pos.mean(0, keepdim=True)
            sh = o3.spherical_harmonics("0e+1o", away, False)
            return self.mix(x, sh)  # type: ignore[no-any-return]

    found = verdicts(OnPoints)
    assert list(found) == ["E(3), (x=2x0e+1x1o, pos=point) -> 1x1o", "S_n, any order of nodes -> permute"]
    assert [mark for _, mark in found.values()] == ["ok", "tried"]
    assert {verdict for verdict, _ in found.values()} <= {"HOLDS", "LIMITED"}

    class Silent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.mix = o3.Linear("1o", "1o")

        def forward(self, x: Tensor) -> Tensor:
            return self.mix(x)  # type: ignore[no-any-return]

    told = refusal(Silent)
    assert "Silent has neither irreps_in nor irreps_out. Keep them on it, self.irreps_in = o3.Irreps('8x0e+4x1o')" in told
    assert "Or say what to check: symcheck audit net:build" in told


# torch_geometric

PYG = """
from torch_geometric.nn import GCNConv, SAGEConv, global_mean_pool

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.head = SAGEConv(5, 8), nn.Linear(8, 3)

    def forward(self, x, edge_index, batch=None):
        return self.head(global_mean_pool(self.conv(x, edge_index).tanh(), batch))

class Numbered(Net):
    def forward(self, x, edge_index, batch=None):
        return super().forward(x + torch.arange(len(x), dtype=x.dtype).unsqueeze(-1), edge_index, batch)

class OnData(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = GCNConv(5, 3)

    def forward(self, data):
        return self.conv(data.x, data.edge_index)
"""


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_torch_geometric_in_one_command(write: Write) -> None:
    pytest.importorskip("torch_geometric")
    name = write(PYG)
    done = symcheck(f"{name}:Net")
    assert done.exit_code == 0, done.output
    told = " ".join(done.output.split())
    assert "message passing by SAGEConv; takes x, edge_index, batch; returns a row for each of the graphs" in told
    assert "any order of nodes and edges" in told
    assert "-> scalar" in told
    done = symcheck(f"{name}:OnData")
    assert done.exit_code == 0, done.output
    assert "takes Data with x, edge_index; returns a row for each of the nodes" in " ".join(done.output.split())
    done = symcheck(f"{name}:Numbered")
    assert done.exit_code == 1, done.output
    assert "a positional term" in done.output


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_positions_are_tried_under_isometries() -> None:
    geometric = pytest.importorskip("torch_geometric.nn")

    class Distances(geometric.MessagePassing):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(aggr="sum")
            self.up = nn.Linear(5, 4)

        def forward(self, x: Tensor, pos: Tensor, edge_index: Tensor) -> Tensor:
            return self.propagate(edge_index, x=x, pos=pos)  # type: ignore[no-any-return]

        def message(self, x_i: Tensor, x_j: Tensor, pos_i: Tensor, pos_j: Tensor) -> Tensor:
            away = (pos_i - pos_j).square().sum(-1, keepdim=True)
            return torch.tanh(self.up(torch.cat([x_i, x_j, away], -1)))

    order = "S_n x S_n of edges, any order of nodes and edges -> permute"
    assert verdicts(Distances) == {order: HOLDS, "E(3), pos -> scalar": ("HOLDS", "tried")}
    convolution = verdicts(lambda: geometric.PointNetConv(nn.Linear(8, 4)))
    assert convolution == {order: HOLDS, "E(3), pos -> scalar": TRIED}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_a_torch_geometric_network_that_is_called_in_no_known_way_is_refused() -> None:
    geometric = pytest.importorskip("torch_geometric.nn")

    class Picky(geometric.GCNConv):  # type: ignore[misc, name-defined]
        def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
            raise ValueError("these edges won't do")

    told = refusal(lambda: Picky(2, 2))
    assert "no graph was found that it takes, of which the last raised ValueError: these edges won't do" in told


# ASE, e2cnn, escnn, transformers: where they are installed

CALCULATORS = """
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

class Leaning(LennardJones):
    def calculate(self, atoms=None, properties=("energy",), system_changes=("positions",)):
        super().calculate(atoms, properties, system_changes)
        self.results["energy"] += 1e-3 * (atoms.positions[:, 0] ** 2).sum()

class Unfolded(LennardJones):
    def calculate(self, atoms=None, properties=("energy",), system_changes=("positions",)):
        super().calculate(atoms, properties, system_changes)
        away = atoms.positions[:, None] - atoms.positions[None]
        self.results["energy"] += 1e-3 * (away ** 2).sum()

shared = EMT()
"""


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_ase_calculators_in_one_command(write: Write) -> None:
    pytest.importorskip("ase")
    name = write(CALCULATORS)
    for target in ("shared", "LennardJones"):
        done = symcheck(f"{name}:{target}")
        assert done.exit_code == 0, done.output
        assert "with energy, forces, stress; tried on Cu and Ag" in done.output
        assert "3 of 3 claims are as expected." in done.output
    assert symcheck(f"{name}:Leaning").exit_code == 1
    done = symcheck(f"{name}:Unfolded")
    assert done.exit_code == 1, done.output
    assert "2 of 3 claims are as expected." in done.output  # the choice of the cell alone tells


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_a_failed_calculator_is_replayed(write: Write) -> None:
    pytest.importorskip("ase")
    symcheck(f"{write(CALCULATORS)}:Leaning")
    failure = next(Path(".symcheck").glob("*.json")).stem
    again = CliRunner().invoke(main, ["replay", failure], catch_exceptions=False)
    assert again.exit_code == 1, again.output


def steerable(package: str, order: int, layer: type | None = None) -> Callable[[], nn.Module]:
    """A network of two convolutions of e2cnn or escnn under the rotations by 2 pi / order."""
    enn = pytest.importorskip(f"{package}.nn", exc_type=ImportError)
    gspaces = pytest.importorskip(f"{package}.gspaces", exc_type=ImportError)
    space = gspaces.Rot2dOnR2(order) if package == "e2cnn" else gspaces.rot2dOnR2(order)

    def build() -> nn.Module:
        one, many = enn.FieldType(space, 2 * [space.trivial_repr]), enn.FieldType(space, 2 * [space.regular_repr])
        layers = enn.R2Conv(one, many, 3, padding=1), enn.ReLU(many), enn.R2Conv(many, many, 3, padding=1)
        return (layer or enn.SequentialModule)(*layers)  # type: ignore[no-any-return]

    return build


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["e2cnn", "escnn"])
def test_steerable_networks(package: str) -> None:
    found = verdicts(steerable(package, 8))
    (turned, shifted, finer) = found
    assert turned.startswith("C_4, 2 irrep_0 -> 2 regular")
    assert shifted == "Z_N^2, away from the border -> roll"
    assert finer.startswith("C_8, interpolated")
    assert [found[name][1] for name in found] == ["ok", "ok", "tried"]


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("package", ["e2cnn", "escnn"])
def test_a_broken_steerable_network_is_caught(package: str) -> None:
    enn = pytest.importorskip(f"{package}.nn", exc_type=ImportError)  # some of theirs is compiled for an older numpy

    class Biased(enn.SequentialModule):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            y = super().forward(x)
            bias = torch.arange(y.tensor.shape[1], dtype=y.tensor.dtype).reshape(-1, 1, 1)
            return enn.GeometricTensor(y.tensor + 0.1 * bias, y.type)

    found = verdicts(steerable(package, 4, Biased))
    assert next(iter(found.values())) == BREAKS


TINY = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16, "vocab_size": 9}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
def test_transformers() -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(**TINY)

    class Leaky(transformers.BertModel):  # type: ignore[misc, name-defined]
        def forward(self, inputs_embeds: Any = None, attention_mask: Any = None, **options: Any) -> Any:
            mixed = inputs_embeds + inputs_embeds.mean(1, keepdim=True)
            return super().forward(inputs_embeds=mixed, attention_mask=attention_mask, **options)

    found = verdicts(lambda: transformers.BertModel(config, add_pooling_layer=False))
    assert found == {PADDING: HOLDS, ORDER: TRIED}  # it has position embeddings
    assert verdicts(lambda: Leaky(config, add_pooling_layer=False))[PADDING] == BREAKS
    head = verdicts(lambda: transformers.BertForSequenceClassification(config))
    assert head["whatever stands in the padding at the end"] == ("HOLDS", "tried")
    assert "takes no inputs_embeds" in refusal(
        lambda: transformers.ViTModel(transformers.ViTConfig(**{**TINY, "image_size": 8, "patch_size": 4}))
    )


def test_arguments_that_are_passed_by_name() -> None:
    drawn = next(iter(graphs.Named.examples())).sample({"nodes": 5, "edges": 7}, 2, torch.Generator())
    assert isinstance(drawn, Args)
    assert set(drawn.kwargs) == {"x", "edge_index", "edge_weight", "z", "batch"}
    assert bool((drawn.kwargs["edge_weight"] > 0).all())
