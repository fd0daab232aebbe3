"""Processes that tests start."""

from __future__ import annotations

import signal


def heeding_ctrl_c() -> None:
    """In the process to be: one that a script started in the background is made to ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
