"""The bucket that local recordings are put in: what is there, uploads, and links that hold for some days.

An object is called by a hash of its bytes and by the path of its file, so that what is there need not be sent again,
and an object that a job may still read never gets other bytes. Needs the extra `s3`.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from tbatch_tui.engine.errors import BatchError, LocalFileError, OperationCancelledError
from tbatch_tui.engine.redaction import add_secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tbatch_tui.engine.options import AudioStore

SCHEME = "s3://"
SHORTEST, LONGEST = timedelta(hours=72), timedelta(days=7)
"""For how long a link has to hold: a job may run for that long before support is asked; S3 refuses more than a week."""
_HASH = 16
"""Hexadecimal digits of the hash in a name."""
_HASHED = re.compile(f"[0-9a-f]{{{_HASH}}}")
_AT_ONCE, _LOOKS_AT_ONCE = 4, 16
_DELETED_AT_ONCE = 200
_PIECE = 5 << 20
"""Bytes of a part of an upload; S3 takes none that is smaller, but for the last."""


class Recording(NamedTuple):
    """A recording on this machine, as it was read."""

    path: Path
    name: str
    """Its path relative to the folder, with slashes."""
    size: int
    sha256: str
    replaces: bool = False
    """Whether another object, which is not known here, has its name in the store."""


def object_address(store: str, name: str, sha256: str) -> str:
    """Return where a recording is put: `s3://bucket/prefix/<hash>/<name>`."""
    return f"{store}/{sha256[:_HASH]}/{name}"


def own_path(address: str) -> str:
    """Return the path of the file that an address of `object_address` is of; of another its key."""
    parts = address.removeprefix(SCHEME).split("/")[1:]
    at = next((place for place, part in enumerate(parts[:-1]) if _HASHED.fullmatch(part)), None)
    return "/".join(parts if at is None else parts[at + 1 :])


class ObjectStore:
    """A bucket of S3, or of what speaks like it: R2, MinIO."""

    def __init__(self, store: AudioStore, environment: Mapping[str, str]) -> None:
        """Take the keys of the environment; nothing is asked yet. Raises BatchError."""
        self.address, self.endpoint = store.address, store.endpoint
        bucket, _, self._prefix = store.address.removeprefix(SCHEME).partition("/")
        key, secret = (environment.get(f"AWS_{name}", "") for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"))
        if not key or not secret:
            raise BatchError(
                f"There are no keys for {store.address}", "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
            )
        token = environment.get("AWS_SESSION_TOKEN", "")
        if token and not store.session_token:
            raise BatchError(
                "The keys of the store are temporary: links end with them, perhaps before the job reads them",
                "Use lasting keys, without AWS_SESSION_TOKEN; or set session_token = true in [audio].",
            )
        for value in filter(None, (secret, token)):
            add_secret(value)
        self._bucket = _bucket(
            bucket,
            access_key_id=key,
            secret_access_key=secret,
            region=environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION") or "us-east-1",
            virtual_hosted_style_request=False,
            **({"session_token": token} if token else {}),
            **({"endpoint": store.endpoint} if store.endpoint else {}),
            client_options={"allow_http": store.endpoint.startswith("http://")},
        )

    def address_of(self, recording: Recording) -> str:
        """Return where a recording is put in this store."""
        return object_address(self.address, recording.name, recording.sha256)

    def missing(self, recordings: Sequence[Recording]) -> list[Recording]:
        """Return those that are not there with their size. Asks the store: for a thread. Raises BatchError."""
        with ThreadPoolExecutor(_LOOKS_AT_ONCE) as pool:
            sizes = list(pool.map(self._size, recordings))
        return [
            one._replace(replaces=size is not None)
            for one, size in zip(recordings, sizes, strict=True)
            if size != one.size
        ]

    def upload(
        self,
        recordings: Sequence[Recording],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], object] = lambda _done, _total: None,
        stored: Callable[[Recording], object] = lambda _recording: None,
    ) -> None:
        """Send recordings, several at once. What was sent in full stays there if it is stopped. For a thread.

        Raises LocalFileError for one that has changed since it was read, OperationCancelledError, and BatchError.

        Args:
            recordings: Those that are missing.
            cancelled: Asked again and again whether to stop.
            progress: Called with the bytes sent and the bytes in all, from several threads, one at a time.
            stored: Called with each that is there as a whole, from several threads, one at a time.
        """
        total, done, lock, stop = sum(one.size for one in recordings), 0, threading.Lock(), threading.Event()

        def count(size: int) -> None:
            nonlocal done
            if stop.is_set() or cancelled():
                raise OperationCancelledError("The upload was stopped")
            with lock:
                done += size
                progress(done, total)

        def send(recording: Recording) -> None:
            self._put(recording, count)
            with lock:
                stored(recording)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            sending = [pool.submit(send, one) for one in recordings]
            try:
                for future in as_completed(sending):
                    future.result()
            except BaseException:
                stop.set()
                for future in sending:
                    future.cancel()
                raise

    def delete(
        self,
        addresses: Sequence[str],
        *,
        cancelled: Callable[[], bool] = lambda: False,
        deleted: Callable[[Sequence[str]], object] = lambda _addresses: None,
    ) -> None:
        """Delete objects of this store; one that is gone already is deleted too. For a thread.

        Raises BatchError, also for an address of another place, and OperationCancelledError.

        Args:
            addresses: As `object_address` makes them.
            cancelled: Asked again and again whether to stop.
            deleted: Called with the addresses that are gone, some at a time.
        """
        import obstore

        self._require_own(addresses)
        for start in range(0, len(addresses), _DELETED_AT_ONCE):
            if cancelled():
                raise OperationCancelledError("Deleting was stopped")
            some = addresses[start : start + _DELETED_AT_ONCE]
            with _translated(self.address), suppress(FileNotFoundError):
                obstore.delete(self._bucket, [self._key(address) for address in some])
            deleted(some)

    def sign(self, addresses: Sequence[str], lifetime: timedelta = LONGEST) -> list[str]:
        """Return a link for each address of this store, which anybody can read until it ends.

        Raises BatchError for an address of another place, and ValueError for a lifetime that is too short or too long.
        """
        import obstore

        if not SHORTEST <= lifetime <= LONGEST:
            raise ValueError(f"a link has to hold for {SHORTEST} to {LONGEST}, not {lifetime}")
        self._require_own(addresses)
        keys = [self._key(address) for address in addresses]
        with _translated(self.address):
            return list(obstore.sign(self._bucket, "GET", keys, lifetime)) if keys else []

    def _require_own(self, addresses: Iterable[str]) -> None:
        for address in addresses:
            if not address.startswith(f"{self.address}/"):
                raise BatchError(f"{address[:200]} is not in {self.address}", "Check the store in [audio].")

    def _key(self, address: str) -> str:
        return address.removeprefix(SCHEME).partition("/")[2]

    def _key_of(self, recording: Recording) -> str:
        return self._key(self.address_of(recording))

    def _size(self, recording: Recording) -> int | None:
        """Return the bytes of a recording's object; None if it is not there."""
        import obstore

        with _translated(self.address):
            try:
                return int(obstore.head(self._bucket, self._key_of(recording))["size"])
            except FileNotFoundError:
                return None

    def _put(self, recording: Recording, count: Callable[[int], None]) -> None:
        import obstore

        failures: list[BatchError] = []
        with _translated(self.address):
            try:
                obstore.put(
                    self._bucket, self._key_of(recording), _pieces(recording, count, failures), chunk_size=_PIECE
                )
            except Exception:
                if failures:  # what went wrong while the file was read; the library has its own error for that
                    raise failures[0] from None
                raise
        if failures:
            raise failures[0]


