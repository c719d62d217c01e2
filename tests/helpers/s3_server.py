"""A bucket on loopback that speaks S3 over HTTP and refuses what is not signed right (AWS Signature Version 4).

It has what uploads and links need: PUT, multipart uploads, HEAD, GET with a range, deletes. Signatures are computed
anew of what arrives, by Amazon's description of them; links end when they say they do.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY, SECRET = "AKIDTEST", "secret-of-the-store"


class S3Server(ThreadingHTTPServer):
    """One bucket, whatever it is called."""

    daemon_threads = True
    request_queue_size = 128  # a client looks for many objects at once, and the machine may be busy

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, dict[int, bytes]] = {}
        self.numbers = count()
        self.stored: list[str] = []
        """Keys in the order in which they came."""
        self.begun = 0
        self.refuse_after: int | None = None
        """How many uploads are begun before every other is refused; None: all."""
        self.now = time.time

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: Any) -> None:
        """Say nothing of clients that went away."""


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a server for as long as the block."""
    server = S3Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: S3Server

    def log_message(self, *_: Any) -> None:
        """Log nothing."""

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        key = unquote(parts.path).lstrip("/").partition("/")[2]
        if not self._is_signed(parts.path, query):
            self._answer(403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>")
            return
        getattr(self, f"_{self.command.lower()}")(key, query, body)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle  # noqa: N815 - names of the standard library

    def _get(self, key: str, _query: dict[str, str], _body: bytes) -> None:
        data = self.server.objects.get(key)
        if data is None:
            self._answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        elif wanted := self.headers.get("Range"):
            first, _, last = wanted.removeprefix("bytes=").partition("-")
            if int(first) >= len(data):
                self._answer(416, b"<Error><Code>InvalidRange</Code></Error>")
                return
            self._answer(206, data[int(first) : int(last or len(data)) + 1])
        else:
            self._answer(200, data)

    def _head(self, key: str, _query: dict[str, str], _body: bytes) -> None:
        data = self.server.objects.get(key)
        if data is None:
            self._answer(404)
        else:
            self._answer(200, Content_Length=str(len(data)), ETag='"x"', Last_Modified="Sat, 28 Nov 2026 10:00:00 GMT")

    def _put(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "uploadId" in query:
            self.server.uploads[query["uploadId"]][int(query["partNumber"])] = body
        else:
            if self._is_full():
                return
            self._store(key, body)
        self._answer(200, ETag='"x"')

    def _post(self, key: str, query: dict[str, str], body: bytes) -> None:
        if "delete" in query:
            keys = [unescape(name) for name in re.findall(r"<Key>(.*?)</Key>", body.decode())]
            for name in keys:
                self.server.objects.pop(name, None)
            gone = "".join(f"<Deleted><Key>{escape(name)}</Key></Deleted>" for name in keys)
            self._answer(200, f"<DeleteResult>{gone}</DeleteResult>".encode())
        elif "uploads" in query:
            if self._is_full():
                return
            number = f"u{next(self.server.numbers)}"  # never one that another upload has
            self.server.uploads[number] = {}
            tag = "InitiateMultipartUploadResult"
            self._answer(200, f"<{tag}><UploadId>{number}</UploadId></{tag}>".encode())
        else:
            pieces = self.server.uploads.pop(query["uploadId"])
            self._store(key, b"".join(pieces[number] for number in sorted(pieces)))
            tag = "CompleteMultipartUploadResult"
            self._answer(200, f'<{tag}><ETag>"x"</ETag></{tag}>'.encode())

    def _delete(self, key: str, query: dict[str, str], _body: bytes) -> None:
        if "uploadId" in query:
            self.server.uploads.pop(query["uploadId"], None)
        else:
            self.server.objects.pop(key, None)
        self._answer(204)

    def _is_full(self) -> bool:
        limit = self.server.refuse_after
        self.server.begun += 1
        if limit is None or self.server.begun <= limit:
            return False
        ended = time.monotonic() + 10
        while len(self.server.stored) < limit and time.monotonic() < ended:
            time.sleep(0.005)  # a client that is refused stops those that are on their way
        self._answer(403, b"<Error><Code>AccessDenied</Code></Error>")
        return True

    def _store(self, key: str, body: bytes) -> None:
        self.server.objects[key] = body
        self.server.stored.append(key)

    # -- signatures ----------------------------------------------------------------------------------

    def _is_signed(self, path: str, query: dict[str, str]) -> bool:
        """Whether the request has a signature of ours, in its header or its URL, that has not ended."""
        if signature := query.pop("X-Amz-Signature", ""):
            credential, date = query["X-Amz-Credential"], query["X-Amz-Date"]
            names, payload = query["X-Amz-SignedHeaders"], "UNSIGNED-PAYLOAD"
            signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
            if self.server.now() > signed_at + int(query["X-Amz-Expires"]):
                return False
        else:
            fields = dict(
                part.strip().split("=", 1)
                for part in self.headers.get("Authorization", "").removeprefix("AWS4-HMAC-SHA256 ").split(",")
                if "=" in part
            )
            if not fields:
                return False
            credential, names, signature = fields["Credential"], fields["SignedHeaders"], fields["Signature"]
            date, payload = self.headers["x-amz-date"], self.headers["x-amz-content-sha256"]
        asked = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(query.items()))
        headers = "".join(f"{name}:{' '.join(self.headers.get(name, '').split())}\n" for name in names.split(";"))
        request = "\n".join((self.command, path, asked, headers, names, payload))
        scope = credential.split("/")[1:]
        text = "\n".join(("AWS4-HMAC-SHA256", date, "/".join(scope), hashlib.sha256(request.encode()).hexdigest()))
        key = f"AWS4{SECRET}".encode()
        for part in (*scope, text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return credential.split("/")[0] == KEY and hmac.compare_digest(key.hex(), signature)
