"""Forward: trials become calls of a model in four ways, within a memory budget, and a trial that raises is alone in it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

import symcheck
from symcheck._tree import Args, Leaves, flatten
from symcheck.domains import Graph
from symcheck.engine.forward import Batching, Forward, ModelError
from symcheck.placement import Placement

DOUBLE = Placement(torch.device("cpu"), torch.float64)
SINGLE = Placement(torch.device("cpu"), torch.float32)
Model = Callable[..., Any]
AT = r" \(at property_tests/test_forward\.py:\d+\)"  # the line that raised

WAYS = [way for way in Batching if way is not Batching.UNION]  # which needs a domain, and has tests of its own below
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.value)


def forward(
    model: Model, arguments: Any = None, way: Batching = Batching.BATCH, placement: Placement = DOUBLE, **options: Any
) -> Forward:
    """Of a model of one tensor, unless its arguments are given."""
    structure = flatten(Args.of(torch.zeros(1) if arguments is None else arguments))[1]
    return Forward(model, structure, placement, way, **options)


def trials(n: int, *shape: int) -> Tensor:
    """Trial i holds the number i."""
    return torch.arange(n, dtype=torch.float64).reshape(n, *(1,) * len(shape)).expand(n, *shape).clone()


def doubled(x: Tensor) -> Tensor:
    return 2 * x


# The four ways


def polynomial(x: Tensor, h: Tensor) -> Tensor:
    return (x * x.sum(-1, keepdim=True)).unsqueeze(-2) + h


@every_way
@pytest.mark.parametrize("limit", [1, 3, 1024])
def test_all_ways_to_join_trials_agree(way: Batching, limit: int) -> None:
    x, h = torch.randn(7, 3, dtype=torch.float64), torch.randn(7, 2, 3, dtype=torch.float64)
    f = forward(polynomial, (x, h), way, limit=limit)
    (y,) = f([x, h])
    (one_by_one,) = forward(polynomial, (x, h), Batching.LOOP)([x, h])
    assert y.shape == (7, 2, 3)
    assert torch.equal(y, one_by_one)
    assert f.evaluations == 7
    assert f.calls == (7 if way in (Batching.ROWS, Batching.LOOP) else -(-7 // limit))


@pytest.mark.parametrize(("way", "seen"), [("batch", (5, 3)), ("vmap", (3,)), ("rows", (1, 3)), ("loop", (3,))])
def test_a_model_sees_a_batch_a_row_or_a_single_input(way: str, seen: tuple[int, ...]) -> None:
    shapes: list[tuple[int, ...]] = []

    def model(x: Tensor) -> Tensor:
        shapes.append(tuple(x.shape))
        return x

    forward(model, way=Batching(way))([trials(5, 3)])
    assert set(shapes) == {seen}


@every_way
def test_shared_leaves_are_passed_once_for_all_trials(way: Batching) -> None:
    x, table = trials(4, 3), torch.eye(3, dtype=torch.float64).expand(4, -1, -1)

    def model(x: Tensor, table: Tensor) -> Tensor:
        assert table.shape == (3, 3)
        return x @ table

    (y,) = forward(model, (x, table), way, shared=frozenset({1}))([x, table])
    assert torch.equal(y, x)


def test_a_model_that_mixes_its_batch_shows_in_one_way_only() -> None:
    """Which way is right is for the probe to say: here they need only differ."""
    x = trials(4, 3)
    (batch,) = forward(lambda x: x - x.mean(0))([x])
    (rows,) = forward(lambda x: x - x.mean(0), way=Batching.ROWS)([x])
    assert not torch.equal(batch, rows)


@every_way
def test_arguments_keep_their_structure(way: Batching) -> None:
    call = Args({"pos": trials(3, 2)}, None, scale=trials(3, 2))

    def model(graph: dict[str, Tensor], nothing: None, *, scale: Tensor) -> Tensor:
        assert nothing is None
        return graph["pos"] * scale

    (y,) = forward(model, call, way)(flatten(call)[0])
    assert torch.equal(y, trials(3, 2) ** 2)


def test_values_come_back_in_float64_and_are_computed_in_the_working_precision() -> None:
    def model(x: Tensor) -> Any:
        return [x + 1e-12, torch.complex(x, x), x.long(), x > 1]

    y = forward(model, placement=SINGLE)([trials(3)])
    assert [leaf.dtype for leaf in y] == [torch.float64, torch.complex128, torch.int64, torch.bool]
    assert torch.equal(y[0], trials(3) + (torch.arange(3) == 0) * float(torch.tensor(1e-12)))  # 1 + 1e-12 rounds to 1


def test_gradients_are_off_unless_they_are_asked_for() -> None:
    assert not forward(lambda x: x + torch.is_grad_enabled())([trials(1)])[0].any()
    (y,) = forward(lambda x: x + torch.is_grad_enabled(), grad=True)([trials(1)])
    assert y.all()
    assert not y.requires_grad


def forces(x: Tensor) -> Tensor:
    x = x.requires_grad_()
    return torch.autograd.grad(x.pow(3).sum(), x)[0]


@pytest.mark.parametrize("way", [Batching.BATCH, Batching.ROWS, Batching.LOOP], ids=lambda way: way.value)
def test_a_model_may_differentiate(way: Batching) -> None:
    x = trials(3, 2)
    (y,) = forward(forces, way=way, grad=True)([x])
    assert torch.equal(y, 3 * x**2)
    assert not x.requires_grad


def test_the_default_dtype_is_the_placement_s_if_it_is_asked_for_and_is_put_back() -> None:
    def model(x: Tensor) -> Tensor:
        return x + torch.tensor(0.1)

    def raises(x: Tensor) -> Tensor:
        raise ValueError(torch.get_default_dtype())

    assert forward(model)([trials(1)])[0].item() == float(torch.tensor(0.1))
    assert forward(model, default_dtype=True)([trials(1)])[0].item() == 0.1
    with pytest.raises(ModelError, match=rf"^ValueError: torch\.float64{AT}$"):
        forward(raises, default_dtype=True).strict([trials(1)])
    assert torch.get_default_dtype() == torch.float32


# The caller's tensors


@every_way
@pytest.mark.parametrize("placement", [DOUBLE, SINGLE], ids=lambda placement: placement.precision)
def test_a_model_may_write_into_its_input(way: Batching, placement: Placement) -> None:
    x, index = trials(3, 2), torch.arange(6).reshape(3, 2)
    before = x.clone(), index.clone()

    def model(x: Tensor, index: Tensor) -> Tensor:
        x += 1
        index += 1
        return x * index

    (y,) = forward(model, (x, index), way, placement)([x, index])
    assert torch.equal(x, before[0])
    assert torch.equal(index, before[1])
    assert torch.equal(y, (x + 1) * (index + 1))


@pytest.mark.parametrize("way", [Batching.BATCH, Batching.ROWS, Batching.LOOP], ids=lambda way: way.value)
def test_a_model_may_write_into_what_trials_share(way: Batching) -> None:
    x, table = trials(3, 2), torch.ones(2, dtype=torch.float64).expand(3, -1)

    def model(x: Tensor, table: Tensor) -> Tensor:
        table += 1
        return x * table

    f = forward(model, (x, table), way, shared=frozenset({1}))
    for _ in range(2):
        assert torch.equal(f([x, table])[0], 2 * x)
    assert bool((table == 1).all())


def test_what_was_written_is_seen_by_the_watch() -> None:
    seen: list[tuple[Leaves, Leaves]] = []
    x = trials(3, 2)
    f = forward(lambda x: x.mul_(2), watch=lambda before, after: seen.append((before, after)))
    f([x])
    (before, after), *others = seen
    assert not others
    assert torch.equal(before[0], x)
    assert torch.equal(after[0], 2 * x)


# Memory


class Small:
    """A model that runs out of memory above so many trials a call."""

    def __init__(self, most: int, error: Exception | None = None) -> None:
        self.most, self.error, self.sizes = (
            most,
            error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"),
            list[int](),
        )

    def __call__(self, x: Tensor) -> Tensor:
        self.sizes.append(len(x))
        if len(x) > self.most:
            raise self.error
        return 2 * x


@pytest.mark.parametrize("most", [1, 2, 3, 5, 9])
@pytest.mark.parametrize("limit", [1, 3, 8, 1024])
@pytest.mark.parametrize("n", [1, 4, 10, 33])
def test_calls_are_halved_until_they_fit(n: int, limit: int, most: int) -> None:
    x = trials(n, 2)
    f = forward(Small(most), limit=limit)
    (y,) = f([x])
    assert torch.equal(y, 2 * x)
    assert not f.crashes


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    MemoryError(),
    RuntimeError(
        "[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
    ),
    RuntimeError("MPS backend out of memory"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_what_fitted_is_remembered(error: Exception) -> None:
    model = Small(4, error)
    f = forward(model, limit=16)
    f([trials(16)])
    model.sizes.clear()
    f([trials(16)])
    assert model.sizes == [4, 4, 4, 4]


def test_another_error_does_not_make_calls_smaller() -> None:
    f = forward(Small(4, ValueError("more than four")), limit=16)
    f([trials(16)])
    assert f.limit == 16


def test_one_trial_that_does_not_fit_crashes() -> None:
    with pytest.raises(ModelError, match=r"^OutOfMemoryError: CUDA out of memory"):
        forward(Small(0)).strict([trials(1)])


# Trials that raise


def not_three(x: Tensor) -> Tensor:
    """Raises for trial 3."""
    if bool((x == 3).any()):
        raise ValueError("there is a 3 in it\nand more")
    return 2 * x


@pytest.mark.parametrize("way", [Batching.BATCH, Batching.ROWS, Batching.LOOP], ids=lambda way: way.value)
@pytest.mark.parametrize("limit", [1, 3, 4, 1024])
def test_a_trial_that_raises_is_found_and_the_others_keep_their_values(way: Batching, limit: int) -> None:
    x = trials(9, 2)
    f = forward(not_three, way=way, limit=limit)
    (y,) = f([x])
    others = torch.arange(9) != 3
    assert y.shape == (9, 2)
    assert torch.equal(y[others], 2 * x[others])
    assert y[3].isnan().all()
    line = not_three.__code__.co_firstlineno + 3
    assert f.crashes == {3: f"ValueError: there is a 3 in it (at property_tests/test_forward.py:{line})"}


def test_several_trials_that_raise_are_all_found() -> None:
    x = trials(16)
    x[[5, 6, 15]] = 3
    f = forward(not_three)
    f([x])
    assert sorted(f.crashes) == [3, 5, 6, 15]
    f([trials(3)])
    assert f.crashes == {}


def test_an_integer_output_has_nan_too() -> None:
    (y,) = forward(lambda x: not_three(x).long())([trials(5)])
    assert y.isnan().tolist() == [False, False, False, True, False]


def test_strict_raises_the_first_error() -> None:
    with pytest.raises(ModelError, match=rf"^ValueError: there is a 3 in it{AT}$"):
        forward(not_three).strict([trials(5)])
    assert torch.equal(forward(not_three).strict([trials(3)])[0], 2 * trials(3))


def test_if_not_even_the_first_trial_works_the_model_does_not() -> None:
    with pytest.raises(ModelError, match=rf"^ValueError: there is a 3 in it{AT}$"):
        forward(not_three)([torch.full((4,), 3.0, dtype=torch.float64)])


def test_an_error_without_a_message_is_named() -> None:
    def model(x: Tensor) -> Tensor:
        raise NotImplementedError

    with pytest.raises(ModelError, match=rf"^NotImplementedError: \(no message\){AT}$"):
        forward(model).strict([trials(1)])


def test_an_interrupt_is_no_crash_of_the_model() -> None:
    def model(x: Tensor) -> Tensor:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        forward(model)([trials(4)])


# Outputs


@dataclass
class Output:
    energy: Any
    forces: Any = None


class Pair(NamedTuple):
    left: Any
    right: Any


OUTPUTS: list[tuple[Model, list[str]]] = [
    (lambda x: (x, 2 * x), ["[0]", "[1]"]),
    (lambda x: {"b": [2 * x], "a": x}, ["a", "b[0]"]),
    (lambda x: Pair(x, 2 * x), ["left", "right"]),
    (lambda x: Output(x, 2 * x), ["energy", "forces"]),
    (lambda x: (x, None, 2 * x), ["[0]", "[2]"]),
    (lambda x: Output(Pair(x, None), {"t": 2 * x}), ["energy.left", "forces.t"]),
]


@every_way
@pytest.mark.parametrize(("model", "names"), OUTPUTS, ids=[", ".join(names) for _, names in OUTPUTS])
def test_outputs_may_be_any_tree(model: Model, names: list[str], way: Batching) -> None:
    x = trials(3, 2)
    f = forward(model, way=way)
    first, second = f([x])
    assert torch.equal(first, x)
    assert torch.equal(second, 2 * x)
    assert f.output is not None
    assert f.output.names() == names


NUMBERS: list[tuple[Model, list[list[float]]]] = [
    (lambda x: float(x.sum()), [[0, 2, 4]]),
    (lambda x: int(x.sum()), [[0, 2, 4]]),
    (lambda x: bool(x.sum() > 1), [[0, 1, 1]]),
    (lambda x: {"energy": float(x.sum()), "x": x[..., 0].sum()}, [[0, 2, 4], [0, 1, 2]]),
    (lambda x: Output(x[0], (2.0, None)), [[0, 1, 2], [2, 2, 2]]),
]


@pytest.mark.parametrize(("model", "values"), NUMBERS)
def test_numbers_are_outputs_of_a_single_input(model: Model, values: list[list[float]]) -> None:
    f = forward(model, way=Batching.LOOP)
    assert [leaf.tolist() for leaf in f([trials(3, 2)])] == values


def test_complex_numbers_are_outputs() -> None:
    (y,) = forward(lambda x: complex(x, 1), way=Batching.LOOP)([trials(2)])
    assert y.tolist() == [1j, 1 + 1j]


# What is no output

EXPECTED = (
    "expected tensors, in any nesting of tuples, lists, dicts and dataclasses. Wrap the model in a function that returns its "
    "tensors alone"
)
WRONG: list[tuple[Model, str]] = [
    (lambda x: None, f"the model returned None; {EXPECTED}"),
    (lambda x: {}, f"the model returned {{}} (a dict); {EXPECTED}"),
    (lambda x: "energy", f"the model returned 'energy' (a str); {EXPECTED}"),
    (lambda x: (x, "energy"), f"the model returned 'energy' (a str); {EXPECTED}"),
    (lambda x: [None, None], f"the model returned [None, None] (a list); {EXPECTED}"),
    (lambda x: "e" * 99, f"the model returned '{'e' * 36}... (a str); {EXPECTED}"),
    (
        lambda x: x.to("meta"),
        "output is on device 'meta', its inputs on 'cpu'. Keep the output on the device of the input",
    ),
    (
        lambda x: {"a": x, "b": [x.to("meta")]},
        "output b[0] is on device 'meta', its inputs on 'cpu'. Keep the output on the device of the input",
    ),
    (lambda x: 1 / 0, "ZeroDivisionError: division by zero"),
]


@every_way
@pytest.mark.parametrize(("model", "text"), WRONG, ids=[text[:40] for _, text in WRONG])
def test_what_is_no_tree_of_tensors_is_refused(model: Model, text: str, way: Batching) -> None:
    with pytest.raises(ModelError) as caught:
        forward(model, way=way).strict([trials(3, 2)])
    assert re.sub(f"{AT}$", "", str(caught.value)) == text


@pytest.mark.parametrize(
    ("model", "shape"), [(lambda x: x.sum(), "()"), (lambda x: x.mT, "(4, 1)"), (lambda x: torch.cat([x, x]), "(2, 4)")]
)
def test_a_batch_gives_a_batch(model: Model, shape: str) -> None:
    with pytest.raises(ModelError) as caught:
        forward(model).strict([trials(1, 4)])
    assert str(caught.value) == f"a batch of 1 gave an output of shape {shape}, without the batch's axis"


def changing(first: Model, then: Model) -> Model:
    """Another model from the second call on."""
    calls = 0

    def model(x: Tensor) -> Any:
        nonlocal calls
        calls += 1
        return (first if calls == 1 else then)(x)

    return model


@pytest.mark.parametrize("way", [Batching.ROWS, Batching.LOOP], ids=lambda way: way.value)
@pytest.mark.parametrize(
    ("first", "then", "text"),
    [
        (lambda x: x, lambda x: (x,), "the output's structure changed from Tensor to tuple(0=Tensor)"),
        (
            lambda x: (x, x),
            lambda x: (x, None),
            "the output's structure changed from tuple(0=Tensor, 1=Tensor) to tuple(0=Tensor, 1=None)",
        ),
        (lambda x: {"a": x}, lambda x: {"b": x}, "the output's structure changed from dict(a=Tensor) to dict(b=Tensor)"),
    ],
)
def test_the_structure_may_not_change(first: Model, then: Model, text: str, way: Batching) -> None:
    f = forward(changing(first, then), way=way)
    f([trials(3, 2)[:1]])
    f([trials(3, 2)])
    assert set(f.crashes.values()) == {text}


@pytest.mark.parametrize("way", [Batching.BATCH, Batching.ROWS, Batching.LOOP], ids=lambda way: way.value)
def test_the_shapes_may_not_change(way: Batching) -> None:
    """An output whose size depends on the input's numbers: a neighbour list, a non-maximum suppression."""
    f = forward(lambda x: x[..., : 1 + int((x == 3).any())], way=way)
    f([trials(1, 2)])
    (y,) = f([trials(5, 2)])
    assert f.crashes == {3: "the output's shapes changed from (1,) to (2,)"}
    assert torch.equal(y[:3], trials(3, 1))
    assert y[3].isnan().all()


