"""chain-script-loop; reads records, never changes them."""

from __future__ import annotations

from collections.abc import Iterator

from ...model import Finding, Fix
from ...track.circles import script_circle, script_rounds
from ...track.kinds import is_ipxe
from .. import names, quoting
from ..case import Case
from ..evidence import evidence
from ..rule import Rule


class ChainScriptLoop(Rule):
    """iPXE's scripts lead to each other in a circle.

    What happens
        A script chains another, and that one leads back: iPXE fetches them over and over, until it has no stack left and hangs
        (chain without --replace), or for ever.
    On the wire
        The same scripts in the same order again and again, each within a moment of the one before, and nothing else between;
        or another DHCP exchange between, right after the script came.
    Not to be confused with
        A machine that waits for work: its script sleeps before it asks again. iPXE that is given iPXE (chain-ipxe-loop).
    Causes
        A menu that is named menu.ipxe, boot.ipxe or autoexec.ipxe and chains a file of that name; a server that makes
        scripts and sends the same one whatever is asked for; chain ${filename}, or autoboot, in the script that DHCP names.
    Fix
        Have the last script load a kernel, or end with exit or shell.
    Sources
        iPXE image/script.c and usr/imgmgmt.c; lab captures with iPXE 1.21.1.
    """

    code = "chain-script-loop"
    stage = "chain"
    needs = "fetches"
    always = True
    explains_away = ("chain-ipxe-nothing-to-boot",)
    summary = "iPXE's {what}: {circle}, {times} times over"

    def concerns(self, client: str) -> bool:
        return is_ipxe(client)

    def check(self, case: Case) -> Iterator[Finding]:
        circle = script_circle(case.stage) if case.failed_here else None
        turns = [circle] if circle else []
        if not circle:
            rounds = script_rounds(case.boot.stages) if case.boot.status == "stalled" else None
            if not rounds or case.stage is not rounds[0]:
                return  # told once, at the first turn
            turns = [[fetch for fetch in stage.fetches if fetch.status == "complete"] for stage in rounds]
            circle = turns[0]
        scripts = [fetch.flow.url for fetch in circle]
        bases = [names.base(names.path_of(fetch)) or fetch.flow.url for fetch in circle]
        again = [fetch for fetch in case.stage.fetches if fetch.flow.url == scripts[0]]
        through_dhcp = len(turns) > 1
        yield self.finding(
            case,
            [
                *(evidence(fetch.ended, f"{name} is whole") for fetch, name in zip(circle, bases, strict=True)),
                *(evidence(turn[0].ended, f"{bases[0]} after another DHCP exchange") for turn in turns[1:4]),
                *([] if through_dhcp else [evidence(again[0].ended, f"{bases[0]} for the first time")]),
            ],
            confidence="certain",
            subject=scripts[0],
            what="script begins anew with DHCP" if through_dhcp else "scripts lead to each other in a circle",
            circle=" › ".join([*bases, *(["DHCP"] if through_dhcp else []), bases[0]]),
            times=len(turns) if through_dhcp else len(again),
            expected="A script that loads a kernel, or that ends.",
            fixes=(Fix("shell", "\n".join(f"curl -s {quoting.shell(url)}" for url in scripts)),),
        )
