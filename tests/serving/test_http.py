"""The HTTP protocol against a transport that only remembers. Source: RFC 9110, RFC 9112."""

import asyncio
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from penstock.core.errors import InvalidArgumentError
from penstock.serving.http import Connection, HttpLimits
from penstock.serving.rest_api import encode_error
from penstock.serving.router import Request, Response, in_tasks

LIMITS = HttpLimits(max_request_bytes=1000, max_header_bytes=500, max_pipelined=4)
GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"


def post(body: bytes, *headers: bytes, path: bytes = b"/a") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Content-Length: %d" % len(body)]
    return b"\r\n".join([*lines, *headers, b"", body])


class Transport(asyncio.Transport):
    """Remembers what is written and whether reading is paused."""

    def __init__(self):
        super().__init__()
        self.written = b""
        self.is_closed = self.is_half_closed = self.is_aborted = self.is_paused = False

    def write(self, data):
        assert not self.is_closed
        assert not self.is_half_closed
        self.written += data

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.is_half_closed = True

    def close(self):
        self.is_closed = True

    def abort(self):
        self.is_aborted = True

    def is_closing(self):
        return self.is_closed

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False


class Loop:
    """The event loop with a clock that a test sets."""

    def __init__(self, loop):
        self._loop = loop
        self.now = 100.0

    def time(self):
        return self.now

    def create_task(self, coroutine):
        return self._loop.create_task(coroutine)


class Client:
    """Talks to a connection whose handler echoes, or waits until it is let go."""

    def __init__(self, limits=LIMITS):
        self.requests: list[Request] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0
        self.open: set[Connection] = set()
        self.loop = Loop(asyncio.get_running_loop())
        self.transport = Transport()
        begin = in_tasks(self.handle, encode_error)
        opened, closed = self.open.add, self.open.discard
        self.connection = Connection(begin, limits, opened, closed, self.loop)
        self.connection.connection_made(self.transport)

    async def handle(self, request):
        self.requests.append(request)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if request.path == "/bug":
            raise ValueError("secret")
        text = f"{request.method} {request.path} ".encode() + request.body
        return Response(200, text, "text/plain", (("X-Size", str(len(request.body))),))

    async def send(self, *pieces: bytes):
        for piece in pieces:
            self.connection.data_received(piece)
        await settle()

    def answers(self):
        return split(self.transport.written)

    def bodies(self):
        return [body for _, _, body in self.answers()]

    def statuses(self):
        return [status for status, _, _ in self.answers()]


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


def split(data):
    """Cut what was written into (status, headers, body)."""
    found = []
    while data:
        head, _, data = data.partition(b"\r\n\r\n")
        status_line, *lines = head.decode().split("\r\n")
        headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines)}
        size = int(headers.get("content-length", 0))
        found.append((int(status_line.split()[1]), headers, data[:size]))
        data = data[size:]
    return found


def run(scenario, *args, **limits):
    async def main():
        client = Client(HttpLimits(**limits) if limits else LIMITS)
        await scenario(client, *args)
        return client

    return asyncio.run(main())


def sent(*pieces, **limits):
    async def scenario(client):
        await client.send(*pieces)

    return run(scenario, **limits)


def test_a_request_is_answered_and_the_connection_stays_open():
    client = sent(post(b"hello", b"X-Name: v"))

    ((status, headers, body),) = client.answers()
    assert (status, body) == (200, b"POST /a hello")
    assert headers["content-type"] == "text/plain"
    assert headers["x-size"] == "5"
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", headers["date"])
    assert "connection" not in headers
    assert client.requests[0].header(b"x-name") == b"v"
    assert not client.transport.is_closed


def test_a_request_may_come_byte_by_byte():
    message = post(b"hello") + GET

    client = sent(*(message[i : i + 1] for i in range(len(message))))

    assert client.bodies() == [b"POST /a hello", b"GET /a "]


def test_a_chunked_body_is_put_together():
    client = sent(
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"4;name=value\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n",
    )

    assert client.bodies() == [b"POST /a abcdefg"]


def test_the_query_is_not_part_of_the_path():
    client = sent(b"GET /a/b?x=1#y HTTP/1.1\r\nHost: x\r\n\r\n")

    assert client.bodies() == [b"GET /a/b "]


def test_a_target_with_a_host_is_reduced_to_its_path():
    client = sent(b"GET http://some.host:80/a/b?x HTTP/1.1\r\nHost: x\r\n\r\n")

    assert client.bodies() == [b"GET /a/b "]


