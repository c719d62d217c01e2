"""Texts and status colours have enough contrast, in our themes and, with our variables, in Textual's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from textual.color import Color
from textual.css.stylesheet import Stylesheet
from textual.theme import BUILTIN_THEMES, Theme

from tbatch_tui.tui import theme
from tests.conftest import until
from tests.helpers.app_host import make_app

if TYPE_CHECKING:
    from pathlib import Path

GROUNDS = ("background", "surface", "cursor-row", "cursor-row-blurred")
INKS = ("foreground", "accent-text", *theme.STATUS)


def variables(each: Theme) -> dict[str, str]:
    return theme.variables_for(each) | each.to_color_system().generate() | each.variables


@pytest.mark.parametrize("ours", theme.THEMES, ids=lambda ours: ours.name)
@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("ink", INKS)
def test_contrast(ours: Theme, ground: str, ink: str) -> None:
    colors = variables(ours)
    assert theme.contrast(Color.parse(colors[ink]), Color.parse(colors[ground])) >= theme.MIN_CONTRAST


@pytest.mark.parametrize("name", [name for name, other in BUILTIN_THEMES.items() if not other.ansi])
def test_statuses_are_readable_in_textuals_themes(name: str) -> None:
    colors = variables(BUILTIN_THEMES[name])
    for ink in ("accent-text", *theme.STATUS):
        for ground in ("background", "cursor-row", "cursor-row-blurred"):
            assert theme.contrast(Color.parse(colors[ink]), Color.parse(colors[ground])) >= theme.MIN_CONTRAST


@pytest.mark.parametrize(
    "each", [*theme.THEMES, *(other for other in BUILTIN_THEMES.values() if not other.ansi)], ids=lambda each: each.name
)
def test_selected_text_is_readable_and_visibly_selected(each: Theme) -> None:
    colors = {
        name: Color.parse(color) for name, color in variables(each).items() if name.startswith(("selected", "back"))
    }
    assert theme.contrast(colors["selected-text"], colors["selected"]) >= theme.MIN_CONTRAST
    assert theme.contrast(colors["selected"], colors["background"]) >= 1.2


@pytest.mark.parametrize("name", BUILTIN_THEMES)
def test_every_theme_has_all_our_variables(name: str) -> None:
    ours = set(theme.variables_for(theme.DARK))
    assert ours == set(theme.variables_for(BUILTIN_THEMES[name]))
    assert ours <= set(theme.DARK.variables) and ours <= set(theme.LIGHT.variables)


def test_statuses_have_different_colours() -> None:
    for ours in theme.THEMES:
        assert len({ours.variables[status] for status in theme.STATUS}) == len(theme.STATUS)


async def test_the_first_frame_parses_each_style_sheet_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    again: list[Stylesheet] = []
    reparse = Stylesheet.reparse

    def count(sheet: Stylesheet) -> None:
        again.append(sheet)
        reparse(sheet)

    monkeypatch.setattr(Stylesheet, "reparse", count)
    app = make_app(tmp_path, None)
    async with app.run_test():
        await until(lambda: app.screen.size)
        assert again == []
        assert app.has_class("-theme-tbatch", "-dark-mode")
        assert app.screen.styles.background == Color.parse(theme.DARK.background or "")
        app.theme = theme.LIGHT.name
        await until(lambda: app.screen.styles.background == Color.parse(theme.LIGHT.background or ""))
        assert not app.has_class("-theme-tbatch") and not app.has_class("-dark-mode")


async def test_without_colours_the_terminals_palette_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make_app(tmp_path, None)

    def colours() -> set[str]:
        styles = [each.style for strip in app.screen._compositor.render_strips() for each in strip if each.style]
        return {color.name for style in styles for color in (style.color, style.bgcolor) if color is not None}

    async with app.run_test(size=(80, 24)):
        await until(lambda: len(colours()) > 3)  # greys
        app.theme = "ansi-dark"
        await until(lambda: colours() == {"default"}, what="no colour of ours is left")
