"""Try requests now: choose how many, see the price, send, and read each answer beside its request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.containers import Container
from textual.widgets import Static

from tbatch_tui.engine.errors import BatchError
from tbatch_tui.engine.live.change import asked_of, changed_body
from tbatch_tui.engine.live.exported import write_tries
from tbatch_tui.engine.live.price import cost_of_file
from tbatch_tui.engine.live.request import kept_body
from tbatch_tui.engine.live.wording import format_meaning, format_price_before, format_sum
from tbatch_tui.text import format as fmt
from tbatch_tui.tui.dialogs.base import Box, Dialog, KeyHints
from tbatch_tui.tui.dialogs.trying.pane import TryPane
from tbatch_tui.tui.dialogs.trying.texts import answer_text, differences, request_text, summary_pieces, verdict_text
from tbatch_tui.tui.keys import bindings as keys
from tbatch_tui.tui.keys.hints import key_display
from tbatch_tui.tui.render.status import ATTENTION, QUIET
from tbatch_tui.tui.render.styled import styled_content
from tbatch_tui.tui.sanitize import line_content

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from tbatch_tui.engine.domain.cost import Estimate
    from tbatch_tui.engine.domain.tried import TriedRequest
    from tbatch_tui.engine.engine import BatchEngine
    from tbatch_tui.engine.live.change import Asked
    from tbatch_tui.engine.live.request import LiveRequest
    from tbatch_tui.engine.pricing.prices import PriceList
    from tbatch_tui.tui.bridge import Bridge
    from tbatch_tui.tui.dialogs.trying.subject import TrySubject
    from tbatch_tui.tui.render.styled import StyledText

_TICK = 0.5
"""Seconds between two updates of how long an answer takes."""
_NAMED = 100
"""Characters of a name or an id."""
WIDE = 100
"""Width in cells from which request and answer stand side by side."""


class TryDialog(Dialog[None]):
    """Sends nothing before Enter. Escape stops what is out, else closes it."""

    AUTO_FOCUS = "#request _Scroll"
    BINDINGS: ClassVar[list[BindingType]] = [
        keys.TRY_SEND,
        keys.TRY_AGAIN,
        keys.TRY_MORE,
        keys.TRY_FEWER,
        keys.TRY_CHANGE,
        keys.TRY_NEXT,
        keys.TRY_PREVIOUS,
        keys.TRY_VIEW,
        keys.TRY_EXPORT,
        keys.TRY_CLOSE,
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - declared by Screen
    DEFAULT_CSS = """
    TryDialog {
        Box { width: 100%; height: 100%; padding: 0 1; }
        #title { height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #price, #sum { height: auto; }
        #sides { height: 1fr; layout: vertical; }
        #request { height: 2fr; }
        #answer { height: 3fr; }
        KeyHints { margin-top: 0; }
        &.-wide {
            #sides { layout: horizontal; }
            #request, #answer { width: 1fr; height: 1fr; }
            #answer { margin-left: 1; }
        }
    }
    """

    def __init__(self, engine: BatchEngine, bridge: Bridge, subject: TrySubject) -> None:
        super().__init__()
        self._engine = engine
        self._bridge = bridge
        self._subject = subject
        self._count = subject.chosen
        self._at = 0
        self._requests: list[LiveRequest] = []
        self._bodies: list[str] = []
        """Of each request the body as the history keeps it."""
        self._tries: list[TriedRequest | None] = []
        """Of each request the latest try."""
        self._asked_here: set[int] = set()
        """The numbers of the tries that were made while this is open."""
        self._changes: Asked | None = None
        self._price: Estimate | None = None
        self._batch_prices: PriceList | None = None
        self._is_asking = False
        self._began = 0.0
        self._shows_request = False
        """Whether the request is shown where there is the batch's answer too."""

    def compose(self) -> ComposeResult:
        """Lay out the price, both sides, and what it comes to."""
        with Box():
            yield Static(id="title", classes="dialog--title", markup=False)
            yield Static(id="price", markup=False)
            with Container(id="sides"):
                yield TryPane("Request", id="request")
                yield TryPane("Answer", id="answer")
            yield Static(id="sum", markup=False)
            yield TryKeys()

    def on_mount(self) -> None:
        """Read the first request, and what was tried of it before."""
        self._ticker = self.set_interval(_TICK, self._show_price, pause=True)
        self._show()
        self._read()

    # -- what is tried -------------------------------------------------------------------------------

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        """Find the requests, their price, and the latest try of each."""
        try:
            requests = await self._subject.read(self._count)
            if self._changes is not None:
                requests = [self._changed(request, self._changes) for request in requests]
            bodies = await asyncio.to_thread(lambda: [kept_body(request.body) for request in requests])
            tries = [_latest(body, await self._tried(request)) for request, body in zip(requests, bodies, strict=True)]
            self._requests, self._bodies, self._tries = requests, bodies, tries
            self._at = min(self._at, len(requests) - 1)
            self._show()
            self._price = await self._engine.estimates.of_requests(requests)
            _, self._batch_prices = await self._engine.live.prices()
        except BatchError as error:
            self._bridge.report(error)
            if not self._requests:
                self.dismiss(None)
            return
        self._show()

    def _changed(self, request: LiveRequest, wanted: Asked) -> LiveRequest:
        """Return a request as it is asked now: of several, each keeps its own prompt."""
        if self._count > 1:
            from dataclasses import replace

            wanted = replace(wanted, prompt=asked_of(request.body).prompt)
        return request.changed(changed_body(request.body, wanted))

    def action_more(self, by: int) -> None:
        """Try one request more, or one less."""
        count = max(1, min(self._subject.most, self._count + by))
        if self._is_asking or count == self._count:
            self.app.bell()
            return
        self._count, self._price = count, None
        self._show_price()
        self._read()

    @work(group="change", exclusive=True, exit_on_error=False)
    async def action_change(self) -> None:
        """Ask for another model, limit or prompt; nothing is sent by that."""
        from tbatch_tui.tui.dialogs.trying.change_form import ChangeTry

        if self._is_asking or not self._requests:
            return
        request = self._requests[0]
        form = ChangeTry(
            asked_of(request.body),
            self._bridge,
            is_audio=request.endpoint.is_audio,
            with_prompt=len(self._requests) == 1,
        )
        wanted = await self.app.push_screen_wait(form)
        if wanted is not None:
            self._changes, self._price = wanted, None
            self._read()

    # -- asking --------------------------------------------------------------------------------------

    def action_send(self) -> None:
        """Send the requests, each once; what has an answer already is sent again by another key only."""
        if self._requests and not self._has_all_answers:
            self.action_send_again()
        elif self._requests and not self._is_asking:
            self._bridge.notify("These have an answer", "{try.again} sends them again, which costs again.")

    def action_send_again(self) -> None:
        """Send the requests, each once, whether they have an answer or not."""
        if self._price is None:
            self.app.bell()  # the requests or their price are not known yet
        elif self._requests and not self._is_asking:
            self._is_asking = True
            self._ask()

    @property
    def _has_all_answers(self) -> bool:
        """Whether all that is shown was asked just so."""
        pairs = zip(self._bodies, self._tries, strict=True)
        return all(tried is not None and tried.request == body for body, tried in pairs)

    @work(group="ask", exclusive=True, exit_on_error=False)
    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        self._began = loop.time()
        self._tries = [None] * len(self._requests)
        self._ticker.resume()
        self._show()
        try:
            await self._engine.live.ask(list(self._requests), self._answered, schema=self._subject.schema)
        except BatchError as error:
            self._bridge.report(error)
        finally:
            self._is_asking = False
            self._ticker.pause()
            if self.is_attached:
                self._show()

    def _answered(self, number: int, tried: TriedRequest) -> None:
        self._tries[number] = tried
        self._asked_here.add(tried.id)
        self._show()

    def action_close_try(self) -> None:
        """Stop what is out; else close it."""
        if not self._is_asking:
            self.dismiss(None)
            return
        self.workers.cancel_group(self, "ask")
        self._bridge.notify("Stopped", "What was sent may be answered and billed.", "warning")
        self._read()

    # -- showing -------------------------------------------------------------------------------------

    @property
    def _request(self) -> LiveRequest | None:
        return self._requests[self._at] if self._requests else None

    def _show(self) -> None:
        """Show the request one is at, its answer, and what all come to."""
        if not self.is_mounted:
            return
        request = self._request
        place = ""
        if request is not None and request.line is not None:
            place = f"{self._subject.unit} {request.line:,}"
        of = f"{self._at + 1} of {len(self._requests)}" if len(self._requests) > 1 else ""
        custom_id = request.custom_id[:_NAMED] if request is not None else ""
        title = fmt.join(f"Try {self._subject.name[:_NAMED]}", of, place, custom_id)
        self.query_one("#title", Static).update(line_content(title))
        self._show_price()
        self._show_sides()
        tries = [tried for tried in self._tries if tried is not None]
        means = ""
        if self._batch_prices is not None and self._subject.requests:
            means = format_meaning(cost_of_file(tries, self._subject.requests, self._batch_prices))
        parts = (format_sum(self._tries) if tries and not self._is_asking else "", means)
        self.query_one("#sum", Static).update(styled_content(summary_pieces(parts)))
        self.query_one(TryKeys).show(*self._hints())

    def _hints(self) -> list[tuple[str, str]]:
        close = key_display(keys.TRY_CLOSE)
        if self._is_asking:
            return [(close, "Stop")]
        has_answer = any(self._tries)
        is_again = bool(self._requests) and self._has_all_answers
        send = (key_display(keys.TRY_AGAIN), "Send again") if is_again else (key_display(keys.TRY_SEND), "Send")
        hints = [send, (close, "Close")]
        if self._subject.most > 1:
            hints.append((f"{key_display(keys.TRY_FEWER)}{key_display(keys.TRY_MORE)}", "More"))
        if len(self._requests) > 1:
            hints.append((key_display(keys.TRY_NEXT), "Next"))
        hints.append((key_display(keys.TRY_CHANGE), "Change"))
        if has_answer and self._batch_answer is not None:
            hints.append((key_display(keys.TRY_VIEW), "Request" if not self._shows_request else "Batch"))
        if has_answer:
            hints.append((key_display(keys.TRY_EXPORT), "Export"))
        return hints

    def _show_price(self) -> None:
        """Show how many are sent and what that costs; while they are out, for how long."""
        many = fmt.plural(self._count, "request")
        changed = [(" · changed", ATTENTION)] if self._changes is not None else []
        if self._is_asking:
            waited = asyncio.get_running_loop().time() - self._began
            left = sum(tried is None for tried in self._tries)
            text: StyledText = [(f"Waiting for {fmt.plural(left, 'answer')} · {waited:.0f} s", "$status-active")]
        elif self._price is None:
            text = [(many, ""), *changed, (" · …", QUIET)]
        else:
            price = f"{format_price_before(self._price)}, at the real-time price"
            text = [(many, "bold"), *changed, (" · ", QUIET), (price, "")]
        self.query_one("#price", Static).update(styled_content(text))

    @property
    def _batch_answer(self) -> str | None:
        request = self._request
        return self._subject.answers.get(request.fingerprint) if request is not None else None

    @work(group="sides", exclusive=True, exit_on_error=False)
    async def _show_sides(self) -> None:
        """Show request and answer; where the batch has answered too, both answers with the words that differ."""
        request = self._request
        if request is None:
            return
        tried = self._tries[self._at]
        left, right = self.query_one("#request", TryPane), self.query_one("#answer", TryPane)
        batch = self._batch_answer
        if tried is None or batch is None or tried.answer is None or self._shows_request:
            left.show("Request", await asyncio.to_thread(request_text, request.body))
            right.show("Answer", self._answer(tried))
            return
        before, now = await asyncio.to_thread(differences, batch, tried.answer)
        is_same = batch == tried.answer
        left.show("In the batch", before)
        note: StyledText = [(" · the same as in the batch", QUIET)] if is_same else []
        right.show("Now", [*verdict_text(tried), *note, ("\n\n", ""), *now])

    def _answer(self, tried: TriedRequest | None) -> StyledText:
        if tried is None:
            if self._is_asking:
                return [("Waiting for the answer.", "$status-active")]
            return [(f"Nothing is sent yet. {key_display(keys.TRY_SEND)} sends it, once.", QUIET)]
        note = "" if tried.id in self._asked_here else f"tried before: {fmt.when(tried.sent_at, self._engine.now())}"
        other = "" if tried.request == self._bodies[self._at] else "asked in another way than now"
        return answer_text(tried, fmt.join(note, other))

    def action_next_try(self, by: int) -> None:
        """Show the next request, or the one before, round and round."""
        if len(self._requests) > 1:
            self._at = (self._at + by) % len(self._requests)
            self._show()

    def action_view_try(self) -> None:
        """Show the request where the batch's answer is, or that again."""
        if self._batch_answer is not None:
            self._shows_request = not self._shows_request
            self._show()

    # -- exporting -----------------------------------------------------------------------------------

    @work(group="export", exclusive=True, exit_on_error=False)
    async def action_export_tries(self) -> None:
        """Write all that was tried of these requests to a file, a line of JSON each."""
        tries = [tried for request in self._requests for tried in reversed(await self._tried(request))]
        if not tries:
            self._bridge.notify("Nothing was tried yet")
            return
        try:
            path = await asyncio.to_thread(write_tries, tries, self._engine.options.output_dir, self._subject.name)
        except BatchError as error:
            self._bridge.report(error)
        else:
            self._bridge.notify(f"Wrote {path.name}", f"{fmt.plural(len(tries), 'try', 'tries')} in {path.parent}.")

    async def _tried(self, request: LiveRequest) -> list[TriedRequest]:
        return await self._engine.live.tried_before(request)


def _latest(body: str, tries: list[TriedRequest]) -> TriedRequest | None:
    """Return the latest try that asked the same; else the latest one of the line."""
    return next((tried for tried in tries if tried.request == body), tries[0] if tries else None)


class TryKeys(KeyHints):
    """The keys that are of use now."""

    def show(self, *hints: tuple[str, str]) -> None:
        """Show other keys."""
        self._hints = hints
        self.refresh_if_changed()
