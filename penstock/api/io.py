"""`tf.io`: files, records and the bytes in strings."""

from penstock.api.codecs import decode_base64, decode_csv, decode_raw, encode_base64

__all__ = ["decode_base64", "decode_csv", "decode_raw", "encode_base64"]