def _pieces(recording: Recording, count: Callable[[int], None], failures: list[BatchError]) -> Iterator[bytes]:
    """Yield the bytes of a file; the last ones only if they all are those that its name was made of."""
    digest, size = hashlib.sha256(), 0
    try:
        try:
            with recording.path.open("rb") as file:
                piece = file.read(_PIECE)
                while piece:
                    digest.update(piece)
                    size += len(piece)
                    following = file.read(_PIECE)
                    if not following and digest.hexdigest() != recording.sha256:
                        raise LocalFileError(f"{recording.name} has changed since it was read", "Start again.")
                    count(len(piece))
                    yield piece
                    piece = following
        except OSError as error:
            raise LocalFileError(
                f"{recording.name} cannot be read: {error.strerror or error}", "Check the path and its permissions."
            ) from error
        if size != recording.size:
            raise LocalFileError(f"{recording.name} has changed since it was read", "Start again.")
    except BatchError as error:
        failures.append(error)
        raise


def _bucket(name: str, **options: Any) -> Any:
    try:
        from obstore.store import S3Store
    except ImportError:
        raise BatchError(
            "The library for object stores is not installed", "Install it: pip install 'tbatch-tui[s3]'."
        ) from None
    return S3Store(name, **options)


class _translated:  # noqa: N801 - used as a function
    """Errors of the library as one of ours, without links and keys."""

    def __init__(self, address: str) -> None:
        self._address = address

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is None or isinstance(error, BatchError | FileNotFoundError) or not isinstance(error, Exception):
            return
        from obstore.exceptions import BaseError

        if not isinstance(error, BaseError | OSError):
            return
        kind = type(error).__name__.removesuffix("Error")
        words = {"PermissionDenied": "refused access", "Unauthenticated": "refused the keys"}.get(
            kind, "did not answer"
        )
        raise BatchError(
            f"{self._address} {words}",
            "Check [audio] store and endpoint, AWS_REGION and the keys; what was sent stays.",
        ) from None


def store_of(store: AudioStore | None) -> ObjectStore:
    """Return the store of the settings, with the keys of the environment. Raises BatchError."""
    if store is None:
        raise BatchError("No store for recordings is set", 'Set [audio] store = "s3://bucket/prefix" in config.toml.')
    return ObjectStore(store, os.environ)
