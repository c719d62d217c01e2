"""The HTML report: rows are data and never markup, and a browser shows them. It is tried in chromium where that is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from tbatch_tui.engine.results import ExportFormat, export_rows
from tbatch_tui.engine.results.export.report.parts import Bar, ComparisonTable, FieldBars, ReportParts
from tbatch_tui.engine.results.export.report.writer import _plain_parts
from tests.helpers.hostile_text import NASTY
from tests.helpers.result_rows import answer_row, build_index, error_row, request_row

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "</script><script>document.title = 'RAN'</script>",
    "<img src=x onerror=\"document.title = 'RAN'\">",
    "<!--<script>",
    "]]></style><svg onload=alert(1)>",
    "{{ parts }} {% raw %} &amp; &lt;",
    "\u2028\u2029\u202e\x00\x1b[31m",
)
PARTS = ReportParts(
    title=HOSTILE[0],
    facts=((HOSTILE[1], HOSTILE[3]),),
    summary=HOSTILE[4],
    fields=(
        FieldBars(HOSTILE[1], HOSTILE[0], (Bar(HOSTILE[1], 3, HOSTILE[0]), Bar("plain", 1)), 4),
        FieldBars("many", "", tuple(Bar(f"value {number}", 1) for number in range(30)), 30),
        FieldBars("nothing", "no row has it", (), 0),
    ),
    comparisons=(
        ComparisonTable(HOSTILE[0], (HOSTILE[1],), HOSTILE[0], HOSTILE[1], (HOSTILE[0],), ((HOSTILE[1], (1234,)),)),
    ),
)
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="needs chromium, which is not here")


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def write_report(folder: Path, texts: list[str], parts: ReportParts = PARTS, **options: Any) -> Path:
    """Write a report of rows whose ids, requests, answers and errors have these texts."""
    index = build_index(
        folder,
        requests=[
            {
                "custom_id": f"{number} {text}",
                "body": {
                    "model": text,
                    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": text}],
                },
            }
            for number, text in enumerate(texts)
        ]
        + [request_row("wrong"), request_row("gone"), request_row("cut")],
        output=[answer_row(f"{number} {text}", f"answer {number} {text}") for number, text in enumerate(texts)]
        + [answer_row("cut", "half of", reason="length")],
        errors=[error_row("wrong", HOSTILE[1])],
    )
    path = folder / "report.html"
    export_rows(index, range(len(index)), path, ExportFormat.HTML, parts=parts, **options)
    return path


def read_rows(page: str) -> list[list[Any]]:
    """Return the rows as the page's script reads them."""
    blocks = re.findall(r'<script type="application/json" class="rows">(.*?)</script>', page, re.DOTALL)
    return [row for block in blocks for row in json.loads(block)]


def test_nothing_of_the_files_is_markup(tmp_path: Path) -> None:
    texts = [*HOSTILE, *NASTY]
    page = write_report(tmp_path / "hostile", texts).read_text(encoding="utf-8")
    plain = write_report(tmp_path / "plain", ["x"] * len(texts), ReportParts("x", (("x", "x"),), "x")).read_text(
        "utf-8"
    )
    scripts = [attributes for tag, attributes in Tags(page).found if tag == "script"]
    assert scripts == [attributes for tag, attributes in Tags(plain).found if tag == "script"]
    assert not {tag for tag, _ in Tags(page).found} & {"img", "iframe", "link", "a", "object", "form", "base"}
    names = {name for _, attributes in Tags(page).found for name in attributes}
    assert not {name for name in names if name.startswith("on")} and not names & {"src", "href", "action"}
    rows = read_rows(page)
    as_stored = [text.encode("utf-8", "replace").decode() for text in texts]
    assert [row[4] for row in rows[: len(texts)]] == [[f"answer {n} {text}"] for n, text in enumerate(as_stored)]
    assert [row[3][1] for row in rows[: len(texts)]] == [["user", text] for text in as_stored]


def test_no_control_character_stands_above_the_rows(tmp_path: Path) -> None:
    parts = ReportParts("nul\x00", (("Job", "\x1b]52;c;QQ==\x07"),), "3 in\x9b2J", comparisons=())
    page = write_report(tmp_path, ["x"], parts).read_text(encoding="utf-8")
    assert "nul\\x00" in page and not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", page)


def test_the_policy_allows_the_pages_own_script_and_nothing_else(tmp_path: Path) -> None:
    page = write_report(tmp_path, ["x"]).read_text(encoding="utf-8")
    policy = next(
        attributes["content"] for _, attributes in Tags(page).found if "Content-Security-Policy" in attributes.values()
    )
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    assert "http" not in page.replace("http-equiv", "").replace(HOSTILE[1], "")


