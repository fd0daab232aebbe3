"""symcheck: does a neural network have the symmetry that it is said to have?

    import symcheck

    symcheck.check(model, example, group="SO(3)", inputs="vector", outputs="scalar")

Names are imported when they are first used, so that `import symcheck` doesn't import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from symcheck._tree import Args as Args
    from symcheck.checking import AuditInterrupted as AuditInterrupted
    from symcheck.checking import assert_equivariant as assert_equivariant
    from symcheck.checking import audit as audit
    from symcheck.checking import check as check
    from symcheck.claims import Claim as Claim
    from symcheck.claims import Subject as Subject
    from symcheck.discovery import discover as discover
    from symcheck.discovery import infer as infer
    from symcheck.engine import Policy as Policy
    from symcheck.engine import Verdict as Verdict
    from symcheck.pytest_support import parametrize as parametrize
    from symcheck.replaying import replay as replay
    from symcheck.report import Record as Record
    from symcheck.report import Result as Result

_HOMES = {
    "Args": "symcheck._tree",
    "AuditInterrupted": "symcheck.checking",
    "Claim": "symcheck.claims",
    "Policy": "symcheck.engine",
    "Record": "symcheck.report",
    "Result": "symcheck.report",
    "Subject": "symcheck.claims",
    "Verdict": "symcheck.engine",
    "assert_equivariant": "symcheck.checking",
    "audit": "symcheck.checking",
    "check": "symcheck.checking",
    "discover": "symcheck.discovery",
    "infer": "symcheck.discovery",
    "parametrize": "symcheck.pytest_support",
    "replay": "symcheck.replaying",
}
_MODULES = ("domains", "groups", "properties", "reps", "strategies", "testing")

__all__ = [*_HOMES, "__version__", *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"symcheck.{name}")
    if name not in _HOMES:
        from symcheck.errors import nearest

        near = f"; {hint}" if (hint := nearest(name, __all__)) else ""
        raise AttributeError(f"module 'symcheck' has no attribute {name!r}{near}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
