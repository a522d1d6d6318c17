"""What no client should send: the server answers rightly, keeps its memory, and goes on.

Source: RFC 9112 (sections 2.2, 3, 5, 6 and 11.2 on request smuggling), RFC 9110.

PENSTOCK_ABUSE_CONNECTIONS sets how many connections are opened (10000 for the full form), and
PENSTOCK_ABUSE_FUZZ for how many seconds the lane is fed with noise.
"""

import contextlib
import http.client
import json
import os
import random
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from penstock.serving.batcher import BatchingParameters
from penstock.serving.http import HttpLimits
from penstock.serving.server import ModelConfig, Server, ServerConfig
from tests.serving.fakes import FakeLoader, doubler

CONNECTIONS = int(os.environ.get("PENSTOCK_ABUSE_CONNECTIONS", "300"))
FUZZ_S = float(os.environ.get("PENSTOCK_ABUSE_FUZZ", "2"))
BODY = b'{"instances": [[1, 2]]}'
ANSWER = b'{"predictions":[[2.0,4.0]]}'
PATH = b"/v1/models/double:predict"
MIB = 1 << 20


def start(folder, **limits):
    (folder / "double" / "1").mkdir(parents=True)
    config = ServerConfig(
        (ModelConfig("double", folder / "double"),),
        port=0,
        batching=BatchingParameters(),
        limits=HttpLimits(**limits),
    )
    return Server(config, FakeLoader(doubler))


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with start(tmp_path_factory.mktemp("models")) as made:
        yield made


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    """A server with little patience."""
    with start(
        tmp_path_factory.mktemp("models"),
        read_timeout_s=0.5,
        idle_timeout_s=0.5,
        linger_s=0.2,
        min_bytes_per_s=10_000,
        max_connections=CONNECTIONS,
        max_buffered_bytes=8 * MIB,
        max_request_bytes=4 * MIB,
    ) as made:
        yield made


def connect(server, timeout=10.0):
    return socket.create_connection(("127.0.0.1", server.port), timeout=timeout)


def talk(server, data, timeout=10.0):
    """Send bytes, and return all that comes back until the server closes, or falls silent."""
    with connect(server, timeout) as made:
        with contextlib.suppress(ConnectionError):
            made.sendall(data)
            made.shutdown(socket.SHUT_WR)
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            while piece := made.recv(65536):
                received += piece
        return received


def statuses(received):
    """The statuses of the answers in what came back."""
    found = []
    while received:
        head, _, received = received.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 "), head
        found.append(int(head.split()[1]))
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
        received = received[length:]
    return found


