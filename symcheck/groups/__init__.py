"""Groups: pure mathematics, with elements as batches of tensors."""

from __future__ import annotations

from symcheck.errors import GroupError, did_you_mean
from symcheck.groups.base import Group, Monoid
from symcheck.groups.euclidean import SE, SO, E, O
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.lattice import Translations
from symcheck.groups.symmetric import Symmetric

CATALOGUE: tuple[type[Monoid], ...] = (SO, O, SE, E, Symmetric, Translations)

__all__ = ["CATALOGUE", "SE", "SO", "E", "Group", "Homomorphism", "Monoid", "O", "Symmetric", "Translations", "from_string"]


def from_string(name: str) -> Monoid:
    """The group of that name.

    >>> from_string("SO(3)")
    SO(dim=3)
    >>> from_string("SO3")
    Traceback (most recent call last):
        ...
    symcheck.errors.GroupError: there is no group 'SO3'; did you mean 'SO(3)'?
    """
    for kind in CATALOGUE:
        group = kind.parse(name.strip())
        if group is not None:
            return group
    known = [notation for kind in CATALOGUE for notation in kind.notation]
    raise GroupError(f"there is no group {name!r}; {did_you_mean(name, known)}")
