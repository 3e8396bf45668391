"""The only way a byte from the network becomes text; this room does no I/O and knows no protocol.

Host names, file names and error texts come from strangers. What a terminal, a browser or a log could take as
a command (control characters, escape sequences, bidirectional overrides, invalid UTF-8) becomes a visible escape.
"""

import re
import unicodedata

DEFAULT_LIMIT = 512
"""Longest text kept of one field, in characters; longer ones end in an ellipsis."""

_PLAIN = re.compile(r"[\x20-\x5b\x5d-\x7e]*")
_UNSAFE_CATEGORIES = {"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"}


def printable(raw: bytes | str, limit: int = DEFAULT_LIMIT) -> str:
    r"""Text that is safe to show anywhere, and still tells every byte that was sent.

    UTF-8 is decoded; bytes that are no UTF-8 become `\xff`, control and format characters `\x1b` or `\u202e`,
    a backslash stays a backslash. At most `limit` characters, then `…`.
    """
    text = raw if isinstance(raw, str) else raw[: 4 * limit + 4].decode("utf-8", "backslashreplace")
    if not _PLAIN.fullmatch(text):
        text = "".join(map(_visible, text[: limit + 1]))
    return text if len(text) <= limit else text[:limit] + "…"


def _visible(character: str) -> str:
    if character.isascii():
        return character if " " <= character <= "~" else f"\\x{ord(character):02x}"
    # Combining marks and other characters that have no width of their own would break a table's layout.
    if unicodedata.category(character) in _UNSAFE_CATEGORIES or unicodedata.combining(character):
        code = ord(character)
        return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    return character
