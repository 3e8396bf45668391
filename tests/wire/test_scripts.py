"""What scripts and configurations come down to; named examples, and noise in bounded time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootsniff.wire.scripts import NamedFile, ScriptPlan, read_script

SECOND = 1_000_000_000


def ipxe(text: str) -> ScriptPlan:
    return read_script("ipxe-script", "#!ipxe\n" + text)


def pxelinux(text: str) -> ScriptPlan:
    return read_script("pxelinux-config", text)


def grub(text: str) -> ScriptPlan:
    return read_script("grub-config", text)


def literal(*pairs: tuple[str, str]) -> tuple[NamedFile, ...]:
    return tuple(NamedFile(name, role, True) for name, role in pairs)  # type: ignore[arg-type]


def test_plain_ipxe_script() -> None:
    plan = ipxe(
        "dhcp\nkernel http://h/linux console=ttyS0 initrd=initrd.gz\ninitrd --name initrd.gz http://h/initrd.gz\nboot\n"
    )
    assert plan == ScriptPlan(literal(("http://h/linux", "kernel"), ("http://h/initrd.gz", "initrd")))


def test_variables_of_ipxe() -> None:
    plan = ipxe("set base http://h/d-i\nkernel ${base}/linux || goto failed\ninitrd ${net0/mac}.gz\nset base x\nboot")
    assert plan.files == (NamedFile("http://h/d-i/linux", "kernel", True), NamedFile("${net0/mac}.gz", "initrd", False))
    conditional = ipxe("isset ${base} || set base http://h\nkernel ${base}/linux")
    assert conditional.files == (NamedFile("${base}/linux", "kernel", False),)
    twice = ipxe("set a x\nset a y\nkernel ${a}/linux")
    assert not twice.files[0].literal


MENU = """
set menu-timeout 5000
:start
menu Boot
item debian Debian
item disk Disk
choose {options} target && goto ${{target}}
:debian
kernel linux
initrd initrd.gz
boot
:disk
sanboot --no-describe --drive 0x80
:failed
shell
"""


def test_menu_of_ipxe_with_a_default() -> None:
    plan = ipxe(MENU.format(options="--timeout ${menu-timeout} --default debian"))
    assert (plan.waits_for_key, plan.timeout, plan.local_boot) == (True, 5 * SECOND, False)
    assert plan.files == literal(("linux", "kernel"), ("initrd.gz", "initrd"))
    disk = ipxe(MENU.format(options="--default=disk --timeout=250"))
    assert (disk.files, disk.local_boot, disk.timeout) == ((), True, SECOND // 4)


@pytest.mark.parametrize("options", ["", "--timeout 0", "--timeout ${unknown}", "--default debian", "--timeout x"])
def test_menu_of_ipxe_that_waits_for_ever(options: str) -> None:
    plan = ipxe(MENU.format(options=options))
    assert (plan.waits_for_key, plan.timeout, plan.local_boot, len(plan.files)) == (True, None, True, 2)


def test_default_that_nobody_can_tell() -> None:
    plan = ipxe(MENU.format(options="--timeout 99 --default ${last}"))
    assert (len(plan.files), plan.local_boot, plan.timeout) == (2, True, 99_000_000)


def test_other_waits_of_ipxe() -> None:
    assert ipxe("prompt --key 0x197 --timeout 2000 Press F12").timeout == 2 * SECOND
    assert ipxe("shell").waits_for_key
    assert not ipxe("chain http://h/x || shell").waits_for_key
    assert not ipxe("echo choose || \nkernel x ||").waits_for_key


def test_ipxe_chains_and_leaves() -> None:
    assert ipxe("exit") == ScriptPlan(local_boot=True, leaves=True)
    assert ipxe("chain --autofree http://h/${uuid}.ipxe").files == (
        NamedFile("http://h/${uuid}.ipxe", "script", False),
    )
    assert ipxe("chain --replace grubx64.efi || exit") == ScriptPlan(literal(("grubx64.efi", "boot-file")))
    assert ipxe("chain tftp://h/menu.php?mac=1").files == literal(("tftp://h/menu.php?mac=1", "script"))
    assert ipxe("sanboot --keep http://h/x.iso").files == literal(("http://h/x.iso", "image"))
    assert ipxe("kernel linux\nboot linux\nimgexec linux").files == literal(("linux", "kernel"))


DEBIAN = """# comment
DEFAULT di
PROMPT 0
TIMEOUT 10
LABEL di
  kernel d-i/linux
  append initrd=d-i/initrd.gz,d-i/firmware.cpio ---
