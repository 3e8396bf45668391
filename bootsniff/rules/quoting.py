"""Words from the network as they stand in configuration files and commands, where strangers' text must stay one word.

`text.printable` has left no line breaks and no control characters in them. No judgement here.
"""

from __future__ import annotations

import re

_DNSMASQ_PLAIN = re.compile(r"(?!tag:|net:)[\w./:@%+=~&?-]+", re.ASCII)
_SHELL_PLAIN = re.compile(r"[\w./:@%+=-]+", re.ASCII)
_NOT_IN_URLS = re.compile(r"[^\w.~/:@+,=%?&\[\]-]", re.ASCII)
_ESCAPE = re.compile(r"%([2-6][0-9a-f]|7[0-9a-e])", re.IGNORECASE)


def shell(text: str) -> str:
    """As one word of a shell line."""
    return text if _SHELL_PLAIN.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def powershell(text: str) -> str:
    """As one word of PowerShell, to which typographic quotes are quotes too."""
    return "'" + re.sub("['\u2018-\u201b]", lambda quote: quote[0] * 2, text) + "'"


def field(text: str) -> str:
    """As one field of a dnsmasq line: between quotes no comma, `#` or `tag:` means anything (option.c, read_file)."""
    return text if _DNSMASQ_PLAIN.fullmatch(text) else quoted(text)


def xml(text: str) -> str:
    """Inside an XML attribute in single quotes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&apos;")


def ipxe(url: str) -> str:
    """As one word of an iPXE script, which expands `${…}` and ends a command at `||`, `&&` and a blank."""
    return "".join(letter if letter not in " $|&\\'\"" else f"%{ord(letter):02x}" for letter in url)


def quoted(text: str) -> str:
    """Inside double quotes of dnsmasq, ISC dhcpd, nginx or JSON."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def web(url: str) -> str:
    """As a URL: what may not stand in one (RFC 3986 section 2), and what a shell would not leave alone, is escaped."""
    return _NOT_IN_URLS.sub(lambda match: "".join(f"%{byte:02x}" for byte in match[0].encode()), url)


def below(root: str, name: str) -> str:
    """The path of a file that a server has below its root; never outside of it, whatever the name says."""
    steps = [step for step in name.split("/") if step not in ("", ".", "..")]
    return "/".join([root.rstrip("/"), *steps]) + ("/" if name.endswith("/") else "")


def unescaped(path: str) -> str:
    """A URL's path with its percent escapes of printable ASCII resolved, as files are called and nginx compares it."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), path)
