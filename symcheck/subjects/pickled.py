"""Targets that are pickled whole, by `torch.save(model, file)`. A pickle is code: reading it runs whatever it says."""

from __future__ import annotations

from typing import Any

import torch

from symcheck.errors import SubjectError
from symcheck.subjects.module import cwd_on_path

WHAT = "a pickle"


def load(path: str) -> Any:
    """The model, on the CPU. Call it only for a file that is trusted."""
    cwd_on_path()
    try:
        found = torch.load(path, map_location="cpu", weights_only=False)
    except (ModuleNotFoundError, AttributeError) as error:  # the pickle names its classes and doesn't bring them
        raise SubjectError(
            f"{path!r} needs the code that its model was pickled with, which isn't here ({error}). "
            f"Run in the folder that holds it."
        ) from None
    if callable(found):
        return found
    raise SubjectError(
        f"{path!r} holds a {type(found).__name__}, not a model. If those are weights, name the model too: "
        f"symcheck audit pkg.mod:build --weights {path}"
    )
