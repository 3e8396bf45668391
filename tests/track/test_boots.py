"""Scenarios: what the engine makes of boots, with explicit times and no capture."""

from __future__ import annotations

import pytest

from .play import Play

PXE = ("0 DISCOVER efi-x64-pxe", "0.1 OFFER file=boot.efi", "0.2 REQUEST", "0.3 ACK file=boot.efi")
PROBE = ("1 RRQ boot.efi", "1.01 OACK", "1.02 ABORT")
LOADED = (*PXE, *PROBE, "1.1 RRQ boot.efi", "1.5 WHOLE pe-x64-signed")
GRUB = ("2 RRQ /grub/x86_64-efi/command.lst blksize=1024", "2.01 ERROR 1", "2.1 RRQ /grub/grub.cfg blksize=1024", "2.2 WHOLE grub.cfg",
        "2.3 RRQ /linux blksize=1024", "3 WHOLE kernel", "3.1 RRQ /initrd.gz blksize=1024", "5 WHOLE gzip")  # fmt: skip


def test_firmware_grub_and_the_operating_system_are_stages_of_one_boot() -> None:
    play = Play(*LOADED, *GRUB, "60 DISCOVER d-i", "60.1 OFFER", "60.2 REQUEST", "60.3 ACK")
    assert play.clients == [["efi-x64-pxe", "grub", "os"]]
    assert play.verdict == ("handed-off", None)
    assert play.fetches == ["probe", "complete", "optional", "complete", "complete", "complete"]


def test_kernel_and_initrd_hand_the_machine_over_at_once() -> None:
    assert Play(*LOADED, *GRUB).verdict == ("handed-off", None)


def test_a_kernel_whose_script_names_an_initrd_is_not_enough() -> None:
    play = Play(*LOADED, *GRUB[:6])
    assert play.verdict == ("in-progress", None)


def test_unanswered_discovers_stall_after_the_last_wait_and_not_before() -> None:
    lines = [f"{seconds} DISCOVER efi-x64-pxe secs={seconds}" for seconds in (0, 4, 12)]
    assert Play(*lines).verdict == ("in-progress", None)
    assert Play(*lines, "28 DISCOVER efi-x64-pxe secs=28", "33 QUIET").verdict == ("stalled", "dhcp")
    assert Play(*lines, "50 QUIET").verdict == ("stalled", "dhcp")


def test_ipxe_that_is_named_nothing_gives_up_sooner() -> None:
    lines = ("0 DISCOVER ipxe-bios", "0.1 OFFER", "1 REQUEST")
    assert Play(*lines, "1.1 ACK", "19 QUIET").machine.status == "in-progress"
    assert Play(*lines, "1.1 ACK", "25 QUIET").verdict == ("stalled", "dhcp")
    assert Play(*lines, "1.1 ACK file=pxelinux.0", "25 QUIET").machine.status == "in-progress"


def test_asking_again_another_way_is_no_progress_until_somebody_answers() -> None:
    play = Play(*(f"{seconds} DISCOVER efi-x64-pxe secs={seconds}" for seconds in (0, 4, 12, 28)))
    play.line("70 DISCOVER efi-x64-http")
    assert play.verdict == ("stalled", "dhcp")
    play.line("70.1 OFFER file=http://h/x.efi echo=HTTPClient")
    assert play.machine.status == "in-progress"


def test_ipxe_asks_four_times() -> None:
    lines = [f"{seconds} DISCOVER ipxe-bios secs={seconds}" for seconds in (0, 1, 3)]
    assert Play(*lines, "8 QUIET").verdict == ("in-progress", None)
    assert Play(*lines, "7 DISCOVER ipxe-bios secs=7", "12 QUIET").verdict == ("stalled", "dhcp")


