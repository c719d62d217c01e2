"""Known errors of failed jobs, and what helps.

The texts to match are those of the live API and of the sandbox.
"""

from __future__ import annotations

KNOWN: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("invalid json", "expected a json object", "not valid json"),
        "One bad line fails the whole job, and the line number may be wrong. Check the file: it shows the real "
        "line, and {check.fix} fixes what can be fixed.",
    ),
    (
        ("error reading input file",),
        "Usually a line over 10 MB: the server accepts it and fails on it later. Check the file to find the line.",
    ),
    (
        ("duplicate custom_id", "custom_id must", "custom_id is", "custom_id"),
        "A custom_id is missing, used twice or longer than 64 characters. Check the file to find the lines; "
        "{check.fix} makes them unique.",
    ),
    (
        ("non-serverless model",),
        "A line names a model that needs a dedicated endpoint: a batch takes serverless models only, and one such line "
        "fails the whole job. Name another model in a copy of the file, and submit that.",
    ),
    (
        ("body.model is required", "model is required", "missing model", "missing field 'model'"),
        "Each line needs its own body.model. Check the file to find the lines.",
    ),
    (("body is required",), "A line has no body (the request itself). Check the file to find the line."),
    (
        ("content-type must be multipart",),
        'Each audio line needs "method": "FILE". Check the file to find the lines; {check.fix} adds it.',
    ),
    (
        ("more than 50000 requests", "too many requests in", "contains more than"),
        "A batch has at most 50,000 requests: split the file.",
    ),
    (
        ("too large", "exceeds the maximum", "file size"),
        "An input file has at most 100 MB, and a line at most 10 MB: split the file.",
    ),
    (("input file is empty", "no requests", "empty file"), "The uploaded file contained no requests."),
    (
        ("unable to access model", "model not found", "not available for batch", "does not support", "model"),
        "Check that the model's name is right, that it fits this endpoint and that your account can use it in batches.",
    ),
    (
        ("enqueued", "token limit"),
        "An account may queue 30B tokens per model: submit when other jobs are done.",
    ),
    (("not found", "does not exist"), "The input file is no longer on the server. Submit the file again."),
    (
        ("credit", "billing", "payment", "balance"),
        "The account has insufficient credit: see Settings → Billing on api.together.ai, then submit again.",
    ),
    (("unauthorized", "permission", "forbidden"), "This key isn't allowed to do that: check its project."),
    (
        ("timed out", "timeout", "overloaded", "internal error", "internal server", "try again"),
        "A server error, not a problem with the file. Submit it again later; only returned rows are billed.",
    ),
)
"""Parts of an error in lower case, and the hint. The first match wins."""


def error_hint(error: str) -> str:
    """Return what helps with this error, or what holds for any unknown one."""
    lowered = error.lower()
    for phrases, hint in KNOWN:
        if any(phrase in lowered for phrase in phrases):
            return hint
    return "Unknown error. Together's support will ask for the job id ({list.copy-id})."