def test_a_tensor_that_a_model_keeps_from_another_call_is_named() -> None:
    """Kept by the shape of an input: within `torch.vmap` that is the same however many inputs there are."""
    kept: dict[torch.Size, Tensor] = {}
    f = forward(lambda x: kept.setdefault(x.shape, 2 * x), way=Batching.VMAP)
    (y,) = f([trials(3, 2)])
    assert torch.equal(y, 2 * trials(3, 2))
    f([trials(4, 2)])
    assert len(f.crashes) == 4
    assert set(f.crashes.values()) == {
        "a call on 1 input gave an output of shape (3, 2): the model keeps tensors of an earlier call, of other inputs. "
        "Compute them anew in each call"
    }


# Disjoint unions, and derivatives


def summed(x: Tensor, edges: Tensor) -> Tensor:
    """Each node's sum over the nodes that point to it: one graph a call, as torch_geometric has it."""
    return torch.zeros_like(x).index_add(0, edges[1], x[edges[0]].tanh())


def pooled(x: Tensor, edges: Tensor, batch: Tensor) -> Tensor:
    return torch.zeros(int(batch.max()) + 1, x.shape[-1], dtype=x.dtype).index_add(0, batch, summed(x, edges))


def united(model: Model, domain: Graph, way: Batching) -> tuple[Forward, list[Tensor]]:
    x, structure = flatten(Args.of(domain.sample(domain.layout, 6, torch.Generator().manual_seed(0))))
    return Forward(model, structure, DOUBLE, way, union=domain), x


