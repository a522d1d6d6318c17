"""Logs, traces, probes and timings of a whole server, and each by itself."""

import http.client
import json
import time

import numpy as np
import pytest

from penstock.monitor.rotation import RotatingFile, Rotation
from penstock.monitor.rules import Violation
from penstock.monitor.tracing import SpanContext, Tracer, parse_traceparent
from penstock.serving.call import REST, Call, Identity, ModelSpec
from penstock.serving.middleware.access_log import AccessLog, BadInputLog
from penstock.serving.middleware.request_log import RequestLog, RequestLogConfig
from penstock.serving.middleware.tracing import CallTracing
from penstock.serving.server import ModelConfig, Server, ServerConfig
from penstock.serving.watch import WatchConfig
from penstock.wire import protos
from penstock.wire.records import RecordReader
from penstock.wire.tensors import make_ndarray
from tests.serving.fakes import FakeClock, FakeLoader, doubler

PARENT = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def base(tmp_path):
    (tmp_path / "double" / "1").mkdir(parents=True)
    return tmp_path / "double"


def served(base, **watch):
    config = ServerConfig((ModelConfig("double", base),), port=0, watch=WatchConfig(**watch))
    return Server(config, FakeLoader(doubler))


def ask(server, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, headers or {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def predict(server, *rows, headers=None):
    body = {"instances": [[row, row] for row in rows]}
    return ask(server, "POST", "/v1/models/double:predict", body, headers)


def call(**changes):
    made = Call(REST, "Predict", ModelSpec("m"), peer="10.0.0.1", start=1000.0)
    made.version, made.signature_name = 3, "serving_default"
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_probes_answer_by_status(base):
    with served(base) as server:
        found = {p: ask(server, "GET", p)[0] for p in ("/livez", "/readyz", "/startupz", "/x")}

    assert found == {"/livez": 200, "/readyz": 200, "/startupz": 200, "/x": 404}


def test_a_model_that_is_not_loaded_is_not_ready_but_alive(base):
    with served(base) as server:
        ask(server, "GET", "/startupz")
        server.manager.available = list

        found = {p: ask(server, "GET", p)[0] for p in ("/livez", "/readyz", "/startupz")}

    assert found == {"/livez": 200, "/readyz": 503, "/startupz": 200}


def test_the_metrics_of_calls_are_on_their_page(base):
    with served(base) as server:
        predict(server, 1)
        status, headers, body = ask(server, "GET", "/monitoring/prometheus/metrics")

    assert status == 200
    assert headers["Content-Type"].startswith("text/plain; version=0.0.4")
    text = body.decode()
    assert ':tensorflow:serving:request_count{model_name="double",status="OK"}' in text
    assert 'penstock_serving_model_available{model_name="double",version="1"} 1' in text
    assert "process_resident_memory_bytes" in text


def test_the_path_of_the_metrics_can_be_chosen(base):
    with served(base, metrics_path="/metrics") as server:
        assert ask(server, "GET", "/metrics")[0] == 200
        assert ask(server, "GET", "/monitoring/prometheus/metrics")[0] == 404


def test_an_answer_tells_where_its_time_went(base):
    with served(base) as server:
        _, headers, _ = predict(server, 1)

    parts = dict(part.split(";dur=") for part in headers["Server-Timing"].split(", "))
    assert list(parts) == ["queue", "compute", "decode", "encode"]
    assert all(float(value) >= 0 for value in parts.values())


def test_an_answer_tells_nothing_when_it_must_not(base):
    with served(base, server_timing=False) as server:
        assert "Server-Timing" not in predict(server, 1)[1]


def test_a_schema_file_refuses_with_a_line_and_keeps_a_sample(base, tmp_path):
    schema = tmp_path / "schema.toml"
    schema.write_text("[features.x]\nmax = 10\n")
    log = tmp_path / "bad.jsonl"
    with served(base, schema_files={"": schema}, bad_input_log=log) as server:
        good, bad = predict(server, 1), predict(server, 1, 11)

    assert good[0] == 200
    assert bad[0] == 400
    assert json.loads(bad[2])["error"].endswith("input 'x' must be at most 10, got 11 in row 1")
    (line,) = lines(log)
    assert line["violations"][0]["rule"] == "range"
    assert line["inputs"]["x"]["values"] == [1, 1, 11, 11]


def test_the_access_log_has_a_line_for_each_call(base, tmp_path):
    log = tmp_path / "logs" / "access.jsonl"
    with served(base, access_log=log) as server:
        predict(server, 1, 2, headers={"X-Request-Id": "abc"})
        ask(server, "POST", "/v1/models/other:predict", {"instances": [1]})

    good, bad = lines(log)
    assert (good["model"], good["version"], good["status"]) == ("double", 1, "OK")
    assert (good["rows"], good["request_id"], good["peer"][:9]) == (2, "abc", "127.0.0.1")
    assert good["total_ms"] >= good["compute_ms"] >= 0
    assert (bad["model"], bad["status"]) == ("other", "NOT_FOUND")
    assert "error" in bad


def test_what_a_client_sends_cannot_end_a_line_of_the_log(tmp_path):
    log = AccessLog(tmp_path / "a", FakeClock(), FakeClock())

    log.done(
        call(spec=ModelSpec('x"\n{"status":"OK"}'), headers=[(b"x-request-id", b"\n\xff")])
    )
    log.close()

    (line,) = lines(tmp_path / "a")
    assert line["model"] == 'x"\n{"status":"OK"}'


def test_samples_of_bad_inputs_are_bounded(tmp_path):
    clock = FakeClock(0.0)
    log = BadInputLog(tmp_path / "bad", per_minute=3, now=clock)
    inputs = {"x": np.zeros(3)}
    for _ in range(10):
        log.sample(call(), inputs, [Violation("x", "range", "line")])
    clock.now = 61
    log.sample(call(), inputs, [Violation("x", "range", "line")])
    log.close()

    assert len(lines(tmp_path / "bad")) == 4


def request_log(tmp_path, rate=1.0, draw=lambda: 0.5, **rotation):
    config = RequestLogConfig(tmp_path / "m", rate, Rotation(**rotation))
    return RequestLog({"m": config}, FakeClock(5000.0), draw)


def run(log, **changes):
    made = call(inputs={"x": np.array([[1, 2]], np.float32)}, **changes)
    log.admit(made)
    made.outputs = {"y": np.array([b"a"], object)}
    log.done(made)
    return made


def read(tmp_path):
    return [
        protos.parse(protos.PredictionLog, record, "record")
        for path in sorted(tmp_path.glob("m-*.tfrecord"))
        for record in RecordReader(path)
    ]


def test_a_sample_is_a_prediction_log(tmp_path):
    log = request_log(tmp_path)

    run(log, identity=Identity("team"))
    log.close()

    (record,) = read(tmp_path)
    assert record.log_metadata.model_spec.name == "m"
    assert record.log_metadata.model_spec.version.value == 3
    assert record.log_metadata.timestamp_secs == 5000
    assert record.log_metadata.sampling_config.sampling_rate == 1
    assert record.log_metadata.request_origin == "team"
    sent = record.predict_log.request
    assert sent.model_spec.signature_name == "serving_default"
    np.testing.assert_array_equal(make_ndarray(sent.inputs["x"]), [[1, 2]])
    assert make_ndarray(record.predict_log.response.outputs["y"]).tolist() == [b"a"]


def test_a_classified_example_is_logged_as_such(tmp_path):
    log = request_log(tmp_path)
    example = protos.Example()
    example.features.feature["a"].float_list.value.append(2)
    made = call(
        api="Classify", inputs={"inputs": np.array([example.SerializeToString()], object)}
    )
    log.admit(made)
    made.outputs = {
        "classes": np.array([[b"cat", b"dog"]], object),
        "scores": np.array([[0.25, 0.75]], np.float32),
    }
    log.done(made)
    log.close()

    (record,) = read(tmp_path)
    assert record.classify_log.request.input.example_list.examples[0] == example
    (result,) = record.classify_log.response.result.classifications
    assert [(c.label, c.score) for c in result.classes] == [("cat", 0.25), ("dog", 0.75)]


def test_the_rate_decides_what_is_kept(tmp_path):
    draws = iter([0.1, 0.3, 0.24, 0.9])
    log = request_log(tmp_path, 0.25, lambda: next(draws))

    kept = [run(log).keep for _ in range(4)]
    log.close()

    assert kept == [True, False, True, False]
    assert len(read(tmp_path)) == 2


def test_failed_calls_and_other_models_are_not_logged(tmp_path):
    log = request_log(tmp_path)

    run(log, status="INTERNAL")
    run(log, spec=ModelSpec("other"))
    log.close()

    assert read(tmp_path) == []


def test_a_folder_never_shows_half_a_file(tmp_path):
    file = RotatingFile(tmp_path / "m", ".log", Rotation(max_bytes=10), FakeClock())

    file.write(b"12345")
    during = file.files()
    file.write(b"1234567")
    after = file.files()
    file.finish()

    assert during == []
    assert [path.read_bytes() for path in after] == [b"12345"]
    assert [path.read_bytes() for path in file.files()] == [b"12345", b"1234567"]
    assert list(tmp_path.glob("*.part")) == []


def test_an_old_file_is_finished_and_only_so_many_are_kept(tmp_path):
    clock = FakeClock()
    file = RotatingFile(tmp_path / "m", ".log", Rotation(max_age_s=10, max_files=2), clock)
    for number in range(5):
        file.write(b"%d" % number)
        clock.now += 11
        file.finish_old()

    assert [path.read_bytes() for path in file.files()] == [b"3", b"4"]


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00-0-0-01",
        b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01",
        b"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        b"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        b"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        PARENT + b"-more",
    ],
)
def test_a_traceparent_that_breaks_the_rules_is_none(value):
    assert parse_traceparent(value) is None


