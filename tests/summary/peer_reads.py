"""Read event files with TensorBoard; prints JSON. Run by `test_peer.py`."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import (
    STORE_EVERYTHING_SIZE_GUIDANCE,
    EventAccumulator,
)
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util.tensor_util import make_ndarray


def main(folder):
    accumulator = EventAccumulator(folder, size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE)
    accumulator.Reload()
    tags = accumulator.Tags()
    tensors = {}
    for tag in tags["tensors"]:
        plugin = accumulator.SummaryMetadata(tag).plugin_data.plugin_name
        for event in accumulator.Tensors(tag):
            array = make_ndarray(event.tensor_proto)
            values = [
                value.hex() if isinstance(value, bytes) else float(value)
                for value in array.ravel().tolist()
            ]
            tensors.setdefault(tag, []).append([plugin, event.step, list(array.shape), values])
    return {
        "tensors": tensors,
        "scalars": {
            tag: [[event.step, event.value] for event in accumulator.Scalars(tag)]
            for tag in tags["scalars"]
        },
        "histograms": {
            tag: [event.histogram_value.num for event in accumulator.Histograms(tag)]
            for tag in tags["histograms"]
        },
        "images": {
            tag: [[event.width, event.height] for event in accumulator.Images(tag)]
            for tag in tags["images"]
        },
        "has_graph": bool(tags["graph"]),
        "hparams": _hparams(accumulator),
    }


def _hparams(accumulator):
    content = accumulator.PluginTagToContent("hparams")["_hparams_/session_start_info"]
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    values = data.session_start_info.hparams
    return {name: getattr(values[name], values[name].WhichOneof("kind")) for name in values}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
