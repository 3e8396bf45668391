"""Real boots: what `bootsniff live` says of them, and that its recording says the same afterwards."""

from __future__ import annotations

from typing import Any

import pytest

from .laboratory import Outcome
from .scenarios import SCENARIOS

pytestmark = [pytest.mark.lab, pytest.mark.flaky(reruns=1)]


def played(*names: str) -> pytest.MarkDecorator:
    """Give the test the outcome of these scenarios, one after the other."""
    return pytest.mark.parametrize("outcome", names, indirect=True)


def fetched(outcome: Outcome, ending: str) -> dict[str, Any]:
    """The one whole fetch of the URL that ends so."""
    (fetch,) = (f for f in outcome.fetches() if f["url"].endswith(ending) and f["status"] == "complete")
    return fetch


def assert_healthy(outcome: Outcome) -> None:
    assert outcome.status == 0
    assert outcome.machine["status"] == "handed-off"
    assert outcome.codes("error", "warning") == set()


def assert_stalled(outcome: Outcome, where: str, code: str, *also: str) -> None:
    """The last boot is stalled there for this reason; ``also`` may be said of what was tried after it."""
    assert outcome.status == 1
    assert outcome.machine["status"] == "stalled"
    assert outcome.machine["boots"][-1]["stalled_at"] == where
    assert code in outcome.codes("error")
    assert outcome.codes("error") <= {code, *also}
    assert any(event["event"] == "stall" for event in outcome.events)


@played("pxe-grub-installer")
def test_efi_pxe_to_grub_to_the_installers_own_dhcp(outcome: Outcome) -> None:
    assert_healthy(outcome)
    assert outcome.kinds == ["efi-x64-pxe", "grub", "os"]
    assert fetched(outcome, "/linux")["bytes"] > 5_000_000
    assert fetched(outcome, "/installer.gz")["bytes"] > 30_000_000
    assert outcome.machine["boots"][0]["stages"][-1]["dhcp"]["status"] == "bound"


@played("http-boot")
def test_efi_http_boot_served_by_kea(outcome: Outcome) -> None:
    assert_healthy(outcome)
    assert outcome.kinds == ["efi-x64-pxe", "efi-x64-pxe", "efi-x64-http", "ipxe-efi-x64", "os"]  # PXEv4, PXEv6, …
    http = outcome.machine["boots"][0]["stages"][2]["dhcp"]
    assert (http["status"], http["vendor_class_echoed"]) == ("bound", True)
    assert http["boot_file"] == "http://192.168.122.1/ipxe.efi"


@played("http-boot-without-echo")
def test_efi_http_boot_whose_vendor_class_is_not_echoed(outcome: Outcome) -> None:
    assert_stalled(outcome, "dhcp", "dhcp-http-vendor-class-not-echoed")
    assert outcome.kinds == ["efi-x64-http"]
    http = outcome.machine["boots"][0]["stages"][0]["dhcp"]
    assert (http["status"], http["vendor_class_echoed"]) == ("ignored-offer", False)


@played("http-404")
def test_efi_http_boot_of_a_file_that_is_not_there(outcome: Outcome) -> None:
    assert_stalled(outcome, "http", "http-404")
    assert [fetch["status"] for fetch in outcome.fetches()] == ["failed", "failed"]


@played("ipxe-script")
def test_ipxe_with_a_script_over_http_served_by_isc_dhcpd(outcome: Outcome) -> None:
    assert_healthy(outcome)
    assert outcome.kinds == ["ipxe-bios", "os"]
    assert [fetch["url"].rpartition("/")[2] for fetch in outcome.fetches()] == ["boot.ipxe", "linux", "initrd.gz"]


@played("u-boot")
def test_u_boot_on_arm64(outcome: Outcome) -> None:
    assert_healthy(outcome)
    assert outcome.kinds[0] == "u-boot-armv8"
    assert fetched(outcome, "arm64/linux")["bytes"] > 20_000_000
    assert fetched(outcome, "arm64/initrd.gz")["bytes"] > 1_000_000


@played("nat")
def test_tftp_through_nat_seen_from_both_sides(outcome: Outcome) -> None:
    assert_stalled(outcome, "tftp", "tftp-nat-loss", "dhcp-http-offer-without-usable-uri")
    (finding,) = (f for f in outcome.machine["findings"] if f["code"] == "tftp-nat-loss")
    assert finding["confidence"] == "certain"
    assert {"RRQ", "RRQ outside, as 192.168.2.1", "answer outside"} <= {e["role"] for e in finding["evidence"]}
    assert any(fix["for"] == "nft" for fix in finding["fixes"])


@played("nat-with-helper")
def test_tftp_through_nat_with_the_conntrack_helper(outcome: Outcome) -> None:
    assert_healthy(outcome)
    assert outcome.kinds[:2] == ["efi-x64-pxe", "grub"]
    assert fetched(outcome, "/initrd.gz")["url"].startswith("tftp://192.168.2.14/")


@played("tftp-stopped")
def test_tftp_server_that_stops_in_the_middle(outcome: Outcome) -> None:
    assert_stalled(outcome, "tftp", "tftp-timeout-mid-transfer")
    (fetch,) = outcome.fetches()
    assert fetch["status"] == "stalled"
    assert 0 < fetch["bytes"] < fetch["size"]


@played("competing-servers")
def test_two_dhcp_servers_of_which_one_knows_no_boot_file(outcome: Outcome) -> None:
    assert_stalled(outcome, "dhcp", "dhcp-competing-servers")


@played("proxydhcp")
def test_proxydhcp_beside_isc_dhcpd(outcome: Outcome) -> None:
    assert_healthy(outcome)
    assert outcome.kinds == ["ipxe-bios", "pxelinux", "os"]
    proxy = outcome.machine["boots"][0]["stages"][0]["dhcp"]["proxy"]
    assert proxy["server"] == "192.168.122.9"
    assert proxy["boot_file"] == "pxelinux.0"


@played(*SCENARIOS)
def test_recording_read_back_gives_the_live_report(outcome: Outcome) -> None:
    assert comparable(outcome.recorded) == comparable(outcome.report)
    assert [info["dropped_frames"] for info in outcome.report["captures"]] == [0]


def comparable(report: Any) -> Any:
    """The report without what a recording numbers anew: captures and frames."""
    if isinstance(report, dict):
        dropped = {"captures", "capture", "frame", "first_frame", "last_frame"}
        return {key: comparable(value) for key, value in report.items() if key not in dropped}
    return [comparable(item) for item in report] if isinstance(report, list) else report
