"""Giving up root once the sockets are open, for good; and who the user behind sudo is."""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from ..errors import CaptureError, UsageError


class Account(Struct, frozen=True):
    """Who a process runs as."""

    name: str
    user: int
    group: int
    groups: tuple[int, ...]
    home: str

    @property
    def is_root(self) -> bool:
        return self.user == 0


def is_root() -> bool:
    return os.geteuid() == 0


def target_account(name: str | None = None) -> Account | None:
    """Who to become after the sockets are open: `name`, else who called sudo, else nobody. None when not root.

    Raises UsageError for a name that does not exist.
    """
    if not is_root():
        return None
    if name is not None:
        try:
            return _account(pwd.getpwnam(name))
        except KeyError as error:
            raise UsageError(f"there is no user {name}") from error
    sudo = os.environ.get("SUDO_UID", "")
    if sudo.isdigit() and sudo != "0":
        try:
            return _account(pwd.getpwuid(int(sudo)))
        except KeyError:
            # A user of a directory service that root cannot ask right now.
            group = os.environ.get("SUDO_GID", "")
            number = int(group) if group.isdigit() else int(sudo)
            return Account(sudo, int(sudo), number, (number,), "/")
    try:
        return _account(pwd.getpwnam("nobody"))
    except KeyError:
        return Account("nobody", 65534, 65534, (65534,), "/")


def came_through_sudo(account: Account) -> bool:
    return os.environ.get("SUDO_UID") == str(account.user)


def _account(entry: pwd.struct_passwd) -> Account:
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def drop_privileges(account: Account) -> None:
    """Become `account` in this process and all it starts; there is no way back.

    Raises CaptureError when the kernel refuses or a way back is left: going on as root would be a lie.
    """
    if account.is_root:
        return
    try:
        os.setgroups(account.groups)
        os.setresgid(account.group, account.group, account.group)
        os.setresuid(account.user, account.user, account.user)
    except OSError as error:
        raise CaptureError(f"cannot become {account.name}: {os.strerror(error.errno or 0)}") from error
    try:
        os.setresuid(0, 0, 0)
    except PermissionError:
        os.environ["HOME"] = account.home
        os.environ["USER"] = os.environ["LOGNAME"] = account.name
        return
    raise CaptureError(f"still root after becoming {account.name}")


def check_writable(path: Path, account: Account) -> None:
    """Whether `account` may create or overwrite `path`. Raises CaptureError with what to do about it."""
    if not _as_account(account, lambda: _may_write(path)):
        raise CaptureError(
            f"{account.name} may not write {path}: root's rights are given up before anything is recorded; "
            f"name a file where {account.name} may write, or another user with -Z"
        )


def may_import(account: Account) -> bool:
    """Whether `account` may read this Python and its packages: not when they are below /root, for example."""
    needed = [name for name in (os.__file__, __file__, *sys.path) if name and Path(name).exists()]
    return _as_account(account, lambda: all(os.access(name, os.R_OK) for name in needed))


def _as_account(account: Account, question: Callable[[], bool]) -> bool:
    """Asks in a child process that has become `account`."""
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        status = 1
        try:
            drop_privileges(account)
            status = 0 if question() else 1
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return status == 0


def _may_write(path: Path) -> bool:
    if path.exists():
        return path.is_file() and os.access(path, os.W_OK)
    return os.access(path.parent, os.W_OK | os.X_OK)
