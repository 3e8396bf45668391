"""The list of all rules; nothing else happens here.

A rule is added by writing its file and naming its class here.
"""

from __future__ import annotations

from .arch.bios_file_to_efi import ArchBiosFileToEfi
from .arch.dnsmasq_b_matches_everyone import ArchDnsmasqBMatchesEveryone
from .arch.hex_decimal_confusion import ArchHexDecimalConfusion
from .arch.isc_0016_is_uboot import ArchIsc0016IsUboot
from .arch.option_missing import ArchOptionMissing
from .arch.seven_vs_nine import Arch7Vs9
from .arch.wrong_efi_machine import ArchWrongEfiMachine
from .arp.next_server_unanswered import ArpNextServerUnanswered
from .arp.reply_lost import ArpReplyLost
from .arp.wrong_owner import ArpWrongOwner
from .chain.grub_thinks_tftp import ChainGrubThinksTftp
from .chain.initrd_not_named import ChainInitrdNotNamed
from .chain.ipxe_loop import ChainIpxeLoop
from .chain.ipxe_nothing_to_boot import ChainIpxeNothingToBoot
from .chain.ipxe_proxydhcp_wait import ChainIpxeProxydhcpWait
from .chain.nfs_unreachable import ChainNfsUnreachable
from .chain.no_config_found import ChainNoConfigFound
from .chain.pxelinux_module_missing import ChainPxelinuxModuleMissing
from .chain.script_loop import ChainScriptLoop
from .chain.script_stops import ChainScriptStops
from .chain.shim_loader_name import ChainShimLoaderName
from .chain.shim_wrong_path import ChainShimWrongPath
from .chain.text_instead_of_program import ChainTextInsteadOfProgram
from .chain.uboot_bootfile_env import ChainUbootBootfileEnv
from .chain.uboot_no_serverip import ChainUbootNoServerip
from .dhcp.ack_lost import DhcpAckLost
from .dhcp.address_conflict import DhcpAddressConflict
from .dhcp.bad_udp_checksum import DhcpBadUdpChecksum
from .dhcp.bootfile_name_mangled import DhcpBootfileNameMangled
from .dhcp.bootfile_too_long import DhcpBootfileTooLong
from .dhcp.competing_servers import DhcpCompetingServers
from .dhcp.http_offer_without_usable_uri import DhcpHttpOfferWithoutUsableUri
from .dhcp.http_vendor_class_not_echoed import DhcpHttpVendorClassNotEchoed
from .dhcp.identity_changes import DhcpIdentityChanges
from .dhcp.lease_unused import DhcpLeaseUnused
from .dhcp.nak import DhcpNak
from .dhcp.next_server_is_a_name import DhcpNextServerIsAName
from .dhcp.next_server_missing import DhcpNextServerMissing
from .dhcp.no_ack import DhcpNoAck
from .dhcp.no_offer import DhcpNoOffer
from .dhcp.offer_lost import DhcpOfferLost
from .dhcp.offer_not_taken import DhcpOfferNotTaken
from .dhcp.offer_without_boot_file import DhcpOfferWithoutBootFile
from .dhcp.option_overload import DhcpOptionOverload
from .dhcp.pool_exhausted import DhcpPoolExhausted
from .dhcp.relay_one_way import DhcpRelayOneWay
from .dhcp.reply_unicast_not_delivered import DhcpReplyUnicastNotDelivered
from .dhcp.router_missing import DhcpRouterMissing
from .dhcp.wrong_next_server import DhcpWrongNextServer
from .dns.lookup_failed import DnsLookupFailed
from .dns.reply_lost import DnsReplyLost
from .dns.server_missing import DnsServerMissing
from .http.client_error import Http4xx
from .http.connection_close import Http10ConnectionClose
from .http.content_type_not_boot import HttpContentTypeNotBoot
from .http.forbidden import Http403
from .http.lowercase_header import HttpLowercaseHeader
from .http.no_length import HttpNoLength
from .http.no_response import HttpNoResponse
from .http.not_found import Http404
from .http.page_instead_of_file import HttpPageInsteadOfFile
from .http.plain_disabled import HttpPlainDisabled
from .http.proxy_in_the_way import HttpProxyInTheWay
from .http.range_unsupported import HttpRangeUnsupported
from .http.redirect_loop import HttpRedirectLoop
from .http.redirect_not_followed import HttpRedirectNotFollowed
from .http.response_lost import HttpResponseLost
from .http.server_error import Http5xx
from .http.stops_mid_body import HttpStopsMidBody
from .link.dhcp_blocked_by_host_firewall import LinkDhcpBlockedByHostFirewall
from .link.lacp_suspended import LinkLacpSuspended
from .link.port_unauthorized import LinkPortUnauthorized
from .link.stp_delay import LinkStpDelay
from .link.wrong_vlan import LinkWrongVlanOrNic
from .nbp.incomplete_file import NbpIncompleteFile
from .nbp.packed_file import NbpPackedFile
from .nbp.secure_boot_refused import NbpSecureBootRefused
from .nbp.stalls_after_download import NbpStallsAfterDownload
from .os.config_fetch_failed import OsConfigFetchFailed
from .os.install_loop import OsInstallLoop
from .os.redhcp_fails import OsRedhcpFails
from .proxydhcp.boot_server_unanswered import PxeBootServerUnanswered
from .proxydhcp.no_boot_file import ProxyDhcpNoBootFile
from .proxydhcp.offer_without_pxeclient import ProxyDhcpOfferWithoutPxeclient
from .proxydhcp.option43_foreign import Option43ForeignContent
from .proxydhcp.option60_without_43 import DhcpOption60Without43
from .proxydhcp.overrides_boot_file import ProxyDhcpOverridesBootFile
from .proxydhcp.port_4011_unanswered import ProxyDhcp4011Unanswered
from .proxydhcp.silent_for_non_pxeclient import ProxyDhcpSilentForNonPxeclient
from .proxydhcp.split_offer_rejected import ProxyDhcpSplitOfferRejected
from .rule import Cause, Rule
from .tcp.filtered import TcpFiltered
from .tcp.iscsi_login import IscsiLoginRefused
from .tcp.refused import TcpRefused
from .tcp.syn_ack_lost import TcpSynAckLost
from .tftp.access_violation import TftpAccessViolation
from .tftp.acks_lost import TftpAcksLost
from .tftp.block_rollover import TftpBlockRollover
from .tftp.client_aborts import TftpClientAborts
from .tftp.duplicate_data_storm import TftpDuplicateDataStorm
from .tftp.error import TftpError
from .tftp.file_not_found import TftpFileNotFound
from .tftp.mtu_blackhole import TftpMtuBlackhole
from .tftp.nat_loss import TftpNatLoss
from .tftp.no_reply import TftpNoReply
from .tftp.option_negotiation_refused import TftpOptionNegotiationRefused
from .tftp.reply_blocked_at_server import TftpReplyBlockedAtServer
from .tftp.reply_from_other_ip import TftpReplyFromOtherIp
from .tftp.reply_lost import TftpReplyLost
from .tftp.server_down import TftpServerDown
from .tftp.server_in_container import TftpServerInContainer
from .tftp.slow_lockstep import TftpSlowLockstep
from .tftp.timeout_mid_transfer import TftpTimeoutMidTransfer
from .tftp.windowsize_trouble import TftpWindowsizeTrouble
from .tls.answer_unused import TlsAnswerUnused
from .tls.certificate import TlsCertificateRefused
from .tls.cipher import TlsCipher
from .tls.client_certificate import TlsClientCertificate
from .tls.handshake_failed import TlsHandshakeFailed
from .tls.unknown_ca import TlsUnknownCa
from .tls.unsupported import TlsUnsupported
from .tls.version import TlsVersion
from .v6.no_advertise import V6NoAdvertise
from .v6.no_bootfile_url import V6NoBootfileUrl
from .v6.no_reply import V6NoReply
from .v6.ra_or_bootparam import V6RaMissingOrBootparam
from .v6.reply_lost import V6ReplyLost
from .v6.stateless import V6StatelessNotSupported

