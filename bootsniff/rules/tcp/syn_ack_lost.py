"""tcp-syn-ack-lost; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...flow.records import TcpConnection
from ...model import Finding
from ...track.unheard import ack_unheard, opened_again
from .. import names, on_the_way
from ..case import Case
from ..evidence import first_and_last, maybe
from ..rule import Rule
from . import targets


class TcpSynAckLost(Rule):
    """The web server accepts the connection, and nothing comes of it.

    What happens
        The machine connects to the server; what the server answers gets lost on the way, so that the machine tries again
        until it gives up. Or the machine hears the answer, and what it says then does not get here.
    On the wire
        SYNs of one connection again and again, with SYN-ACKs between them, and never the machine's ACK. Or one SYN, and the
        SYN-ACK again and again.
    Not to be confused with
        A server that does not answer (tcp-filtered) or refuses (tcp-refused); a SYN-ACK that was lost once.
    Causes
        A firewall that keeps no state, or that the answer passes alone because it takes another way than the request; a
        filter of the hypervisor or of its bridge.
    Fix
        Let answers pass towards the machine, or capture at its own port to see where they end.
    Sources
        RFC 9293 section 3.5; lab captures of OVMF and iPXE on a bridge that drops SYN-ACKs.
    """

    code = "tcp-syn-ack-lost"
    stage = "tcp"
    needs = "connections"
    summary = "{server} port {port} accepts the connection, and {then}"

    def check(self, case: Case) -> Iterator[Finding]:
        connections = case.stage.connections
        for connection in connections:
            again = opened_again(connection)
            gave_up = connection.reset if connection.reset_by_client else None
            refused = connection.reset is not None and gave_up is None
            mute = ack_unheard(connection) if not (again or connection.established or refused) else None
            key = connection.server, connection.server_port
            if not (again or (mute and case.over)) or any(
                one.established and (one.server, one.server_port) == key for one in connections
            ):
                continue
            yield self.finding(
                case,
                [
                    *targets.proof(case, connection),
                    *maybe(connection.syn_ack, "SYN-ACK"),
                    *first_and_last(again, "SYN again"),
                    *maybe(mute, "SYN-ACK again, last try"),
                    *maybe(gave_up if mute else None, "the machine gives up"),
                ],
                confidence="likely" if again or gave_up else "possible",
                subject=f"{connection.server}:{connection.server_port}",
                server=connection.server,
                port=connection.server_port,
                then=_unheard(connection)
                if again
                else "hears no more of the machine: what it sends is lost" + ("" if gave_up else ", or it stopped"),
                expected="An ACK of the machine.",
                proof=on_the_way.nearer("the SYN-ACK")
                if again
                else "A capture nearer to the machine, on its own tap or switch port: does it send an ACK?",
                fixes=on_the_way.remedies(case),
            )


def _unheard(connection: TcpConnection) -> str:
    time = names.seconds(connection.syns[-1].time - connection.syns[0].time)
    return f"the machine does not hear it: {connection.syn_count} SYNs in {time}"
