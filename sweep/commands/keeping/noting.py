"""Say something of a sweep: a note, and tags by which it is found again."""

import re
from collections.abc import Sequence

from ganlib.errors import RequestError
from sweep.records.catalog import Sweep
from sweep.storage.note import BROKEN, Note

LONGEST = 4000
"""Characters of a note."""
_TAG = re.compile(r"[\w][\w.+/-]{0,39}")


def say(sweep: Sweep, text: str | None, more: Sequence[str] = (), fewer: Sequence[str] = ()) -> Note:
    """Change what is said of a sweep; nothing that trains is disturbed.

    Args:
        sweep: The sweep, which may be running.
        text: The note, in the place of the one before; empty for none, None for the one before.
        more: Tags to add.
        fewer: Tags to take away.

    Returns:
        What is said of it now.

    Raises:
        RequestError: if the note is too long, a tag is no word, or one to be taken away is not there.
        StorageError: if it cannot be written.
    """
    before = sweep.note
    if text is not None and len(text) > LONGEST:
        raise RequestError(f"a note has at most {LONGEST:,} characters, and this one {len(text):,}")
    for tag in more:
        if not _TAG.fullmatch(tag):
            raise RequestError(
                f"--tag: '{tag}' is no tag; one is a word of letters, digits and . _ + / -, of at most 40 characters"
            )
    if lacking := [tag for tag in fewer if tag not in before.tags]:
        there = f"it has {', '.join(before.tags)}" if before.tags else "it has no tags"
        raise RequestError(f"--untag: '{sweep.name}' is not tagged '{lacking[0]}'; {there}")
    kept = "" if before.text == BROKEN else before.text
    note = Note(kept if text is None else text.strip(), before.tags).tagged(more, fewer)
    note.write(sweep.folder)
    return note
