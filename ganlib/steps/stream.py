"""Stream shuffled batches from packed sets of pictures, without an end.

The order is a pure function of (seed, epoch), so that the position in the stream is one number, the pictures
shown so far: nothing else needs to be saved to go on exactly where training stopped.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganlib.errors import RequestError
from ganlib.steps.resident import resident
from ganlib.transfers import sent


class BatchStream(Iterator[Tensor]):
    """An endless stream of batches ``(batch, c, size, size)``, uint8, channels-last, on the device.

    Args:
        pictures: from `resident`, ``(n, size, size, c)`` uint8.
        batch_size: pictures a batch; batches run across the ends of epochs, so that every picture is shown
            equally often.
        seed: of the order.
        device: where the batches go.
        shown: pictures shown before; the stream goes on from there.

    Raises:
        RequestError: if there are fewer pictures than one batch.
    """

    def __init__(
        self, pictures: Tensor, batch_size: int, seed: int, device: torch.device, shown: int = 0
    ) -> None:
        if len(pictures) < batch_size:
            raise RequestError(
                f"train.batch_size is {batch_size}, but there are only {len(pictures)} pictures: "
                "add pictures or lower the batch size"
            )
        self.pictures, self.batch_size, self.seed, self.device = pictures, batch_size, seed, device
        self.shown = shown
        self._epoch, self._order = -1, torch.empty(0, dtype=torch.int64)
        self.rows = self._order
        """Which pictures the last batch had, on their device or on that of batches."""
        self._places: Places | None = None

    def begin(self, seed: int, shown: int) -> None:
        """Go on in the order of a seed, where so many pictures have been shown; places stay what they are."""
        self.seed, self.shown, self._epoch = seed, shown, -1

    def hold(self, count: int) -> None:
        """Give batches from now on by way of ``count`` places, which `fill` fills with the next ones.

        The kernels that draw a batch then find it where those of the step before found theirs, and nothing of a batch
        is known to Python: so they can be recorded (`ganlib.steps.capture`).
        """
        if self._places is not None and len(self._places.rows) == count:
            return
        shape, apart = (count, self.batch_size), self.pictures.device.type != self.device.type
        rows = torch.empty(shape, dtype=torch.int64, device=self.device)
        pictures = (
            torch.empty((*shape, *self.pictures.shape[1:]), dtype=torch.uint8, device=self.device)
            if apart
            else None
        )
        self._places = Places(rows, pictures)

    def fill(self) -> None:
        """Fill all places with the next batches."""
        assert self._places is not None
        for rows, pictures in self._places.each():
            chosen = self._next_rows()
            rows.copy_(sent(chosen, self.device))
            if pictures is not None:
                pictures.copy_(sent(self.pictures[chosen], self.device))

    def rewind(self) -> None:
        """Begin again with the first place."""
        assert self._places is not None
        self._places.turn = 0

    def _ordered(self, epoch: int) -> Tensor:
        random = torch.Generator().manual_seed(((self.seed + 1) * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.pictures), generator=random)

    def _next_rows(self) -> Tensor:
        epoch, start = divmod(self.shown, len(self.pictures))
        if epoch != self._epoch:
            # With the next epoch behind this one, a batch across the end is a slice like all others.
            orders = torch.cat([self._ordered(epoch), self._ordered(epoch + 1)])
            self._epoch, self._order = epoch, sent(orders, self.pictures.device)
        self.shown += self.batch_size
        return self._order[start : start + self.batch_size]

    def __next__(self) -> Tensor:
        if self._places is None:
            self.rows = self._next_rows()
            batch = sent(self.pictures[self.rows], self.device)
        else:
            self.rows, held = self._places.take()
            batch = self.pictures[self.rows] if held is None else held
        return batch.permute(0, 3, 1, 2)


@dataclass
class Places:
    """Where the batches of a recorded step are found.

    Attributes:
        rows: Which pictures they have, ``(count, batch)``, int64.
        pictures: The pictures, ``(count, batch, size, size, c)``, uint8; None where ``rows`` is enough, because all
            pictures are on the device.
        turn: Which one is next.
    """

    rows: Tensor
    pictures: Tensor | None
    turn: int = 0

    def each(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        """List all places, from the first one on."""
        for place in range(len(self.rows)):
            yield self.rows[place], None if self.pictures is None else self.pictures[place]

    def take(self) -> tuple[Tensor, Tensor | None]:
        """Give the next one."""
        place = self.turn
        self.turn += 1
        return self.rows[place], None if self.pictures is None else self.pictures[place]


class Labelled(NamedTuple):
    """One batch of pictures with their classes.

    Attributes:
        pictures: ``(batch, c, size, size)``, uint8.
        classes: The number of each picture's class, ``(batch,)``, int64.
    """

    pictures: Tensor
    classes: Tensor


class LabelledStream(Iterator[Labelled]):
    """A stream of pictures with their classes.

    Args:
        pictures: Gives the pictures.
        classes: The numbers of the classes of all pictures, int64 ``(n,)``.
    """

    def __init__(self, pictures: BatchStream, classes: np.ndarray) -> None:
        self._pictures = pictures
        self._classes = torch.from_numpy(classes).to(pictures.device)

    @property
    def shown(self) -> int:
        """Pictures shown so far."""
        return self._pictures.shown

    def begin(self, seed: int, shown: int) -> None:
        """Go on in another order; see `BatchStream.begin`."""
        self._pictures.begin(seed, shown)

    def hold(self, count: int) -> None:
        """Give batches by way of places; see `BatchStream.hold`."""
        self._pictures.hold(count)

    def fill(self) -> None:
        """Fill all places with the next batches."""
        self._pictures.fill()

    def rewind(self) -> None:
        """Begin again with the first place."""
        self._pictures.rewind()

    def __next__(self) -> Labelled:
        pictures = next(self._pictures)
        return Labelled(pictures, self._classes[sent(self._pictures.rows, self._classes.device)])


class Domains(NamedTuple):
    """One batch of a translator, each ``(batch, 3, size, size)``, uint8; unpaired, in orders of their own.

    Attributes:
        drawings: What the discriminator takes for real.
        photos: What drawings are made of.
        rows: Which photographs these are, ``(batch,)``, int64.
        edges: Drawings with blurred edges, for families that train on them.
    """

    drawings: Tensor
    photos: Tensor
    rows: Tensor
    edges: Tensor | None = None


class DomainStream(Iterator[Domains]):
    """An endless stream of `Domains`; its position is the drawings shown, and that of each domain follows from it.

    Args:
        drawings: From `resident`, as ``photos`` and ``edges``; each is shown in an order of its own.
        photos: More or fewer than drawings.
        edges: As many as drawings, or None.
        batch_size: Of each domain.
        seed: Of the orders.
        device: Where the batches go.
        shown: Drawings shown before.
    """

    def __init__(
        self,
        drawings: Tensor,
        photos: Tensor,
        edges: Tensor | None,
        batch_size: int,
        seed: int,
        device: torch.device,
        shown: int = 0,
    ) -> None:
        def stream(pictures: Tensor, number: int) -> BatchStream:
            return BatchStream(pictures, batch_size, _of_domain(seed, number), device, shown)

        self._drawings, self._photos = stream(drawings, 0), stream(photos, 1)
        self._edges = None if edges is None else stream(edges, 2)
        self._all = [one for one in (self._drawings, self._photos, self._edges) if one is not None]

    @property
    def shown(self) -> int:
        """Drawings shown so far, and as many photographs."""
        return self._drawings.shown

    def begin(self, seed: int, shown: int) -> None:
        """Go on in other orders; see `BatchStream.begin`."""
        for one, number in ((self._drawings, 0), (self._photos, 1), (self._edges, 2)):
            if one is not None:
                one.begin(_of_domain(seed, number), shown)

    def hold(self, count: int) -> None:
        """Give batches by way of places; see `BatchStream.hold`."""
        for one in self._all:
            one.hold(count)

    def fill(self) -> None:
        """Fill all places with the next batches."""
        for one in self._all:
            one.fill()

    def rewind(self) -> None:
        """Begin again with the first place."""
        for one in self._all:
            one.rewind()

    def __next__(self) -> Domains:
        photos = next(self._photos)
        edges = None if self._edges is None else next(self._edges)
        return Domains(next(self._drawings), photos, self._photos.rows, edges)


def _of_domain(seed: int, number: int) -> int:
    return seed + number * 2**32


Batches = BatchStream | LabelledStream | DomainStream
"""What a step takes its batches from."""


def stream_of(
    pictures: np.ndarray,
    photos: np.ndarray | None,
    edges: np.ndarray | None,
    batch_size: int,
    seed: int,
    device: torch.device,
    shown: int = 0,
    classes: np.ndarray | None = None,
) -> Batches:
    """Stream the pictures of one domain, with their classes where they have some, or of two.

    Args:
        pictures: uint8 ``(n, size, size, c)``; with photographs, the drawings.
        photos: uint8 ``(m, size, size, 3)``, or None.
        edges: The drawings with blurred edges, or None.
        batch_size: Of each domain.
        seed: Of the orders.
        device: Where the batches go.
        shown: Pictures shown before.
        classes: The numbers of the pictures' classes, int64 ``(n,)``, or None.
    """
    stored = resident(pictures, device)
    if photos is None:
        stream = BatchStream(stored, batch_size, seed, device, shown)
        return stream if classes is None else LabelledStream(stream, classes)
    blurred = None if edges is None else resident(edges, device)
    return DomainStream(stored, resident(photos, device), blurred, batch_size, seed, device, shown)
