"""The URLs of audio files and images in an input file, and what is wrong with what they lead to.

links = find_links(report.path)
looks = look_at(list(links))            # engine.client.probe
report = add_looks(report, links, looks)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeGuard

import msgspec

from tbatch_tui.engine.check.lines.check_line import check_line
from tbatch_tui.engine.check.lines.finding import quoted
from tbatch_tui.engine.check.lines.json_spans import locate
from tbatch_tui.engine.check.lines.params import Kind
from tbatch_tui.engine.check.lines.stopping import stop_if
from tbatch_tui.engine.check.lines.url_hosts import host_of
from tbatch_tui.engine.check.rules import RULES
from tbatch_tui.engine.check.scan.reader import read_error, read_line, read_pieces
from tbatch_tui.engine.check.scan.sniff import sniff
from tbatch_tui.engine.check.totals import with_problems
from tbatch_tui.engine.domain.check_report import MAX_PROBLEMS, CheckReport, Problem
from tbatch_tui.engine.domain.link import LinkFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tbatch_tui.engine.check.lines.finding import JsonPath
    from tbatch_tui.engine.domain.link import LinkLook

LINK_RULES = frozenset(LinkFault)
"""The rules about what URLs lead to. Only those who ask for it have them looked at."""
_MEDIA = ("image_url", "video_url", "audio_url")


class LinkUse(NamedTuple):
    """A line that has a URL."""

    line: int
    offset: int
    length: int
    path: JsonPath


def find_links(path: Path, *, cancelled: Callable[[], bool] | None = None) -> dict[str, list[LinkUse]]:
    """Return every http and https URL of audio files, images and videos in a file, each with the lines that have it.

    Blocks while the file is read. Raises LocalFileError, and OperationCancelledError soon after `cancelled`.
    """
    links: dict[str, list[LinkUse]] = {}
    try:
        with path.open("rb", buffering=0) as file:
            number = 0
            for piece in read_pieces(file, sniff(file).start, path.stat().st_size):
                stop_if(cancelled)
                offset = piece.offset
                for line in piece.data.removesuffix(b"\n").split(b"\n"):
                    number += 1
                    if b"http" in line or b"HTTP" in line:
                        for url, at in _links_of(line):
                            uses = links.setdefault(url, [])
                            if not uses or uses[-1].line != number:
                                uses.append(LinkUse(number, offset, len(line.removesuffix(b"\r")), at))
                    offset += len(line) + 1
    except OSError as error:
        raise read_error(path, error) from error
    return links


def _links_of(line: bytes) -> Iterator[tuple[str, JsonPath]]:
    try:
        value = msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return
    body = value.get("body") if isinstance(value, dict) else None
    if not isinstance(body, dict):
        return
    if _is_link(file := body.get("file")):
        yield file, ("body", "file")
    messages = body.get("messages")
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        content = message.get("content") if isinstance(message, dict) else None
        for at, part in enumerate(content if isinstance(content, list) else ()):
            for name in _MEDIA if isinstance(part, dict) else ():
                value = part.get(name)
                path: JsonPath = ("body", "messages", index, "content", at, name)
                if isinstance(value, dict):
                    value, path = value.get("url"), (*path, "url")
                if _is_link(value):
                    yield value, path


def _is_link(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and bool(host_of(value))


def add_looks(report: CheckReport, links: Mapping[str, list[LinkUse]], looks: Mapping[str, LinkLook]) -> CheckReport:
    """Return the report with a problem on each line whose URL leads to nothing of use. Reads those lines.

    Raises LocalFileError. What an earlier look found is left out.
    """
    problems = [problem for problem in report.problems if problem.rule not in LINK_RULES]
    counts = {rule: number for rule, number in report.counts.items() if rule not in LINK_RULES}
    try:
        for url, look in looks.items():
            if look.fault is None:
                continue
            for use in links[url]:
                counts[look.fault.value] = counts.get(look.fault.value, 0) + 1
                if len(problems) < MAX_PROBLEMS:
                    problems.append(_problem(report.path, use, url, look))
    except OSError as error:
        raise read_error(report.path, error) from error
    return with_problems(report, problems, counts)


def _problem(path: Path, use: LinkUse, url: str, look: LinkLook) -> Problem:
    assert look.fault is not None
    rule = RULES[look.fault.value]
    line = read_line(path, use.offset, use.length)
    line_report = check_line(line, Kind.CHAT)
    return Problem(
        line=use.line,
        column=locate(line_report.text, use.path) + 1 if line_report.value is not None else 1,
        severity=rule.severity,
        rule=rule.id,
        message=f"{host_of(url)} {look.message}: {quoted(url, 120)}",
        fix=rule.fix,
        custom_id=line_report.custom_id,
        offset=use.offset,
        length=use.length,
    )


def sum_up(links: Mapping[str, object], looks: Mapping[str, LinkLook]) -> dict[str, int]:
    """Return how many URLs were looked at, how many lead to a file, and the bytes of these as far as servers say."""
    fine = [look for look in looks.values() if look.fault is None]
    return {"looked": len(links), "fine": len(fine), "bytes": sum(look.size or 0 for look in fine)}
