"""Names of numbers: architectures, option codes, error codes, link types; tables only, no decoding.

Unknown numbers are named by their number (`arch 99`), so that a name can always be shown.
"""

from __future__ import annotations

from .vendors import vendor_of_mac

__all__ = [
    "ARCHES",
    "arch_name",
    "dhcp_option_name",
    "dhcp_type_name",
    "dhcpv6_option_name",
    "dhcpv6_type_name",
    "dns_rcode_name",
    "icmp_name",
    "link_type_name",
    "pe_machine_name",
    "tftp_error_name",
    "tls_alert_name",
    "vendor_of_mac",
]

# IANA "Processor Architecture Types" (registry of DHCPv6 parameters, used by DHCP option 93 and DHCPv6 option 61).
ARCHES: dict[int, str] = {
    0: "x86 BIOS",
    1: "NEC/PC98",
    2: "Itanium EFI",
    3: "DEC Alpha",
    4: "ARC x86",
    5: "Intel Lean Client",
    6: "EFI IA32",
    7: "EFI x64",
    8: "EFI Xscale",
    9: "EFI byte code",
    10: "EFI ARM32",
    11: "EFI ARM64",
    12: "PowerPC Open Firmware",
    13: "PowerPC ePAPR",
    14: "POWER OPAL v3",
    15: "EFI IA32 HTTP",
    16: "EFI x64 HTTP",
    17: "EFI byte code HTTP",
    18: "EFI ARM32 HTTP",
    19: "EFI ARM64 HTTP",
    20: "x86 BIOS HTTP",
    21: "ARM32 U-Boot",
    22: "ARM64 U-Boot",
    23: "ARM32 U-Boot HTTP",
    24: "ARM64 U-Boot HTTP",
    25: "EFI RISC-V 32",
    26: "EFI RISC-V 32 HTTP",
    27: "EFI RISC-V 64",
    28: "EFI RISC-V 64 HTTP",
    29: "EFI RISC-V 128",
    30: "EFI RISC-V 128 HTTP",
    31: "s390 Basic",
    32: "s390 Extended",
    33: "EFI MIPS 32",
    34: "EFI MIPS 64",
    35: "EFI Sunway 32",
    36: "EFI Sunway 64",
    37: "EFI LoongArch 32",
    38: "EFI LoongArch 32 HTTP",
    39: "EFI LoongArch 64",
    40: "EFI LoongArch 64 HTTP",
    41: "Raspberry Pi ROM",
}

_DHCP_TYPES = {
    1: "DISCOVER", 2: "OFFER", 3: "REQUEST", 4: "DECLINE", 5: "ACK", 6: "NAK", 7: "RELEASE", 8: "INFORM",
    9: "FORCERENEW", 10: "LEASEQUERY", 11: "LEASEUNASSIGNED", 12: "LEASEUNKNOWN", 13: "LEASEACTIVE",
    14: "BULKLEASEQUERY", 15: "LEASEQUERYDONE", 16: "ACTIVELEASEQUERY", 17: "LEASEQUERYSTATUS", 18: "TLS",
}  # fmt: skip

_DHCPV6_TYPES = {
    1: "SOLICIT", 2: "ADVERTISE", 3: "REQUEST", 4: "CONFIRM", 5: "RENEW", 6: "REBIND", 7: "REPLY", 8: "RELEASE",
    9: "DECLINE", 10: "RECONFIGURE", 11: "INFORMATION-REQUEST", 12: "RELAY-FORW", 13: "RELAY-REPL",
    14: "LEASEQUERY", 15: "LEASEQUERY-REPLY", 16: "LEASEQUERY-DONE", 17: "LEASEQUERY-DATA",
    18: "RECONFIGURE-REQUEST", 19: "RECONFIGURE-REPLY", 20: "DHCPV4-QUERY", 21: "DHCPV4-RESPONSE",
}  # fmt: skip

