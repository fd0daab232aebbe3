"""Where a violated claim breaks: models that are hard to watch, how tensors are explained, and what is hinted."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import msgspec
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import symcheck
from models import cnn, egnn
from symcheck import Args, Claim, Result
from symcheck._source import shown, text_of
from symcheck.domains import Examples, Generated, Grid, Joint, PaddedSet, PointCloud, Sequence, Tensors
from symcheck.engine import Judged, Location, Policy, Settings, examine
from symcheck.engine.bound import Bound
from symcheck.engine.represent import Actions, Explainer, Grade, least_squares, unravelled
from symcheck.engine.trace import UNSEEN, Recorder
from symcheck.groups import SE, SO, Product, Symmetric, Translations
from symcheck.properties import Composition
from symcheck.report import Record
from symcheck.report.html.layers import chart
from symcheck.reps import Custom, Permute, Point, Roll, Vector

HERE = "property_tests/test_locate.py"
X = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))


def check(model: Any, example: Any = X, group: str = "S_n", inputs: Any = "permute", outputs: Any = "permute") -> Result:
    return symcheck.check(model, example, group=group, inputs=inputs, outputs=outputs, trials=32)


def table(x: Tensor) -> Tensor:
    return torch.linspace(-1, 1, x.shape[-2], dtype=x.dtype).unsqueeze(-1)


class Broken(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + table(x)  # BREAK


def line(tag: str = "# BREAK", of: int = 0) -> int:
    with open(__file__) as source:
        return [i for i, text in enumerate(source, start=1) if text.rstrip().endswith(tag)][of]


class Net(nn.Module):
    """Two dense layers, and between them a part that breaks."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.part, self.last, self.unused = nn.Linear(3, 8), part, nn.Linear(8, 3), Broken()

    def forward(self, x: Tensor) -> Any:
        return self.last(self.part(self.first(x).tanh()))


# What is told


def test_the_module_the_line_and_the_residuals() -> None:
    found = check(Net(Broken())).location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.module, found.culprit.kind, found.culprit.file) == ("part", "Broken", HERE)
    assert found.culprit.line == line()
    assert found.code == "return x + table(x)  # BREAK"
    assert found.before is not None
    assert found.before < 1e-12 < 0.1 < (found.culprit.residual or 0)
    status = [(layer.module, layer.status) for layer in found.layers]
    assert status.index(("first", "explained")) < status.index(("part", "broken")) < status.index(("last", "broken"))
    assert [layer.module for layer in found.layers if layer.culprit] == ["part"]


def test_a_claim_that_holds_has_no_location_and_no_hints() -> None:
    result = check(nn.Linear(3, 3))
    assert (result.verdict.name, result.location, result.hints) == ("HOLDS", None, ())


def test_the_message_the_record_and_the_report_have_it() -> None:
    result = check(Net(Broken()))
    assert f"  layer      part (Broken), {HERE}:{line()}: it is the first that no action of the group explains" in str(result)
    assert "  hint       a positional term, a causal mask" in str(result)
    record = Record.of([result], Settings(), interrupted=False, seconds=0.0)
    again = msgspec.json.decode(record.json(), type=Record)
    assert again.results[0].location == result.location
    assert again.results[0].hints == result.hints
    drawn = chart(result.location)
    assert drawn is not None
    marked = [bar for bar in drawn.bars if bar.css == "e5"]
    assert [bar.label for bar in marked] == [f"▶ part (Broken), {HERE}:{line()}: here"]
    assert marked[0].part is not None
    assert all(bar.part is not None and bar.part < marked[0].part for bar in drawn.bars[: drawn.bars.index(marked[0])])
    assert chart(None) is None


def test_a_record_from_before_there_were_locations_is_read() -> None:
    record = Record.of([check(nn.Linear(3, 3))], Settings(), interrupted=False, seconds=0.0)
    old = msgspec.json.decode(record.json())
    for name in ("location", "hints"):
        del old["results"][0][name]
    assert msgspec.convert(old, Record).results[0].location is None


def test_the_same_twice() -> None:
    assert check(Net(Broken())).location == check(Net(Broken())).location


