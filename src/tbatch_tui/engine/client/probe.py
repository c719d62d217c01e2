"""Look at what URLs lead to, as Together would fetch it: a few bytes by GET, without cookies and without a key."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections import defaultdict, deque
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING

import httpx

from tbatch_tui.engine.domain.link import LinkFault, LinkLook
from tbatch_tui.engine.errors import OperationCancelledError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

PER_HOST = 8
"""Requests at a time to one host: what is looked at must not look like an attack."""
_AT_ONCE = 64
"""Requests at a time to all hosts."""
_FIRST_BYTES = 1024
_HEADERS = {
    "Range": f"bytes=0-{_FIRST_BYTES - 1}",
    "Accept": "*/*",
    "Accept-Encoding": "identity",
    "User-Agent": "tbatch-tui",
}
_REDIRECTS_MAX = 5
_REDIRECTS = (301, 302, 303, 307, 308)
_WITHIN = 20.0
"""Seconds for one answer to begin, and for its first bytes."""
_STOP_EVERY = 0.05
"""Seconds between two looks at whether to stop."""
_STATUS_FAULTS = {
    401: LinkFault.REFUSED,
    403: LinkFault.REFUSED,
    404: LinkFault.GONE,
    410: LinkFault.GONE,
}
_TOTAL = re.compile(r"bytes (?:[0-9]+-[0-9]+|\*)/([0-9]+)")
_HTML = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|body|meta|title|script)\b", re.I | re.S
)
_HTML_TYPES = ("text/html", "application/xhtml+xml")


def look_at(
    urls: Sequence[str],
    *,
    within: float = _WITHIN,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> dict[str, LinkLook]:
    """Return what each URL leads to. Blocks: run it in a thread. Raises OperationCancelledError soon after `cancelled`.

    Args:
        urls: http and https URLs, each once.
        within: Seconds that an answer may take.
        progress: Called with the URLs looked at and the URLs in all.
    """
    return asyncio.run(_Probe(urls, within, progress).run(cancelled))


class _Probe:
    def __init__(self, urls: Sequence[str], within: float, progress: Callable[[int, int], None] | None) -> None:
        self._urls = urls
        self._within = within
        self._progress = progress
        self._looks: dict[str, LinkLook] = {}
        self._hosts: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(PER_HOST))
        self._all = asyncio.Semaphore(_AT_ONCE)

    async def run(self, cancelled: Callable[[], bool] | None) -> dict[str, LinkLook]:
        looking = asyncio.ensure_future(self._look_at_all())
        while not looking.done():
            if cancelled is not None and cancelled():
                looking.cancel()
                await asyncio.wait({looking})
                raise OperationCancelledError("Checking the links was stopped")
            await asyncio.wait({looking}, timeout=_STOP_EVERY)
        await looking
        return self._looks

    async def _look_at_all(self) -> None:
        urls = _by_turns(self._urls)
        # An answer's cookies are not kept: the next URL has to be looked at as by a stranger.
        no_cookies = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        limits = httpx.Limits(max_connections=_AT_ONCE, max_keepalive_connections=_AT_ONCE)
        async with (
            httpx.AsyncClient(
                headers=_HEADERS, cookies=no_cookies, timeout=self._within, limits=limits, follow_redirects=False
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(min(_AT_ONCE, len(self._urls))):
                group.create_task(self._work(client, urls))

    async def _work(self, client: httpx.AsyncClient, urls: Iterator[str]) -> None:
        for url in urls:
            self._looks[url] = await self._look(client, url)
            if self._progress is not None:
                self._progress(len(self._looks), len(self._urls))

    async def _look(self, client: httpx.AsyncClient, url: str) -> LinkLook:
        """Follow the redirects of a URL, and return what it leads to."""
        target = url
        try:
            for _ in range(_REDIRECTS_MAX + 1):
                parsed = httpx.URL(target)
                if parsed.scheme not in ("http", "https") or not parsed.host:
                    return _unreachable("is redirected to something other than an http or https URL")
                async with self._hosts[parsed.host], self._all, asyncio.timeout(self._within):
                    look, location = await _get(client, parsed)
                if look is not None:
                    return look
                target = str(parsed.join(location))
        except (TimeoutError, httpx.TimeoutException):
            return _unreachable(f"does not answer within {self._within:g} s")
        except (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, ValueError, OSError) as error:
            return _unreachable(_reason(error))
        return _unreachable(f"is redirected more than {_REDIRECTS_MAX} times")


async def _get(client: httpx.AsyncClient, url: httpx.URL) -> tuple[LinkLook | None, str]:
    """Ask for the first bytes; return what they are, or where the answer sends on to."""
    async with client.stream("GET", url) as response:
        if response.status_code in _REDIRECTS and (location := response.headers.get("location")):
            return None, location
        first = b""
        if response.status_code in (200, 206):
            async for chunk in response.aiter_raw():
                first += chunk
                if len(first) >= _FIRST_BYTES:
                    break  # a server without ranges sends all of it
        return _judge(response, first), ""


def _judge(response: httpx.Response, first: bytes) -> LinkLook:
    status = response.status_code
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    size = _size(response)
    if status == 416 and size == 0:
        return LinkLook(LinkFault.EMPTY, "is an empty file", 0, kind)
    if fault := _STATUS_FAULTS.get(status):
        return LinkLook(fault, f"answers {status} {response.reason_phrase}".rstrip())
    if status not in (200, 206):
        return _unreachable(f"answers {status} {response.reason_phrase}".rstrip())
    if not first:
        return LinkLook(LinkFault.EMPTY, "is an empty file", 0, kind)
    if _HTML.match(first) or (kind in _HTML_TYPES and first.lstrip().startswith(b"<")):
        return LinkLook(LinkFault.LOGIN_PAGE, "answers with a web page, such as a login", size, kind)
    return LinkLook(None, "", size, kind)


def _size(response: httpx.Response) -> int | None:
    """Return the bytes of the whole file; None where the server does not say."""
    if match := _TOTAL.fullmatch(response.headers.get("content-range", "").strip()):
        return int(match[1])
    length = response.headers.get("content-length", "")
    return int(length) if response.status_code == 200 and length.isascii() and length.isdigit() else None


def _unreachable(message: str) -> LinkLook:
    return LinkLook(LinkFault.UNREACHABLE, message)


def _reason(error: BaseException) -> str:
    """Return why there is no answer, in words."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return f"has no secure connection: {cause.reason or cause}"
        cause = cause.__cause__ or cause.__context__
    return f"cannot be reached: {str(error) or type(error).__name__}"


def _by_turns(urls: Iterable[str]) -> Iterator[str]:
    """Yield the URLs of all hosts in turns, so that one slow host does not hold up the others."""
    by_host: dict[str, deque[str]] = {}
    for url in urls:
        host = url.partition("://")[2].partition("/")[0]
        by_host.setdefault(host, deque()).append(url)
    waiting = deque(by_host.values())
    while waiting:
        of_host = waiting.popleft()
        yield of_host.popleft()
        if of_host:
            waiting.append(of_host)
