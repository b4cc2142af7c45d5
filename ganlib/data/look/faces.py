"""Find faces, with a detector that is installed beside: OpenCV and the cascade that comes with it.

Viola & Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features", CVPR 2001. It was trained on frontal
photographs; docs/pictures.md says what it finds in drawings.
"""

from collections.abc import Callable, Sequence
from functools import cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganlib.data.look.squares import Box, around
from ganlib.errors import RequestError

Face = tuple[float, float, float, float]
"""Left, top, width and height of a face's box, in pixels."""
Detector = Callable[[NDArray[np.uint8]], Sequence[Face]]
"""Finds the faces in grey levels, uint8 (h, w)."""

INSTALL = "pip install 'sweep-gan[faces]'"
_LONGER = 320  # pixels; what is larger is looked at this large
_MARGIN = (
    0.25  # of the shorter side, that is added all around: the cascade wants to see a face's surroundings
)
_SMALLEST = 0.2  # of the shorter side
_NEIGHBOURS = 3


def check(section: str = "data") -> None:
    """Check that there is a detector.

    Raises:
        RequestError: saying how to install one.
    """
    if find_spec("cv2") is None:
        raise RequestError(
            f"{section}.crop is 'faces', which needs a detector that is not installed: {INSTALL}. Or "
            "write center or top"
        )


def face_square(grey: Image.Image) -> Box | None:
    """Find the square around the largest face of a grey picture (mode L); None where no face is found."""
    scale, seen = min(1.0, _LONGER / max(grey.size)), grey
    if scale < 1:
        seen = seen.resize([max(1, round(side * scale)) for side in seen.size])
    margin = round(_MARGIN * min(seen.size))
    faces = _detector()(np.pad(np.asarray(seen), margin, mode="edge"))
    if not len(faces):
        return None
    left, top, across, down = max(faces, key=lambda face: (face[2] * face[3], *map(float, face)))
    box = ((left - margin) / scale, (top - margin) / scale, across / scale, down / scale)
    return around(box, *grey.size)


@cache
def _detector() -> Detector:
    """Load the cascade, once for each process."""
    import cv2

    cv2.setNumThreads(1)
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")

    def found(levels: NDArray[np.uint8]) -> Sequence[Face]:
        least = max(20, int(_SMALLEST * min(levels.shape)))
        boxes: Sequence[Face] = cascade.detectMultiScale(levels, 1.1, _NEIGHBOURS, minSize=(least, least))
        return boxes

    return found


def recipe() -> str:
    """Name what the squares depend on beside the pictures."""
    import cv2

    return f"opencv {cv2.__version__} {_LONGER} {_MARGIN} {_SMALLEST} {_NEIGHBOURS}"
