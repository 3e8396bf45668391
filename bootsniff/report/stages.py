"""The stages of a boot in full (`-v`): the DHCP exchange, every fetch, every packet of note."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ..model import NANOSECONDS, Arrow, Boot, CaptureInfo, Dhcp, Fetch, Stage
from .chain import client_label
from .lines import Paper, Span, Style
from .units import Clock, amount, count, duration

_FETCH_STYLE: dict[str, Style] = {
    "complete": "good",
    "failed": "bad",
    "stalled": "bad",
    "in-progress": "warning",
    "probe": "dim",
    "optional": "dim",
}
_REPEATED = 5
"""Packets that say the same so often are shown; of more, only some."""
_ARROW_STYLE: dict[str, Style] = {"error": "bad", "missing": "bad", "data": "dim", "request": "", "reply": ""}


def write_stages(boot: Boot, captures: tuple[CaptureInfo, ...], paper: Paper, clock: Clock) -> None:
    """Every stage of the boot."""
    for number, stage in enumerate(boot.stages, 1):
        paper.blank()
        _write_head(stage, number, paper, clock)
        if stage.dhcp is not None:
            _write_dhcp(stage.dhcp, paper)
        for fetch in stage.fetches:
            _write_fetch(fetch, captures, paper)
        for item in _shortened(stage.arrows):
            if isinstance(item, Arrow):
                _write_arrow(item, captures, paper, clock)
            else:
                paper.flow(
                    [[Span(f"{len(item)} more of these", "dim")]], 4, label=Span(f"{paper.glyphs.ellipsis:>12}", "dim")
                )


def _shortened(arrows: Sequence[Arrow]) -> Iterator[Arrow | list[Arrow]]:
    """The packets; of one that is repeated often the first two and the last, and in between what is left out."""
    often = {face: times for face, times in Counter(map(_face, arrows)).items() if times > _REPEATED}
    seen: Counter[tuple[object, ...]] = Counter()
    left_out: list[Arrow] = []
    for arrow in arrows:
        face = _face(arrow)
        seen[face] += 1
        if face in often and 2 < seen[face] < often[face]:
            left_out.append(arrow)
            continue
        if left_out:
            yield left_out if len(left_out) > 1 else left_out[0]
            left_out = []
        yield arrow


def _face(arrow: Arrow) -> tuple[object, ...]:
    return arrow.capture, arrow.source, arrow.target, arrow.label, arrow.kind


def _write_head(stage: Stage, number: int, paper: Paper, clock: Clock) -> None:
    label = Span(f"stage {number}, {client_label(stage.client)}:", "strong")
    words = [stage.name, f"{clock.relative(stage.start)} to {clock.relative(stage.end)}"]
    if stage.vendor_class:
        words.append(f"vendor class {stage.vendor_class}")
    if stage.user_class:
        words.append(f"user class {stage.user_class}")
    paper.flow([[Span(word)] for word in words], 2, between=", ", label=label)


def _write_dhcp(dhcp: Dhcp, paper: Paper) -> None:
    ask, offer = ("DISCOVER", "OFFER") if dhcp.version == 4 else ("SOLICIT", "ADVERTISE")
    words = [
        dhcp.status.replace("-", " ") + ",",
        f"{count(dhcp.discovers, ask)},",
        f"{count(dhcp.offers, offer)},",
        duration(dhcp.end - dhcp.start),
    ]
    facts = [
        ("server", dhcp.server),
        ("address", dhcp.address or (f"{dhcp.offered_address} (offered)" if dhcp.offered_address else None)),
        ("next server", dhcp.next_server),
        ("boot file", dhcp.boot_file),
        ("named in", dhcp.boot_file_from),
    ]
    if dhcp.vendor_class_echoed is not None:
        facts.append(("option 60 HTTPClient echoed", "yes" if dhcp.vendor_class_echoed else "NO"))
    if dhcp.proxy is not None:
        facts.append(("ProxyDHCP", f"{dhcp.proxy.server}, {dhcp.proxy.boot_file or 'no file'} ({dhcp.proxy.via})"))
    label = Span("DHCP" if dhcp.version == 4 else "DHCPv6", "strong")
    paper.flow([[Span(word)] for word in words], 4, label=label)
    chunks = [[Span(f"{name} ", "dim"), Span(value)] for name, value in facts if value is not None]
    if chunks:
        paper.flow(chunks, 6, between="; ")


def _write_fetch(fetch: Fetch, captures: tuple[CaptureInfo, ...], paper: Paper) -> None:
    label = Span(fetch.status, _FETCH_STYLE[fetch.status])
    place = f" of {captures[fetch.capture].path}" if len(captures) > 1 and fetch.capture < len(captures) else ""
    frames = f"frame {fetch.first_frame}" + (f" to {fetch.last_frame}" if fetch.last_frame != fetch.first_frame else "")
    paper.flow([[Span(f"{fetch.method} {fetch.url}")]], 4, label=label)
    size = amount(fetch.bytes)
    if fetch.size is not None and fetch.size != fetch.bytes:
        size += f" of {amount(fetch.size)}"
    words = [size, f"in {duration(fetch.duration)}"]
    if fetch.duration > 0 and fetch.bytes >= 65536:
        words[-1] += f" ({amount(fetch.bytes * NANOSECONDS // fetch.duration)}/s)"
    if fetch.retransmissions:
        words.append(count(fetch.retransmissions, "retransmission"))
    if fetch.gaps:
        words.append(f"{count(fetch.gaps, 'gap')} in the capture")
    words += [word for word in (fetch.content, fetch.error) if word]
    words += [f"{name} {value}" for name, value in fetch.options]
    words.append(frames + place)
    paper.flow([[Span(word)] for word in words], 6, between="; ")


def _write_arrow(arrow: Arrow, captures: tuple[CaptureInfo, ...], paper: Paper, clock: Clock) -> None:
    missing = arrow.kind == "missing"
    frame = "no frame" if missing else f"frame {arrow.frame}"
    place = f" of {captures[arrow.capture].path}" if len(captures) > 1 and arrow.capture < len(captures) else ""
    glyphs = paper.glyphs
    # The machine itself is known: what is left to say is the direction and who is on the other side.
    direction = glyphs.lost if missing else glyphs.to if arrow.from_client else glyphs.back
    other = arrow.target if arrow.from_client else arrow.source
    paper.flow(
        [[Span(f"{arrow.label} did not come" if missing else arrow.label, _ARROW_STYLE[arrow.kind])]],
        4,
        label=Span(
            f"{clock.relative(arrow.time):>12}  {frame + place:<11} {direction:<{len(glyphs.lost)}} {other:<15}", "dim"
        ),
    )
