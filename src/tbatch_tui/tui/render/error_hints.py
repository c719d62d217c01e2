"""Known errors of failed jobs, and what helps.

The texts to match are those of the live API and of the sandbox.
"""

from __future__ import annotations

KNOWN: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("invalid json", "expected a json object", "not valid json"),
        "One faulty line fails the whole job, and the number it names need not be the file's. Check the file: it names "
        "the true line, and {check.fix} mends what can be mended.",
    ),
    (
        ("error reading input file",),
        "Usually a line over 10 MB: the server takes it at first and breaks on it later. Check the file: it names the "
        "line.",
    ),
    (
        ("duplicate custom_id", "custom_id must", "custom_id is", "custom_id"),
        "A custom_id is missing, used twice or longer than 64 characters. Check the file: it names the lines, and "
        "{check.fix} makes them unique.",
    ),
    (
        ("body.model is required", "model is required", "missing model"),
        "Each line needs its own body.model; none stands in for all. Check the file: it names the lines.",
    ),
    (("body is required",), "A line has no body, which is the request itself. Check the file: it names the line."),
    (
        ("content-type must be multipart",),
        'Each audio line needs "method": "FILE". Check the file: it names the lines, and {check.fix} adds it.',
    ),
    (
        ("more than 50000 requests", "too many requests in", "contains more than"),
        "A batch takes 50,000 requests at most: split the file.",
    ),
    (
        ("too large", "exceeds the maximum", "file size"),
        "An input file may have 100 MB, and a line of it 10 MB: split the file.",
    ),
    (("input file is empty", "no requests", "empty file"), "There was no request in the file that arrived."),
    (
        ("unable to access model", "model not found", "not available for batch", "does not support", "model"),
        "Look whether the model's name is right, made for this endpoint, and open to batches: that differs by account "
        "and changes.",
    ),
    (
        ("enqueued", "token limit"),
        "An account may have 30B tokens waiting a model: submit when others are done.",
    ),
    (("not found", "does not exist"), "The input file was not on the server any more. Submit the file again."),
    (
        ("credit", "billing", "payment", "balance"),
        "The account cannot pay for it now: see Settings → Billing on api.together.ai, then submit again.",
    ),
    (("unauthorized", "permission", "forbidden"), "This key may not do that: look at the project it belongs to."),
    (
        ("timed out", "timeout", "overloaded", "internal error", "internal server", "try again"),
        "That was the server's trouble, not the file's. Submit it again later; what came back is billed, no more.",
    ),
)
"""Parts of an error in lower case, and the hint. The first match wins."""


def error_hint(error: str) -> str:
    """Return what helps with this error, or what holds for any unknown one."""
    lowered = error.lower()
    for phrases, hint in KNOWN:
        if any(phrase in lowered for phrase in phrases):
            return hint
    return "Nobody here knows this message. Its id ({list.copy-id}) is what Together's support asks for."
