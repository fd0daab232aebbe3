"""Domains: where inputs come from."""

from symcheck.domains.base import At, Domain, Layout
from symcheck.domains.crystal import Crystal
from symcheck.domains.examples import Examples, Like
from symcheck.domains.generated import FromStrategy, Generated
from symcheck.domains.graph import Graph
from symcheck.domains.grid import Grid
from symcheck.domains.homogeneous import HomogeneousVectors, Momenta
from symcheck.domains.joint import Joint
from symcheck.domains.mesh import Mesh
from symcheck.domains.padded import PaddedSet
from symcheck.domains.parameters import Parameters
from symcheck.domains.points import PointCloud, Set
from symcheck.domains.sequence import Durations, Lengths, Sequence
from symcheck.domains.sphere import Sphere, SphericalCoefficients
from symcheck.domains.tensors import Tensors

CATALOGUE: tuple[type[Domain], ...] = (
    Set,
    PointCloud,
    Grid,
    Tensors,
    Examples,
    Like,
    Joint,
    Sphere,
    SphericalCoefficients,
    Graph,
    PaddedSet,
    Crystal,
    HomogeneousVectors,
    Momenta,
    Generated,
    FromStrategy,
    Mesh,
    Parameters,
    Sequence,
    Durations,
    Lengths,
)

__all__ = [
    "CATALOGUE",
    "At",
    "Crystal",
    "Domain",
    "Durations",
    "Examples",
    "FromStrategy",
    "Generated",
    "Graph",
    "Grid",
    "HomogeneousVectors",
    "Joint",
    "Layout",
    "Lengths",
    "Like",
    "Mesh",
    "Momenta",
    "PaddedSet",
    "Parameters",
    "PointCloud",
    "Sequence",
    "Set",
    "Sphere",
    "SphericalCoefficients",
    "Tensors",
]
