"""Make `main-path.svg`, an animation of the main path through the demo: `python -m screenshots.film [FOLDER]`.

It goes from Jobs through Pick, Check and Create to Results; each frame is a picture like those of `make`. The animation
is CSS only, so it plays wherever an SVG is shown, also where scripts are blocked.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

from screenshots.make import NORMAL, Stage, demo_sandbox, studio, until

HOLD = 2.2
"""Seconds that a frame is shown, by default."""
FILE = "main-path.svg"


async def take_frames() -> list[tuple[str, float]]:
    """Walk through the main path; return the frames and the seconds each is shown."""
    frames: list[tuple[str, float]] = []
    with studio() as work, demo_sandbox() as box:
        stage = Stage(box, work / "data", "tbatch")
        app = stage.app
        async with app.run_test(size=NORMAL) as pilot:

            async def take(hold: float = HOLD) -> None:
                await pilot.pause()
                frames.append((stage.picture(), hold))

            await stage.wait_until_listed()
            await take()
            known = stage.records
            await pilot.press("n")
            await stage.wait_for_screen("Pick")
            await until(lambda: app.screen.query_one("#files").row_count > 2)  # type: ignore[attr-defined]
            await take()
            app.open_check(Path("safety-eval.jsonl"))
            await stage.wait_for_screen("Check")
            await take()
            await pilot.press("enter")
            await stage.wait_for_screen("Create")
            await take()
            await pilot.press("enter")
            await stage.wait_for_screen("Jobs")
            before = {record.key for record in known}
            await until(lambda: any(record.job and record.key not in before for record in stage.records))
            [key] = [record.key for record in stage.records if record.key not in before]
            await take(1.2)
            for _ in range(30):
                stage.advance(3)
                await stage.wait_for_poll()
                record = app.engine.record(key)
                assert record is not None and record.job is not None
                if record.job.is_ended:
                    break
                await take(0.5)
            await until(lambda: stage.has_results(key))
            await take()
            await pilot.press("o")
            await stage.wait_for_screen("Results")
            for _ in range(3):
                await pilot.press("j")
                await take(0.9)
            await take(HOLD + 1)
    return frames


def animate(frames: list[tuple[str, float]]) -> str:
    """Return one SVG that shows all frames one after the other, in a loop."""
    length = sum(hold for _, hold in frames)
    box = re.search(r'viewBox="([^"]+)"', frames[0][0])
    assert box is not None
    styles, bodies, at = [], [], 0.0
    for number, (svg, hold) in enumerate(frames):
        start, end = at / length * 100, (at + hold) / length * 100
        at += hold
        visible = f"{start + 0.001:.3f}%, {end:.3f}% {{ visibility: visible }}"
        hidden = f"0%, {start:.3f}%, {end + 0.001:.3f}%, 100% {{ visibility: hidden }}"
        styles.append(f"@keyframes f{number} {{ {hidden} {visible} }}")
        styles.append(f"#frame-{number} {{ animation: f{number} {length:.1f}s infinite step-end }}")
        body = svg[svg.index("<svg") :]
        body = re.sub(r"terminal-\d+", f"t{number}", body)  # each frame has its own classes and clip paths
        bodies.append(f'<g id="frame-{number}">{body}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box[1]}"><style>{" ".join(styles)}</style>'
        + "".join(bodies)
        + "</svg>"
    )


def main(folder: Path) -> None:
    """Write the animation to a folder."""
    folder = folder.absolute()
    frames = asyncio.run(take_frames())
    path = folder / FILE
    path.write_text(animate(frames), encoding="utf-8")
    print(f"{path.name}: {len(frames)} frames, {path.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
