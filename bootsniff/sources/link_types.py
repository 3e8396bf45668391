"""Names of link types as libpcap calls them; this room decodes no frame."""

# LINKTYPE_ numbers of the tcpdump registry (https://www.tcpdump.org/linktypes.html) and the DLT_ names that
# `tcpdump -L` and pcap-linktype(7) print. Only those that captures of networks are likely to have; the rest is
# named by its number.
_NAMES = {
    0: "NULL",
    1: "EN10MB",
    6: "IEEE802",
    7: "ARCNET",
    8: "SLIP",
    9: "PPP",
    10: "FDDI",
    12: "RAW",  # DLT_RAW of Linux and macOS, found in files of old writers
    14: "RAW",  # DLT_RAW of OpenBSD
    50: "PPP_SERIAL",
    51: "PPP_ETHER",
    101: "RAW",
    104: "C_HDLC",
    105: "IEEE802_11",
    107: "FRELAY",
    108: "LOOP",
    113: "LINUX_SLL",
    117: "PFLOG",
    119: "PRISM_HEADER",
    122: "IP_OVER_FC",
    127: "IEEE802_11_RADIO",
    143: "DOCSIS",
    163: "IEEE802_11_RADIO_AVS",
    189: "USB_LINUX",
    192: "PPI",
    195: "IEEE802_15_4_WITHFCS",
    220: "USB_LINUX_MMAPPED",
    228: "IPV4",
    229: "IPV6",
    239: "NFLOG",
    240: "NETANALYZER",
    247: "INFINIBAND",
    249: "USBPCAP",
    252: "WIRESHARK_UPPER_PDU",
    253: "NETLINK",
    258: "PKTAP",
    274: "ETHERNET_MPACKET",
    276: "LINUX_SLL2",
}

READ_HERE = frozenset({0, 1, 12, 14, 101, 108, 113, 228, 229, 276})
"""Numbers of the link types whose frames need no help of Wireshark's."""


def link_type_name(number: int) -> str:
    """`EN10MB` for 1, `LINKTYPE_147` for a number without a name here."""
    return _NAMES.get(number) or f"LINKTYPE_{number}"
