"""The command `tbatch-tui sandbox`: it prints three lines for the shell, then a line for each request."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import ipaddress
import os
import shlex
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn

from tbatch_tui.sandbox.app import make_app
from tbatch_tui.sandbox.faults import BadPlanError, read_plan
from tbatch_tui.sandbox.jobs.validation import Rates
from tbatch_tui.sandbox.middleware import CuttableProtocol
from tbatch_tui.sandbox.state import DataDirInUseError, SandboxOptions, SandboxState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LOOPBACK = "127.0.0.1"
KEY_VARIABLE = "TBATCH_SANDBOX_KEY"
"""The environment variable of the key, for a caller that shows it to nobody: arguments can be read by every user."""


_ROUNDS_TO_CONNECT = 4
"""Rounds of the loop in which a socket that was accepted becomes a connection, and an aborted one is closed."""


class SandboxServer(uvicorn.Server):
    """uvicorn's server, but stopped by `stop`, without polling a flag ten times a second, and at once.

    Running requests are cut, as if the machine were gone: tests want to see what a client makes of that.
    """

    def __init__(self, state: SandboxState) -> None:
        config = uvicorn.Config(
            make_app(state),
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # clients that disconnect or send nonsense are normal here
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=75,
        )
        super().__init__(config)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Stop serving. Call it in the event loop."""
        self._stopping.set()

    async def main_loop(self) -> None:
        """Serve until `stop` is called."""
        await self._stopping.wait()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the caller: uvicorn would raise them again at the end and skip the clean-up."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close all sockets and connections now, and cancel running requests."""
        loop = asyncio.get_running_loop()
        for sock in sockets or ():
            with contextlib.suppress(NotImplementedError):  # on Windows
                loop.remove_reader(sock.fileno())
        await asyncio.sleep(0)  # what was accepted is given its connection; asyncio drops it once the server is closed
        for server in self.servers:
            server.close()
        for sock in sockets or ():
            sock.close()
        for _ in range(_ROUNDS_TO_CONNECT):
            await asyncio.sleep(0)
            for connection in list(self.server_state.connections):
                connection.transport.abort()
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket. Clients can connect from now on and wait until the server runs."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's algorithm off only if the socket's protocol is TCP; with it on, a response takes 40 ms.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows this would let two servers use one port, and restarting on the same port works without it.
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(256)
        sock.setblocking(False)
    except BaseException:
        sock.close()
        raise
    return sock


