"""The names of the endpoints on the command line.

A module of its own, as `check` must not load the parser of the other commands.
"""

from __future__ import annotations

from tbatch_tui.engine.endpoint import Endpoint

ENDPOINTS = {
    "chat": Endpoint.CHAT,
    "transcription": Endpoint.TRANSCRIPTION,
    "translation": Endpoint.TRANSLATION,
}
