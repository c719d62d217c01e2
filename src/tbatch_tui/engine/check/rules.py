"""The rules of the check: id, severity, what is wrong in general, and how to fix it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tbatch_tui.engine.domain.check_report import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


class Rule(NamedTuple):
    """One thing the check looks for."""

    id: str
    severity: Severity
    title: str
    """Problem, in general."""
    fix: str
    """How to fix it, a sentence without its full stop."""
    is_fixable: bool = False
    """Whether `plan_fixes` can fix it without guessing."""
    once_per_file: bool = False
    """Whether it is reported once per file, on the first line that breaks it, with the number of the others."""
    whole_file: bool = False
    """Whether it is about the file as a whole and not about one of its lines."""


_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

_RULES = (
    # The whole file
    Rule(
        "suffix",
        _ERROR,
        "The file name does not end in .jsonl",
        "Rename the file so that it ends in .jsonl",
        whole_file=True,
    ),
    Rule("utf16", _ERROR, "The file is UTF-16 or UTF-32", "Save the file as UTF-8", whole_file=True),
    Rule(
        "not-jsonl",
        _ERROR,
        "The file is not JSON Lines",
        "Write one JSON object per line, without line breaks inside it",
        whole_file=True,
    ),
    Rule(
        "json-array",
        _ERROR,
        "The file is one JSON array",
        "Write one request per line, without brackets and commas around them",
        whole_file=True,
    ),
    Rule(
        "pretty-printed",
        _ERROR,
        "JSON spread over several lines",
        "Write each request on one line",
        whole_file=True,
    ),
    Rule(
        "table-file",
        _ERROR,
        "The file is a table, not requests",
        "Turn its rows into requests: tbatch-tui make FILE, or open it in the app",
        whole_file=True,
    ),
    Rule(
        "result-file",
        _ERROR,
        "The file holds the results of a batch, not requests",
        "Use the input file, or view these results with tbatch-tui FILE",
        whole_file=True,
    ),
    Rule("no-requests", _ERROR, "There is no request in the file", "Write one request per line", whole_file=True),
    Rule(
        "too-many-requests",
        _NOTE,
        "More requests than one job accepts",
        "Submit it as several jobs: the app does this, and so does submit --in-parts",
        whole_file=True,
    ),
    Rule(
        "file-too-large",
        _NOTE,
        "The file is larger than the 100 MiB that one job accepts",
        "Submit it as several jobs: the app does this, and so does submit --in-parts",
        whole_file=True,
    ),
    Rule(
        "links-too-large",
        _ERROR,
        "Once its addresses of recordings are links, the file is larger than one job accepts",
        "Make two files of it, such as with make --rows: links are longer than addresses",
        whole_file=True,
    ),
    Rule(
        "changed-while-read",
        _ERROR,
        "The file changed while it was being read",
        "Check it again when nothing is writing to it",
        whole_file=True,
    ),
    # A line as text
    Rule("not-utf8", _ERROR, "A byte that is not UTF-8", "Save the file as UTF-8"),
    Rule("not-json", _ERROR, "The line is not JSON", "Use a JSON encoder; one object per line"),
    Rule(
        "lone-surrogate",
        _ERROR,
        "Half of a surrogate pair, which is not valid text",
        "Remove the escape, or write both halves",
    ),
    Rule("too-deep", _ERROR, "Nested more deeply than JSON parsers accept", "Flatten the value"),
    Rule("number-too-large", _ERROR, "A number larger than JSON parsers accept", "Use a number below 1e308"),
    Rule(
        "not-object", _ERROR, "The line is JSON, but not an object", 'Write {"custom_id": …, "body": {…}} on each line'
    ),
    Rule(
        "trailing-comma", _ERROR, "A comma after the object", "Remove the comma at the end of the line", is_fixable=True
    ),
    Rule(
        "several-objects",
        _ERROR,
        "Several objects on one line",
        "Write each on its own line",
        is_fixable=True,
    ),
    Rule(
        "double-encoded",
        _ERROR,
        "The line is a string containing the object",
        "Write the object itself; it was encoded twice",
    ),
    Rule("line-too-long", _ERROR, "The line is longer than 10 MiB", "Shorten the request: a line has at most 10 MB"),
    # custom_id
    Rule("custom-id-missing", _ERROR, "No custom_id", "Give each line its own custom_id", is_fixable=True),
    Rule("custom-id-type", _ERROR, "custom_id is not a string", "Put the custom_id in quotes", is_fixable=True),
    Rule("custom-id-empty", _ERROR, "custom_id is empty or blank", "Give each line its own custom_id", is_fixable=True),
    Rule(
        "custom-id-long",
        _ERROR,
        "custom_id is longer than 64 characters",
        "Shorten it to at most 64 characters",
        is_fixable=True,
    ),
    Rule(
        "duplicate-custom-id",
        _ERROR,
        "Duplicate custom_id: results could not be matched",
        "Give each line its own custom_id",
        is_fixable=True,
    ),
    # body
    Rule("body-missing", _ERROR, "No body", 'Put the request in "body"'),
    Rule(
        "anthropic-params",
        _ERROR,
        "The request is in params, as in Anthropic's batch format",
        'Rename "params" to "body", and the system text to a message',
    ),
    Rule(
        "body-flat",
        _ERROR,
        "The request is next to custom_id, not in body",
        'Put model, messages and the rest in "body"',
    ),
    Rule("body-type", _ERROR, "body is not an object", "Make body an object, not a string containing one"),
    Rule("no-model", _ERROR, "body.model is missing or empty", "Name the model on every line"),
    Rule(
        "model-spaces",
        _ERROR,
        "Spaces around the model name",
        "Remove the spaces around the name",
        is_fixable=True,
    ),
    Rule("wrong-type", _ERROR, "A documented parameter has a value of the wrong type", "Write the value as documented"),
    Rule(
        "other-kind",
        _ERROR,
        "A request for a different endpoint than the rest",
        "Put chat and audio requests in separate files",
    ),
    Rule("out-of-range", _ERROR, "A number outside its documented range", "Write a number within the range"),
    # chat
    Rule("no-messages", _ERROR, "body.messages is missing or empty", "Add at least one message to body.messages"),
    Rule(
        "message-role",
        _ERROR,
        "A message without a known role",
        "Use system, user, assistant, tool, function or developer",
    ),
    Rule(
        "message-content",
        _ERROR,
        "A message without content",
        "Give each message its content: text, or a list of parts",
    ),
    Rule("too-many-stops", _ERROR, "More than 4 stop sequences", "Keep at most 4 stop sequences"),
    Rule(
        "response-format",
        _ERROR,
        "A response_format that is not supported, or lacks its pattern or schema",
        "Use one of the documented formats",
    ),
    Rule("schema-name", _ERROR, "A json_schema without a name", 'Add "name", of letters, digits, _ and -'),
    Rule(
        "schema-bare",
        _ERROR,
        "json_schema contains the bare schema",
        'Write {"name": …, "schema": {…}} as json_schema',
    ),
    Rule("schema-invalid", _ERROR, "A schema that is not valid JSON Schema", "Fix the schema"),
    Rule(
        "tool-flat",
        _ERROR,
        "A tool in the format of the Responses API or Anthropic, without function",
        'Write {"type": "function", "function": {"name": …, "parameters": {…}}}',
    ),
    Rule("tool-function", _ERROR, "A tool without a function, or without its name", "Give each tool its function"),
    Rule("tool-choice", _ERROR, "A tool_choice that names none of the request's tools", "Name one of the tools"),
    Rule(
        "tool-calls",
        _ERROR,
        "Tool calls that are empty, or without function, name or arguments as text",
        "Give each call its function with name and arguments, a string of JSON",
    ),
    Rule("tool-call-id", _ERROR, "A tool message without tool_call_id", "Name the call that it answers"),
    Rule(
        "part-type",
        _ERROR,
        "A content part from another API",
        "Use text, image_url, video_url, audio_url or input_audio",
    ),
    Rule(
        "media-url",
        _ERROR,
        "An image, video or audio part without a usable URL",
        "Give an http or https URL, or a data URI",
    ),
    Rule("data-uri", _ERROR, "A broken data URI", "Write data:image/png;base64, and the file in base64 after it"),
    Rule("input-audio", _ERROR, "input_audio without data or format", "Give data in base64, and format"),
    Rule(
        "method-chat",
        _ERROR,
        '"method": "FILE" on a chat request',
        "Remove method: FILE is for audio",
        is_fixable=True,
    ),
    # audio
    Rule(
        "method-file",
        _ERROR,
        'An audio request without "method": "FILE"',
        'Add "method": "FILE" to the line',
        is_fixable=True,
    ),
    Rule("file-url", _ERROR, "body.file is not an http or https URL", "Use the public URL of the audio file"),
    # What URLs lead to, where that is looked at
    Rule("url-gone", _ERROR, "A URL that doesn't exist (404, 410)", "Use the URL of an existing file"),
    Rule(
        "url-refused",
        _ERROR,
        "A URL that requires a login (401, 403)",
        "Make the file public, or sign the URL for 72 hours",
    ),
    Rule("url-empty", _ERROR, "A URL of an empty file", "Upload the file again"),
    Rule(
        "url-login-page",
        _ERROR,
        "A URL of a web page, such as a login",
        "Use the URL of the file itself, which needs no login",
    ),
    Rule("granularities", _ERROR, "timestamp_granularities is empty", "Use segment, word or both, or remove it"),
    Rule(
        "url-expires-within-24h",
        _ERROR,
        "A signed URL that may expire before the job reads it",
        "Sign it for 72 hours or more",
    ),
    # Warnings
    Rule("url-expires-within-72h", _WARNING, "A signed URL that expires within 72 hours", "Sign it for 72 hours"),
    Rule(
        "file-large",
        _WARNING,
        "The file is larger than the documented 100 MB",
        "Split the file to be safe",
        whole_file=True,
    ),
    Rule("line-large", _WARNING, "The line is longer than the documented 10 MB", "Shorten the request to be safe"),
    Rule("blank-line", _WARNING, "A blank line: ignored, but not a request", "Remove the line", is_fixable=True),
    Rule(
        "bom",
        _WARNING,
        "The file begins with a byte order mark",
        "Save the file as UTF-8 without BOM",
        is_fixable=True,
        whole_file=True,
    ),
    Rule(
        "crlf",
        _WARNING,
        "Lines end in CR LF (Windows)",
        "Save the file with LF line endings",
        is_fixable=True,
        once_per_file=True,
    ),
    Rule("lone-cr", _WARNING, "A carriage return inside the line, which some parsers treat as its end", "Remove it"),
    Rule("duplicate-key", _WARNING, "Duplicate key in an object: only the last counts", "Keep one of the two"),
    Rule(
        "stream",
        _WARNING,
        "stream is true, which has no effect in a batch",
        "Remove stream",
        is_fixable=True,
        once_per_file=True,
    ),
    Rule(
        "no-max-tokens",
        _WARNING,
        "max_tokens is missing: answers may be long and cost accordingly",
        "Set max_tokens on each line",
        once_per_file=True,
    ),
    Rule("unusual-value", _WARNING, "A value that isn't documented", "Use a documented value"),
    Rule(
        "url-unreachable",
        _WARNING,
        "A URL that couldn't be checked: no answer, no secure connection, or a server error",
        "Check it again; Together's network may get a different answer",
    ),
    Rule("private-host", _WARNING, "The URL points to a private or local host", "Use a URL that Together can reach"),
    Rule(
        "mixed-models",
        _WARNING,
        "More than one model in the file",
        "Use one file per model, so that jobs are easy to tell apart",
    ),
    Rule(
        "unknown-model",
        _WARNING,
        "The model is not in the catalogue",
        "Use a name from the catalogue",
        once_per_file=True,
    ),
    Rule(
        "not-for-batch",
        _WARNING,
        "The model is listed as not available for batch",
        "Try a few lines first",
        once_per_file=True,
    ),
    Rule(
        "model-kind",
        _WARNING,
        "A model that doesn't fit the endpoint",
        "Use a chat model for chat, a transcription model for audio",
        once_per_file=True,
    ),
    Rule("long-prompt", _WARNING, "The prompt is longer than the model's context", "Shorten the prompt"),
    # Notes
    Rule(
        "openai-envelope",
        _NOTE,
        "method and url are OpenAI's, and not needed",
        "Remove them",
        is_fixable=True,
        once_per_file=True,
    ),
    Rule(
        "large-batch",
        _NOTE,
        "More requests than recommended for one batch",
        "1,000 to 10,000 requests finish fastest",
        whole_file=True,
    ),
)

RULES: Mapping[str, Rule] = {rule.id: rule for rule in _RULES}

FIXABLE_IN_SOME_FORMS = frozenset(
    {
        *("not-jsonl", "json-array", "pretty-printed", "double-encoded"),
        *("anthropic-params", "body-flat", "body-type", "no-model", "no-messages", "file-url"),
        *("tool-flat", "tool-function", "tool-choice"),
    }
)
"""Rules that can be broken in ways that `plan_fixes` can fix without guessing, and in others that it cannot."""


def table() -> str:
    """Return the rules as the Markdown table of `docs/reference/rules.md`."""
    rows = ["| rule | severity | problem | how to fix | `--fix` |", "|---|---|---|---|---|"]
    for rule in _RULES:
        fix = "yes" if rule.is_fixable else "some" if rule.id in FIXABLE_IN_SOME_FORMS else ""
        rows.append(f"| `{rule.id}` | {rule.severity} | {rule.title} | {rule.fix} | {fix} |")
    return "\n".join(rows)
