"""iPXE scripts that load a kernel and start nothing, have a command that there is not, or name what is not to be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootsniff.model import Machine

from .boots import INITRD, KERNEL
from .boots_text import IPXE_AGENT
from .packets import Wire, errors, machine, read
from .scene import SERVER

BASE = f"http://{SERVER}"


def booted(script: str, *files: str, chained: bool = False) -> Wire:
    """An iPXE with its script, or with one that another script chained, and what it fetches then."""
    wire = Wire("ipxe-bios").lease(file=f"{BASE}/{'first' if chained else 'boot'}.ipxe")
    if chained:
        wire.fetch(1, "/first.ipxe", body=f"#!ipxe\nchain {BASE}/boot.ipxe\nboot\n".encode(), agent=IPXE_AGENT)
    wire.fetch(2, "/boot.ipxe", body=f"#!ipxe\n{script}\n".replace("URL", BASE).encode(), agent=IPXE_AGENT)
    for number, name in enumerate(files):
        wire.fetch(3 + number, f"/{name}", body=KERNEL if name == "linux" else INITRD, agent=IPXE_AGENT)
    return wire


def found(wire: Wire, path: Path) -> Machine:
    return machine(read(wire.quiet(90).save(path / "x.pcap")))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kernel URL/linux\ninitrd URL/initrd.gz", "loads linux, and nothing in it starts it: it has no boot"),
        ("kernel URL/linux\ninitrd URL/initrd.gz\nbot", "ends at bot, which is no command of iPXE (boot?)"),
        ("kernel URL/linux\ninitrd URL/initrd.gz\nimgarg linux x\nboot", "ends at imgarg, which is no command of"),
    ],
)
def test_a_script_that_starts_nothing_has_not_booted(script: str, said: str, tmp_path: Path) -> None:
    seen = found(booted(script, "linux", "initrd.gz"), tmp_path)
    assert (seen.boots[0].stalled_at, errors(seen)) == ("chain", {"chain-script-stops"})
    (finding,) = seen.findings
    assert finding.summary.startswith(f"{BASE}/boot.ipxe {said}")
    assert finding.confidence == "likely"
    assert [fix.target for fix in finding.fixes] == ["ipxe"]


def test_a_misspelt_command_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    (finding,) = found(booted("kernal URL/linux\ninitrd URL/initrd.gz\nboot"), tmp_path).findings
    assert finding.summary.endswith("ends at kernal, which is no command of iPXE (kernel?)")
    assert finding.fixes[0].text == "sed -i 's/^ *kernal\\b/kernel/' /var/www/html/boot.ipxe"


@pytest.mark.parametrize(
    "script",
    [
        "kernel URL/linux\ninitrd URL/initrd.gz\nboot",
        "kernel URL/linux\ninitrd URL/initrd.gz\nboot || shell",
        "kernel URL/linux\ninitrd URL/initrd.gz\nimgexec linux",
        "kernel URL/linux\ninitrd URL/initrd.gz\n${start}",
        "kernel URL/linux\ninitrd URL/initrd.gz\nfrobnicate now",  # perhaps of a newer iPXE
        "bot || echo no\nkernel URL/linux\ninitrd URL/initrd.gz\nboot",
        "isset ${x} || goto load\nbot\n:load\nkernel URL/linux\ninitrd URL/initrd.gz\nboot",
        "goto load\n:old\nintrd URL/x\n:load\nkernel URL/linux\ninitrd URL/initrd.gz\nboot",
        "initrd URL/initrd.gz\nkernel URL/linux \\\n  initrd=initrd.gz\nBOOT",
    ],
)
def test_what_starts_or_may_start_has_booted(script: str, tmp_path: Path) -> None:
    seen = found(booted(script, "linux", "initrd.gz"), tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())


def test_a_script_that_another_one_chained_may_leave_the_start_to_that(tmp_path: Path) -> None:
    wire = booted("kernel URL/linux\ninitrd URL/initrd.gz", "linux", "initrd.gz", chained=True)
    seen = found(wire, tmp_path)
    assert (seen.status, seen.findings) == ("handed-off", ())


def test_a_system_that_is_heard_later_came_from_the_disk(tmp_path: Path) -> None:
    wire = booted("kernel URL/linux\ninitrd URL/initrd.gz", "linux", "initrd.gz").as_kind("os").lease(40)
    seen = found(wire, tmp_path)
    assert (seen.status, errors(seen)) == ("stalled", {"chain-script-stops"})


@pytest.mark.parametrize(("packed", "status"), [(b"hsqs", "stalled"), (b"\x1f\x8b", "handed-off")])
def test_a_file_system_is_no_kernel(packed: bytes, status: str, tmp_path: Path) -> None:
    """Some builds of iPXE unpack gzip data."""
    wire = booted("kernel URL/vmlinuz\ninitrd URL/initrd.gz\nboot")
    wire.fetch(3, "/vmlinuz", body=packed.ljust(9000, b"\1"), agent=IPXE_AGENT)
    seen = found(wire.fetch(4, "/initrd.gz", body=INITRD, agent=IPXE_AGENT), tmp_path)
    assert (seen.status, errors(seen)) == (status, {"nbp-packed-file"} if status == "stalled" else set())


def test_a_name_with_the_wrong_search_domain_is_told_once(tmp_path: Path) -> None:
    """As soon as the capture ends."""
    wire = booted("kernel http://boot/linux\ninitrd http://boot/initrd.gz\nboot")
    wire.query(3, "boot.corp.lab", rcode=3).query(3.1, "boot", rcode=5)
    seen = machine(read(wire.save(tmp_path / "x.pcap")))
    assert seen.boots[0].stalled_at == "dns"
    (finding,) = seen.findings
    assert finding.summary == f"{SERVER} answers NXDOMAIN for boot.corp.lab"


@pytest.mark.parametrize(
    "names", [("boot.corp.lan", "boot.corp.lan.corp.lab"), ("boot.corp.lan.corp.lab", "boot.corp.lan")]
)
def test_a_whole_name_is_told_without_the_search_domain(names: tuple[str, str], tmp_path: Path) -> None:
    wire = booted("kernel http://boot.corp.lan/linux\nboot")
    for number, name in enumerate(names):
        wire.query(3 + number / 10, name, rcode=3)
    (finding,) = found(wire, tmp_path).findings
    assert finding.summary == f"{SERVER} answers NXDOMAIN for boot.corp.lan"


def test_a_question_without_its_answer_may_still_be_answered(tmp_path: Path) -> None:
    wire = booted("kernel http://boot/linux\nboot").query(3, "boot.corp.lab", rcode=3).query(3.1, "boot")
    assert machine(read(wire.save(tmp_path / "x.pcap"))).status == "in-progress"


def _started(arguments: str) -> Wire:
    """A system with the address that the kernel's arguments give it, which does no DHCP."""
    return booted(f"kernel URL/linux ip=192.168.122.50 {arguments}\ninitrd URL/initrd.gz\nboot", "linux", "initrd.gz")


