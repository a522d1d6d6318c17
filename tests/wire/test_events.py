import pytest

from penstock.core.errors import DataLossError, FailedPreconditionError, NotFoundError
from penstock.wire import protos
from penstock.wire.events import EventFileWriter, read_events
from penstock.wire.records import frame
from penstock.wire.tensors import make_ndarray
from tests.wire.golden import GOLDEN


def test_tensorflows_events_are_read():
    first, *events = read_events(GOLDEN / "events.tfevents")

    assert first.file_version == "brain.Event:2"
    assert [event.step for event in events] == [1, 2]
    values = [event.summary.value[0] for event in events]
    assert [value.tag for value in values] == ["loss", "loss"]
    assert [make_ndarray(value.tensor).item() for value in values] == [0.25, 0.5]


def test_written_events_are_framed_records_after_the_version(tmp_path):
    with EventFileWriter(tmp_path / "logs", clock=lambda: 1_700_000_000.5) as writer:
        writer.add_event(step=3, summary={"value": [{"tag": "loss", "simple_value": 1.5}]})
        writer.add_event(protos.Event(wall_time=7.0, step=4))

    first, second, third = read_events(writer.path)
    assert (first.file_version, first.wall_time) == ("brain.Event:2", 1_700_000_000.5)
    assert (second.step, second.summary.value[0].simple_value) == (3, 1.5)
    assert (third.step, third.wall_time) == (4, 7.0)
    assert writer.path.read_bytes().endswith(frame(third.SerializeToString()))


def test_the_file_is_named_so_that_tensorboard_finds_it(tmp_path):
    with EventFileWriter(tmp_path, clock=lambda: 1_700_000_000.5) as writer:
        pass

    parts = writer.path.name.split(".")
    assert parts[:4] == ["events", "out", "tfevents", "1700000000"]
    assert parts[-1] == "v2"


def test_two_writers_of_one_second_have_files_of_their_own(tmp_path):
    with (
        EventFileWriter(tmp_path, clock=lambda: 0) as one,
        EventFileWriter(tmp_path, clock=lambda: 0) as two,
    ):
        assert one.path != two.path


def test_what_was_flushed_is_seen_by_others(tmp_path):
    with EventFileWriter(tmp_path) as writer:
        writer.add_event(step=1)
        writer.flush()

        assert len(list(read_events(writer.path))) == 2


def test_a_closed_writer_refuses_events(tmp_path):
    writer = EventFileWriter(tmp_path)
    writer.close()
    writer.close()
    writer.flush()

    with pytest.raises(FailedPreconditionError, match="closed"):
        writer.add_event(step=1)


def test_an_incomplete_last_record_is_an_error_only_in_a_finished_file(tmp_path):
    path = tmp_path / "events"
    path.write_bytes((GOLDEN / "events.tfevents").read_bytes()[:-3])

    assert [event.step for event in read_events(path, is_growing=True)] == [0, 1]
    with pytest.raises(DataLossError, match="truncated"):
        list(read_events(path))


def test_a_record_that_is_no_event_is_data_loss(tmp_path):
    (tmp_path / "events").write_bytes(frame(b"\x1a\xff"))

    with pytest.raises(DataLossError, match="event at 0"):
        list(read_events(tmp_path / "events", is_growing=True))


def test_a_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFoundError):
        list(read_events(tmp_path / "none"))