def works(server):
    """Whether the server answers an ordinary request."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("POST", PATH.decode(), BODY)
    answer = connection.getresponse()
    text = answer.read()
    connection.close()
    return (answer.status, text) == (200, ANSWER)


def resident(process="self"):
    text = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
    return int(text.split()[1]) * resource.getpagesize()


def request(*headers, line=b"POST " + PATH + b" HTTP/1.1", body=BODY, end=b"\r\n"):
    return end.join([line, b"Host: x", *headers, b"", b""]) + body


LENGTH = b"Content-Length: %d" % len(BODY)
CHUNKED = b"Transfer-Encoding: chunked"
CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
# A request that must never be taken for one of its own.
INNER = b"GET /v1/models/double HTTP/1.1\r\nHost: x\r\n\r\n"

# Name -> bytes. All of it is to be refused with 400, and what follows must not be read.
SMUGGLING = {
    "length and chunks": request(LENGTH, CHUNKED, body=CHUNKS),
    "chunks and length": request(CHUNKED, LENGTH, body=CHUNKS),
    "zero length and chunks": request(b"Content-Length: 0", CHUNKED, body=CHUNKS),
    "two lengths": request(LENGTH, b"Content-Length: 5"),
    "the same length twice": request(LENGTH, LENGTH),
    "list of lengths": request(b"Content-Length: %d, %d" % (len(BODY), len(BODY))),
    "negative length": request(b"Content-Length: -1"),
    "length with plus": request(b"Content-Length: +%d" % len(BODY)),
    "length in hexadecimal": request(b"Content-Length: 0x17"),
    "length with a space inside": request(b"Content-Length: 2 3"),
    "length with a letter": request(b"Content-Length: 23x"),
    "length beyond 64 bits": request(b"Content-Length: 99999999999999999999999"),
    "empty length": request(b"Content-Length:"),
    "space before the colon": request(b"Content-Length : %d" % len(BODY)),
    "folded header": request(LENGTH, b"X-Folded: a\r\n b"),
    "folded transfer encoding": request(b"Transfer-Encoding:\r\n chunked", body=CHUNKS),
    "bare line feeds": request(LENGTH, end=b"\n"),
    "bare carriage returns": request(LENGTH, end=b"\r"),
    "line feed in a header": request(LENGTH, b"X-A: b\nTransfer-Encoding: chunked"),
    "carriage return in a header": request(LENGTH, b"X-A: b\rTransfer-Encoding: chunked"),
    "nul in a header": request(LENGTH, b"X-A: b\0c"),
    "nul in a name": request(LENGTH, b"X\0A: b"),
    "unknown transfer encoding": request(b"Transfer-Encoding: xchunked", body=CHUNKS),
    "chunked not last": request(b"Transfer-Encoding: chunked, gzip", body=CHUNKS),
    "chunked twice": request(CHUNKED, CHUNKED, body=CHUNKS),
    "chunked in quotes": request(b'Transfer-Encoding: "chunked"', body=CHUNKS),
    "vertical tab before chunked": request(b"Transfer-Encoding: \x0bchunked", body=CHUNKS),
    "chunk size with sign": request(CHUNKED, body=b"+17\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size with prefix": request(CHUNKED, body=b"0x17\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size beyond 64 bits": request(CHUNKED, body=b"f" * 20 + b"\r\n" + BODY),
    "chunk without its end": request(CHUNKED, body=b"17\r\n" + BODY + b"XX0\r\n\r\n"),
    "chunks with line feeds": request(CHUNKED, body=b"17\n" + BODY + b"\n0\n\n"),
    "line feed in a chunk extension": request(
        CHUNKED, body=b"17;a\nb\r\n" + BODY + b"\r\n0\r\n\r\n"
    ),
    "no chunk size": request(CHUNKED, body=b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "header without a colon": request(LENGTH, b"nonsense"),
    "header without a name": request(LENGTH, b": value"),
    "space before the first header": b"POST " + PATH + b" HTTP/1.1\r\n Host: x\r\n\r\n",
    "version 1.2": request(LENGTH, line=b"POST " + PATH + b" HTTP/1.2"),
    "version 0.9": b"GET " + PATH + b"\r\n\r\n",
    "no method": request(LENGTH, line=PATH + b" HTTP/1.1"),
    "method in small letters": request(LENGTH, line=b"post " + PATH + b" HTTP/1.1"),
    "target with a space": request(LENGTH, line=b"POST /v1/models/do uble:predict HTTP/1.1"),
    "two hosts": request(LENGTH, b"Host: y"),
    "no host": b"POST " + PATH + b" HTTP/1.1\r\n" + LENGTH + b"\r\n\r\n" + BODY,
    "HTTP/2 in plain text": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "binary noise": bytes(range(256)),
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_what_two_servers_could_read_in_two_ways_is_refused(server, name):
    received = talk(server, SMUGGLING[name] + INNER)

    assert statuses(received) == [400], received
    assert works(server)


# Chunk extensions are legal and mean nothing here; trailers may not change the request.
LEGAL = {
    "chunks": request(CHUNKED, body=CHUNKS),
    "chunk extensions": request(CHUNKED, body=b'17;a=b;c="d"\r\n' + BODY + b"\r\n0;e\r\n\r\n"),
    "trailers": request(CHUNKED, body=b"17\r\n" + BODY + b"\r\n0\r\nX-Sum: 3\r\n\r\n"),
    "upper case": request(b"CONTENT-LENGTH: %d" % len(BODY)),
    "space around the value": request(b"Content-Length: \t %d \t" % len(BODY)),
    "leading zeros": request(b"Content-Length: 0000%d" % len(BODY)),
    "empty lines before": b"\r\n\r\n" + request(LENGTH),
    "absolute target": request(LENGTH, line=b"POST http://x" + PATH + b" HTTP/1.1"),
    "version 1.0": b"POST " + PATH + b" HTTP/1.0\r\n" + LENGTH + b"\r\n\r\n" + BODY,
}


@pytest.mark.parametrize("name", LEGAL)
def test_what_is_odd_but_legal_is_answered(server, name):
    received = talk(server, LEGAL[name])

    assert statuses(received) == [200]
    assert received.endswith(ANSWER)


def test_requests_in_one_piece_are_answered_one_by_one(server):
    assert statuses(talk(server, request(LENGTH) * 50 + INNER)) == [200] * 51


def test_a_body_that_looks_like_a_request_is_a_body(server):
    received = talk(server, request(b"Content-Length: %d" % len(INNER), body=INNER))

    assert statuses(received) == [400]
    assert b"JSON" in received


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (request(b"Content-Length: 100000000", body=b""), 413),
        (request(b"Content-Length: 67108865", body=b""), 413),
        (request(LENGTH, b"X-Long: " + b"a" * 40_000), 431),
        (request(LENGTH, *[b"X-%d: a" % i for i in range(5000)]), 431),
        (request(LENGTH, line=b"POST /" + b"a" * 40_000 + b" HTTP/1.1"), 431),
        (request(LENGTH, b"Expect: the unexpected"), 417),
        (request(LENGTH, line=b"POST /v1/models/%00:predict HTTP/1.1"), 404),
        (request(LENGTH, line=b"POST /v1/models/../../etc/passwd HTTP/1.1"), 400),
        (request(LENGTH, line=b"DELETE " + PATH + b" HTTP/1.1"), 400),
        (request(LENGTH, line=b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1"), 404),
    ],
)
def test_what_is_too_much_gets_the_right_status(server, sent, status):
    assert statuses(talk(server, sent)) == [status]
    assert works(server)


def test_chunks_without_end_are_cut_off(server):
    before = resident()
    with connect(server) as made:
        made.sendall(request(CHUNKED, body=b""))
        piece = b"100000\r\n" + b"a" * MIB + b"\r\n"
        with contextlib.suppress(ConnectionError, TimeoutError):
            for _ in range(100):
                made.sendall(piece)
        received = b""
        with contextlib.suppress(ConnectionError, TimeoutError):
            received = made.recv(65536)

    assert not received or statuses(received) == [413]
    assert works(server)
    assert resident() - before < 200 * MIB


def test_a_body_of_100_mb_is_refused_before_it_comes(server):
    before = resident()
    with connect(server) as made:
        made.sendall(request(b"Content-Length: 100000000", b"Expect: 100-continue", body=b""))
        assert statuses(made.recv(65536)) == [413]

    assert resident() - before < 20 * MIB


def test_many_large_bodies_at_once_do_not_fill_the_memory(strict):
    # 12 clients send 2 MiB each and hold back the last byte; the limit is 8 MiB for all.
    opened = [connect(strict) for _ in range(12)]
    try:
        before = resident()
        for made in opened:
            with contextlib.suppress(ConnectionError):
                made.sendall(
                    request(b"Content-Length: %d" % (2 * MIB), body=b"1" * (2 * MIB - 1))
                )
        refused = 0
        for made in opened:
            made.settimeout(0.2)
            with contextlib.suppress(ConnectionError, TimeoutError):
                refused += b"HTTP/1.1 503" in made.recv(65536)
        assert refused >= 4
        assert resident() - before < 100 * MIB
    finally:
        for made in opened:
            made.close()
    time.sleep(0.3)
    assert works(strict)


def test_slow_loris_is_cut_off(strict):
    slow = [connect(strict) for _ in range(50)]
    ended, began = 0, time.monotonic()
    for made in slow:
        made.sendall(b"POST " + PATH + b" HTTP/1.1\r\nHost: x\r\n")
        made.settimeout(0.05)
    open_ones = set(slow)
    while open_ones and time.monotonic() - began < 15:
        for made in list(open_ones):
            try:
                made.sendall(b"X: y\r\n")
                received = made.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                received = b""
            ended += 1
            open_ones.discard(made)
            assert not received or statuses(received) == [408]
    for made in slow:
        made.close()

    assert ended == 50
    assert works(strict)


def test_a_body_that_drips_is_cut_off(strict):
    with connect(strict) as made:
        made.sendall(request(b"Content-Length: 100000", body=b"["))
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - began < 10:
                made.settimeout(0.05)
                try:
                    received = made.recv(65536)
                    break
                except TimeoutError:
                    made.sendall(b"1")

    assert statuses(received) == [408]
    assert time.monotonic() - began < 5


def test_idle_connections_are_closed(strict):
    with connect(strict) as made:
        assert made.recv(1) == b""


def test_clients_that_do_not_read_are_cut_off(tmp_path):
    with start(tmp_path, write_timeout_s=0.5, max_pipelined=8) as server:
        before = resident()
        with connect(server) as made:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            made.settimeout(1)
            many = request(
                b"Content-Length: 60013",
                body=b'{"instances":' + b"[" + b"[1,2]," * 9999 + b"[1,2]]",
            )
            many = many.replace(b"60013", b"%d" % len(many.partition(b"\r\n\r\n")[2]))
            with contextlib.suppress(ConnectionError, TimeoutError):
                for _ in range(500):
                    made.sendall(many)
            assert resident() - before < 100 * MIB
            assert works(server)


CHILD = """
import resource, sys
from pathlib import Path
from tests.serving.test_abuse import start
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
with start(Path(sys.argv[1]), max_connections=int(sys.argv[2]), idle_timeout_s=600) as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


