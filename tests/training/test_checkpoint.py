"""Checkpoints: what comes back is what went in, or an error that names the file."""

import hashlib
import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ganlib.errors import WorkError
from ganlib.training.checkpoint import MAGIC, BrokenCheckpointError, dump, load

STATE = {
    "shown": 1280,
    "nested": {"weights": torch.arange(12.0).reshape(3, 4), "flags": [True, None, 2.5, "text"]},
    "random": torch.Generator().manual_seed(1).get_state(),
    "half": torch.tensor([1.5, float("nan"), float("inf")], dtype=torch.bfloat16),
}


def sealed(payload: bytes) -> bytes:
    """A payload with a digest that is right."""
    return MAGIC + b" " + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload


def test_what_comes_back_is_what_went_in() -> None:
    state = load(dump(STATE), "a.ckpt")
    assert state["shown"] == 1280
    assert state["nested"]["flags"] == [True, None, 2.5, "text"]
    for first, second in ((STATE, state), (STATE["nested"], state["nested"])):
        for name, value in first.items():
            if isinstance(value, torch.Tensor):
                assert value.dtype == second[name].dtype
                assert (
                    value.numpy(force=True).tobytes() == second[name].numpy(force=True).tobytes()
                    if (value.dtype != torch.bfloat16)
                    else torch.equal(value.view(torch.int16), second[name].view(torch.int16))
                )


@settings(deadline=None, max_examples=30)
@given(
    st.dictionaries(
        st.text(max_size=5),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
            ),
            max_leaves=6,
        ),
        max_size=4,
    )
)
def test_plain_values_survive(state: dict[str, Any]) -> None:
    assert load(dump(state), "x") == state


def test_tensors_arrive_on_the_device_asked_for() -> None:
    assert load(dump(STATE), "x", "meta")["half"].device.type == "meta"


SMALL = dump({"w": torch.arange(3.0)})


@pytest.mark.parametrize("length", [*range(0, 120), *range(120, len(SMALL), 37), len(SMALL) - 1])
def test_a_torn_file_is_refused(length: int) -> None:
    with pytest.raises(BrokenCheckpointError, match=r"^00040\.ckpt is "):
        load(SMALL[:length], "00040.ckpt")


def test_every_flipped_bit_is_found() -> None:
    """All bits of the head, and a sample of those of the content."""
    head = SMALL.index(b"\n") + 1
    positions = [*range(8 * head), *range(8 * head, 8 * len(SMALL), 13)]
    for position in positions:
        damaged = bytearray(SMALL)
        damaged[position // 8] ^= 1 << position % 8
        with pytest.raises(BrokenCheckpointError):
            load(bytes(damaged), "x")


def test_more_bytes_than_were_written_are_refused() -> None:
    with pytest.raises(BrokenCheckpointError, match="damaged"):
        load(SMALL + b"\0", "x")


@pytest.mark.parametrize("content", [b"", b"\n", b"PK\x03\x04 a zip file", b"sweep-checkpoint-2 00\n", MAGIC])
def test_a_foreign_file_is_refused(content: bytes) -> None:
    with pytest.raises(WorkError, match=r"^best\.pt "):
        load(content, "best.pt")


def test_a_plain_torch_file_is_refused() -> None:
    buffer = io.BytesIO()
    torch.save({"w": torch.ones(2)}, buffer)
    with pytest.raises(BrokenCheckpointError, match="not a checkpoint"):
        load(buffer.getvalue(), "x")


class Malicious:
    """Its unpickling writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self.path, "executed")


def payloads(path: Path) -> dict[str, bytes]:
    zipped = io.BytesIO()
    torch.save({"w": Malicious(path)}, zipped)
    legacy = io.BytesIO()
    torch.save({"w": Malicious(path)}, legacy, _use_new_zipfile_serialization=False)
    return {"zip": zipped.getvalue(), "legacy": legacy.getvalue(), "pickle": pickle.dumps(Malicious(path))}


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("kind", ["zip", "legacy", "pickle"])
def test_a_hostile_pickle_with_a_right_digest_is_refused_and_not_executed(kind: str, tmp_path: Path) -> None:
    written = tmp_path / "written"
    payload = payloads(written)[kind]
    with pytest.raises(BrokenCheckpointError, match=r"^evil\.ckpt ") as caught:
        load(sealed(payload), "evil.ckpt")
    assert not written.exists()
    assert "trust" not in str(caught.value), "torch's advice how to run it anyway is not passed on"


def empty_zip() -> bytes:
    buffer = io.BytesIO()
    zipfile.ZipFile(buffer, "w").close()
    return buffer.getvalue()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("payload", [b"", b"text", b"\x80\x02", b"\x80", empty_zip(), pickle.dumps([1])])
def test_any_other_content_with_a_right_digest_is_refused(payload: bytes) -> None:
    with pytest.raises(BrokenCheckpointError, match=r"^x\.ckpt "):
        load(sealed(payload), "x.ckpt")


def test_a_value_that_is_no_dictionary_is_refused() -> None:
    buffer = io.BytesIO()
    torch.save([1, 2], buffer)
    with pytest.raises(BrokenCheckpointError, match="holds a list"):
        load(sealed(buffer.getvalue()), "x")
