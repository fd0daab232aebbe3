"""Placement: a model's state is moved, whatever kind of callable holds it, and put back bit for bit."""

from __future__ import annotations

import functools
import random
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from symcheck._tree import flatten
from symcheck.errors import SettingsError
from symcheck.placement import Placement, all_placed, as_device, as_dtype, modules_of, own_dtype, placed, seeded, tensors_of

CPU = torch.device("cpu")
DOUBLE, SINGLE, HALF = Placement(CPU, torch.float64), Placement(CPU, torch.float32), Placement(CPU, torch.bfloat16)
Model = Callable[..., Any]


def net() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(2, 2)


class Holder(nn.Module):
    """Parameters, a buffer, one that isn't saved, and a tensor as a plain attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = net()
        self.register_buffer("shift", torch.ones(2))
        self.register_buffer("scale", torch.full((2,), 3.0), persistent=False)
        self.table = torch.eye(2)
        self.count = torch.tensor(7)

    def forward(self, x: Tensor) -> Any:
        return self.layer(x @ self.table) * self.get_buffer("scale") + self.get_buffer("shift")


class Listing(nn.Module):
    """Tensors in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = [torch.eye(2)]

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.tables[0]


class Nested(nn.Module):
    """Modules and tensors in lists and dicts of each other, of which torch doesn't know."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = {"first": [net()]}
        self.tables = [[torch.eye(2)]]

    def forward(self, x: Tensor) -> Any:
        return self.layers["first"][0](x @ self.tables[0][0])


class Plain:
    """No module, but a callable with one, and with methods."""

    def __init__(self) -> None:
        self.layers = [net()]
        self.table = {"eye": torch.eye(2)}

    def __call__(self, x: Tensor) -> Any:
        return self.layers[0](x @ self.table["eye"])

    def energy(self, x: Tensor) -> Any:
        return self(x).sum(-1, keepdim=True)


@dataclass
class Record:
    """A callable that has no hash, as dataclasses have none."""

    layer: nn.Module = field(default_factory=net)
    table: Tensor = field(default_factory=lambda: torch.eye(2))

    def __call__(self, x: Tensor) -> Any:
        return self.layer(x @ self.table)


def closure() -> Model:
    layer, table = net(), torch.eye(2)
    return lambda x: {"energy": layer(x @ table)}


def default_argument() -> Model:
    layer = net()

    def f(x: Tensor, layer: Model = layer) -> Any:
        return layer(x)

    return f


def nested() -> Model:
    inner = closure()

    def outer(x: Tensor) -> Any:
        return inner(x)["energy"]

    return outer


def decorated() -> Model:
    inner = nested()

    @functools.wraps(inner)
    def wrapper(*args: Any) -> Any:
        return inner(*args)

    return wrapper


GLOBAL = net()


def reads_a_global(x: Tensor) -> Any:
    return GLOBAL(x)


def _apply(layer: Model, x: Tensor, *, table: Tensor) -> Any:
    return layer(x @ table)


def frozen() -> Model:
    return net().requires_grad_(False)


def tied() -> Model:
    first, second = net(), net()
    second.weight = first.weight
    return nn.Sequential(first, second)


def scripted() -> Model:
    script: Model = torch.jit.script(net())
    return script


MODELS: dict[str, tuple[Callable[[], Model], int]] = {  # how many tensors each holds
    "module": (net, 2),
    "frozen module": (frozen, 2),
    "tied weights": (tied, 3),
    "recurrent module": (lambda: nn.LSTM(2, 2), 4),
    "buffers and attributes": (Holder, 6),
    "list of tensors": (Listing, 1),
    "containers that torch doesn't know": (Nested, 3),
    "callable object": (Plain, 3),
    "dataclass": (Record, 3),
    "bound method": (lambda: Plain().energy, 3),
    "bound method of a module": (lambda: Holder().forward, 6),
    "closure": (closure, 3),
    "closure of a closure": (nested, 3),
    "decorated function": (decorated, 3),
    "default argument": (default_argument, 2),
    "global": (lambda: reads_a_global, 2),
    "partial": (lambda: functools.partial(_apply, net(), table=torch.eye(2)), 3),
    "partial of a method": (lambda: functools.partial(Plain().energy), 3),
    "scripted module": (scripted, 2),
}
every_model = pytest.mark.parametrize("make", [make for make, _ in MODELS.values()], ids=list(MODELS))


def output(model: Model, x: Tensor) -> Tensor:
    return flatten(model(x))[0][0]


def state(model: Model) -> list[tuple[int, int, torch.dtype, list[Any]]]:
    """All that must be as it was: which tensors, at which addresses, of which dtype, with which numbers."""
    return [(id(tensor), tensor.data_ptr(), tensor.dtype, tensor.tolist()) for tensor in tensors_of(model)]


@pytest.mark.parametrize(("make", "count"), list(MODELS.values()), ids=list(MODELS))
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_all_tensors_of_a_model_are_found_once(make: Callable[[], Model], count: int) -> None:
    found = tensors_of(make())
    assert len(found) == len({id(tensor) for tensor in found}) == count


@every_model
@pytest.mark.parametrize("placement", [DOUBLE, SINGLE, HALF], ids=lambda placement: placement.precision)
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_model_computes_where_it_is_placed(make: Callable[[], Model], placement: Placement) -> None:
    model, x = make(), torch.ones(1, 2, dtype=placement.dtype)
    with placed(model, placement) as there, torch.no_grad():
        assert output(there, x).dtype == placement.dtype
        assert {tensor.dtype for tensor in tensors_of(model) if tensor.is_floating_point()} == {placement.dtype}
    with torch.no_grad():
        assert output(model, x.float()).dtype == torch.float32


@every_model
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_model_is_put_back_bit_for_bit(make: Callable[[], Model]) -> None:
    model = make()
    before = state(model)
    with placed(model, HALF):
        assert all(tensor.data_ptr() != address for tensor, (_, address, _, _) in zip(tensors_of(model), before, strict=True))
    assert state(model) == before


@every_model
@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_a_model_is_put_back_when_it_raises(make: Callable[[], Model]) -> None:
    model = make()
    before = state(model)
    with pytest.raises(ZeroDivisionError), placed(model, DOUBLE):
        raise ZeroDivisionError
    assert state(model) == before


@pytest.mark.parametrize("placement", [DOUBLE, SINGLE], ids=lambda placement: placement.precision)
def test_what_a_model_writes_into_its_state_is_forgotten(placement: Placement) -> None:
    norm, layer = nn.BatchNorm1d(2), net()
    model = nn.Sequential(norm, layer)
    before = state(model)
    with placed(model, placement), torch.no_grad():
        model(torch.randn(5, 2, dtype=placement.dtype))
        layer.weight.zero_()
        assert norm.num_batches_tracked == 1
    assert state(model) == before


class Counting(nn.Module):
    """Replaces its tensors in place of writing into them, as many stateful models do."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(2))
        self.last = torch.zeros(2)

    def forward(self, x: Tensor) -> Tensor:
        self.mean = 0.9 * self.get_buffer("mean") + 0.1 * x.mean(0)
        self.last = x[-1]
        return x - self.mean


