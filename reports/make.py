"""Makes the stored report of the reference models: python reports/make.py

The record and the page go beside this file. The machine's name and kernel are left out: they'd tell nothing about the models.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

import symcheck
from symcheck import subjects
from symcheck.report.html import render

FOLDER = Path(__file__).parent
TRIALS = 128  # half of the usual: the record is small enough to keep beside the code


def main() -> None:
    """Audits all reference models with their twins, in some minutes."""
    record = symcheck.audit(subjects.claims("models", twins=True), trials=TRIALS)
    machine = {name: record.machine[name] for name in ("python", "torch")}
    record = msgspec.structs.replace(record, machine=machine, command="python reports/make.py")
    (FOLDER / "reference.json").write_bytes(msgspec.json.encode(record) + b"\n")
    (FOLDER / "reference.html").write_text(render(record), encoding="utf-8")


if __name__ == "__main__":
    main()
