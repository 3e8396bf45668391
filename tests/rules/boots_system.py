"""What started systems load by themselves: root file systems, repositories, configurations, as the kernel's arguments say."""

from __future__ import annotations

import struct
from collections.abc import Callable

from .boots_nfs import MOUNT, ask
from .packets import Wire
from .scene import SERVER
from .wire_faults import Case

KERNEL = b"\0" * 0x1FE + b"\x55\xaa\xeb\x66HdrS".ljust(9000, b"\0")
INITRD = b"\x1f\x8b\x08\0".ljust(5000, b"\1")
SQUASHFS = b"hsqs".ljust(9000, b"\1")
LIVE = f"/linux boot=live fetch=http://{SERVER}/live/filesystem.squashfs"
PORT = f"/linux boot=live fetch=http://{SERVER}:8080/filesystem.squashfs"
NAME = "/linux root=live:http://boot.lan/LiveOS/squashfs.img rd.neednet=1 ip=dhcp"
CLOUD = f"/linux ds=nocloud;s=http://{SERVER}/ci/ url=http://{SERVER}/noble.iso"
NFS = f"/linux root=/dev/nfs nfsroot={SERVER}:/srv/nfs ip=dhcp"
NBD = f"/linux root=nbd:{SERVER}:root:ext4:ro ip=dhcp"
TLS = f"/linux root=live:https://{SERVER}/squashfs.img ip=dhcp"
GHOST = "/linux root=/dev/nfs nfsroot=192.168.122.77:/srv/nfs ip=dhcp"
NAS = "192.168.122.50"
CURL, APT, CLOUD_INIT = "curl/8.9.1", "Debian APT-HTTP/1.3 (2.6.1)", "Cloud-Init/24.1.3"


def started(kernel: str = LIVE) -> Wire:
    """A script, its kernel with these arguments, an initrd; and the system's own lease."""
    script = f"#!ipxe\nset base http://{SERVER}\nkernel {kernel}\ninitrd /initrd.gz\nboot\n".encode()
    wire = Wire("ipxe-bios").lease(file=f"http://{SERVER}/menu.ipxe")
    for time, path, body in ((1, "/menu.ipxe", script), (2, "/linux", KERNEL), (3, "/initrd.gz", INITRD)):
        wire.fetch(time, path, body=body, agent="iPXE/1.21.1")
    return wire.as_kind("os").lease(20)


def missing(wire: Wire, *paths: str, at: float = 22, agent: str = CURL) -> Wire:
    for number, path in enumerate(paths):
        wire.fetch(at + number, path, "404 Not Found", b"no", agent=agent)
    return wire


def refused(wire: Wire, *times: float, port: int = 8080, server: str = SERVER) -> Wire:
    for time in times:
        wire.port += 1
        wire.tcp(time, 0x02, 1000, 0, port=port, server=server)
        wire.tcp(time + 0.001, 0x14, 0, 1001, from_client=False, port=port, server=server)
    return wire


def repeated(*, goes_on: bool = False) -> Wire:
    """A download whose server does not hear the machine for a while: it sends the same again, which was acknowledged."""
    wire = started().connect(22)
    asked = b"GET /live/filesystem.squashfs HTTP/1.1\r\nHost: 192.168.122.1\r\nUser-Agent: curl/8.9.1\r\n\r\n"
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + SQUASHFS
    wire.tcp(22.01, 0x18, 1001, 5001, asked)
    mine = 1001 + len(asked)
    for number in range(2):
        piece = whole[1400 * number : 1400 * number + 1400]
        wire.tcp(22.02 + number / 100, 0x18, 5001 + 1400 * number, mine, piece, from_client=False)
    for time in (22.1, 22.5, 23, 24, 26, 30, 38, 54):
        wire.tcp(time, 0x18, 5001, mine, whole[:1400], from_client=False)
        wire.tcp(time + 0.01, 0x10, mine, 7801)
    for number in range(2, 7) if goes_on else ():
        piece = whole[1400 * number : 1400 * number + 1400]
        wire.tcp(55 + number / 100, 0x18, 5001 + 1400 * number, mine, piece, from_client=False)
        wire.tcp(55.005 + number / 100, 0x10, mine, 5001 + 1400 * number + len(piece))
    return wire


def mounted(wire: Wire, status: int, *times: float) -> Wire:
    """NFS mounts over TCP, and what the server says."""
    path = b"/srv/nfs"
    call = struct.pack(">10I", 7, 0, 2, 100_005, 3, 1, 0, 0, 0, 0) + struct.pack(">I", len(path)) + path
    reply = struct.pack(">7I", 7, 1, 0, 0, 0, 0, status)
    for time in times:
        wire.connect(time, port=20048)
        wire.tcp(time + 0.01, 0x18, 1001, 5001, struct.pack(">I", 0x80000000 | len(call)) + call, port=20048)
        answer = struct.pack(">I", 0x80000000 | len(reply)) + reply
        wire.tcp(time + 0.02, 0x18, 5001, 1005 + len(call), answer, from_client=False, port=20048)
        wire.tcp(time + 0.03, 0x11, 1005 + len(call), 5001 + len(answer), port=20048)
    return wire


