"""Bytes to messages: stateless decoders, one file a protocol; no state, no I/O, and no error but `Malformed`."""
