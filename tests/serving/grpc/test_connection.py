import asyncio
import gzip
import struct
import zlib

import pytest

from penstock.core.errors import InvalidArgumentError
from penstock.serving.grpc import frames
from penstock.serving.grpc.frames import frame
from penstock.serving.grpc.limits import GrpcLimits
from penstock.serving.grpc.method import streaming, unary
from tests.serving.grpc.client import HELLO, Client, prefixed

ECHO, SLOW, FAIL, CRASH, STREAM, TELL = (
    f"/t.T/{name}" for name in ("Echo", "Slow", "Fail", "Crash", "Stream", "Tell")
)
OK, DEADLINE, UNIMPLEMENTED, INTERNAL, EXHAUSTED = 0, 4, 12, 13, 8


WIDE = frames.PREFACE + frames.settings([(frames.INITIAL_WINDOW_SIZE, 1 << 20)])


class Methods(dict):
    """Methods that remember what happened to them."""

    def __init__(self):
        self.cancelled = 0
        self.requests = []
        self.go = asyncio.Event()

        async def echo(request):
            self.requests.append(request)
            return request.body

        async def slow(request):
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            return b"slow"

        async def fail(request):
            raise InvalidArgumentError("100 % wrong: \u00e9\n")

        async def crash(request):
            raise ZeroDivisionError("secret")

        async def stream(stream):
            async for message in stream.messages():
                yield message * 2

        super().__init__(
            {
                ECHO: unary(echo),
                SLOW: unary(slow),
                FAIL: unary(fail),
                CRASH: unary(crash),
                STREAM: streaming(stream),
            }
        )


@pytest.fixture
def runner():
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def make(runner):
    """Makes clients of one set of methods."""
    methods = runner.run(_methods())

    def client(limits=None, hello=HELLO):
        found = Client(methods, runner.get_loop(), limits, hello)
        found.methods = methods
        found.turn = lambda turns=5: (runner.run(_turns(turns)), found.read())[1]
        return found

    return client


async def _methods():
    return Methods()


async def _turns(count):
    for _ in range(count):
        await asyncio.sleep(0)


def window_update(stream, size):
    return frame(frames.WINDOW_UPDATE, 0, stream, struct.pack(">L", size))


def test_a_call_is_answered_with_headers_message_and_trailers(make):
    client = make()

    client.call(1, ECHO, b"hello")
    client.turn()

    assert client.headers[1][0] == {b":status": b"200", b"content-type": b"application/grpc"}
    assert client.messages(1) == [(0, b"hello")]
    assert client.status(1) == (OK, "")
    assert client.frames[-1][1] & frames.END_STREAM


def test_metadata_and_address_reach_the_method(make):
    client = make()

    client.call(1, ECHO, b"", authorization="Bearer x", x_one="1")
    client.turn()

    (request,) = client.methods.requests
    assert request.header(b"authorization") == b"Bearer x"
    assert request.header(b"x-one") == b"1"
    assert request.peer == "192.0.2.7"


def test_a_call_may_come_byte_by_byte(make):
    client = make(hello=b"")
    body = frame(frames.DATA, frames.END_STREAM, 1, prefixed(b"hello"))
    data = HELLO + client.head(1, ECHO) + body

    for byte in data:
        client.send(bytes([byte]))
    client.turn()

    assert client.messages(1) == [(0, b"hello")]


def test_many_calls_of_one_connection_get_their_own_answers(make):
    client = make()

    for stream in range(1, 101, 2):
        client.call(stream, ECHO, b"%d" % stream)
    client.turn()

    assert [client.messages(s) for s in range(1, 101, 2)] == [
        [(0, b"%d" % s)] for s in range(1, 101, 2)
    ]


