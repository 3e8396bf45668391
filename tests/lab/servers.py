"""Real DHCP, TFTP and web servers from Debian's packages, each with a generated configuration."""

import itertools
import json
from pathlib import Path

from .process import Process, run

_counter = itertools.count()


def _workspace(directory: Path, name: str) -> Path:
    """A fresh directory for one server; readable by servers that drop their privileges."""
    place = directory / f"{name}-{next(_counter)}"
    place.mkdir()
    place.chmod(0o777)
    return place


def _bound(netns: str, protocol: str, port: int) -> bool:
    """Whether a socket in the namespace is bound to this port."""
    flag = "-u" if protocol == "udp" else "-t"
    return bool(run("ip", "netns", "exec", netns, "ss", "-Haln", flag, f"sport = :{port}").strip())


def dnsmasq(netns: str, directory: Path, *lines: str) -> Process:
    """Start dnsmasq with these configuration lines; DNS is off unless a line sets a port."""
    place = _workspace(directory, "dnsmasq")
    config = place / "dnsmasq.conf"
    fixed = [
        "no-resolv",
        "no-hosts",
        "log-dhcp",
        f"dhcp-leasefile={place / 'leases'}",
        "pid-file",
        "log-facility=-",
    ]
    given = {line.partition("=")[0] for line in lines}
    fixed += [f"{key}={value}" for key, value in (("port", "0"), ("user", "root")) if key not in given]
    config.write_text("\n".join([*fixed, *lines]) + "\n")
    return Process(
        ["dnsmasq", "--keep-in-foreground", f"--conf-file={config}"],
        place / "log",
        netns=netns,
        ready_pattern=r"DHCP, (IP range|proxy)|TFTP root|started, version",
    ).start()


def dhcpd(netns: str, directory: Path, config: str, interface: str = "virbr0") -> Process:
    """Start ISC dhcpd with this configuration."""
    place = _workspace(directory, "dhcpd")
    (place / "dhcpd.conf").write_text(config)
    (place / "leases").touch()
    return Process(
        [
            "dhcpd",
            "-4",
            "-f",
            "-d",
            "--no-pid",
            "-cf",
            str(place / "dhcpd.conf"),
            "-lf",
            str(place / "leases"),
            interface,
        ],
        place / "log",
        netns=netns,
        ready_pattern="Server starting service",
    ).start()


def kea(
    netns: str,
    directory: Path,
    subnet: dict[str, object],
    interface: str = "virbr0",
    **more: object,
) -> Process:
    """Start Kea's DHCPv4 server with one subnet4 entry and further Dhcp4 keys (dashes as underscores)."""
    place = _workspace(directory, "kea")
    config: dict[str, object] = {
        "interfaces-config": {"interfaces": [interface]},
        "lease-database": {"type": "memfile", "persist": False},
        "valid-lifetime": 3600,
        "subnet4": [subnet],
        "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}],
    }
    config |= {key.replace("_", "-"): value for key, value in more.items()}
    (place / "kea.json").write_text(json.dumps({"Dhcp4": config}))
    # Its own lock and pid files go to the place, so that two Keas never meet.
    return Process(
        ["env", f"KEA_LOCKFILE_DIR={place}", f"KEA_PIDFILE_DIR={place}", "kea-dhcp4", "-c", str(place / "kea.json")],
        place / "log",
        netns=netns,
        ready_pattern="DHCP4_STARTED",
    ).start()


def tftpd(netns: str, directory: Path, root: Path, address: str, *words: str) -> Process:
    """Start tftpd-hpa serving ``root`` on one address."""
    place = _workspace(directory, "tftpd")
    return Process(
        [
            "in.tftpd",
            "--foreground",
            "--ipv4",
            "--address",
            f"{address}:69",
            "--secure",
            "--user",
            "nobody",
            *words,
            str(root),
        ],
        place / "log",
        netns=netns,
        is_ready=lambda: _bound(netns, "udp", 69),
    ).start()


def nginx(netns: str, directory: Path, root: Path, *server_lines: str, port: int = 80) -> Process:
    """Start nginx serving ``root``, with further lines in its server block."""
    place = _workspace(directory, "nginx")
    server = "\n".join(f"      {line}" for line in server_lines)
    (place / "nginx.conf").write_text(
        f"""
daemon off; master_process off; user root; worker_processes 1;
pid {place}/pid; error_log stderr info;
events {{ worker_connections 64; }}
http {{
  access_log {place}/access.log;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi; uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  default_type application/octet-stream;
  server {{
      listen {port}; root {root};
{server}
  }}
}}
"""
    )
    return Process(
        ["nginx", "-p", str(place), "-e", "stderr", "-c", str(place / "nginx.conf")],
        place / "log",
        netns=netns,
        is_ready=lambda: _bound(netns, "tcp", port),
    ).start()
