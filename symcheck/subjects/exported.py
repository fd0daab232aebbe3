"""Targets that are programs of `torch.export`, `.pt2`. Reading one can run code: it holds pickles, and torch unpickles them."""

from __future__ import annotations

import logging
from typing import Any

import torch

WHAT = "an exported program"


def load(path: str) -> Any:
    """The program as a module, with its weights. Call it only for a file that is trusted."""
    disabled = logging.root.manager.disable
    logging.disable(logging.ERROR)  # torch logs what it tries on the way, with tracebacks
    try:
        return torch.export.load(path).module()
    finally:
        logging.disable(disabled)