class Child:
    """A server in a process of its own, with files of its own."""

    def __init__(self, folder):
        command = [sys.executable, "-c", CHILD, str(folder), str(CONNECTIONS)]
        self.process = subprocess.Popen(
            command,
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.port = int(self.process.stdout.readline())

    def stop(self):
        self.process.communicate(timeout=60)
        return self.process.returncode


def test_many_connections_are_held_and_more_are_turned_away(tmp_path):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < CONNECTIONS + 500:
        pytest.skip("the system allows fewer open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    server = Child(tmp_path)
    before = resident(server.process.pid)
    opened = []
    try:
        for _ in range(CONNECTIONS - 1):
            opened.append(connect(server, 30))  # noqa: PERF401  (closed when one fails)
        assert works(server)
        for made in opened[:: max(len(opened) // 100, 1)]:
            made.sendall(request(LENGTH))
            assert statuses(made.recv(65536)) == [200]
        assert resident(server.process.pid) - before < 20 * MIB + 20_000 * CONNECTIONS
        opened.append(connect(server))
        with connect(server) as beyond, contextlib.suppress(ConnectionError):
            assert beyond.recv(1) == b""
    finally:
        for made in opened:
            made.close()
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(ConnectionError, http.client.HTTPException):
            if works(server):
                break
        assert time.monotonic() < deadline, "the server did not recover"
        time.sleep(0.05)
    assert server.stop() == 0


# -- bodies --------------------------------------------------------------------------------


def post(server, body, path=PATH):
    return statuses(
        talk(
            server,
            request(
                b"Content-Length: %d" % len(body),
                line=b"POST " + path + b" HTTP/1.1",
                body=body,
            ),
        )
    )


def infer_of(**changes):
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1, 2], **changes}
    return json.dumps({"inputs": [tensor]}).encode()


V2 = b"/v2/models/double/infer"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b"[" * 100_000, PATH),
        (b'{"a":' * 100_000, PATH),
        (b'{"instances": ' + b"[" * 1000 + b"]" * 1000 + b"}", PATH),
        (b'{"instances": ' + b"[" * 1_000_000, PATH),
        (b'{"instances": [[1, 2], [3]]}', PATH),
        (b'{"instances": [[1, 2]', PATH),
        (b'{"instances": [[1, 2]]} x', PATH),
        (b'{"instances": []}', PATH),
        (b'{"instances": [[1e400, 2]]}', PATH),
        (b'{"instances": [["NaN", 2]]}', PATH),
        (b'{"instances": [[1, "' + b"a" * MIB + b'"]]}', PATH),
        (b'{"instances": [[1, 2]], "signature_name": "' + b"s" * MIB + b'"}', PATH),
        (b"\xff\xfe\x00", PATH),
        (b"\x00" * 1000, PATH),
        (b"", PATH),
        (b"[" * 100_000, V2),
        (b"{}", V2),
        (infer_of(shape=[1, 3]), V2),
        (infer_of(shape=[-1, 2]), V2),
        (infer_of(shape=[1 << 62, 4]), V2),
        (infer_of(shape=[1] * 200), V2),
        (infer_of(data=[1]), V2),
        (infer_of(datatype="BYTES"), V2),
        (infer_of(datatype="FP1024"), V2),
    ],
)
def test_bodies_that_make_no_sense_are_the_fault_of_the_client(server, body, path):
    before = resident()

    assert post(server, body, path) == [400]

    assert resident() - before < 100 * MIB
    assert works(server)


