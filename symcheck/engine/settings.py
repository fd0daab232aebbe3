"""What a person may choose about an audit. No tolerance is among it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from symcheck.engine.policy import Policy
from symcheck.errors import SettingsError
from symcheck.placement import as_device, as_dtype


@dataclass(frozen=True)
class Settings:
    """`dtype` is the working precision, for which claims are made; None means each model's own.

    `perturb` says whether claims are judged at perturbed weights too; None means for models that a factory builds.
    """

    seed: int = 0
    trials: int = 256
    device: str = "cpu"
    dtype: torch.dtype | None = None
    perturb: bool | None = None
    policy: Policy = field(default_factory=Policy)

    def __post_init__(self) -> None:
        for name, value, least in (("trials", self.trials, 1), ("seed", self.seed, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} is a whole number of {least} or more, not {value!r}.")
        if self.seed >= 2**63:
            raise SettingsError(f"seed is below 2^63, not {self.seed}.")
        as_device(self.device)
        if self.dtype is not None:
            object.__setattr__(self, "dtype", as_dtype(self.dtype))
