"""Advice is made to be pasted: names from the network stay names in it, whatever they hold."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bootsniff.rules import quoting
from bootsniff.rules.case import Case
from bootsniff.rules.options import split
from bootsniff.rules.overview import Overview
from bootsniff.rules.recognise import dnsmasq_match, isc_condition, kea_test

from . import advice, boots, scenes_dhcp, scenes_transfer
from .advice import HOSTILE, MARK, Advice
from .packets import Wire, machine, read
from .scene import MAC, SERVER, Scene

_WORD = r'"(?:\\.|[^"\\])*"'
_SHELL_WORD = r"'[^']*'(?:\\''[^']*')*"
_WORDS = {
    **dict.fromkeys(("dnsmasq", "libvirt", "isc-dhcpd", "kea", "nginx"), _WORD),
    **dict.fromkeys(("shell", "tftpd-hpa", "grub", "ipxe", "qemu"), _SHELL_WORD),
    "windows": r"'(?:''|[^'])*'",
}
"""By dialect, what it takes for one word."""


def outside(item: Advice) -> str:
    """What is left of advice without its comments and without its quoted words."""
    text = "\n".join(line for line in item.text.splitlines() if not line.startswith(("#", "//")))
    if item.target == "libvirt" and text.startswith("<"):
        tree = ET.fromstring(text)  # noqa: S314 - our own
        text = "\n".join(value for element in tree.iter() for value in [*element.attrib.values(), element.text or ""])
    if item.target in ("http", "url"):
        return re.sub(r"[\w.~/:@+,=%?&\[\]-]+", "", text) and text  # no character that is not one of URLs
    return re.sub(_WORDS[item.target], "", text)


@pytest.mark.parametrize("hostile", HOSTILE, ids=("marks", "blanks"))
def test_hostile_names_stay_one_word(hostile: str, tmp_path: Path) -> None:
    seen = list(dict.fromkeys(advice.of_hostile_packets(tmp_path, hostile)))
    with_mark = [item for item in seen if MARK in item.text]
    assert {"dnsmasq", "libvirt", "isc-dhcpd", "kea", "shell"} <= {item.target for item in with_mark}
    assert [item for item in with_mark if MARK in outside(item)] == []


@pytest.mark.parametrize(
    "name", [*HOSTILE, "plain.efi", "", "-rf", "a b", "tag:x", "a,b", "a#b", "ü.efi", "\\", '"', "'"]
)
def test_words_are_read_back_as_they_were(name: str) -> None:
    assert shlex.split(quoting.shell(name)) == [name]
    assert json.loads(quoting.quoted(name)) == name
    assert read_dnsmasq(quoting.field(name)) == name
    assert re.sub("(['\u2018-\u201b])\\1", r"\1", quoting.powershell(name)[1:-1]) == name
    assert ET.fromstring(f"<a b='{quoting.xml(name)}'/>").get("b") == name  # noqa: S314 - our own


def read_dnsmasq(word: str) -> str:
    """One field of a line as dnsmasq reads it (option.c, read_file); it has to be one field."""
    if word.startswith('"'):
        assert re.fullmatch(_WORD, word)
        return re.sub(r"\\(.)", r"\1", word[1:-1])
    assert not re.search(r"[\s,\"#]", word)
    return word


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("grub/x.efi", "/srv/tftp/grub/x.efi"),
        ("/grub//x.efi", "/srv/tftp/grub/x.efi"),
        ("../../etc/shadow", "/srv/tftp/etc/shadow"),
        ("a/../../../etc/shadow", "/srv/tftp/a/etc/shadow"),
        ("..", "/srv/tftp"),
        ("dir/", "/srv/tftp/dir/"),
    ],
)
def test_a_name_never_leads_out_of_the_servers_root(name: str, path: str) -> None:
    assert quoting.below("/srv/tftp", name) == path


@pytest.mark.parametrize("name", ["../../etc/shadow", "/etc/shadow"])
def test_nobody_is_told_to_make_a_secret_readable(name: str) -> None:
    scene = Scene().lease(file=name)
    scene.tftp(1, name, "failed", error=2)
    finding = scene.finding("tftp-access-violation")
    assert finding is not None
    assert not any("chmod" in fix.text and " /etc" in fix.text for fix in finding.fixes)


def test_what_may_not_stand_in_a_url_is_escaped() -> None:
    assert (
        quoting.web("http://[fd00::1]:8080/a b/$(c);ü%20?d=e&f")
        == "http://[fd00::1]:8080/a%20b/%24%28c%29%3b%c3%bc%20?d=e&f"
    )


def test_a_script_that_ipxe_expands_is_named_without_what_it_would_expand() -> None:
    assert quoting.ipxe("http://a/${x}&&y z") == "http://a/%24{x}%26%26y%20z"


def case_of(scene: Scene) -> Case:
    return Case(Overview(scene.world), scene.machine, 0, 0, split(scene.machine.boots[0]))


def test_a_vendor_class_is_a_word_of_every_server() -> None:
    scene = Scene("u-boot-armv8")
    scene.here.vendor_class = f"x\"{MARK}',\\"
    case = case_of(scene)
    (match,), _ = dnsmasq_match(case)
    assert MARK not in re.sub(_WORD, "", match)
    assert MARK not in re.sub(_WORD, "", isc_condition(case))
    assert re.fullmatch(r"substring\(option\[60\]\.hex,0,\d+\) == 0x[0-9a-f]+", kea_test(case))


def texts(scene: Scene, code: str) -> dict[str, str]:
    finding = scene.finding(code)
    assert finding is not None
    return {fix.target: fix.text for fix in finding.fixes}


def test_firmwares_new_file_is_not_for_the_ipxe_that_it_loads() -> None:
    told = texts(scenes_dhcp.ignored("efi-x64-pxe"), "dhcp-offer-without-boot-file")
    assert "dhcp-boot=tag:efi-x64-pxe,tag:!ipxe,grubx64.efi" in told["dnsmasq"]
    assert 'option user-class != "iPXE"' in told["isc-dhcpd"]
    assert "and not option[175].exists" in told["kea"]


def test_a_raspberry_pi_is_known_by_its_maker() -> None:
    scene = Scene("raspberry-pi")
    scene.here.arch = (0,)  # as of a BIOS
    case = case_of(scene)
    assert dnsmasq_match(case) == ((f"dhcp-mac=set:raspberry-pi,{MAC[:8]}:*:*:*",), "tag:raspberry-pi")
    assert isc_condition(case) == f"substring(hardware, 1, 3) = {MAC[:8]}"
    assert kea_test(case) == f"substring(pkt4.mac,0,3) == 0x{MAC[:8].replace(':', '')}"


def test_what_says_nothing_of_itself_is_known_by_its_address() -> None:
    scene = Scene("s390x")
    scene.here.client, scene.here.arch, scene.here.vendor_class = "other-boot-client", (), None
    case = case_of(scene)
    assert dnsmasq_match(case) == ((f"dhcp-mac=set:other-boot-client,{MAC}",), "tag:other-boot-client")
    assert isc_condition(case) == f"substring(hardware, 1, 6) = {MAC}"
    assert kea_test(case) == f"substring(pkt4.mac,0,6) == 0x{MAC.replace(':', '')}"


def test_what_a_proxys_menu_names_is_mended_in_its_menu(tmp_path: Path) -> None:
    wire = Wire().discover(0)
    wire.dhcp(0.1, 2)
    wire.dhcp(
        0.15, 2, server="192.168.122.9", next_server="192.168.122.9", your=None, option60="PXEClient", file="no.efi"
    )
    wire.dhcp(0.2, 3)
    wire.dhcp(0.3, 5)
    found = machine(read(boots.give_up(wire.missing(1, "no.efi", server="192.168.122.9")).save(tmp_path / "x.pcap")))
    (finding,) = [finding for finding in found.findings if finding.code == "tftp-file-not-found"]
    assert 'pxe-service=7,"network boot",grubx64.efi,192.168.122.9' in "\n".join(fix.text for fix in finding.fixes)


def test_a_proxy_is_told_to_speak(tmp_path: Path) -> None:
    found = machine(read(boots.competing().save(tmp_path / "x.pcap")))
    (finding,) = [finding for finding in found.findings if finding.code == "dhcp-competing-servers"]
    assert "\npxe-prompt=" in finding.fixes[0].text


def test_behind_a_relay_the_relay_is_the_router() -> None:
    far = "10.0.0.5"
    scene = Scene().lease(file="x.efi", server=far, next_server=far, relay="192.168.122.3", router=None)
    assert texts(scene, "dhcp-router-missing")["isc-dhcpd"] == "option routers 192.168.122.3;"


def test_a_boot_server_that_is_not_there_is_not_named_again() -> None:
    scene = Scene().lease(file="shim.efi", next_server="192.168.122.5").arp("192.168.122.5", 1, 2, 3, 4)
    told = texts(scene, "arp-next-server-unanswered")["dnsmasq"]
    assert f"shim.efi,,{SERVER}" in told
    assert "192.168.122.5" not in told


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("192.168.122.9", True), ('[x]; filename "y"', False), ("1.2.3.4; x", False), ("999.2.3.4", False)],
)
def test_a_server_is_an_address_before_it_stands_in_advice(name: str, *, is_one: bool) -> None:
    scene = Scene().lease(file="shim.efi", option66=name)
    scene.tftp(1, "shim.efi", requests=6)
    assert (scene.finding("dhcp-wrong-next-server") is not None) is is_one


@pytest.mark.parametrize(("mac", "target"), [(advice.USER_NETWORK_MAC, "qemu"), ("52:55:c0:a8:7a:02", "tftpd-hpa")])
def test_the_user_network_of_qemu_is_told_by_its_macs(mac: str, target: str, tmp_path: Path) -> None:
    wire = Wire()
    wire.hosts[SERVER] = mac
    wire.lease(file="grubx64.efi").rrq(1, "grubx64.efi")
    wire.error(1.01, 1, "File not found")
    (finding,) = machine(read(wire.save(tmp_path / "x.pcap"))).findings
    assert finding.fixes[0].target == target
    assert ("qemu" in {fix.target for fix in finding.fixes}) == (target == "qemu")


def test_the_capturing_host_is_asked_whether_it_forwards_and_helps() -> None:
    assert scenes_transfer.nat_here(assigned=False).finding("tftp-nat-loss") is not None
    assert scenes_transfer.nat_here(assigned=True, loaded=False).finding("tftp-nat-loss")
    told = texts(scenes_transfer.nat_here(forwards=False), "tftp-no-reply")
    assert told == {"shell": "sysctl -w net.ipv4.ip_forward=1   # this host forwards nothing"}
    assert "sysctl" not in str(texts(scenes_transfer.nat_here(assigned=True, loaded=True), "tftp-no-reply"))