def test_fallback_through_three_options_stays_one_boot() -> None:
    play = Play("0 DISCOVER efi-x64-pxe", "4 DISCOVER efi-x64-pxe secs=4", "30 SOLICIT efi-x64-pxe", "35 SOLICIT efi-x64-pxe",
                "90 DISCOVER efi-x64-http", "90.1 OFFER")  # fmt: skip
    assert play.clients == [["efi-x64-pxe", "efi-x64-pxe", "efi-x64-http"]]
    assert play.verdict == ("in-progress", None)


def test_a_later_option_that_boots_clears_the_stall() -> None:
    play = Play(
        "0 DISCOVER efi-x64-pxe", "0.1 OFFER", "4 DISCOVER efi-x64-pxe secs=4", "12 DISCOVER efi-x64-pxe secs=12"
    )
    assert play.verdict == ("stalled", "dhcp")
    for line in (
        "60 DISCOVER efi-x64-http",
        "60.1 OFFER file=http://h/x.efi echo=HTTPClient",
        "60.2 REQUEST",
        "60.3 ACK file=http://h/x.efi echo=HTTPClient",
    ):
        play.line(line)
    assert play.machine.status == "in-progress"


def test_the_furthest_option_says_where_it_stalled() -> None:
    play = Play(
        *PXE,
        "1 RRQ boot.efi",
        "1.1 ERROR 1",
        "3 SOLICIT efi-x64-pxe",
        "70 DISCOVER efi-x64-http",
        "74 DISCOVER efi-x64-http secs=4",
        "150 QUIET",
    )
    assert play.verdict == ("stalled", "tftp")


def test_shim_that_does_not_find_grub_is_a_stage_and_the_stall() -> None:
    play = Play(*LOADED, "2 RRQ revocations_sku.efi blksize=512", "2.1 ERROR 1", "2.2 RRQ grubx64.efi blksize=512", "2.3 ERROR 1",
                "5 SOLICIT efi-x64-pxe", "70 DISCOVER efi-x64-http")  # fmt: skip
    assert play.clients == [["efi-x64-pxe", "shim", "efi-x64-pxe", "efi-x64-http"]]
    assert play.verdict == ("stalled", "tftp")


def test_a_reset_begins_the_next_boot() -> None:
    play = Play(*LOADED, *GRUB, "100 DISCOVER efi-x64-pxe xid=99")
    assert play.clients == [["efi-x64-pxe", "grub"], ["efi-x64-pxe"]]
    assert [boot.status for boot in play.machine.boots] == ["handed-off", "in-progress"]


def test_the_same_option_with_a_new_exchange_begins_the_next_boot() -> None:
    play = Play("0 DISCOVER efi-x64-pxe", "4 DISCOVER efi-x64-pxe secs=4", "9 DISCOVER efi-x64-pxe secs=0 xid=77")
    assert len(play.clients) == 2
    assert play.machine.boots[0].status == "stalled"


@pytest.mark.parametrize("jump", [-40_000.0, 40_000_000.0])
def test_no_boot_is_joined_across_a_jump_of_time(jump: float) -> None:
    play = Play("0 DISCOVER efi-x64-pxe", f"{jump} DISCOVER efi-x64-pxe secs=4")
    assert len(play.clients) == 2


def test_u_boot_changes_its_xid_with_every_discover() -> None:
    play = Play(*(f"{seconds} DISCOVER u-boot-armv8 xid={number}" for number, seconds in enumerate((0, 0.25, 0.75, 1.75), 5)),
                "3 OFFER file=boot.conf", "3.1 REQUEST", "3.2 ACK file=boot.conf")  # fmt: skip
    assert play.clients == [["u-boot-armv8"]]
    dhcp = play.machine.boots[0].stages[0].dhcp
    assert dhcp is not None
    assert dhcp.discovers == 4


