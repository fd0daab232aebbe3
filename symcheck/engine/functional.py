"""A module as a function of some of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from symcheck._tree import Structure, flatten
from symcheck.errors import ClaimError, did_you_mean


def named_parameters(model: Any, names: Sequence[str]) -> dict[str, Tensor]:
    """Parameters by name. ClaimError if the model is no module, or has no such parameter."""
    if not isinstance(model, nn.Module):
        raise ClaimError(
            f"{model!r} is no module, and so has no parameters by name. Give the module, not a function around it."
        )
    own = dict(model.named_parameters())
    for name in names:
        if name not in own:
            raise ClaimError(f"{type(model).__name__} has no parameter {name!r}; {did_you_mean(name, own)}")
    return {name: own[name] for name in names}


def with_parameters(model: Any, names: Sequence[str], inputs: Structure, rows: Sequence[bool]) -> Callable[..., Any]:
    """`(*inputs, *parameters) -> outputs`, for one input. `rows` marks the inputs that the model takes with a batch axis."""
    from torch.func import functional_call

    count = len(inputs.names())

    def function(*leaves: Tensor) -> Any:
        given = [leaf.unsqueeze(0) if row else leaf for leaf, row in zip(leaves, rows or [False] * count, strict=False)]
        arguments = inputs.rebuild(given)
        values = dict(zip(names, leaves[count:], strict=True))
        y = functional_call(model, values, arguments.args, arguments.kwargs)
        if not rows:
            return y
        outputs, structure = flatten(y)
        return structure.rebuild([leaf[0] for leaf in outputs])

    return function