def test_a_product_is_looked_at_with_one_factor_alone() -> None:
    found = symcheck.audit(egnn.TWINS[4], trials=32).results[0].location
    assert found is not None
    assert found.element.startswith("(")  # a permutation, though the trial that was found turns the points as well
    assert found.culprit is not None
    assert found.culprit.module == "embed.0"


# Models that are hard to watch


class InPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x = x.clone()
        x.mul_(2)
        x[..., 0].tanh_()
        x[..., 0, :] += 1  # BREAK
        return x


class Twice(nn.Module):
    """Calls one layer three times, the second time with a table."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(8, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer(x)
        x = self.layer(x + table(x))  # BREAK
        return self.layer(x)


class Rounded(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        steps = (4 * x).round() / 4
        best = x.detach().argmax(-2, keepdim=True)
        return steps + best.to(x.dtype)  # BREAK


class Branching(nn.Module):
    """A way that the group doesn't change, and a break on one of the two."""

    def forward(self, x: Tensor) -> Tensor:
        return x + table(x) if bool((x - x.median()).sum() > 0) else 2 * x  # BREAK


class Tupled(nn.Module):
    class Both(NamedTuple):
        left: Tensor
        right: dict[str, Tensor]

    def forward(self, x: Tensor) -> Tensor:
        both = self.Both(x, {"twice": 2 * x, "odd": x + table(x)})  # BREAK
        return both.left + both.right["odd"]


PARTS = (InPlace, Twice, Rounded, Branching, Tupled)


@pytest.mark.parametrize("part", PARTS)
def test_parts_that_are_hard_to_watch(part: type[nn.Module]) -> None:
    found = check(Net(part())).location
    assert found is not None
    assert found.culprit is not None, found.because
    assert (found.culprit.module, found.culprit.line) == ("part", line(of=1 + PARTS.index(part)))


def test_the_second_call_of_a_module_is_told() -> None:
    class Again(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = Sometimes()

        def forward(self, x: Tensor) -> Tensor:
            return self.part(self.part(x, False), True)

    class Sometimes(nn.Module):
        def forward(self, x: Tensor, odd: bool) -> Tensor:
            return x + table(x) if odd else x.tanh()

    found = check(Again()).location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.module, found.culprit.call, found.culprit.name) == ("part", 2, "part (Sometimes, call 2)")


def test_what_another_thread_runs_is_no_part_of_the_model() -> None:
    class Elsewhere(nn.Module):
        def forward(self, begun: Event, done: Event) -> None:
            begun.set()
            done.wait()

    class Beside(nn.Module):
        """Computes while another model is in the middle of a call of its own, in another thread."""

        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Linear(3, 8)

        def forward(self, x: Tensor) -> Any:
            begun, done = Event(), Event()
            thread = Thread(target=other, args=(begun, done))
            thread.start()
            begun.wait()
            y = self.first(x) + table(x)
            done.set()
            thread.join()
            return y

    other = Elsewhere()
    found = check(Beside()).location
    assert found is not None
    assert found.culprit is not None, found.because
    assert found.culprit.name == "add in Beside"