def test_ipxe_after_the_firmware_is_the_next_stage() -> None:
    play = Play(*LOADED, "8 DISCOVER ipxe-efi-x64", "8.1 OFFER file=http://192.168.122.1/menu.ipxe", "9 REQUEST", "9.1 ACK file=http://192.168.122.1/menu.ipxe",
                "25 GET http://192.168.122.1/menu.ipxe", "25.1 STATUS 200 script",
                "25.2 GET http://192.168.122.1/linux", "26 STATUS 200 kernel")  # fmt: skip
    assert play.clients == [["efi-x64-pxe", "ipxe-efi-x64"]]
    assert play.verdict == ("in-progress", None)
    play.line("26.1 GET http://192.168.122.1/initrd.gz")
    play.line("28 STATUS 200 gzip")
    assert play.verdict == ("handed-off", None)


def test_ipxe_waits_long_between_its_ack_and_its_first_fetch() -> None:
    lines = (
        "0 DISCOVER ipxe-bios",
        "0.1 OFFER file=http://h/menu.ipxe",
        "1 REQUEST",
        "1.1 ACK file=http://h/menu.ipxe",
    )
    assert Play(*lines, "20 QUIET").verdict == ("in-progress", None)
    assert Play(*lines, "60 QUIET").verdict == ("stalled", "http")


def test_a_menu_is_waited_for_without_end() -> None:
    play = Play("0 DISCOVER ipxe-bios", "0.1 OFFER file=http://192.168.122.1/menu.ipxe", "1 REQUEST", "1.1 ACK file=http://192.168.122.1/menu.ipxe",
                "2 GET http://192.168.122.1/menu.ipxe", "2.1 STATUS 200 menu", "3000 QUIET")  # fmt: skip
    assert play.verdict == ("in-progress", None)


def test_a_script_that_leaves_is_a_local_boot() -> None:
    play = Play("0 DISCOVER ipxe-bios", "0.1 OFFER file=http://192.168.122.1/a.ipxe", "1 REQUEST", "1.1 ACK file=http://192.168.122.1/a.ipxe",
                "2 GET http://192.168.122.1/a.ipxe", "2.1 STATUS 200 leave", "3000 QUIET")  # fmt: skip
    assert play.verdict == ("handed-off", None)


def leased(time: int, file: str) -> tuple[str, ...]:
    return (f"{time} DISCOVER ipxe-efi-x64", f"{time}.1 OFFER file={file}", f"{time}.2 REQUEST", f"{time}.3 ACK file={file}")  # fmt: skip


AGAIN = (*leased(0, "ipxe.efi"), "2 RRQ ipxe.efi", "3 WHOLE pe-x64")


def test_ipxe_that_is_handed_ipxe_again_is_a_loop() -> None:
    assert Play(*AGAIN, *leased(8, "ipxe.efi")).verdict == ("stalled", "chain")
    assert Play(*AGAIN, *leased(8, "ipxe.efi"), "10 RRQ ipxe.efi", "11 WHOLE pe-x64").verdict == ("stalled", "chain")


def test_ipxe_of_a_rom_may_load_a_newer_one_that_is_given_something_else() -> None:
    assert Play(*AGAIN).verdict == ("in-progress", None)
    assert Play(*AGAIN, "8 DISCOVER ipxe-efi-x64").verdict == ("in-progress", None)
    assert Play(*AGAIN, *leased(8, "boot.ipxe")).verdict == ("in-progress", None)
    assert Play(*AGAIN, "60 QUIET").verdict == ("stalled", "chain")


def test_an_ordinary_client_does_not_boot_whatever_the_server_offers() -> None:
    play = Play("0 DISCOVER plain", "0.1 OFFER file=pxelinux.0", "0.2 REQUEST", "0.3 ACK file=pxelinux.0")
    assert play.verdict == ("not-booting", None)
    assert play.machine.findings == ()


def test_one_icmp_error_is_no_verdict_two_are() -> None:
    assert Play(*PXE, "1 RRQ boot.efi", "1.1 ICMP").verdict == ("in-progress", None)
    assert Play(*PXE, "1 RRQ boot.efi", "1.1 ICMP", "5 RRQ boot.efi again=yes", "5.1 ICMP").verdict == (
        "stalled",
        "tftp",
    )


