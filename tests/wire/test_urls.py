"""URLs taken apart and put together again; hosts that are names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.wire import urls
from bootsniff.wire.addresses import is_ipv4


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("http://h/a/b.efi", ("http", "", "h", None, "/a/b.efi", "")),
        ("HTTPS://Boot.Example:8443", ("https", "", "Boot.Example", 8443, "/", "")),
        ("tftp://[fd00::1]/boot.efi", ("tftp", "", "fd00::1", None, "/boot.efi", "")),
        ("http://[fd00::1]:8080/x", ("http", "", "fd00::1", 8080, "/x", "")),
        ("ftp://me:secret@h:2121/x", ("ftp", "me:secret", "h", 2121, "/x", "")),
        ("http://me@work:a:b@h/x", ("http", "me@work:a:b", "h", None, "/x", "")),
        ("http://h/a?next=http://other/b#c", ("http", "", "h", None, "/a", "?next=http://other/b#c")),
        ("http://h?a=@b", ("http", "", "h", None, "/", "?a=@b")),
        ("http://${next-server}/a", ("http", "", "${next-server}", None, "/a", "")),
        ("http:///a", ("http", "", "", None, "/a", "")),
        ("http://h:${port}/a", ("http", "", "h", None, "/a", "")),
        ("http://h:080/a", ("http", "", "h", 80, "/a", "")),
        ("http://h:0/a", ("http", "", "h", None, "/a", "")),
        ("http://h:999999/a", ("http", "", "h", None, "/a", "")),
        ("http://[h/a]", ("http", "", "[h", None, "/a]", "")),
    ],
)
def test_the_parts_of_a_url(text: str, parts: tuple[str, str, str, int | None, str, str]) -> None:
    assert urls.split(text) == parts


@pytest.mark.parametrize("text", ["", "boot/pxelinux.0", "/a://b", "192.168.1.1/x", "://h/a", "9p://h"])
def test_what_is_no_url(text: str) -> None:
    assert urls.split(text) is None
    assert urls.path_of(text) == text
    assert urls.host_of(text) == ""


@pytest.mark.parametrize(
    ("text", "port"),
    [("http://h/", 80), ("https://h/", 443), ("ftp://h/", 21), ("http://h:81/", 81), ("tftp://h/", None)],
)
def test_the_port_that_a_url_means(text: str, port: int | None) -> None:
    url = urls.split(text)
    assert url is not None
    assert url.tcp_port == port


@pytest.mark.parametrize("text", ["http://h/a", "http://me@[fd00::1]:81/a?b#c", "ftp://me:secret@h:2121/x"])
def test_a_url_is_put_together_again(text: str) -> None:
    url = urls.split(text)
    assert url is not None
    assert url.text == text


@given(st.text() | st.text("h0[]:@/?#%"))
def test_the_parts_of_any_url_make_it_again(text: str) -> None:
    url = urls.split(f"http://{text}")
    assert url is not None
    assert url.path.startswith("/")
    assert urls.split(url.text) == url


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("boot", True),
        ("boot.example", True),
        ("boot.example:69", True),
        ("10.0.0.1.example", True),
        ("", False),
        ("10.0.0.1", False),
        ("fd00::1", False),
        ("http://phone.example/", False),
    ],
)
def test_hosts_that_are_names(host: str, name: bool) -> None:
    assert urls.is_name(host) is name


@pytest.mark.parametrize(
    ("text", "is_address"),
    [("10.0.0.1", True), ("255.255.255.255", True), ("10.0.0.256", False), ("10.0.0", False), ("10.0.0.1:69", False)],
)
def test_what_is_an_ipv4_address(text: str, is_address: bool) -> None:
    assert is_ipv4(text) is is_address
