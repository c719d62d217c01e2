"""Make `main-path.svg`, an animated picture of the main path, from the demo: `python -m screenshots.film [FOLDER]`.

From Jobs through Pick, Check and Create to results on disk and read; each frame is a picture as `make` takes them. Only
style sheets move it, so that it plays wherever an SVG is shown, also where scripts are not allowed.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from screenshots.make import NORMAL, Stage, demo_box, studio, until

HOLD = 2.2
"""Seconds that a frame stays, unless it says otherwise."""
FILE = "main-path.svg"


async def frames() -> list[tuple[str, float]]:
    """The frames, and how long each stays."""
    taken: list[tuple[str, float]] = []
    with studio() as work, demo_box() as box:
        stage = Stage(box, work / "data", "tbatch")
        app = stage.app
        async with app.run_test(size=NORMAL) as pilot:

            async def take(hold: float = HOLD) -> None:
                await pilot.pause()
                taken.append((stage.picture(), hold))

            await stage.listed()
            await take()
            await pilot.press("n")
            await stage.at("Pick")
            await until(lambda: app.screen.query_one("#files").row_count > 2)  # type: ignore[attr-defined]
            await take()
            app.open_check(Path("safety-eval.jsonl"))
            await stage.at("Check")
            await take()
            await pilot.press("enter")
            await stage.at("Create")
            await take()
            await pilot.press("enter")
            await stage.at("Jobs")
            await until(lambda: any(record.submission and record.job for record in stage.records))
            [key] = [record.key for record in stage.records if record.submission]
            await take(1.2)
            for _ in range(30):
                stage.advance(3)
                await stage.polled()
                record = app.engine.record(key)
                assert record is not None and record.job is not None
                if record.job.is_ended:
                    break
                await take(0.5)
            await until(lambda: stage.is_home(key))
            await take()
            await pilot.press("o")
            await stage.at("Results")
            for _ in range(3):
                await pilot.press("j")
                await take(0.9)
            await take(HOLD + 1)
    return taken


def film(taken: list[tuple[str, float]]) -> str:
    """One SVG of all frames, shown one after the other, over and over."""
    length = sum(hold for _, hold in taken)
    box = re.search(r'viewBox="([^"]+)"', taken[0][0])
    assert box is not None
    styles, bodies, at = [], [], 0.0
    for number, (svg, hold) in enumerate(taken):
        start, end = at / length * 100, (at + hold) / length * 100
        at += hold
        shown = f"{start + 0.001:.3f}%, {end:.3f}% {{ visibility: visible }}"
        hidden = f"0%, {start:.3f}%, {end + 0.001:.3f}%, 100% {{ visibility: hidden }}"
        styles.append(f"@keyframes f{number} {{ {hidden} {shown} }}")
        styles.append(f"#frame-{number} {{ animation: f{number} {length:.1f}s infinite step-end }}")
        body = svg[svg.index("<svg") :]
        body = re.sub(r"terminal-\d+", f"t{number}", body)  # each frame has its own classes and clips
        bodies.append(f'<g id="frame-{number}">{body}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}"><style>{" ".join(styles)}</style>'
        + "".join(bodies)
        + "</svg>"
    )


def main(folder: Path) -> None:
    """Write the file."""
    folder = folder.absolute()
    taken = asyncio.run(frames())
    path = folder / FILE
    path.write_text(film(taken), encoding="utf-8")
    print(f"{path.name}: {len(taken)} frames, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