def test_head_is_answered_like_get_without_the_body():
    client = sent(b"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n" + GET)

    head, _, rest = client.transport.written.partition(b"\r\n\r\n")
    assert b"Content-Length: 7\r\n" in head
    assert rest.startswith(b"HTTP/1.1 200 OK")


def test_pipelined_requests_are_worked_on_together_and_answered_in_order():
    async def scenario(client):
        client.gate.clear()
        await client.send(post(b"1") + post(b"2") + GET)
        assert len(client.requests) == 3
        assert client.transport.written == b""
        client.gate.set()
        await settle()

    client = run(scenario)

    assert client.bodies() == [b"POST /a 1", b"POST /a 2", b"GET /a "]


def test_an_answer_that_is_ready_early_waits_for_those_before_it():
    async def scenario(client):
        client.gate.clear()
        await client.send(post(b"slow"))
        first_gate, client.gate = client.gate, asyncio.Event()
        client.gate.set()
        await client.send(post(b"quick"))
        assert client.transport.written == b""
        first_gate.set()
        await settle()

    client = run(scenario)

    assert client.bodies() == [b"POST /a slow", b"POST /a quick"]


def test_reading_pauses_while_too_many_requests_are_in_work():
    async def scenario(client):
        client.gate.clear()
        await client.send(GET * 4)
        assert client.transport.is_paused
        client.gate.set()
        await settle()

    client = run(scenario)

    assert not client.transport.is_paused
    assert len(client.bodies()) == 4


