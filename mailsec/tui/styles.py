"""Styles that are worked out once and kept until the theme changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.style import Style

if TYPE_CHECKING:
    from textual.widget import Widget

__all__ = ["Styles"]


class Styles:
    """The styles of a widget that draws its own lines: working them out for each line took half of the time.

    Args:
        widget: the widget; it calls `clear` when its styles change.
    """

    __slots__ = ("_base", "_components", "_widget")

    def __init__(self, widget: Widget) -> None:
        self._widget = widget
        self._base: Style | None = None
        self._components: dict[str, Style] = {}

    def clear(self) -> None:
        """Forgets all styles."""
        self._base = None
        self._components.clear()

    @property
    def base(self) -> Style:
        """The widget's own style."""
        if self._base is None:
            self._base = self._widget.rich_style
        return self._base

    def component(self, name: str) -> Style:
        """What a component class says, to be added to another style; an empty name says nothing."""
        if name not in self._components:
            partial = self._widget.get_component_rich_style(name, partial=True) if name else Style.null()
            self._components[name] = partial
        return self._components[name]

    def of(self, name: str) -> Style:
        """The widget's own style with that of a component class over it."""
        return self.base + self.component(name)
