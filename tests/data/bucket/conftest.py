"""What the tests of buckets share."""

from collections.abc import Iterator

import pytest
from helpers.drawn.in_bucket import FILES, picture
from helpers.programs.fake_s3 import Bucket, serving


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with serving() as made:
        made.objects |= {f"pics/{name}": data for name, data in FILES.items()}
        made.objects["elsewhere/9.png"] = picture(9)
        yield made
