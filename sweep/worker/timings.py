"""Keep the timings of convolutions in the sweep's folder, so that its machines choose alike."""

from dataclasses import dataclass

from sweep.storage import layout
from sweep.storage.folder import Folder, MissingFileError


@dataclass(frozen=True)
class Timings:
    """The shelf of a sweep, see `ganlib.models.choice`: on machines of one kind the first timing holds for all."""

    folder: Folder

    def read(self, name: str) -> bytes | None:
        """Read what is kept under a name; None where nothing is."""
        try:
            return self.folder.read(f"{layout.CONVOLUTIONS}/{name}")
        except MissingFileError:
            return None

    def keep(self, name: str, data: bytes) -> bytes:
        """Keep data under a name, unless something is there; returns what is there then."""
        if self.folder.create_exclusive(f"{layout.CONVOLUTIONS}/{name}", data):
            return data
        return self.read(name) or data
