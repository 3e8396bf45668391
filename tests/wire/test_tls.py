"""TLS handshakes and certificates: real ones made by the ssl module in memory, and under mutilation."""

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.errors import Malformed
from bootsniff.wire import tls, x509
from bootsniff.wire.transfers import TlsAlert

# A throw-away key and certificate (prime256v1, CN "old only", 2026-11-21 to 2081-08-24), used nowhere else.
EC_KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgiRbeekjWK4ajutaH
gNUZ7SjZCdW5r5Als8hGfsm8ijihRANCAAThO6W6PCBy9lEDk27he16g9Cf+TtIv
zKjjWkP6wmxEmIgveJw0iSagf6ZQ58U6nseAtNyfk2/5OSiZVt5gP76z
-----END PRIVATE KEY-----
"""
EC_CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBfjCCASOgAwIBAgIUFDgZY8Vd9LHkMo+c5elGBz/mxrMwCgYIKoZIzj0EAwIw
EzERMA8GA1UEAwwIb2xkIG9ubHkwIBcNMjYxMTIxMDk0MTM4WhgPMjA4MTA4MjQw
OTQxMzhaMBMxETAPBgNVBAMMCG9sZCBvbmx5MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE4TulujwgcvZRA5Nu4XteoPQn/k7SL8yo41pD+sJsRJiIL3icNIkmoH+m
UOfFOp7HgLTcn5Nv+TkomVbeYD++s6NTMFEwHQYDVR0OBBYEFARvxr3eAXwVY998
+o73lSOkHK+NMB8GA1UdIwQYMBaAFARvxr3eAXwVY998+o73lSOkHK+NMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAwRgIhAOohqVybT0F022mGHCtlMvW6
T0ITjiS0fHhN7aFD3V1AAiEAlGpVJqwWFMZp4m3Iu2DSJ3vERFrVsRaFsDKySrbZ
Z0k=
-----END CERTIFICATE-----
"""
# RSA 2048, CN boot.lan, names boot.lan, *.lan, 10.0.0.1; 2026-11-21 to 2027-11-21.
RSA_CERTIFICATE = bytes.fromhex(
    "3082035f30820247a00302010202141381c03e186aa999ef13963ba890aba55239d71d300d06092a864886f70d01010b0500302e310b"
    "3009060355040613024445310c300a060355040a0c034c61623111300f06035504030c08626f6f742e6c616e301e170d323631313231"
    "3039343133385a170d3237313132313039343133385a302e310b3009060355040613024445310c300a060355040a0c034c6162311130"
    "0f06035504030c08626f6f742e6c616e30820122300d06092a864886f70d01010105000382010f003082010a0282010100f38fbedecc"
    "6f39afec75597d2e7a8fb2559851c6aadb93edcb8ff556f3e3531f009e93c43b6f5608e227317319406739604f591c798074e448732c"
    "10bedef55614b70e1956e89dc52b32b1e44088cc0fca7d93ecae442b38ae49945a31d7776babe195ebc58a6f254bd3b45d8ea925c3b5"
    "e3bd43d68a124be22a01babb23095b127326f9c9cec67089efdafdd4a250cfc9f21270e3385fb2fc2c814564585b608575e9e8b73c28"
    "d7eab2aea006a99e1340c0eb7268e1e894113fec1431e4eb647d22556a38df34dc2bc6de096e4d0bdad74911527c2106002b7e829a96"
    "2f8d51ab8361791f6454529c83d5457cf6153491b8576d42b452db9b73898e65f731e10203010001a3753073301d0603551d0e041604"
    "14b2dea625304c6e2fb817b9ab2d06187b5d28bf56301f0603551d23041830168014b2dea625304c6e2fb817b9ab2d06187b5d28bf56"
    "300f0603551d130101ff040530030101ff30200603551d11041930178208626f6f742e6c616e82052a2e6c616e87040a000001300d06"
    "092a864886f70d01010b05000382010100326345751ada88e537502203e5cc917160cf51f07a861366d1e16debf8b48547cdedb2a3fd"
    "2d61c217d4af1737e97c10e414d58204278dae5cb3503b98d67820ccab78417909498d51bea545fb6ec551cbfa8298bc902022d01e43"
    "56ffc9ce48acdd6cdcaac255ebb4bd3afc97725512a1dadd0eb2aceab747cb7e60b6199d0d679fd38034ec8ab7677a14af7b5c413f13"
    "c1552962eaaf81cc269af43b035126d0e3bfc660deaa85bcf96246513516340326dad2dd8aa5bd3fecae19fd3f824508f452824fe2be"
    "09001639850e427dbca9133bd7bc8fd597b3d2b7f60c722351d986e5976fabfc4c29c7481f2a94bb37449798a9392df15917b980f61f"
    "fc8db8"
)


