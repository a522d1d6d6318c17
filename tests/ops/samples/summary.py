"""Samples of ops that give serialized summaries. Expected values are TensorFlow's (2.21)."""

import numpy as np

import penstock.runtime.summary_wire  # noqa: F401  (registers the ops)
from penstock.wire import protos
from tests.ops.sample import Sample

_MAX = float(np.finfo(np.float64).max)


def _text(value):
    array = np.empty(np.shape(value), object)
    array[...] = value
    return array


def _summary(*values):
    summary = protos.Summary(value=[protos.Summary.Value(**value) for value in values])
    return _text(summary.SerializeToString())


_HISTOGRAM = protos.HistogramProto(
    min=-1.0,
    max=2.0999999046325684,
    num=5,
    sum=3.5999999046325684,
    sum_squares=9.6599995994567962,
    bucket_limit=[
        -1.0089710279437536,
        -0.917246389039776,
        0,
        1e-12,
        0.47069243095356195,
        0.51776167404891815,
        1.9661990955585713,
        2.1628190051144287,
        _MAX,
    ],
    bucket=[0, 1, 0, 1, 0, 1, 0, 2, 0],
)
_EMPTY = protos.HistogramProto(min=_MAX, max=-_MAX, bucket_limit=[_MAX], bucket=[0])
_SCALARS = _summary({"tag": "a", "simple_value": 1.0}, {"tag": "b", "simple_value": 2.0})

SAMPLES = [
    Sample("ScalarSummary", (_text([b"a", b"b"]), np.float32([1, 2])), _SCALARS),
    Sample(
        "HistogramSummary",
        (_text(b"h"), np.float32([-1, 0, 0.5, 2, 2.1])),
        _summary({"tag": "h", "histo": _HISTOGRAM}),
    ),
    Sample(
        "HistogramSummary",
        (_text(b"h"), np.zeros([0], np.float32)),
        _summary({"tag": "h", "histo": _EMPTY}),
    ),
    Sample(
        "MergeSummary",
        ((_SCALARS, _summary({"tag": "c", "simple_value": 3.0})),),
        _summary(
            {"tag": "a", "simple_value": 1.0},
            {"tag": "b", "simple_value": 2.0},
            {"tag": "c", "simple_value": 3.0},
        ),
    ),
    Sample(
        "TensorSummaryV2",
        (_text(b"t"), np.int32([1, 2]), _text(b"\x0a\x03\x0a\x01x")),
        _summary(
            {
                "tag": "t",
                "tensor": protos.TensorProto(
                    dtype=3,
                    tensor_shape=protos.TensorShapeProto(
                        dim=[protos.TensorShapeProto.Dim(size=2)]
                    ),
                    tensor_content=np.int32([1, 2]).tobytes(),
                ),
                "metadata": protos.SummaryMetadata(
                    plugin_data=protos.SummaryMetadata.PluginData(plugin_name="x")
                ),
            }
        ),
    ),
    Sample(
        "AudioSummaryV2",
        (_text(b"s"), np.zeros([1, 3, 2], np.float32), np.float32(8000)),
        _summary(
            {
                "tag": "s/audio/0",
                "audio": protos.Summary.Audio(
                    sample_rate=8000.0,
                    num_channels=2,
                    length_frames=3,
                    encoded_audio_string=b"RIFF0\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00"
                    b"\x02\x00@\x1f\x00\x00\x00}\x00\x00\x04\x00\x10\x00data\x0c\x00\x00\x00"
                    + bytes(12),
                    content_type="audio/wav",
                ),
            }
        ),
    ),
]