def test_a_traceparent_of_a_later_version_is_read_as_far_as_it_is_known():
    parent = parse_traceparent(b"cc" + PARENT[2:] + b"-more")

    assert (parent.span_id, parent.is_sampled) == (0xB7AD6B7169203331, True)


@pytest.fixture
def exporter():
    pytest.importorskip("opentelemetry.sdk", reason="the extra 'telemetry' is not installed")
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    return InMemorySpanExporter()


def traced(exporter, rate, headers=(), **changes):
    clock = FakeClock()
    tracing = CallTracing(Tracer(exporter=exporter), rate, clock, lambda: 0.5)
    made = call(headers=headers, rows=2, decode_s=0.1, queue_s=0.2, compute_s=0.3, **changes)
    tracing.admit(made)
    clock.now += 1
    tracing.done(made)
    tracing.close()
    return made, {span.name: span for span in exporter.get_finished_spans()}


def test_a_sampled_call_has_spans_of_its_parts(exporter):
    made, spans = traced(exporter, 1.0, [(b"traceparent", PARENT)])

    whole = spans["Predict m"]
    assert f"{whole.context.trace_id:032x}" == "0af7651916cd43dd8448eb211c80319c"
    assert whole.parent.span_id == 0xB7AD6B7169203331
    assert whole.context.span_id == made.notes["trace"].span_id
    assert whole.attributes["penstock.model.version"] == 3
    assert spans.keys() == {"Predict m", "decode", "queue", "compute", "encode"}
    assert {spans[p].parent.span_id for p in ("decode", "queue", "compute")} == {
        whole.context.span_id
    }
    lasted = {n: round((s.end_time - s.start_time) / 1e9, 3) for n, s in spans.items()}
    assert lasted == {
        "Predict m": 1.0,
        "decode": 0.1,
        "queue": 0.2,
        "compute": 0.3,
        "encode": 0.4,
    }