@pytest.mark.parametrize(
    ("model", "domain"), [(summed, Graph(5, 8)), (pooled, Graph(5, 8, batch=True))], ids=["nodes", "graphs"]
)
def test_a_disjoint_union_is_one_call_and_agrees_with_one_graph_a_call(model: Model, domain: Graph) -> None:
    one, x = united(model, domain, Batching.LOOP)
    many, _ = united(model, domain, Batching.UNION)
    assert torch.allclose(many(x)[0], one(x)[0], rtol=0, atol=1e-14)
    assert (many.calls, one.calls) == (1, 6)


def test_a_model_that_mixes_graphs_is_not_joined() -> None:
    found = symcheck.check(
        lambda x, e: summed(x, e) - x.mean(0), Graph(5, 8), group="S_n", inputs=("permute", "relabel"), outputs="permute"
    )
    assert found.verdict.name == "HOLDS"
    assert found.batching == "vmap"
    good = symcheck.check(summed, Graph(5, 8), group="S_n", inputs=("permute", "relabel"), outputs="permute")
    assert good.verdict.name == "HOLDS"
    assert good.batching == "union"


def test_a_union_whose_output_cannot_be_told_apart_is_refused() -> None:
    def whole(x: Tensor, edges: Tensor) -> Tensor:
        return summed(x, edges).sum(0)[:2]

    many, x = united(whole, Graph(5, 8), Batching.UNION)
    with pytest.raises(ModelError, match="which can't be told apart by graph"):
        many._run(x)
    words = {"group": "S_n", "inputs": ("permute", "relabel"), "outputs": "scalar"}
    assert symcheck.check(whole, Graph(5, 8), **words).batching == "vmap"