def test_a_text_of_many_rows_stands_there_once_and_reasoning_only_if_asked_for(tmp_path: Path) -> None:
    index = build_index(
        tmp_path,
        requests=[request_row("a")],
        output=[answer_row("a", "<think>secretly</think>two", reasoning="inwardly", tool_calls=[])],
    )
    paths = [tmp_path / "without.html", tmp_path / "with.html"]
    for path, reasoning in zip(paths, (False, True), strict=True):
        export_rows(index, [0], path, ExportFormat.HTML, reasoning=reasoning)
    without, with_it = (read_rows(path.read_text(encoding="utf-8"))[0] for path in paths)
    assert without[4] == with_it[4] == ["two"]
    assert without[8] == "" and "secretly" in with_it[8] and "inwardly" in with_it[8]
    page = write_report(tmp_path / "more", ["x"] * 250).read_text(encoding="utf-8")
    assert page.count("Be brief.") == 1 and [row[3][0] for row in read_rows(page)[:250]] == [["system", 0]] * 250


def show(path: Path, state: str = "") -> str:
    """Return the page as a browser has it after its script has run, without the data and the script."""
    assert BROWSER is not None
    done = subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=5000", "--dump-dom",
         f"{path.as_uri()}#{state}"],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    return re.sub(r"<script.*?</script>", "", done.stdout.decode(), flags=re.DOTALL)


@needs_browser
def test_a_browser_shows_the_rows_and_runs_nothing_of_them(tmp_path: Path) -> None:
    path = write_report(tmp_path, [*HOSTILE, *("filler",) * 600])
    page = show(path)
    assert "<title>&lt;/script&gt;&lt;script&gt;document.title = 'RAN'" in page  # the title that it had, as text
    assert not {tag for tag, _ in Tags(page).found} & {"img", "iframe", "link", "a", "object"}
    places = [int(attributes["data-place"] or "") for _, attributes in Tags(page).found if "data-place" in attributes]
    assert places == list(range(len(places))) and 5 < len(places) < 60  # those in view, of 609
    assert ">609 rows<" in page and ">ok 606<" in page and ">error 1<" in page and ">missing 1<" in page
    assert "answer 1 &lt;img src=x onerror=" in page


@needs_browser
def test_a_browser_searches_and_opens_a_row(tmp_path: Path) -> None:
    path = write_report(tmp_path, [f"text {number}" for number in range(700)])
    page = show(path, "q=ANSWER+69&in=answer&outcome=ok&row=699+text+699")
    assert ">11 of 703 rows<" in page  # 69 and 690 to 699
    assert re.search(r"<dialog[^>]* open", page) and ">699 text 699</h2>" in page
    turns = page[page.index("record-body") :]
    assert ">system</h3>" in turns and ">Be brief.</pre>" in turns and ">answer 699 text 699</pre>" in turns


def test_a_bar_is_as_long_as_its_share_of_the_longest() -> None:
    field = FieldBars("label", "3 values", (Bar("good", 1200), Bar("bad", 300, "odd"), Bar("none", 0)), 1600)
    many = FieldBars("many", "", tuple(Bar(f"value {number}", 1) for number in range(3000)), 0)
    table = ComparisonTable("Both", ("kappa 0.5",), "first run", "second run", ("good",), (("bad", (1234,)),))
    parts = _plain_parts(ReportParts("Title", (("Jobs", "2"),), "sum", (field, many), (table,)))
    assert (parts["title"], parts["facts"], parts["summary"]) == ("Title", [{"name": "Jobs", "value": "2"}], "sum")
    first, second = parts["fields"]
    assert (first["name"], first["summary"], first["bins"]) == ("label", "3 values", [])
    assert first["bars"] == [
        {"name": "good", "note": "", "count": "1,200", "share": "75.0 %", "size": "100.00"},
        {"name": "bad", "note": "odd", "count": "300", "share": "18.8 %", "size": "25.00"},
        {"name": "none", "note": "", "count": "0", "share": "0.0 %", "size": "0.00"},
    ]
    assert (first["more_bars"], first["untold"]) == ([], "")
    shown = len(second["bars"]) + len(second["more_bars"])
    assert second["more"] == f"{3000 - len(second['bars']):,}" and second["untold"] == f"{3000 - shown:,}"
    assert {bar["share"] for bar in second["bars"]} == {""}
    assert parts["comparisons"] == [
        {
            "title": "Both",
            "summary": ["kappa 0.5"],
            "first": "first run",
            "second": "second run",
            "columns": ["good"],
            "rows": [{"name": "bad", "counts": ["1,234"]}],
        }
    ]
