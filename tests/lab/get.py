"""Asks for a file by TFTP, run in a namespace with a server's address and a name: status 0 when the first block arrives."""

from __future__ import annotations

import socket
import sys

PATIENCE = 2.0


def main() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.sendto(b"\0\1" + sys.argv[2].encode() + b"\0octet\0", (sys.argv[1], 69))
        try:
            return 0 if client.recv(600).startswith(b"\0\3\0\1") else 1
        except OSError:
            return 1


if __name__ == "__main__":
    sys.exit(main())