def test_a_flood_of_nan_is_computed_like_other_numbers(server):
    rows = b"[NaN,-Infinity]," * 20_000
    assert post(server, b'{"instances":[' + rows[:-1] + b"]}") == [200]
    assert works(server)


@pytest.mark.parametrize("length", [b"0", b"5", b"18446744073709551616", b"-1", b"x", b""])
def test_wrong_lengths_of_binary_tensors_are_refused(server, length):
    head = infer_of(data=[]).replace(b'"data": []', b'"parameters": {"binary_data_size": 8}')
    body = head + b"\0" * 8
    sent = request(
        b"Content-Length: %d" % len(body),
        b"Inference-Header-Content-Length: " + length,
        line=b"POST " + V2 + b" HTTP/1.1",
        body=body,
    )

    assert statuses(talk(server, sent)) == [400]
    assert works(server)


# -- noise ---------------------------------------------------------------------------------

SEEDS = [*SMUGGLING.values(), *LEGAL.values(), request(LENGTH), INNER, request(LENGTH) * 3]


def mutated(rng):
    data = bytearray(rng.choice(SEEDS))
    for _ in range(rng.randrange(1, 8)):
        place = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and place < len(data):
            data[place] = rng.randrange(256)
        elif kind == 1:
            data[place:place] = rng.choice(
                [b"\r\n", b"\0", b"\n", b":", b" ", b"\r\n\r\n", b"0"]
            )
        elif kind == 2:
            del data[place : place + rng.randrange(1, 20)]
        elif kind == 3:
            data[place:place] = rng.randbytes(rng.randrange(1, 30))
        else:
            other = rng.choice(SEEDS)
            data[place:place] = other[: rng.randrange(len(other))]
    return bytes(data)


def test_noise_on_the_lane_neither_ends_the_server_nor_fills_it(server, caplog):
    seed = int(os.environ.get("PENSTOCK_ABUSE_SEED", "7"))
    rng = random.Random(seed)  # noqa: S311  (it attacks nobody but us)
    before, until, sent = resident(), time.monotonic() + FUZZ_S, 0
    while time.monotonic() < until:
        data = mutated(rng)
        with connect(server) as made, contextlib.suppress(OSError):
            if rng.random() < 0.3:
                cut = rng.randrange(len(data) + 1)
                made.sendall(data[:cut])
                made.sendall(data[cut:])
            else:
                made.sendall(data)
            made.shutdown(socket.SHUT_WR)
            received = b""
            while piece := made.recv(65536):
                received += piece
            with_answer = [s for s in statuses(received) if s != 100]
            assert all(s < 500 for s in with_answer), (data, received)
        sent += 1

    assert sent > 50
    assert works(server)
    assert "Traceback" not in caplog.text
    assert resident() - before < 100 * MIB