def test_headers_may_be_continued_padded_and_weighted(make):
    client = make()
    block = client.encoder.encode(client.fields(ECHO))
    first = bytes([3]) + b"\x00\x00\x00\x00\x10" + block[:7] + bytes(3)
    flags = frames.PADDED | frames.HAS_PRIORITY

    client.send(frame(frames.HEADERS, flags, 1, first))
    client.send(frame(frames.CONTINUATION, 0, 1, block[7:9]))
    client.send(frame(frames.CONTINUATION, frames.END_HEADERS, 1, block[9:]))
    data = bytes([4]) + prefixed(b"hello") + bytes(4)
    client.send(frame(frames.DATA, frames.PADDED | frames.END_STREAM, 1, data))
    client.turn()

    assert client.messages(1) == [(0, b"hello")]


def test_an_error_is_told_with_its_code_and_percent_encoded_text(make):
    client = make()

    client.call(1, FAIL)
    client.turn()

    assert client.status(1) == (3, "100 %25 wrong: %C3%A9%0A")
    assert len(client.headers[1]) == 1


def test_a_crash_tells_the_client_nothing(make, caplog):
    client = make()

    client.call(1, CRASH)
    client.turn()

    assert client.status(1)[0] == INTERNAL
    assert "secret" not in client.status(1)[1]
    assert "secret" in caplog.text


@pytest.mark.parametrize(
    ("fields", "status", "code"),
    [
        ({"content_type": "application/grpc+proto"}, b"200", OK),
        ({"content_type": "text/html"}, b"415", None),
        ({"content_type": "application/grpc-web"}, b"415", None),
        ({":method": "GET"}, b"405", None),
        ({":path": "/t.T/None"}, b"200", UNIMPLEMENTED),
        ({"grpc_encoding": "br"}, b"200", UNIMPLEMENTED),
        ({"grpc_timeout": "soon"}, b"200", 3),
    ],
)
def test_what_is_no_call_gets_the_status_that_says_so(make, fields, status, code):
    client = make()

    client.call(1, ECHO, b"x", **fields)
    client.turn()

    assert client.headers[1][0][b":status"] == status
    assert (client.status(1) or [None])[0] == code


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", INTERNAL),
        (b"\x00\x00", INTERNAL),
        (prefixed(b"abc") + b"d", INTERNAL),
        (prefixed(b"abc")[:-1], INTERNAL),
        (prefixed(b"abc") * 2, INTERNAL),
        (prefixed(b"abc", flag=1), INTERNAL),
    ],
)
def test_a_body_that_is_not_one_message_is_refused(make, body, code):
    client = make()

    client.send(client.head(1, ECHO) + frame(frames.DATA, frames.END_STREAM, 1, body))
    client.turn()

    assert client.status(1)[0] == code


