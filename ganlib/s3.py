"""Open an object store (``s3://``) through pyarrow, and repeat requests that a network has lost."""

import os
import random
import re
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pyarrow import fs

from ganlib.address import SCHEME, parted
from ganlib.errors import RequestError

T = TypeVar("T")
PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0)
"""A network that is cut for a minute is waited for."""
FIRST_FAILURES = 3
"""At the first request of all: a store at which nobody listens then is down, or is another one than was meant."""
NOBODY = "NETWORK_CONNECTION"
"""What is said where nobody listens."""
BUSY = ("SERVICE_UNAVAILABLE", "SLOW_DOWN", "INTERNAL_FAILURE", "REQUEST_TIMEOUT", "HTTP status 5")
"""What S3 says, or has no word for, where it cannot answer now."""
CONNECT_SECONDS, REQUEST_SECONDS = 2.0, 60.0
PART_BYTES = 10 * 2**20
"""From so many on, pyarrow uploads an object in parts."""
LOOKS = 20
"""An object that is another one at each of so many looks is not read while that lasts."""
OPTIONS = ("region", "endpoint_override", "scheme", "tls_ca_file_path")
"""What may stand behind the ``?`` of a URL."""
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
"""Environment variables that name another store than AWS, as ``https://host:port``; pyarrow does not read them."""
DENIED = ("ACCESS_DENIED", "HTTP status 403")
"""What S3 says where somebody is known and may not."""
KEYS = ("INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "CREDENTIALS", "HTTP status 401")
EXPIRED = ("EXPIRED_TOKEN", "ExpiredToken", "InvalidToken", "TokenRefreshRequired")
"""What S3 says of keys that are wrong, missing or not valid any more."""
ELSEWHERE = ("PERMANENT_REDIRECT", "HTTP status 30", "AuthorizationHeaderMalformed")
"""What S3 says where a bucket is in another region, or at another store."""
FINAL = (*DENIED, *KEYS, *EXPIRED, *ELSEWHERE, "NO_SUCH_BUCKET", "HTTP status 40")
"""What S3 says when asking again is of no use."""
PASSING = (
    "HTTP status 408",
    "HTTP status 409",
    "IncompleteBody",
    "BadDigest",
    "ContentSHA256Mismatch",
    "InvalidPart",
)
"""What among that goes by, such as a body that was damaged on its way."""
_UNNAMED = re.compile(r"\w+ operation: Unable to parse ExceptionName: (\w+)")
"""How pyarrow tells a code that its library has no name for."""


def parts_of(url: str) -> tuple[str, str, dict[str, str]]:
    """Split ``s3://bucket/prefix?options`` into the three; the prefix is not unquoted.

    Where the options name no store, they are completed by the environment's (`ENDPOINTS`).

    Raises:
        RequestError: where no bucket is named, or keys are, which would end up in records and on screens; for a prefix
            that no folder has, and an option that is not known.
    """
    place, query = parted(url)
    bucket, *parts = place.removeprefix(SCHEME).split("/")
    if "@" in bucket:
        raise RequestError(
            f"keys do not belong into a URL (s3://...@{bucket.rpartition('@')[2]}): set AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or use ~/.aws/credentials"
        )
    if not bucket:
        raise RequestError(f"'{url}' names no bucket; write s3://bucket/prefix")
    if {".", ".."} & set(parts) or "\0" in url:  # what carries our requests would ask for another object
        raise RequestError(
            f"'{url}' cannot be the address of a folder: no part of one is '.' or '..', and no character NUL"
        )
    options = dict(parse_qsl(query.removeprefix("?")))
    if unknown := sorted(options.keys() - set(OPTIONS)):
        raise RequestError(
            f"an s3:// URL has an option '{unknown[0]}' that is not known; after '?' may stand {', '.join(OPTIONS)}"
        )
    named = next((os.environ[name] for name in ENDPOINTS if os.environ.get(name)), "")
    if named and "endpoint_override" not in options:
        scheme, _, host = named.rpartition("://")
        options = {"scheme": scheme or "https", **options, "endpoint_override": host.rstrip("/")}
    return bucket, "/".join(filter(None, parts)), options


def connect(url: str, in_parts: bool = False) -> Any:  # noqa: ANN401 - pyarrow has no types
    """Make the `pyarrow.fs.S3FileSystem` of an ``s3://bucket/prefix?options`` URL.

    Credentials and what the URL leaves out come from the usual environment variables and files.

    Args:
        url: Of the folder.
        in_parts: For writing objects of `PART_BYTES` and more. To open one begins its upload, and what fails after that
            leaves the old object. Other file systems write what fits into one request by one, and not by three; if
            they cannot begin an upload in parts, they put an empty object where they were to write.

    Raises:
        RequestError: as `parts_of`; an option has no such value, or AWS has no such bucket.
        OSError: if AWS does not say in which region the bucket is.
    """
    bucket, _, options = parts_of(url)
    if not options.keys() & {"region", "endpoint_override"}:
        options["region"] = repeated(partial(_region_of, bucket), FIRST_FAILURES)
    try:
        return fs.S3FileSystem(
            **options,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=REQUEST_SECONDS,
            allow_delayed_open=not in_parts,
            # We repeat requests ourselves, and say so: in all, the two would take minutes to give up.
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=1),
        )
    except ValueError as error:
        raise RequestError(f"the options of '{url}' cannot be used: {error}") from None