def test_a_failed_call_is_an_error_in_its_trace(exporter):
    _, spans = traced(exporter, 1.0, status="UNAVAILABLE")

    assert spans["Predict m"].status.description == "UNAVAILABLE"
    assert spans["Predict m"].parent is None


@pytest.mark.parametrize(
    ("rate", "headers", "is_traced"),
    [
        (0.4, (), False),
        (0.6, (), True),
        (0.0, [(b"traceparent", PARENT)], True),
        (1.0, [(b"traceparent", PARENT[:-2] + b"00")], False),
        (0.0, [(b"traceparent", b"nonsense")], False),
    ],
)
def test_the_caller_decides_and_else_the_rate(exporter, rate, headers, is_traced):
    _, spans = traced(exporter, rate, headers)

    assert bool(spans) == is_traced


def test_a_call_that_is_not_traced_costs_less_than_a_microsecond(exporter):
    tracing = CallTracing(Tracer(exporter=exporter), 0.0)
    headers = [(b"host", b"a"), (b"content-type", b"b"), (b"content-length", b"1")] * 2
    made = call(headers=headers)
    best = float("inf")
    for _ in range(50):
        start = time.perf_counter()
        for _ in range(100):
            tracing.admit(made)
            tracing.done(made)
        best = min(best, (time.perf_counter() - start) / 100)
    tracing.close()

    assert best < 1e-6


def test_a_new_trace_has_new_identities():
    found = {SpanContext.child_of(None).traceparent for _ in range(100)}

    assert len(found) == 100
    assert all(parse_traceparent(each.encode()).is_sampled for each in found)
