"""Themes: a dark and a light one of our own, and our colour variables for Textual's themes.

One accent colour marks what the person does, status colours mean status and nothing else, thin rules divide the rest.
A test measures that texts and status colours have a contrast of 4.5:1 with the background and with the cursor row, and
selected text with the selection.
"""

from __future__ import annotations

from textual.color import Color
from textual.theme import Theme

STATUS = ("status-active", "status-ok", "status-attention", "status-failed", "status-quiet")
"""The variables for the colour of a status. `$status-quiet` is also the colour of secondary text."""


def _theme(name: str, *, dark: bool, ground: tuple[str, str, str, str], ink: str, accent: str, **own: str) -> Theme:
    """Make a theme from `ground` (background, surface, panel, rule), and derive Textual's variables from ours."""
    background, surface, panel, rule = ground
    status = {key.replace("_", "-"): value for key, value in own.items()}
    quiet, cursor, selected = status["status-quiet"], status["cursor-row"], status["selected"]
    return Theme(
        name=name,
        dark=dark,
        primary=accent,
        secondary=accent,
        accent=accent,
        foreground=ink,
        background=background,
        surface=surface,
        panel=panel,
        success=status["status-ok"],
        warning=status["status-attention"],
        error=status["status-failed"],
        variables={
            **status,
            "accent-text": accent,
            "rule": rule,
            "cursor-row-text-style": "none",
            "selected": selected,
            "selected-text": ink,
            "text-muted": quiet,
            "border": accent,
            "border-blurred": rule,
            "block-cursor-foreground": ink,
            "block-cursor-background": cursor,
            "block-cursor-text-style": "bold",
            "block-cursor-blurred-foreground": ink,
            "block-cursor-blurred-background": status["cursor-row-blurred"],
            "block-hover-background": status["cursor-row-blurred"],
            "footer-background": background,
            "footer-foreground": quiet,
            "footer-key-foreground": accent,
            "footer-description-foreground": quiet,
            "input-cursor-background": accent,
            "input-cursor-foreground": background,
            "input-selection-background": f"{accent} 30%",
            "scrollbar": rule,
            "scrollbar-hover": quiet,
            "scrollbar-active": accent,
            "scrollbar-background": background,
            "scrollbar-background-hover": background,
            "scrollbar-background-active": background,
            "scrollbar-corner-color": background,
            "link-color": accent,
            "button-focus-text-style": "bold reverse",
        },
    )


DARK = _theme(
    "tbatch",
    dark=True,
    ground=("#15181d", "#1b1f26", "#20252d", "#39414d"),
    ink="#d6dbe3",
    accent="#7fb0f5",
    status_active="#62c6d8",
    status_ok="#82c98f",
    status_attention="#e3b760",
    status_failed="#f28b82",
    status_quiet="#98a3b3",
    bar_rest="#4b5563",
    cursor_row="#263243",
    cursor_row_blurred="#1f252e",
    selected="#2f4f7d",
)

LIGHT = _theme(
    "tbatch-light",
    dark=False,
    ground=("#fbfaf8", "#f3f2ef", "#eae8e4", "#cbc8c2"),
    ink="#23272e",
    accent="#1d5bb8",
    status_active="#0a6472",
    status_ok="#1d6b31",
    status_attention="#7d5200",
    status_failed="#b0241c",
    status_quiet="#5a6270",
    bar_rest="#b3afa8",
    cursor_row="#dce7f6",
    cursor_row_blurred="#ecebe7",
    selected="#b4cff2",
)

MIN_CONTRAST = 4.5
"""The least contrast of text, from WCAG 2.1 AA."""
THEMES = (DARK, LIGHT)
DEFAULT = DARK.name


_BADGES = {
    "red": "#b3382c",
    "yellow": "#d2a72f",
    "green": "#2e7d4f",
    "cyan": "#1a7f8e",
    "blue": "#2f5fb3",
    "magenta": "#8e44a3",
}


def badge_style(colour: str, theme: Theme) -> str:
    """Return the style of the name of a profile: text that can be read on its colour.

    Args:
        colour: A name of `config.settings.COLOURS`, `#rrggbb`, or empty for none.
        theme: The theme in use. One of the terminal's own palette takes the named colours from there.
    """
    if not colour:
        return "bold reverse"
    if theme.ansi and colour in _BADGES:
        return f"bold reverse ansi_{colour}"
    ground = Color.parse(_BADGES.get(colour, colour))
    ink = max((Color(0, 0, 0), Color(255, 255, 255)), key=lambda each: contrast(each, ground))
    return f"bold {ink.hex} on {ground.hex}"


def variables_for(theme: Theme) -> dict[str, str]:
    """Return our variables for a theme that does not define them.

    Without them our style sheets do not parse under Textual's themes. A theme of the terminal's own palette gets the
    palette's colours, and a cursor row that is bold instead of tinted.
    """
    if theme.ansi:
        return {
            "accent-text": "ansi_blue",
            "status-active": "ansi_cyan",
            "status-ok": "ansi_green",
            "status-attention": "ansi_yellow",
            "status-failed": "ansi_red",
            "status-quiet": "ansi_default",
            "cursor-row": "ansi_default",
            "cursor-row-blurred": "ansi_default",
            "cursor-row-text-style": "bold",
            "selected": "ansi_cyan",
            "selected-text": "ansi_black",
            "rule": "ansi_bright_black",
            "bar-rest": "ansi_bright_black",
        }
    colors = theme.to_color_system().generate()
    background, foreground = Color.parse(colors["background"]), Color.parse(colors["foreground"])
    row = background.blend(Color.parse(colors["primary"]), 0.16, alpha=1.0)
    blurred = background.blend(foreground, 0.06, alpha=1.0)
    selected = background.blend(Color.parse(colors["primary"]), 0.4, alpha=1.0)
    inks = {
        "accent-text": Color.parse(colors["accent"]),
        "status-active": Color.parse(colors["accent"]),
        "status-ok": Color.parse(colors["success"]),
        "status-attention": Color.parse(colors["warning"]),
        "status-failed": Color.parse(colors["error"]),
        "status-quiet": background.blend(foreground, 0.68, alpha=1.0),
    }
    return {name: _readable(color, background, row, blurred).hex for name, color in inks.items()} | {
        "cursor-row": row.hex,
        "cursor-row-blurred": blurred.hex,
        "cursor-row-text-style": "none",
        "selected": selected.hex,
        "selected-text": _readable(foreground, selected).hex,
        "rule": background.blend(foreground, 0.2, alpha=1.0).hex,
        "bar-rest": background.blend(foreground, 0.3, alpha=1.0).hex,
    }


def contrast(one: Color, other: Color) -> float:
    """Return the WCAG contrast ratio of two opaque colours, 1 to 21."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in color.normalized)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _readable(color: Color, *grounds: Color) -> Color:
    """Return the colour, moved towards black or white until it is readable on each of the grounds."""
    ink = grounds[0].get_contrast_text(1.0)
    for step in range(20):
        nearer = color.blend(ink, step / 20, alpha=1.0)
        if min(contrast(nearer, ground) for ground in grounds) >= MIN_CONTRAST:
            return nearer
    return ink
