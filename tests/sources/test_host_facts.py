"""Host facts from canned files and command outputs."""

import json
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.model import HostFacts
from bootsniff.sources import host_facts
from bootsniff.sources.firewall_facts import Rules, iptables_rules, nft_rules
from bootsniff.sources.host_facts import Host, gather, parse_sockets, run_command


def rule(*expressions: object, table: str = "nat") -> dict:
    return {"rule": {"family": "ip", "table": table, "chain": "x", "handle": 1, "expr": list(expressions)}}


def source(value: object, op: str = "==", field: str = "saddr") -> dict:
    return {"match": {"op": op, "left": {"payload": {"protocol": "ip", "field": field}}, "right": value}}


def nft(*entries: dict) -> str:
    return json.dumps({"nftables": [{"metainfo": {"version": "1.0.6"}}, *entries]})


NETWORK = {"prefix": {"addr": "192.168.122.0", "len": 24}}
HELPER = {"ct helper": {"family": "ip", "name": "h", "table": "raw", "type": "tftp", "protocol": "udp"}}
COUNTER = {"counter": {"packets": 0, "bytes": 0}}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (nft(), Rules((), False)),
        (
            nft(rule(source(NETWORK), source(NETWORK, "!=", "daddr"), COUNTER, {"masquerade": None})),
            Rules(("192.168.122.0/24",), False),
        ),
        (nft(rule(source(NETWORK, "!="), {"masquerade": None})), Rules(("0.0.0.0/0",), False)),
        (nft(rule({"snat": {"addr": "10.0.0.1"}})), Rules(("0.0.0.0/0",), False)),
        (
            nft(rule(source({"set": ["10.8.1.5", NETWORK, {"range": ["10.5.0.1", "10.5.0.9"]}]}), {"masquerade": {}})),
            Rules(("10.8.1.5", "192.168.122.0/24", "10.5.0.1-10.5.0.9"), False),
        ),
        (nft(HELPER, rule(source(NETWORK), {"ct helper": "h"}, table="raw")), Rules((), True)),
        (nft(HELPER, rule(source(NETWORK), {"ct helper": "h"}, table="other")), Rules((), False)),
        (nft(HELPER), Rules((), False)),
        (nft(rule(source(NETWORK), {"accept": None})), Rules((), False)),
        ("no json", None),
        ("[]", None),
    ],
)
def test_nft(text: str, expected: Rules | None) -> None:
    assert nft_rules(text) == expected


@given(st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)))
def test_nft_of_any_shape(value: object) -> None:
    assert nft_rules(json.dumps({"nftables": [{"rule": value}]})) in (None, Rules((), False))


def test_iptables() -> None:
    text = """*nat
:POSTROUTING ACCEPT [0:0]
-A LIBVIRT_PRT -s 192.168.122.0/24 -d 224.0.0.0/24 -j RETURN
-A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -p tcp -j MASQUERADE --to-ports 1024-65535
-A LIBVIRT_PRT -s 192.168.122.0/24 ! -d 192.168.122.0/24 -j MASQUERADE
-A POSTROUTING ! -s 10.0.0.0/8 -o eth0 -j SNAT --to-source 10.0.0.1
COMMIT
"""
    assert iptables_rules(text) == Rules(("192.168.122.0/24", "0.0.0.0/0"), False)
    assert iptables_rules("-A PREROUTING -p udp -m udp --dport 69 -j CT --helper tftp\n").tftp_helper
    assert not iptables_rules("-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\n").tftp_helper


UDP = """   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
  100: 0100007F:0035 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  200: 00000000:0043 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  201: 017AA8C0:0045 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 1 2 0 0
  bad
  201: 017A:0045 00000000:0000 07
"""
TCP6 = """  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000
   1: B80D0120000000000000000001000000:0050 00000000000000000000000000000000:1234 01 00000000:00000000
"""


