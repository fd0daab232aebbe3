"""A model's own parameters as inputs, for symmetries that move these too: `f(rho(g) x; tau(g) theta) = rho'(g) f(x; theta)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Generator, Tensor, nn

from symcheck.domains.base import Domain, Layout
from symcheck.errors import DomainError, did_you_mean
from symcheck.placement import seeded


class Parameters(Domain):
    """Values for some of a module's parameters, by name: a dict of tensors `(n, *shape)`, as `functional_call` takes it.

    The first are the module's own; the others are moved from these by `spread` times a parameter's natural size, normally
    distributed. That is the RMS of its entries, but no less than 1 / sqrt(inputs of one output), the usual size of what
    starts at zero.

    >>> Parameters(nn.Linear(3, 2), "bias").sample({}, 5, Generator())["bias"].shape
    torch.Size([5, 2])
    """

    def __init__(self, module: nn.Module, *names: str, spread: float = 0.5) -> None:
        own = dict(module.named_parameters())
        for name in names:
            if name not in own:
                raise DomainError(f"{type(module).__name__} has no parameter {name!r}; {did_you_mean(name, own)}")
        if not names:
            raise DomainError(
                f"Parameters of {type(module).__name__}: none are named. Name some, such as {next(iter(own), 'bias')!r}."
            )
        self.names, self.spread, self._module = names, spread, type(module).__name__
        self._own = {name: own[name].detach().double().cpu().clone() for name in names}

    def sample(self, layout: Layout, n: int, rng: Generator) -> Any:
        return {name: self._drawn(value, n, rng) for name, value in self._own.items()}

    def _drawn(self, own: Tensor, n: int, rng: Generator) -> Tensor:
        fan_in = own[0].numel() if own.ndim > 1 else own.numel()
        natural = own.square().mean().sqrt().clamp_min(fan_in**-0.5)
        noise = torch.randn(n, *own.shape, generator=rng, dtype=torch.float64)
        noise[0] = 0
        return own + self.spread * natural * noise

    def structured(self, layout: Layout) -> Mapping[str, Any]:
        return {"parameters of zero": {name: torch.zeros_like(own).unsqueeze(0) for name, own in self._own.items()}}

    def __repr__(self) -> str:
        return f"Parameters({self._module}, {', '.join(map(repr, self.names))})"

    @classmethod
    def examples(cls) -> Sequence[Domain]:
        with seeded(0):
            return [cls(nn.Linear(3, 2), "bias"), cls(nn.Linear(3, 2), "weight", "bias")]
