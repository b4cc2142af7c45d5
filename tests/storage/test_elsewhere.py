"""What messages say where something cannot be written is true in every command."""

import errno
from pathlib import Path

import pytest

from ganlib import written
from ganlib.errors import RequestError
from sweep.storage.folder import reason_of


def test_no_option_is_named_that_a_command_may_not_have(tmp_path: Path) -> None:
    """`--out` is called `--export` or `--space` elsewhere, and `note` or `rm` have neither."""
    (tmp_path / "model.safetensors").write_bytes(b"mine")
    with pytest.raises(RequestError, match="choose another place, or move what is there away") as refused:
        written.check([tmp_path / "model.safetensors"])
    full = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
    said = [reason_of(OSError(number, "x")) for number in full]
    assert all("choose another place" in one for one in said)
    assert not any("--" in one for one in [*said, str(refused.value)])
