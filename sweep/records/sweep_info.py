"""The facts of a sweep that are not in its spec, with the reader and writer of their file ``sweep.json``."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from ganlib.config import Ancestor
from ganlib.errors import RequestError, WorkError
from ganlib.metrics.identity import Baseline, Floor
from sweep.records.datasets import Store
from sweep.records.parts.sealed import DamagedPartError, read_part
from sweep.records.schemas import SCHEMAS, to_json
from sweep.spec.schedule import Schedule
from sweep.spec.wishes.wish import Wish, wishes_of
from sweep.storage.called import called
from sweep.storage.folder import Folder
from sweep.storage.layout import CONFIRMATION, INFO, is_part

if TYPE_CHECKING:
    from ganlib.config import TrialConfig

NEEDED = ("images", "data_hash", "budget", "trials")
"""The facts without which a sweep cannot go on."""


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


class BrokenInfoError(WorkError):
    """A ``sweep.json`` that cannot be read.

    Args:
        folder: Of the sweep.
        why: What is wrong with it.
    """

    def __init__(self, folder: Folder, why: str) -> None:
        looked_at = folder.name != CONFIRMATION
        hint = f"; 'sweep check {called(folder)}' says what to do" if looked_at else ""
        super().__init__(f"'{folder}/{INFO}' is broken: {why}{hint}")
        self.folder, self.why = folder, why


@dataclass(frozen=True)
class PlannedRun:
    """A planned run of a confirmation; the number of the run is its position in the plan.

    Attributes:
        trial: The number of the sweep's trial whose configuration the run repeats.
        seed: The seed of the run's training.
    """

    trial: int
    seed: int


@dataclass(frozen=True)
class SweepInfo:
    """The facts of one sweep; a fact that older versions did not record is None, 0 or empty.

    Attributes:
        name: The name of the sweep and of its folder.
        created: When the sweep was started.
        images: Number of pictures in the data set.
        photos: Number of photographs that translators start from; 0 for other families.
        data_hash: SHA-256 (hex) of the content of the pictures; of two domains, of both.
        drawings_hash: SHA-256 (hex) of the content of the drawings alone; empty where there is one domain.
        skipped: Number of files that could not be used.
        left_out: Number of files that were not taken for pictures; None where they were not counted.
        duplicates: Number of pictures that equal another one, or nearly.
        deduped: Number of those that were left out; all or none of each domain.
        attribution: Whom to credit for the pictures.
        prepared: How pictures were prepared, in words; empty for the usual way.
        classes: The classes of the pictures, in order, with the number of pictures in each; empty without labels.
        extractor: Full name of the extractor, input size included.
        extractor_digest: SHA-256 (hex) of the extractor's weights.
        metric: The metric that the search minimises, one of `ganlib.names.METRICS`.
        subject_to: What else is wanted of a trial's result, a condition for each measure.
        trials: Number of planned trials.
        budget: How long a trial trains at most, in kimg.
        interval: Time between two evaluations, in kimg.
        rungs: Where trials are compared, in kimg, rising.
        ladder: (kimg, pictures) of the evaluations before the full ones; see `ganlib.training.ladder`.
        floor: The scores of held-out real pictures.
        baseline: The scores of photographs in place of the drawings made of them; empty where none are made.
        runner: The runner of the trials, ``ray`` or ``local``.
        device: The kind of device that trials ran on, such as ``cpu``.
        versions: Versions of this software and of the packages that its numbers depend on, by name.
        plan: The runs of a confirmation; None for a sweep.
        ancestors: What the values of ``model.init`` were found to be, by value.
    """

    name: str = ""
    created: Annotated[datetime | None, BeforeValidator(parse_time)] = None
    images: int = 0
    photos: int = 0
    data_hash: str = ""
    drawings_hash: str = ""
    skipped: int = 0
    left_out: int | None = None
    duplicates: int = 0
    deduped: int = 0
    attribution: str = ""
    prepared: str = ""
    classes: tuple[tuple[str, int], ...] = ()
    extractor: str = ""
    extractor_digest: str = ""
    metric: str = "kid"
    subject_to: Mapping[str, str] = field(default_factory=dict)
    trials: int = 0
    budget: float = 0.0
    interval: float = 0.0
    rungs: tuple[float, ...] = ()
    ladder: tuple[tuple[float, int], ...] = ()
    floor: tuple[Floor, ...] = ()
    baseline: tuple[Baseline, ...] = ()
    runner: str = ""
    device: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    plan: tuple[PlannedRun, ...] | None = None
    ancestors: Mapping[str, Ancestor] = field(default_factory=dict)

    def rooted(self, config: "TrialConfig") -> "TrialConfig":
        """Name in a trial's configuration what its weights at the beginning are."""
        if config.model.init is None:
            return config
        return config.model_copy(update={"ancestor": self.ancestors[config.model.init]})

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """What is wanted of a trial's result beside the metric."""
        return wishes_of(self.subject_to)

    @property
    def told_duplicates(self) -> list[str]:
        """Say how many duplicates were left out and how many were not, a part of a sentence each."""
        kept = self.duplicates - self.deduped
        counts = ((self.deduped, "left out"), (kept, "among them"))
        return [f"{count:,} duplicate{'s' * (count > 1)} {words}" for count, words in counts if count]

    @classmethod
    def read(cls, folder: Folder, needed: tuple[str, ...] = ()) -> "SweepInfo":
        """Read the facts of the sweep in a folder.

        Args:
            folder: The folder of the sweep.
            needed: The names of facts that must be there, such as `NEEDED`.

        Raises:
            MissingFileError: If the folder holds no sweep.
            BrokenInfoError: If the file is broken, or a needed fact is not in it.
        """
        data = folder.read(INFO)
        try:
            info = _adapter().validate_json(data)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            key = ".".join(str(part) for part in first["loc"])
            reason = f"{key}: {first['msg']}" if key else str(first["msg"])
            raise BrokenInfoError(folder, reason) from None
        if lacking := [name for name in needed if not getattr(info, name)]:
            raise BrokenInfoError(folder, f"it does not say {', '.join(lacking)}")
        return info

    def check_columns(self, store: Store) -> None:
        """Refuse to go on with records whose columns are others than this version's.

        Raises:
            RequestError: If a dataset has them; names some, and the version that the sweep was begun with.
        """
        if foreign := foreign_columns(store.folder):
            begun = self.versions.get("sweep", "of another version")
            raise RequestError(
                f"'{self.name}' was begun with sweep {begun}, whose records have other columns ("
                f"{', '.join(foreign[:3])}{', ...' if len(foreign) > 3 else ''}): go on with that version, or start a "
                "new sweep. 'sweep ls', 'show', 'best' and 'report' read it"
            )

    def write(self, folder: Folder) -> None:
        """Write the facts into a sweep's folder.

        Raises:
            StorageError: If the file cannot be written.
        """
        folder.write(INFO, to_json(self.plain(), indent=2).encode())

    def plain(self) -> dict[str, Any]:
        """Give the facts as plain values by name; ``plan`` is left out where there is none."""
        plain = asdict(self)
        if self.plan is None:
            del plain["plan"]
        return plain | {"ancestors": {value: one.model_dump() for value, one in self.ancestors.items()}}

    @property
    def key(self) -> str:
        """Tell the sweep from every other, also from one of its name: by its start, as digits; else by its name."""
        return f"{self.created.astimezone(UTC):%Y%m%d%H%M%S%f}" if self.created else self.name

    @property
    def pictures_hash(self) -> str:
        """Identify the pictures that generated ones are compared with."""
        return self.drawings_hash or self.data_hash

    @property
    def schedule(self) -> Schedule:
        """Times at which things happen in the sweep's trials."""
        return Schedule(self.images, self.budget, self.interval, self.rungs, self.ladder)


@cache
def _adapter() -> TypeAdapter[SweepInfo]:
    return TypeAdapter(SweepInfo)


def foreign_columns(folder: Folder) -> list[str]:
    """Name the columns that parts on record lack or have beyond this version's, by one part of each dataset.

    Searched values (``param.*``) differ from sweep to sweep, and do not count.
    """
    found = []
    for dataset, schema in SCHEMAS.items():
        parts = [name for name in folder.names(dataset) if is_part(name)]
        if parts:
            with suppress(DamagedPartError):  # who needs the part will say so
                theirs = read_part(folder, dataset, f"{dataset}/{parts[0]}").column_names
                differ = {name for name in theirs if not name.startswith("param.")} ^ set(schema.names)
                found += [f"{dataset}.{name}" for name in sorted(differ)]
    return found
