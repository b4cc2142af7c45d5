"""Check what training is given: pictures, classes and weights that go with the configuration."""

import numpy as np

from ganlib.config import TrialConfig
from ganlib.data.labels.classes import Classes
from ganlib.errors import RequestError
from ganlib.models.start import Start
from ganlib.names import FAMILIES


def check_given(
    config: TrialConfig,
    pictures: np.ndarray,
    photos: np.ndarray | None,
    classes: Classes | None,
    start: Start | None,
) -> None:
    """Check that what is trained on goes with the configuration.

    Args:
        config: Of the trial.
        pictures: ``(n, size, size, c)``.
        photos: ``(m, size, size, 3)``, or None.
        classes: Of the pictures, or None.
        start: The weights to begin with, or None for fresh ones.

    Raises:
        RequestError: pictures of another shape, classes that the family cannot be told or are of other pictures, or
            weights to begin with that the configuration does not name, or names and are not given.
    """
    if (start is None) != (config.model.init is None):
        raise RequestError(
            "model.init and the weights to begin with (start) belong together: the configuration says where the "
            "weights are from, and start has them"
        )
    data, family = config.data, FAMILIES[config.model.family]
    for name, given, wanted in (("pictures", pictures, data.channels), ("photos", photos, 3)):
        if given is not None and given.shape[1:] != (data.size, data.size, wanted):
            raise RequestError(
                f"data.size is {data.size} and data.channels {data.channels}, that is {wanted} channels, but the "
                f"{name} have shape {given.shape}"
            )
    if classes is not None and (not family.conditional or len(classes.of) != len(pictures)):
        raise RequestError(
            f"there are classes of {len(classes.of)} pictures for {len(pictures)}, or the family "
            f"{config.model.family} cannot be told classes"
        )
