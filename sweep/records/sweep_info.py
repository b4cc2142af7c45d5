"""The facts of a sweep that are not in its spec: ``sweep.json``, which is read, checked and written here alone."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from ganlib.errors import WorkError
from ganlib.metrics.identity import Floor
from sweep.records.schemas import to_json
from sweep.spec.schedule import Schedule
from sweep.storage.folder import Folder
from sweep.storage.layout import INFO

NEEDED = ("images", "data_hash", "budget", "trials")
"""What a sweep must have on record to go on."""


def parse_time(value: object) -> datetime | None:
    """Read a time from seconds since the epoch or ISO 8601 text (UTC if it names no zone); None for anything else."""
    try:
        if isinstance(value, datetime):
            return value
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value, UTC)
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


@dataclass(frozen=True)
class PlannedRun:
    """A run of a confirmation; its number is its place in the plan.

    Attributes:
        trial: The sweep's trial whose configuration it repeats.
        seed: Of its training.
    """

    trial: int
    seed: int


@dataclass(frozen=True)
class SweepInfo:
    """The facts of a sweep. What a sweep of an older version does not have on record is None, 0 or empty.

    Attributes:
        name: The name of the sweep and of its folder.
        created: When it was started.
        images: Pictures in the set.
        data_hash: SHA-256 (hex) of their content.
        skipped: Files that could not be used.
        left_out: Files that were not taken for pictures; None where nobody counted.
        attribution: Whom to credit for the pictures.
        prepared: How pictures were prepared, in words, where it was not as usual.
        extractor: Full name of the extractor, input size included.
        extractor_digest: SHA-256 (hex) of its weights.
        metric: What the search minimises, ``kid`` or ``fid``.
        trials: How many are planned.
        budget: How long a trial trains at most, in kimg.
        interval: Between two evaluations, in kimg.
        rungs: Where trials are compared, in kimg, rising.
        ladder: (kimg, pictures) of the evaluations before the full ones; see `ganlib.training.ladder`.
        floor: What held-out real pictures score.
        runner: ``ray`` or ``local``.
        device: The kind of device that trials ran on, such as ``cpu``.
        versions: Of this software and the packages that matter, by name.
        plan: Of a confirmation: its runs; None for a sweep.
    """

    name: str = ""
    created: Annotated[datetime | None, BeforeValidator(parse_time)] = None
    images: int = 0
    data_hash: str = ""
    skipped: int = 0
    left_out: int | None = None
    attribution: str = ""
    prepared: str = ""
    extractor: str = ""
    extractor_digest: str = ""
    metric: str = "kid"
    trials: int = 0
    budget: float = 0.0
    interval: float = 0.0
    rungs: tuple[float, ...] = ()
    ladder: tuple[tuple[float, int], ...] = ()
    floor: tuple[Floor, ...] = ()
    runner: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    plan: tuple[PlannedRun, ...] | None = None

    @classmethod
    def read(cls, folder: Folder, needed: tuple[str, ...] = ()) -> "SweepInfo":
        """Read the facts of the sweep in a folder.

        Args:
            folder: Of the sweep.
            needed: Facts without which there is no going on.

        Raises:
            MissingFileError: If the folder holds no sweep.
            WorkError: If the file is broken, or a needed fact is not in it.
        """
        data = folder.read(INFO)
        try:
            info = _adapter().validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            reason = f"{key}: {first['msg']}" if key else str(first["msg"])
            raise WorkError(f"'{folder}/{INFO}' is broken: {reason}") from None
        if lacking := [name for name in needed if not getattr(info, name)]:
            raise WorkError(f"'{folder}/{INFO}' is broken: it does not say {', '.join(lacking)}")
        return info

    def write(self, folder: Folder) -> None:
        """Write the facts into a sweep's folder."""
        folder.write(INFO, to_json(self.plain(), indent=2).encode())

    def plain(self) -> dict[str, Any]:
        """Give the facts as plain values; without a plan, a sweep has none."""
        plain = asdict(self)
        if self.plan is None:
            del plain["plan"]
        return plain

    @property
    def key(self) -> str:
        """Tell the sweep from every other, also from one of its name: by its start, as digits; else by its name."""
        return f"{self.created.astimezone(UTC):%Y%m%d%H%M%S%f}" if self.created else self.name

    @property
    def schedule(self) -> Schedule:
        """When things happen in the sweep's trials."""
        return Schedule(self.images, self.budget, self.interval, self.rungs, self.ladder)


@cache
def _adapter() -> TypeAdapter[SweepInfo]:
    return TypeAdapter(SweepInfo)
