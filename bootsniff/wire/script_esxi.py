"""boot.cfg, as ESXi's mboot reads it: a kernel and its modules, all of which it fetches; no menu, no conditions."""

from __future__ import annotations

from ..text import printable
from .script_plan import MAX_FILES, MAX_LINES, NAME_LIMIT, Entry, NamedFile, Role, ScriptPlan, plan


def read(text: str) -> ScriptPlan:
    """Lines `key=value`; modules are separated by `---`, each with its options behind it (VMware, About the boot.cfg File).

    Names without a slash in front lie in the directory of `prefix=`, or else of boot.cfg itself, which is not known here.
    """
    values: dict[str, str] = {}
    for line in text.splitlines()[:MAX_LINES]:
        key, equals, value = line.strip().partition("=")
        if equals and not key.startswith("#"):
            values.setdefault(key.strip().lower(), value.strip())
    prefix = values.get("prefix", "")
    entry = Entry()
    _add(entry, prefix, values.get("kernel", ""), "kernel")
    for module in values.get("modules", "").split("---")[:MAX_FILES]:
        _add(entry, prefix, module, "initrd")
    return plan([entry])


def _add(entry: Entry, prefix: str, command: str, role: Role) -> None:
    name = command.split(None, 1)[:1]
    if not name:
        return
    path = name[0] if name[0].startswith("/") or "://" in name[0] or not prefix else f"{prefix.rstrip('/')}/{name[0]}"
    entry.files.append(NamedFile(printable(path, NAME_LIMIT), role, literal="/" in path))
