"""Handshakes that fail: each is told by one rule, whatever ends it."""

from __future__ import annotations

from itertools import product

import pytest

from bootsniff.flow.records import TlsHandshake
from bootsniff.model import NANOSECONDS

from .scene import Scene
from .scenes_transfer import handshake

ABOUT_CERTIFICATES = (42, 43, 44, 45, 46, 112)
ALERTS = (10, 40, *ABOUT_CERTIFICATES, 47, 48, 49, 50, 51, 70, 71, 80, 86, 90, 109, 110, 115, 116, 120)


def told(alert: int | None, *, by_client: bool, answered: bool, wants: bool) -> dict[str, str]:
    """Codes and confidences of what is said of a handshake that ends so."""
    scene = handshake(alert, by_client=by_client, answered=answered)
    tls = scene.here.connections[0].tls
    assert tls is not None
    tls.wants_certificate = wants
    return {finding.code: finding.confidence for finding in scene.findings()}


@pytest.mark.parametrize("alert", [None, *ALERTS])
def test_every_handshake_that_fails_is_told_once(alert: int | None) -> None:
    for by_client, answered, wants in product((True, False), repeat=3):
        if wants and not answered:
            continue  # a server asks for a certificate behind its ServerHello
        assert len(told(alert, by_client=by_client, answered=answered, wants=wants)) == 1, (by_client, answered, wants)


@pytest.mark.parametrize(
    ("alert", "by_client", "answered", "wants", "code", "confidence"),
    [
        (40, False, False, False, "tls-cipher", "likely"),
        (71, False, False, False, "tls-cipher", "certain"),
        (40, True, False, False, "tls-handshake-failed", "certain"),
        (71, True, False, False, "tls-handshake-failed", "certain"),
        (71, True, True, False, "tls-handshake-failed", "certain"),
        (40, False, True, False, "tls-handshake-failed", "certain"),
        (70, False, False, False, "tls-version", "certain"),
        (70, True, True, False, "tls-version", "certain"),
        (48, True, True, False, "tls-unknown-ca", "certain"),
        (None, True, True, False, "tls-unknown-ca", "likely"),
        (None, True, True, True, "tls-handshake-failed", "likely"),
        (42, True, True, False, "tls-certificate", "certain"),
        (45, True, True, True, "tls-certificate", "certain"),
        (112, False, True, False, "tls-certificate", "certain"),
        (40, False, True, True, "tls-client-certificate", "likely"),
        (42, False, True, True, "tls-client-certificate", "likely"),
        (44, False, True, True, "tls-client-certificate", "likely"),
        (45, False, True, True, "tls-client-certificate", "likely"),
        (46, False, True, True, "tls-client-certificate", "likely"),
        (40, True, True, True, "tls-handshake-failed", "certain"),
        (112, False, True, True, "tls-handshake-failed", "certain"),
        (116, False, True, True, "tls-client-certificate", "certain"),
        (80, False, True, True, "tls-handshake-failed", "certain"),
    ],
)
def test_who_says_what_and_when_tells_the_cause(
    alert: int | None, by_client: bool, answered: bool, wants: bool, code: str, confidence: str
) -> None:
    assert told(alert, by_client=by_client, answered=answered, wants=wants) == {code: confidence}


def test_the_versions_that_a_machine_offers_are_named() -> None:
    scene = handshake(70, by_client=False, answered=False)
    finding = scene.finding("tls-version")
    assert finding is not None
    assert finding.summary.endswith("the machine offers 1.2")
    tls = scene.here.connections[0].tls
    assert tls is not None
    tls.client_hello.versions = ()
    finding = scene.finding("tls-version")
    assert finding is not None
    assert finding.summary.endswith("the machine offers none that could be read")


DAY = 24 * 3600 * NANOSECONDS


def certified(
    alert: int | None = None, *, host: str = "boot.lan", client: str = "ipxe-efi-x64"
) -> tuple[Scene, TlsHandshake]:
    scene = handshake(alert, client=client)
    tls = scene.here.connections[0].tls
    assert tls is not None
    tls.client_hello.server_name = host
    return scene, tls


