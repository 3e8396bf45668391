"""The programs that must accept what findings advise: each fix is put where it belongs in a small valid configuration."""

from __future__ import annotations

import re
import shlex
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.rules.advice import Advice

from . import requirements

SCHEMA = Path("/usr/share/libvirt/schemas/network.rng")
OPTIONS = "{http://libvirt.org/schemas/network/dnsmasq/1.0}options"

LIBVIRT_DNSMASQ = """strict-order
except-interface=lo
bind-dynamic
interface=virbr0
dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0
dhcp-no-override
dhcp-authoritative
dhcp-boot=other.0
dhcp-lease-max=253
"""
"""What libvirt 9.0 writes for a network with DHCP (src/network/bridge_driver.c, networkDnsmasqConfContents)."""

LIBVIRT_NETWORK = """<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'>
 <name>default</name><forward mode='nat'/><bridge name='virbr0'/>
 <ip address='192.168.122.1' netmask='255.255.255.0'>
  <dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>
 </ip>
</network>"""

FIREWALL = """table inet filter {
  chain input { type filter hook input priority 0; policy drop; }
  chain forward { type filter hook forward priority 0; policy drop; }
  chain output { type filter hook output priority 0; policy drop; }
}"""


def _run(*words: str, timeout: float = 20) -> tuple[int, str]:
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=timeout, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


@contextmanager
def _file(text: str, suffix: str = ".conf") -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bootsniff-fix-") as directory:
        path = Path(directory) / f"fix{suffix}"
        path.write_text(text + "\n")
        Path(directory).chmod(0o755)
        yield path


def _is_v6(advice: Advice) -> bool:
    return advice.code.startswith("v6-") or any(word in advice.text for word in ("dhcp6.", '"Dhcp6"'))


def _complaint(done: tuple[int, str]) -> str:
    return done[1] or f"status {done[0]}" if done[0] else ""


def dnsmasq(advice: Advice) -> str:
    """Whole lines of dnsmasq.conf; a tag that is asked for has to be set by one of them."""
    return _unset_tags(advice.text) or _dnsmasq(advice.text)


def _unset_tags(text: str) -> str:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    used = {tag for line in lines for tag in re.findall(r"[=,]tag:([\w.-]+)", line)}
    unset = used - {tag for line in lines for tag in re.findall(r"[=,]set:([\w.-]+)", line)}
    return f"tags that nothing sets: {sorted(unset)}" if unset else ""


def _dnsmasq(text: str) -> str:
    with _file(text) as path:
        return _complaint(_run("dnsmasq", "--test", f"--conf-file={path}"))


def libvirt(advice: Advice) -> str:
    """A `<network>` with dnsmasq's options, or an element of one: `virsh net-edit` puts it into the network's XML.

    Else a command of virsh.
    """
    if not advice.text.startswith("<"):
        return shell(advice)
    network = ET.fromstring(LIBVIRT_NETWORK)  # noqa: S314 - our own
    options = []
    root = ET.fromstring(advice.text)  # noqa: S314 - our own
    for element in list(root) if root.tag == "network" else [root]:
        parent = network if element.tag not in ("tftp", "bootp", "dhcp") else network.find("ip")
        parent = parent.find("dhcp") if element.tag == "bootp" and parent is not None else parent
        assert parent is not None
        for old in parent.findall(element.tag):
            parent.remove(old)
        place = {"dns": 3, "tftp": 0}.get(element.tag, len(parent))
        parent.insert(place, element)
        options += [option.get("value") or "" for option in element] if element.tag == OPTIONS else []
    with _file(ET.tostring(network, encoding="unicode"), ".xml") as path:
        status, said = _run("xmllint", "--noout", "--relaxng", str(SCHEMA), str(path))
    repeats = [option for option in options if option in (*LIBVIRT_DNSMASQ.splitlines(), "bind-interfaces")]
    if repeats:
        return f"libvirt's dnsmasq has it already, or cannot have it: {repeats}"
    return said if status else _unset_tags("\n".join(options)) or _dnsmasq("\n".join([LIBVIRT_DNSMASQ, *options]))


def isc_dhcpd(advice: Advice) -> str:
    """Statements at the top of dhcpd.conf; a subnet of its own replaces the one that is there."""
    if _is_v6(advice):
        version, subnet = "-6", "subnet6 fd00::/64 { range6 fd00::1000 fd00::2000; }"
    else:
        version, subnet = "-4", "subnet 192.0.2.0 netmask 255.255.255.0 { range 192.0.2.2 192.0.2.254; }"
    with _file(f"{subnet}\n{advice.text}") as path:
        return _complaint(_run("dhcpd", version, "-t", "-cf", str(path)))


def kea(advice: Advice) -> str:
    """Members of "Dhcp4" or "Dhcp6"."""
    version = "6" if _is_v6(advice) else "4"
    inside = '"interfaces-config": {"interfaces": []}, "lease-database": {"type": "memfile", "persist": false}'
    with _file(f'{{"Dhcp{version}": {{ {inside},\n{advice.text}\n}}}}', ".json") as path:
        return _complaint(_run(f"kea-dhcp{version}", "-t", str(path)))


def _certificate(name: str) -> str:
    return f"openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=a -keyout {name}.key -out {name}.crt"