def test_modules_that_a_call_makes_for_itself_are_counted_apart() -> None:
    """As e3nn's functions do. The second has the memory of the first, in some calls and not in others."""

    class Passing(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.tanh()

    def model(x: Tensor) -> Tensor:
        y = Passing()(x)
        return Passing()(y)

    recorder = Recorder(model)
    for _ in range(8):
        recorder(X)
    assert {made.place.call for trace in recorder.traces for made in trace.made if made.place.kind == "Passing"} == {1}


def test_a_tensor_in_the_place_of_a_freed_one_is_not_the_models_own() -> None:
    class Replacing(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last: Tensor | None = torch.zeros(3)

        def forward(self, x: Tensor) -> Tensor:
            numbers = x.numpy().copy()
            self.last = None
            return torch.from_numpy(numbers) * 2

    for _ in range(4):  # whose memory the new one gets is the allocator's to say
        recorder = Recorder(Replacing())
        recorder(X)
        assert UNSEEN in {made.place.operation for made in recorder.traces[0].made}


def tensors(x: Tensor) -> Tensor:
    """The moments of a cloud to third order, right under E(3)."""
    away = x - x.mean(-2, keepdim=True)
    second = away.unsqueeze(-1) * away.unsqueeze(-2)
    return (second.unsqueeze(-1) * away.unsqueeze(-2).unsqueeze(-2)).sum(-4)


def test_products_of_differences_are_tensors_under_a_group_that_translates() -> None:
    def diagonal(x: Tensor) -> Tensor:
        return torch.einsum("...iii->...i", tensors(x)).relu().sum(-1)  # TENSOR

    found = check(diagonal, X, "E(3)", "point", "scalar").location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.operation, found.culprit.line) == ("einsum", line("# TENSOR"))


def test_axial_tensors_are_tensors() -> None:
    """The generators of turns about differences, and their products with true tensors, as in TensorNet."""

    def chiral(x: Tensor) -> Tensor:
        away = x.unsqueeze(-2) - x.unsqueeze(-3)
        near = torch.exp(-away.square().sum(-1)[..., None, None])
        axial = torch.linalg.cross(
            away.unsqueeze(-2).expand(*away.shape, 3), torch.eye(3, dtype=x.dtype).expand(*away.shape, 3)
        )
        true = away.unsqueeze(-1) * away.unsqueeze(-2)
        left, right = (near * axial + true).sum(-3), (near.sqrt() * axial + near * true).sum(-3)
        return (left @ right).square().sum((-3, -2, -1))  # CHIRAL

    found = check(chiral, X, "E(3)", "point", "scalar").location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.operation, found.culprit.line) == ("matmul", line("# CHIRAL"))


def spun(group: Any, g: Tensor, poses: Tensor) -> Tensor:
    turn: Tensor = group.linear(g).to(poses)
    return turn.reshape(-1, *[1] * (poses.ndim - 3), 3, 3) @ poses


def test_a_tensor_of_more_features_than_there_are_inputs_is_no_doubt() -> None:
    """A map of all of its 72 numbers can't be fitted on 128 inputs, of which half are for trying it."""

    def turned(poses: Tensor, x: Tensor) -> Tensor:
        local = torch.einsum("...ij,...kpj->...kpi", poses, x)  # TURNED
        return torch.cat([local.flatten(-3), local.norm(dim=-1).flatten(-2)], -1).sin().sum(-1)

    poses = torch.linalg.qr(torch.randn(8, 3, 3, generator=torch.Generator().manual_seed(0)))[0]
    x = torch.randn(8, 4, 6, 3, generator=torch.Generator().manual_seed(1))
    claimed = (Custom(spun, rank=2, mixes=(-2,)), "vector")
    found = check(turned, (poses, x), "SO(3)", claimed, "scalar").location
    assert found is not None
    assert found.culprit is not None, found.because
    assert (found.culprit.operation, found.culprit.line) == ("einsum", line("# TURNED"))


def test_a_map_that_changes_lengths_at_the_output_is_said_to_be_one() -> None:
    def stretched(x: Tensor) -> Tensor:
        return x * torch.tensor([1.0, 1.0, 2.0], dtype=x.dtype)  # STRETCHED

    result = check(stretched, X, "SO(3)", "vector", "vector")
    found = result.location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.line, found.culprit.status) == (line("# STRETCHED"), "explained")
    assert found.how == "it follows the group only by a map that changes lengths"
    assert "left unexplained" not in str(result)


def test_entries_in_another_order_are_said_to_be_so() -> None:
    def lagged(x: Tensor) -> Tensor:
        return (x * x.roll(1, -2)).sum(-2)  # LAGGED

    found = check(lagged, X, outputs="scalar").location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.operation, found.culprit.line) == ("roll", line("# LAGGED"))
    assert found.how == "it follows the group only in another order of its entries, and what is made of it by none"


def test_the_ways_of_a_model_part_at_g_x() -> None:
    def parting(x: Tensor) -> Tensor:
        return x.tanh() if bool(x[0, 0] > x[1, 0]) else x.sin()  # PARTS

    found = check(parting).location
    assert found is not None
    assert found.culprit is not None
    assert "another way" in found.how
    assert found.culprit.line == line("# PARTS")