RULES: tuple[Rule, ...] = (
    LinkDhcpBlockedByHostFirewall(),
    LinkLacpSuspended(),
    LinkPortUnauthorized(),
    LinkStpDelay(),
    LinkWrongVlanOrNic(),
    DhcpAckLost(),
    DhcpAddressConflict(),
    DhcpBadUdpChecksum(),
    DhcpBootfileNameMangled(),
    DhcpBootfileTooLong(),
    DhcpCompetingServers(),
    DhcpHttpOfferWithoutUsableUri(),
    DhcpHttpVendorClassNotEchoed(),
    DhcpIdentityChanges(),
    DhcpLeaseUnused(),
    DhcpNak(),
    DhcpNextServerIsAName(),
    DhcpNextServerMissing(),
    DhcpNoAck(),
    DhcpNoOffer(),
    DhcpOfferLost(),
    DhcpOfferNotTaken(),
    DhcpOfferWithoutBootFile(),
    DhcpOptionOverload(),
    DhcpPoolExhausted(),
    DhcpRelayOneWay(),
    DhcpReplyUnicastNotDelivered(),
    DhcpRouterMissing(),
    DhcpWrongNextServer(),
    ArchBiosFileToEfi(),
    ArchDnsmasqBMatchesEveryone(),
    ArchHexDecimalConfusion(),
    ArchIsc0016IsUboot(),
    ArchOptionMissing(),
    Arch7Vs9(),
    ArchWrongEfiMachine(),
    PxeBootServerUnanswered(),
    ProxyDhcpNoBootFile(),
    ProxyDhcpOverridesBootFile(),
    ProxyDhcpOfferWithoutPxeclient(),
    DhcpOption60Without43(),
    Option43ForeignContent(),
    ProxyDhcp4011Unanswered(),
    ProxyDhcpSilentForNonPxeclient(),
    ProxyDhcpSplitOfferRejected(),
    ArpNextServerUnanswered(),
    ArpReplyLost(),
    ArpWrongOwner(),
    DnsLookupFailed(),
    DnsReplyLost(),
    DnsServerMissing(),
    TcpFiltered(),
    TcpRefused(),
    IscsiLoginRefused(),
    TcpSynAckLost(),
    TlsAnswerUnused(),
    TlsCertificateRefused(),
    TlsCipher(),
    TlsClientCertificate(),
    TlsHandshakeFailed(),
    TlsUnknownCa(),
    TlsUnsupported(),
    TlsVersion(),
    TftpAccessViolation(),
    TftpAcksLost(),
    TftpBlockRollover(),
    TftpClientAborts(),
    TftpDuplicateDataStorm(),
    TftpError(),
    TftpFileNotFound(),
    TftpMtuBlackhole(),
    TftpNatLoss(),
    TftpNoReply(),
    TftpOptionNegotiationRefused(),
    TftpReplyBlockedAtServer(),
    TftpReplyFromOtherIp(),
    TftpReplyLost(),
    TftpServerDown(),
    TftpServerInContainer(),
    TftpSlowLockstep(),
    TftpTimeoutMidTransfer(),
    TftpWindowsizeTrouble(),
    Http10ConnectionClose(),
    Http4xx(),
    HttpContentTypeNotBoot(),
    Http403(),
    HttpLowercaseHeader(),
    HttpNoLength(),
    HttpNoResponse(),
    Http404(),
    HttpPageInsteadOfFile(),
    HttpPlainDisabled(),
    HttpProxyInTheWay(),
    HttpRangeUnsupported(),
    HttpRedirectLoop(),
    HttpRedirectNotFollowed(),
    HttpResponseLost(),
    Http5xx(),
    HttpStopsMidBody(),
    NbpIncompleteFile(),
    NbpPackedFile(),
    NbpSecureBootRefused(),
    NbpStallsAfterDownload(),
    ChainGrubThinksTftp(),
    ChainInitrdNotNamed(),
    ChainIpxeLoop(),
    ChainIpxeNothingToBoot(),
    ChainIpxeProxydhcpWait(),
    ChainNoConfigFound(),
    ChainPxelinuxModuleMissing(),
    ChainScriptLoop(),
    ChainScriptStops(),
    ChainNfsUnreachable(),
    ChainShimLoaderName(),
    ChainShimWrongPath(),
    ChainTextInsteadOfProgram(),
    ChainUbootBootfileEnv(),
    ChainUbootNoServerip(),
    OsConfigFetchFailed(),
    OsInstallLoop(),
    OsRedhcpFails(),
    V6NoBootfileUrl(),
    V6RaMissingOrBootparam(),
    V6NoAdvertise(),
    V6NoReply(),
    V6ReplyLost(),
    V6StatelessNotSupported(),
)
"""Every rule, in the order of a boot."""

BY_CODE: dict[str, Rule] = {rule.code: rule for rule in RULES}

CAUSES: dict[str, tuple[Cause, ...]] = {
    symptom: tuple(rule for rule in RULES if isinstance(rule, Cause) and symptom in rule.symptoms)
    for symptom in {code for rule in RULES if isinstance(rule, Cause) for code in rule.symptoms}
}
"""Causes that may explain a finding, by its code."""
