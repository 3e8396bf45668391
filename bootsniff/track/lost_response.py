"""Whether a web server's response reaches the machine, as its acknowledgements tell; pure functions of the records.

A response that was seen on its way has not arrived yet: where the capture stands nearer to the server, what is lost
behind it shows only in what the machine does not acknowledge.
"""

from __future__ import annotations

from ..flow.records import HttpExchange, TcpConnection
from ..model import NANOSECONDS

SENT_IN_VAIN = 3
"""Repetitions by the server that make it no accident."""
_ON_ITS_WAY = NANOSECONDS
"""What the machine sends later than this knows whether the response came."""


def took_nothing(flow: HttpExchange) -> bool:
    """Whether the machine speaks and acknowledges no byte of a response, while the server repeats it or a hole stays.

    Silence says nothing: iPXE starts a kernel before it acknowledges the end of it, and stops at a script that it does
    not understand without another word. edk2 gives up after 5 s (PcdHttpIoTimeout) by a reset that says what it got; that
    of a started system, which knows nothing of the connection, does not.
    """
    connection = flow.connection
    heard = connection.last_from_client
    body = flow.begin + (flow.response.length if flow.response is not None else 0)
    if heard is None or connection.acknowledged > body:
        return False
    later = heard.time - in_vain_since(flow)
    if flow.body.retransmissions >= SENT_IN_VAIN and later > _ON_ITS_WAY:
        return True
    return has_hole(flow) and later > 0


def took_no_hello(connection: TcpConnection) -> bool:
    """Whether the machine speaks and acknowledges no byte of a server's answer to its ClientHello, which is repeated."""
    hello = connection.tls.server_hello_at if connection.tls is not None else None
    heard, said = connection.last_from_client, connection.last_from_server
    if hello is None or heard is None or said is None or connection.acknowledged:
        return False
    return min(heard.time, said.time) - hello.time > _ON_ITS_WAY


def has_hole(flow: HttpExchange) -> bool:
    """Whether something of a response arrived here behind something that did not."""
    return flow.body.gaps > 0 or (flow.response is None and flow.brought_something)


def repeats_in_vain(flow: HttpExchange, since: int) -> bool:
    """Whether the server has sent nothing new after `since`, ns, and what it sent again and again helps nobody."""
    return flow.body.retransmissions >= SENT_IN_VAIN and in_vain_since(flow) < since


def in_vain_since(flow: HttpExchange) -> int:
    """When something new of such a response was seen last, ns."""
    return (flow.body.newest or flow.piece_at or flow.request_at).time
