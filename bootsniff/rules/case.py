"""One stage of one boot with everything around it: what a rule looks at; reads records, never changes them."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from operator import itemgetter

from ..flow.records import HttpExchange, TftpTransfer
from ..model import NANOSECONDS, Confidence
from ..track.boot_file import BootFile, boot_file_of, is_elsewhere
from ..track.exchanges import Dhcp4Exchange, Dhcp6Exchange, Heard
from ..track.kinds import is_http_client, is_ipxe, is_pxe_firmware, is_u_boot
from ..track.naming import same_file
from ..track.offered import suits
from ..track.patience import IMAGE_TRIED
from ..track.records import BootRecord, FetchRecord, MachineRecord, StageRecord
from ..track.unheard import has_not_heard_of_its_lease
from ..wire.messages import DhcpMessage, Dhcpv6Message
from . import names
from .offers import Offer
from .overview import Booted, Overview

_COLLECTS = 10 * NANOSECONDS
"""edk2 and iPXE collect offers for 4 s at most before they send a REQUEST."""


class Case:
    """A stage in its boot, its machine and its world; values that several rules need are worked out once."""

    def __init__(
        self, overview: Overview, machine: MachineRecord, boot_index: int, stage_index: int, option_list: list[range]
    ) -> None:
        self.overview = overview
        self.world = overview.world
        self.machine = machine
        self.boot: BootRecord = machine.boots[boot_index]
        self.boot_index = boot_index
        self.stage: StageRecord = self.boot.stages[stage_index]
        self.stage_index = stage_index
        self.options = option_list
        self.option = next(option for option in option_list if stage_index in option)
        self.client = self.stage.client
        dhcp = self.stage.dhcp
        self.dhcp4: Dhcp4Exchange | None = dhcp if isinstance(dhcp, Dhcp4Exchange) else None
        self.dhcp6: Dhcp6Exchange | None = dhcp if isinstance(dhcp, Dhcp6Exchange) else None

    # --- what became of it ---

    @property
    def is_last_of_option(self) -> bool:
        return self.stage_index == self.option[-1]

    @property
    def over(self) -> bool:
        """The boot option this stage belongs to ended without success: the boot is stalled, or another was tried."""
        return self.boot.status == "stalled" or self.option is not self.options[-1]

    @property
    def failed_here(self) -> bool:
        """The boot option ended without success, and in this very stage."""
        return self.is_last_of_option and self.over

    @property
    def gave_up(self) -> bool:
        """Something else was tried afterwards, so that silence is proven to be an end."""
        return self.option is not self.options[-1] or self.boot_index < len(self.machine.boots) - 1

    @property
    def went_on(self) -> bool:
        """The program itself went on, to another boot option or at once to the first: nobody had to reset the machine."""
        after = self.machine.boots[self.boot_index + 1 : self.boot_index + 2]
        return self.option is not self.options[-1] or (
            bool(after) and after[0].start - self.boot.last.time < IMAGE_TRIED
        )

    @property
    def followers(self) -> list[StageRecord]:
        """Stages that this one, or what it loaded, led to."""
        return self.boot.stages[self.stage_index + 1 : self.option[-1] + 1]

    @property
    def firmware(self) -> str:
        """The client word of the program that this boot option began with."""
        return self.boot.stages[self.option[0]].client

    def falls_silent(self, since: int) -> bool:
        """Whether neither the next program nor the next boot begins for longer than any program collects offers."""
        stages, boots = self.boot.stages[self.stage_index + 1 :], self.machine.boots[self.boot_index + 1 :]
        following = [*(stage.start for stage in stages[:1]), *(boot.start for boot in boots[:1])]
        return all(start - since > _COLLECTS for start in following)

    # --- who it is ---

    @property
    def is_http(self) -> bool:
        return is_http_client(self.client)

    @property
    def is_efi_pxe(self) -> bool:
        return self.client.startswith("efi-") and self.client.endswith("-pxe")

    @property
    def is_firmware_pxe(self) -> bool:
        return is_pxe_firmware(self.client)

    @property
    def is_ipxe(self) -> bool:
        return is_ipxe(self.client)

    @property
    def is_uboot(self) -> bool:
        return is_u_boot(self.client)

    @property
    def is_efi(self) -> bool:
        """Firmware of the UEFI kind, or iPXE running on it."""
        return self.client.startswith(("efi-", "ipxe-efi-"))

    @property
    def takes_loader(self) -> bool:
        """Whether a usual loader would do that DHCP names: not for switches and others that are no computers.

        A Raspberry Pi asks for names of its own, whatever DHCP says (raspberrypi/rpi-eeprom issue 69).
        """
        return self.client not in ("raspberry-pi", "other-boot-client")

    @property
    def addresses(self) -> set[str]:
        """Every address that is or may be the machine's own."""
        own = set(self.machine.addresses)
        if self.dhcp4:
            own.update(offer.address for offer in [*self.offers, *self.acks] if offer.address)
        return own

    # --- DHCPv4 ---

    @cached_property
    def offers(self) -> list[Offer]:
        """OFFERs with an address."""
        return [Offer.of(heard) for heard in self.dhcp4.offers] if self.dhcp4 else []

    def asked_again(self, *replies: Offer) -> list[Heard[DhcpMessage]]:
        """DISCOVERs behind the latest of some replies."""
        last = max(reply.heard.at.time for reply in replies)
        return [heard for heard in self.dhcp4.discovers if heard.at.time > last] if self.dhcp4 else []

    def solicited_again(self, answer: Heard[Dhcpv6Message]) -> list[Heard[Dhcpv6Message]]:
        """SOLICITs behind an answer."""
        return [heard for heard in self.dhcp6.solicits if heard.at.time > answer.at.time] if self.dhcp6 else []

    def would_take(self, offer: Offer) -> bool:
        """Whether this machine would take such an offer, by what is in it."""
        return suits(self.client, offer.message)

    @cached_property
    def proxy_offers(self) -> list[Offer]:
        return [Offer.of(heard) for heard in self.dhcp4.proxy_offers] if self.dhcp4 else []

    @cached_property
    def acks(self) -> list[Offer]:
        """Those that the machine heard: none while it goes on to ask for its lease."""
        unheard = has_not_heard_of_its_lease(self.stage)
        return [Offer.of(heard) for heard in self.dhcp4.acks] if self.dhcp4 and not unheard else []

    @cached_property
    def pxe_replies(self) -> list[Offer]:
        return [Offer.of(heard) for heard in self.dhcp4.pxe_replies] if self.dhcp4 else []

    @cached_property
    def _boot_file(self) -> BootFile | None:
        return boot_file_of(self.stage)

    @cached_property
    def named(self) -> Offer | None:
        """The DHCPv4 reply that names the boot file."""
        return Offer.of(self._boot_file.heard) if self._boot_file and self._boot_file.heard else None

    @property
    def named_by_proxy(self) -> bool:
        """Whether a ProxyDHCP server named the boot file, in its offer or at port 4011."""
        heard = self._boot_file.heard if self._boot_file else None
        dhcp = self.dhcp4
        return dhcp is not None and any(heard is reply for reply in (*dhcp.proxy_offers, *dhcp.pxe_replies))

    @property
    def replies_cut(self) -> bool:
        """Whether the capture lacks options of a reply of this stage."""
        dhcp = self.stage.dhcp
        if dhcp is None:
            return False
        if isinstance(dhcp, Dhcp6Exchange):
            return any(heard.cut for heard in (*dhcp.advertises, *dhcp.replies))
        return any(heard.cut for heard in (*dhcp.offers, *dhcp.acks, *dhcp.proxy_offers, *dhcp.pxe_replies))

    @property
    def boot_file(self) -> str | None:
        """The boot file that DHCP named for this stage."""
        return self._boot_file.name if self._boot_file else None

    @property
    def server(self) -> str | None:
        """The DHCP server that this stage dealt with, as far as one is known."""
        reply = self.named or next(iter([*self.acks, *self.offers, *self.proxy_offers]), None)
        return reply.server if reply else None

    @cached_property
    def dialect(self) -> str | None:
        """Recognised software of the DHCP server; where this stage has none, that of the network's only known kind."""
        server = self.world.servers.get(self.server or "")
        if server is not None:
            return server.dialect
        known = self.overview.dialects
        return known[0] if len(known) == 1 else None

    @cached_property
    def booted_alike(self) -> Booted | None:
        """Another machine of this kind that the same server named another file, with which it booted.

        Not a file whose name tells the machine that it is for.
        """
        for other in self.overview.booted_with.get((self.server or "", self.client), ()):
            if other.mac != self.machine.mac and other.file != self.boot_file and not self._is_for_one(other):
                return other
        return None

    def _is_for_one(self, other: Booted) -> bool:
        machine = self.world.machines.get(other.mac)
        words = [other.mac, other.mac.replace(":", "-"), other.mac.replace(":", "")]
        if machine is not None:
            words += [word.lower() for word in (machine.hostname, machine.uuid, *machine.addresses) if word]
        return any(word in other.file.lower() for word in words)

    @cached_property
    def lease(self) -> Offer | None:
        """The reply that gave the address in use: of this stage, or the last before it in the same option."""
        for index in range(self.stage_index, self.option[0] - 1, -1):
            dhcp = self.boot.stages[index].dhcp
            if isinstance(dhcp, Dhcp4Exchange):
                heard = [*dhcp.acks[-1:], *dhcp.offers[:1]]
                if heard:
                    return Offer.of(heard[0])
        return None

    def is_elsewhere(self, address: str) -> bool:
        """Whether an address lies outside the machine's network, as far as a lease tells."""
        return self.lease is not None and is_elsewhere(self.lease.message, address)

    @cached_property
    def first_boot_file(self) -> str | None:
        """The file that DHCP named for the first program of this boot option that was given one."""
        files = (boot_file_of(self.boot.stages[index]) for index in self.option)
        return next((file.name for file in files if file), None)

    # --- fetches ---

    @property
    def asked_nothing(self) -> bool:
        """No request of any kind followed the DHCP exchange, not even for a server's address by its name."""
        stage = self.stage
        return not (stage.fetches or stage.connections or stage.lookups)

    @property
    def sought_in_vain(self) -> bool:
        """Whether nobody answered when it looked for a host; a server that pings it makes it look for that one too."""
        return any(arps.reply is None and arps.target not in self.addresses for arps in self.stage.arps)

    @cached_property
    def tftp(self) -> list[tuple[FetchRecord, TftpTransfer]]:
        return [(fetch, fetch.flow) for fetch in self.stage.fetches if isinstance(fetch.flow, TftpTransfer)]

    @cached_property
    def answers_tftp(self) -> frozenset[str]:
        """Hosts whose answers by TFTP reached this machine in this boot, to whatever request."""
        flows = (fetch.flow for stage in self.boot.stages for fetch in stage.fetches)
        return frozenset(flow.reply_from[0] for flow in flows if isinstance(flow, TftpTransfer) and flow.reply_from)

    @cached_property
    def tftp_names(self) -> frozenset[str]:
        return frozenset(flow.filename for _, flow in self.tftp)

    @cached_property
    def http(self) -> list[tuple[FetchRecord, HttpExchange]]:
        return [(fetch, fetch.flow) for fetch in self.stage.fetches if isinstance(fetch.flow, HttpExchange)]

    @cached_property
    def http_of(self) -> dict[str, list[HttpExchange]]:
        """The same by URL."""
        found: dict[str, list[HttpExchange]] = {}
        for _, flow in self.http:
            found.setdefault(flow.url, []).append(flow)
        return found

    @cached_property
    def http_answered(self) -> dict[str, list[int]]:
        """When each web server was asked for something that it gave, in order."""
        found: dict[str, list[int]] = {}
        for _, flow in self.http:
            if flow.response is not None and flow.response.status in (200, 206):
                found.setdefault(flow.connection.server, []).append(flow.request_at.time)
        for times in found.values():
            times.sort()
        return found

    @cached_property
    def boot_fetch(self) -> FetchRecord | None:
        """The last whole fetch of the file that DHCP named."""
        whole = [f for f in self.stage.fetches if f.status == "complete" and self.is_boot_file(f)]
        return whole[-1] if whole else None

    def is_boot_file(self, fetch: FetchRecord) -> bool:
        """Whether a fetch is of the file that DHCP named for this stage."""
        if fetch.role == "boot-file":
            return True
        return bool(self.boot_file) and same_file(names.path_of(fetch), self.boot_file or "")

    def came_later(self, fetch: FetchRecord) -> bool:
        """Whether the same file arrived whole after all, in this stage."""
        return any(
            other is not fetch and other.end >= fetch.start for other in self._whole.get(names.path_of(fetch), ())
        )

    def next_step(self, time: int) -> int | None:
        """When the machine went on to another file, or another program, than it asked for at `time`."""
        after = bisect_right(self._steps, time, key=itemgetter(0))
        return self._steps[after][0] if after < len(self._steps) else None

    @cached_property
    def _steps(self) -> list[tuple[int, str | None]]:
        """When each file of this stage was asked for, and each program of the boot began; of repetitions in a row the first."""
        steps: list[tuple[int, str | None]] = [(stage.start, None) for stage in self.boot.stages]
        steps += [(fetch.start, fetch.name) for fetch in self.stage.fetches]
        steps.sort(key=itemgetter(0))
        return [step for index, step in enumerate(steps) if not index or step[1] != steps[index - 1][1]]

    @cached_property
    def _whole(self) -> dict[str, list[FetchRecord]]:
        """The latest two that brought each file whole, by path."""
        whole: dict[str, list[FetchRecord]] = {}
        for fetch in self.stage.fetches:
            if fetch.status == "complete" and names.is_body(fetch):
                whole[names.path_of(fetch)] = [*whole.get(names.path_of(fetch), ())[-1:], fetch]
        return whole

    # --- what silence is worth ---

    def silence(self, of: str | None = None, *, second_sign: bool = False) -> Confidence:
        """How sure one can be that something missing was not sent, `of` this server: never certain from silence alone."""
        quality = self.world.quality
        if self.is_deaf_to(of) or quality.dropped_frames:
            return "possible"
        if of in self._told_their_macs:
            return "likely"
        heard_others = quality.unicast_server_packets > 0 or second_sign
        return "likely" if quality.server_packets and heard_others else "possible"

    def is_deaf_to(self, server: str | None) -> bool:
        """Whether the capture lacks answers that came, and nothing shows that it would hold those of this server.

        At a server's own port of the switch the offers of another one are missing, and not what this one sends.
        """
        quality = self.world.quality
        return quality.answers_missing or (quality.offers_missing and server not in self._told_their_macs)

    @cached_property
    def _told_their_macs(self) -> set[str]:
        """Hosts of which the capture holds an ARP answer, which they send to the machine alone."""
        return {arps.target for stage in self.boot.stages for arps in stage.arps if arps.reply is not None}

    def blind_spot(self, of: str | None = None) -> str:
        """Why silence, `of` this server, may be the capture's and not the network's, to append; empty when it is not."""
        quality = self.world.quality
        if not quality.server_packets and of not in self._told_their_macs:
            return " (no reply of any kind seen: this capture point may not see replies)"
        if self.is_deaf_to(of):
            return " (this capture holds one direction only)"
        if quality.dropped_frames:
            return f" ({quality.dropped_frames} packets are missing from what was read)"
        return ""