LABEL local
  LOCALBOOT 0
"""


def test_pxelinux_without_a_menu() -> None:
    files = literal(("d-i/linux", "kernel"), ("d-i/initrd.gz", "initrd"), ("d-i/firmware.cpio", "initrd"))
    assert pxelinux(DEBIAN) == ScriptPlan(files)
    assert pxelinux(DEBIAN.replace("DEFAULT di", "DEFAULT local")) == ScriptPlan(local_boot=True, leaves=True)


def test_pxelinux_with_a_prompt() -> None:
    plan = pxelinux(DEBIAN.replace("PROMPT 0", "PROMPT 1"))
    assert (plan.waits_for_key, plan.timeout, len(plan.files), plan.local_boot) == (True, SECOND, 3, False)
    plan = pxelinux(DEBIAN.replace("PROMPT 0", "PROMPT 1").replace("TIMEOUT 10", "TIMEOUT 0"))
    assert (plan.waits_for_key, plan.timeout, len(plan.files), plan.local_boot) == (True, None, 3, True)


FOREMAN = """DEFAULT {menu}
PROMPT 0
MENU TITLE PXE Menu
TIMEOUT 200
TOTALTIMEOUT 6000
ONTIMEOUT local

LABEL local
  MENU LABEL (local)
  MENU DEFAULT
  {leave}
LABEL install
  kernel linux
  append initrd=initrd.gz
