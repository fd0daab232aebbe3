"""Hugging Face transformers: models called with `inputs_embeds` and `attention_mask`.

The mask says that padding isn't read, wherever it stands: that is claimed. In which order tokens come is told by position
embeddings and causal masks, which most models have: that order doesn't count is tried, since it tells which do. Of a head
that returns one thing for all tokens the mask promises less: it may read the first token, or the last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from symcheck.domains import PaddedSet, Set
from symcheck.properties import FormatInvariance
from symcheck.reps import Permute, Rep, Scalar
from symcheck.subjects.frameworks.attention import TOKENS, blanked
from symcheck.subjects.frameworks.base import Model, Reading, Said, Unreadable, answer, arguments

NAME = "transformers"
WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")
NEEDED = ("inputs_embeds", "attention_mask")
HEAD = "a head that reads one token may read one of the padding"
ORDER = "whether the order of tokens counts tells of position embeddings and causal masks"


def mine(model: Any) -> bool:
    """A model of the library's, by its base class."""
    return isinstance(model, nn.Module) and any(
        kind.__name__ == "PreTrainedModel" and kind.__module__.startswith(NAME) for kind in type(model).__mro__
    )


def read(model: nn.Module) -> Reading:
    lost = [name for name in NEEDED if name not in arguments(model)]
    if lost:
        raise Unreadable(f"{type(model).__name__} takes no {' and no '.join(lost)}. Only models of tokens are read")
    config = getattr(model, "config", None)
    size = next((value for name in WIDTHS if isinstance(value := getattr(config, name, None), int)), None)
    if size is None:
        raise Unreadable(f"its config says no size of the tokens, by {', '.join(WIDTHS)}")
    y = answer(_plain(model), torch.randn(2, TOKENS, size, generator=torch.Generator().manual_seed(0)))
    each = y.ndim > 2 and y.shape[1] == TOKENS
    words = f"{type(model).__name__} with inputs_embeds of {size} features and attention_mask; returns "
    output: Rep = Permute() if each else Scalar()
    padding = Said(
        "S_n" if each else "R+",
        PaddedSet(TOKENS, size),
        ("permute", Permute(axis=-1)) if each else ("scale_by", "scalar"),
        output,
        properties=(FormatInvariance(blanked),),
        name="S_n, whatever stands in the padding" if each else "whatever stands in the padding at the end",
        call=_kept(each),
        tried="" if each else HEAD,
    )
    order = Said("S_n", Set(TOKENS, size), "permute", output, tried=ORDER, call=_plain)
    return Reading(words + ("a row for each token" if each else "one for all tokens"), (padding, order))


def _plain(model: Model) -> Model:
    return lambda x: _first(model(inputs_embeds=x, **_options(model)))


def _options(model: Any) -> dict[str, Any]:
    """No cache: it holds what is no tensor, and would be kept from one call to the next."""
    return {"use_cache": False} if "use_cache" in arguments(model) else {}


def _kept(each: bool) -> Callable[[Model], Model]:
    """The outputs of the tokens that are there and zeros, or that for all of them."""

    def made(model: Model) -> Model:
        def called(x: Tensor, mask: Tensor) -> Tensor:
            y = _first(model(inputs_embeds=x, attention_mask=mask.long(), **_options(model)))
            return torch.where(mask.unsqueeze(-1), y, torch.zeros_like(y)) if each else y

        return called

    return made


def _first(output: Any) -> Tensor:
    """The main output: the hidden states, or the logits of a head."""
    for name in ("logits", "last_hidden_state"):
        if isinstance(found := getattr(output, name, None), Tensor):
            return found
    found = output[0]
    if not isinstance(found, Tensor):
        raise TypeError(f"its first output is a {type(found).__name__}, not a tensor")
    return found
