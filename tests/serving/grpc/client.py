"""An HTTP/2 client that does what it is told, also what no client should do."""

import struct
from collections import defaultdict

from hpack import Decoder, Encoder

from penstock.serving.buffered import Buffered
from penstock.serving.grpc import frames
from penstock.serving.grpc.connection import Connection
from penstock.serving.grpc.limits import GrpcLimits

HELLO = frames.PREFACE + frames.settings([])


class FakeTransport:
    """Takes what is written."""

    def __init__(self):
        self.data = bytearray()
        self.is_closed = False
        self.is_aborted = False
        self.is_paused = False

    def set_write_buffer_limits(self, high=None, low=None):
        self.high = high

    def get_extra_info(self, name, default=None):
        return ("192.0.2.7", 40000) if name == "peername" else default

    def write(self, data):
        assert not self.is_aborted
        self.data += data

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False

    def is_closing(self):
        return self.is_closed

    def close(self):
        self.is_closed = True

    def abort(self):
        self.is_closed = self.is_aborted = True


class Client:
    """One connection, without sockets: `send` bytes, then look at what came back."""

    def __init__(self, methods, loop, limits=None, hello=HELLO):
        limits = limits or GrpcLimits()
        self.loop = loop
        self.buffered = Buffered(limits.max_buffered_bytes)
        self.transport = FakeTransport()
        self.is_lost = False
        self.connection = Connection(
            methods,
            limits,
            self.buffered,
            opened=lambda _: None,
            closed=lambda _: setattr(self, "is_lost", True),
            loop=loop,
        )
        self.connection.connection_made(self.transport)
        self.encoder = Encoder()
        self.decoder = Decoder()
        self.frames = []
        self.headers = defaultdict(list)
        self.bodies = defaultdict(bytes)
        self.resets = {}
        self.goaways = []
        if hello:
            self.send(hello)

    def send(self, data):
        self.connection.data_received(data)
        self.read()

    def read(self):
        """Take in what the server has written."""
        data = self.transport.data
        while len(data) >= 9:
            high, low, kind, flags, stream = frames.HEADER.unpack_from(data)
            size = high << 8 | low
            payload = bytes(data[9 : 9 + size])
            assert len(payload) == size
            del data[: 9 + size]
            self.frames.append((kind, flags, stream, payload))
            if kind == frames.HEADERS:
                fields = self.decoder.decode(payload, raw=True)
                self.headers[stream].append({bytes(k): bytes(v) for k, v in fields})
            elif kind == frames.DATA:
                self.bodies[stream] += payload
            elif kind == frames.RST_STREAM:
                self.resets[stream] = struct.unpack(">L", payload)[0]
            elif kind == frames.GOAWAY:
                self.goaways.append(struct.unpack(">LL", payload[:8]))
        return self

    def fields(self, path, **extra):
        names = {key.replace("_", "-"): value for key, value in extra.items()}
        return {
            ":method": "POST",
            ":scheme": "http",
            ":path": path,
            ":authority": "test",
            "te": "trailers",
            "content-type": "application/grpc",
            **names,
        }

    def head(self, stream, path, flags=0, **extra):
        block = self.encoder.encode(self.fields(path, **extra))
        return frames.frame(frames.HEADERS, frames.END_HEADERS | flags, stream, block)

    def call(self, stream, path, message=b"", **extra):
        """Send a whole call."""
        body = frames.frame(frames.DATA, frames.END_STREAM, stream, prefixed(message))
        self.send(self.head(stream, path, **extra) + body)

    def status(self, stream):
        """Number and text of the status that ended a call, or None."""
        for fields in self.headers[stream]:
            if b"grpc-status" in fields:
                return int(fields[b"grpc-status"]), fields.get(b"grpc-message", b"").decode()
        return None

    def messages(self, stream):
        """Messages of an answer."""
        body, found = self.bodies[stream], []
        while body:
            (size,) = struct.unpack(">L", body[1:5])
            found.append((body[0], body[5 : 5 + size]))
            body = body[5 + size :]
        return found

    def acknowledged(self, kind):
        return [f for f in self.frames if f[0] == kind and f[1] & frames.ACK]


def prefixed(message, flag=0):
    return bytes([flag]) + struct.pack(">L", len(message)) + message
