"""Handshakes that fail: each is told by one rule, whatever ends it."""

from __future__ import annotations

from itertools import product

import pytest

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
