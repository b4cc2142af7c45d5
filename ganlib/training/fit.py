"""Train as an iterator: one evaluation after another, and no policy.

The caller decides what becomes of a run: report it, stop it, plot it. The clock is kimg, thousands of
real images shown to the discriminator; evaluations come at fixed kimg, so that trials compare.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from ganlib.clock import budget_of, evaluation_after, kimg_of, pictures_of
from ganlib.config import TrialConfig
from ganlib.data.labels.classes import Classes
from ganlib.domains.edges import promoted
from ganlib.errors import RequestError
from ganlib.metrics import TranslationEvaluator
from ganlib.models.inputs import inputs_of
from ganlib.models.start import Start
from ganlib.names import FAMILIES, Extent
from ganlib.steps.adversarial import AdversarialStep
from ganlib.steps.capture import recorded
from ganlib.steps.stream import Batches, stream_of
from ganlib.training.evaluating import evaluated
from ganlib.training.evaluation import Evaluation
from ganlib.training.given import check_given
from ganlib.training.making import Scorer

GRID = 64
"""Inputs whose pictures are looked at in each evaluation; those of latents are its sample grid."""


class Interrupted(Exception):
    """No error: training was asked to pause. `Fit.state` is whole and can be resumed."""


class Fit(Iterator[Evaluation]):
    """A training run; iterate over it to get one `Evaluation` after another.

    Args:
        config: networks, training, evaluation; ``config.data.size`` must be the pictures' size.
        pictures: ``(n, size, size, c)`` uint8, RGB or RGBA as ``config.data.channels`` says, may be a memory map. For a
            family that translates, the drawings.
        evaluator: measures generated pictures.
        photos: ``(m, size, size, 3)`` uint8, what a family that translates turns into drawings.
        edges: ``(n, size, size, 3)`` uint8, the drawings with blurred edges (`ganlib.domains.edges`), for families that
            train on them; made of ``pictures`` where they are not given.
        landmarks: ``(m, k, 2)`` float32, points of each photograph (`ganlib.domains.landmarks`).
        classes: of the pictures, for networks that are told them; None trains without labels.
        seed: of weights, order and all random numbers. Equal (config, seed, pictures) give equal numbers on one machine
            with one number of threads.
        device: ``"cpu"`` or ``"cuda"``.
        start: the weights that ``config.model.init`` names (`ganlib.export.start.load_start`); optimizers, clock and
            noise begin anew.
        resume: what `Fit.state` returned.
        interrupt: asked before every step; when it says True, iteration raises `Interrupted` and can simply be
            asked again.
        alive: called before every batch of an evaluation, which is not interrupted.
        apart: calls an evaluation and returns what it returns, perhaps in another thread; it may raise `Interrupted`
            before it has ended, and is given that evaluation again when iteration is asked again, also after a resume.
        extent: how much evaluations measure (see `ganlib.metrics.Evaluator.score`).
        extent_at_end: how much the last one measures.
        used: a run on the same pictures that nobody goes on with; its recorded steps are used where they fit.

    Raises:
        RequestError: fewer pictures than a batch, pictures of another size, no budget, or weights to begin with that
            are missing or do not fit.

    Example:
        >>> import numpy as np
        >>> from ganlib.config import CollapseConfig, DataConfig, EvaluateConfig, ModelConfig, TrainConfig, TrialConfig
        >>> from ganlib.metrics import Evaluator
        >>> config = TrialConfig(
        ...     data=DataConfig(size=28), model=ModelConfig(width=4), collapse=CollapseConfig(),
        ...     train=TrainConfig(batch_size=32, kimg=0.064),
        ...     evaluate=EvaluateConfig(every=0.032, unit="kimg", n_fake=16),
        ... )
        >>> pictures = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 3), np.uint8)
        >>> evaluator = Evaluator(pictures, "noise", config.evaluate)
        >>> for evaluation in fit(config, pictures, evaluator):
        ...     print(evaluation.kimg, evaluation.score.n_fake, evaluation.last)
        0.032 16 False
        0.064 16 True
    """

    def __init__(
        self,
        config: TrialConfig,
        pictures: np.ndarray,
        evaluator: Scorer | TranslationEvaluator,
        *,
        photos: np.ndarray | None = None,
        edges: np.ndarray | None = None,
        landmarks: np.ndarray | None = None,
        classes: Classes | None = None,
        seed: int = 0,
        device: torch.device | str = "cpu",
        start: Start | None = None,
        resume: dict[str, Any] | None = None,
        interrupt: Callable[[], bool] = lambda: False,
        alive: Callable[[], None] = lambda: None,
        apart: Callable[[Callable[[], Evaluation]], Evaluation] = lambda work: work(),
        extent: Extent = "brief",
        extent_at_end: Extent = "full",
        used: "Fit | None" = None,
    ) -> None:
        train, evaluate, family = config.train, config.evaluate, FAMILIES[config.model.family]
        self.config, self.evaluator = config, evaluator
        self.interrupt, self.alive, self.apart = interrupt, alive, apart
        self.extent, self.extent_at_end = extent, extent_at_end
        self.device = torch.device(device)
        self.images = len(pictures)
        budget = budget_of(train.epochs, train.kimg, self.images)
        if budget is None:
            raise RequestError("train.epochs or train.kimg must say how long to train")
        check_given(config, pictures, photos, classes, start)
        self.budget_pictures = pictures_of(budget)
        self.interval_kimg = kimg_of(evaluate.every, evaluate.unit, self.images)
        shown = int(resume["shown"]) if resume else 0
        self.inputs = inputs_of(config.model, pictures, photos, classes)
        edges = edges if edges is not None or not family.edges else promoted(pictures)
        self.landmarks = None if landmarks is None else torch.from_numpy(landmarks).to(self.device)
        self.start, self.seed = start, seed
        self.recorded = recorded(config.model_dump(mode="json"))
        self.step = self._fresh_step(seed)
        self.stream: Batches
        if used is not None and used.recorded == self.recorded:
            used.stream.begin(seed, shown)
            used.step.take_over(self.step)
            self.stream, self.step = used.stream, used.step
        else:
            of, size = classes.of if classes else None, train.batch_size
            self.stream = stream_of(pictures, photos, edges, size, seed, self.device, shown, of)
        self.steps, self._seconds, self.rollbacks, self.lr_factor = 0, 0.0, 0, 1.0
        self.restarted_at = (0, 0)
        """Pictures shown and steps taken when the networks began: more than none after a rollback to fresh ones."""
        self.reseeded = False
        """Whether ``resume`` is of another kind of device, so that random numbers begin anew."""
        if resume:
            self.reseeded = not self.step.load_state(resume["step"])
            self.steps, self._seconds = int(resume["steps"]), float(resume["seconds"])
            self.rollbacks, self.lr_factor = int(resume["rollbacks"]), float(resume["lr_factor"])
            self.restarted_at = _restarted_at(resume)
        self._began: float | None = None
        self.measured_kimg = float(resume["measured_kimg"]) if resume else 0.0
        self.shown = self.inputs.take(GRID).to(self.device)
        self._evaluating: Callable[[], Evaluation] | None = None

    def _fresh_step(self, seed: int) -> AdversarialStep:
        config = self.config
        make: type[AdversarialStep] = FAMILIES[config.model.family].load_step()
        step = make(config.data, config.model, config.train, seed, self.device, len(self.inputs.classes))
        step.landmarks = self.landmarks
        if self.start is not None:
            self.start.put(step.generator, step.average, step.discriminator)
        return step

    @property
    def kimg(self) -> float:
        """Thousands of real images shown so far."""
        return self.stream.shown / 1000

    @property
    def epoch(self) -> float:
        """Times that every picture was shown, on average."""
        return self.stream.shown / self.images

    def __next__(self) -> Evaluation:
        if self._evaluating is None:
            self._evaluating = self._trained()
        evaluation = self.apart(self._evaluating)
        self._begin_interval()
        return evaluation

    def pass_over(self, kimg: float) -> None:
        """Train up to an evaluation that was made before, and go on as training does after it without making it.

        Evaluations change nothing that training depends on but ``measured_kimg``; their seconds count once.

        Args:
            kimg: Of the evaluation.

        Raises:
            Interrupted: as iteration does; call it again.
        """
        self._train_until(pictures_of(kimg))
        self._begin_interval()

    def _begin_interval(self) -> None:
        """Begin the next interval, once the evaluation at the end of the last one has been made.

        Not before: until then `state` holds all that it is made of, for whoever goes on where it was interrupted.
        """
        self.step.read_means()
        self._seconds, self._began, self._evaluating = 0.0, None, None
        self.measured_kimg = self.kimg

    def _trained(self) -> Callable[[], Evaluation]:
        """Train up to the next evaluation, which is returned to be called."""
        measured = round(self.measured_kimg * 1000)
        if measured >= self.budget_pictures:
            raise StopIteration
        # Also while others of a process have their turns: it goes on as fast as it can beside them.
        self._began = self._began or time.perf_counter()
        # Not from what was shown: an evaluation that was interrupted is still due.
        self._train_until(evaluation_after(measured, self.interval_kimg, self.budget_pictures))
        means = self.step.means()  # waits for the device, so that the time is true
        self.pause()
        return partial(evaluated, self, means, self._seconds)

    def _trained_for(self) -> float:
        """Count the seconds of the interval so far."""
        return self._seconds + (time.perf_counter() - self._began if self._began else 0.0)

    def _train_until(self, shown: int) -> None:
        while self.stream.shown < shown:
            if self.interrupt():
                raise Interrupted
            self._schedule()
            self.step(self.stream)
            self.steps += 1

    def _schedule(self) -> None:
        train = self.config.train
        decays = sum(self.epoch >= milestone for milestone in train.milestones)
        progress = self.stream.shown / self.budget_pictures
        factor = train.gamma**decays * self.lr_factor
        if train.decay_from is not None and progress > train.decay_from:
            factor *= (1 - progress) / (1 - train.decay_from)
        trained_on = self.stream.shown - self.restarted_at[0]
        after = (trained_on + self.step.pictures_per_step) / 1000
        self.step.schedule(after, factor, progress, trained_on / self.images)

    def roll_back(self, state: dict[str, Any] | None, lr_factor: float) -> None:
        """Go on from older weights with fresh noise and smaller steps. The clock and the order of pictures go on.

        What follows how long the networks were trained begins anew with fresh ones: the average's ramp, growth,
        ``pretrain``, and the steps before which no run is judged.

        Args:
            state: what `state` returned when all was well; None for the weights that training began with.
            lr_factor: what both learning rates are multiplied by from now on.
        """
        self.rollbacks += 1
        self.lr_factor *= lr_factor
        seed = self.seed + 2**31 * self.rollbacks
        if state is None:
            self.step = self._fresh_step(seed)
            self.restarted_at = (self.stream.shown, self.steps)
        else:
            self.step.load_state(state["step"])
            self.restarted_at = _restarted_at(state)
            self.step.random.manual_seed(seed)

    def pause(self) -> None:
        """Stop the clock of training until it goes on."""
        self._seconds, self._began = self._trained_for(), None

    def let_go(self) -> None:
        """Ask nobody any more: who trained with it is gone, though its step may still be used."""
        self.interrupt, self.apart, self._evaluating = lambda: False, lambda work: work(), None

    def state(self, wait: bool = True) -> dict[str, Any]:
        """Copy all that training depends on: ``fit(..., resume=state)`` goes on to the last bit (on a CPU).

        It can also be resumed on another kind of device; then random numbers begin anew (``reseeded``).

        Args:
            wait: Whether the copy is whole when this returns. Without, a GPU goes on training, and the copy is whole
                when what `ganlib.steps.copies.mark` returns has been called.
        """
        return {
            "shown": self.stream.shown,
            "steps": self.steps,
            "measured_kimg": self.measured_kimg,
            "seconds": self._trained_for(),
            "rollbacks": self.rollbacks,
            "lr_factor": self.lr_factor,
            "restarted_at": list(self.restarted_at),
            "step": self.step.state(wait),
        }


def _restarted_at(state: dict[str, Any]) -> tuple[int, int]:
    """Read where the networks of a state began; those of older versions say nothing, and count from the start."""
    shown, steps = state.get("restarted_at", (0, 0))
    return int(shown), int(steps)


fit = Fit
"""`Fit` by the name of a verb: ``for evaluation in fit(config, pictures, evaluator): ...``."""
