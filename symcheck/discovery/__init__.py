"""Discovery: which symmetries a model has of which nobody claimed any, and how its hidden layers transform."""

from symcheck.discovery.layers import Inference, Layer, infer
from symcheck.discovery.search import Discovered, Discovery, discover

__all__ = ["Discovered", "Discovery", "Inference", "Layer", "discover", "infer"]
