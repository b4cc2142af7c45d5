"""Stream shuffled batches from packed sets of pictures, without an end.

The order is a pure function of (seed, epoch), so that the position in the stream is one number, the pictures
shown so far: nothing else needs to be saved to go on exactly where training stopped.
"""

import warnings
import weakref
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ganlib.config import TrialConfig
from ganlib.data.labels.classes import Classes
from ganlib.errors import RequestError
from ganlib.models.start import Start
from ganlib.names import FAMILIES

GPU_SHARE = 0.5
"""The packed set is moved to the GPU when it takes at most this share of the memory that the process may still take."""


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


def resident(pictures: np.ndarray, device: torch.device, share: float = GPU_SHARE) -> Tensor:
    """Make a tensor of the packed pictures: on the device where they fit, else over the memory map.

    Pictures that nobody can write to are moved to a GPU once, and stay there for the next trials of this process, as
    long as the array is in use.

    Args:
        pictures: ``(n, size, size, c)`` uint8, may be a read-only memory map (it is never written to).
        device: where training runs.
        share: of what `free_memory` counts that the set may take.
    """
    if device.type == "cuda":
        key = id(pictures), str(device)
        if key in _moved:
            return _moved[key]
        if pictures.nbytes <= share * free_memory(device):
            moved = torch.from_numpy(np.array(pictures)).to(device)
            if not pictures.flags.writeable:
                _moved[key] = moved
                weakref.finalize(pictures, _moved.pop, key, None)
            return moved
    if not pictures.flags.writeable:
        # torch warns of read-only arrays because it cannot protect them; this one is only ever indexed.
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            return torch.from_numpy(pictures)
    return torch.from_numpy(pictures)


_moved: dict[tuple[int, str], Tensor] = {}
"""Pictures that are on a GPU, by the array that they were copied from (its `id`) and the device."""


def free_memory(device: torch.device) -> int:
    """Count the bytes that this process may still take of a GPU.

    Trials that share a GPU are limited to a part of it each (`torch.cuda.set_per_process_memory_fraction`): what is
    free beyond that part belongs to others, and taking it is refused as if nothing were free.
    """
    free, total = torch.cuda.mem_get_info(device)
    part = torch.cuda.get_per_process_memory_fraction(device) * total
    # What torch's allocator holds and nobody uses is free to this process, though not to others.
    most = min(free + torch.cuda.memory_reserved(device), part)
    return max(0, int(most) - torch.cuda.memory_allocated(device))


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Send a tensor to a device without waiting for it: from pinned memory, a GPU copies when it comes to that."""
    if tensor.device.type == device.type:  # "cuda" and "cuda:0" differ, but mean one device
        return tensor
    return tensor.pin_memory().to(device, non_blocking=True)


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
        """Which pictures the last batch had, on their device."""

    def _ordered(self, epoch: int) -> Tensor:
        random = torch.Generator().manual_seed(((self.seed + 1) * 1_000_003 + epoch) % 2**63)
        return torch.randperm(len(self.pictures), generator=random)

    def __next__(self) -> Tensor:
        epoch, start = divmod(self.shown, len(self.pictures))
        if epoch != self._epoch:
            # With the next epoch behind this one, a batch across the end is a slice like all others.
            orders = torch.cat([self._ordered(epoch), self._ordered(epoch + 1)])
            self._epoch, self._order = epoch, sent(orders, self.pictures.device)
        self.rows = self._order[start : start + self.batch_size]
        self.shown += self.batch_size
        return sent(self.pictures[self.rows], self.device).permute(0, 3, 1, 2)


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

    def __next__(self) -> Labelled:
        pictures = next(self._pictures)
        return Labelled(pictures, self._classes[self._pictures.rows.to(self._classes.device)])


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
            return BatchStream(pictures, batch_size, seed + number * 2**32, device, shown)

        self._drawings, self._photos = stream(drawings, 0), stream(photos, 1)
        self._edges = None if edges is None else stream(edges, 2)

    @property
    def shown(self) -> int:
        """Drawings shown so far, and as many photographs."""
        return self._drawings.shown

    def __next__(self) -> Domains:
        photos = next(self._photos)
        edges = None if self._edges is None else next(self._edges)
        return Domains(next(self._drawings), photos, self._photos.rows, edges)


def stream_of(
    pictures: np.ndarray,
    photos: np.ndarray | None,
    edges: np.ndarray | None,
    batch_size: int,
    seed: int,
    device: torch.device,
    shown: int = 0,
    classes: np.ndarray | None = None,
) -> BatchStream | LabelledStream | DomainStream:
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
