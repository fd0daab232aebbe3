"""Properties: the equations that can be claimed."""

from symcheck.properties.agreement import Coarsening, FormatInvariance
from symcheck.properties.base import Actions, Function, Property
from symcheck.properties.class_equivariance import ClassEquivariance
from symcheck.properties.composition import Composition
from symcheck.properties.conservation import Conservation
from symcheck.properties.equivariance import Equivariance
from symcheck.properties.gradients import Conservative, GradientEquivariance
from symcheck.properties.infinitesimal import Infinitesimal
from symcheck.properties.stability import Stability

CATALOGUE: tuple[type[Property], ...] = (
    Equivariance,
    Composition,
    Infinitesimal,
    GradientEquivariance,
    Conservative,
    ClassEquivariance,
    FormatInvariance,
    Coarsening,
    Stability,
    Conservation,
)

__all__ = [
    "CATALOGUE",
    "Actions",
    "ClassEquivariance",
    "Coarsening",
    "Composition",
    "Conservation",
    "Conservative",
    "Equivariance",
    "FormatInvariance",
    "Function",
    "GradientEquivariance",
    "Infinitesimal",
    "Property",
    "Stability",
]
