"""Headless Chromium, driven through its debugging pipe: no driver and no network port is needed."""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
TALLEST = 8000  # pixels of a picture
PATIENCE = 60.0  # seconds that the browser may take to answer: a loaded machine starts it slowly


def executable() -> str | None:
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Page:
    """One page. Messages of the console, exceptions, broken policies and requests are kept in `problems` and `requests`."""

    def __init__(self, *, width: int = 1280, height: int = 900, dark: bool = False, script: bool = True) -> None:
        self.size, self.dark, self.script = (width, height), dark, script
        self.numbers = itertools.count(1)
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.loaded = False
        self.buffer = b""
        self.session: str | None = None

    def __enter__(self) -> Page:
        self.folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        to_read, self.writes = os.pipe()
        self.reads, to_write = os.pipe()
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-component-update",
            "--disable-sync",
            "--hide-scrollbars",
        ]
        flags += ["--remote-debugging-pipe", f"--user-data-dir={self.folder.name}", "--disable-background-networking"]
        line = f'exec "$@" 3<&{to_read} 4>&{to_write}'  # the browser reads commands from 3 and answers on 4
        command = ["bash", "-c", line, "bash", str(executable()), *flags, "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, pass_fds=(to_read, to_write), **quiet)
        os.close(to_read)
        os.close(to_write)
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.resize(*self.size)
        self.call("Emulation.setEmulatedMedia", features=[_scheme(self.dark)])
        self.call("Emulation.setScriptExecutionDisabled", value=not self.script)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.reads)
        os.close(self.writes)
        self.folder.cleanup()

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def open(self, path: Path) -> None:
        self.loaded = False
        self.call("Page.navigate", url=path.resolve().as_uri())
        end = time.monotonic() + PATIENCE
        while not self.loaded:
            self._read(end)

    def evaluate(self, expression: str) -> Any:
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def key(self, name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        common: dict[str, Any] = {"button": "left", "buttons": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=start[0], y=start[1], clickCount=1, **common)
        for part in (0.5, 1.0):
            x, y = (a + part * (b - a) for a, b in zip(start, end, strict=True))
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, **common)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=end[0], y=end[1], clickCount=1, button="left")

    def picture(self, path: Path, *, top: float = 0, height: float = TALLEST) -> None:
        """The page as a PNG, from `top` on. A whole long page at once takes the browser gigabytes."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        shown = min(height, TALLEST, size["height"] - top)
        clip = {"x": 0, "y": top, "width": size["width"], "height": shown, "scale": 1}
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        path.write_bytes(base64.b64decode(data["data"]))

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.writes, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            found = self._read(end)
            if found.get("id") == number:
                assert "error" not in found, f"{method}: {found['error']}"
                result: dict[str, Any] = found["result"]
                return result

    def _read(self, end: float) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.reads], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser doesn't answer"
            part = os.read(self.reads, 1 << 20)
            assert part, "the browser has gone"
            self.buffer += part
        text, self.buffer = self.buffer.split(b"\0", 1)
        found: dict[str, Any] = json.loads(text)
        self._note(found.get("method", ""), found.get("params", {}))
        return found

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Page.loadEventFired":
            self.loaded = True
        elif method == "Runtime.exceptionThrown" or (
            method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning")
        ):
            self.problems.append(json.dumps(params)[:500])
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])


def _scheme(dark: bool) -> dict[str, str]:
    return {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
