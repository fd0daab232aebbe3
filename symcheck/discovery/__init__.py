"""Discovery: which symmetries a model has of which nobody claimed any, and how its hidden layers transform."""

from symcheck.discovery.finite import Swap
from symcheck.discovery.generated import Block, Generated
from symcheck.discovery.layers import Inference, Layer, infer
from symcheck.discovery.search import Discovered, Discovery, discover

__all__ = ["Block", "Discovered", "Discovery", "Generated", "Inference", "Layer", "Swap", "discover", "infer"]
