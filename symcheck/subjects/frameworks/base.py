"""What every reader of a framework shares: what it returns, and how a model is tried before anything is claimed of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Generator, Tensor, nn

from symcheck._tree import Args, Leaves, flatten
from symcheck.domains import Domain
from symcheck.groups import Monoid
from symcheck.placement import DTYPES, own_dtype
from symcheck.properties import Equivariance, Property

Model = Callable[..., Any]


class Unreadable(Exception):
    """A framework's model that says too little. Its text is the reason, and what the model would have to say, as sentences."""


@dataclass(frozen=True)
class Said:
    """One claim that a model of a framework makes by being what it is; with `tried`, one that it doesn't make.

    `tried` says why it is worth trying. `call` makes the function on tensors that is audited from the model. `name` is what the
    claim is called after its model; without one, its group and reps.
    """

    group: Monoid | str
    domain: Domain
    inputs: Any
    outputs: Any
    properties: tuple[Property, ...] = (Equivariance(),)
    tried: str = ""
    name: str = ""
    call: Callable[[Model], Model] | None = None
    batching: Literal["auto", "batch", "vmap", "loop"] = "auto"


@dataclass(frozen=True)
class Reading:
    """What a model says of itself, in words, and the claims that come of it."""

    words: str
    said: tuple[Said, ...]


class Framework(Protocol):
    """A reader of one framework's models: a module of this package. None imports its framework before a model brings it."""

    NAME: str

    def mine(self, model: Any) -> bool:
        """Whether a model is one of the framework's, told by the modules of its classes."""

    def read(self, model: Any) -> Reading:
        """What it says. Raises Unreadable."""


def packages(model: Any) -> set[str]:
    """The top-level packages of the classes that a model, and each module inside it, is an instance of.

    >>> sorted(packages(nn.Linear(1, 1)) - {"builtins"})
    ['torch']
    """
    parts = model.modules() if isinstance(model, nn.Module) else (model,)
    return {package_of(kind) for part in parts for kind in type(part).__mro__}


def package_of(kind: type) -> str:
    return str(kind.__module__).partition(".")[0]


def arguments(model: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a model's call that can be given by name or place, in order. None where there is no signature."""
    try:
        every = inspect.signature(getattr(model, "forward", model)).parameters
    except (TypeError, ValueError):
        return {}
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {name: parameter for name, parameter in every.items() if parameter.kind in kinds}


def needed(parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    """Those of them without a default."""
    return [name for name, parameter in parameters.items() if parameter.default is parameter.empty]


def tried(model: Model, x: Any) -> Leaves:
    """The leaves of what a model returns for one call on the arguments x, in the model's own precision, in float64.

    Raises Unreadable with what the model raised.
    """
    leaves, structure = flatten(Args.of(x))
    dtype = own_dtype(model) or torch.get_default_dtype()
    put = structure.rebuild([leaf.to(dtype) if leaf.is_floating_point() else leaf for leaf in leaves])
    try:
        with torch.no_grad():
            y, _ = flatten(model(*put.args, **put.kwargs))
    except (Exception, SystemExit) as error:
        text = (str(error).strip().splitlines() or ["(no message)"])[0]
        raise Unreadable(f"the call raised {type(error).__name__}: {text}") from error
    if not y:
        raise Unreadable("the call returned no tensors")
    return [leaf.double() if leaf.dtype in DTYPES.values() else leaf for leaf in y]


def answer(model: Model, x: Any) -> Tensor:
    """What a model returns for one call on the arguments x, if that is one tensor. Raises Unreadable as `tried` does."""
    y = tried(model, x)
    if len(y) != 1:
        raise Unreadable(f"it returns {len(y)} tensors. Only a network that returns one is read")
    return y[0]


def one(domain: Domain, seed: int = 0) -> Any:
    """One input of a domain without the trial axis, joined as its own disjoint union where that is what it does."""
    drawn = domain.sample(domain.layout, 1, Generator().manual_seed(seed))
    if domain.unites:
        return domain.collate(drawn)
    leaves, structure = flatten(drawn)
    return structure.rebuild([leaf[0] for leaf in leaves])


def sizes(model: nn.Module, words: Sequence[str]) -> Iterator[int]:
    """The sizes that modules keep under these names, in the order of the modules, each once."""
    seen: set[int] = set()
    for module in model.modules():
        for word in words:
            value = getattr(module, word, None)
            value = value[0] if isinstance(value, tuple) and value else value
            if isinstance(value, int) and not isinstance(value, bool) and value > 0 and value not in seen:
                seen.add(value)
                yield value


def rows(leaf: Tensor) -> int | None:
    """The length of the first axis, None if there is no axis."""
    return len(leaf) if leaf.ndim else None