def test_tensors_that_a_model_replaces_are_put_back() -> None:
    model = Counting()
    before = state(model)
    with placed(model, DOUBLE):
        model(torch.ones(5, 2, dtype=torch.float64))
    assert [dtype for _, _, dtype, _ in state(model)] == [torch.float32] * 2
    assert state(model) == before


class Remembering(nn.Module):
    """Keeps what it computed once, in a container of that kind."""

    def __init__(self, kind: Callable[[], Any]) -> None:
        super().__init__()
        self.known = kind()

    def forward(self, x: Tensor) -> Any:
        if not self.known:
            self.known |= {"eye": torch.eye(2).to(x)}
        return x @ self.known["eye"]


@pytest.mark.parametrize("kind", [dict, OrderedDict, lambda: defaultdict(list)], ids=["dict", "ordered", "default"])
def test_a_cache_is_empty_again(kind: Callable[[], Any]) -> None:
    model = Remembering(kind)
    with placed(model, DOUBLE):
        model(torch.ones(1, 2, dtype=torch.float64))
        assert model.known
    assert not model.known
    assert model(torch.ones(1, 2)).dtype == torch.float32


class Noting:
    """No module, but keeps a tensor that it computed once, and replaces another; and counts its calls."""

    def __init__(self) -> None:
        self.table, self.last, self.calls = torch.eye(2), torch.zeros(2), 0

    def __call__(self, x: Tensor) -> Any:
        self.calls += 1
        self.last = x[0]
        self.double = getattr(self, "double", 2 * self.table)
        return x @ self.double


