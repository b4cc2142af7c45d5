"""Make a packed set of pictures of a data section: drawn or decoded once, then found in the cache.

A set is stored under a key of its inputs' content (the bytes of the files, in order; the style, seed and
count of avatars) and of the preprocessing. Hashing a large folder at every start would take long, so an
index remembers which key belongs to which listing (names, sizes and times of the files).
"""

import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from itertools import chain
from pathlib import Path

from filelock import FileLock

from ganlib import cores
from ganlib.config import DataConfig
from ganlib.data.cache import ImageSet, Partial, cache_dir, open_set, skipped_in
from ganlib.data.decode import Preparation
from ganlib.data.folder import digests
from ganlib.data.labels.classes import Classes
from ganlib.data.labels.sources import check_several
from ganlib.data.listing import File
from ganlib.data.look import faces
from ganlib.data.look.seen import Look
from ganlib.data.sources import LEAST, Source, check_count, no_pictures, open_sources, preparation
from ganlib.data.telling import PictureProgress, Progress, found_in
from ganlib.data.unusable import check_share, unusable
from ganlib.data.work import Task, fill, kept_in, making
from ganlib.disk import write_whole
from ganlib.errors import RequestError
from ganlib.names import TRANSPARENT

PREPROCESSING = 4
"""Version of the preprocessing: raised whenever inputs would give other pixels than before, or more is seen of them."""

_Contents = list[list[bytes | str]]  # for every source and file, the SHA-256 or why it cannot be read

_READ = 64  # files in one go of a reading thread


