"""What the headers of a download say of its body. A part that does not continue what is here is refused."""

from __future__ import annotations

import httpx
import pytest

from tbatch_tui.engine.client.stream import ResponseHead, read_head

REST = {"Content-Range": "bytes 100-299/1000", "Content-Length": "200", "ETag": '"v1"'}
REFUSED = ResponseHead(-1, None, None, None, None)


def head(status: int, headers: dict[str, str], offset: int = 100) -> ResponseHead:
    return read_head(httpx.Response(status, headers={k: v for k, v in headers.items() if v}), offset, '"v1"')


def test_the_total_of_a_part_is_what_the_server_states() -> None:
    assert head(206, REST) == ResponseHead(100, 300, 1000, '"v1"', 200)
    assert head(206, REST | {"Content-Range": "bytes 100-299/*"}) == ResponseHead(100, 300, None, '"v1"', 200)
    assert head(206, REST | {"ETag": ""}) == ResponseHead(100, 300, 1000, '"v1"', 200)
    chunked = REST | {"Content-Length": "", "Transfer-Encoding": "chunked"}
    assert head(206, chunked) == ResponseHead(100, 300, 1000, '"v1"', None)
    assert head(206, chunked | {"Content-Length": "200"}) == ResponseHead(100, 300, 1000, '"v1"', None)


@pytest.mark.parametrize(
    "change",
    [
        {"ETag": '"v2"'},
        {"Content-Range": "bytes 99-298/1000"},
        {"Content-Range": "bytes 100-299/299"},
        {"Content-Range": "bytes 100-298/1000"},
        {"Content-Range": "bytes 300-100/1000"},
        {"Content-Range": "bytes */1000"},
        {"Content-Range": "rows 100-299/1000"},
        {"Content-Range": ""},
        {"Content-Encoding": "gzip"},
    ],
    ids=lambda change: " ".join(map(str, change.values())) or "none",
)
def test_a_part_that_was_not_asked_for_is_refused(change: dict[str, str]) -> None:
    assert head(206, REST | change) == REFUSED


def test_a_part_is_refused_where_the_whole_file_was_asked_for() -> None:
    assert head(206, REST | {"Content-Range": "bytes 0-199/1000"}, offset=0) == REFUSED


def test_a_whole_file_begins_at_its_start_whatever_was_asked_for() -> None:
    assert head(200, {"Content-Length": "1000", "ETag": '"v2"'}) == ResponseHead(0, None, 1000, '"v2"', 1000)
    assert head(200, {"Content-Length": "10", "ETag": '"v2"', "Content-Encoding": "gzip"}) == ResponseHead(
        0, None, None, None, None
    )