def unmapped(wire: Wire) -> Wire:
    """Questions to a portmapper over UDP that nobody takes."""
    for number in range(5):
        packet = ask(wire, 22 + 4 * number, MOUNT, number=7)
        wire.icmp(22.01 + 4 * number, packet)
    return wire


def unheard(wire: Wire, target: str) -> Wire:
    for time in (22, 23, 24, 28, 29, 30):
        wire.arp(time, target)
    return wire


def lookups(wire: Wire, name: str) -> Wire:
    """Questions about a name that has no address."""
    for time in (23, 27, 31):
        wire.query(time, name, rcode=3)
    return wire


def rooted(kernel: str = LIVE) -> Wire:
    """It has its root file system."""
    return started(kernel).fetch(22, "/live/filesystem.squashfs", body=SQUASHFS, agent=CURL)


def by_disk(port: int, wire: Wire | None = None, time: float = 22) -> Wire:
    """It has its root over NFS, NBD or iSCSI: something is said on the connection, which stays open."""
    wire = (wire or started()).connect(time, port=port)
    wire.tcp(time + 0.1, 0x18, 1001, 5001, b"\0" * 40, port=port)
    wire.tcp(time + 0.2, 0x18, 5001, 1041, b"\0" * 400, from_client=False, port=port)
    return wire


def closed(wire: Wire, time: float = 22.3) -> Wire:
    """The machine leaves the server of its disk."""
    wire.tcp(time, 0x11, 1041, 5401, port=10809)
    wire.tcp(time + 0.01, 0x11, 5401, 1042, from_client=False, port=10809)
    return wire


def by_nfs(wire: Wire) -> Wire:
    return by_disk(2049, wire, 63)


def _once(wire: Wire) -> Wire:
    return wire.quiet(70)


def _cloud() -> Wire:
    """Ubuntu's installer: what cloud-init does without is asked for last."""
    wire = started(CLOUD).fetch(22, "/noble.iso", body=SQUASHFS, agent="Wget")
    for time, path in ((30, "/ci/meta-data"), (31, "/ci/user-data")):
        wire.fetch(time, path, body=b"#cloud-config\n", agent=CLOUD_INIT)
    return missing(wire, "/ci/vendor-data", "/ci/network-config", at=32, agent=CLOUD_INIT)


FAULTS: dict[str, Case] = {
    name: Case(lambda build=build: _once(build()), "os-config-fetch-failed", ("os",))  # type: ignore[misc]
    for name, build in {
        "a live system without its file system": lambda: missing(started(), "/live/filesystem.squashfs"),
        "one whose path the script holds in a variable": lambda: missing(
            started("/linux fetch=${base}/live/root.bin"), "/live/root.bin"
        ),
        "one that another file did not help": lambda: missing(
            started(), "/live/filesystem.squashfs", "/live/filesystem.packages"
        ).fetch(30, "/favicon", agent=CURL),
        "one by TFTP": lambda: started(f"/linux fetch=tftp://{SERVER}/live/root.img").missing(22, "/live/root.img"),
        "a port that nobody listens on, tried once": lambda: refused(started(PORT), 22),
        "a name that does not exist, asked for once": lambda: started(NAME).query(22, "boot.lan", rcode=3),
        "a server that nobody is": lambda: unheard(started(GHOST), "192.168.122.77"),
        "a directory that is not exported": lambda: mounted(started(NFS), 13, 22, 23, 24),
        "a disk by NBD that nobody serves": lambda: refused(started(NBD), 22, port=10809),
        "a place of configurations that nobody serves": lambda: refused(
            rooted(f"{LIVE} ds=nocloud;s=http://{SERVER}:3003/ci/"), 30, port=3003
        ),
        "an installer without its answers": lambda: missing(started("/linux quiet"), "/ks/host1.ks").fetch(
            24, "/fedora/images/install.img", body=SQUASHFS, agent=CURL
        ),
        "an installer with its root and without its answers": lambda: missing(rooted(), "/ci/user-data", at=30),
        "a repository that is elsewhere, for a system with its root": lambda: missing(
            rooted(f"{LIVE} inst.repo=http://{SERVER}/fedora"), "/fedora/repodata/repomd.xml", at=30
        ),
        "a file whose place only the running script knows": lambda: missing(
            rooted(f"{LIVE} seed=http://{SERVER}/ci/${{uuid}}/seed.bin"), "/ci/0302-01/seed.bin", at=30
        ),
        "a root by NFS on a server that is named": lambda: refused(
            started("/linux root=/dev/nfs nfsroot=nas.lan:/srv").query(21, "nas.lan", rcode=0, address=NAS),
            22,
            port=2049,
            server=NAS,
        ),
        "a file that nothing but its absence tells of": lambda: missing(started("/linux quiet"), "/setup.tar"),
        "a disk by NBD of another name": lambda: closed(by_disk(10809, started(NBD))),
        "a server without NFS": lambda: refused(started(NFS), *range(22, 62), port=111),
        "a repository that is elsewhere": lambda: missing(
            started(f"/linux alpine_repo=http://{SERVER}/v3.20/main"), "/v3.20/main/x86_64/APKINDEX.tar.gz"
        ),
    }.items()
}

