"""Imports point one way, and torch is imported by nobody who doesn't need it yet."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import symcheck

ROOT = Path(symcheck.__file__).parent

# A module may import from those that stand before it, and from its own package. `claims` needs a domain for its inputs and
# a property to claim; `checking` is the three functions, `cli` and the plugin are front ends.
ORDER = [
    "errors",
    "_autodiff",
    "_source",
    "_tree",
    "placement",
    "patterns",
    "groups",
    "reps",
    "domains",
    "properties",
    "claims",
    "engine",
    "discovery",
    "failures",
    "selection",
    "subjects",
    "config",
    "report",
    "replaying",
    "journal",
    "auditing",
    "testing",
    "explain",
    "strategies",
    "checking",
    "pytest_support",
    "pytest_session",
    "cli",
    "__main__",
]


def imported(path: Path) -> set[str]:
    """The parts of symcheck that a file imports, wherever in it, but for types alone."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            node.body = []
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "symcheck" else [node.module]
            names |= set(whole)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("symcheck.")} - {"__version__"}


def part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def wrong(importer: str, names: set[str]) -> set[str]:
    """What of `names` doesn't stand before the importer."""
    return {name for name in names if name != importer and ORDER.index(name) > ORDER.index(importer)}


@pytest.mark.parametrize(
    "path", sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py"), ids=lambda p: str(p.relative_to(ROOT))
)
def test_imports_point_one_way(path: Path) -> None:
    assert part(path) in ORDER, f"{path} is new: give it a place in the order"
    assert wrong(part(path), imported(path)) == set()


def test_a_wrong_import_is_seen(tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("def f():\n    from symcheck.engine.run import run\n    from symcheck import checking\n")
    assert wrong("groups", imported(bad)) == {"engine", "checking"}


@pytest.mark.parametrize(
    "statement", ["import symcheck", "import symcheck.cli", "import symcheck.errors", "import symcheck.config"]
)
def test_torch_is_not_imported_until_needed(statement: str) -> None:
    code = f"{statement}; import sys; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_help_does_not_import_torch() -> None:
    code = (
        "import sys, symcheck.cli as c\ntry: c.main(['--help'])\n"
        "except SystemExit: print('torch' in sys.modules, 'rich' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False False\n")


@pytest.mark.parametrize("output", ["scalar", "vector"])
def test_a_check_does_not_load_torchs_compiler(output: str) -> None:
    """Which takes two seconds, and sympy, half a second: whether the claim holds or is violated, located and shrunk."""
    code = (
        "import sys, torch\n"
        "from symcheck import check\n"
        "model = (lambda x: x.norm(dim=-1)) if 'scalar' in sys.argv else torch.sigmoid\n"
        "found = check(model, torch.randn(4, 3), group='SO(3)', inputs='vector', outputs=sys.argv[1])\n"
        "print(found.verdict.name, 'torch._dynamo' in sys.modules, 'sympy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, output], capture_output=True, text=True, check=True)
    assert done.stdout == f"{'HOLDS' if output == 'scalar' else 'VIOLATED'} False False\n"


def test_all_public_names_are_there() -> None:
    assert [name for name in symcheck.__all__ if getattr(symcheck, name) is None] == []
    assert callable(symcheck.check)
    with pytest.raises(AttributeError, match=r"has no attribute 'chek'; did you mean 'check'\?$"):
        symcheck.chek  # noqa: B018
