"""Networks and layers that nobody here wrote, each with its true verdict."""

from __future__ import annotations

from property_tests.zoo.entry import Entry
from property_tests.zoo.geometry_subjects import GEOMETRY
from property_tests.zoo.set_subjects import SETS
from property_tests.zoo.torch_subjects import TORCH

SUBJECTS: tuple[Entry, ...] = (*TORCH, *GEOMETRY, *SETS)
