"""The sections of a spec that belong to the search, beside those of a trial in `ganlib.config`.

The text under each field says what it does and its unit; docs/systems.md is made from them (``make keys``).
"""

import math
import re
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    PhotosConfig,
    Section,
    TrainConfig,
    Unit,
)
from ganlib.config.schedules import Schedule, schedules_in
from sweep import durations
from sweep.spec.wishes.wish import Wish, conditions, wishes_of

Keep = Literal["none", "best", "all"]


MOST_TRIALS = 100_000
"""Of a sweep."""


class SearchConfig(Section):
    """The rules by which a sweep chooses configurations."""

    sampler: Literal["tpe", "random", "gp", "grid", "cmaes", "auto"] = "tpe"
    """How configurations are chosen: tree-structured Parzen estimator (Bergstra 2011), at random, Gaussian process,
    every point of a grid, or CMA-ES (Hansen 2001); Optuna's. ``auto``: ``gp`` for the first trials of a small space of
    numbers, else ``tpe`` ([the rule](search.md#which-sampler-auto-takes))."""
    trials: int = Field(16, ge=1, le=MOST_TRIALS)
    """Configurations that are tried."""
    time: Annotated[str | None, AfterValidator(durations.checked)] = None
    """How long the sweep may take, such as ``30m`` or ``1h30m``, over all resumes: then no trial begins, and those that
    run end with the best that they have. Null: until all trials have ended."""
    seed: int = Field(0, ge=0, lt=2**32)
    """Seed of the choice; a trial's own seed follows from it and from the trial's number."""
    metric: Literal["kid", "fid", "mmd", "mind"] = "kid"
    """What is minimised: KID (Binkowski 2018), which does not depend on the number of pictures; FID (Heusel 2017); the
    distance with a Gaussian kernel, ``mmd``, which is CMMD with the extractor ``clip@cmmd`` (Jayasumana 2024); or the
    sliced Wasserstein distance MIND (Berthet 2026). See [metrics.md](metrics.md)."""
    subject_to: Annotated[dict[str, str], AfterValidator(conditions)] = Field(default_factory=dict)
    """What else is wanted of a trial's result, a condition for each measure, such as ``{coverage: '>= 0.5', params: '<=
    5e6'}``: trials that break one cannot win ([more than one wish](search.md#more-than-one-wish))."""

    @property
    def wishes(self) -> tuple[Wish, ...]:
        """What is wanted of a trial's result beside its metric."""
        return wishes_of(self.subject_to)

    @property
    def seconds(self) -> float:
        """How long the sweep may take, in seconds; infinity where nothing is said."""
        return math.inf if self.time is None else durations.seconds(self.time)


class AshaConfig(Section):
    """Early stopping (ASHA, Li 2018): rungs at ``grace * reduction**k``, below ``max``, in ``unit``.

    At each rung a trial goes on only if it is as good as the best 1/``reduction`` of those that came there before.
    A trial meets a rung at its first evaluation at or after the rung.
    """

    grace: float = Field(gt=0)
    """The first rung, in ``unit``: no trial is stopped before."""
    reduction: float = Field(2.0, ge=1.1, le=1000)
    """One of so many trials goes on at a rung, and the next rung is so many times as far."""
    max: float | None = Field(None, gt=0)
    """How long a trial trains at most, in ``unit``; null: as long as ``train`` says."""
    variant: Literal["stop", "promote"] = "promote"
    """What becomes of a trial that is not good enough at a rung: its end (``stop``), or it waits there, with a
    checkpoint, and goes on when it is among the best 1/``reduction`` after all (``promote``, Li's own)."""
    tolerance: float = Field(0.0, ge=0, le=10)
    """A trial goes on though it is worse than the others by up to so many standard errors of its KID, which noise may
    explain; FID has none."""
    variety: float = Field(0.0, ge=0, lt=1)
    """A trial ends at a rung, however good its metric is, where its pictures have less than this share of the variety
    of real ones (Vendi scores beyond 1, ``vendi`` and ``real_vendi``); 0: variety does not count at rungs."""
    patience: float | None = Field(None, gt=0)
    """A trial ends early, with its best snapshot, when it was no better by its own standard error for so long, in
    ``unit``; null: it trains on."""
    unit: Unit = "epochs"
    """Unit of ``grace``, ``max`` and ``patience``: passes over all pictures, or thousands of real pictures shown."""

    @property
    def promotes(self) -> bool:
        """Whether a trial that is stopped may go on later."""
        return self.variant == "promote"

    @model_validator(mode="after")
    def _grace_before_max(self) -> "AshaConfig":
        if self.max is not None and self.grace >= self.max:
            raise ValueError(f"grace {self.grace:g} must be below max {self.max:g}")
        return self


