"""Take the address of a folder apart: a path of a disk, or ``s3://bucket/prefix?options``."""

SCHEME = "s3://"


def parted(address: str) -> tuple[str, str]:
    """Split an address into where the folder is, and its options with their ``?``.

    ``#`` and ``%`` mean nothing in an address, and on a disk neither does ``?``.
    """
    place, mark, options = address.partition("?") if address.startswith(SCHEME) else (address, "", "")
    return place, mark + options