def handshake(tmp_path: Path, version: ssl.TLSVersion, *, verify: bool = False) -> tuple[bytes, bytes]:
    """What a client and a server say to each other, as two byte streams."""
    pem = tmp_path / "pair.pem"
    pem.write_text(EC_KEY + EC_CERTIFICATE)
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(pem)
    server_context.minimum_version = server_context.maximum_version = version
    client_context = ssl.create_default_context()
    if not verify:
        client_context.check_hostname = False
        client_context.verify_mode = ssl.CERT_NONE
    ends = [ssl.MemoryBIO() for _ in range(4)]
    client = client_context.wrap_bio(ends[0], ends[1], server_hostname="boot.lan")
    server = server_context.wrap_bio(ends[2], ends[3], server_side=True)
    said = [b"", b""]
    for _ in range(6):
        for index, (side, outgoing, peer) in enumerate(((client, ends[1], ends[2]), (server, ends[3], ends[0]))):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                said[index] += outgoing.read()
                return said[0], said[1]
            data = outgoing.read()
            said[index] += data
            peer.write(data)
    return said[0], said[1]


def test_tls_1_2(tmp_path: Path) -> None:
    client, server = map(tls.parse, handshake(tmp_path, ssl.TLSVersion.TLSv1_2))
    assert client.client_hello is not None
    assert client.client_hello.server_name == "boot.lan"
    assert set(client.client_hello.versions) >= {"1.2", "1.3"}
    assert 0xC02B in client.client_hello.ciphers
    assert server.server_hello is not None
    assert (server.server_hello.version, server.encrypted) == ("1.2", True)
    assert server.server_hello.cipher in client.client_hello.ciphers
    assert server.certificate is not None
    assert (server.certificate.subject, server.certificate.self_signed) == ("CN=old only", True)


def test_tls_1_3_hides_the_certificate(tmp_path: Path) -> None:
    _, said = handshake(tmp_path, ssl.TLSVersion.TLSv1_3)
    server = tls.parse(said)
    assert server.server_hello is not None
    assert (server.server_hello.version, server.certificate, server.encrypted) == ("1.3", None, True)
    assert server.application_bytes > 100
    assert tls.begins_tls(said)


def test_an_alert_in_the_clear(tmp_path: Path) -> None:
    said, _ = handshake(tmp_path, ssl.TLSVersion.TLSv1_2, verify=True)
    assert tls.parse(said).alerts == [TlsAlert(2, 48, "unknown_ca")]


def test_alerts_behind_encryption_are_not_read() -> None:
    assert tls.parse(b"\x14\3\3\0\1\1" + b"\x15\3\3\0\2\2\x28").alerts == []


def test_a_beginning_grows(tmp_path: Path) -> None:
    _, said = handshake(tmp_path, ssl.TLSVersion.TLSv1_2)
    whole = tls.parse(said)
    for size in range(0, len(said), 7):
        part = tls.parse(said[:size])
        assert part.consumed <= size
        assert part.server_hello in (None, whole.server_hello)
        assert part.certificate in (None, whole.certificate)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n", b"\x16\4\1\0\5hello", b"\x16\3\1\xff\xff", b"\x19\3\3\0\1\0"])
def test_no_tls(data: bytes) -> None:
    with pytest.raises(Malformed):
        tls.parse(data)