FAULTS["a server without a portmapper"] = Case(
    lambda: _once(unmapped(refused(started(NFS), 21, port=111))), "chain-nfs-unreachable", ("os",)
)

FAULTS["an authority that the system does not know"] = Case(
    lambda: _once(started(TLS).tls(22, "boot.lan", 48, by_client=True)), "tls-unknown-ca", ("os",)
)
FAULTS["the same, and one more try that is cut off"] = Case(
    lambda: _once(refused(started(TLS).tls(22, "boot.lan", 48, by_client=True), 30, port=443)),
    "tls-unknown-ca",
    ("os",),
)

FAULTS["a download whose server is deaf"] = Case(lambda: _once(repeated()), "tcp-reset-or-stall-mid-body", ("os",))

HEALTHY: dict[str, Callable[[], Wire]] = {
    name: lambda build=build: _once(build())  # type: ignore[misc]
    for name, build in {
        "a live system that asks for more": lambda: missing(rooted(), "/motd.txt", "/api/register"),
        "a live system that reaches other servers as little": lambda: refused(rooted(), 30, 31, 32, 33, port=3142),
        "what cloud-init does without": _cloud,
        "what Anaconda does without": lambda: missing(
            started(f"/linux inst.repo=http://{SERVER}/fedora").fetch(
                22, "/fedora/images/install.img", body=SQUASHFS, agent=CURL
            ),
            "/fedora/images/updates.img",
            "/fedora/images/product.img",
            at=24,
        ),
        "signatures": lambda: missing(rooted(), "/live/filesystem.squashfs.cms.sig", at=24),
        "package lists of a system in its RAM disk": lambda: missing(
            started("/linux quiet"), "/debian/dists/bookworm/Release", "/debian/dists/bookworm/Release", agent=APT
        ),
        "a root by NFS, and a page that is missing": lambda: missing(by_disk(2049), "/motd.txt", at=30),
        "a root by NBD, and a page that is missing": lambda: missing(by_disk(10809), "/motd.txt", at=30),
        "a server that came late": lambda: refused(started(PORT), 22).fetch(
            24, "/filesystem.squashfs", body=SQUASHFS, agent=CURL
        ),
        "a proxy that refuses": lambda: refused(started(f"/linux http_proxy=http://{SERVER}:3128"), 22, port=3128),
        "a name of nobody's that no script holds": lambda: lookups(started(LIVE), "0.pool.ntp.org"),
        "a name that one server knows and another does not": lambda: lookups(
            started(NAME).query(22, "boot.lan", rcode=0, address=SERVER), "boot.lan"
        ),
        "a name that nobody knows, and a proxy that does": lambda: lookups(
            started(NAME).connect(22, port=3128), "boot.lan"
        ),
        "a live system that asks for an image of its own": lambda: missing(rooted(), "/images/other.iso", at=30),
        "a name that was asked for once, and no answer": lambda: started(NAME).query(22, "boot.lan"),
        "a host that is not there, for a system with its root": lambda: unheard(rooted(GHOST), "192.168.122.77"),
        "a host that is not there, and one that is": lambda: unheard(
            started(GHOST).connect(21, port=3128), "192.168.122.77"
        ),
        "a file on its way": lambda: started().fetch(
            60, "/live/filesystem.squashfs", body=SQUASHFS, agent=CURL, cut=1400, end="open"
        ),
        "a file that comes late": lambda: missing(started(), "/live/filesystem.squashfs").fetch(
            30, "/live/filesystem.squashfs", body=SQUASHFS, agent=CURL
        ),
        "a disk that is let go later": lambda: closed(by_disk(10809, started(NBD)), 60),
        "an installer that takes the answers for all": lambda: missing(started("/linux quiet"), "/ks/host1.ks").fetch(
            24, "/ks/default.ks", body=b"text\n", agent=CURL
        ),
        "a boot server that leaves": lambda: refused(rooted(), 30, port=80),
        "a page that is missing where everything lies at the top": lambda: missing(
            rooted(f"/linux archiso_http_srv=http://{SERVER}/"), "/", "/debian/Release", at=30
        ),
        "a second disk that nobody serves": lambda: refused(by_disk(2049), 30, port=10809),
        "a portmapper that a running system misses": lambda: unmapped(rooted()),
        "a directory that is exported": lambda: by_nfs(mounted(started(NFS), 0, 22)),
        "a neighbour who is not there": lambda: unheard(rooted(), "192.168.122.78"),
    }.items()
}

LATE: dict[str, Callable[[], Wire]] = {
    "a download whose server was deaf for a while": lambda: repeated(goes_on=True),
    "a directory that is exported late": lambda: by_nfs(mounted(started(NFS), 13, *range(22, 62))),
    "a server whose NFS came late": lambda: by_nfs(refused(started(NFS), *(22 + n / 2 for n in range(79)), port=111)),
    "a portmapper that came late": lambda: by_nfs(unmapped(started(NFS))),
}
"""Systems that try again until somebody serves them."""