@pytest.mark.parametrize(
    ("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_compressed_message_is_unpacked(make, encoding, pack):
    client = make()
    body = prefixed(pack(b"hello " * 100), flag=1)

    head = client.head(1, ECHO, grpc_encoding=encoding)
    client.send(head + frame(frames.DATA, frames.END_STREAM, 1, body))
    client.turn()

    assert client.messages(1) == [(0, b"hello " * 100)]


def test_an_answer_is_compressed_for_a_client_that_compresses(make):
    client = make()
    message = b"hello " * 1000
    body = prefixed(gzip.compress(message), flag=1)

    head = client.head(1, ECHO, grpc_encoding="gzip", grpc_accept_encoding="identity,gzip")
    client.send(head + frame(frames.DATA, frames.END_STREAM, 1, body))
    client.turn()

    ((flag, packed),) = client.messages(1)
    assert client.headers[1][0][b"grpc-encoding"] == b"gzip"
    assert flag == 1
    assert gzip.decompress(packed) == message


def test_a_bomb_is_refused_before_it_is_unpacked(make):
    client = make(GrpcLimits(max_request_bytes=1 << 16))
    body = prefixed(gzip.compress(bytes(1 << 26), 9)[: 1 << 16], flag=1)

    client.send(client.head(1, ECHO, grpc_encoding="gzip"))
    for start in range(0, len(body), 1 << 14):
        client.send(frame(frames.DATA, 0, 1, body[start : start + (1 << 14)]))
    client.send(frame(frames.DATA, frames.END_STREAM, 1))
    client.turn()

    assert client.status(1)[0] == EXHAUSTED
    assert client.methods.requests == []


def test_a_message_over_the_limit_is_refused_while_it_comes(make):
    client = make(GrpcLimits(max_request_bytes=1 << 15))
    piece = bytes(1 << 14)

    client.send(client.head(1, ECHO))
    for _ in range(4):
        client.send(frame(frames.DATA, 0, 1, piece))

    assert client.status(1)[0] == EXHAUSTED
    assert client.resets[1] == frames.NO_ERROR
    assert client.buffered.size == 0


def test_requests_that_wait_for_their_rest_share_one_budget(make):
    client = make(GrpcLimits(max_buffered_bytes=1 << 15))

    for stream in (1, 3, 5):
        client.send(client.head(stream, ECHO) + frame(frames.DATA, 0, stream, bytes(1 << 14)))

    assert client.status(5)[0] == EXHAUSTED
    assert client.buffered.size == 1 << 15


def test_a_long_request_is_given_room_as_it_comes(make):
    client = make()
    message = bytes(range(256)) * (3 << 12)
    body = prefixed(message)

    client.send(client.head(1, ECHO))
    for start in range(0, len(body), 1 << 14):
        client.send(frame(frames.DATA, 0, 1, body[start : start + (1 << 14)]))
    client.send(frame(frames.DATA, frames.END_STREAM, 1))
    client.turn()
    given = [f for f in client.frames if f[0] == frames.WINDOW_UPDATE and f[2] == 1]

    assert client.methods.requests[0].body == message
    assert sum(struct.unpack(">L", f[3])[0] for f in given) >= len(body) - (1 << 20)
    assert client.buffered.size == 0


def test_more_than_the_window_allows_resets_the_stream(make):
    client = make()

    # The method is unknown, so nothing gives room any more.
    client.send(client.head(1, SLOW))
    client.connection._calls[1].has_answered = True
    for _ in range(65):
        client.send(frame(frames.DATA, 0, 1, bytes(1 << 14)))

    assert client.resets[1] == frames.FLOW_CONTROL_ERROR


def test_an_answer_waits_for_the_room_that_the_client_gives(make):
    client = make(hello=frames.PREFACE + frames.settings([(frames.INITIAL_WINDOW_SIZE, 10)]))

    client.call(1, ECHO, bytes(range(100)))
    client.turn()
    first = client.bodies[1]
    client.send(window_update(1, 30))
    second = client.bodies[1]
    client.send(frames.settings([(frames.INITIAL_WINDOW_SIZE, 20)]))
    third = client.bodies[1]
    unfinished = client.status(1)
    client.send(window_update(1, 1000))

    assert [len(part) for part in (first, second, third)] == [10, 40, 50]
    assert unfinished is None
    assert client.messages(1) == [(0, bytes(range(100)))]
    assert client.status(1) == (OK, "")


def test_the_window_of_the_connection_holds_answers_back_too(make):
    client = make(
        hello=frames.PREFACE + frames.settings([(frames.INITIAL_WINDOW_SIZE, 1 << 20)])
    )

    client.call(1, ECHO, bytes(40000))
    client.call(3, ECHO, bytes(40000))
    client.turn()
    sent = len(client.bodies[1]) + len(client.bodies[3])
    client.send(window_update(0, 1 << 20))

    assert sent == 65535
    assert client.messages(3) == [(0, bytes(40000))]


def test_no_frame_is_longer_than_the_client_takes(make):
    client = make(
        hello=frames.PREFACE + frames.settings([(frames.INITIAL_WINDOW_SIZE, 1 << 20)])
    )
    client.send(window_update(0, 1 << 20))

    client.send(client.head(1, ECHO))
    client.send(frame(frames.DATA, 0, 1, prefixed(bytes(60000))[:30000]))
    client.send(frame(frames.DATA, frames.END_STREAM, 1, prefixed(bytes(60000))[30000:]))
    client.turn()
    sizes = [len(f[3]) for f in client.frames if f[0] == frames.DATA]

    assert max(sizes) == frames.LEAST_FRAME_SIZE
    assert client.messages(1) == [(0, bytes(60000))]


def test_a_reset_cancels_the_work(make):
    client = make()

    client.call(1, SLOW)
    client.turn()
    client.send(frame(frames.RST_STREAM, 0, 1, struct.pack(">L", frames.CANCEL)))
    client.turn()

    assert client.methods.cancelled == 1
    assert client.status(1) is None
    assert client.connection._calls == {}


def test_a_client_that_leaves_cancels_its_work(make):
    client = make()

    client.call(1, SLOW)
    client.turn()
    client.connection.connection_lost(None)
    client.turn()

    assert client.methods.cancelled == 1
    assert client.is_lost


def test_a_deadline_ends_a_call(make, runner):
    client = make()

    client.call(1, SLOW, grpc_timeout="1m")
    client.turn()
    runner.run(asyncio.sleep(0.02))
    client.read()

    assert client.status(1) == (DEADLINE, "Deadline Exceeded")
    assert client.methods.cancelled == 1


def test_the_deadline_reaches_the_method(make, runner):
    client = make()
    now = runner.get_loop().time()

    client.call(1, ECHO, grpc_timeout="5S")
    client.turn()

    assert client.methods.requests[0].deadline == pytest.approx(now + 5, abs=1)


def test_a_request_that_never_arrives_whole_is_ended(make, runner):
    client = make()
    client.send(client.head(1, ECHO) + frame(frames.DATA, 0, 1, bytes(10)))

    client.connection.check(runner.get_loop().time() + 31)
    client.read()

    assert client.status(1)[0] == DEADLINE
    assert client.buffered.size == 0


def test_a_client_that_takes_no_answer_is_dropped(make, runner):
    client = make(hello=frames.PREFACE + frames.settings([(frames.INITIAL_WINDOW_SIZE, 0)]))
    client.call(1, ECHO, b"hello")
    client.turn()

    client.connection.check(runner.get_loop().time() + 29)
    waits = client.transport.is_aborted
    client.connection.check(runner.get_loop().time() + 31)

    assert not waits
    assert client.transport.is_aborted


def test_a_client_that_does_not_read_is_not_read_either_and_then_dropped(make, runner):
    client = make()

    client.connection.pause_writing()
    is_paused = client.transport.is_paused
    client.connection.check(runner.get_loop().time() + 31)

    assert is_paused
    assert client.transport.is_aborted


def test_a_client_that_never_says_hello_is_dropped(make, runner):
    client = make(hello=frames.PREFACE)

    client.connection.check(runner.get_loop().time() + 11)

    assert client.transport.is_aborted


def test_an_idle_connection_is_closed_in_order(make, runner):
    client = make()

    client.connection.check(runner.get_loop().time() + 601)
    runner.run(asyncio.sleep(0.3))
    client.read()

    assert client.goaways == [(frames.MAX_STREAM, 0), (0, 0)]
    assert client.transport.is_closed


def test_draining_answers_what_has_come_and_refuses_the_rest(make, runner):
    client = make()
    client.call(1, SLOW)
    client.turn()

    client.connection.drain()
    client.call(3, ECHO, b"on its way")
    runner.run(asyncio.sleep(0.3))
    client.call(5, ECHO, b"too late")
    client.methods.go.set()
    client.turn()

    assert client.messages(1) == [(0, b"slow")]
    assert client.messages(3) == [(0, b"on its way")]
    assert client.resets == {5: frames.REFUSED_STREAM}
    assert client.goaways == [(frames.MAX_STREAM, 0), (3, 0)]
    assert client.transport.is_closed


def test_settings_and_pings_are_acknowledged(make):
    client = make()

    client.send(frame(frames.PING, 0, 0, b"12345678"))

    assert client.acknowledged(frames.PING) == [(frames.PING, frames.ACK, 0, b"12345678")]
    assert len(client.acknowledged(frames.SETTINGS)) == 1


def test_calls_beyond_the_limit_are_refused_so_that_they_can_be_tried_again(make):
    client = make(GrpcLimits(max_concurrent_streams=2))
    client.send(frame(frames.SETTINGS, frames.ACK, 0))

    for stream in (1, 3, 5):
        client.call(stream, SLOW)

    assert client.resets == {5: frames.REFUSED_STREAM}


def test_a_client_that_has_not_heard_of_the_limit_may_pass_it_a_little(make):
    client = make(GrpcLimits(max_concurrent_streams=2))

    for stream in range(1, 37, 2):
        client.call(stream, SLOW)

    assert client.resets == {33: frames.REFUSED_STREAM, 35: frames.REFUSED_STREAM}


def test_too_many_header_fields_fail_the_call_only(make):
    client = make(GrpcLimits(max_header_bytes=1000))

    client.call(1, ECHO, b"", x_long="x" * 900)
    client.call(3, ECHO, b"hello")
    client.turn()

    assert client.status(1)[0] == EXHAUSTED
    assert client.messages(3) == [(0, b"hello")]


def test_a_stream_of_messages_is_answered_as_it_comes(make):
    client = make()

    client.send(client.head(1, STREAM))
    client.send(frame(frames.DATA, 0, 1, prefixed(b"a") + prefixed(b"b")[:3]))
    client.turn()
    first = client.messages(1)
    client.send(frame(frames.DATA, frames.END_STREAM, 1, prefixed(b"b")[3:]))
    client.turn()

    assert first == [(0, b"aa")]
    assert client.messages(1) == [(0, b"aa"), (0, b"bb")]
    assert client.status(1) == (OK, "")


def test_someone_who_speaks_http1_is_told_so(make):
    client = make(hello=b"")

    client.connection.data_received(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert client.transport.data.endswith(b"this port speaks gRPC, which needs HTTP/2")
    assert client.transport.is_closed


OPEN = "opens stream 1"
BROKEN = {
    "a frame that is too long": (
        (1 << 17).to_bytes(3, "big") + bytes(6),
        frames.FRAME_SIZE_ERROR,
    ),
    "data on no stream": (frame(frames.DATA, 0, 0, b"x"), frames.PROTOCOL_ERROR),
    "data on an idle stream": (frame(frames.DATA, 0, 7, b"x"), frames.PROTOCOL_ERROR),
    "headers on an even stream": (frame(frames.HEADERS, 4, 2), frames.PROTOCOL_ERROR),
    "headers of no stream": (frame(frames.HEADERS, 4, 0), frames.PROTOCOL_ERROR),
    "padding beyond the frame": (frame(frames.HEADERS, 12, 1, b"\x09x"), frames.PROTOCOL_ERROR),
    "a block that is no HPACK": (frame(frames.HEADERS, 4, 1, b"\xff\xff\xff\xff\x7f"), 9),
    "an entry that is not in the table": (frame(frames.HEADERS, 4, 1, b"\xfe"), 9),
    "a continuation of nothing": (frame(frames.CONTINUATION, 4, 1), frames.PROTOCOL_ERROR),
    "a block that is interrupted": (
        frame(frames.HEADERS, 0, 1, b"\x88") + frame(frames.PING, 0, 0, bytes(8)),
        frames.PROTOCOL_ERROR,
    ),
    "a push": (frame(frames.PUSH_PROMISE, 0, 1), frames.PROTOCOL_ERROR),
    "settings of a stream": (frame(frames.SETTINGS, 0, 1), frames.PROTOCOL_ERROR),
    "settings of odd length": (frame(frames.SETTINGS, 0, 0, b"12345"), frames.FRAME_SIZE_ERROR),
    "a full acknowledgement": (frame(frames.SETTINGS, 1, 0, bytes(6)), frames.FRAME_SIZE_ERROR),
    "push neither on nor off": (frames.settings([(2, 2)]), frames.PROTOCOL_ERROR),
    "a window that is too large": (frames.settings([(4, 1 << 31)]), frames.FLOW_CONTROL_ERROR),
    "frames that are too small": (frames.settings([(5, 100)]), frames.PROTOCOL_ERROR),
    "a short ping": (frame(frames.PING, 0, 0, b"x"), frames.FRAME_SIZE_ERROR),
    "a ping of a stream": (frame(frames.PING, 0, 1, bytes(8)), frames.PROTOCOL_ERROR),
    "a reset of an idle stream": (frame(frames.RST_STREAM, 0, 1, bytes(4)), 1),
    "a short reset": (frame(frames.RST_STREAM, 0, 1, b""), frames.FRAME_SIZE_ERROR),
    "a short window update": (frame(frames.WINDOW_UPDATE, 0, 0, b""), frames.FRAME_SIZE_ERROR),
    "a window update by nothing": (window_update(0, 0), frames.PROTOCOL_ERROR),
    "a window that overflows": (window_update(0, (1 << 31) - 1), frames.FLOW_CONTROL_ERROR),
    "a short priority": (frame(frames.PRIORITY, 0, 1, b""), frames.FRAME_SIZE_ERROR),
    "a goaway of a stream": (frame(frames.GOAWAY, 0, 1, bytes(8)), frames.PROTOCOL_ERROR),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_rule_ends_the_connection_and_the_client_learns_which(make, data, code):
    client = make()

    client.send(data)

    assert [found for _, found in client.goaways] == [code]
    assert client.transport.is_closed


def test_nothing_may_come_before_the_settings(make):
    client = make(hello=frames.PREFACE)

    client.call(1, ECHO)

    assert client.goaways == [(0, frames.PROTOCOL_ERROR)]


@pytest.mark.parametrize(
    "fields",
    [
        {"Upper": "x"},
        {"connection": "close"},
        {"te": "gzip"},
        {":status": "200"},
        {":path": None},
    ],
    ids=str,
)
def test_malformed_headers_reset_the_stream_only(make, fields):
    client = make()
    named = {k: v for k, v in (client.fields(ECHO) | fields).items() if v is not None}
    block = client.encoder.encode(named)

    client.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block))
    client.call(3, ECHO, b"hello")
    client.turn()

    assert client.resets == {1: frames.PROTOCOL_ERROR}
    assert client.messages(3) == [(0, b"hello")]


def test_trailers_of_a_client_end_its_request(make):
    client = make()

    client.send(client.head(1, ECHO) + frame(frames.DATA, 0, 1, prefixed(b"hello")))
    block = client.encoder.encode({"x-checksum": "1"})
    client.send(frame(frames.HEADERS, frames.END_HEADERS | frames.END_STREAM, 1, block))
    client.turn()

    assert client.messages(1) == [(0, b"hello")]


RESET = frame(frames.RST_STREAM, 0, 1, struct.pack(">L", frames.CANCEL))
FLOODS = {
    "pings": lambda client, n: frame(frames.PING, 0, 0, bytes(8)),
    "settings": lambda client, n: frames.settings([]),
    "empty continuations": lambda client, n: frame(
        frames.HEADERS if n == 0 else frames.CONTINUATION, 0, 1, b""
    ),
    "small window updates": lambda client, n: window_update(0, 1),
    "priorities": lambda client, n: frame(frames.PRIORITY, 0, 1, bytes(5)),
    "unknown frames": lambda client, n: frame(77, 0, 0, b"x"),
    "rapid resets": lambda client, n: (
        client.head(2 * n + 1, SLOW, frames.END_STREAM)
        + frame(frames.RST_STREAM, 0, 2 * n + 1, struct.pack(">L", frames.CANCEL))
    ),
    "empty data": lambda client, n: (
        (client.head(1, SLOW) if n == 0 else b"") + frame(frames.DATA, 0, 1)
    ),
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_of_frames_that_bring_no_call_ends_the_connection(make, flood):
    client = make()

    for number in range(5000):
        if client.transport.is_closed:
            break
        client.send(flood(client, number))
        client.frames.clear()

    assert client.goaways[-1][1] == frames.ENHANCE_YOUR_CALM
    assert client.transport.is_closed
    assert client.connection._calls == {}


def test_an_honest_client_is_never_called_impatient(make):
    client = make()

    for number in range(3000):
        stream = 2 * number + 1
        client.call(stream, ECHO, b"x")
        client.turn(1)
        client.send(window_update(0, 21) + frame(frames.PING, 0, 0, bytes(8)))
        client.frames.clear()
    client.turn()

    assert client.goaways == []
    assert client.status(5999) == (OK, "")