def test_outputs_that_are_trees() -> None:
    class Trees(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Any]:
            return {"good": x.tanh(), "bad": (x + table(x), x)}  # TREE

    found = check(Trees()).location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.line, found.culprit.operation) == (line("# TREE"), "add")


def test_a_function_has_lines_and_no_modules() -> None:
    def model(x: Tensor) -> Tensor:
        y = x.square().exp()
        return y + y.cumsum(-2)  # FUNCTION

    found = check(model).location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.module, found.culprit.line, found.culprit.name) == ("", line("# FUNCTION"), "cumsum")


def test_complex_features() -> None:
    def model(z: Tensor) -> Tensor:
        z = z * z.abs().tanh()
        return torch.complex(z.real.relu(), z.imag)  # COMPLEX

    found = check(model, torch.randn(5, dtype=torch.complex128), "U(1)", "phase", "phase").location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.line, found.culprit.operation) == (line("# COMPLEX"), "real")


def compiled(model: Any) -> Any:
    return torch.compile(model, backend="eager")


def compiled_in_place(model: nn.Module) -> nn.Module:
    model.compile(backend="eager")
    return model


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "model",
    [compiled(Net(Broken())), Net(compiled(Broken())), compiled_in_place(Net(Broken()))],
    ids=["whole", "part", "method"],
)
def test_a_compiled_model_is_looked_at_in_its_eager_form(model: nn.Module) -> None:
    found = check(model).location
    assert found is not None
    assert found.note == "the model is compiled: it was looked at in its eager form"
    assert found.culprit is not None
    assert (found.culprit.module, found.culprit.line) == ("part", line())


@pytest.mark.filterwarnings("ignore")
def test_a_compiled_function_that_a_model_calls_has_lines() -> None:
    @compiled
    def inner(x: Tensor) -> Tensor:
        x = x.tanh()
        return x + table(x)  # INNER

    found = check(lambda x: inner(x.sin())).location
    assert found is not None
    assert found.culprit is not None, found.because
    assert found.culprit.line == line("# INNER")