def test_unanswered_requests_stall_when_the_silence_is_longer_than_the_clients_own() -> None:
    asked = (*PXE, "1 RRQ boot.efi", "5 RRQ boot.efi again=yes")
    assert Play(*asked, "10 QUIET").verdict == ("in-progress", None)
    assert Play(*asked, "30 QUIET").verdict == ("stalled", "tftp")


def test_a_loader_that_never_asks_for_anything_has_not_started() -> None:
    moved = Play(*LOADED, "9 SOLICIT efi-x64-pxe")
    assert moved.verdict == ("stalled", "nbp")


def test_a_whole_file_of_unknown_kind_and_silence_is_no_stall() -> None:
    assert Play(*LOADED, "300 QUIET").verdict == ("in-progress", None)


def test_two_naks_are_a_stall_one_is_not() -> None:
    asked = ("0 DISCOVER bios-pxe", "0.1 OFFER file=pxelinux.0", "0.2 REQUEST", "0.3 NAK")
    assert Play(*asked).verdict == ("in-progress", None)
    assert Play(*asked, "2 DISCOVER bios-pxe", "2.1 OFFER file=pxelinux.0", "2.2 REQUEST", "2.3 NAK").verdict == (
        "stalled",
        "dhcp",
    )


def test_an_option_that_is_unanswered_in_the_os_stalls_there() -> None:
    play = Play(*LOADED, *GRUB, "60 DISCOVER d-i", "64 DISCOVER d-i secs=4", "70 DISCOVER d-i secs=10", "90 QUIET")
    assert play.verdict == ("stalled", "os")


def test_silence_is_noticed_by_deadline_while_watching() -> None:
    play = Play(*PXE, "1 RRQ boot.efi", watching=True)
    play.engine.watch()
    play.engine.changed.clear()
    deadline = play.engine.deadline()
    assert deadline is not None
    play.engine.advance(deadline + 30_000_000_000)
    assert play.engine.changed == {play.mac}
    assert play.record.boots[-1].status == "stalled"


def solicits(kind: str, advertise: str, quiet_at: int) -> tuple[object, object]:
    """The verdict on the four SOLICITs of UEFI firmware, each answered by this ADVERTISE."""
    told = [line for at in (0, 4, 12, 28) for line in (f"{at} SOLICIT {kind}", f"{at}.1 {advertise}")]
    return Play(*told, f"{quiet_at} QUIET").verdict


@pytest.mark.parametrize(
    ("kind", "refused", "taken"),
    [
        ("efi-x64-pxe", "ADVERTISE", "ADVERTISE url=tftp://[fd00::1]/x.efi"),
        (
            "efi-x64-http",
            "ADVERTISE url=http://[fd00::1]/x.efi",
            "ADVERTISE url=http://[fd00::1]/x.efi echo=HTTPClient",
        ),
    ],
)
def test_an_advertise_that_firmware_cannot_use(kind: str, refused: str, taken: str) -> None:
    assert solicits(kind, refused, 31) == ("in-progress", None)
    assert solicits(kind, refused, 34) == ("stalled", "dhcp")
    assert solicits(kind, taken, 34) == ("in-progress", None)


def test_a_capture_of_dhcp_alone_cannot_show_that_nothing_was_fetched() -> None:
    play = Play("0 DISCOVER efi-x64-pxe", "0.1 OFFER file=boot.efi", "0.2 REQUEST", "0.3 ACK file=boot.efi", "90 QUIET")
    assert play.verdict == ("stalled", "tftp")
    play.engine.world.quality.sees_fetches = False
    assert play.machine.status == "in-progress"


def test_a_phone_that_fetches_its_settings_does_not_boot() -> None:
    play = Play(
        "0 DISCOVER plain", "0.1 OFFER", "0.2 REQUEST", "0.3 ACK", "1 RRQ jar70sccp.9-4-2SR4.sbn", "1.1 ERROR 1"
    )
    assert play.verdict == ("not-booting", None)