@pytest.mark.parametrize(
    "head",
    [b"GET /a HTTP/1.0\r\n\r\n", b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"],
)
def test_the_connection_closes_when_the_client_wants_no_more(head):
    client = sent(head)

    ((status, headers, _),) = client.answers()
    assert status == 200
    assert headers["connection"] == "close"
    assert client.transport.is_closed


def test_http_1_0_may_ask_to_keep_the_connection():
    client = sent(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")

    assert not client.transport.is_closed


def test_a_client_that_sends_no_more_still_gets_its_answer():
    async def scenario(client):
        client.gate.clear()
        await client.send(GET)
        assert client.connection.eof_received()
        client.gate.set()
        await settle()

    client = run(scenario)

    assert client.bodies() == [b"GET /a "]
    assert client.transport.is_closed


def test_an_idle_client_that_sends_no_more_is_closed_at_once():
    async def scenario(client):
        await client.send(GET)
        assert not client.connection.eof_received()

    run(scenario)


def test_expect_100_continue_is_met_before_the_body_comes():
    async def scenario(client):
        message = post(b"hello", b"Expect: 100-continue")
        await client.send(message[:-5])
        assert client.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
        await client.send(b"hello")

    client = run(scenario)

    assert client.answers()[1][2] == b"POST /a hello"


def test_continue_waits_for_the_answers_before_it():
    async def scenario(client):
        client.gate.clear()
        await client.send(GET + post(b"hello", b"Expect: 100-continue")[:-5])
        assert client.transport.written == b""
        client.gate.set()
        await settle()

    client = run(scenario)

    assert client.statuses() == [200, 100]


def test_a_body_over_the_limit_gets_413_instead_of_continue():
    client = sent(post(b"x" * 1001, b"Expect: 100-continue")[:-1001])

    ((status, headers, body),) = client.answers()
    assert status == 413
    assert b"at most 1000 bytes" in body
    assert headers["connection"] == "close"
    assert client.requests == []


def test_another_expectation_is_refused():
    assert sent(post(b"x", b"Expect: a-miracle")).statuses() == [417]


def test_a_chunked_body_over_the_limit_gets_413():
    chunk = b"190\r\n" + b"x" * 400 + b"\r\n"

    client = sent(
        b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", *[chunk] * 3
    )

    assert client.statuses() == [413]


def test_a_refused_client_may_finish_sending_before_the_connection_closes():
    async def scenario(client):
        await client.send(post(b"x" * 1001)[:-1001])
        assert client.transport.is_half_closed
        assert not client.transport.is_closed
        await client.send(b"x" * 1001, GET)
        client.loop.now += LIMITS.linger_s + 1
        client.connection.check(client.loop.now)

    client = run(scenario)

    assert client.statuses() == [413]
    assert client.transport.is_closed


@pytest.mark.parametrize(
    "pieces",
    [
        [b"GET /a HTTP/1.1\r\nX: " + b"y" * 600 + b"\r\n\r\n"],
        [b"GET /" + b"y" * 600 + b" HTTP/1.1\r\nHost: x\r\n\r\n"],
        [b"GET /a HTTP/1.1\r\n", *[b"X: " + b"y" * 200 + b"\r\n"] * 4],
        [b"GET /a HTTP/1.1\r\nX: ", *[b"y" * 200] * 4],
        [b"GET /", *[b"y" * 200] * 4],
    ],
    ids=["one header", "target", "many headers", "endless header", "endless target"],
)
def test_headers_over_the_limit_get_431(pieces):
    client = sent(*pieces)

    assert client.statuses() == [431]
    assert client.requests == []


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"HELLO\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost x\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHo st: x\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /a HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_not_http_gets_400_and_the_connection_closes(data):
    client = sent(data)

    ((status, headers, body),) = client.answers()
    assert status == 400
    assert body.startswith(b'{"error":"')
    assert headers["connection"] == "close"
    assert client.transport.is_half_closed
    assert client.requests == []


def test_what_came_before_a_malformed_request_is_still_answered():
    client = sent(GET + b"nonsense\r\n\r\n")

    assert client.statuses() == [200, 400]


def test_an_upgrade_is_not_taken_up():
    client = sent(
        b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
        b"\x81\x05hello"
    )

    ((status, headers, _),) = client.answers()
    assert status == 200
    assert headers["connection"] == "close"


def test_a_bug_in_a_handler_is_500_and_its_text_stays_in_the_log(caplog):
    client = sent(post(b"x", path=b"/bug"))

    ((status, _, body),) = client.answers()
    assert status == 500
    assert b"secret" not in body
    assert "secret" in caplog.text
    assert not client.transport.is_closed


def test_work_is_cancelled_when_the_client_leaves():
    async def scenario(client):
        client.gate.clear()
        await client.send(GET * 2)
        client.connection.connection_lost(None)
        await settle()

    client = run(scenario)

    assert client.cancelled == 2
    assert client.open == set()
    assert client.transport.written == b""


def later(client, seconds):
    client.loop.now += seconds
    client.connection.check(client.loop.now)


def test_an_idle_connection_is_closed_in_time():
    async def scenario(client):
        await client.send(GET)
        later(client, LIMITS.idle_timeout_s - 1)
        assert not client.transport.is_closed
        later(client, 2)

    client = run(scenario)

    assert client.transport.is_closed
    assert client.statuses() == [200]


def test_a_request_that_does_not_arrive_whole_in_time_gets_408():
    async def scenario(client):
        await client.send(post(b"hello")[:-1])
        later(client, LIMITS.read_timeout_s - 1)
        assert client.transport.written == b""
        later(client, 2)

    client = run(scenario)

    assert client.statuses() == [408]
    assert client.transport.is_half_closed


def test_a_large_body_may_take_longer_than_the_time_for_headers():
    async def scenario(client):
        await client.send(post(b"x" * 900)[:-100])
        later(client, LIMITS.read_timeout_s + 7)
        await client.send(b"x" * 100)

    client = run(scenario, min_bytes_per_s=100)

    assert client.statuses() == [200]


def test_a_request_that_takes_too_long_gets_504():
    async def scenario(client):
        client.gate.clear()
        await client.send(GET)
        assert client.requests[0].deadline == client.loop.now + LIMITS.request_timeout_s
        later(client, LIMITS.request_timeout_s + 1)
        await settle()

    client = run(scenario)

    assert client.statuses() == [504]
    assert client.cancelled == 1
    assert not client.transport.is_closed


def test_a_client_that_does_not_read_its_answer_is_dropped():
    async def scenario(client):
        await client.send(GET)
        client.connection.pause_writing()
        assert client.transport.is_paused
        later(client, LIMITS.write_timeout_s - 1)
        assert not client.transport.is_aborted
        later(client, 2)

    assert run(scenario).transport.is_aborted


def test_reading_goes_on_when_the_client_reads_again():
    async def scenario(client):
        await client.send(GET)
        client.connection.pause_writing()
        client.connection.resume_writing()

    assert not run(scenario).transport.is_paused


def test_a_draining_connection_answers_what_is_in_work_and_closes():
    async def scenario(client):
        client.gate.clear()
        await client.send(GET * 2)
        client.connection.drain()
        assert not client.transport.is_closed
        client.gate.set()
        await settle()

    client = run(scenario)

    assert client.statuses() == [200, 200]
    assert client.answers()[-1][1]["connection"] == "close"
    assert client.transport.is_closed


def test_an_idle_connection_closes_at_once_when_draining():
    async def scenario(client):
        await client.send(GET)
        client.connection.drain()

    assert run(scenario).transport.is_closed


@st.composite
def cut_requests(draw):
    """Some requests in a row, their paths and bodies, and the text cut anywhere."""
    wanted, text = [], b""
    for _ in range(draw(st.integers(1, 4))):
        path = draw(st.text("abc/._~%20", max_size=8))
        body = draw(st.binary(max_size=30))
        wanted.append(f"POST /{path} ".encode() + body)
        if draw(st.booleans()):
            text += post(body, path=b"/" + path.encode())
        else:
            size = draw(st.integers(1, 10))
            parts = [body[i : i + size] for i in range(0, len(body), size)]
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts)
            head = b"POST /%b HTTP/1.1\r\nHost: x\r\n" % path.encode()
            text += head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return wanted, pieces


@given(cut_requests())
def test_requests_survive_every_way_of_cutting_them(case):
    wanted, pieces = case

    client = sent(*pieces)

    assert client.bodies() == wanted


TOKENS = [
    *(b"GET ", b"POST ", b"/a", b" HTTP/1.1", b" HTTP/1.0", b"\r\n", b"\n", b"\r", b":", b" "),
    *(b"Content-Length: 3", b"Transfer-Encoding: chunked", b"Connection: close", b"Host: x"),
    *(b"Expect: 100-continue", b"Upgrade: h2c", b"Connection: upgrade", b"3\r\nabc\r\n"),
    *(b"0\r\n\r\n", b"\0", b"\xff", b"abc", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    *(b"CONNECT a:1 HTTP/1.1\r\n\r\n", b"OPTIONS * HTTP/1.1\r\n\r\n", GET, post(b"abc")),
]


@given(st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=20)), max_size=20))
@example([b"CONNECT a:1 HTTP/1.1\r\n\r\n", GET])
def test_any_bytes_give_well_formed_answers_and_no_failure(pieces):
    async def scenario(client):
        await client.send(*pieces)
        later(client, 1000)
        await settle()
        later(client, 1000)

    client = run(scenario)

    allowed = {100, 200, 400, 408, 413, 417, 431}
    assert {status for status, _, _ in client.answers()} <= allowed
    assert client.transport.is_closed or client.transport.is_half_closed


