"""From claims back to the tables of a config."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from symcheck._tree import Args
from symcheck.claims import Claim
from symcheck.config.stated import claim as stated
from symcheck.config.tables import ClaimTable
from symcheck.domains import Domain, Joint, Tensors
from symcheck.errors import SymcheckError


def worded(claim: Claim) -> ClaimTable | None:
    """The claim as a table that reads as the same claim of the same model, or None if none does.

    A group that no name tells, an example of tensors, and outputs in several levels have no words in a config.

    >>> import torch
    >>> worded(Claim(torch.relu, "S_n", domain=Tensors((5, 3)), inputs="permute", outputs="permute")).domain
    'Tensors(shape=(5, 3))'
    """
    parts = _listed(claim.domain.parts) if isinstance(claim.domain, Joint) else claim.domain
    sizes = None if isinstance(parts, Domain) else _each(parts, _shape)
    try:
        table = ClaimTable(
            group=str(claim.group),
            inputs=_listed(claim.inputs),
            outputs=list(claim.outputs) if type(claim.outputs) is tuple else claim.outputs,
            shapes=UNSET if sizes is None else sizes,
            domain=_each(parts, repr) if sizes is None else UNSET,
        )
        read = msgspec.convert(msgspec.to_builtins(table), ClaimTable)
        read = read if stated(claim.subject, read).id == claim.id else replace(read, id=claim.id)
        return read if _told(stated(claim.subject, read)) == _told(claim) else None
    except (SymcheckError, msgspec.ValidationError):
        return None


def _told(claim: Claim) -> tuple[Any, ...]:
    """What a claim says: trees and domains of plain values are equal if they are written alike."""
    return (
        claim.group,
        *map(repr, (claim.inputs, claim.outputs, claim.domain, claim.properties)),
        claim.tolerance,
        claim.expected,
    )


def _listed(tree: Any) -> Any:
    """A list for positional arguments, a table for those by keyword."""
    if not isinstance(tree, Args):
        return tree
    return dict(tree.kwargs) if not tree.args else list(tree.args)


def _each(parts: Any, told: Callable[[Domain], Any]) -> Any:
    """What is told of each domain of a list or a table, or of one; None if nothing is of one of them."""
    if isinstance(parts, Domain):
        return told(parts)
    found = {key: told(one) for key, one in (parts.items() if isinstance(parts, dict) else enumerate(parts))}
    if None in found.values():
        return None
    return found if isinstance(parts, dict) else list(found.values())


def _shape(domain: Domain) -> list[int] | None:
    return list(domain.shape) if isinstance(domain, Tensors) else None
