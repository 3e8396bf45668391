"""Names in one form, whatever strangers put where a host should stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.track.naming import plain_path, role_by_name, same_file


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
