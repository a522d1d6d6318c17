"""Strings through the public names."""

import numpy as np
import pytest

import penstock as tf
from penstock.core.errors import InvalidArgumentError

strings = tf.strings


def _values(tensor):
    return tensor.numpy().tolist()


def test_words_make_a_vector_of_a_scalar_and_rows_of_a_vector():
    assert _values(strings.split(" a  b ")) == [b"a", b"b"]
    assert strings.split([["a b", "c"]]).to_list() == [[[b"a", b"b"], [b"c"]]]
    assert strings.split(["a,b,,c"], ",", maxsplit=1).to_list() == [[b"a", b"b,,c"]]


def test_bytes_and_characters_are_different_pieces():
    assert len(strings.bytes_split("hé")) == 3
    assert _values(strings.unicode_split("hé", "UTF-8")) == [b"h", "é".encode()]


def test_code_points_go_there_and_back():
    points, places = strings.unicode_decode_with_offsets(["a😀", ""], "UTF-8")

    assert points.to_list() == [[97, 128512], []]
    assert places.to_list() == [[0, 1], []]
    assert _values(strings.unicode_encode(points, "UTF-8")) == ["a😀".encode(), b""]
    assert _values(strings.unicode_encode([[72, 105], [74, 75]], "UTF-8")) == [b"Hi", b"JK"]


def test_malformed_text_is_replaced_dropped_or_refused():
    assert _values(strings.unicode_decode(b"a\xff", "UTF-8")) == [97, 0xFFFD]
    assert _values(strings.unicode_decode(b"a\xff", "UTF-8", errors="ignore")) == [97]
    with pytest.raises(InvalidArgumentError, match="valid"):
        strings.unicode_decode(b"a\xff", "UTF-8", errors="strict")


def test_ngrams_keep_the_form_of_their_input():
    assert _values(strings.ngrams([["a", "b"], ["c", "d"]], 2)) == [[b"a b"], [b"c d"]]
    ragged = strings.ngrams(tf.ragged.constant([["a", "b"], ["c"]]), 2, pad_values=("<", ">"))
    assert ragged.to_list() == [[b"< a", b"a b", b"b >"], [b"< c", b"c >"]]
    with pytest.raises(ValueError, match="positive"):
        strings.ngrams(["a"], 0)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        (r"\d+", "a1\u0661", "a#\u0661"),
        (r"a{,2}", "a{,2}", "#"),
        (r"$", "a\n", "a\n#"),
        (r"[[:alpha:]]", "a1é", "#1é"),
        (r"\pL", "a1é", "#1#"),
        (r"\p{Greek}", "a\u03b1", "a#"),
        (r"(?i)É", "éÉ", "##"),
        (r"a(?i)b|c", "aBC", "##"),
        (r"\Q.\E", "a.", "a#"),
        (r"(?U)a+", "aa", "##"),
        (r"\s", "a\x0b ", "a\x0b#"),
        (r"(?m)^b$", "a\nb\nc", "a\n#\nc"),
    ],
)
def test_patterns_mean_what_they_mean_to_re2(pattern, text, expected):
    assert strings.regex_replace(text, pattern, "#").numpy().decode() == expected


@pytest.mark.parametrize("pattern", ["(", "[", "a(?=b)", "a**", r"(a)\1", "a{1001}", r"\pX"])
def test_patterns_that_re2_lacks_are_refused(pattern):
    with pytest.raises(InvalidArgumentError, match="must be valid"):
        strings.regex_full_match("a", pattern)


def test_a_pattern_may_be_a_tensor():
    assert strings.regex_full_match(["ab", "b"], tf.constant("a.*")).numpy().tolist() == [
        True,
        False,
    ]


def test_joining_along_axes_and_segments():
    grid = [["a", "b"], ["c", "d"]]

    assert strings.reduce_join(grid).numpy() == b"abcd"
    assert strings.reduce_join(grid, [0, 1], separator="-").numpy() == b"a-c-b-d"
    assert _values(strings.unsorted_segment_join(["a", "b", "c"], [1, 0, 1], 2)) == [
        b"b",
        b"ac",
    ]
    with pytest.raises(InvalidArgumentError):
        strings.join([["a", "b"], ["c"]])


def test_numbers_are_written_as_c_writes_them():
    assert strings.as_string(1.5).numpy() == b"1.500000"
    assert _values(strings.as_string([1, -2], width=4, fill="0")) == [b"0001", b"-002"]
    with pytest.raises(InvalidArgumentError, match="precision"):
        strings.as_string(5, precision=2)


def test_a_string_without_a_number_is_refused():
    with pytest.raises(InvalidArgumentError, match="hold a number"):
        strings.to_number("1_0")
    with pytest.raises(InvalidArgumentError, match="int32"):
        strings.to_number("99999999999", tf.int32)


def test_parts_must_begin_inside():
    with pytest.raises(InvalidArgumentError, match="out of range"):
        strings.substr("abc", 4, 1)


def test_a_template_needs_as_many_tensors_as_placeholders():
    assert strings.format("{} and {}", (tf.constant([1, 2]), tf.constant("x"))).numpy() == (
        b'[1 2] and "x"'
    )
    with pytest.raises(ValueError, match="placeholders"):
        strings.format("{} {}", tf.constant(1))


def test_strings_work_inside_a_function():
    @tf.function
    def words(text):
        return strings.lower(strings.split(text).flat_values), strings.length(text)

    lowered, lengths = words(tf.constant(["A b", "C"]))

    assert _values(lowered) == [b"a", b"b", b"c"]
    assert _values(lengths) == [3, 1]


def test_records_of_values_become_columns():
    numbers, texts = tf.io.decode_csv(["1,a", '2,"b,c"'], [[0], ["z"]])

    assert _values(numbers) == [1, 2]
    assert _values(texts) == [b"a", b"b,c"]
    with pytest.raises(InvalidArgumentError, match="required but missing"):
        tf.io.decode_csv([",a"], [tf.constant([], tf.int32), ["z"]])
    with pytest.raises(InvalidArgumentError, match="fields"):
        tf.io.decode_csv(["1,2"], [[0]])


def test_raw_bytes_become_numbers():
    np.testing.assert_array_equal(
        tf.io.decode_raw([b"\x00\x01"], tf.int16, little_endian=False), [[1]]
    )
    with pytest.raises(InvalidArgumentError, match="multiple"):
        tf.io.decode_raw(["abc"], tf.int16)


def test_base64_goes_there_and_back():
    text = tf.constant([b"\xff\xfe?", b""])

    assert _values(tf.io.decode_base64(tf.io.encode_base64(text))) == _values(text)
    with pytest.raises(InvalidArgumentError):
        tf.io.decode_base64("Y+/*")
