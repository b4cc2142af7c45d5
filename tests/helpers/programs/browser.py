"""A headless Chromium, driven over its DevTools pipe: no package is needed for it.

https://chromedevtools.github.io/devtools-protocol/ ; with ``--remote-debugging-pipe`` the browser reads commands
from descriptor 3 and writes answers and events to descriptor 4, as JSON, each ended by a NUL.
"""

import base64
import contextlib
import json
import os
import re
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), "")
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium (Debian: apt-get install chromium)")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
    *("--disable-component-update", "--disable-sync", "--hide-scrollbars", "--remote-debugging-pipe"),
    # A first window of the browser's own may come late, and before the page: one behind it is given no frames.
    "--no-startup-window",
    # Containers have as little as 64 MB of shared memory, which pages of pictures fill.
    "--disable-dev-shm-usage",
)
PATIENCE = 240.0
LEFT = (
    *("Inspected target navigated or closed", "Execution context was destroyed."),
    "Cannot find context with specified id",
)
"""What the browser says where a page loads anew while it is asked for something."""


class LeftError(Exception):
    """The page was left while it was asked."""


class Browser:
    """One page in a browser; everything that it complains about is in ``complaints``."""

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from, self._buffer, self._sent = to_browser, from_browser, b"", 0
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self._loaded: set[str] = set()
        self._features: list[dict[str, str]] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = ""
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Inspector"):
            self._call(f"{domain}.enable")
        self._call("Page.setLifecycleEventsEnabled", enabled=True)

    def _call(self, method: str, **params: Any) -> Any:
        self._sent += 1
        message = {"id": self._sent, "method": method, "params": params}
        if getattr(self, "_session", ""):
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._read(PATIENCE)
            assert answer is not None, f"the browser did not answer {method} within {PATIENCE:.0f} s"
            if answer.get("id") == self._sent:
                told = answer.get("error", {}).get("message", "")
                if told in LEFT:
                    raise LeftError(method)
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def _read(self, seconds: float) -> dict[str, Any] | None:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], seconds)
            if not ready:
                return None
            more = os.read(self._from, 1 << 20)
            assert more, "the browser has ended"
            self._buffer += more
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        self._note(message.get("method", ""), message.get("params", {}))
        return message

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(told["exceptionDetails"])[:600])
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(told["args"])[:600])
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.complaints.append(told["entry"]["text"])
        elif event == "Network.loadingFailed" and not told.get("canceled"):
            self.complaints.append(f"request failed: {told['errorText']}")
        elif event == "Network.requestWillBeSent" and not told["request"]["url"].startswith("data:"):
            self.requests.append(told["request"]["url"])
        elif event == "Page.lifecycleEvent" and told["name"] == "load":
            self._loaded.add(told["loaderId"])
        elif event == "Inspector.targetCrashed":
            raise AssertionError("the page has crashed")

    def open(self, url: str, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Load a page in a window of that size and wait for it."""
        phone = width < 600
        size = {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        self._features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self._call("Emulation.setEmulatedMedia", features=self._features)
        # By its loader: the page before (of a new browser, a blank one) may tell of its own end of loading late.
        told = self._call("Page.navigate", url=url)
        assert "errorText" not in told, f"{url}: {told['errorText']}"
        end = time.monotonic() + PATIENCE
        while told.get("loaderId", "") not in {"", *self._loaded}:
            assert time.monotonic() < end, f"{url} did not load"
            self._read(1.0)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression (awaited), as JSON."""
        told = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE
        while True:
            with contextlib.suppress(LeftError):
                if self.run(script):
                    return
            assert time.monotonic() < end, f"never came true: {script}"
            time.sleep(0.1)

    def key(self, name: str, code: int) -> None:
        """Press and let go of a key, such as ``ArrowRight``."""
        text = {"Enter": "\r", " ": " "}.get(name)
        event = {"key": name, "code": name, "windowsVirtualKeyCode": code}
        self._call("Input.dispatchKeyEvent", type="keyDown", **event, **({"text": text} if text else {}))
        self._call("Input.dispatchKeyEvent", type="keyUp", **event)

    def draw_all(self) -> None:
        """Scroll through the page, so that everything that is drawn late is drawn."""
        self.run(
            """(async () => {
            // What comes into view is told once a frame, however long a busy machine takes for one.
            const frame = () => new Promise((go) => requestAnimationFrame(go));
            const frames = async () => { await frame(); await frame(); await new Promise((go) => setTimeout(go, 30)); };
            for (let y = 0; y < document.body.scrollHeight; y += 700) {
            scrollTo({ top: y, behavior: "instant" }); await frames(); } await frames();
            scrollTo({ top: 0, behavior: "instant" }); })()"""
        )

    def sides(self, letter: bool = False) -> int:
        """How many sides the page has when it is printed on A4, or on Letter."""
        return len(re.findall(rb"/Type\s*/Page\b", self.printed(letter)))

    def printed(self, letter: bool = False) -> bytes:
        """The page as a PDF, with the margins that it asks for."""
        width, height = (8.5, 11) if letter else (8.27, 11.69)
        told = self._call("Page.printToPDF", paperWidth=width, paperHeight=height)
        return base64.b64decode(told["data"])

    def paper(self, printed: bool) -> None:
        """Show the page as it is printed, or as on a screen again."""
        self._call("Emulation.setEmulatedMedia", media="print" if printed else "", features=self._features)

    def screenshot(self, path: Path, full: bool = True) -> None:
        """A PNG of the window, or of the whole page."""
        told = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        path.write_bytes(base64.b64decode(told["data"]))


@contextlib.contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a fresh profile, ended afterwards."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    # The browser wants 3 and 4; a shell moves what it inherits there.
    moves = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    command = ["bash", "-c", moves, CHROMIUM, *FLAGS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, pass_fds=(theirs_in, theirs_out), stderr=subprocess.DEVNULL)
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield Browser(ours_out, ours_in)
    finally:
        process.terminate()
        process.wait(20)
        os.close(ours_out)
        os.close(ours_in)
