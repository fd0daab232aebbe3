"""Properties: the equations that can be claimed."""

from symcheck.properties.base import Actions, Function, Property
from symcheck.properties.equivariance import Equivariance

CATALOGUE: tuple[type[Property], ...] = (Equivariance,)

__all__ = ["CATALOGUE", "Actions", "Equivariance", "Function", "Property"]