def wave(x: Tensor, i: Tensor) -> dict[str, Tensor]:
    return {"a": (x**3).sum(-1), "b": torch.sin(x), "n": i}


@every_way
def test_derivatives_are_those_of_each_trial(way: Batching) -> None:
    x, i, v = trials(6, 4), torch.arange(6).unsqueeze(-1), trials(6, 4).flip(0) + 1
    f = forward(wave, (x[0], i[0]), way)
    along = f.jvp([x, i], [v, torch.zeros_like(i)])
    assert torch.allclose(along[0], (3 * x**2 * v).sum(-1))
    assert torch.allclose(along[1], x.cos() * v)
    assert not along[2].any()
    y = f([x, i])
    back = f.vjp([x, i], [torch.ones_like(y[0]), y[1], torch.zeros_like(y[2])])
    assert torch.allclose(back[0], 3 * x**2 + x.cos() * y[1])
    assert not back[1].any()


def test_a_model_made_from_another_is_called_as_it_is() -> None:
    x = trials(6, 4)
    f = forward(lambda x: x.tanh())
    (y,) = f.via(lambda model: lambda x: 2 * model(x)[..., :2])([x])
    assert torch.equal(y, 2 * x.tanh()[..., :2])
    assert f.calls == 1
    assert f([x])[0].shape == (6, 4)  # its own shapes are not those
