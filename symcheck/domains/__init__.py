"""Domains: where inputs come from."""

from symcheck.domains.base import Domain, Layout
from symcheck.domains.examples import Examples, Like
from symcheck.domains.grid import Grid
from symcheck.domains.joint import Joint
from symcheck.domains.points import PointCloud, Set
from symcheck.domains.tensors import Tensors

CATALOGUE: tuple[type[Domain], ...] = (Set, PointCloud, Grid, Tensors, Examples, Like, Joint)

__all__ = ["CATALOGUE", "Domain", "Examples", "Grid", "Joint", "Layout", "Like", "PointCloud", "Set", "Tensors"]
