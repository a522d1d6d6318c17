import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.wire import crc32c as checksums
from penstock.wire.crc32c import (
    _TERMS,
    crc32c,
    crc32c_each,
    joined,
    mask,
    masked_crc32c,
    unmask,
)

# RFC 3720, appendix B.4, and the usual check value.
PUBLISHED = {
    bytes(32): 0x8A9136AA,
    b"\xff" * 32: 0x62A8AB43,
    bytes(range(32)): 0x46DD794E,
    bytes(range(31, -1, -1)): 0x113FDB5C,
    b"123456789": 0xE3069283,
    b"": 0,
}


@pytest.fixture(params=["processor", "numpy"], autouse=True, scope="module")
def way(request):
    """Both ways to compute checksums."""
    if request.param == "processor" and checksums._native is None:
        pytest.skip("google-crc32c has no extension for this machine")
    before = checksums._native
    if request.param == "numpy":
        checksums._native = None
    yield request.param
    checksums._native = before


def bitwise(data, crc=0):
    """The definition: one bit after the other."""
    state = crc ^ 0xFFFFFFFF
    for byte in data:
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    return state ^ 0xFFFFFFFF


@pytest.mark.parametrize("data", PUBLISHED, ids=len)
def test_published_checksums_come_out(data):
    assert crc32c(data) == PUBLISHED[data]


# On both sides of every change of method.
@pytest.mark.parametrize("size", [1, 47, 48, 49, 1023, 1024, 1025, 1073, 16383, 16384, 20_000])
def test_each_length_agrees_with_the_definition(size):
    data = np.random.default_rng(size).bytes(size)

    assert crc32c(data) == bitwise(data)


def test_megabytes_agree_with_the_sum_of_their_parts():
    data = np.random.default_rng(0).bytes(3_000_001)
    crc = 0
    for start in range(0, len(data), 10_007):
        crc = crc32c(data[start : start + 10_007], crc)

    assert crc32c(data) == crc


# Where folding begins, and where each of its units and blocks does.
@pytest.mark.parametrize("size", [65_535, 65_536, 80_063, 80_064, 287_567, 287_568, 530_001])
@pytest.mark.parametrize("before", [0, 0xFFFFFFFF, 0x12345678])
def test_folded_data_agree_with_the_sum_of_their_parts(size, before):
    data = np.random.default_rng(size).bytes(size)
    crc = before
    for start in range(0, size, 10_007):
        crc = crc32c(data[start : start + 10_007], crc)

    assert crc32c(data, before) == crc


def test_the_terms_of_folding_add_up_to_a_multiple_of_the_polynomial():
    def power(exponent):
        """x^exponent as a remainder, highest power in the lowest bit."""
        state = 1 << 31
        for _ in range(exponent):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
        return state

    first, second, third = _TERMS

    assert power(8 * first) == power(8 * second) ^ power(8 * third) ^ power(0)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_a_checksum_goes_on_from_the_one_before(first, second):
    assert crc32c(second, crc32c(first)) == crc32c(first + second)


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_checksums_of_parts_are_joined(first, second):
    assert joined(crc32c(first), crc32c(second), len(second)) == crc32c(first + second)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
@pytest.mark.parametrize("data", [b"", b"123456789"])
def test_every_kind_of_buffer_is_taken(kind, data):
    assert crc32c(kind(data)) == PUBLISHED[data]


def test_a_part_of_a_buffer_is_taken():
    assert crc32c(memoryview(b"0123456789")[1:]) == PUBLISHED[b"123456789"]


def test_many_pieces_have_the_checksums_of_each():
    lengths = [0, 3, 4, 100, 127, 128, 1000, 5000] * 20
    pieces = [np.random.default_rng(i).bytes(length) for i, length in enumerate(lengths)]

    assert crc32c_each(pieces).tolist() == [bitwise(piece) for piece in pieces]


def test_no_pieces_have_no_checksums():
    assert crc32c_each([]).tolist() == []


def test_arrays_count_as_their_bytes():
    array = np.arange(1000, dtype=np.float32).reshape(10, 100)

    assert crc32c(array) == crc32c(array.tobytes())


def test_masking_can_be_undone():
    assert unmask(mask(0xE3069283)) == 0xE3069283


def test_a_masked_checksum_is_the_one_of_a_record_file():
    # The first 12 bytes of a TFRecord with one byte of data, as TensorFlow writes it.
    header = bytes.fromhex("01000000000000000175de41")

    assert masked_crc32c(header[:8]) == int.from_bytes(header[8:], "little")