def base_url(sock: socket.socket) -> str:
    """Return the base URL for clients of this socket."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def main(argv: list[str], prog: str = "tbatch-tui sandbox") -> int:
    """Run the command until it is stopped. Return the exit code: 0, or 2 if it could not start."""
    parser = _parser(prog)
    try:
        args = parser.parse_args(argv)
    except SystemExit as error:  # --help, or an option that argparse has already reported
        return error.code if isinstance(error.code, int) else 2
    try:
        faults = read_plan(args.faults) if args.faults is not None else []
        with contextlib.closing(listen(args.host, args.port)) as sock, contextlib.closing(_make_state(args)) as state:
            state.faults.add(faults)
            asyncio.run(_serve(state, sock, args))
    except BadPlanError as error:
        return _startup_error(prog, str(error))
    except DataDirInUseError as error:
        return _startup_error(prog, f"another sandbox is using {error}; stop it, or give another --data-dir")
    except OSError as error:
        return _startup_error(prog, f"cannot start on {args.host} port {args.port}: {error.strerror or error}")
    return 0


async def _serve(state: SandboxState, sock: socket.socket, args: argparse.Namespace) -> None:
    """Serve until a signal comes or, with `--with-parent`, the parent process ends."""
    server = SandboxServer(state)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, server.stop)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(server.stop))
    if args.with_parent:
        stop = functools.partial(loop.call_soon_threadsafe, server.stop)
        threading.Thread(target=_watch_parent, args=(stop,), daemon=True).start()
    output = _Output()
    output.print_line(f"export TOGETHER_BASE_URL={shlex.quote(base_url(sock))}")
    output.print_line(f"export TOGETHER_API_KEY={shlex.quote(state.key)}")
    output.print_line(f"export TOGETHER_API_BASE_URL={shlex.quote(base_url(sock))}/v1")
    if not args.quiet:
        state.traffic.on_end = lambda call: output.print_line(call.log_line())
    if args.demo:  # meanwhile, clients wait in the socket's queue
        from tbatch_tui.sandbox.demo.past_jobs import add_past_jobs

        add_past_jobs(state)
    await server.serve(sockets=[sock])


def _watch_parent(stop: Callable[[], object]) -> None:
    """Wait for the end of standard input, which comes however the parent ended, then call `stop`."""
    # Not through sys.stdin: this thread would hold its lock while Python exits.
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    with contextlib.suppress(RuntimeError):  # the event loop is closed already
        stop()


class _Output:
    """Standard output as long as somebody reads it: `| head -2` must not stop the sandbox."""

    def __init__(self) -> None:
        self._open = True

    def print_line(self, text: str) -> None:
        """Print a line at once."""
        if not self._open:
            return
        try:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        except (BrokenPipeError, ValueError):
            self._open = False
            # Python would try to write the rest of the buffer when it exits, and print an error.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _make_state(args: argparse.Namespace) -> SandboxState:
    rates = Rates() if args.failure_rate is None else Rates(failure_rate=args.failure_rate, min_rows=0)
    return SandboxState(
        SandboxOptions(
            speed=args.speed,
            seed=args.seed,
            key=args.key,
            data_dir=args.data_dir,
            rates=rates,
            strict=args.strict,
        )
    )


def _startup_error(prog: str, message: str) -> int:
    sys.stderr.write(f"{prog}: {message}\n")
    return 2


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="A local Together API on loopback, for trying scripts and for CI. Nothing leaves the machine.",
    )
    add_arguments(parser)
    return parser


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("--host", type=_host, default=LOOPBACK, help="a loopback address [%(default)s]")
    parser.add_argument("--port", type=_port, default=0, help="0 takes a free one [%(default)s]")
    parser.add_argument("--speed", type=_speed, default=1.0, help="how many times faster jobs run [%(default)g]")
    parser.add_argument("--faults", type=Path, metavar="FILE", help="a JSON plan of what goes wrong")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="keep files and jobs here [in memory]")
    parser.add_argument("--seed", type=int, metavar="N", help="the same ids in the same order [by chance]")
    parser.add_argument(
        "--key", type=_key, default=os.environ.get(KEY_VARIABLE), help="the key that clients must send [made up]"
    )
    parser.add_argument("--failure-rate", type=_rate, metavar="R", help="rows that fail by chance, 0 to 1 [0.01]")
    parser.add_argument("--strict", action="store_true", help="refuse also what only the documentation forbids")
    parser.add_argument("--demo", action="store_true", help="begin with two weeks of past jobs")
    parser.add_argument("--quiet", action="store_true", help="no line per request")
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")


def _host(text: str) -> str:
    if text == "localhost":
        return LOOPBACK
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(text).is_loopback:
            return text
    raise argparse.ArgumentTypeError(f"{text!r} is not a loopback address: the sandbox serves this machine only")


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")


def _speed(text: str) -> float:
    return _number(text, 0.0, 1e5, "a factor, 0 (time stands still) to 100000")


def _rate(text: str) -> float:
    return _number(text, 0.0, 1.0, "a rate, 0 to 1")


def _number(text: str, least: float, most: float, what: str) -> float:
    with contextlib.suppress(ValueError):
        if least <= (number := float(text)) <= most:
            return number
    raise argparse.ArgumentTypeError(f"{text!r} is not {what}")


def _key(text: str) -> str:
    if text.isascii() and text.isprintable() and text.strip() == text and text:
        return text
    raise argparse.ArgumentTypeError("a key is plain ASCII without spaces around it")
