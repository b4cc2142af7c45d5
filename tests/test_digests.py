"""A payload behind its digest: what comes out is what went in, or it is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganlib.digests import DamagedError, ForeignError, is_whole, with_digest, without_digest


@given(st.binary(max_size=40))
def test_what_comes_out_is_what_went_in(payload: bytes) -> None:
    data = with_digest(b"kind-1", payload)
    assert without_digest(b"kind-1", data) == payload
    assert is_whole(data)


@given(st.binary(min_size=1, max_size=20), st.data())
def test_no_flipped_bit_is_missed(payload: bytes, data: st.DataObject) -> None:
    whole = with_digest(b"kind-1", payload)
    place = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((ForeignError, DamagedError)):
        without_digest(b"kind-1", bytes(broken))


@pytest.mark.parametrize("data", [b"", b"\n", b"other", b"kind-2 " + b"0" * 64 + b"\npayload"])
def test_foreign_bytes(data: bytes) -> None:
    with pytest.raises(ForeignError):
        without_digest(b"kind-1", data)
    assert not is_whole(data)


def test_a_file_that_was_cut_off() -> None:
    whole = with_digest(b"kind-1", b"payload")
    for length in range(len(b"kind-1 "), len(whole)):
        assert not is_whole(whole[:length])
