"""Open a folder by its path or URL: on a disk, or in an object store."""

import os
from pathlib import Path

from ganlib.errors import RequestError
from ganlib.registry import did_you_mean
from sweep.storage.folder import Folder
from sweep.storage.local import LocalFolder

SCHEMES = ("file", "s3")


def open_folder(url: str | Path) -> Folder:
    """Open the folder at a local path (made absolute; ``~`` is expanded) or an ``s3://bucket/prefix`` URL.

    S3 credentials and region come from the usual environment variables and files; the URL may carry
    ``?region=...&endpoint_override=...&scheme=...``.

    Raises:
        RequestError: for an empty location, an unknown scheme, or an S3 URL without a bucket or with a
            password in it (it would end up in records and on screens).
    """
    text = str(url)
    if not text or "\0" in text:
        raise RequestError(
            "the storage location is empty; give a folder such as 'runs' or s3://bucket/prefix"
        )
    if isinstance(url, Path) or "://" not in text:
        if os.path.isfile(os.path.expanduser(text)):
            raise RequestError(
                f"the storage location '{text}' is a file; give a folder, such as --storage runs"
            )
        return LocalFolder(Path(text))
    scheme, _, rest = text.partition("://")
    if scheme not in SCHEMES:
        hint = did_you_mean(scheme, list(SCHEMES))
        raise RequestError(f"unknown storage scheme '{scheme}://'{hint} (a folder, or s3://bucket/prefix)")
    if scheme == "file":
        return LocalFolder(Path(rest))
    from sweep.storage.s3 import RemoteFolder

    return RemoteFolder.connect(text)