_DHCP_OPTIONS = {
    0: "pad", 1: "subnet mask", 2: "time offset", 3: "routers", 4: "time servers", 5: "name servers",
    6: "DNS servers", 7: "log servers", 8: "cookie servers", 9: "LPR servers", 10: "impress servers",
    11: "resource location servers", 12: "host name", 13: "boot file size", 14: "merit dump file",
    15: "domain name", 16: "swap server", 17: "root path", 18: "extensions path", 19: "IP forwarding",
    20: "non-local source routing", 21: "policy filter", 22: "maximum datagram reassembly size",
    23: "default IP TTL", 24: "path MTU aging timeout", 25: "path MTU plateau table", 26: "interface MTU",
    27: "all subnets are local", 28: "broadcast address", 29: "perform mask discovery", 30: "mask supplier",
    31: "perform router discovery", 32: "router solicitation address", 33: "static routes",
    34: "trailer encapsulation", 35: "ARP cache timeout", 36: "Ethernet encapsulation", 37: "TCP default TTL",
    38: "TCP keepalive interval", 39: "TCP keepalive garbage", 40: "NIS domain", 41: "NIS servers",
    42: "NTP servers", 43: "vendor-specific information", 44: "NetBIOS name servers",
    45: "NetBIOS datagram distribution servers", 46: "NetBIOS node type", 47: "NetBIOS scope",
    48: "X font servers", 49: "X display managers", 50: "requested address", 51: "lease time",
    52: "option overload", 53: "message type", 54: "server identifier", 55: "parameter request list",
    56: "message", 57: "maximum message size", 58: "renewal time", 59: "rebinding time",
    60: "vendor class identifier", 61: "client identifier", 62: "NetWare/IP domain", 63: "NetWare/IP options",
    64: "NIS+ domain", 65: "NIS+ servers", 66: "TFTP server name", 67: "boot file name",
    68: "mobile IP home agents", 69: "SMTP servers", 70: "POP3 servers", 71: "NNTP servers", 72: "WWW servers",
    73: "finger servers", 74: "IRC servers", 75: "StreetTalk servers", 76: "StreetTalk directory assistance",
    77: "user class", 78: "SLP directory agent", 79: "SLP service scope", 80: "rapid commit", 81: "client FQDN",
    82: "relay agent information", 83: "iSNS", 85: "NDS servers", 86: "NDS tree name", 87: "NDS context",
    88: "BCMCS domain names", 89: "BCMCS addresses", 90: "authentication", 91: "client last transaction time",
    92: "associated addresses", 93: "client system architecture", 94: "client network interface (UNDI)",
    95: "LDAP", 97: "client machine identifier (UUID)", 98: "user authentication", 99: "civic location",
    100: "POSIX time zone", 101: "TZ database time zone", 108: "IPv6-only preferred", 112: "NetInfo address",
    113: "NetInfo tag", 114: "captive portal URL", 116: "auto-configure", 117: "name service search",
    118: "subnet selection", 119: "domain search", 120: "SIP servers", 121: "classless static routes",
    122: "CableLabs client configuration", 123: "location configuration", 124: "vendor-identifying vendor class",
    125: "vendor-identifying vendor-specific information", 128: "PXE vendor-specific 128",
    129: "PXE vendor-specific 129", 130: "PXE vendor-specific 130", 131: "PXE vendor-specific 131",
    132: "PXE vendor-specific 132", 133: "PXE vendor-specific 133", 134: "PXE vendor-specific 134",
    135: "PXE vendor-specific 135", 136: "PANA agents", 137: "LoST server", 138: "CAPWAP controllers",
    139: "MoS addresses", 140: "MoS domain names", 141: "SIP UA configuration domains", 142: "ANDSF addresses",
    143: "SZTP redirect", 144: "geographic location", 145: "FORCERENEW nonce", 146: "RDNSS selection",
    150: "TFTP server addresses", 151: "lease query status", 152: "base time", 153: "start time of state",
    154: "query start time", 155: "query end time", 156: "DHCP state", 157: "data source",
    158: "port control protocol servers", 159: "port parameters", 161: "MUD URL", 162: "DNR",
    175: "iPXE encapsulated options", 176: "IP telephone", 177: "PacketCable or iPXE bus identifier",
    208: "PXELINUX magic", 209: "PXELINUX configuration file", 210: "PXELINUX path prefix",
    211: "PXELINUX reboot time", 212: "6rd", 213: "access network domain name", 220: "subnet allocation",
    221: "virtual subnet selection", 249: "classless static routes (Microsoft)",
    252: "proxy auto-discovery", 255: "end",
}  # fmt: skip