def test_tensors_that_an_object_keeps_are_forgotten_and_its_notes_are_not() -> None:
    model = Noting()
    last = model.last
    with placed(model, DOUBLE):
        model(torch.ones(1, 2, dtype=torch.float64))
    assert model.last is last
    assert not hasattr(model, "double")
    assert model.calls == 1
    assert model(torch.ones(1, 2)).dtype == torch.float32


@pytest.mark.parametrize("before", [False, True], ids=["none before", "some before"])
def test_gradients_that_a_model_accumulates_are_forgotten(before: bool) -> None:
    model = net()
    if before:
        model(torch.ones(1, 2)).sum().backward()
    gradients = [(parameter.grad, parameter.grad is not None and parameter.grad.tolist()) for parameter in model.parameters()]
    with placed(model, DOUBLE):
        model(torch.ones(1, 2, dtype=torch.float64)).sum().backward()
    for parameter, (gradient, numbers) in zip(model.parameters(), gradients, strict=True):
        assert parameter.grad is gradient
        assert gradient is None or gradient.tolist() == numbers


def test_gradients_and_the_graph_are_left_alone() -> None:
    model = net()
    model(torch.ones(1, 2)).sum().backward()
    gradients = [parameter.grad for parameter in model.parameters()]
    with placed(model, DOUBLE):
        assert all(parameter.requires_grad for parameter in model.parameters())
    assert all(parameter.grad is gradient for parameter, gradient in zip(model.parameters(), gradients, strict=True))


def test_the_training_flag_is_put_back_for_each_module() -> None:
    model = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(2), nn.Linear(2, 2))
    model[1].eval()
    with suppress(ZeroDivisionError), placed(model, DOUBLE):
        model.eval()
        model[1].train()
        raise ZeroDivisionError
    assert [module.training for module in model] == [True, False, True]
    assert model.training


def test_a_model_that_is_there_twice_is_placed_once() -> None:
    model, other = Record(), net()
    before = state(model)
    with all_placed((model, other, model), DOUBLE):
        assert {tensor.dtype for one in (model, other) for tensor in tensors_of(one)} == {torch.float64}
    assert state(model) == before


def test_a_cycle_of_objects_ends() -> None:
    model = Plain()
    model.self = model  # type: ignore[attr-defined]
    assert len(tensors_of(model)) == 3


def test_modules_are_found_wherever_they_are_held() -> None:
    assert [type(module) for module in modules_of(closure())] == [nn.Linear]
    assert [type(module) for module in modules_of(nn.Sequential(nn.ReLU()))] == [nn.Sequential, nn.ReLU]
    assert modules_of(torch.relu) == []


# The dtype of a model


@pytest.mark.parametrize(
    ("model", "dtype"),
    [
        (net(), torch.float32),
        (net().double(), torch.float64),
        (net().bfloat16(), torch.bfloat16),
        (nn.Sequential(nn.Linear(9, 9), nn.Linear(2, 2).double()), torch.float32),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(9, 9).double()), torch.float64),
        (Holder(), torch.float32),
        (torch.relu, None),
        (functools.partial(torch.add, torch.arange(100)), None),
    ],
)
def test_a_model_s_own_dtype_is_that_of_most_of_its_numbers(model: Model, dtype: torch.dtype | None) -> None:
    assert own_dtype(model) == dtype


# Placements, by name


