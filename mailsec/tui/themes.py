"""The themes: dark, light, high contrast, and one without colour. One accent, and a colour for each verdict level."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ["DEFAULTS", "THEMES"]

DEFAULTS = {
    "level-verified": "#7fd88f",
    "level-authenticated": "#79b8e8",
    "level-unauthenticated": "#9aa0a6",
    "level-warning": "#f0c36d",
    "level-failed": "#f28b82",
    "cover-author": "#7fd88f",
    "cover-domain": "#79b8e8",
    "quote": "#9aa0a6",
    "link": "#a5c8ff",
}
"""The client's own theme variables, with what they are where a theme does not say (`get_theme_variable_defaults`)."""

_LIGHT = {
    "level-verified": "#1a7f37",
    "level-authenticated": "#0b62a8",
    "level-unauthenticated": "#5f6368",
    "level-warning": "#8a5a00",
    "level-failed": "#b3261e",
    "cover-author": "#1a7f37",
    "cover-domain": "#0b62a8",
    "quote": "#5f6368",
    "link": "#0b57d0",
}
_CONTRAST = {
    "level-verified": "#00ff5f",
    "level-authenticated": "#5fd7ff",
    "level-unauthenticated": "#ffffff",
    "level-warning": "#ffff00",
    "level-failed": "#ff8787",
    "cover-author": "#00ff5f",
    "cover-domain": "#5fd7ff",
    "quote": "#d0d0d0",
    "link": "#87d7ff",
}
_PLAIN = dict.fromkeys(DEFAULTS, "#d0d0d0")

THEMES: tuple[Theme, ...] = (
    Theme(
        "dark",
        primary="#8ab4f8",
        foreground="#e3e3e3",
        background="#17181a",
        surface="#1e1f22",
        panel="#26282c",
        dark=True,
        variables=DEFAULTS,
    ),
    Theme(
        "light",
        primary="#0b57d0",
        foreground="#1f1f1f",
        background="#ffffff",
        surface="#f6f7f9",
        panel="#e9ebef",
        dark=False,
        variables=_LIGHT,
    ),
    Theme(
        "contrast",
        primary="#ffff00",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        dark=True,
        variables=_CONTRAST,
    ),
    Theme(
        "plain",
        primary="#ffffff",
        foreground="#d0d0d0",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        dark=True,
        variables=_PLAIN,
    ),
)
"""The client's themes; `plain` is for terminals without colours and leaves all meaning to marks and words."""