def prepare(
    config: DataConfig,
    cache: Path | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImageSet:
    """Prepare the pictures of a data section, or find them prepared.

    Any number of processes may ask for one set at once: the first prepares it, the others wait for it.

    Args:
        config: Which pictures, and how they are prepared.
        cache: Where packed sets are kept; `cache_dir` by default.
        workers: How many processes draw or decode; the cores this process may use by default.
        progress: Called with (done, total), in pictures, while something is being prepared.

    Returns:
        The set; its pictures are in the order of the sources, files sorted by path within each.

    Raises:
        RequestError: when a source, style or colour does not exist, there are no pictures, more than
            ``config.max_skipped`` of them cannot be read, all are opaque and should be transparent, no face is found
            in any or none can be looked for, there is one picture alone, all but one are left out as duplicates, or
            their labels are of one class.
        WorkError: when the cache cannot be written, or files change meanwhile.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as cache:
        ...     prepare(DataConfig(count=4, size=28), Path(cache), workers=1).pictures.shape
        (4, 28, 28, 3)
    """
    request = _Request.of(config, cache, workers, progress)
    with kept_in(request.folder):
        images = request.find() or request.make()
    return request.checked(images, config)


def find(config: DataConfig, cache: Path | None = None) -> ImageSet | None:
    """Return the set of a data section if it is prepared; nothing is decoded, drawn or written.

    Raises:
        RequestError: as `prepare`, as far as the files need not be opened.
    """
    request = _Request.of(config, cache)
    images = request.find()
    return None if images is None else request.checked(images, config)


@dataclass(frozen=True)
class _Request:
    """One request for a set: what goes in, and where it is kept."""

    sources: Sequence[Source]
    how: Preparation
    dedupe: bool
    folder: Path
    workers: int
    progress: Progress | None

    @classmethod
    def of(
        cls,
        config: DataConfig,
        cache: Path | None,
        workers: int | None = None,
        progress: Progress | None = None,
    ) -> "_Request":
        """List what a data section names."""
        how = preparation(config)
        sources = open_sources(config, cache)
        # What cannot be read by its name alone is too much already: the rest need not be read.
        check_share(sources, (), config)
        check_count(sum(map(len, sources)), config)
        folder = (cache if cache is not None else cache_dir()) / "data"
        return cls(sources, how, config.dedupe, folder, workers or cores.available(), progress)

    def checked(self, images: ImageSet, config: DataConfig) -> ImageSet:
        """Return the set with all that was skipped; refuse too much of that, and pictures that are opaque in vain."""
        undecodable = skipped_in(images.path)
        check_share(self.sources, undecodable, config)
        section = config.section
        if self.how.background is None and not images.transparent:
            raise RequestError(
                f"{section}.background is '{TRANSPARENT}' ({section}.channels is 4), but none of the {len(images)} "
                f"pictures has a transparent pixel: leave both out, or give pictures with an alpha channel"
            )
        files = sum(len(source.files) for source in self.sources)
        if config.crop == "faces" and files and not images.traits.get("faces"):
            raise RequestError(
                f"{section}.crop is 'faces', but no face was found in any of {files} pictures: write center or top"
            )
        if images.look.left_out and len(images) < LEAST:
            raise RequestError(
                f"{section}.dedupe leaves {len(images)} of {len(images) + len(images.look.left_out)} pictures, for all "
                f"are alike: leave {section}.dedupe out, or give other pictures"
            )
        check_count(len(images), config)
        classes = None if config.labels is None else self._classes(images, config)
        skipped = unusable(self.sources, undecodable)
        images = replace(images, skipped=skipped, found=found_in(self.sources, images.look, classes))
        return images if classes is None else images.labelled(classes)

    def _classes(self, images: ImageSet, config: DataConfig) -> Classes:
        """Name the classes of the pictures that are in the set."""
        missing = {*images.look.skipped, *images.look.left_out}
        labels = chain.from_iterable(source.labels for source in self.sources)
        classes = Classes.named([label for index, label in enumerate(labels) if index not in missing])
        check_several(classes.names, len(images), config)
        return classes

    def find(self) -> ImageSet | None:
        """Return the set, if this very listing was prepared before."""
        try:
            key = self._index.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        return open_set(self.folder / f"{key}.npy")

    def make(self) -> ImageSet:
        """Prepare the set unless another process does so meanwhile, or its content is there already."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._index.with_suffix(".lock")):
            found = self.find()
            if found is not None:
                return found
            total = sum(map(len, self.sources))
            distant = [(source.bucket, source.files) for source in self.sources if source.bucket is not None]
            report = PictureProgress(
                self.progress,
                total,
                files=sum(len(source.files) for source in self.sources),
                distant=sum(len(files) for _, files in distant),
            )
            for bucket, files in distant:
                bucket.fetch(files, report.step)
            contents = self._read(report)
            for source, part in zip(self.sources, contents, strict=True):
                if source.bucket is not None:
                    source.bucket.check(source.files, part)
            key = self._key(contents)
            path = self.folder / f"{key}.npy"
            # Another listing may have the same content: whoever replaces an entry takes it away for a moment.
            with FileLock(path.with_suffix(".lock")):
                images = open_set(path) or self._pack(path, contents, report)
            report.finished()
            # A file that could not be read may be readable next time without having changed.
            if all(isinstance(digest, bytes) for digest in chain.from_iterable(contents)):
                write_whole(self._index, key.encode())
            return images

    @cached_property
    def _index(self) -> Path:
        """Name the file that holds the content key of this listing."""
        listing = _digest("listing", self._preprocessing(), *(source.listing() for source in self.sources))
        return self.folder / f"{listing}.index"

    def _key(self, contents: "_Contents") -> str:
        parts = (
            _digest(source.recipe, *map(_named, part, source.files))
            for source, part in zip(self.sources, contents, strict=True)
        )
        return _digest("content", self._preprocessing(), *parts)

    def _preprocessing(self) -> str:
        heic = " heic" * (find_spec("pillow_heif") is not None)  # without it such files are skipped
        how = self.how
        words = {
            "nearest": how.nearest,
            "grey": how.grey,
            "dedupe": self.dedupe,
            f"{how.crop}": how.crop != "center",
        }
        told = "".join(f" {word}" for word, so in words.items() if so)
        detector = f" {faces.recipe()}" if how.crop == "faces" else ""
        return f"{PREPROCESSING} {how.size} {how.background}{told}{detector}{heic}"

    def _read(self, report: PictureProgress) -> "_Contents":
        """Hash every file, source by source, in threads: reading and hashing release the interpreter's lock."""
        parts: _Contents = []
        with ThreadPoolExecutor(max(4, self.workers)) as threads:
            for source in self.sources:
                paths = [file.path for file in source.files]
                pieces = [tuple(paths[start : start + _READ]) for start in range(0, len(paths), _READ)]
                part: list[bytes | str] = []
                for piece in threads.map(digests, pieces):
                    part += piece
                    report.step(len(piece))
                parts.append(part)
        return parts

    def _pack(self, path: Path, contents: "_Contents", report: PictureProgress) -> ImageSet:
        total = sum(map(len, self.sources))
        assert self.how.size is not None
        with making(self.folder, self._index.stem, total, self.how.size, self.how.channels) as partial:
            made = fill(self._tasks(partial, contents), total, self.workers, report.step)
            if len(made.skipped) == total:
                raise RequestError(no_pictures(self.sources[0], unusable(self.sources, made.skipped)))
            credits = [source.attribution for source in self.sources if source.attribution]
            bad = tuple(index for index, _ in made.skipped)
            look = Look.of(made.prints, self.how.size, self.dedupe, made.faces, bad)
            credit = "\n".join(dict.fromkeys(credits)) or None
            return partial.commit(path, made.skipped, credit, made.traits, look)

    def _tasks(self, partial: Partial, contents: "_Contents") -> Iterator[Task]:
        first = 0
        for source, part in zip(self.sources, contents, strict=True):
            for chunk in source.chunks(part):
                offset = partial.offset + first * partial.picture_bytes
                yield Task(str(partial.path), offset, first, chunk, self.how)
                first += len(chunk)


def _named(content: bytes | str, file: File) -> str:
    """Name a file's content, with the suffix where that decides how the file is read."""
    return repr(content) + ".tga" * (file.suffix == ".tga")


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "surrogateescape")
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()
