"""Virtual machines that boot from the network with real firmware, under plain emulation."""

import json
import shutil
import socket
from dataclasses import dataclass, replace
from pathlib import Path

from .process import LabError, Process, wait_until

MAC = "52:54:00:89:32:47"


@dataclass(frozen=True)
class Firmware:
    """One kind of firmware: the QEMU words that select it and the files it needs.

    ``variables`` is copied for each machine because the firmware writes to it.
    """

    name: str
    qemu: str
    machine: tuple[str, ...]
    code: Path | None = None
    variables: Path | None = None
    nic: str = "virtio-net-pci,romfile="


_X64 = ("-machine", "q35", "-m", "1024")
_ARM64 = ("-machine", "virt", "-cpu", "cortex-a57", "-m", "1024")
_OVMF = Path("/usr/share/OVMF")
_AAVMF = Path("/usr/share/AAVMF")

OVMF = Firmware("ovmf", "qemu-system-x86_64", _X64, _OVMF / "OVMF_CODE_4M.fd", _OVMF / "OVMF_VARS_4M.fd")
# Two knobs of the firmware (edk2 OvmfPkg/RUNTIME_CONFIG.md): nobody answers PXEv6 for a minute, so that what comes
# after it comes late; without PXEv4 too, HTTPv4 is the only boot option.
_NO_PXE6 = ("-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=no")
_NO_PXE4 = ("-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string=no")
OVMF_WITHOUT_PXE6 = replace(OVMF, machine=(*_X64, *_NO_PXE6))
OVMF_HTTP = replace(OVMF, machine=(*_X64, *_NO_PXE6, *_NO_PXE4))
# Secure Boot enforced: the variable store has Microsoft's keys enrolled, and the code guards
# it with system management mode.
OVMF_SECURE_BOOT = Firmware(
    "ovmf-secure-boot",
    "qemu-system-x86_64",
    (
        "-machine",
        "q35,smm=on",
        "-m",
        "1024",
        "-global",
        "driver=cfi.pflash01,property=secure,value=on",
    ),
    _OVMF / "OVMF_CODE_4M.secboot.fd",
    _OVMF / "OVMF_VARS_4M.ms.fd",
)
# SeaBIOS runs the iPXE option ROM that QEMU gives the network card.
SEABIOS_IPXE = Firmware(
    "seabios-ipxe",
    "qemu-system-x86_64",
    ("-machine", "pc,graphics=off", "-m", "1024"),
    nic="virtio-net-pci",
)
AAVMF = Firmware(
    "aavmf",
    "qemu-system-aarch64",
    _ARM64,
    _AAVMF / "AAVMF_CODE.fd",
    _AAVMF / "AAVMF_VARS.fd",
)
# From the environment that Debian's U-Boot for this board has built in, whatever the network card says.
UBOOT_MAC = "52:52:52:52:52:52"
UBOOT_ARM64 = Firmware(
    "u-boot-arm64",
    "qemu-system-aarch64",
    (*_ARM64, "-bios", "/usr/lib/u-boot/qemu_arm64/u-boot.bin"),
    nic="virtio-net-pci",
)


class Machine:
    """One virtual machine on a tap interface; its serial console is kept as text."""

    def __init__(self, firmware: Firmware, netns: str, tap: str, directory: Path, mac: str = MAC) -> None:
        self.firmware = firmware
        self.mac = mac
        self.serial_path = directory / f"{tap}.serial"
        self._qmp_path = directory / f"{tap}.qmp"
        argv = [firmware.qemu, "-accel", "tcg", *firmware.machine, "-display", "none"]
        argv += ["-boot", "n", "-nodefaults", "-no-user-config"]
        argv += ["-serial", f"file:{self.serial_path}"]
        argv += ["-qmp", f"unix:{self._qmp_path},server=on,wait=off"]
        argv += ["-netdev", f"tap,id=net0,ifname={tap},script=no,downscript=no"]
        argv += ["-device", f"{firmware.nic},netdev=net0,mac={mac}"]
        if firmware.code is not None:
            argv += ["-drive", f"if=pflash,format=raw,readonly=on,file={firmware.code}"]
        if firmware.variables is not None:
            store = directory / f"{tap}.vars"
            shutil.copy(firmware.variables, store)
            argv += ["-drive", f"if=pflash,format=raw,file={store}"]
        self._process = Process(argv, directory / f"{tap}.qemu.log", netns=netns, is_ready=self._qmp_path.exists)

    def start(self) -> "Machine":
        """Power it on."""
        self._process.start()
        return self

    def stop(self) -> None:
        """Pull the plug."""
        self._process.stop()

    def reset(self) -> None:
        """Press its reset button."""
        self._command("system_reset")

    def console(self) -> str:
        """What it has printed so far, escape sequences and all."""
        if not self.serial_path.exists():
            return ""
        return self.serial_path.read_bytes().decode(errors="replace")

    def wait_console(self, text: str, seconds: float) -> None:
        """Wait until ``text`` stands on the console. Raises LabError when it never does."""
        if not wait_until(lambda: text in self.console(), seconds):
            raise LabError(f"no {text!r} on the console:\n{self.console()[-1500:]}")

    def _command(self, name: str) -> None:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(str(self._qmp_path))
            with connection.makefile("rw") as stream:
                stream.readline()
                for command in ("qmp_capabilities", name):
                    stream.write(json.dumps({"execute": command}) + "\n")
                    stream.flush()
                    if "error" in (answer := json.loads(stream.readline())):
                        raise LabError(f"qemu: {answer}")
