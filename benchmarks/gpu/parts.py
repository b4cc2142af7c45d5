"""What a part of the measurements is given, and how it keeps what it has found."""

import json
import os
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TOLD = 12
"""Lines of a traceback that are kept: the last ones."""


class Skipped(Exception):
    """Nothing is wrong; this machine cannot do it."""


class Wrong(Exception):
    """What was found is not as it should be.

    Args:
        reason: What is wrong.
        figures: What was found.
    """

    def __init__(self, reason: str, figures: dict[str, Any]) -> None:
        super().__init__(reason)
        self.figures = figures


class ChecksFailed(Exception):
    """Some checks of a part failed; what each of them said stands beside its name."""


@dataclass(frozen=True)
class Settings:
    """What a part is told.

    Attributes:
        device: ``cuda`` or ``cpu``.
        tiny: Whether everything has its smallest size, to try out the program itself.
        seconds: Until the part is killed.
        scratch: A folder for the part's files.
        paths: Folders in which modules are looked for, before the interpreter's own.
        known: Figures of the parts before, by part.
        begun: When the part began, by the monotonic clock.
    """

    device: str
    tiny: bool
    seconds: float
    scratch: str
    paths: tuple[str, ...]
    known: dict[str, Any]
    begun: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Seconds that are left to the part."""
        return self.seconds - (time.monotonic() - self.begun)

    @property
    def environment(self) -> dict[str, str]:
        """What processes that a part starts need in order to find modules."""
        return os.environ | {"PYTHONPATH": os.pathsep.join(self.paths), "PYTHONUNBUFFERED": "1"}

    @property
    def pictures(self) -> Path:
        """A folder for made-up pictures, one for all parts."""
        return Path(self.scratch) / "pictures"


def last_lines(text: str) -> list[str]:
    """Take the end of a traceback or an output."""
    return text.strip().splitlines()[-TOLD:]


class Figures:
    """What a part has found so far, kept in a file, so that nothing is lost when the part fails or is killed.

    Args:
        path: The file, JSON.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._values: dict[str, Any] = {}

    def note(self, **values: object) -> None:
        """Keep values under their names."""
        self._values.update(values)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(self._values, default=str))
        fresh.replace(self._path)

    def check(self, group: str, name: str, work: Callable[[], object]) -> None:
        """Do some work, and keep what it returns or why it failed; others go on."""
        begin = time.perf_counter()
        said: dict[str, Any] = {"status": "ok"}
        try:
            found = work()
            said |= found if isinstance(found, dict) else {}
        except Skipped as reason:
            said = {"status": f"skipped: {reason}"}
        except Wrong as wrong:
            said = {"status": "failed", "error": [str(wrong)], **wrong.figures}
        except Exception:
            said = {"status": "failed", "error": last_lines(traceback.format_exc())}
        said["seconds"] = round(time.perf_counter() - begin, 3)
        self.note(**{group: self._values.get(group, {}) | {name: said}})

    def failed(self) -> list[str]:
        """Name the checks that failed."""
        return [
            f"{group}: {name}"
            for group, checks in self._values.items()
            if isinstance(checks, dict)
            for name, said in checks.items()
            if isinstance(said, dict) and said.get("status") == "failed"
        ]

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Raise at the end if a check failed.

        Raises:
            ChecksFailed: It names them.
        """
        yield
        if failed := self.failed():
            raise ChecksFailed(f"{len(failed)} checks failed: {'; '.join(failed)}")