def test_an_old_client_without_a_vendor_class_boots_by_what_it_fetches() -> None:
    play = Play("0 DISCOVER plain", "0.1 OFFER", "0.2 REQUEST", "0.3 ACK", "1 RRQ pxelinux.0", "1.1 ERROR 1")
    assert play.verdict == ("in-progress", None)  # it may go on at once
    assert play.until(4).verdict == ("stalled", "tftp")


def test_a_script_that_asks_for_the_same_over_and_over_stays_stalled() -> None:
    play = Play(*PXE, "1 RRQ boot.efi", "1.1 ERROR 1")
    assert play.until(4).verdict == ("stalled", "tftp")
    play.line("6 RRQ boot.efi")
    assert play.verdict == ("stalled", "tftp")
    play.line("6.1 ERROR 1")
    assert play.verdict == ("stalled", "tftp")
    play.line("11 RRQ boot.efi")
    play.line("11.1 OACK tsize=5000")
    assert play.machine.status == "in-progress"


def test_a_program_that_begins_with_dhcp_again_and_asks_for_the_same_is_stalled_at_once() -> None:
    turn = ("DISCOVER ipxe-efi-x64", "OFFER", "REQUEST", "ACK", "RRQ a.ipxe", "ERROR 1")
    play = Play(*(line.replace("boot.efi", "ipxe.efi") for line in PXE), "1 RRQ ipxe.efi", "2 WHOLE pe-x64")
    for step, line in enumerate(turn):
        play.line(f"{4 + step / 10} {line}")
    assert play.until(8).verdict == ("stalled", "tftp")
    for step, line in enumerate(turn):
        play.line(f"{10 + step / 10} {line}")
    assert play.verdict == ("stalled", "tftp")


def test_what_the_receiver_acknowledged_is_whole_although_the_capture_has_gaps() -> None:
    play = Play(*PXE, "1 RRQ boot.efi", "1.1 OACK tsize=5000", "1.2 DATA 2000")
    assert play.transfer is not None
    play.transfer.acked_block = 4  # 4 x 1468 bytes: the fourth block was the short one
    play.transfer.block_size = 1468
    play.line("2 SOLICIT efi-x64-pxe")
    assert play.fetches == ["complete"]
    assert play.verdict == ("stalled", "nbp")


def test_acknowledgements_without_data_prove_nothing() -> None:
    play = Play(*PXE, "1 RRQ boot.efi")
    assert play.transfer is not None
    play.transfer.ack_count = 7
    play.line("2 RRQ grub/grub.cfg blksize=1024")
    assert play.fetches[0] == "in-progress"


def test_a_body_with_gaps_that_came_to_its_end_is_whole_once_the_client_goes_on() -> None:
    play = Play("0 DISCOVER ipxe-bios", "0.1 OFFER file=http://192.168.122.1/a.ipxe", "1 REQUEST", "1.1 ACK file=http://192.168.122.1/a.ipxe",
                "2 GET http://192.168.122.1/a.ipxe", "2.1 STATUS 200 script", "3 GET http://192.168.122.1/linux", "4 STATUS 200 kernel")  # fmt: skip
    exchange = play.exchange
    assert exchange is not None
    exchange.complete = False
    exchange.content_length = exchange.body.reached = 1000
    play.line("4.1 GET http://192.168.122.1/initrd.gz")
    play.line("6 STATUS 200 gzip")
    assert play.fetches == ["complete", "complete", "complete"]
    exchange.body.reached = 900
    assert play.fetches != ["complete", "complete", "complete"]


def test_the_url_keeps_a_leading_slash() -> None:
    fetches = [fetch for stage in Play(*LOADED, *GRUB).machine.boots[0].stages for fetch in stage.fetches]
    assert fetches[0].url == "tftp://192.168.122.1/boot.efi"
    assert fetches[-1].url == "tftp://192.168.122.1//initrd.gz"


