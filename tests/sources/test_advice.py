"""Advice for users without rights, and what is asked of dumpcap and of ssh."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootsniff.errors import UsageError
from bootsniff.sources import advice as module
from bootsniff.sources.advice import advice, distribution, sudo_line
from bootsniff.sources.remote import Remote, ssh_words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ID=debian\n", "debian"),
        ('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "debian"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "rhel"),
        ("ID=fedora\n", "fedora"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "suse"),
        ("ID=arch\n", "arch"),
        ("ID=plan9\n", ""),
        ("", ""),
    ],
)
def test_distributions(text: str, expected: str) -> None:
    assert distribution(text) == expected


@pytest.mark.parametrize("release", ["ID=debian", "ID=fedora", "ID=arch", "ID=alpine", "ID=plan9"])
@pytest.mark.parametrize("installed", [False, True])
def test_advice_is_one_line_and_never_about_python(
    release: str, installed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "dumpcap"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name, path=None: str(program) if installed else None)
    monkeypatch.setattr(sys, "argv", ["/opt/venv/bin/bootsniff", "live", "virbr0"])
    text = advice(release)
    assert "\n" not in text
    assert "sudo" in text
    assert "/opt/venv/bin/bootsniff live virbr0" in text
    assert "python" not in text
    assert ("setcap" in text) == (installed and release != "ID=debian")
    if "setcap" in text:
        assert f"setcap cap_net_raw,cap_net_admin+eip {program}" in text


def test_advice_names_the_group_that_may_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: "/usr/bin/dumpcap")
    monkeypatch.setattr(module, "_group_of", lambda program: "wireshark")
    monkeypatch.setattr(module, "_own_groups", lambda: {"users"})
    assert advice("ID=debian").startswith('sudo usermod -aG wireshark "$USER"')


def test_sudo_needs_no_path_for_a_tool_that_it_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "bootsniff"
    tool.write_text("")
    monkeypatch.setattr(sys, "argv", [str(tool)])
    monkeypatch.setattr(shutil, "which", lambda name, path=None: str(tool))
    assert sudo_line(["live", "br 0"]) == "sudo bootsniff live 'br 0'"
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    assert sudo_line([]) == f"sudo {tool}"
    monkeypatch.setattr(sys, "argv", ["/x/bootsniff/__main__.py"])
    assert sudo_line(["live"]) == f"sudo {sys.executable} -m bootsniff live"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ssh://root@host/virbr0", Remote("root", "host", None, "virbr0")),
        ("ssh://host:2222/eth0", Remote(None, "host", "2222", "eth0")),
        ("ssh://DOMAIN\\u@host/br-0.5/", Remote("DOMAIN\\u", "host", None, "br-0.5")),
        ("ssh://u@[fe80::1%eth0]:22/any", Remote("u", "fe80::1%eth0", "22", "any")),
    ],
)
def test_addresses(text: str, expected: Remote) -> None:
    assert Remote.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "ssh://host",
        "ssh://",
        "ssh://host/",
        "ssh://@host/eth0",
        "ssh://:22/eth0",
        "ssh://host:0/eth0",
        "ssh://host:65536/eth0",
        "ssh://me:secret@host/eth0",
        "ssh://-oProxyCommand=x/eth0",
        "ssh://-x@host/eth0",
        "ssh://host/-i",
        "ssh://a b/e",
        "ssh://host/near 0",
        "ssh://$(id)/eth0",
        "ssh://a;b/eth0",
        "ssh://a|b@host/eth0",
        "ssh://host\x1b[2J/eth0",
    ],
)
def test_no_addresses(text: str) -> None:
    with pytest.raises(UsageError):
        Remote.parse(text)


def run_far(command: list[str], environment: dict[str, str], *, cwd: Path | None = None) -> str:
    """What the command line writes in the far shell while the connection stands."""
    near, far = os.pipe()
    try:
        done = subprocess.run(
            ["sh", "-c", command[-1]],
            env=environment,
            stdin=near,
            capture_output=True,
            text=True,
            check=True,
            cwd=cwd,
            timeout=30,
        )
    finally:
        os.close(near)
        os.close(far)
    return done.stdout


@pytest.mark.skipif(shutil.which("tcpdump") is None, reason="tcpdump is not installed")
@pytest.mark.parametrize("interface", ["virbr0", "any"])
@pytest.mark.parametrize("words", [(), ("port", "69"), ("vlan", "5")])
def test_the_far_side_runs_a_valid_tcpdump(interface: str, words: tuple[str, ...], tmp_path: Path) -> None:
    if interface == "any" and "vlan" in words:
        pytest.skip("tcpdump knows no vlan on any")
    command = ssh_words(Remote("root", "host", "2222", interface), words, everything=False)
    assert command[:5] == ["ssh", "-T", "-p", "2222", "--"]
    assert command[5] == "root@host"
    # The remote shell, with tcpdump and id replaced by what shows the call.
    (tmp_path / "tcpdump").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    for name in ("tcpdump", "id"):
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SSH_CONNECTION": "10.0.0.5 50022 10.0.0.1 22"}
    called = run_far(command, environment)
    options, text = called.splitlines()[:-1], called.splitlines()[-1]
    assert options == ["-U", "-n", "-s", "0", "-i", interface, "-w", "-"]
    assert text.startswith("not (host 10.0.0.5 and port 50022 and port 22)")
    link = "LINUX_SLL2" if interface == "any" else "EN10MB"
    subprocess.run(["tcpdump", "-y", link, "-d", text], check=True, capture_output=True, timeout=30)


@pytest.mark.parametrize(
    ("connection", "own"),
    [
        ("10.0.0.5 50022 10.0.0.1 22", "not (host 10.0.0.5 and port 50022 and port 22)"),
        ("fe80::1%eth0 50022 fe80::2%eth0 22", "not (host fe80::1 and port 50022 and port 22)"),
        ("", "not tcp port 22"),
    ],
)
def test_the_connection_itself_is_left_out(connection: str, own: str, tmp_path: Path) -> None:
    command = ssh_words(Remote(None, "host", None, "eth0"), (), everything=True)
    for name, text in (("tcpdump", '#!/bin/sh\nprintf "%s\\n" "$@"\n'), ("id", "#!/bin/sh\necho 0\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SSH_CONNECTION": connection}
    assert run_far(command, environment).splitlines()[-1] == own


def test_hostile_words_stay_words(tmp_path: Path) -> None:
    command = ssh_words(Remote(None, "host", None, "e;touch x"), ("$(touch", "y)", '"', "`id`"), everything=True)
    (tmp_path / "tcpdump").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "tcpdump").chmod(0o755)
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    (tmp_path / "id").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SSH_CONNECTION": "a 1 b 2"}
    called = run_far(command, environment, cwd=tmp_path)
    assert '$(touch y) " `id`' in called
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "y").exists()
    assert shlex.split(command[-1])[:2] == ["sh", "-c"]
