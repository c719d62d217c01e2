"""The bytes of an answer as they come in: whole, in pieces, cut off, too slow, and given up."""

from __future__ import annotations

import asyncio
import gzip
import threading
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.client import stream
from tbatch_tui.engine.client.http_clients import sync_client
from tbatch_tui.engine.client.stream import ResponseStream
from tbatch_tui.engine.client.translate_errors import translate_errors
from tbatch_tui.engine.errors import OutcomeUnknownError
from tests.helpers.network import serving

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Iterator

BODY = bytes(range(256)) * 40
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(BODY)
PIECE = 4096


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PIECE", PIECE)


def sending(*parts: bytes | threading.Event | None) -> Callable[[socket.socket], None]:
    """Answer a request with these bytes, one write each. Wait at an event; at None, for the client to close."""

    def talk(connection: socket.socket) -> None:
        connection.recv(65_536)
        for part in parts:
            if isinstance(part, threading.Event):
                part.wait(5)
            elif part is None:
                connection.recv(1)
            else:
                connection.sendall(part)

    return talk


@asynccontextmanager
async def body(talk: Callable[[socket.socket], None], length: int | None = len(BODY)) -> AsyncIterator[ResponseStream]:
    """Return the body of the answer, which is closed afterwards, whatever the server does."""

    @contextmanager
    def translated() -> Iterator[None]:
        with translate_errors("download the file", host="host", key="k" * 20):
            yield

    with serving(talk) as (port, _), sync_client("http://127.0.0.1") as client:
        response = await asyncio.to_thread(
            lambda: client.send(client.build_request("GET", f"http://127.0.0.1:{port}/"), stream=True)
        )
        opened = ResponseStream(response, length, translated)
        try:
            yield opened
        finally:
            await opened.close()
            await asyncio.to_thread(opened._thread.shutdown, wait=True)
            assert response.is_closed


async def read(opened: ResponseStream, on_piece: Callable[[Any], object] = lambda _: None) -> list[bytes]:
    return [bytes(piece) async for piece in opened.pieces(on_piece)]


async def test_a_body_of_known_length_comes_in_pieces_that_fill_their_buffers() -> None:
    noted: list[tuple[bytes, str]] = []
    begun = threading.Event()

    def note(piece: bytes | bytearray) -> None:
        noted.append((bytes(piece), threading.current_thread().name.partition("_")[0]))

    # The last bytes are not of this answer: a server that sends more than it states does not make the file longer.
    async with body(sending(HEAD + BODY[:10], begun, BODY[10:5000], BODY[5000:] + b"more")) as opened:
        begun.set()
        pieces = await read(opened, note)
    assert b"".join(pieces) == BODY
    assert [len(piece) for piece in pieces] == [10, PIECE, PIECE, len(BODY) - 10 - 2 * PIECE]
    assert noted == [(piece, "body") for piece in [*pieces, b""]]


@pytest.mark.parametrize("length", [0, None])
async def test_an_empty_body_has_no_pieces(length: int | None) -> None:
    async with body(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), length) as opened:
        assert await read(opened) == []


@pytest.mark.parametrize("encoding", ["chunked", "gzip", "until closed"])
async def test_a_body_that_does_not_come_as_it_is_is_decoded(encoding: str) -> None:
    packed = gzip.compress(BODY)
    answers = {
        "chunked": b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY),
        "gzip": b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed),
        "until closed": b"\r\n" + BODY,
    }
    async with body(sending(b"HTTP/1.1 200 OK\r\n" + answers[encoding]), None) as opened:
        pieces = await read(opened)
    assert b"".join(pieces) == BODY
    assert all(len(piece) >= PIECE for piece in pieces[:-1])


@pytest.mark.parametrize("came", [0, 1, 5000, len(BODY) - 1])
async def test_what_came_before_a_cut_is_handed_on(came: int) -> None:
    pieces: list[bytes] = []
    async with body(sending(HEAD, BODY[:came])) as opened:
        with pytest.raises(OutcomeUnknownError) as error:
            await read(opened, lambda piece: pieces.append(bytes(piece)))
    assert b"".join(pieces) == BODY[:came]
    if came:
        assert error.value.title == f"The download was cut off {len(BODY) - came:,} bytes before its end"
        assert error.value.hint == "It continues from there."


async def test_what_came_before_a_cut_is_handed_on_of_a_body_of_unknown_length() -> None:
    pieces: list[bytes] = []
    answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n" % (len(BODY), BODY)
    async with body(sending(answer), None) as opened:
        with pytest.raises(OutcomeUnknownError, match="cut when the server was asked to download the file"):
            await read(opened, lambda piece: pieces.append(bytes(piece)))
    assert b"".join(pieces) == BODY


async def test_a_server_that_falls_silent_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_READ_TIMEOUT", 0.1)
    pieces: list[bytes] = []
    async with body(sending(HEAD + BODY[:10], BODY[10:5000], None)) as opened:
        with pytest.raises(OutcomeUnknownError) as error:
            await read(opened, lambda piece: pieces.append(bytes(piece)))
    assert error.value.title == "The connection was cut in the middle of the download"
    assert "timed out" in error.value.hint and b"".join(pieces) == BODY[:5000]


async def test_a_read_that_is_given_up_is_cut_off() -> None:
    """Neither the loop nor the thread that reads waits for a server that may never answer."""
    loop = asyncio.get_running_loop()
    async with body(sending(HEAD + BODY[:10], None)) as opened:
        reading = asyncio.create_task(read(opened))
        await asyncio.sleep(0.05)
        began = loop.time()
    assert loop.time() - began < 4
    with pytest.raises(OutcomeUnknownError):
        await reading


async def test_a_body_can_be_closed_that_was_not_read() -> None:
    async with body(sending(HEAD + BODY)):
        pass