def test_a_refused_head_is_a_probe_when_the_get_follows() -> None:
    url = "http://192.168.122.1/x.efi"
    offer = f"file={url} echo=HTTPClient"
    lease = ("0 DISCOVER efi-x64-http", f"0.1 OFFER {offer}", "0.2 REQUEST", f"0.3 ACK {offer}")
    refused = (*lease, f"1 HEAD {url}", "1.1 STATUS 405")
    assert Play(*refused).fetches == ["failed"]
    assert Play(*refused, f"1.2 GET {url}", "1.3 STATUS 200 pe-x64").fetches == ["probe", "complete"]


def test_a_resumed_download_is_what_its_first_part_was() -> None:
    url = "http://192.168.122.1/x.efi"
    offer = f"file={url} echo=HTTPClient"
    play = Play("0 DISCOVER efi-x64-http", f"0.1 OFFER {offer}", "0.2 REQUEST", f"0.3 ACK {offer}", f"1 GET {url}", "1.3 STATUS 200 pe-x64",
                f"2 GET {url}", "2.1 STATUS 206 gzip Content-Range=bytes_700-799/800")  # fmt: skip
    contents = [fetch.content for stage in play.machine.boots[0].stages for fetch in stage.fetches]
    assert contents[0] == contents[1]
    assert "EFI" in (contents[1] or "")


def test_the_raspberry_pi_looks_in_two_places_and_u_boot_takes_the_directory() -> None:
    lease = ("0 DISCOVER raspberry", "0.1 OFFER", "0.2 REQUEST", "0.3 ACK")
    missing = ("1 RRQ a1b2c3d4/start4.elf", "1.1 ERROR 1")
    assert Play(*lease, *missing).fetches == ["failed"]
    assert Play(*lease, *missing, "1.2 RRQ start4.elf", "1.3 WHOLE text").fetches == ["optional", "complete"]
    u_boot = ("0 DISCOVER u-boot-armv8", "0.1 OFFER file=rpi3/boot.conf", "0.2 REQUEST", "0.3 ACK file=rpi3/boot.conf",
              "1 RRQ rpi3/boot.conf", "1.1 ERROR 1", "1.2 RRQ rpi3/pxelinux.cfg/default")  # fmt: skip
    assert Play(*u_boot, "1.3 ERROR 1").fetches == ["failed", "optional"]
    assert Play(*u_boot, "1.3 WHOLE text").fetches == ["optional", "complete"]


def test_a_refused_head_is_a_probe_only_when_the_file_then_comes() -> None:
    asked = ("0 DISCOVER efi-x64-http", "0.1 OFFER file=http://192.168.122.1/x.efi echo=HTTPClient", "0.2 REQUEST",
             "0.3 ACK file=http://192.168.122.1/x.efi echo=HTTPClient", "1 HEAD http://192.168.122.1/x.efi")  # fmt: skip
    missing = Play(*asked, "1.1 STATUS 404", "1.2 GET http://192.168.122.1/x.efi", "1.3 STATUS 404")
    assert missing.fetches == ["failed", "failed"]
    there = Play(*asked, "1.1 STATUS 405", "1.2 GET http://192.168.122.1/x.efi", "1.3 STATUS 200 pe-x64")
    assert there.fetches == ["probe", "complete"]


def test_machines_beyond_the_bound_go_many_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bootsniff.track.roster.MAX_MACHINES", 32)
    play = Play(*(f"{number} DISCOVER plain mac=02:00:00:00:00:{number:02x}" for number in range(40)))
    machines = play.engine.world.machines
    assert len(machines) <= 32
    assert "02:00:00:00:00:27" in machines
    assert "02:00:00:00:00:00" not in machines
    assert play.engine.world.counters["evicted_machines"] == 40 - len(machines)
