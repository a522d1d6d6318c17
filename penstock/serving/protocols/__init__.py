"""Protocols: bytes to requests and answers to bytes, without sockets and clocks."""
