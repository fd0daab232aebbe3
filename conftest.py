"""What all tests share: markers that need more than the machine may have."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator

import pytest

pytest_plugins = ["pytester"]  # which tests our own plugin

PEERS = ("e3nn", "torch_geometric")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, with the reason, what needs other packages or a device that isn't there."""
    missing = [name for name in PEERS if importlib.util.find_spec(name) is None]
    for item in items:
        if missing and item.get_closest_marker("peers"):
            item.add_marker(pytest.mark.skip(reason=f"needs the extra 'peers' ({', '.join(missing)} missing)"))
        if item.get_closest_marker("cuda") and not _cuda():
            item.add_marker(pytest.mark.skip(reason="needs a CUDA device"))


@pytest.fixture(autouse=True)
def _forgotten(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Forget the modules that a test writes and imports: another test's may have the same names."""
    path, known = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    written = str(tmp_path_factory.getbasetemp())
    for name in set(sys.modules) - known:
        if (getattr(sys.modules[name], "__file__", None) or "").startswith(written):
            del sys.modules[name]


def _cuda() -> bool:
    import torch

    return torch.cuda.is_available()
