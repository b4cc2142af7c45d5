"""Small picture files and what is read of them, for tests of sets."""

from PIL import Image

from ganlib.config import DataConfig


def save(path, value=0, side=32, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (side, side), (value, value // 2, 7)).save(path, **options)
    return path


def config(source, **values):
    return DataConfig(source=str(source) if not isinstance(source, list) else [*map(str, source)], **values)


def first_channel(images):
    return images.pictures[:, 0, 0, 0].tolist()
