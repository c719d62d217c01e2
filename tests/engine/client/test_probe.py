"""What links lead to, asked of a real server on loopback: a few bytes of each, never more at once than is polite."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tbatch_tui.engine.client.probe import PER_HOST, look_at
from tbatch_tui.engine.client.probe import _by_turns as by_turns
from tbatch_tui.engine.client.probe import _judge as judge
from tbatch_tui.engine.client.probe import _reason as reason
from tbatch_tui.engine.domain.link import LinkFault, LinkLook
from tbatch_tui.engine.errors import OperationCancelledError
from tests.helpers.link_server import WAV, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.helpers.link_server import LinkServer


@pytest.fixture
def server() -> Iterator[LinkServer]:
    """A server of links."""
    with serving() as server:
        yield server


def look(url: str, **options: Any) -> LinkLook:
    """Look at one URL."""
    return look_at([url], **options)[url]


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("401", LinkFault.REFUSED),
        ("403", LinkFault.REFUSED),
        ("404", LinkFault.GONE),
        ("410", LinkFault.GONE),
        ("400", LinkFault.UNREACHABLE),
        ("405", LinkFault.UNREACHABLE),
        ("429", LinkFault.UNREACHABLE),
        ("500", LinkFault.UNREACHABLE),
        ("503", LinkFault.UNREACHABLE),
        ("empty", LinkFault.EMPTY),
        ("empty-ranged", LinkFault.EMPTY),
        ("login", LinkFault.LOGIN_PAGE),
        ("html-as-audio", LinkFault.LOGIN_PAGE),
        ("to-login", LinkFault.LOGIN_PAGE),
        ("loop", LinkFault.UNREACHABLE),
        ("elsewhere", LinkFault.UNREACHABLE),
        ("ranged", None),
        ("whole", None),
        ("audio-as-html", None),
        ("moved", None),
    ],
)
def test_what_a_link_leads_to(server: LinkServer, path: str, fault: LinkFault | None) -> None:
    seen = look(f"{server.url}/{path}")
    assert seen.fault is fault, seen
    assert bool(seen.message) is (fault is not None)
    if path.isdigit():
        assert f"answers {path}" in seen.message


@pytest.mark.parametrize("path", ["ranged", "whole", "moved"])
def test_a_file_has_its_size_and_type_whether_the_server_knows_ranges_or_not(server: LinkServer, path: str) -> None:
    assert look(f"{server.url}/{path}") == LinkLook(None, "", len(WAV), "audio/wav")


@pytest.mark.parametrize(
    ("status", "headers", "first", "expected"),
    [
        (200, {"Content-Length": "70"}, b"x", LinkLook(None, "", 70, "")),
        (206, {"Content-Length": "70"}, b"x", LinkLook(None, "", None, "")),  # of the piece, not of the file
        (206, {"Content-Range": "bytes 0-9/*"}, b"x", LinkLook(None, "", None, "")),
        (206, {"Content-Range": " bytes 0-9/70 "}, b"x", LinkLook(None, "", 70, "")),
        (200, {"Content-Length": "seven"}, b"x", LinkLook(None, "", None, "")),
        (200, {"Content-Length": "7²"}, b"x", LinkLook(None, "", None, "")),
        (200, {"Content-Type": " Audio/WAV ; a=b"}, b"x", LinkLook(None, "", None, "audio/wav")),
        (416, {"Content-Range": "bytes */0"}, b"", LinkLook(LinkFault.EMPTY, "is an empty file", 0, "")),
        (416, {"Content-Range": "bytes */7"}, b"", LinkLook(LinkFault.UNREACHABLE, "answers 416 Phrase")),
        (403, {"Content-Range": "bytes */0"}, b"", LinkLook(LinkFault.REFUSED, "answers 403 Phrase")),
        (206, {"Content-Type": "audio/wav"}, b"", LinkLook(LinkFault.EMPTY, "is an empty file", 0, "audio/wav")),
        (200, {"Content-Type": "application/xhtml+xml"}, b" <x>", "application/xhtml+xml"),
        (200, {"Content-Type": "TEXT/HTML"}, b"\n<div>", "text/html"),
        (200, {"Content-Type": "audio/wav"}, b"<div>", LinkLook(None, "", None, "audio/wav")),
        (200, {"Content-Type": "audio/wav"}, b"\xef\xbb\xbf \n<!-- a\nb --> <HTML lang=en>", "audio/wav"),
        (200, {"Content-Type": "text/plain"}, b"<scripture>", LinkLook(None, "", None, "text/plain")),
    ],
)
def test_what_an_answer_is_taken_for(
    status: int, headers: dict[str, str], first: bytes, expected: LinkLook | str
) -> None:
    response = httpx.Response(
        status, headers=[(k.encode(), v.encode()) for k, v in headers.items()], extensions={"reason_phrase": b"Phrase"}
    )
    if isinstance(expected, str):
        expected = LinkLook(LinkFault.LOGIN_PAGE, "answers with a web page, such as a login", None, expected)
    assert judge(response, first) == expected


@pytest.mark.parametrize(("status", "fault"), [(404, LinkFault.GONE), (418, LinkFault.UNREACHABLE)])
def test_a_status_without_words_is_told_by_its_number(status: int, fault: LinkFault) -> None:
    response = httpx.Response(status, extensions={"reason_phrase": b""})
    assert judge(response, b"") == LinkLook(fault, f"answers {status}")


def test_why_there_is_no_answer_is_told_by_the_error_or_its_name() -> None:
    assert reason(httpx.ReadError("cut")) == "cannot be reached: cut"
    assert reason(httpx.ReadError("")) == "cannot be reached: ReadError"


def test_hosts_take_turns_however_many_links_one_has() -> None:
    urls = [*(f"https://slow/{number}" for number in range(3)), "https://b/1", "http://c/1", "https://b/2"]
    ordered = ["https://slow/0", "https://b/1", "http://c/1", "https://slow/1", "https://b/2", "https://slow/2"]
    assert list(by_turns(urls)) == ordered


def test_few_bytes_are_asked_for_by_get_with_no_cookie_and_no_key(
    server: LinkServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOGETHER_API_KEY", "tgp_v1_secret")
    for _ in range(2):
        look_at([f"{server.url}/{path}" for path in ("cookie", "to-login", "ranged")])
    assert len(server.asked) == 8
    for method, _path, headers in server.asked:
        assert method == "GET"
        assert headers["range"] == "bytes=0-1023"
        assert "secret" not in str(headers)
        assert not {"cookie", "authorization"} & headers.keys()


def test_at_most_eight_requests_at_a_time_go_to_one_host(server: LinkServer) -> None:
    urls = [f"{server.url}/file-{number}" for number in range(60)]
    progress: list[tuple[int, int]] = []
    looks = look_at(urls, progress=lambda done, total: progress.append((done, total)))
    assert Counter(look.fault for look in looks.values()) == {None: 60}
    assert 2 <= server.most_at_once <= PER_HOST
    assert progress == [(done, 60) for done in range(1, 61)]


def test_a_slow_answer_is_not_waited_for(server: LinkServer) -> None:
    seen = look_at([f"{server.url}/slow", f"{server.url}/ranged"], within=0.3)
    assert seen[f"{server.url}/slow"] == LinkLook(LinkFault.UNREACHABLE, "does not answer within 0.3 s")
    assert seen[f"{server.url}/ranged"].fault is None


def test_what_cannot_be_connected_to_is_unreachable(server: LinkServer) -> None:
    secure = look(server.url.replace("http:", "https:") + "/ranged")
    assert secure.fault is LinkFault.UNREACHABLE
    assert secure.message.startswith("has no secure connection: ")
    for url in ("http://127.0.0.1:1/a", "http://nowhere.invalid/a", "http://[::1/a", "http://a b/"):
        seen = look(url)
        assert seen.fault is LinkFault.UNREACHABLE
        assert seen.message.startswith("cannot be reached: ")


def test_looking_can_be_stopped(server: LinkServer) -> None:
    began = time.monotonic()

    def cancelled() -> bool:
        return bool(server.asked)

    with pytest.raises(OperationCancelledError, match="^Checking the links was stopped$"):
        look_at([f"{server.url}/slow"], cancelled=cancelled)
    assert time.monotonic() - began < 5


def test_nothing_is_asked_for_without_links() -> None:
    assert look_at([]) == {}