def test_put_changes_floating_point_alone() -> None:
    assert HALF.put(torch.ones(2, dtype=torch.float64)).dtype == torch.bfloat16
    assert HALF.put(torch.arange(2)).dtype == torch.int64
    assert HALF.put(torch.ones(2) > 0).dtype == torch.bool
    assert DOUBLE.put(torch.ones(2, dtype=torch.complex64)).dtype == torch.complex128
    assert SINGLE.put(torch.ones(2, dtype=torch.complex128)).dtype == torch.complex64


def test_a_placement_knows_its_precision() -> None:
    assert (DOUBLE.precision, DOUBLE.eps) == ("float64", 2.0**-52)
    assert (SINGLE.precision, SINGLE.eps) == ("float32", 2.0**-23)
    assert (HALF.precision, HALF.eps) == ("bfloat16", 2.0**-7)


@pytest.mark.parametrize(
    ("word", "dtype"),
    [
        ("float32", torch.float32),
        ("torch.float64", torch.float64),
        (torch.float16, torch.float16),
        ("bf16", torch.bfloat16),
        ("half", torch.float16),
        ("double", torch.float64),
        ("float", torch.float32),
    ],
)
def test_dtypes_have_names(word: torch.dtype | str, dtype: torch.dtype) -> None:
    assert as_dtype(word) == dtype


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("flaot32", "'flaot32' is no floating-point dtype to check in; did you mean 'float32'?"),
        (torch.int8, "'int8' is no floating-point dtype to check in; known: 'bfloat16', 'float16', 'float32', 'float64'."),
        (
            "complex64",
            "'complex64' is no floating-point dtype to check in; known: 'bfloat16', 'float16', 'float32', 'float64'.",
        ),
    ],
)
def test_what_is_no_floating_point_dtype_is_refused(word: torch.dtype | str, text: str) -> None:
    with pytest.raises(SettingsError) as caught:
        as_dtype(word)
    assert str(caught.value) == text


def test_a_device_that_is_there_is_found() -> None:
    assert as_device("cpu") == as_device(CPU) == CPU


@pytest.mark.parametrize("device", ["gpu", "cuda:99", "cpu:x"])
def test_a_device_that_is_not_there_is_refused(device: str) -> None:
    with pytest.raises(SettingsError) as caught:
        as_device(device)
    text = str(caught.value)
    assert text.startswith(f"device '{device}' can't be used here (")
    assert text.endswith("). Use 'cpu', or a machine that has it.")
    assert "\n" not in text


def test_torch_s_default_device_is_the_cpu() -> None:
    with torch.device("meta"), pytest.raises(SettingsError) as caught:
        as_device("cpu")
    assert str(caught.value) == (
        "torch's default device is 'meta'; symcheck draws on the CPU, and moves model and inputs to the `device` that it is "
        "given. Call it with the default back: with torch.device('cpu')."
    )
    with torch.device("meta"), torch.device("cpu"):
        assert as_device("cpu") == CPU


def of_numpy() -> list[float]:
    return list(np.random.rand(2))  # noqa: NPY002


@pytest.mark.parametrize("draw", [lambda: torch.rand(2).tolist(), of_numpy, random.random], ids=["torch", "numpy", "random"])
@pytest.mark.parametrize("seed", [3, 2**62 + 3])
def test_random_numbers_follow_from_the_seed_and_go_on_as_they_were(draw: Callable[[], Any], seed: int) -> None:
    with seeded(0):  # the tests' own go on as they were too
        with seeded(seed):
            first = draw()
        after = draw()
        with suppress(ArithmeticError), seeded(seed):
            again = draw()
            raise ArithmeticError
        following = draw()
    with seeded(0):
        assert [draw(), draw()] == [after, following]
        assert again == first not in (after, following)


def test_random_numbers_of_every_gpu_in_use_go_on_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    states = {0: "first", 1: "second"}

    def put(state: str, device: int) -> None:
        states[device] = state

    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_rng_state", states.__getitem__)
    monkeypatch.setattr(torch.cuda, "set_rng_state", put)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: states.update({0: "seeded", 1: "seeded"}))
    with seeded(0):
        assert states == {0: "seeded", 1: "seeded"}
    assert states == {0: "first", 1: "second"}
