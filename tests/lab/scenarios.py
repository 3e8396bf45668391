"""The boots that are played: which firmware meets which servers, with which fault."""

from __future__ import annotations

from .firmware import OVMF, OVMF_HTTP, OVMF_WITHOUT_PXE6, SEABIOS_IPXE, UBOOT_ARM64, UBOOT_MAC
from .laboratory import Lab, Scenario
from .network import BRIDGE, SERVER_IP, UPLINK

WEB = "http://192.168.122.1"


def _system_is_up(lab: Lab) -> None:
    lab.wait(lambda: "lab: system is up" in lab.console(), "the booted system's own DHCP")


def _pxe_grub_installer(lab: Lab) -> None:
    server = lab.dnsmasq("dhcp-boot=installer/grubx64.efi", "enable-tftp", f"tftp-root={lab.root}")
    lab.boot(OVMF)
    lab.wait(lambda: server.log().count("DHCPACK") == 2, "the installer's own DHCP")


def _http_boot(lab: Lab) -> None:
    """PXEv4 is given a file that fails at once, so that HTTPv4 comes soon; Kea echoes option 60."""
    echo = [{"name": "vendor-class-identifier", "data": "HTTPClient"}]
    lab.kea(
        {"name": "ipxe", "test": "option[77].hex == 'iPXE'", "boot-file-name": f"{WEB}/boot.ipxe"},
        {
            "name": "http",
            "test": "option[93].hex == 0x0010",
            "boot-file-name": f"{WEB}/ipxe.efi",
            "option-data": echo,
        },
        {
            "name": "pxe",
            "test": "option[93].hex == 0x0007 and not member('ipxe')",
            "next-server": "192.168.122.1",
            "boot-file-name": "missing.efi",
        },
    )
    lab.tftpd()
    lab.nginx()
    lab.boot(OVMF)
    _system_is_up(lab)


def _http_boot_without_echo(lab: Lab) -> None:
    lab.dnsmasq("dhcp-match=set:http,option:client-arch,16", f"dhcp-boot=tag:http,{WEB}/ipxe.efi")
    lab.nginx()
    lab.boot(OVMF_HTTP)


def _http_404(lab: Lab) -> None:
    lab.dnsmasq(
        "dhcp-match=set:http,option:client-arch,16",
        "dhcp-option-force=tag:http,60,HTTPClient",
        f"dhcp-boot=tag:http,{WEB}/images/missing.efi",
    )
    lab.nginx()
    lab.boot(OVMF_HTTP)


def _ipxe_script(lab: Lab) -> None:
    lab.dhcpd(
        'if exists user-class and option user-class = "iPXE" '
        f'{{ filename "{WEB}/boot.ipxe"; }} else {{ filename "undionly.kpxe"; }}'
    )
    lab.nginx()
    lab.boot(SEABIOS_IPXE)
    _system_is_up(lab)


def _uboot(lab: Lab) -> None:
    lab.dnsmasq("dhcp-boot=boot.scr.uimg", "enable-tftp", f"tftp-root={lab.root}")
    lab.boot(UBOOT_ARM64)


def _tftp_behind_nat(lab: Lab) -> None:
    lab.dnsmasq(f"dhcp-boot=grubx64.efi,,{SERVER_IP}")
    lab.tftpd(SERVER_IP, lab.network.server)
    lab.boot(OVMF_WITHOUT_PXE6)


def _tftp_stopped(lab: Lab) -> None:
    """The server dies after the first packets of a file of 40 MB."""
    lab.dnsmasq("dhcp-boot=installer.gz")
    server = lab.tftpd()
    lab.boot(SEABIOS_IPXE)
    lab.wait(lambda: lab.recording.stat().st_size > 300_000, "the first 300 kB of the file")
    server.kill()


def _competing_servers(lab: Lab) -> None:
    lab.dnsmasq("dhcp-boot=grubx64.efi", "enable-tftp", f"tftp-root={lab.root}")
    # iPXE takes the offer of the highest priority (sub-option 1), the last one of several that are equal: the order in
    # which two servers answer is nobody's promise.
    lab.dhcpd("option ipxe 01:01:0a;", lab.network.add_host("192.168.122.254"), "eth0")
    lab.boot(SEABIOS_IPXE)


def _proxydhcp(lab: Lab) -> None:
    lab.dhcpd("")
    lab.dnsmasq(
        "interface=eth0",
        "dhcp-range=192.168.122.0,proxy",
        'pxe-service=x86PC,"network boot",pxelinux.0',
        "enable-tftp",
        f"tftp-root={lab.root}",
        netns=lab.network.add_host("192.168.122.9"),
    )
    lab.boot(SEABIOS_IPXE)
    _system_is_up(lab)


BOTH_SIDES = (BRIDGE, UPLINK)
# The longest first: two of them are played at once.
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("pxe-grub-installer", _pxe_grub_installer, None, seconds=500),
        Scenario("http-boot", _http_boot, None, seconds=300),
        Scenario("proxydhcp", _proxydhcp, None),
        Scenario("http-boot-without-echo", _http_boot_without_echo, "stalled"),
        Scenario("nat-with-helper", _tftp_behind_nat, "handed-off", nat="helper", interfaces=BOTH_SIDES),
        Scenario("nat", _tftp_behind_nat, "stalled", nat="masquerade", interfaces=BOTH_SIDES, host_facts=True),
        Scenario("tftp-stopped", _tftp_stopped, "stalled"),
        Scenario("http-404", _http_404, "stalled"),
        Scenario("ipxe-script", _ipxe_script, None),
        Scenario("competing-servers", _competing_servers, "stalled"),
        Scenario("u-boot", _uboot, "handed-off", mac=UBOOT_MAC),
    )
}
