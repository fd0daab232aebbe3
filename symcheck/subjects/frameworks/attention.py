"""torch.nn's attention: MultiheadAttention and TransformerEncoder, under any order of the tokens and whatever the padding."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Generator, Tensor, nn

from symcheck.domains import Domain, Generated, PaddedSet, Set
from symcheck.properties import FormatInvariance
from symcheck.reps import Permute, Rep, Scalar
from symcheck.subjects.frameworks.base import Model, Reading, Said, Unreadable, answer, arguments, needed, sizes

LAYERS = (nn.MultiheadAttention, nn.TransformerEncoderLayer)
TOKENS = 7
INPUTS = ("in_features", "embed_dim", "embedding_dim", "d_model", "in_channels")
NOT_PROMISED = "it holds attention, which hears tokens in any order, and what stands around it may tell them apart"

Apply = Callable[..., Tensor]
"""A model on tokens `(n, tokens, features)`, with `there=` where some are padding."""


def read(model: nn.Module) -> Reading:
    if isinstance(model, nn.MultiheadAttention):
        if not model._qkv_same_embed_dim:
            raise Unreadable("its keys and values have other sizes than its queries, so that it can't be called with one set")
        words = f"MultiheadAttention of {model.embed_dim} features, called as self-attention"
        return Reading(words, tuple(_promised(model.embed_dim, lambda m: _batch_first(m, model.batch_first, _attend))))
    if isinstance(model, (nn.TransformerEncoder, nn.TransformerEncoderLayer)):
        layer = model if isinstance(model, nn.TransformerEncoderLayer) else model.layers[0]
        assert isinstance(layer, nn.TransformerEncoderLayer)
        size, first = layer.self_attn.embed_dim, layer.self_attn.batch_first
        words = f"{type(model).__name__} of {size} features"
        return Reading(words, tuple(_promised(size, lambda m: _batch_first(m, first, _encode))))
    return _around(model)


def _promised(size: int, call: Callable[[Model], Apply]) -> Iterator[Said]:
    yield Said("S_n", Set(TOKENS, size), "permute", "permute", call=lambda model: _plain(call(model)))
    masked = ("permute", Permute(axis=-1))
    yield Said(
        "S_n",
        PaddedSet(TOKENS, size),
        masked,
        "permute",
        properties=(FormatInvariance(blanked),),
        name="S_n, whatever stands in the padding",
        call=lambda model: _kept(call(model)),
    )


def _plain(apply: Apply) -> Model:
    return lambda x: apply(x)


def _kept(apply: Apply) -> Model:
    """The outputs of the tokens that are there, and zeros."""

    def model(x: Tensor, mask: Tensor) -> Tensor:
        y = apply(x, there=mask)
        return torch.where(mask.unsqueeze(-1), y, torch.zeros_like(y))

    return model


def blanked(x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(mask.unsqueeze(-1), x, torch.zeros_like(x)), mask


def _attend(model: Any, x: Tensor, there: Tensor | None) -> Tensor:
    y: Tensor = model(x, x, x, key_padding_mask=None if there is None else ~there, need_weights=False)[0]
    return y


def _encode(model: Any, x: Tensor, there: Tensor | None) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*nested tensors")  # torch's, of its own way with padded batches
        y: Tensor = model(x, src_key_padding_mask=None if there is None else ~there)
    return y


def _batch_first(model: Model, first: bool, apply: Callable[[Model, Tensor, Tensor | None], Tensor]) -> Apply:
    """On `(n, tokens, features)` whichever axis the model wants first, and with all tokens in the output.

    An encoder that packs padded batches returns as many tokens as the longest has.
    """

    def called(x: Tensor, there: Tensor | None = None) -> Tensor:
        y = apply(model, x if first else x.transpose(0, 1), there)
        y = y if first else y.transpose(0, 1)
        return nn.functional.pad(y, (0, 0, 0, x.shape[1] - y.shape[1]))

    return called


def _around(model: nn.Module) -> Reading:
    """A module that holds attention: how it is called is found by calling it, and any order of the tokens is tried."""
    names = needed(arguments(model))
    if len(names) != 1:
        raise Unreadable(f"it takes {', '.join(names) or 'nothing'}. Only a network with one argument, the tokens, is read")
    first = all(layer.batch_first for layer in model.modules() if isinstance(layer, nn.MultiheadAttention))
    call: Callable[[Model], Model] | None = None if first else _turned
    why = ""
    for domain, rep, words in _tokens(model):
        made = model if call is None else call(model)
        try:
            y = answer(made, domain.sample(domain.layout, 2, Generator().manual_seed(0)))
        except (Unreadable, ValueError) as error:
            why = why or str(error)
            continue
        output: Rep = Permute(axis=1 - y.ndim) if y.ndim > 1 and y.shape[1] == TOKENS else Scalar()
        what = "a row for each token" if not output.trivial else "one for all tokens"
        said = Said("S_n", domain, rep, output, tried=NOT_PROMISED, call=call)
        return Reading(f"attention in {type(model).__name__}; takes {words}; returns {what}", (said,))
    raise Unreadable(f"no tokens were found that it takes, {why}")


def _turned(model: Model) -> Model:
    """With the batch before the tokens, where the model wants it after them."""

    def called(x: Tensor) -> Tensor:
        y: Tensor = model(x.transpose(0, 1))
        return y.transpose(0, 1) if y.ndim > 1 and y.shape[:2] == (x.shape[1], x.shape[0]) else y

    return called


def _tokens(model: nn.Module) -> Iterator[tuple[Domain, Rep, str]]:
    """Sets of tokens that a model may take: of the sizes that its layers have, then whole numbers if it has an embedding."""
    for size in sizes(model, INPUTS):
        yield Set(TOKENS, size), Permute(), f"tokens of {size} features"
    for part in model.modules():
        if isinstance(part, nn.Embedding):
            kinds = part.num_embeddings

            def numbered(n: int, rng: Generator, kinds: int = kinds) -> Tensor:
                return torch.randint(kinds, (n, TOKENS), generator=rng)

            yield Generated(numbered), Permute(axis=-1), f"whole numbers below {kinds}"
