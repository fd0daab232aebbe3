"""The config file: which models are audited, for which claims, with which settings. Reading one imports no torch."""

from symcheck.config.profiles import profile
from symcheck.config.reading import found, read
from symcheck.config.tables import ClaimTable, Config, ModelTable, Override, Profile

__all__ = ["ClaimTable", "Config", "ModelTable", "Override", "Profile", "found", "profile", "read"]