def promoting(asha: AshaConfig | None, time: str | None) -> AshaConfig | None:
    """Give the rungs of a sweep in which a trial may go on though all have ended; None where none may.

    Args:
        asha: The section of the spec.
        time: Its ``search.time``: what was stopped when that was over remains so.
    """
    return asha if asha and asha.promotes and time is None else None


def _the_word_auto(word: str) -> str:
    if word != "auto":
        raise ValueError("must be a number, such as 0.25, or auto")
    return word


def _kinds(value: str | list[str] | None) -> str | list[str] | None:
    for kind in [value] if isinstance(value, str) else value or ():
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", kind):
            raise ValueError(f"must be names of kinds of GPUs as Ray has them, such as A100, got {kind!r}")
    return value


# By what is written, so that a mistake is told as one in a number or in a word.
Gpus = Annotated[
    # A trial trains on one GPU: others would idle.
    Annotated[float, Field(ge=0, le=1), Tag("number")]
    | Annotated[Literal["auto"], BeforeValidator(_the_word_auto), Tag("word")],
    Discriminator(lambda value: "word" if isinstance(value, str) else "number"),
]


class ResourcesConfig(Section):
    """What one trial gets, and what becomes of it when its worker is lost."""

    gpu: Gpus = 0.0
    """The part of a GPU that a trial gets: 1 for a whole one, below that several trials share it, 0 is none; ``auto``:
    the part that its memory needs by a few steps on this machine's GPU, at least 1/8, and 0 where there is none."""
    accelerator: Annotated[str | list[str] | None, AfterValidator(_kinds)] = None
    """Kinds of GPUs that trials run on, by Ray's names (its label ``ray.io/accelerator-type``), such as ``A100`` or
    ``[A100, H100]``, on a cluster that has several; null: any."""
    packing: Literal["auto", "on", "off"] = "auto"
    """Whether trials that share a GPU do so in one process (``auto``), or in processes that take turns, each limited to
    its part of the memory (``off``; with ``--local`` a trial then runs alone and has the whole). ``on`` packs trials
    on CPUs too, where they only wait for each other: for trying it out."""
    cpu: float = Field(1.0, gt=0, le=4096)
    """Processor cores of a trial."""
    max_concurrent: int | None = Field(None, ge=1)
    """Trials that run at once, at most; null: as many as there is room for."""
    max_failures: int = Field(2, ge=0, le=1000)
    """Times that a trial goes on from its checkpoint after its worker died, raised or gave no sign of life."""
    max_preemptions: int = Field(100, ge=0, le=100_000)
    """Times that a trial goes on elsewhere after its machine was taken away, as clouds and job systems do; these are no
    failures."""
    timeout: float = Field(1800.0, ge=1, le=1e6)
    """Seconds without a sign of life after which a worker counts as stuck; every training step and every batch of
    pictures that is measured is a sign, and the metrics of all pictures together are one step."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of GPUs that trials run on; none where any will do."""
        return (self.accelerator,) if isinstance(self.accelerator, str) else tuple(self.accelerator or ())

    @property
    def gpus(self) -> float:
        """GPUs of a trial, once that is known: ``auto`` is settled before anything is run."""
        assert self.gpu != "auto"
        return self.gpu

    def packed(self, gpu: float) -> bool:
        """Say whether trials that get ``gpu`` of a GPU each (0: there is none) are trained in one process."""
        return self.packing == "on" or (self.packing == "auto" and 0 < gpu <= 0.5)


