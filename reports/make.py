"""Makes the stored report of the reference models: python reports/make.py

The record, the page and, where there is a Chromium, its picture go beside this file. The machine's name and kernel are left
out: they'd tell nothing about the models.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

import symcheck
from symcheck import subjects
from symcheck.report.html import render

FOLDER = Path(__file__).parent
TRIALS = 128  # half of the usual: the record is small enough to keep beside the code
SHOWN = "egnn.chiral: E(3)"  # the violation that the picture is of


def main() -> None:
    """Audits all reference models with their twins, in some minutes."""
    record = symcheck.audit(subjects.claims("models", twins=True), trials=TRIALS)
    machine = {name: record.machine[name] for name in ("python", "torch")}
    record = msgspec.structs.replace(record, machine=machine, command="python reports/make.py")
    (FOLDER / "reference.json").write_bytes(msgspec.json.encode(record) + b"\n")
    (FOLDER / "reference.html").write_text(render(record), encoding="utf-8")
    picture()


def picture() -> None:
    """One violation of the page as a picture."""
    sys.path.insert(0, str(FOLDER.parent))
    from property_tests import _chromium

    if _chromium.executable() is None:
        sys.stderr.write("There is no Chromium, and so no new picture. Install the package chromium.\n")
        return
    with _chromium.Page(width=1180) as page:
        page.open(FOLDER / "reference.html")
        found = f"[...document.querySelectorAll('.violation')].find(v => v.querySelector('h3').textContent.includes('{SHOWN}'))"
        page.evaluate(f"{found}.open = true")
        box = page.evaluate(f"(b => [b.top + scrollY, b.height])({found}.getBoundingClientRect())")
        page.picture(FOLDER / "reference.png", top=box[0], height=box[1])


if __name__ == "__main__":
    main()
