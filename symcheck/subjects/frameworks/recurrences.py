"""torch.nn's recurrences: RNN, GRU and LSTM. One that reads forwards is causal; what it does under changes of time is tried.

A cell as torch has it isn't invariant to time warps, nor are its layers to delays: it counts steps, and its biases move its
state while nothing comes in. Source: Tallec & Ollivier 2018, "Can recurrent neural networks warp time?", arXiv:1804.11188.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from symcheck.domains import Joint, Sequence, Set
from symcheck.reps import Rep, Scalar, Shift, Warp
from symcheck.subjects.frameworks.base import Model, Reading, Said, Unreadable, answer, arguments, needed, sizes

LAYERS = (nn.RNNBase,)
STEPS, LATER = 12, 5
INPUTS = ("input_size", "in_features", "embedding_dim", "in_channels")
RESAMPLED = "whether repeating steps, as a faster clock would, only repeats what comes out"
DELAYED = "whether a later start only delays what comes out"
AROUND = "it holds a recurrence, and what stands around it may hear later steps"


def read(model: nn.Module) -> Reading:
    own = isinstance(model, nn.RNNBase)
    layers = [part for part in model.modules() if isinstance(part, nn.RNNBase)]
    first = layers[0].batch_first
    call = _stepwise(first)
    size, y = _taken(model, call)
    both = any(layer.bidirectional for layer in layers)
    each = y.ndim > 2 and y.shape[1] == STEPS
    words = f"{type(layers[0]).__name__} of {size} features{', in both directions' if both else ''}"
    holder = "" if own else f" in {type(model).__name__}, returns {'a row for each step' if each else 'one for all steps'}"
    return Reading(words + holder, tuple(_said(size, call, each, both, own)))


def _said(size: int, call: Callable[[Model], Model], each: bool, both: bool, own: bool) -> Iterator[Said]:
    sequence = Sequence(STEPS, size)
    if each and not both:
        later = Joint(Sequence(STEPS, size), Set(LATER, size))
        yield Said(
            "S_n x R+",  # their order alone leaves their mean, and a network that subtracts it, as they are
            later,
            ("scalar", "permute * scale_by"),
            "scalar",
            name="S_n x R+ of later steps -> scalar (causal)",
            call=lambda model: _until_now(call(model)),
            tried="" if own else AROUND,
        )
    for group, rep, why in (("Warp(T)", Warp(), RESAMPLED), ("Delay(T)", Shift(), DELAYED)):
        output: Rep = rep if each else Scalar()
        yield Said(group, sequence, rep, output, tried=f"it tells {why}", call=call)


def _stepwise(first: bool) -> Callable[[Model], Model]:
    """The function `(n, steps, features) -> (n, steps, width)`, whichever axis the model wants first; states are left out."""

    def made(model: Model) -> Model:
        def called(x: Tensor) -> Any:
            y = model(x if first else x.transpose(0, 1))
            y = y[0] if isinstance(y, tuple) else y
            turned = not first and y.ndim > 1 and y.shape[:2] == (x.shape[1], x.shape[0])
            return y.transpose(0, 1) if turned else y

        return called

    return made


def _until_now(model: Model) -> Model:
    """What comes out at the first steps, of sequences whose later steps are another argument."""

    def called(now: Tensor, later: Tensor) -> Any:
        return model(torch.cat([now, later], 1))[:, : now.shape[1]]

    return called


def _taken(model: nn.Module, call: Callable[[Model], Model]) -> tuple[int, Tensor]:
    """The number of features that the model takes at each step, and what it returns for two sequences of those."""
    names, why = needed(arguments(model)), ""
    if len(names) != 1:
        raise Unreadable(f"it takes {', '.join(names) or 'nothing'}. Only a network with one argument, the sequence, is read")
    for size in sizes(model, INPUTS):
        try:
            y = answer(call(model), torch.randn(2, STEPS, size, generator=Generator().manual_seed(0)))
        except (Unreadable, ValueError) as error:
            why = why or str(error)
            continue
        return size, y
    raise Unreadable(f"no sequence was found that it takes, {why}")
