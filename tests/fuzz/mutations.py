"""Ways to damage the bytes of a file, each decided by a random generator."""

import gzip
import io
import struct
import zipfile
import zlib

from penstock.wire.crc32c import masked_crc32c

_NUMBERS = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 1 << 31, (1 << 31) - 1, (1 << 32) - 1]
_NUMBERS += [1 << 62, 1 << 63, (1 << 63) - 1, (1 << 64) - 1]


def flip(data, rng):
    place = rng.randrange(len(data))
    data[place] ^= 1 << rng.randrange(8)


def overwrite(data, rng):
    place = rng.randrange(len(data))
    part = rng.randbytes(rng.randint(1, 8))
    data[place : place + len(part)] = part


def number(data, rng):
    """A number that programs stumble over, in one of the usual sizes."""
    size = rng.choice([1, 2, 4, 8])
    place = rng.randrange(len(data))
    value = (rng.choice(_NUMBERS) % (1 << 8 * size)).to_bytes(
        size, rng.choice(["little", "big"])
    )
    data[place : place + size] = value


def varint(data, rng):
    value, out = rng.choice(_NUMBERS), bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    place = rng.randrange(len(data))
    data[place : place + rng.choice([1, len(out)])] = out


def remove(data, rng):
    place = rng.randrange(len(data))
    del data[place : place + rng.choice([1, 2, 8, 64, 512])]


def insert(data, rng):
    place = rng.randrange(len(data) + 1)
    data[place:place] = rng.randbytes(rng.choice([1, 2, 8, 64]))


def repeat(data, rng):
    start = rng.randrange(len(data))
    part = data[start : start + rng.choice([2, 16, 128, 1024])]
    place = rng.randrange(len(data) + 1)
    data[place:place] = part * rng.choice([1, 1, 2, 8])


def cut(data, rng):
    del data[rng.randrange(len(data)) :]


def swap(data, rng):
    a, b, n = rng.randrange(len(data)), rng.randrange(len(data)), rng.choice([1, 4, 32])
    data[a : a + n], data[b : b + n] = bytes(data[b : b + n]), bytes(data[a : a + n])


WAYS = [flip, flip, overwrite, number, number, varint, remove, insert, repeat, cut, swap]


def damaged(data, rng):
    """The bytes after one to four damages."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        if data:
            rng.choice(WAYS)(data, rng)
    return bytes(data)


# -- damage inside of containers whose checksums stay right ---


def frame(payloads):
    out = bytearray()
    for payload in payloads:
        length = struct.pack("<Q", len(payload))
        out += length + struct.pack("<I", masked_crc32c(length))
        out += payload + struct.pack("<I", masked_crc32c(payload))
    return bytes(out)


def unframed(data):
    found, place = [], 0
    while place < len(data):
        (size,) = struct.unpack_from("<Q", data, place)
        found.append(data[place + 12 : place + 12 + size])
        place += size + 16
    return found


def records(data, rng):
    """Damage records from outside or inside."""
    if rng.random() < 0.5:
        return damaged(data, rng)
    payloads = unframed(data)
    index = rng.randrange(len(payloads))
    payloads[index] = damaged(payloads[index], rng)
    return frame(payloads)


def gzipped(data, rng):
    if rng.random() < 0.5:
        return damaged(data, rng)
    return gzip.compress(records(gzip.decompress(data), rng), 1)


def deflated(data, rng):
    if rng.random() < 0.5:
        return damaged(data, rng)
    return zlib.compress(records(zlib.decompress(data), rng), 1)


def archive(data, rng):
    """Damage a zip file, or a member of it."""
    if rng.random() < 0.4:
        return damaged(data, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        chosen = rng.choice(old.namelist())
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, damaged(content, rng) if name == chosen else content)
    return out.getvalue()
