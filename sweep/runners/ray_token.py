"""The token that Ray's authentication asks for: of a Ray that is started here, and of a cluster that is attached to.

Ray 2.60 gives every cluster that a program starts for itself a token, and writes it into the user's home, where it
turns authentication on in clusters that are started later. A run has a token of its own instead, which ends with it.
Ray looks for a token unasked only where it finds a cluster on this machine, and ends the process where it is told to
use one and none is there; so all that is looked up here.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import ray
from ray.exceptions import AuthenticationError

from ganlib.errors import RequestError

MODE, TOKEN, PATH = "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
HOME_FILE = "~/.ray/auth_token"
_given: set[str] = set()
"""What was put into the environment here, and is taken out of it again."""


def give_own() -> None:
    """Give the Ray that is started next a token of its own, unless the user has said which, or that there be none.

    It is in the environment alone, which other users cannot read, so that nothing of it is left behind.
    """
    if os.environ.get(MODE, "token").lower() == "token" and not (
        os.environ.get(TOKEN) or os.environ.get(PATH)
    ):
        _put(MODE, "token")
        _put(TOKEN, secrets.token_hex(32))


def take_back() -> None:
    """Forget what was put into the environment for a Ray that has ended, or a cluster that was left."""
    for name in _given:
        os.environ.pop(name, None)
    if _given:
        _given.clear()
        _reread()


def show(admitted: Callable[[], bool], asked: str) -> None:
    """Use the token that is here where a cluster asks for one.

    Args:
        admitted: Tries whether the cluster lets this process in, as the environment is.
        asked: The address of the cluster as the user gave it, for messages.

    Raises:
        RequestError: the cluster asks for a token, and none is here or another one; or Ray is told to read one that is
            not there.
    """
    _check_file()
    here = _is_here()
    mode = os.environ.get(MODE, "").lower()
    if mode == "token" and not here:
        raise RequestError(f"{MODE} is 'token', but no token is here: {_where_to_put_it()}, or unset {MODE}")
    if admitted():
        return
    if not here:
        raise RequestError(
            f"the Ray cluster at '{asked}' asks for a token, and none is here: {_where_to_put_it()}"
        )
    if mode not in ("", "token"):
        raise RequestError(f"the Ray cluster at '{asked}' asks for a token, but {MODE} is '{mode}': unset it")
    if not mode:
        _put(MODE, "token")
        if admitted():
            return
    take_back()
    raise RequestError(
        f"the Ray cluster at '{asked}' has another token than {_source()}: {_where_to_put_it()}"
    )


def _is_here() -> bool:
    """Tell whether there is a token, whatever the mode."""
    here = bool(ray._raylet.AuthenticationTokenLoader.instance().has_token(ignore_auth_mode=True))
    _reread()  # Ray keeps what it has found, and would show it where nobody asks: actors then die at their start
    return here


def _put(name: str, value: str) -> None:
    if name not in os.environ:
        _given.add(name)
        os.environ[name] = value
        _reread()


def _reread() -> None:
    """Have Ray, which was imported before, look at the environment again."""
    ray._raylet.Config.initialize("")
    ray._raylet.AuthenticationTokenLoader.instance().reset_cache()


def _check_file() -> None:
    """Look at the file of the token: Ray would end the process where it is missing or empty."""
    path = os.environ.get(PATH)
    if not path or os.environ.get(TOKEN):
        return
    try:
        empty = not Path(path).read_text().strip()
    except OSError as error:
        raise RequestError(f"{PATH} names a file that cannot be read: {path}: {error.strerror}") from None
    if empty:
        raise RequestError(f"{PATH} names an empty file: {path}")


def admits(address: str) -> bool:
    """Try whether the head at HOST:PORT lets this process in.

    Raises:
        RpcError: no Ray answers there.
    """
    try:
        with _without_ray_on_stderr():
            ray._raylet.GcsClient(address=address)
    except AuthenticationError:
        return False
    return True


def _source() -> str:
    if os.environ.get(TOKEN):
        return f"the environment variable {TOKEN}"
    return os.environ.get(PATH) or HOME_FILE


def _where_to_put_it() -> str:
    return (
        "copy the file that holds it on the cluster's head (~/sweep/token where cluster.yaml started it, else "
        f"{HOME_FILE}) to this machine, readable by you alone, and name it: export {PATH}=FILE"
    )


@contextmanager
def _without_ray_on_stderr() -> Iterator[None]:
    """Keep what Ray's C++ writes of a refusal from the terminal; it is told in better words."""
    before = os.dup(2)
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