def repeated(work: Callable[[], T], deaf: int | None = None) -> T:
    """Return the result of a request; a failure is tried again after growing pauses.

    Args:
        work: The request, which can be repeated without harm.
        deaf: After how many failures it is believed that nobody listens at all; by default after all.

    Raises:
        OSError: the last failure; at once where asking again is of no use, or a file is not there.
    """
    for number, pause in enumerate(PAUSES_SECONDS):
        try:
            return work()
        except (FileNotFoundError, NotADirectoryError):
            raise
        except OSError as error:
            said = code_of(error)
            if _is_final(said) or (deaf is not None and NOBODY in said and number >= deaf):
                raise
            # Not all trials of a cluster at the same moment.
            time.sleep(pause * random.uniform(0.5, 1.5))
    return work()


def read_whole(filesystem: Any, place: str) -> bytes:  # noqa: ANN401
    """Read an object as it was at one moment, though others may replace it meanwhile; a lost request is repeated.

    pyarrow asks how large an object is, and then for that many bytes. Of one that has taken its place between the two
    it returns the beginning, or what memory holds behind its end. So an object counts as read when it is the same
    before and after.

    Raises:
        OSError: if it cannot be read, or is another one at each look.
    """
    for _ in range(LOOKS):
        version, data = repeated(partial(_read, filesystem, place))
        if repeated(partial(_version, filesystem, place)) == version:
            return data
    raise OSError(f"it is replaced again and again: at each of {LOOKS} looks it was another one")


def code_of(error: OSError) -> str:
    """Find S3's own word for an error, without the names and messages around it, in which any word may stand."""
    code, _, message = str(error).rpartition("AWS Error ")[2].partition(" during ")
    unnamed = _UNNAMED.match(message)
    return f"{code} {unnamed[1]}" if unnamed else code


def advice_for(error: OSError) -> str:
    """Say what to look at where a store refuses the keys in use, or a region; empty where it is neither."""
    code = code_of(error)
    keys = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use ~/.aws/credentials"
    region = "give the bucket's region as '?region=...' behind the address, and 'endpoint_override' if it is not on AWS"
    if any(word in code for word in KEYS):
        return f"the store does not know the keys in use: {keys}"
    if any(word in code for word in EXPIRED):
        return f"the keys in use are not valid any more: get new ones, and {keys} (with AWS_SESSION_TOKEN)"
    if any(word in code for word in ELSEWHERE):
        return f"the bucket is in another region, or at another store: {region}"
    if "HTTP status 400" in code and "No response body" in str(error):  # S3 has no more words for a HEAD
        return (
            f"the keys in use may have expired, or the bucket be in another region: get new ones, or {region}"
        )
    return ""


def unanswered(error: OSError) -> bool:
    """Tell whether a store was not reached, or could not answer: asked from elsewhere, or later, it may."""
    said = code_of(error)
    return not isinstance(error, (FileNotFoundError, NotADirectoryError)) and (
        NOBODY in said or any(word in said for word in BUSY)
    )


def check_bucket(filesystem: Any, bucket: str) -> None:  # noqa: ANN401 - pyarrow has no types
    """Look whether a store answers and has a bucket; do so before the first request of all.

    Raises:
        RequestError: if it has no bucket of that name.
        OSError: if it does not answer.
    """
    try:
        kind = repeated(lambda: filesystem.get_file_info(bucket).type, FIRST_FAILURES)
    except OSError as error:
        if any(word in code_of(error) for word in DENIED):
            return  # who may use a prefix may not always look at the bucket
        raise
    if kind == fs.FileType.NotFound:
        raise RequestError(f"there is no bucket '{bucket}' in that store: make it first, or give another one")


def _is_final(code: str) -> bool:
    """Tell whether asking again is of no use."""
    return any(word in code for word in FINAL) and not any(word in code for word in PASSING)


def _read(filesystem: Any, place: str) -> tuple[Any, bytes]:  # noqa: ANN401
    """Read an object; returns its version before, and its content."""
    # No input stream: that would ask for 256 KiB at a time, of whichever object is there.
    with filesystem.open_input_file(place) as file:
        return (file.size(), file.metadata()), file.read()


def _version(filesystem: Any, place: str) -> Any:  # noqa: ANN401
    """Ask for the size and the digest of an object."""
    with filesystem.open_input_file(place) as file:
        return file.size(), file.metadata()


def _region_of(bucket: str) -> str:
    """Ask AWS for the region of a bucket.

    Raises:
        RequestError: if there is no such bucket.
    """
    try:
        region: str = fs.resolve_s3_region(bucket)
    except OSError as error:
        if "not found" in str(error).lower():
            raise RequestError(
                f"there is no bucket '{bucket}' on AWS: make it first, or give another one"
            ) from None
        raise
    return region