class KeepConfig(Section):
    """What is kept of a trial that has ended; the weights of the sweep's best trial are always kept."""

    finished: Keep = "best"
    """Of a trial that trained to its end: its best generator (``best``), also its last checkpoint (``all``), or
    nothing (``none``)."""
    stopped: Keep = "none"
    """Of a stopped, collapsed or failed trial, as ``finished``; it takes effect when the sweep ends."""


SECTIONS: dict[str, type[Section]] = {
    "data": DataConfig,
    "photos": PhotosConfig,
    "model": ModelConfig,
    "train": TrainConfig,
    "evaluate": EvaluateConfig,
    "collapse": CollapseConfig,
    "search": SearchConfig,
    "asha": AshaConfig,
    "resources": ResourcesConfig,
    "keep": KeepConfig,
}
TRACKERS = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""The programs that can be told how trials go, and the package that each needs."""
SEARCHABLE = ("model", "train")
OPTIONAL = ("photos", "asha")
"""The sections that stand for nothing where they are left out, or null; all others have their defaults."""
MEASURED = ("data", "photos", "evaluate", "collapse")
"""The sections of a trial that are the same for all trials of a sweep, or they could not be compared."""
NOT_SEARCHABLE = {
    "train.epochs": "the budget is the same for all trials of a sweep, or ASHA could not compare them",
    "train.kimg": "the budget is the same for all trials of a sweep, or ASHA could not compare them",
}
"""The keys of searchable sections that cannot be searched, and why."""
FIELDS = {
    f"{section}.{name}": (model, name) for section, model in SECTIONS.items() for name in model.model_fields
}

SCHEDULES: dict[str, type[Schedule[float]]] = {
    path + place: schedule
    for path, (section, name) in FIELDS.items()
    for place, schedule in schedules_in(section.model_fields[name].annotation).items()
}
"""Where a schedule may stand: ``train.lr_g``, ``train.betas[1]``."""
PARTS: dict[str, tuple[type[Section], str]] = {
    f"{path}.{field.alias or name}": (schedule, name)
    for path, schedule in SCHEDULES.items()
    for name, field in schedule.model_fields.items()
}
"""The parts of schedules, such as ``train.lr_g.from``, which can be searched."""


def steps_of(path: str) -> list[str | int]:
    """Split the path of a key or of a part of its value: ``train.betas[1].to`` is train, betas, 1, to."""
    return [int(step) if step.isdecimal() else step for step in re.findall(r"[^.\[\]]+", path)]


def key_of(path: str) -> str:
    """Return the key that a path leads to or into: ``train.betas`` of ``train.betas[1].to``."""
    return ".".join(map(str, steps_of(path)[:2]))


PLACES = [place for path in FIELDS for place in (path, *(part for part in PARTS if key_of(part) == path))]
"""All keys and parts of schedules, in the order of the sections, parts behind their key."""


def _holds_text(path: str) -> bool:
    section, name = FIELDS[path]
    annotation = section.model_fields[name].annotation
    kinds = () if get_origin(annotation) is dict else get_args(annotation)
    return path.split(".")[0] not in SEARCHABLE and str in (annotation, *kinds)


TEXTS = ("name", *(path for path in FIELDS if _holds_text(path)))
"""Keys whose value is text even where YAML would read something else: a folder may be called ``2024``."""
PATHS = (
    *("data.source", "data.labels", "photos.source", "photos.landmarks"),
    *("evaluate.weights", "train.content_weights"),
)
"""Keys whose text is the path of a file or folder."""


def default_of(path: str) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give the default of a key, with a list for a tuple, as YAML and JSON have it."""
    section, name = FIELDS[path]
    value = section.model_fields[name].get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value
