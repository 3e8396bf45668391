"""The fetch list."""

from bootsniff.tui.lines import plain, width_of
from bootsniff.tui.views.fetches import fetch_rows
from tests.report import canned


def test_every_fetch_with_its_figures() -> None:
    text = "\n".join(plain(row.line) for row in fetch_rows(canned.healthy(), 100))
    assert "http://192.168.122.1/initrd.gz" in text
    assert "40.0 MiB in 1.000 s, 40.0 MiB/s, 3 sent again" in text
    assert "HEAD" in text


def test_errors_are_shown() -> None:
    text = "\n".join(plain(row.line) for row in fetch_rows(canned.not_found(), 100))
    assert "1 file /srv/tftpboot/grubx64.efi not found" in text


def test_lines_fit() -> None:
    for machine in canned.mixed().machines:
        for width in (45, 80, 200):
            assert all(width_of(row.line) <= width for row in fetch_rows(machine, width))


def test_nothing_fetched() -> None:
    assert "fetched nothing" in plain(fetch_rows(canned.not_booting(), 80)[0].line)
