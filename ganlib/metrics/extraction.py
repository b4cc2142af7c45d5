"""Extract the features of many pictures in batches that fit into memory."""

import logging
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from ganlib.data.alpha import tensor_on_checks
from ganlib.errors import RequestError, WorkError
from ganlib.heap import give_back
from ganlib.metrics.extractors.base import Extractor

logger = logging.getLogger(__name__)


class Extraction:
    """An extractor that is given batches; where one does not fit into memory, all that follow have half its size.

    Args:
        extractor: Makes the features.
        device: Where it runs.
        batch_size: Pictures in a batch at first, >= 1.
    """

    def __init__(self, extractor: Extractor, device: torch.device, batch_size: int) -> None:
        self.extractor, self.device, self._batch = extractor, device, batch_size

    def of_generated(self, generate: Callable[[int], Tensor], total: int) -> Tensor:
        """Extract the features (total, d) of pictures that are generated part by part.

        Args:
            generate: ``generate(k)`` returns k new pictures, uint8 (k, c, h, w); where it runs out of memory it is
                asked again, for half as many.
            total: How many pictures.

        Raises:
            RequestError: if ``generate`` returns another number of pictures.
            WorkError: if there is not even memory for one picture.
        """
        features = torch.empty(total, self.extractor.dim, device=self.device)
        made = 0
        while made < total:
            count = min(self._batch, total - made)
            pictures = self._within_memory(partial(generate, count))
            if pictures is None:
                continue
            if len(pictures) != count:
                raise RequestError(f"generate({count}) returned {len(pictures)} pictures")
            features[made : made + count] = self.of(pictures)
            made += count
        return features

    def of(self, pictures: Tensor) -> Tensor:
        """Extract the features (n, d) of pictures, uint8 (n, c, h, w), in smaller pieces where memory is short."""
        parts: list[Tensor] = []
        done = 0
        while done < len(pictures):
            piece = pictures[done : done + self._batch]
            part = self._within_memory(partial(self._extract, piece))
            if part is not None:
                parts.append(part)
                done += len(piece)
        return torch.cat(parts)

    def _extract(self, pictures: Tensor) -> Tensor:
        return self.extractor(tensor_on_checks(pictures))

    def _within_memory(self, work: Callable[[], Tensor]) -> Tensor | None:
        """Return the result, or None if there was not enough memory; then the batch is halved for good."""
        try:
            with torch.no_grad():
                return work()
        except torch.OutOfMemoryError as error:
            if self._batch == 1:
                raise WorkError(
                    f"the device has no memory left to evaluate a single picture ({error}); give each trial a larger "
                    "share of it (resources.gpu)"
                ) from None
        self._batch //= 2
        give_back(self.device)
        logger.warning("out of memory in an evaluation: going on in batches of %d pictures", self._batch)
        return None
