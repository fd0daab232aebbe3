"""One animal of the zoo: a network, a claim about it, and what is true of the claim."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

import symcheck
from symcheck import Args, Subject, Verdict
from symcheck.domains import Generated
from symcheck.report import Result


@dataclass(frozen=True)
class Entry:
    """A claim with its true verdict. `reason` says why that is the truth, from mathematics or the package's source.

    `amplitude` is the size of a break relative to the spread of the output, where it was measured without symcheck; `only_at`
    is a tie or another special input without which it would hold. `needs`
    are the modules without which `build` can't run; `package` is the distribution that they come from.
    """

    name: str
    build: Callable[[], Any]
    domain: Callable[[], Any]
    group: Any
    inputs: Any
    outputs: Any
    verdict: Verdict
    reason: str
    package: str = "torch"
    needs: tuple[str, ...] = ()
    single: Verdict | None = None  # the truth for a claim in float32, where it isn't the same
    amplitude: float | None = None
    only_at: str = ""  # the structured input at which alone it is violated

    @property
    def missing(self) -> str | None:
        """Why it can't be built here."""
        lost = [name for name in self.needs if importlib.util.find_spec(name) is None]
        return f"{self.package} isn't installed (no module {lost[0]!r})" if lost else None

    @property
    def version(self) -> str:
        return importlib.metadata.version(self.package)

    def truth(self, dtype: str) -> Verdict:
        return self.single or self.verdict if dtype == "float32" else self.verdict

    def check(self, dtype: str, seed: int = 0) -> Result:
        """What symcheck says, at its default settings."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            claim = {"group": self.group, "inputs": self.inputs, "outputs": self.outputs}
            subject = Subject(self.name, build=self.build)
            return symcheck.check(subject, self.domain(), **claim, dtype=dtype, seed=seed)  # type: ignore[arg-type]


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard normal numbers, the same in every run."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def generic(*shapes: tuple[int, ...]) -> Generated:
    """Standard normal numbers anew for each input, and nothing else: neither ties nor coincident points."""
    return Generated(lambda n, rng: Args(*(torch.randn(n, *shape, generator=rng, dtype=torch.float64) for shape in shapes)))


def built_in(dtype: torch.dtype, build: Callable[[], Any]) -> Callable[[], Any]:
    """The same factory, run while `dtype` is torch's default."""

    def inner() -> Any:
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            return build()
        finally:
            torch.set_default_dtype(before)

    return inner