_DHCPV6_OPTIONS = {
    1: "client identifier", 2: "server identifier", 3: "IA_NA", 4: "IA_TA", 5: "IA address", 6: "option request",
    7: "preference", 8: "elapsed time", 9: "relay message", 11: "authentication", 12: "server unicast",
    13: "status code", 14: "rapid commit", 15: "user class", 16: "vendor class", 17: "vendor-specific information",
    18: "interface identifier", 19: "reconfigure message", 20: "reconfigure accept", 23: "DNS servers",
    24: "domain search", 25: "IA_PD", 26: "IA prefix", 31: "SNTP servers", 32: "information refresh time",
    37: "remote identifier", 39: "client FQDN", 56: "NTP server", 59: "boot file URL",
    60: "boot file parameters", 61: "client system architecture", 62: "client network interface",
    79: "client link-layer address", 82: "SOL_MAX_RT", 83: "INF_MAX_RT",
}  # fmt: skip

_TFTP_ERRORS = {
    0: "not defined",
    1: "file not found",
    2: "access violation",
    3: "disk full or allocation exceeded",
    4: "illegal TFTP operation",
    5: "unknown transfer ID",
    6: "file already exists",
    7: "no such user",
    8: "option negotiation failed",  # RFC 2347; edk2 sends it to end a transfer whose size it only wanted to know
}

# RFC 792, RFC 1122, RFC 1812.
_ICMP4 = {
    0: "echo reply", 3: "destination unreachable", 4: "source quench", 5: "redirect", 8: "echo request",
    9: "router advertisement", 10: "router solicitation", 11: "time exceeded", 12: "parameter problem",
    13: "timestamp request", 14: "timestamp reply", 17: "address mask request", 18: "address mask reply",
}  # fmt: skip
_ICMP4_CODES = {
    (3, 0): "network unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 4): "fragmentation needed",
    (3, 5): "source route failed",
    (3, 6): "destination network unknown",
    (3, 7): "destination host unknown",
    (3, 8): "source host isolated",
    (3, 9): "network administratively prohibited",
    (3, 10): "host administratively prohibited",
    (3, 11): "network unreachable for this type of service",
    (3, 12): "host unreachable for this type of service",
    (3, 13): "communication administratively prohibited",
    (3, 14): "host precedence violation",
    (3, 15): "precedence cutoff in effect",
    (11, 0): "time to live exceeded",
    (11, 1): "fragment reassembly time exceeded",
}
# RFC 4443, RFC 4861.
_ICMP6 = {
    1: "destination unreachable", 2: "packet too big", 3: "time exceeded", 4: "parameter problem",
    128: "echo request", 129: "echo reply", 130: "multicast listener query", 131: "multicast listener report",
    132: "multicast listener done", 133: "router solicitation", 134: "router advertisement",
    135: "neighbor solicitation", 136: "neighbor advertisement", 137: "redirect",
    143: "multicast listener report v2",
}  # fmt: skip
_ICMP6_CODES = {
    (1, 0): "no route to destination",
    (1, 1): "communication administratively prohibited",
    (1, 2): "beyond scope of source address",
    (1, 3): "address unreachable",
    (1, 4): "port unreachable",
    (1, 5): "source address failed policy",
    (1, 6): "reject route to destination",
    (3, 0): "hop limit exceeded",
    (3, 1): "fragment reassembly time exceeded",
}

# RFC 8446 appendix B.2, with the older ones of RFC 5246 and RFC 6066.
_TLS_ALERTS = {
    0: "close_notify", 10: "unexpected_message", 20: "bad_record_mac", 21: "decryption_failed",
    22: "record_overflow", 30: "decompression_failure", 40: "handshake_failure", 41: "no_certificate",
    42: "bad_certificate", 43: "unsupported_certificate", 44: "certificate_revoked", 45: "certificate_expired",
    46: "certificate_unknown", 47: "illegal_parameter", 48: "unknown_ca", 49: "access_denied", 50: "decode_error",
    51: "decrypt_error", 60: "export_restriction", 70: "protocol_version", 71: "insufficient_security",
    80: "internal_error", 86: "inappropriate_fallback", 90: "user_canceled", 100: "no_renegotiation",
    109: "missing_extension", 110: "unsupported_extension", 111: "certificate_unobtainable",
    112: "unrecognized_name", 113: "bad_certificate_status_response", 114: "bad_certificate_hash_value",
    115: "unknown_psk_identity", 116: "certificate_required", 120: "no_application_protocol",
}  # fmt: skip

