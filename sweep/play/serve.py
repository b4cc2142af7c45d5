"""Serve the page of an exported generator (``sweep play``).

The page is there at once; whatever needs the generator waits until it has been loaded. Pictures are asked for by their
addresses (`ganlib.export.addressed`), never sent by the page: each is the same whenever its address is opened.
"""

import threading
from http import HTTPStatus
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from ganlib.errors import RequestError, WorkError
from sweep.local_server import Answer, Asked, LocalServer, refusal

if TYPE_CHECKING:
    from sweep.play.answers import Answers

ASSETS = "assets"
LARGEST_PHOTO = 32 << 20
"""Bytes that a photograph's file may have."""
PAGE = "page.html"
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


class Server(LocalServer):
    """Serves the page of a generator until it is closed.

    Args:
        export: The folder that ``sweep best --export`` wrote.
        port: 0 for any that is free.

    Raises:
        RequestError: if the port is taken.
    """

    def __init__(self, export: Path, port: int = 0) -> None:
        super().__init__(port, LARGEST_PHOTO)
        self.export = export
        self._files = _assets()
        self._answers: Answers | None = None
        self._failed = ""
        self._loaded = threading.Event()

    def load(self) -> None:
        """Load the generator, for which the page waits.

        Raises:
            RequestError: if the folder is no export.
            WorkError: if its files are damaged.
        """
        try:
            from sweep.play.answers import Answers

            self._answers = Answers.of(self.export)
        except (RequestError, WorkError) as error:
            self._failed = str(error)
            raise
        finally:
            self._loaded.set()

    def answer(self, asked: Asked) -> Answer:
        """Give out a file of the page, or what the generator makes."""
        name = asked.name or PAGE
        if name in self._files:
            return Answer(
                self._files[name],
                _TYPES[name.rpartition(".")[2]],
                headers={"Content-Security-Policy": _POLICY},
            )
        self._loaded.wait()
        if self._answers is None:
            return refusal(
                self._failed or "The generator could not be loaded.", HTTPStatus.INTERNAL_SERVER_ERROR
            )
        try:
            return self._answers.answer(asked)
        except RequestError as error:
            return refusal(str(error), HTTPStatus.BAD_REQUEST)
        except WorkError as error:
            return refusal(str(error), HTTPStatus.INTERNAL_SERVER_ERROR)


def _assets() -> dict[str, bytes]:
    """Read the files of the page, by the names under which it asks for them."""
    found = {}
    root = resources.files("sweep.play") / ASSETS
    for prefix, folder in (("", root), ("js/", root / "js")):
        for file in folder.iterdir():
            if file.is_file() and file.name.rpartition(".")[2] in _TYPES:
                found[prefix + file.name] = file.read_bytes()
    return found
