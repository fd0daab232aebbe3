"""Discovery: which symmetries a model has of which nobody claimed any."""

from symcheck.discovery.finite import Swap
from symcheck.discovery.generated import Block, Generated
from symcheck.discovery.search import Discovered, Discovery, discover

__all__ = ["Block", "Discovered", "Discovery", "Generated", "Swap", "discover"]