@pytest.mark.parametrize(("arguments", "status"), [("", "handed-off"), ("url=http://seed/x", "stalled")])
def test_a_started_system_looks_for_names_of_its_own(arguments: str, status: str, tmp_path: Path) -> None:
    name = "seed.corp.lab" if arguments else "wpad.corp.lab"
    assert found(_started(arguments).query(20, name, rcode=3), tmp_path).status == status


@pytest.mark.parametrize(("arguments", "status"), [("", "handed-off"), ("url=http://192.168.122.77/x", "stalled")])
@pytest.mark.parametrize("refused", [False, True])
def test_a_started_system_looks_for_hosts_of_its_own(
    arguments: str, status: str, refused: bool, tmp_path: Path
) -> None:
    wire = _started(arguments)
    wire.port += 1
    for time in range(20, 24):
        if refused:
            wire.tcp(time, 0x02, 1000, 0, port=8080, server="192.168.122.77")
            wire.tcp(time + 0.01, 0x14, 0, 1001, from_client=False, port=8080, server="192.168.122.77")
        else:
            wire.arp(time, "192.168.122.77")
    assert found(wire, tmp_path).status == status


def test_a_menu_waits_whatever_a_script_looked_up_before(tmp_path: Path) -> None:
    wire = booted("nslookup place here.corp.lab ||\nmenu\nitem a A\nchoose it")
    assert found(wire.query(3, "here.corp.lab", rcode=3), tmp_path).status == "in-progress"


def test_a_path_of_the_servers_disk_is_mended_in_the_script(tmp_path: Path) -> None:
    wire = booted(f"kernel tftp://{SERVER}//srv/tftp/linux\nboot").missing(3, "/srv/tftp/linux")
    (finding,) = found(wire, tmp_path).findings
    assert [fix.text for fix in finding.fixes] == [f"# in {BASE}/boot.ipxe\nkernel tftp://{SERVER}/linux"]


def test_where_a_router_knows_no_way_no_firewall_is_opened(tmp_path: Path) -> None:
    wire = booted("kernel http://192.168.112.1/linux\nboot")
    wire.port += 1
    for number in range(4):
        syn = wire.tcp(3 + number, 2, 100, 0, server="192.168.112.1")
        wire.icmp(3.01 + number, syn, code=0)
    (finding,) = found(wire, tmp_path).findings
    assert finding.code == "tcp-filtered"
    assert [fix.text.split("   #")[0] for fix in finding.fixes] == ["ip route get 192.168.112.1"]
