"""One trial's whole configuration, and the rules that concern several sections."""

from typing import Annotated

from pydantic import Field, model_validator

from ganlib.config.ancestor import Ancestor
from ganlib.config.collapse import CollapseConfig
from ganlib.config.data import DataConfig, PhotosConfig
from ganlib.config.evaluate import EvaluateConfig
from ganlib.config.model import ModelConfig
from ganlib.config.section import Section, default, meaningless
from ganlib.config.train import TrainConfig
from ganlib.names import FAMILIES, LOSSES


class TrialConfig(Section):
    """One concrete configuration: everything that a trial's training depends on, beside its seed."""

    data: DataConfig
    """Which pictures, and how they are prepared."""
    photos: PhotosConfig | None = None
    """Which pictures a translator starts from; None for families that start from latents."""
    model: ModelConfig
    """Which networks."""
    train: TrainConfig
    """How they are trained."""
    evaluate: EvaluateConfig
    """How they are measured."""
    collapse: CollapseConfig
    """When a run is called dead."""
    ladder: Annotated[
        tuple[Annotated[tuple[float, Annotated[int, Field(ge=2)]], Field(strict=False)], ...],
        Field(strict=False),
    ] = ()
    """What follows from the sweep's rungs: (kimg, pictures), rising; up to the evaluation that reaches so many kimg, so
    many pictures are generated for each, and ``evaluate.n_fake`` afterwards and at the end
    (`ganlib.training.ladder`)."""
    ancestor: Ancestor | None = None
    """What ``model.init`` was found to be; None for fresh weights."""

    @model_validator(mode="after")
    def _options_of_family(self) -> "TrialConfig":
        family = self.model.family
        special = {option for entry in FAMILIES.values() for option in entry.options}
        for section in (self.model, self.train):
            for key in sorted(special & type(section).model_fields.keys()):
                changed = getattr(section, key) != default(type(section), key)
                if changed and key not in FAMILIES[family].options:
                    takers = [name for name, entry in FAMILIES.items() if key in entry.options]
                    raise ValueError(meaningless(key, family, "has no such option", takers))
        return self

    @model_validator(mode="after")
    def _limits_of_family(self) -> "TrialConfig":
        name, family = self.model.family, FAMILIES[self.model.family]
        if self.data.size not in family.sizes:
            *sizes, last = map(str, family.sizes)
            listed = f"{', '.join(sizes)} or {last}" if sizes else last
            raise ValueError(f"the family {name} makes pictures of {listed} pixels, not {self.data.size}")
        spectral = self.model.d_norm == "spectral"
        if (family.scales_weights or spectral) and LOSSES[self.train.loss].clips_weights:
            what = "a discriminator with d_norm spectral" if spectral else f"the family {name}"
            raise ValueError(
                f"the loss {self.train.loss} cannot train {what}: its weights are scaled when they are used "
                "(equalised learning rate, spectral normalisation), so clipping them limits nothing; use a loss that "
                "does not clip: "
                + ", ".join(other for other, loss in LOSSES.items() if not loss.clips_weights)
            )
        return self

    @model_validator(mode="after")
    def _begins_full_grown(self) -> "TrialConfig":
        if self.model.init is not None and self.train.grow_kimg:
            raise ValueError(
                "grow_kimg means nothing with init: a network that begins with weights has its full size; leave it out"
            )
        return self

    @model_validator(mode="after")
    def _two_domains(self) -> "TrialConfig":
        name, family = self.model.family, FAMILIES[self.model.family]
        translators = [other for other, entry in FAMILIES.items() if entry.translates]
        if family.translates and self.photos is None:
            raise ValueError(
                f"the family {name} turns photographs into the drawings of data, and needs a section photos beside it, "
                "such as photos: {source: path/to/photos}"
            )
        if self.photos is not None and not family.translates:
            raise ValueError(
                f"the section photos means nothing with the family {name}, which starts from latents; leave it out, or "
                f"choose a family that translates: {', '.join(translators)}"
            )
        sides = (self.data, self.photos) if self.photos else (self.data,)
        if family.translates and any(side.channels == 4 for side in sides):
            raise ValueError(
                f"the family {name} makes opaque pictures; give data.background and photos.background a colour"
            )
        if family.translates and any(side.channels == 1 for side in sides):
            raise ValueError(
                f"the family {name} turns RGB into RGB; leave data.channels and photos.channels out: grey pictures "
                "are read as RGB"
            )
        return self

    @model_validator(mode="after")
    def _told_classes(self) -> "TrialConfig":
        if self.data.labels is not None and not FAMILIES[self.model.family].conditional:
            able = ", ".join(name for name, entry in FAMILIES.items() if entry.conditional)
            raise ValueError(
                f"labels mean nothing to the family {self.model.family}, whose networks cannot be told classes; leave "
                f"data.labels out, or choose a family that can: {able}"
            )
        return self

    @model_validator(mode="after")
    def _landmarks_there(self) -> "TrialConfig":
        if self.train.landmark_weight and (self.photos is None or self.photos.landmarks is None):
            raise ValueError(
                "landmark_weight needs the points of the photographs; give photos.landmarks a file"
            )
        return self

    @model_validator(mode="after")
    def _penalty_without_batches(self) -> "TrialConfig":
        if LOSSES[self.train.loss].penalises_each and self.model.d_norm == "batch":
            raise ValueError(
                f"d_norm cannot be batch with the loss {self.train.loss}: its penalty is of each picture by itself; "
                "use instance, spectral or none"
            )
        return self
