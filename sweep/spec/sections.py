"""The sections of a spec and their fields: those of the search itself, beside those of a trial in `ganlib.config`."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from ganlib.config import (
    CollapseConfig,
    DataConfig,
    EvaluateConfig,
    ModelConfig,
    Section,
    TrainConfig,
    TrialConfig,
    Unit,
)

Keep = Literal["none", "best", "all"]


def _whole_above_one(gpu: float) -> float:
    if gpu > 1 and not float(gpu).is_integer():
        raise ValueError(f"must be a whole number when above 1, got {gpu:g}")
    return gpu


class SearchConfig(Section):
    """The rules by which a sweep chooses configurations.

    Attributes:
        sampler: How values are drawn: ``tpe``, ``gp`` and ``cmaes`` learn from ended trials, ``random`` and ``grid``
            (every combination, in seeded order) do not.
        trials: How many trials are run at most.
        seed: The seed of the draws, and of the trials' own seeds.
        metric: What is minimised.
    """

    sampler: Literal["tpe", "random", "gp", "grid", "cmaes"] = "tpe"
    trials: int = Field(16, ge=1, le=100_000)
    seed: int = Field(0, ge=0, lt=2**32)
    metric: Literal["kid", "fid"] = "kid"


class AshaConfig(Section):
    """The rungs of early stopping: at ``grace * reduction**k`` for k = 0, 1, ..., below ``max``.

    At each rung a trial goes on only if it is as good as the best 1/``reduction`` of those that came there before.
    A trial meets a rung at its first evaluation at or after the rung.

    Attributes:
        grace: Where the first rung is, in ``unit``.
        reduction: The factor between two rungs.
        max: How long a trial trains at most, in ``unit``; None: as long as ``train`` says.
        unit: Whether the section counts in epochs or kimg.
    """

    grace: float = Field(gt=0)
    reduction: float = Field(3.0, ge=1.1, le=1000)
    max: float | None = Field(None, gt=0)
    unit: Unit = "epochs"

    @model_validator(mode="after")
    def _grace_before_max(self) -> "AshaConfig":
        if self.max is not None and self.grace >= self.max:
            raise ValueError(f"grace {self.grace:g} must be below max {self.max:g}")
        return self


class ResourcesConfig(Section):
    """The resources of each trial, and how often a trial is taken up again.

    A trial whose worker dies, raises or gives no sign of life for ``timeout`` seconds goes on from its checkpoint,
    ``max_failures`` times. Every training step and every batch of pictures that is measured is a sign of life; the
    metrics of all pictures together are one step.

    Attributes:
        gpu: How many GPUs a trial gets; below 1, several trials share one, and 0 is none.
        cpu: How many CPU cores a trial gets.
        max_concurrent: How many trials run at once at most; None: as many as the resources allow.
        max_failures: How often a trial goes on after its worker has failed.
        timeout: How many seconds without a sign of life end a worker.
    """

    gpu: Annotated[float, AfterValidator(_whole_above_one)] = Field(0.0, ge=0, le=64)
    cpu: float = Field(1.0, gt=0, le=4096)
    max_concurrent: int | None = Field(None, ge=1)
    max_failures: int = Field(2, ge=0, le=1000)
    timeout: float = Field(1800.0, ge=1, le=1e6)


class KeepConfig(Section):
    """The files that are kept of ended trials: the best generator, also the last checkpoint (``all``), or none.

    The generators of the sweep's best trials are always kept.

    Attributes:
        finished: What is kept of a trial that reached its budget.
        stopped: What is kept of a trial that was stopped, collapsed or failed, from the end of the sweep on.
    """

    finished: Keep = "best"
    stopped: Keep = "none"


SECTIONS: dict[str, type[Section]] = {
    "data": DataConfig,
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
NOT_SEARCHABLE = {
    "train.epochs": "the budget is the same for all trials of a sweep, or ASHA could not compare them",
    "train.kimg": "the budget is the same for all trials of a sweep, or ASHA could not compare them",
}
"""The keys of searchable sections that cannot be searched, and why."""
FIELDS = {
    f"{section}.{name}": (model, name) for section, model in SECTIONS.items() for name in model.model_fields
}


def _holds_text(path: str) -> bool:
    section, name = FIELDS[path]
    annotation = section.model_fields[name].annotation
    return path.split(".")[0] not in SEARCHABLE and str in (annotation, *get_args(annotation))


TEXTS = ("name", *(path for path in FIELDS if _holds_text(path)))
"""Keys whose value is text even where YAML would read something else: a folder may be called ``2024``."""
PATHS = ("data.source", "evaluate.weights")
"""Keys whose text is the path of a file or folder."""


def default_of(path: str) -> Any:  # noqa: ANN401 - whatever the field holds
    """Give the default of a key, with a list for a tuple, as YAML and JSON have it."""
    section, name = FIELDS[path]
    value = section.model_fields[name].get_default(call_default_factory=True)
    return list(value) if isinstance(value, tuple) else value


def build_trial(
    data: DataConfig, evaluate: EvaluateConfig, collapse: CollapseConfig, values: Mapping[str, Any]
) -> TrialConfig:
    """Make the configuration of one trial.

    Args:
        data: The section of the spec, like ``evaluate`` and ``collapse``.
        evaluate: How generators are measured.
        collapse: When a trial is called dead.
        values: The values of keys of ``model`` and ``train`` by path; a key that is left out has its default.

    Raises:
        pydantic.ValidationError: If the values do not go together.
    """
    parts: dict[str, dict[str, Any]] = {section: {} for section in SEARCHABLE}
    for path, value in values.items():
        section, name = path.split(".")
        parts[section][name] = value
    model, train = ModelConfig.model_validate(parts["model"]), TrainConfig.model_validate(parts["train"])
    return TrialConfig(data=data, model=model, train=train, evaluate=evaluate, collapse=collapse)