"""


@pytest.mark.parametrize("leave", ["LOCALBOOT 0", "localboot -1", "COM32 chain.c32\n  APPEND hd0 0"])
@pytest.mark.parametrize("menu", ["menu.c32", "vesamenu.c32", "menu", "menu.c32\nMENU INCLUDE pxelinux.cfg/colours"])
def test_pxelinux_menu_that_leaves_for_the_disk(menu: str, leave: str) -> None:
    plan = pxelinux(FOREMAN.format(menu=menu, leave=leave))
    assert (plan.waits_for_key, plan.timeout, plan.leaves) == (True, 20 * SECOND, True)
    assert ("vesamenu.c32" if menu == "vesamenu.c32" else "menu.c32") in [file.name for file in plan.files]
    other = pxelinux(FOREMAN.format(menu=menu, leave=leave).replace("ONTIMEOUT local", "ONTIMEOUT install"))
    assert (other.local_boot, other.leaves) == (False, False)
    waiting = pxelinux(FOREMAN.format(menu=menu, leave=leave).replace("TIMEOUT 200", "TIMEOUT 0"))
    assert (waiting.timeout, waiting.local_boot, waiting.leaves) == (None, True, False)


def test_a_label_may_be_called_menu() -> None:
    assert not pxelinux("default menu\nlabel menu\nkernel linux\n").waits_for_key


def test_what_is_tried_before_leaving_is_not_left() -> None:
    assert not ipxe("chain http://h/x || exit").leaves


@pytest.mark.parametrize("start", ["UI vesamenu.c32", "default vesamenu.c32"])
def test_pxelinux_menu(start: str) -> None:
    text = f"{start}\ntimeout 300\nlabel a\n kernel ::/a\nlabel b\n menu default\n linux http://h/b\n initrd b1,b2\n"
    plan = pxelinux(text)
    assert (plan.waits_for_key, plan.timeout) == (True, 30 * SECOND)
    assert plan.files == literal(
        ("vesamenu.c32", "module"), ("http://h/b", "kernel"), ("b1", "initrd"), ("b2", "initrd")
    )
    for_ever = pxelinux(text.replace("timeout 300", ""))
    assert (for_ever.timeout, len(for_ever.files)) == (None, 5)


def test_pxelinux_oddities() -> None:
    assert pxelinux("default linux initrd=i.gz quiet").files == literal(("linux", "kernel"), ("i.gz", "initrd"))
    assert pxelinux(
        "ontimeout b\nprompt 1\ntimeout 5\ndefault a\nlabel a\nkernel ka\nlabel b\nkernel kb"
    ).files == literal(("kb", "kernel"))
    assert pxelinux("include x.cfg\nmenu include y.cfg\n").files == literal(("x.cfg", "script"), ("y.cfg", "script"))
    chain = pxelinux("default d\nlabel d\ncom32 chain.c32\nappend hd0")
    assert (chain.local_boot, chain.files) == (True, literal(("chain.c32", "module")))
    assert pxelinux("label a\nkernel x\nlabel b\nkernel y").waits_for_key
    uboot = pxelinux("default l\nlabel l\nkernel /Image\nfdtdir /dtb\nfdt /dtb/x.dtb\n")
    assert uboot.files == literal(("/Image", "kernel"), ("/dtb/x.dtb", "module"))


GRUB = """
set default=0
set timeout=5
insmod http
if [ "${grub_platform}" = "efi" ]; then set x=1; fi
menuentry 'Install' --class debian --id install {
    linux /d-i/linux auto=true \\
       quiet
    initrd /d-i/initrd.gz /d-i/extra.gz
}
menuentry "Rescue" { linux (http,10.0.0.1:8080)/rescue; initrd "(tftp)/r.gz" }
submenu 'More' {
  menuentry 'Memtest' { linux16 /memtest.bin }
  menuentry 'Disk' { chainloader (hd0)+1 }
}
menuentry 'Firmware' { exit }
"""


def test_grub_default() -> None:
    plan = grub(GRUB)
    assert (plan.waits_for_key, plan.timeout, plan.local_boot) == (True, 5 * SECOND, False)
    assert plan.files == literal(("/d-i/linux", "kernel"), ("/d-i/initrd.gz", "initrd"), ("/d-i/extra.gz", "initrd"))


@pytest.mark.parametrize(
    ("default", "names", "local"),
    [("1", ["http://10.0.0.1:8080/rescue", "/r.gz"], False), ("Rescue", ["http://10.0.0.1:8080/rescue", "/r.gz"], False),
     ("2", ["/memtest.bin"], True), ("3", [], True), ("install", ["/d-i/linux", "/d-i/initrd.gz", "/d-i/extra.gz"], False)],
)  # fmt: skip
def test_grub_defaults_by_number_title_and_id(default: str, names: list[str], local: bool) -> None:
    plan = grub(GRUB.replace("default=0", f'default="{default}"'))
    assert ([file.name for file in plan.files], plan.local_boot) == (names, local)


@pytest.mark.parametrize("timeout", ["", "set timeout=-1", "set timeout=${t}"])
def test_grub_waits_for_ever(timeout: str) -> None:
    plan = grub(GRUB.replace("set timeout=5", timeout))
    assert (plan.waits_for_key, plan.timeout, len(plan.files), plan.local_boot) == (True, None, 6, True)


def test_grub_that_does_not_wait() -> None:
    assert not grub(GRUB.replace("timeout=5", "timeout=0")).waits_for_key
    plain = grub("linux /a\ninitrd /b\nboot\n")
    assert (plain.waits_for_key, plain.files) == (False, literal(("/a", "kernel"), ("/b", "initrd")))


def test_grub_variables() -> None:
    assert grub("set h=(http,10.0.0.1)\nlinux $h/linux\nconfigfile ${prefix}/x.cfg").files == (
        NamedFile("http://10.0.0.1/linux", "kernel", True),
        NamedFile("${prefix}/x.cfg", "script", False),
    )
    under_condition = grub("if true; then\nset h=/a\nfi\nlinux $h/linux")
    assert not under_condition.files[0].literal


def test_grub_on_a_root_that_it_looked_for() -> None:
    plan = grub(
        "set timeout=0\nmenuentry a {\nsearch --set=root --label X\nlinux /vmlinuz\n}\nconfigfile /grub/next.cfg"
    )
    assert plan.files == (NamedFile("/grub/next.cfg", "script", True), NamedFile("/vmlinuz", "kernel", False))
    disk = grub("chainloader (hd0,gpt1)/EFI/BOOT/BOOTX64.EFI")
    assert (disk.files, disk.local_boot) == ((), True)


def test_grub_chainloads_from_the_network() -> None:
    assert grub("chainloader (tftp,10.0.0.1)/shimx64.efi").files == literal(
        ("tftp://10.0.0.1/shimx64.efi", "boot-file")
    )


def test_sleeps_of_ipxe() -> None:
    assert ipxe("sleep 60\nsleep 30\nkernel x\n").sleep == 90 * SECOND
    assert ipxe("sleep ${none}\nsleep 99999999\nkernel x\n").sleep == 0
    assert ipxe("sleep 9999\nkernel x\n").sleep == 3600 * SECOND


def test_sleeps_of_grub() -> None:
    entries = "menuentry a {\n sleep --interruptible 20\n linux /a\n}\nmenuentry b {\n sleep 7\n linux /b\n}\n"
    assert grub(f"set timeout=5\nsleep 10\n{entries}").sleep == 30 * SECOND
    assert grub("set timeout=5\nif x; then\n sleep 10\nfi\nmenuentry a {\n linux /a\n}\n").sleep == 0


def test_other_kinds_have_no_plan() -> None:
    assert read_script("html", "<html>") == ScriptPlan()


def test_names_are_made_printable() -> None:
    assert ipxe("kernel a\x1b[2J").files == literal((r"a\x1b[2J", "kernel"))


@pytest.mark.parametrize(
    ("prefix", "kernel", "module"),
    [
        ("", "b.b00", "k.b00"),
        ("prefix=esxi/8.0/\n", "esxi/8.0/b.b00", "esxi/8.0/k.b00"),
        ("prefix=/e\n", "/e/b.b00", "/e/k.b00"),
    ],
)
def test_boot_cfg_of_esxi(prefix: str, kernel: str, module: str) -> None:
    text = f"bootstate=0\n# kernel=old\n{prefix}kernel=b.b00\nkernelopt=x=y\nmodules=k.b00 -a --- /s.v00 --- \n"
    plan = read_script("esxi-config", text)
    certain = bool(prefix)  # without one, the names are those of boot.cfg's own directory
    assert plan.files == (
        NamedFile(kernel, "kernel", certain),
        NamedFile(module, "initrd", certain),
        NamedFile("/s.v00", "initrd", True),
    )
    assert not plan.waits_for_key


KINDS = st.sampled_from(["ipxe-script", "pxelinux-config", "grub-config", "esxi-config"])
WORDS = st.sampled_from(
    ["set", "a", "=", "${a}", "$a", "menuentry", "{", "}", "'", '"', "\\", "\n", ";", "linux", "initrd", "kernel", "choose",
     "--timeout", "--default", ":a", "label", "default", "timeout", "5", "-1", "||", "if", "fi", "search", "ui", "append",
     "initrd=x", "exit", "sanboot", "(http,x)/y", "#", "menu", "prompt"]
)  # fmt: skip


@given(KINDS, st.lists(WORDS, max_size=60), st.booleans())
def test_word_soup(kind: str, words: list[str], spaced: bool) -> None:
    plan = read_script(kind, (" " if spaced else "").join(words))
    assert len(plan.files) <= 256
    assert plan.waits_for_key or plan.timeout is None


@given(KINDS, st.text(max_size=200))
def test_noise(kind: str, text: str) -> None:
    read_script(kind, text)


@pytest.mark.parametrize("kind", ["ipxe-script", "pxelinux-config", "grub-config", "esxi-config"])
@pytest.mark.parametrize("unit", ['"', "'", "\\", "{", "}", "${", "$(", "menuentry x {", "set a=${a}${a}\n", "kernel x\n",
                                  "set a ${a}${a}\n", "append " + "initrd=a,", "label x\n", ":x\n", "( ", "a --- ", "modules="])  # fmt: skip
def test_hostile_repetition_is_bounded(kind: str, unit: str) -> None:
    plan = read_script(kind, unit * (80000 // len(unit)))
    assert len(plan.files) <= 256
    assert all(len(file.name) <= 2100 for file in plan.files)


TOLD = "http://h/live/x.squashfs"


@pytest.mark.parametrize(
    "plan",
    [
        ipxe("set base http://h\nkernel linux initrd=http://h/i.gz fetch=${base}/live/x.squashfs\nboot"),
        ipxe(f"kernel linux\nimgargs linux root=live:{TOLD} rd.neednet=1\nboot"),
        pxelinux(f"default l\nlabel l\nkernel linux\nappend initrd=http://h/i.gz http_proxy=http://p:8 inst.ks={TOLD}"),
        grub(f'menuentry "x" {{\nlinux /linux "ds=nocloud;s={TOLD}" quiet\ninitrd http://h/i.gz\n}}'),
    ],
)
def test_what_a_kernel_is_told_to_fetch(plan: ScriptPlan) -> None:
    assert plan.told == (TOLD,)


def test_of_an_endless_argument_only_the_beginning_is_read() -> None:
    assert pxelinux(f"kernel linux\nappend {'proxy' * 10_000} url={TOLD}\n").told == (TOLD,)
    assert pxelinux(f"kernel linux\nappend {'proxy' * 10_000},{TOLD}\n").told == ()
