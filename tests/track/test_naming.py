"""Names in one form, whatever strangers put where a host should stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.track.naming import fits, joined, pieces_of, plain_path, role_by_name, same_file


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/d-i//linux", "d-i/linux"),
        ("http://h/a%20b/linux?x=/y#z", "a b/linux"),
        ("HTTP://h", ""),
        ("http://h?x=/y", ""),
        ("tftp://[fd00::1]/x.efi", "x.efi"),
        ("http://[2J/x.efi", "x.efi"),
        ("http://[no address]:80/x.efi", "x.efi"),
        ("sub\\x.efi", "sub/x.efi"),
    ],
)
def test_plain_path(name: str, path: str) -> None:
    assert plain_path(name) == path


@given(st.text(alphabet="htp:/[]?#%2J.x\\@", max_size=40))
def test_any_host_is_taken(rest: str) -> None:
    name = "http://" + rest
    assert same_file(name, name)
    role_by_name(name)


@pytest.mark.parametrize(
    ("written", "asked", "same"),
    [
        ("${base}/linux", "http://192.168.122.1/debian/linux", True),
        ("${base}/linux", "http://192.168.122.1/linux", True),
        ("${base}/linux", "/linux", True),
        ("${base}/linux", "http://192.168.122.1/notlinux", False),
        ("http://h/boot/${net0/mac:hexhyp}.php?s=${serial}", "http://h/boot/52-54.php?s=1", True),
        ("http://h/boot/${net0/mac:hexhyp}.php?s=${serial}", "http://h/other/52-54.php?s=1", False),
        ("http://h/boot.php?mac=${mac}", "http://h/boot.php?mac=1", True),
        ("menu/${mac}", "http://h/some/where/menu/52-54", True),
        ("/menu/${mac}", "http://h/some/where/menu/52-54", False),
        ("a/${x}/b/${y}/c", "z/a/1/b/2/c", True),
        ("a/${x}/b/${y}/c", "z/a/1/c/2/b", False),
        ("aa${x}aa", "aaa", False),
        ("$prefix/x86.cfg", "(tftp)/boot/x86.cfg", True),
    ],
)
def test_names_with_variables(written: str, asked: str, same: bool) -> None:
    pieces = pieces_of(written)
    assert pieces is not None
    assert fits(pieces, asked) is same


@pytest.mark.parametrize("written", ["${url}", "${base}/${file}", "http://${next-server}/", "${a}/x/${b}"])
def test_a_name_that_may_be_anything_tells_nothing(written: str) -> None:
    assert pieces_of(written) is None


@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_a_name(written: str, asked: str) -> None:
    pieces = pieces_of(written)
    if pieces is not None:
        fits(pieces, asked)


@pytest.mark.parametrize(
    ("base", "name", "whole"),
    [
        ("http://h/a/menu.ipxe", "linux", "http://h/a/linux"),
        ("http://h/a/menu.ipxe?x=/y", "./b/linux", "http://h/a/b/linux"),
        ("http://h/a/menu.ipxe", "../linux?x=../y", "http://h/linux?x=../y"),
        ("http://h/a/menu.ipxe", "../../../linux", "http://h/linux"),
        ("http://h/a/menu.ipxe", "/linux", "http://h/linux"),
        ("http://h:8080", "linux", "http://h:8080/linux"),
        ("http://h/a", "//other/linux", "http://other/linux"),
        ("http://h/a", "tftp://other/linux", "tftp://other/linux"),
        ("http://h/a", "http://[x/linux", "http://[x/linux"),
        ("http://[x/a/menu.ipxe", "linux", "http://[x/a/linux"),
        ("menu/boot.ipxe", "linux", "linux"),
    ],
)
def test_names_in_scripts(base: str, name: str, whole: str) -> None:
    assert joined(base, name) == whole


@given(st.text(alphabet="htp:/[]?#%2J.x@", max_size=40), st.text(alphabet="htp:/[]?#%2J.x@", max_size=40))
def test_any_name_in_any_script_is_taken(base: str, name: str) -> None:
    joined(f"http://{base}", name)


@pytest.mark.parametrize(
    ("name", "optional"),
    [
        ("dtb/", True),
        ("dtb/current/board.dtb", True),
        ("/dtb/board.dtb", False),  # of a script, which needs it
        ("dtb/linux", False),
    ],
)
def test_uboot_goes_on_without_a_device_tree_for_an_efi_program(name: str, optional: bool) -> None:
    assert (role_by_name(name) == "optional") is optional