class Scriptable(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.arange(x.shape[-2], dtype=x.dtype).unsqueeze(-1)


def test_a_scripted_model_says_so() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(Scriptable())
    whole = check(scripted).location
    assert whole is not None
    assert whole.culprit is None
    assert "scripted" in whole.because
    assert "not located: the model is scripted" in str(check(scripted))
    part = check(Net(scripted)).location
    assert part is not None
    assert part.culprit is not None
    assert part.culprit.module == "part"
    assert "what is inside of it isn't seen" in part.note


def test_a_model_that_refuses_a_batch_of_one() -> None:
    class Picky(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if len(x) == 1:
                raise ValueError("a batch of one")
            return x + table(x)

    claim = {"group": "S_n", "inputs": "permute", "outputs": "permute", "trials": 32}
    found = symcheck.check(Picky(), torch.randn(4, 6, 3), **claim).location  # type: ignore[arg-type]
    assert found is not None
    assert found.culprit is not None
    assert found.culprit.operation == "add"


# Where nothing can be located


def test_what_cannot_be_located_says_why() -> None:
    axial = check(lambda x: torch.linalg.cross(x[..., :1, :], x), X, "O(3)", "vector", "vector").location
    assert axial is not None
    assert axial.because.startswith("no layer breaks the symmetry: the output does follow the group, but not as the claim says")
    sequence = Claim(lambda x: x.cumsum(-2), "Warp(T)", domain=Sequence(5, 2), inputs="warp", outputs="warp")
    (warped,) = symcheck.audit(sequence, trials=32).results
    assert warped.location is not None
    assert warped.location.because.startswith("a monoid moves")
    both = Claim(Broken(), "S_n", domain=X, inputs="permute", outputs="permute", properties=(Composition(),))
    (composed,) = symcheck.audit(both, trials=32).results
    assert composed.location is not None
    assert composed.location.because == "what breaks composition isn't looked for inside of the model"


def test_what_a_quarter_turn_keeps_is_broken_by_others() -> None:
    """The triangle of a tensor follows quarter turns as another list of its numbers, and `eigvalsh` of it no rotation."""

    def both(x: Tensor) -> dict[str, Tensor]:
        half = (x.mT @ x).triu()
        return {"half": half, "values": torch.linalg.eigvalsh(half)}  # HALF

    result = check(both, X, "SO(3)", "vector", {"half": "cartesian(rank=2)", "values": "scalar"})
    assert result.location is not None
    assert result.location.culprit is not None, result.location.because
    assert result.location.culprit.operation in ("triu", "linalg_eigvalsh")
    assert [hint for hint in result.hints if hint.kind == "rep"] == []


def test_a_rep_of_ones_own_that_renumbers_indices_is_said_not_to_be_followed() -> None:
    """Users above, items below: it raises on floating-point numbers, of which layers are made."""

    def renumbered(group: Any, g: Tensor, ends: Tensor) -> Tensor:
        rows = zip(("users", "items"), ends.unbind(1), strict=True)
        return torch.stack([group.permutation(g, of).gather(-1, row) for of, row in rows], 1)

    def heard(users: Tensor, items: Tensor, ends: Tensor) -> Tensor:
        place = ends[1] if items.shape[-1] == 2 else ends[1] % 2
        return torch.zeros_like(items).index_add(0, place, users[ends[0]])

    group = Product((Symmetric(of="users"), Symmetric(of="items")))
    bought = Custom(renumbered, name="bought", rank=2, discrete=True, linear=False)
    for features, verdict in ((2, "HOLDS"), (3, "VIOLATED")):
        drawn = Joint(
            Tensors((4, features)), Tensors((5, features)), Generated(lambda n, rng: torch.randint(4, (n, 2, 9), generator=rng))
        )
        claim = {
            "group": group,
            "inputs": ("permute(of='users')", "permute(of='items')", bought),
            "outputs": "permute(of='items')",
        }
        result = symcheck.check(heard, drawn, trials=32, **claim)
        assert result.verdict.name == verdict
    assert result.location is not None
    assert result.location.because.startswith("how the group acts on input 'ends' is no move of entries")


def test_too_few_rows_are_said() -> None:
    """One input tells nothing of a map of its features."""
    few = Examples(torch.randn(2, 1, 3, dtype=torch.float64))
    result = symcheck.check(lambda x: torch.cat([x, x * x], -1), few, group="SO(3)", inputs="vector", outputs="scalar")
    assert result.location is not None
    assert result.location.culprit is None
    assert result.location.because.startswith("there are too few rows")
    assert "on 2 inputs. Locate it with more inputs" in result.location.because


def test_a_model_that_takes_too_long_to_watch_is_said() -> None:
    """The budget is in calls, so that a busy machine gives the same record."""

    def long(x: Tensor) -> Tensor:
        assert x.ndim == 2  # it takes one input at a time
        for _ in range(60):
            x = x.sin()
        return x + table(x)

    def location(most: int) -> Location | None:
        claim = Claim(long, "S_n", domain=X, inputs="permute", outputs="permute")
        settings = Settings(trials=32, policy=Policy(locate_most=most, shrink_evaluations=0, ladder_trials=1))
        (found,) = (event.outcome.location for event in examine(claim, settings) if isinstance(event, Judged))
        return found

    found = location(2500)
    assert found is not None
    assert found.culprit is None
    assert found.because == (
        "the model calls torch 64 times for one input, which takes too long to watch. "
        "Locate it in a smaller model of the same layers"
    )
    found = location(4000)
    assert found is not None
    assert found.culprit is not None


# How tensors are explained


def explained(h: Tensor, moved: Tensor, actions: Actions) -> Grade:
    return Explainer(actions, Policy()).explain(h, moved, 1e-16).grade


def actions(group: Any, rep: Any, shape: tuple[int, ...], seed: int = 0) -> tuple[Actions, Callable[[Tensor], Tensor]]:
    g = group.sample(3, torch.Generator().manual_seed(seed))[2]
    x = torch.randn(64, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    bound = Bound(group, (rep,), (rep,))
    return Actions(bound, g, [x], [shape], Policy()), lambda h: rep.act(group, g.expand(len(h), *g.shape), h)


W = torch.randn(3, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


def test_explanations_of_vectors() -> None:
    some, act = actions(SO(3), Vector(), (4, 3))
    x = torch.randn(64, 4, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    y = act(x)
    assert explained(x, y, some) is Grade.KNOWN
    assert explained(x.norm(dim=-1), y.norm(dim=-1), some) is Grade.KNOWN
    assert explained(x.flatten(1), y.flatten(1), some) is Grade.KNOWN
    assert explained(x @ W, y @ W, some) is Grade.LINEAR
    assert explained(x.roll(1, -1), y.roll(1, -1), some) is Grade.ISOMETRIC
    assert explained(x.tanh(), y.tanh(), some) is Grade.BROKEN
    assert explained(torch.ones_like(x), torch.ones_like(x), some) is Grade.SAME
    assert explained(x[:1, :1].expand(64, 1, 3), y[:1, :1].expand(64, 1, 3), some) is not Grade.SAME


def test_an_offset_is_allowed_only_where_the_action_translates() -> None:
    turns, turn = actions(SO(3), Vector(), (3,))
    moves, move = actions(SE(3), Point(), (3,))
    x = torch.randn(64, 3, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert explained(x + 1, turn(x) + 1, turns) is Grade.BROKEN
    assert explained(x @ W + 1, move(x) @ W + 1, moves) is Grade.LINEAR
    assert explained(x, move(x), moves) is Grade.KNOWN


def test_explanations_of_grids() -> None:
    shift, act = actions(Translations((8, 8)), Roll(), (2, 8, 8), seed=4)
    assert shift.movers[0].grid
    x = torch.randn(64, 2, 8, 8, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    pad = torch.nn.functional.pad
    for keeps in (lambda h: h.tanh(), lambda h: h.flatten(2), lambda h: h.mT, lambda h: pad(h, (2, 2, 2, 2), mode="circular")):
        expected = Grade.KNOWN if keeps(x).shape != x.mT.shape or torch.equal(keeps(x), x.tanh()) else Grade.BROKEN
        assert explained(keeps(x), keeps(act(x)), shift) is expected
    assert explained(pad(x, (1, 1, 1, 1)), pad(act(x), (1, 1, 1, 1)), shift) is Grade.BROKEN
    for sides in ((2, 0, 2, 0), (0, 3, 0, 3), (1, 2, 1, 2), (2, 0, 0, 0)):  # on one side, one more on the other, on one axis
        assert explained(pad(x, sides, mode="circular"), pad(act(x), sides, mode="circular"), shift) is Grade.KNOWN
        assert explained(pad(x, sides), pad(act(x), sides), shift) is Grade.BROKEN


def test_a_strided_grid_follows_shifts_by_the_stride_alone() -> None:
    group, rep = Translations((8, 8)), Roll()
    x = torch.randn(64, 2, 8, 8, dtype=torch.float64)
    for step, grade in ((2, Grade.KNOWN), (1, Grade.BROKEN)):
        g = torch.tensor([step, 0])
        some = Actions(Bound(group, (rep,), (rep,)), g, [x], [(2, 8, 8)], Policy())
        y = rep.act(group, g.expand(64, 2), x)
        pool = torch.nn.functional.max_pool2d
        assert explained(pool(x, 2), pool(y, 2), some) is grade


def test_explanations_of_sets() -> None:
    some, act = actions(Symmetric(5), Permute(), (5, 2), seed=1)
    x = torch.randn(64, 5, 2, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    y = act(x)
    gram, turned = x @ x.mT, y @ y.mT
    assert explained(gram, turned, some) is Grade.KNOWN
    assert explained(gram.flatten(1), turned.flatten(1), some) is Grade.KNOWN
    assert explained(gram[gram > 0].reshape(1, -1), turned[turned > 0].reshape(1, -1), some) is Grade.ISOMETRIC
    assert explained(x.cumsum(1), y.cumsum(1), some) is Grade.BROKEN
    assert explained(x.argmax(1), y.argmax(1), some) is Grade.KNOWN  # the number of a point
    assert explained(x[:, :1], y[:, :1], some) is Grade.BROKEN
    assert explained(x > 0, y > 0, some) is Grade.KNOWN


def test_least_squares_knows_its_rank() -> None:
    a = torch.randn(20, 3, dtype=torch.float64) @ torch.randn(3, 6, dtype=torch.float64)
    map_, rank = least_squares(a, a @ torch.ones(6, 2, dtype=torch.float64))
    assert rank == 3
    assert torch.allclose(a @ map_, a @ torch.ones(6, 2, dtype=torch.float64))


def test_infinities_that_are_the_same_differ_by_nothing() -> None:
    some, act = actions(Symmetric(5), Permute(), (5, 2), seed=1)
    x = torch.randn(64, 5, 2, dtype=torch.float64).masked_fill(torch.rand(64, 5, 2) > 0.8, -torch.inf)
    assert explained(x, act(x), some) is Grade.KNOWN
    assert explained(x, act(x).masked_fill(act(x) > 0.5, torch.inf), some) is Grade.BROKEN


# Hints


def hinted(result: Result) -> dict[str, str]:
    return {hint.kind: hint.evidence for hint in result.hints}


def test_a_hint_of_mirrors() -> None:
    found = hinted(check(lambda x: x.norm(dim=-1).sum(-1) + torch.linalg.det(x[..., :3, :]), X, "O(3)", "vector", "scalar"))
    assert list(found) == ["mirror"]
    assert found["mirror"].startswith("all ")
    assert "mirror" not in hinted(check(lambda x: x[..., 0].sum(-1), X, "O(3)", "vector", "scalar"))
    assert "mirror" in hinted(check(lambda x: torch.linalg.det(x[..., :3, :]), X, "O_h", "vector", "scalar"))
    alone = check(lambda x: x.exp().sum((-2, -1)), X, "Flips(1)", "sign", "scalar")
    assert "mirror" not in hinted(alone)  # without a flip there is the identity alone


def test_hints_of_padding_and_of_strides() -> None:
    padded, pooled = (symcheck.audit(cnn.TWINS[i], trials=32).results[0] for i in (0, 2))
    assert list(hinted(padded)) == ["padding"]
    assert hinted(padded)["padding"].endswith("and by 0 inside")
    assert hinted(pooled)["stride"].startswith("it holds under shifts by multiples of 2")
    assert "padding" not in hinted(pooled)


class Causal(nn.Module):
    """Filters that hear the steps before, and a stride."""

    def __init__(self, mode: str) -> None:
        super().__init__()
        self.first, self.second, self.mode = nn.Conv1d(1, 4, 6, stride=2), nn.Conv1d(4, 4, 3), mode

    def forward(self, x: Tensor) -> Tensor:
        pad = torch.nn.functional.pad
        y = self.first(pad(x, (5, 0), mode=self.mode)).relu()
        return self.second(pad(y, (2, 0), mode=self.mode)).square().sum((-2, -1))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("mode", "culprit", "kinds"), [("circular", "first (Conv1d)", ["stride"]), ("constant", "pad in Causal", ["padding"])]
)
def test_padding_on_one_side_is_followed(mode: str, culprit: str, kinds: list[str]) -> None:
    torch.manual_seed(0)
    result = symcheck.check(Causal(mode), Grid(1, (24,)), group="Z_N", inputs="roll(axes=(-1,))", outputs="scalar", trials=32)
    assert result.location is not None
    assert result.location.culprit is not None
    assert result.location.culprit.name == culprit
    assert list(hinted(result)) == kinds


def test_a_filter_tells_no_places_apart() -> None:
    torch.manual_seed(0)
    filters = torch.randn(2, 1, 3, 3)

    def mirrored(x: Tensor) -> Tensor:
        every = torch.cat([filters.to(x), filters.to(x).flip(-1)])  # of a size that every third sample of the grid has too
        return functional.conv2d(functional.pad(x, (1, 1, 1, 1), mode="circular"), every).relu().sum((-3, -2, -1))

    result = symcheck.check(mirrored, Grid(1, (9, 9)), group="D_4", inputs="image", outputs="scalar", trials=32)
    assert result.verdict.name == "VIOLATED"
    assert "position" not in hinted(result)


def test_a_hint_of_ties() -> None:
    found = hinted(symcheck.audit(egnn.TWINS[5], trials=32).results[0])
    assert "integer lattice" in found["ties"]


def test_a_hint_of_masks() -> None:
    def counted(x: Tensor, mask: Tensor) -> Tensor:
        there = mask.unsqueeze(-1)
        place = torch.arange(x.shape[-2]).unsqueeze(-1) < mask.sum(-1, keepdim=True).unsqueeze(-1)
        return (x * there).sum(-2) + (x * place).sum(-2)

    claim = Claim(counted, "S_n", domain=PaddedSet(6, 3), inputs=("permute", "permute(axis=-1)"), outputs="scalar")
    assert "mask" in hinted(symcheck.audit(claim, trials=64).results[0])
    always = Claim(
        lambda x, mask: (x * mask.unsqueeze(-1) + table(x)).tanh().sum(-2),
        "S_n",
        domain=PaddedSet(6, 3),
        inputs=("permute", "permute(axis=-1)"),
        outputs="scalar",
    )
    assert "mask" not in hinted(symcheck.audit(always, trials=64).results[0])


def test_a_hint_of_what_weights_hide() -> None:
    class Biased(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bias = nn.Parameter(torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            return x * 2 + self.bias  # HIDDEN

    claim = Claim(symcheck.Subject.built(Biased), "SO(3)", domain=PointCloud(4), inputs="vector", outputs="vector")
    result = symcheck.audit(claim, trials=32).results[0]
    assert hinted(result)["hidden"].startswith("the model's own weights hide it")
    assert result.location is not None
    assert result.location.culprit is not None
    assert result.location.culprit.line == line("# HIDDEN")


def test_a_hint_of_an_input_that_was_forgotten() -> None:
    def box(x: Tensor, cell: Tensor) -> Tensor:
        return (x @ cell.mT).square().sum((-2, -1))

    example = Args(torch.randn(4, 3), torch.randn(3, 3))
    found = hinted(check(box, example, "SO(3)", ("vector",), "scalar"))
    assert "'cell'" in found["forgotten"]


def test_a_hint_of_training_mode() -> None:
    class Half(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.drop = nn.Dropout(0.0)
            self.norm = nn.BatchNorm1d(3)

        def forward(self, x: Tensor) -> Tensor:
            return self.drop(x) + table(x)

    assert "training" in hinted(check(Half().train()))


def test_a_hint_of_another_rep() -> None:
    assert "rep" in hinted(check(lambda x: torch.linalg.cross(x[..., :1, :], x), X, "O(3)", "vector", "vector"))


def test_grids_with_a_break_at_the_border_alone() -> None:
    claim = Claim(cnn.zero_padded_classifier(), "Z_N^2", domain=Grid(3, (8, 8)), inputs="roll", outputs="scalar")
    found = symcheck.audit(claim, trials=32).results[0].location
    assert found is not None
    assert found.culprit is not None
    assert (found.culprit.module, found.culprit.operation) == ("features.0", "conv2d")


@pytest.mark.parametrize("sizes", [(), (5,), (2, 3), (4, 1, 3)])
def test_places_are_those_of_torch(sizes: tuple[int, ...]) -> None:
    index = torch.arange(math.prod(sizes))
    theirs = torch.unravel_index(index, sizes) if sizes else ()
    assert [place.tolist() for place in unravelled(index, sizes)] == [place.tolist() for place in theirs]


def test_the_text_of_a_line_is_that_of_the_file_here_and_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "net.py").write_text(f"# of {folder}\n")
        monkeypatch.chdir(tmp_path / folder)
        assert text_of("net.py", 1) == f"# of {folder}"
    Path("net.py").write_text("# of b, but written again\n")
    assert text_of("net.py", 1) == "# of b, but written again"
    assert text_of("net.py", 2) == text_of("net.py", 0) == text_of("nut.py", 1) == ""


def test_a_file_is_told_from_here_whatever_was_told_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "package" / "net.py"
    file.parent.mkdir()
    file.write_text("")
    for folder, told in ((tmp_path, "package/net.py"), (file.parent, "net.py"), (tmp_path, "package/net.py")):
        monkeypatch.chdir(folder)
        assert shown(str(file)) == told
    monkeypatch.chdir(Path("/"))
    monkeypatch.syspath_prepend(str(file.parent))
    assert shown(str(file)) == "net.py"
