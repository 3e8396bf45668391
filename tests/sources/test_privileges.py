"""Who a process becomes, and whether that one may write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bootsniff.errors import CaptureError, UsageError
from bootsniff.sources.privileges import came_through_sudo, check_writable, drop_privileges, target_account

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give it up")
pytestmark = [pytest.mark.root, as_root]


def test_sudos_caller_or_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "65534")
    caller = target_account()
    assert caller is not None
    assert (caller.user, came_through_sudo(caller)) == (65534, True)
    monkeypatch.delenv("SUDO_UID")
    nobody = target_account()
    assert nobody is not None
    assert nobody.user != 0
    assert not came_through_sudo(nobody)


@pytest.mark.parametrize("text", ["0", "x", ""])
def test_a_senseless_caller_is_nobody(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", text)
    account = target_account()
    assert account is not None
    assert not account.is_root


def test_a_caller_that_no_directory_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", "4242424")
    monkeypatch.setenv("SUDO_GID", "4242425")
    account = target_account()
    assert account is not None
    assert (account.user, account.group, account.groups) == (4242424, 4242425, (4242425,))


def test_a_user_by_name() -> None:
    root = target_account("root")
    assert root is not None
    assert root.is_root
    drop_privileges(root)
    assert os.geteuid() == 0
    with pytest.raises(UsageError, match="no user"):
        target_account("no-such-user")


def test_there_is_no_way_back() -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            account = target_account("nobody")
            assert account is not None
            drop_privileges(account)
            assert os.getresuid() == (account.user,) * 3
            assert os.getresgid() == (account.group,) * 3
            assert 0 not in os.getgroups()
            try:
                os.setuid(0)
            except PermissionError:
                status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_writing_is_asked_as_the_other(tmp_path: Path) -> None:
    account = target_account("nobody")
    assert account is not None
    for folder in (tmp_path, *tmp_path.parents):
        if folder.owner() == "root" and str(folder).startswith("/tmp/"):  # noqa: S108
            folder.chmod(0o755)
    path = tmp_path / "x.pcapng"
    with pytest.raises(CaptureError, match="nobody may not write"):
        check_writable(path, account)
    tmp_path.chmod(0o777)
    check_writable(path, account)
    path.write_text("")
    path.chmod(0o644)
    with pytest.raises(CaptureError):
        check_writable(path, account)
    os.chown(path, account.user, account.group)
    check_writable(path, account)
    assert os.geteuid() == 0
