"""How an ordinary user gets the right to capture, in one line for this host; changes nothing."""

from __future__ import annotations

import grp
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

_INSTALL = {
    "debian": "sudo apt install wireshark-common && sudo dpkg-reconfigure wireshark-common (answer yes)",
    "fedora": "sudo dnf install wireshark-cli",
    "rhel": "sudo dnf install wireshark-cli",
    "arch": "sudo pacman -S wireshark-cli",
    "suse": "sudo zypper install wireshark",
    "alpine": "sudo apk add wireshark-common",
}
"""By ID or ID_LIKE of os-release(5). All but Debian's packages give dumpcap its capabilities right away."""


def advice(release: str | None = None, words: Sequence[str] | None = None) -> str:
    """One line: what this user has to do to capture on this host. `words` are those of the call, without its name."""
    as_root = f"or as root: {sudo_line(sys.argv[1:] if words is None else words)}"
    family = distribution(_os_release() if release is None else release)
    program = shutil.which("dumpcap", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin:/usr/local/bin")
    if program is None:
        install = _INSTALL.get(family, "install dumpcap (it comes with Wireshark)")
        return f"{install}, then {_JOIN}; {as_root}"
    group = _group_of(program)
    if group is not None and group not in _own_groups():
        return f"{_JOIN.replace('wireshark', group, 1)}; {as_root}"
    if family == "debian":
        return f"sudo dpkg-reconfigure wireshark-common (answer yes), then {_JOIN}; {as_root}"
    return f"sudo setcap cap_net_raw,cap_net_admin+eip {program}; {as_root}"


_JOIN = 'sudo usermod -aG wireshark "$USER" and log in again'


def sudo_line(words: Sequence[str]) -> str:
    """How to make a call through sudo; by its whole path, because sudo does not look into virtual environments."""
    script = Path(sys.argv[0])
    if script.name == "__main__.py":
        return f"sudo {shlex.join([sys.executable, '-m', 'bootsniff', *words])}"
    found = shutil.which(script.name, path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
    try:
        here = script.resolve()
        program = script.name if found is not None and Path(found).resolve() == here else str(here)
    except OSError:
        program = str(script)
    return f"sudo {shlex.join([program, *words])}"


def distribution(release: str) -> str:
    """`debian`, `fedora`, `rhel`, `arch`, `suse`, `alpine` or empty, from the text of os-release(5)."""
    fields = dict(line.split("=", 1) for line in release.splitlines() if "=" in line)
    names = f"{fields.get('ID', '')} {fields.get('ID_LIKE', '')}".replace('"', " ").replace("'", " ").split()
    aliases = {"ubuntu": "debian", "opensuse": "suse", "sles": "suse", "centos": "rhel"}
    for name in names:
        known = aliases.get(name, name.partition("-")[0])
        if known in _INSTALL:
            return known
    return ""


def _os_release() -> str:
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            return Path(path).read_text("utf-8", "replace")
        except OSError:
            continue
    return ""


def _group_of(program: str) -> str | None:
    """The group that may run a dumpcap which others may not."""
    try:
        status = Path(program).stat()
        if status.st_mode & 0o001 or status.st_gid == 0:
            return None
        return grp.getgrgid(status.st_gid).gr_name
    except (OSError, KeyError):
        return None


def _own_groups() -> set[str]:
    names = set()
    for number in os.getgroups():
        try:
            names.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return names
