"""What the tests of storage share."""

from collections.abc import Iterator

import pytest
from helpers.programs.fake_s3 import Bucket, serving

from ganlib import s3


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key-that-nobody-may-see")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-that-nobody-may-see")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(s3, "PAUSES_SECONDS", (0.001,) * 12)
    with serving() as bucket:
        yield bucket