# Names of the tcpdump link-layer registry (pcap-linktype(7)), as `tcpdump -L` prints them.
_LINK_TYPES = {
    0: "NULL", 1: "EN10MB", 6: "IEEE802", 7: "ARCNET_BSD", 8: "SLIP", 9: "PPP", 10: "FDDI", 12: "RAW", 14: "RAW",
    50: "PPP_HDLC", 51: "PPP_ETHER", 100: "ATM_RFC1483", 101: "RAW", 104: "C_HDLC", 105: "IEEE802_11",
    107: "FRELAY", 108: "LOOP", 113: "LINUX_SLL", 114: "LTALK", 117: "PFLOG", 119: "IEEE802_11_PRISM",
    122: "IP_OVER_FC", 127: "IEEE802_11_RADIO", 143: "DOCSIS", 147: "USER0", 189: "USB_LINUX", 192: "PPI",
    195: "IEEE802_15_4", 201: "BLUETOOTH_HCI_H4_WITH_PHDR", 220: "USB_LINUX_MMAPPED", 228: "IPV4", 229: "IPV6",
    239: "NFLOG", 247: "INFINIBAND", 253: "NETLINK", 271: "VSOCK", 276: "LINUX_SLL2",
}  # fmt: skip

_PE_MACHINES = {
    0x014C: "IA32", 0x0200: "Itanium", 0x01C0: "ARM", 0x01C2: "ARM Thumb", 0x01C4: "ARM", 0x0EBC: "EFI byte code",
    0x5032: "RISC-V 32", 0x5064: "RISC-V 64", 0x5128: "RISC-V 128", 0x6232: "LoongArch 32", 0x6264: "LoongArch 64",
    0x8664: "x86-64", 0xAA64: "ARM64",
}  # fmt: skip

_DNS_RCODES = {0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED", 9: "NOTAUTH"}


def arch_name(code: int) -> str:
    return ARCHES.get(code) or f"arch {code}"


def dhcp_type_name(number: int) -> str:
    """`DISCOVER`, `OFFER`, …: option 53."""
    return _DHCP_TYPES.get(number) or f"DHCP type {number}"


def dhcpv6_type_name(number: int) -> str:
    return _DHCPV6_TYPES.get(number) or f"DHCPv6 type {number}"


def dhcp_option_name(code: int) -> str:
    return _DHCP_OPTIONS.get(code) or f"option {code}"


def dhcpv6_option_name(code: int) -> str:
    return _DHCPV6_OPTIONS.get(code) or f"option {code}"


def tftp_error_name(code: int) -> str:
    return _TFTP_ERRORS.get(code) or "unknown"


def icmp_name(version: int, type: int, code: int) -> str:  # noqa: A002 - the field's name in both RFCs
    """What an ICMP (version 4) or ICMPv6 (version 6) message says: `port unreachable`."""
    codes, types = (_ICMP4_CODES, _ICMP4) if version == 4 else (_ICMP6_CODES, _ICMP6)
    known = codes.get((type, code)) or types.get(type)
    return known or f"ICMP{'v6' if version == 6 else ''} type {type} code {code}"


def tls_alert_name(code: int) -> str:
    return _TLS_ALERTS.get(code) or f"alert {code}"


def link_type_name(number: int) -> str:
    """`EN10MB`, `LINUX_SLL2`, …: name of a LINKTYPE_ number."""
    return _LINK_TYPES.get(number) or f"LINKTYPE_{number}"


def pe_machine_name(machine: int) -> str:
    return _PE_MACHINES.get(machine) or f"machine 0x{machine:04x}"


def dns_rcode_name(rcode: int) -> str:
    return _DNS_RCODES.get(rcode) or f"rcode {rcode}"
