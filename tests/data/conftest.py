"""A folder of pictures, and a cache for what is made of it."""

import pytest
from helpers.drawn.pictures import save


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "pictures"
    for index, name in enumerate(("b.png", "a/z.PNG", "a/y.bmp", "a-b/x.webp", "c.GIF")):
        save(root / name, 10 * index, lossless=True)
    return root
