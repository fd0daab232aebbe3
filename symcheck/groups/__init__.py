"""Groups: pure mathematics, with elements as batches of tensors."""

from __future__ import annotations

import re

from symcheck.errors import GroupError, did_you_mean
from symcheck.groups.base import Group, Monoid
from symcheck.groups.cyclic import Cyclic
from symcheck.groups.dihedral import Dihedral
from symcheck.groups.euclidean import SE, SO, E, O, T
from symcheck.groups.exponential import Exponential
from symcheck.groups.gauge import CyclicGauge, Gauge
from symcheck.groups.homomorphism import Homomorphism
from symcheck.groups.lattice import Translations
from symcheck.groups.linear import CO, GL, PGL, SL, Aff, Scaling, Sim
from symcheck.groups.lorentz import FullLorentz, Galilei, Lorentz, Poincare
from symcheck.groups.matrix import MatrixGroup
from symcheck.groups.plane import PlaneGroup
from symcheck.groups.polyhedral import Polyhedral
from symcheck.groups.product import Product
from symcheck.groups.semidirect import SemidirectProduct
from symcheck.groups.signs import SignedPermutations, SignFlips
from symcheck.groups.symmetric import Symmetric
from symcheck.groups.torus import PeriodicShifts
from symcheck.groups.unitary import SU, U, cover
from symcheck.groups.warps import Delays, Dilations, TimeChanges, Warps

CATALOGUE: tuple[type[Monoid], ...] = (
    SO,
    O,
    SE,
    E,
    Symmetric,
    Translations,
    Cyclic,
    Dihedral,
    SignFlips,
    SignedPermutations,
    Polyhedral,
    PlaneGroup,
    PeriodicShifts,
    T,
    GL,
    SL,
    Aff,
    CO,
    Sim,
    Scaling,
    PGL,
    U,
    SU,
    Lorentz,
    FullLorentz,
    Poincare,
    Galilei,
    Exponential,
    Product,
    Gauge,
    CyclicGauge,
    Warps,
    Dilations,
    Delays,
    TimeChanges,
)

__all__ = [
    "CATALOGUE",
    "CO",
    "GL",
    "PGL",
    "SE",
    "SL",
    "SO",
    "SU",
    "Aff",
    "Cyclic",
    "CyclicGauge",
    "Delays",
    "Dihedral",
    "Dilations",
    "E",
    "Exponential",
    "FullLorentz",
    "Galilei",
    "Gauge",
    "Group",
    "Homomorphism",
    "Lorentz",
    "MatrixGroup",
    "Monoid",
    "O",
    "PeriodicShifts",
    "PlaneGroup",
    "Poincare",
    "Polyhedral",
    "Product",
    "Scaling",
    "SemidirectProduct",
    "SignFlips",
    "SignedPermutations",
    "Sim",
    "Symmetric",
    "T",
    "TimeChanges",
    "Translations",
    "U",
    "Warps",
    "cover",
    "from_string",
]


def from_string(name: str) -> Monoid:
    """The group of that name. Names joined by " x " name a product.

    >>> from_string("SO(3)"), from_string("SE(3) x S_n").factors
    (SO(dim=3), (SE(dim=3, spread=1.0), Symmetric(size=None, of='points')))
    >>> from_string("SO3")
    Traceback (most recent call last):
        ...
    symcheck.errors.GroupError: there is no group 'SO3'; did you mean 'SO(3)'?
    """
    if re.search(r"\d{40}", name):
        raise GroupError(f"the name {name[:40]!r}... has a number of more than 40 digits. Give a smaller one.")
    words = re.split(r"\s+x\s+|\s*\u00d7\s*", name.strip())
    factors: list[Monoid] = []
    while words:
        count, factor = _longest(words)
        if factor is None:
            known = [notation for kind in CATALOGUE for notation in kind.notation]
            where = "" if words[0] == name.strip() else f" in {name!r}"
            raise GroupError(f"there is no group {words[0] if where else name!r}{where}; {did_you_mean(words[0], known)}")
        factors.append(factor)
        words = words[count:]
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def _longest(words: list[str]) -> tuple[int, Monoid | None]:
    """How many of the first words name one group, and that group: "Z_8", "Z_6" are one grid."""
    for count in range(len(words), 0, -1):
        for kind in CATALOGUE:
            group = kind.parse(" x ".join(words[:count]))
            if group is not None:
                return count, group
    return 0, None