def test_errors_of_handlers_keep_the_connection():
    async def scenario(client):
        async def fail(_):
            raise InvalidArgumentError("what must hold")

        client.connection._begin = in_tasks(fail, encode_error)
        await client.send(GET, GET)

    client = run(scenario)

    assert client.statuses() == [400, 400]
    assert not client.transport.is_closed


def test_a_head_that_was_read_before_needs_no_parser():
    async def scenario(client):
        await client.send(post(b"one"), post(b"two") + post(b"six"))
        client.connection._parser = None  # whoever asks it fails
        await client.send(post(b"ten"), post(b"abc") + post(b"def"))

    client = run(scenario)

    assert client.bodies() == [
        b"POST /a " + b for b in (b"one", b"two", b"six", b"ten", b"abc", b"def")
    ]


def test_a_known_head_with_a_body_in_pieces_is_read_as_ever():
    async def scenario(client):
        whole = post(b"0123456789")
        await client.send(whole, whole[:-4], whole[-4:], whole, whole[:9], whole[9:] + whole)

    client = run(scenario)

    assert client.bodies() == [b"POST /a 0123456789"] * 5


@pytest.mark.parametrize(
    "header", [b"Transfer-Encoding: chunked", b"Expect: 100-continue", b"Connection: close"]
)
def test_heads_that_promise_more_are_never_kept(header):
    async def scenario(client):
        text = b"POST /a HTTP/1.1\r\nHost: x\r\n" + header + b"\r\n\r\n0\r\n\r\n"
        await client.send(text)

    client = run(scenario)

    assert client.connection._known._heads == {}


def test_a_client_may_say_how_long_it_waits_and_how_urgent_it_is():
    async def scenario(client):
        headers = (b"X-Request-Timeout-Ms: 250", b"X-Request-Priority: -3")
        await client.send(
            post(b"", *headers), post(b""), post(b"", b"X-Request-Timeout-Ms: 1e3")
        )
        return client.loop.now

    client = run(scenario)

    first, second = client.requests
    assert first.deadline == client.loop.now + 0.25
    assert first.priority == -3
    assert second.deadline == client.loop.now + LIMITS.request_timeout_s
    assert client.statuses() == [200, 200, 400]