def nginx(advice: Advice) -> str:
    """Directives of a `location`, a `server` or `http`; the first that takes them. A server with TLS has a certificate."""
    said = ""
    tls = " ssl;" in advice.text
    server = "server { listen 127.0.0.1:8999;" + " ssl_certificate server.crt; ssl_certificate_key server.key;" * tls
    for head, tail in (
        (f"http {{ access_log off; {server} location /other {{", "}}}"),
        (f"http {{ access_log off; {server}", "}}"),
        ("http { access_log off;", "}"),
    ):
        with _file(f"pid /dev/null; error_log stderr;\nevents {{}}\n{head}\n{advice.text}\n{tail}") as path:
            command = ["nginx", "-t", "-q", "-c", str(path)]
            before = [f"cd {path.parent}", f"{_certificate('server')} 2>/dev/null"] if tls else []
            inside = "listen" in advice.text
            said = _complaint(_in_namespace([*before, shlex.join(command)]) if inside else _run(*command))
        if not said:
            return ""
    return said


def tftpd(advice: Advice) -> str:
    """Variables of /etc/default/tftpd-hpa, lines of a map file, or shell lines."""
    text = advice.text
    if not text.startswith(("TFTP_", "# /etc/tftpd.map")):
        return shell(advice)
    with _file(text, ".map") as path:
        variables = text if text.startswith("TFTP_") else f'TFTP_OPTIONS="--map-file {path}"'
        values = dict(re.findall(r'^(TFTP_\w+)="(.*)"$', variables, re.MULTILINE))
        address = values.get("TFTP_ADDRESS", "192.0.2.1:69")
        words = [
            "in.tftpd",
            "--foreground",
            "--ipv4",
            "--address",
            address,
            *values.get("TFTP_OPTIONS", "").split(),
            "/",
        ]
        host = address.rsplit(":", 1)[0]
        status, said = _in_namespace([f"ip address add {host}/24 dev virbr0", f"timeout 0.3 {shlex.join(words)}"])
        return "" if status == _STILL_RUNS else said or f"status {status}"


_STILL_RUNS = 124
"""What timeout(1) says of a command that it had to end."""


def _in_namespace(lines: list[str]) -> tuple[int, str]:
    """Shell lines in a network namespace of their own, with a bridge that runs STP and a card."""
    prepare = [
        "ip link set lo up",
        "sysctl -qw net.ipv4.ip_nonlocal_bind=1",
        "ip link add virbr0 type bridge stp_state 1 && ip link set virbr0 up",
        "ip link add eth0 type veth peer name eth1 && ip link set eth0 up",
        f"nft {shlex.quote(FIREWALL)}",
    ]
    return _run("unshare", "--net", "bash", "-e", "-c", "\n".join([*prepare, *lines]))


def shell(advice: Advice) -> str:
    """Shell lines: the grammar of all; what touches the network's settings alone is run in a namespace."""
    done = _run("bash", "-n", "-c", advice.text)
    if done[0]:
        return _complaint(done)
    lines = [line for line in advice.text.splitlines() if re.match(r"(nft|ip) ", line)]
    sources = [f"ip address add {source}/32 dev eth0" for source in re.findall(r"\bsrc (\S+)", advice.text)]
    if "ip route get" in advice.text:
        sources.append("ip route add default dev eth0")
    return _complaint(_in_namespace([*sources, *lines])) if lines else ""


def grub(advice: Advice) -> str:
    """A command of the host, or lines of grub.cfg."""
    if "grub-mkimage" in advice.text:
        return shell(advice)
    with _file(advice.text, ".cfg") as path:
        return _complaint(_run("grub-script-check", str(path)))


def openssl(advice: Advice) -> str:
    """Lines of a shell, where an authority's certificate and key lie."""
    with _file("") as path:
        return _complaint(_run("sh", "-e", "-c", f"cd {path.parent}\n{_certificate('ca')} 2>/dev/null\n{advice.text}"))


def radvd(advice: Advice) -> str:
    with _file(f"interface lo {{\n{advice.text}\n}};") as path:
        return _complaint(_run("radvd", "--configtest", "--config", str(path)))


def qemu(advice: Advice) -> str:
    """Options of a command line: started without a machine."""
    options = " ".join(line for line in advice.text.splitlines() if not line.startswith("#"))
    machine = "qemu-system-x86_64 -machine none -nodefaults -display none -monitor stdio"
    return _complaint(_run("sh", "-c", f"echo quit | {machine} {options}"))


CHECKS: dict[str, tuple[Callable[[Advice], str], tuple[str, ...]]] = {
    "dnsmasq": (dnsmasq, ("dnsmasq",)),
    "libvirt": (libvirt, ("xmllint", "dnsmasq", str(SCHEMA))),
    "isc-dhcpd": (isc_dhcpd, ("dhcpd",)),
    "kea": (kea, ("kea-dhcp4", "kea-dhcp6")),
    "nginx": (nginx, ("nginx", "unshare", "ip", "bash", "openssl")),
    "tftpd-hpa": (tftpd, ("in.tftpd", "unshare", "ip", "bash")),
    "grub": (grub, ("grub-script-check", "bash")),
    "openssl": (openssl, ("openssl",)),
    "radvd": (radvd, ("radvd",)),
    "qemu": (qemu, ("qemu-system-x86_64",)),
    **dict.fromkeys(
        ("shell", "nft", "iptables", "iproute2", "firewalld", "docker"),
        (shell, ("bash", "unshare", "ip", "nft")),
    ),
}
"""By the word of a fix: what holds it against the program, and the programs and files that this needs."""


def missing(target: str) -> list[str]:
    """Programs and files that are not here."""
    files = [name for name in CHECKS[target][1] if "/" in name and not Path(name).exists()]
    return [*files, *requirements.programs(*(name for name in CHECKS[target][1] if "/" not in name))]


def complaint(advice: Advice) -> str:
    """What the program says against a fix; empty when it takes it."""
    return CHECKS[advice.target][0](advice)
