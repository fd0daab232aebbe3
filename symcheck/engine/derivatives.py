"""Derivatives of a model as models of their own, so that all ways to join trials serve them too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from symcheck._autodiff import jvp, unfused
from symcheck._tree import Leaves

Function = Callable[..., Sequence[Tensor]]


def pushforward(f: Function, moving: Sequence[int]) -> Callable[..., Any]:
    """`(x, tangent) -> J_f(x) tangent`, by forward-mode differentiation. Leaves that aren't `moving` count as constants."""

    def derivative(*leaves: Tensor) -> Leaves:
        x, tangent = list(leaves[: len(leaves) // 2]), leaves[len(leaves) // 2 :]

        def partial(*moved: Tensor) -> tuple[Tensor, ...]:
            return tuple(leaf if differentiable(leaf) else leaf.double() for leaf in f(*_with(x, moving, moved)))

        at, along = [x[i] for i in moving], [tangent[i] for i in moving]
        with unfused():
            try:
                return jvp(partial, at, along)
            except RuntimeError:  # a model that differentiates by torch.autograd itself, or an operation without a forward rule
                return _twice_reversed(partial, at, along)

    return derivative


def pullback(f: Function, moving: Sequence[int], inputs: int) -> Callable[..., Any]:
    """`(x, cotangent) -> J_f(x)^T cotangent`, the gradient by each of the `inputs` leaves of x, zero for those not `moving`."""

    def derivative(*leaves: Tensor) -> Leaves:
        x, cotangent = list(leaves[:inputs]), leaves[inputs:]

        def partial(*moved: Tensor) -> tuple[Tensor, ...]:
            return tuple(leaf for leaf in f(*_with(x, moving, moved)) if differentiable(leaf))

        given = [v for v in cotangent if differentiable(v)]
        try:
            y, pull = torch.func.vjp(partial, *(x[i] for i in moving))[:2]
            found = pull(tuple(v.to(leaf) for v, leaf in zip(given, y, strict=True)))
        except RuntimeError:  # a model that differentiates by torch.autograd itself
            found = _by_autograd(partial, [x[i] for i in moving], given)
        return _with([torch.zeros_like(leaf) for leaf in x], moving, found)

    return derivative


def _by_autograd(f: Function, x: Leaves, cotangent: Sequence[Tensor]) -> Leaves:
    """The same by torch.autograd, which models may use inside."""
    with torch.enable_grad():
        start = [leaf.detach().requires_grad_() for leaf in x]
        with _Keeping():
            y = f(*start)
        pairs = [(leaf, v.to(leaf)) for leaf, v in zip(y, cotangent, strict=True) if leaf.requires_grad]
        if not pairs:
            return [torch.zeros_like(leaf) for leaf in x]
        found = torch.autograd.grad([y for y, _ in pairs], start, [v for _, v in pairs], allow_unused=True)
    return [torch.zeros_like(leaf) if grad is None else grad for leaf, grad in zip(x, found, strict=True)]


class _Keeping(TorchFunctionMode):
    """Keeps the graphs that a model differentiates inside: an energy is attached to the one that its forces came from."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        inside = func is torch.autograd.grad or func is Tensor.backward
        return func(*args, **{**(kwargs or {}), **({"retain_graph": True} if inside else {})})


def _twice_reversed(f: Function, x: Leaves, tangent: Sequence[Tensor]) -> Leaves:
    """`J v` as the gradient by u of `<J^T u, v>`, in reverse mode alone. Outputs must keep their graph."""
    with torch.enable_grad():
        start = [leaf.detach().requires_grad_() for leaf in x]
        y = list(f(*start))
        kept = [i for i, leaf in enumerate(y) if leaf.requires_grad]
        u = [torch.zeros_like(y[i]).requires_grad_() for i in kept]
        back = torch.autograd.grad([y[i] for i in kept], start, u, create_graph=True, allow_unused=True)
        pairs = [(b, v.to(b)) for b, v in zip(back, tangent, strict=True) if b is not None and b.requires_grad]
        found = torch.autograd.grad([b for b, _ in pairs], u, [v for _, v in pairs], allow_unused=True) if pairs else ()
    known = dict(zip(kept, found, strict=False))
    return [torch.zeros_like(leaf) if known.get(i) is None else known[i] for i, leaf in enumerate(y)]


def difference_step(eps: float) -> float:
    """That at which fourth-order differences are most exact: where h^4 and eps / h are alike."""
    return float(eps**0.2)


def differences(at: Callable[[float], Sequence[Tensor]], h: float) -> Leaves:
    """The derivative at 0 of `at(t)`, tensors, by central differences of fourth order with step h.

    The error is that of h^4, and of the noise of `at` over h.
    """
    weights = {-2: 1 / 12, -1: -2 / 3, 1: 2 / 3, 2: -1 / 12}
    sides = [[weight / h * y for y in at(times * h)] for times, weight in weights.items()]
    return [sum(parts[1:], parts[0]) for parts in zip(*sides, strict=True)]


def differentiable(leaf: Tensor) -> bool:
    """Whether a derivative by it makes sense."""
    return leaf.is_floating_point() or leaf.is_complex()


def _with(x: Leaves, places: Sequence[int], new: Sequence[Tensor]) -> Leaves:
    whole = list(x)
    for place, leaf in zip(places, new, strict=True):
        whole[place] = leaf
    return whole
