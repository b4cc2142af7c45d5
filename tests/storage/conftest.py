"""What the tests of storage share."""

from collections.abc import Iterator

import pytest
from helpers.programs.fake_s3 import Bucket, serving

from ganlib import s3


@pytest.fixture
def bucket(keys: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 12)
    with serving() as bucket:
        yield bucket
