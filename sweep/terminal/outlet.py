"""Standard output and error that outlive their reader, and that every encoding can show.

A pipe whose reader has left (``sweep ls | head``), a terminal that was closed and a log on a full disk raise
`OSError` at whatever prints next, be it in the midst of recording a trial. `Outlet` takes that error, lets all that
follows vanish, and tells whoever wants to know. What an encoding does not have (``PYTHONIOENCODING=ascii``,
``LC_ALL=C``) is written in characters that it has.
"""

import contextlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO, cast

IN_ASCII = {
    "±": "+-",
    "–": "-",
    "—": "-",
    "−": "-",
    "…": "...",
    "→": "->",
    "←": "<-",
    "×": "x",
    "·": "*",
    "•": "*",
    "≤": "<=",
    "≥": ">=",
    "≈": "~",
    "∞": "inf",
    "²": "2",
    "‘": "'",
    "’": "'",
    "“": '"',
    "”": '"',
    "\N{NO-BREAK SPACE}": " ",
    "\N{REPLACEMENT CHARACTER}": "?",
}
BARS = {chr(code): "-" for code in range(0x2500, 0x2580)} | {chr(code): "#" for code in range(0x2580, 0x25A0)}
DOTS = {chr(code): "*" for code in range(0x2800, 0x2900)}
"""Frames of tables, progress bars and spinners; rich leaves most of them away by itself."""
_REPLACED = BARS | {"│": "|", "┃": "|"} | DOTS | IN_ASCII


def spelled(text: str, encoding: str) -> str:
    """Spell a text in characters of an encoding: others become alike ones in ASCII, or the escapes of JSON.

    JSON keeps its meaning: there every character that is missing becomes its escape.
    """
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        is_json = text.startswith(("{", "[\n", "[{"))
        return "".join(_spelled(char, encoding, is_json) for char in text)
    return text


def _spelled(char: str, encoding: str, is_json: bool) -> str:
    try:
        char.encode(encoding)
    except UnicodeEncodeError:
        if char in _REPLACED and not is_json:
            return _REPLACED[char]
        units = char.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
    return char


class Outlet(io.TextIOBase):
    """A text stream that never fails.

    Args:
        stream: What to write to.
        encoding: Of what can be shown there; by default that of the stream.

    Attributes:
        lost: Why nothing can be written any more; None while it can.
        on_loss: Called once, with the reason, from whatever thread wrote.
    """

    def __init__(self, stream: TextIO, encoding: str | None = None) -> None:
        self._stream = stream
        self._encoding = encoding or stream.encoding or "utf-8"
        # Once: a terminal that is gone says that it is none, and rich would no longer write and find out.
        self._terminal = stream.isatty()
        self.lost: str | None = None
        self.on_loss: Callable[[str], None] = lambda reason: None

    # No `buffer`: click would write UTF-8 into it where the encoding is ASCII.
    @property
    def encoding(self) -> str:  # type: ignore[override]  # noqa: D102
        return self._encoding

    @property
    def errors(self) -> str:  # type: ignore[override]  # noqa: D102
        return "strict"

    def isatty(self) -> bool:  # noqa: D102
        return self._terminal

    def fileno(self) -> int:  # noqa: D102
        return self._stream.fileno()

    def writable(self) -> bool:  # noqa: D102
        return True

    def write(self, text: str) -> int:  # noqa: D102
        if not isinstance(text, str):
            raise TypeError(f"text is written here, got {type(text).__name__}")
        shown = spelled(text, self._encoding)
        self._try(lambda: self._stream.write(shown))
        return len(text)

    def flush(self) -> None:  # noqa: D102
        self._try(self._stream.flush)

    def _try(self, work: Callable[[], object]) -> None:
        if self.lost is not None:
            return
        try:
            work()
        except (OSError, ValueError) as error:  # ValueError: it was closed
            self.lost = getattr(error, "strerror", None) or str(error)
            # What is in Python's own buffer would fail once more when the process ends.
            with contextlib.suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)
            self.on_loss(self.lost)


def encoding_asked_for(environ: Mapping[str, str]) -> str | None:
    """Choose ASCII where the locale says ``C`` in so many words: Python itself writes UTF-8 there (PEP 538, 540)."""
    if environ.get("PYTHONIOENCODING") or environ.get("PYTHONUTF8"):
        return None
    kind = environ.get("LC_CTYPE", "")
    own = kind if kind not in ("", "C.UTF-8", "C.utf8", "UTF-8") else ""  # those may be PEP 538's doing
    return "ascii" if (environ.get("LC_ALL") or own or environ.get("LANG")) in ("C", "POSIX") else None


_outlets: list[Outlet] = []
"""Standard output and error, while `outlets` has replaced them; rich puts proxies of its own over them."""


@contextlib.contextmanager
def outlets() -> Iterator[None]:
    """Put outlets in the place of standard output and error."""
    before = sys.stdout, sys.stderr
    encoding = encoding_asked_for(os.environ)
    # A stream is None where it was closed when the process began (``sweep ls >&-``).
    made = [Outlet(stream or open(os.devnull, "w"), encoding) for stream in before]  # noqa: SIM115
    sys.stdout, sys.stderr = (cast("TextIO", stream) for stream in made)
    _outlets[:] = made
    try:
        yield
    finally:
        for stream in made:
            stream.flush()
        sys.stdout, sys.stderr = before
        _outlets.clear()


def on_loss(told: Callable[[str], None]) -> None:
    """Call a function, with the reason, when standard output is lost; at once if it is lost already."""
    for stream in _outlets[:1]:
        stream.on_loss = told
        if stream.lost is not None:
            told(stream.lost)


def for_people() -> TextIO:
    """Choose where a person can still read: standard output, or standard error once standard output is lost."""
    return sys.stderr if is_lost() else sys.stdout


def is_lost() -> bool:
    """Tell whether nobody can read standard output any more."""
    return any(stream.lost is not None for stream in _outlets[:1])