@pytest.mark.parametrize(
    ("begins", "ends", "client", "why"),
    [
        (-DAY, DAY, "ipxe-efi-x64", None),
        (None, None, "ipxe-efi-x64", None),
        (-2 * DAY, -DAY, "ipxe-efi-x64", "it has expired"),
        (DAY, 2 * DAY, "ipxe-efi-x64", "it is not valid yet"),
        (DAY, 2 * DAY, "efi-x64-http", None),
    ],
)
def test_when_a_certificate_is_valid(begins: int | None, ends: int | None, client: str, why: str | None) -> None:
    scene, tls = certified(client=client)
    now = tls.client_hello_at.time
    assert tls.certificate is not None
    tls.certificate.not_before = now + begins if begins is not None else None
    tls.certificate.not_after = now + ends if ends is not None else None
    (finding,) = scene.findings()
    assert finding.code == ("tls-unknown-ca" if why is None else "tls-certificate")
    assert finding.confidence == "likely"
    assert why is None or finding.summary.endswith(why)


@pytest.mark.parametrize(
    ("host", "names", "fits"),
    [
        ("boot.lan", ("boot.lan",), True),
        ("boot.lan", ("BOOT.lan",), True),
        ("boot.lan", ("www.lan", "boot.lan"), True),
        ("boot.lan", (), True),
        ("boot.lan", ("*.lan",), True),
        ("a.boot.lan", ("*.lan",), False),
        ("lan", ("*.lan",), False),
        ("boot.lan", ("www.lan",), False),
        ("boot.lan", ("lan",), False),
    ],
)
def test_for_whom_a_certificate_is(host: str, names: tuple[str, ...], fits: bool) -> None:
    scene, tls = certified(host=host)
    assert tls.certificate is not None
    tls.certificate.names, tls.certificate.not_after = names, None
    (finding,) = scene.findings()
    assert finding.code == ("tls-unknown-ca" if fits else "tls-certificate")
    assert fits or finding.summary.endswith(f"it is for {names[0]}")


def test_an_alert_about_something_else_goes_before_what_the_certificate_says() -> None:
    scene, tls = certified(80)
    assert tls.certificate is not None
    tls.certificate.names = ("www.lan",)
    assert scene.codes() == {"tls-handshake-failed"}


@pytest.mark.parametrize(("bits", "code"), [(1024, "tls-handshake-failed"), (2048, "tls-unknown-ca"),
                                            (256, "tls-unknown-ca"), (521, "tls-unknown-ca"), (None, "tls-unknown-ca")])  # fmt: skip
def test_keys_that_are_too_weak_for_firmware(bits: int | None, code: str) -> None:
    scene, tls = certified()
    assert tls.certificate is not None
    tls.certificate.not_after, tls.certificate.key_bits = None, bits
    assert scene.codes() == {code}


@pytest.mark.parametrize(
    ("leaves", "code", "confidence"),
    [
        ("fin", "tls-unknown-ca", "likely"),
        ("reset", "tls-unknown-ca", "likely"),
        ("server", "tls-handshake-failed", "likely"),
        ("nobody", "tls-handshake-failed", "possible"),
    ],
)
def test_who_leaves_at_the_certificate(leaves: str, code: str, confidence: str) -> None:
    scene, tls = certified()
    assert tls.certificate is not None
    tls.certificate.not_after = None
    connection = scene.here.connections[0]
    connection.fin_from_client = scene.at(1.4) if leaves == "fin" else None
    if leaves in ("reset", "server"):
        connection.reset, connection.reset_by_client = scene.at(1.4), leaves == "reset"
    (finding,) = scene.findings()
    assert (finding.code, finding.confidence) == (code, confidence)
    assert ("the server resets" in finding.summary) == (leaves == "server")


@pytest.mark.parametrize("wants", [True, False])
def test_who_leaves_where_the_server_asks_for_a_certificate(wants: bool) -> None:
    scene, tls = certified()
    tls.wants_certificate = wants
    assert tls.certificate is not None
    tls.certificate.not_after = None
    scene.here.connections[0].fin_from_client = scene.at(1.4)
    (finding,) = scene.findings()
    assert (finding.code == "tls-handshake-failed") == wants
    assert ("asks for one of the machine's, too" in finding.summary) == wants
    assert any("ssl_verify_client off" in fix.text for fix in finding.fixes) == wants


@pytest.mark.parametrize(("server", "again"), [("192.168.122.1", False), ("192.168.122.2", True)])
def test_another_try_that_gets_through_makes_up_for_one_at_the_same_server(server: str, again: bool) -> None:
    scene, tls = certified(40)
    later = scene.connection(3, port=443, server=server)
    later.tls = TlsHandshake(tls.client_hello, scene.at(3.1))
    later.tls.application_bytes_from_client = 300
    assert bool(scene.codes()) is again
    scene, tls = certified(40)
    before = scene.connection(0.6, port=443)
    before.tls = TlsHandshake(tls.client_hello, scene.at(0.7))
    before.tls.application_bytes_from_client = 300
    assert scene.codes()
