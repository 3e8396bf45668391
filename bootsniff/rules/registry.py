"""The list of all rules; nothing else happens here.

A rule is added by writing its file and naming its class here.
"""

from __future__ import annotations

from .arch.bios_file_to_efi import ArchBiosFileToEfi
from .arch.dnsmasq_b_matches_everyone import ArchDnsmasqBMatchesEveryone
from .arch.hex_decimal_confusion import ArchHexDecimalConfusion
from .arch.isc_0016_is_uboot import ArchIsc0016IsUboot
from .arch.seven_vs_nine import Arch7Vs9
from .arch.wrong_efi_machine import ArchWrongEfiMachine
from .arp.next_server_unanswered import ArpNextServerUnanswered
from .dhcp.competing_servers import DhcpCompetingServers
from .dhcp.http_offer_without_usable_uri import DhcpHttpOfferWithoutUsableUri
from .dhcp.http_vendor_class_not_echoed import DhcpHttpVendorClassNotEchoed
from .dhcp.nak import DhcpNak
from .dhcp.no_offer import DhcpNoOffer
from .dhcp.offer_without_boot_file import DhcpOfferWithoutBootFile
from .dhcp.pool_exhausted import DhcpPoolExhausted
from .dhcp.relay_one_way import DhcpRelayOneWay
from .dhcp.wrong_next_server import DhcpWrongNextServer
from .dns.lookup_failed import DnsLookupFailed
from .dns.server_missing import DnsServerMissing
from .rule import Cause, Rule
from .tftp.access_violation import TftpAccessViolation
from .tftp.block_rollover import TftpBlockRollover
from .tftp.client_aborts import TftpClientAborts
from .tftp.file_not_found import TftpFileNotFound
from .tftp.mtu_blackhole import TftpMtuBlackhole
from .tftp.nat_loss import TftpNatLoss
from .tftp.no_reply import TftpNoReply
from .tftp.option_negotiation_refused import TftpOptionNegotiationRefused
from .tftp.reply_from_other_ip import TftpReplyFromOtherIp
from .tftp.server_down import TftpServerDown
from .tftp.timeout_mid_transfer import TftpTimeoutMidTransfer

RULES: tuple[Rule, ...] = (
    DhcpCompetingServers(),
    DhcpHttpOfferWithoutUsableUri(),
    DhcpHttpVendorClassNotEchoed(),
    DhcpNak(),
    DhcpNoOffer(),
    DhcpOfferWithoutBootFile(),
    DhcpPoolExhausted(),
    DhcpRelayOneWay(),
    DhcpWrongNextServer(),
    ArchBiosFileToEfi(),
    ArchDnsmasqBMatchesEveryone(),
    ArchHexDecimalConfusion(),
    ArchIsc0016IsUboot(),
    Arch7Vs9(),
    ArchWrongEfiMachine(),
    ArpNextServerUnanswered(),
    DnsLookupFailed(),
    DnsServerMissing(),
    TftpAccessViolation(),
    TftpBlockRollover(),
    TftpClientAborts(),
    TftpFileNotFound(),
    TftpMtuBlackhole(),
    TftpNatLoss(),
    TftpNoReply(),
    TftpOptionNegotiationRefused(),
    TftpReplyFromOtherIp(),
    TftpServerDown(),
    TftpTimeoutMidTransfer(),
)
"""Every rule, in the order of a boot."""

ALWAYS: tuple[Rule, ...] = tuple(rule for rule in RULES if rule.always)
"""Rules that look at stages that did not fail, too."""

BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}

CAUSES: dict[str, tuple[Cause, ...]] = {
    symptom: tuple(rule for rule in RULES if isinstance(rule, Cause) and symptom in rule.symptoms)
    for symptom in {code for rule in RULES if isinstance(rule, Cause) for code in rule.symptoms}
}
"""Causes that may explain a finding, by its code."""
