"""Samples of strings; hashes and number formats are what TensorFlow 2.21 gives."""

import numpy as np

from penstock.core.dtypes import int16, int32, int64
from tests.ops.sample import Sample


def s(*texts):
    """A vector of strings."""
    return np.array([t.encode() if isinstance(t, str) else t for t in texts], object)


def one(text):
    """A scalar string."""
    return np.array(text.encode() if isinstance(text, str) else text, object)


NGRAMS = {
    "separator": "|",
    "ngram_widths": (2, 3),
    "left_pad": "L",
    "right_pad": "R",
    "pad_width": -1,
    "preserve_short_sequences": False,
}
UTF8 = {"input_encoding": "UTF-8"}
splits = np.int64([0, 2, 2, 5])

SAMPLES = [
    Sample("StringLength", (s("é", "ab"),), np.int32([2, 2])),
    Sample("StringLength", (s("é", "ab"),), np.int32([1, 2]), {"unit": "UTF8_CHAR"}),
    Sample("StringLower", (s("AbÉ"),), s("abÉ")),
    Sample("StringLower", (s("AbÉ"),), s("abé"), {"encoding": "utf-8"}),
    Sample("StringUpper", (s("aßé"),), s("Aßé")),
    Sample("StringUpper", (s("aßé"),), s("ASSÉ"), {"encoding": "utf-8"}),
    Sample("StringStrip", (s(" \t a b\n\x0b", "c"),), s("a b", "c")),
    Sample("StringJoin", ((s("a", "b"), one("c")),), s("a-c", "b-c"), {"separator": "-"}),
    Sample(
        "StringSplit",
        (s("a b,,c ", "", "d"), one(" ,")),
        (np.int64([[0, 0], [0, 1], [0, 2], [2, 0]]), s("a", "b", "c", "d"), np.int64([3, 3])),
    ),
    Sample(
        "StringSplitV2",
        (s(" a b  c "), one("")),
        (np.int64([[0, 0], [0, 1]]), s("a", "b  c "), np.int64([1, 2])),
        {"maxsplit": 1},
    ),
    Sample(
        "StringSplitV2",
        (s(",a,,b", "c"), one(",")),
        (
            np.int64([[0, 0], [0, 1], [0, 2], [0, 3], [1, 0]]),
            s("", "a", "", "b", "c"),
            np.int64([2, 4]),
        ),
    ),
    Sample("Substr", (s("hello", "world"), np.int32([1, -3]), np.int32([2, 2])), s("el", "rl")),
    Sample(
        "Substr",
        (one("hé中lo"), np.int32(1), np.int32(2)),
        one("é中"),
        {"unit": "UTF8_CHAR"},
    ),
    Sample("RegexReplace", (s("banana"), one("(a)(n)"), one(r"\2\1")), s("bnanaa")),
    Sample(
        "StaticRegexReplace",
        (s("abxd"),),
        s("-a-b-d-"),
        {"pattern": "x*", "rewrite": "-"},
    ),
    Sample("RegexFullMatch", (s("abc", "ab\n"), one("a.*")), np.array([True, False])),
    Sample(
        "StaticRegexFullMatch",
        (s("ABC", "abd"),),
        np.array([True, False]),
        {"pattern": "(?i)abc"},
    ),
    Sample("ReduceJoin", (s("a", "b", "c", "d").reshape(2, 2), np.int32([0, 1])), one("acbd")),
    Sample(
        "ReduceJoin",
        (s("a", "b", "c", "d").reshape(2, 2), np.int32([-1])),
        s("a+b", "c+d").reshape(2, 1),
        {"keep_dims": True, "separator": "+"},
    ),
    Sample(
        "UnsortedSegmentJoin",
        (s("a", "b", "c"), np.int32([1, 0, 1]), np.int32(3)),
        s("b", "a:c", ""),
        {"separator": ":"},
    ),
    Sample(
        "StringNGrams",
        (s("a", "b", "c", "d", "e"), splits),
        (s("a|b", "c|d", "d|e", "c|d|e"), np.int64([0, 1, 1, 4])),
        {**NGRAMS, "pad_width": 0},
    ),
    Sample(
        "StringNGrams",
        (s("a"), np.int64([0, 1])),
        (s("L|a", "a|R", "L|L|a", "L|a|R", "a|R|R"), np.int64([0, 5])),
        NGRAMS,
    ),
    Sample("AsString", (np.float32([1.5, np.inf, -0.25]),), s("1.500000", "inf", "-0.250000")),
    Sample(
        "AsString",
        (np.float64([1.5, -np.inf]),),
        s("00001.50", "    -inf"),
        {"precision": 2, "width": 8, "fill": "0"},
    ),
    Sample("AsString", (np.float64([1234567.891]),), s("1.23457e+06"), {"shortest": True}),
    Sample("AsString", (np.float32([1.5]),), s("1.500000e+00"), {"scientific": True}),
    Sample("AsString", (np.int8([-5, 7]),), s("-00005", "000007"), {"width": 6, "fill": "0"}),
    Sample("AsString", (np.array([True, False]),), s("true", "false")),
    Sample("AsString", (np.complex64([1 + 2j]),), s("(1.0,2.0)"), {"precision": 1}),
    Sample(
        "StringToNumber", (s(" 1.5 ", "0x10", "-Infinity"),), np.float32([1.5, 16, -np.inf])
    ),
    Sample("StringToNumber", (s("+5", " -7 "),), np.int32([5, -7]), {"out_type": int32}),
    Sample("StringToNumber", (s("99999999999"),), np.int64([99999999999]), {"out_type": int64}),
    Sample(
        "StringToHashBucket",
        (s("", "a", "abcdefgh", "abcdefghijk"),),
        np.int64([142163811899, 825286642172, 519226784850, 148408518156]),
        {"num_buckets": 2**40},
    ),
    Sample(
        "StringToHashBucketFast",
        (s("", "a", "abcdefgh", "x" * 100),),
        np.int64(
            [1936946117179621455, 3694432073954588131, 4533385575889643785, 1978794067220662815]
        ),
        {"num_buckets": 2**62},
    ),
    Sample(
        "StringToHashBucketStrong",
        (s("", "a", "abcdefgh", "x" * 100),),
        np.int64(
            [887865449656487406, 2150915142212405420, 2474413746348421976, 2913733403963950766]
        ),
        {"num_buckets": 2**62, "key": (123, 456)},
    ),
    Sample(
        "Fingerprint",
        (s("a", "b", "c", "d").reshape(2, 2), one("farmhash64")),
        np.uint8([[122, 64, 59, 169, 136, 60, 55, 83], [52, 252, 224, 38, 64, 226, 155, 60]]),
    ),
    Sample("EncodeBase64", (s("abc", b"\xff\xfb"),), s("YWJj", "__s")),
    Sample("EncodeBase64", (s("a"),), s("YQ=="), {"pad": True}),
    Sample("DecodeBase64", (s("YWJj", "YQ", "YQ=="),), s("abc", "a", "a")),
    Sample("DecodeRaw", (s("abcd"),), np.int16([[25185, 25699]]), {"out_type": int16}),
    Sample(
        "DecodeRaw",
        (s("abcd"),),
        np.int16([[24930, 25444]]),
        {"out_type": int16, "little_endian": False},
    ),
    Sample(
        "DecodePaddedRaw",
        (s("ab", "abcdef"), np.int32(4)),
        np.int16([[25185, 0], [25185, 25699]]),
        {"out_type": int16},
    ),
    Sample(
        "DecodeCSV",
        (s("1,2.5,a", '3,,"b,""c"'), (np.int32([0]), np.float32([7]), s("z"))),
        (np.int32([1, 3]), np.float32([2.5, 7]), s("a", 'b,"c')),
    ),
    Sample("UnicodeDecode", (s("hé", ""),), (np.int64([0, 2, 2]), np.int32([104, 233])), UTF8),
    Sample(
        "UnicodeDecodeWithOffsets",
        (s("a😀b", b"\xe4\xb8"),),
        (np.int64([0, 3, 4]), np.int32([97, 128512, 98, 65533]), np.int64([0, 1, 5, 0])),
        UTF8,
    ),
    Sample(
        "UnicodeEncode",
        (np.int32([72, 0x4E2D, 0xD800, 65]), np.int64([0, 2, 4])),
        s("H中", "\ufffdA"),
        {"output_encoding": "UTF-8"},
    ),
    Sample(
        "UnicodeTranscode",
        (s("é", b"\xffa"),),
        s(b"\x00\xe9", b"\xff\xfd\x00a"),
        {**UTF8, "output_encoding": "UTF-16-BE"},
    ),
    Sample(
        "UnicodeScript",
        (np.int32([65, 0x4E2D, 0x3B1, 0x43F, 48, 0x300, -1, 0x110000]),),
        np.int32([25, 17, 14, 8, 0, 1, -1, -1]),
    ),
]