def test_sockets() -> None:
    assert parse_sockets(UDP, listening=False) == [("127.0.0.1", 53), ("0.0.0.0", 67), ("192.168.122.1", 69)]
    assert parse_sockets(TCP6, listening=True) == [("::", 80)]
    assert parse_sockets(TCP6, listening=False)[1] == ("2001:db8::1", 80)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A hypervisor with libvirt's default network."""
    files = {
        "proc/sys/net/ipv4/ip_forward": "1\n",
        "proc/modules": "nf_nat_tftp 16384 0 - Live 0x0\nnf_nat 1 1 nf_nat_tftp, Live 0x0\n",
        "proc/net/udp": UDP,
        "proc/net/tcp6": TCP6,
        "sys/class/net/virbr0/bridge/stp_state": "1\n",
        "sys/class/net/virbr0/bridge/forward_delay": "200\n",
        "var/lib/libvirt/dnsmasq/default.conf": "##WARNING\nstrict-order\ninterface=virbr0\n"
        "dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0 # all\nenable-tftp\ntftp-root=/srv/tftp\n"
        "dhcp-boot=\x1b[2Jgrubx64.efi\n",
        "var/lib/libvirt/dnsmasq/other.conf": "interface=virbr1\ndhcp-range=10.0.0.2,10.0.0.9\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "sys/class/net/vnet0").mkdir()
    (tmp_path / "sys/class/net/vnet0/master").symlink_to("../virbr0")
    answers = {
        "nft": nft(rule(source(NETWORK), {"masquerade": None})),
        "ip": json.dumps([{"ifname": "virbr0", "addr_info": [{"family": "inet", "local": "192.168.122.1"}]}]),
        "firewall-cmd": "libvirt\n",
    }

    def run(words: Sequence[str]) -> str | None:
        return answers.get(words[0])

    return Host(tmp_path, run)


@pytest.mark.parametrize("interface", ["virbr0", "vnet0"])
def test_a_hypervisor(host: Host, interface: str) -> None:
    facts = gather([interface], host)
    assert facts.masquerades == ("192.168.122.0/24",)
    assert facts.tftp_helper_assigned is False
    assert facts.tftp_helper_loaded is True
    assert facts.forwards is True
    assert facts.listeners == (("udp", "0.0.0.0", 67), ("udp", "192.168.122.1", 69), ("tcp", "::", 80))
    assert facts.addresses == ("192.168.122.1",)
    assert facts.bridges == (("virbr0", True, 2.0),)
    assert ("virbr0", "libvirt") in facts.firewalld_zones
    assert facts.libvirt_network == "default"
    assert facts.dnsmasq_config == "/var/lib/libvirt/dnsmasq/default.conf"
    assert facts.dnsmasq_options == (
        "interface=virbr0",
        "dhcp-range=192.168.122.2,192.168.122.254,255.255.255.0",
        "enable-tftp",
        "tftp-root=/srv/tftp",
        "dhcp-boot=\\x1b[2Jgrubx64.efi",
    )


def test_the_kernel_that_assigns_helpers_itself(host: Host) -> None:
    path = host.root / "proc/sys/net/netfilter"
    path.mkdir()
    (path / "nf_conntrack_helper").write_text("1\n")
    assert gather(["virbr0"], host).tftp_helper_assigned is True


def test_a_host_that_tells_nothing(tmp_path: Path) -> None:
    assert gather(["eth0"], Host(tmp_path, lambda _: None)) == HostFacts()


def answer(text: str, words: Sequence[str]) -> str:
    return text


def test_answers_of_any_shape_never_fail(host: Host) -> None:
    for garbage in ("", "null", "[1]", '[{"ifname": 1}]', "{}", "\0"):
        facts = gather(["virbr0"], host._replace(run=partial(answer, garbage)))
        assert facts.forwards is True


def dnsmasq_process(root: Path, number: int, *words: str, network: str = "net:[1]") -> None:
    folder = root / f"proc/{number}/ns"
    folder.mkdir(parents=True)
    (folder / "net").symlink_to(network)
    (folder.parent / "cmdline").write_bytes(b"\0".join(word.encode() for word in words) + b"\0")


def with_own_namespace(root: Path) -> Path:
    (root / "proc/self/ns").mkdir(parents=True)
    (root / "proc/self/ns/net").symlink_to("net:[1]")
    return root


def test_dnsmasq_by_its_command_line(tmp_path: Path) -> None:
    root = with_own_namespace(tmp_path)
    dnsmasq_process(root, 7, "dnsmasq", "-i", "br0", "-F10.0.0.2,10.0.0.9", "--dhcp-boot=x.efi", "--no-daemon")
    dnsmasq_process(root, 8, "dnsmasq", "--interface=br0", "--dhcp-range=10.1.0.2,10.1.0.9", network="net:[2]")
    facts = gather(["br0"], Host(root, lambda _: None))
    assert facts.dnsmasq_options == ("interface=br0", "dhcp-range=10.0.0.2,10.0.0.9", "dhcp-boot=x.efi")
    assert facts.dnsmasq_config is None
    assert gather(["br1"], Host(root, lambda _: None)).dnsmasq_options == ()


def test_dnsmasq_by_its_files(tmp_path: Path) -> None:
    root = with_own_namespace(tmp_path)
    (root / "etc/dnsmasq.d").mkdir(parents=True)
    (root / "etc/dnsmasq.conf").write_text("# dhcp\nconf-dir=/etc/dnsmasq.d,*.conf\nexcept-interface=eth1\n")
    (root / "etc/dnsmasq.d/pxe.conf").write_text("dhcp-range=10.0.0.2,10.0.0.9\nconf-file=/etc/dnsmasq.conf\n")
    (root / "etc/dnsmasq.d/pxe.conf.bak").write_text("dhcp-boot=old\n")
    dnsmasq_process(root, 7, "/usr/sbin/dnsmasq", "-x", "/run/dnsmasq.pid")
    facts = gather(["br0"], Host(root, lambda _: None))
    assert facts.dnsmasq_config == "/etc/dnsmasq.conf"
    assert facts.dnsmasq_options == ("except-interface=eth1", "dhcp-range=10.0.0.2,10.0.0.9")
    assert gather(["eth1"], Host(root, lambda _: None)).dnsmasq_options == ()


def test_commands() -> None:
    assert run_command(["no-such-command"]) is None
    assert run_command(["false"]) is None
    assert run_command(["echo", "x"]) == "x\n"


def test_commands_come_from_system_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nft").write_text("#!/bin/sh\necho mine\n")
    (tmp_path / "nft").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert run_command(["nft", "--version"]) != "mine\n"


def test_a_command_that_hangs_is_left_and_asked_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All it could say stays unknown; what files say is there. Its child keeps the pipe open."""
    os.mkfifo(tmp_path / "never")
    for name in ("nft", "iptables-save", "ip", "firewall-cmd"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho $0 $* >>{tmp_path}/called\ncat {tmp_path}/never\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setattr(host_facts, "_PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(host_facts, "TIMEOUT", 0.3)
    root = tmp_path / "root"
    (root / "proc/sys/net/ipv4").mkdir(parents=True)
    (root / "proc/sys/net/ipv4/ip_forward").write_text("1\n")
    facts = gather(["br0", "br1", "br2"], Host(root))
    os.close(os.open(tmp_path / "never", os.O_RDWR | os.O_NONBLOCK))  # lets the children go
    assert (facts.forwards, facts.masquerades, facts.tftp_helper_assigned) == (True, None, None)
    assert (facts.addresses, facts.firewalld_zones) == ((), ())
    called = (tmp_path / "called").read_text().splitlines()
    assert sum("firewall-cmd" in line for line in called) == 1