def test_values_that_only_keep_servers_tolerant_are_left_out() -> None:
    extensions = b"\0\x2b\0\5\4\x0a\x0a\3\4"
    body = (
        b"\3\3"
        + bytes(32)
        + b"\0"
        + b"\0\4\x1a\x1a\x13\x01"
        + b"\1\0"
        + len(extensions).to_bytes(2, "big")
        + extensions
    )
    message = b"\1" + len(body).to_bytes(3, "big") + body
    hello = tls.parse(b"\x16\3\1" + len(message).to_bytes(2, "big") + message).client_hello
    assert hello is not None
    assert (hello.versions, hello.ciphers, hello.server_name) == (("1.3",), (0x1301,), None)


def test_a_certificate_with_names() -> None:
    read = x509.parse(RSA_CERTIFICATE)
    assert (read.subject, read.issuer) == ("C=DE, O=Lab, CN=boot.lan", "C=DE, O=Lab, CN=boot.lan")
    assert (read.names, read.self_signed, read.key_bits) == (("boot.lan", "*.lan", "10.0.0.1"), True, 2048)
    assert (read.not_before, read.not_after) == (1795254098 * 10**9, 1826790098 * 10**9)


def test_a_certificate_that_outlives_two_digit_years() -> None:
    read = x509.parse(ssl.PEM_cert_to_DER_cert(EC_CERTIFICATE))
    assert (read.names, read.key_bits, read.not_after) == (("old only",), 256, 3523254098 * 10**9)


SAMPLES = [RSA_CERTIFICATE, ssl.PEM_cert_to_DER_cert(EC_CERTIFICATE)]


@given(st.sampled_from(SAMPLES), st.integers(0, 900), st.integers(0, 255), st.integers(0, 900))
def test_mutilated_certificates(sample: bytes, where: int, value: int, cut: int) -> None:
    data = bytearray(sample)
    data[where % len(data)] = value
    for attempt in (bytes(data), bytes(data[:cut])):
        try:
            x509.parse(attempt)
        except Malformed:
            continue


RECORDS = b"".join(
    b"\x16\3\3" + (len(body) + 4).to_bytes(2, "big") + kind + len(body).to_bytes(3, "big") + body
    for kind, body in (
        (b"\1", b"\3\3" + bytes(32) + b"\0\0\2\xc0\x2b\1\0\0\x10\0\0\0\x0c\0\x0a\0\0\7abc.lan"),
        (b"\2", b"\3\3" + bytes(32) + b"\0\xc0\x2b\0"),
        (
            b"\x0b",
            len(RSA_CERTIFICATE + b"123").to_bytes(3, "big")
            + len(RSA_CERTIFICATE).to_bytes(3, "big")
            + RSA_CERTIFICATE,
        ),
    )
)


def test_messages_put_together_by_hand() -> None:
    stream = tls.parse(RECORDS + b"\x15\3\3\0\2\1\0")
    assert stream.client_hello is not None
    assert (stream.client_hello.server_name, stream.client_hello.ciphers) == ("abc.lan", (0xC02B,))
    assert stream.server_hello is not None
    assert (stream.server_hello.version, stream.server_hello.cipher) == ("1.2", 0xC02B)
    assert stream.certificate is not None
    assert stream.certificate.names[0] == "boot.lan"
    assert stream.alerts == [TlsAlert(1, 0, "close_notify")]


@given(st.integers(0, len(RECORDS)), st.binary(max_size=60), st.integers(0, len(RECORDS) - 1), st.integers(0, 255))
def test_mutilated_handshakes(cut: int, tail: bytes, where: int, value: int) -> None:
    data = bytearray(RECORDS)
    data[where] = value
    try:
        stream = tls.parse(bytes(data[:cut]) + tail)
    except Malformed:
        return
    assert stream.consumed <= cut + len(tail)


@given(st.binary(max_size=200))
def test_noise(data: bytes) -> None:
    for start in (b"", b"\x16\3\1\0\x64", b"\x16\3\3\0\x20\1\0\0\x1c"):
        try:
            tls.parse(start + data)
        except Malformed:
            continue
    try:
        x509.parse(data)
    except Malformed:
        return
