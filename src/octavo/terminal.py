"""What people read in a terminal: titles, texts and file names of others, without what a terminal would obey."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console

_OBEYED: Final = (
    *range(0x20),
    *range(0x7F, 0xA0),
    *range(0x202A, 0x202F),  # these and the next turn what follows them around
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),  # halves of characters, which cannot be written at all
)
_SHOWN: Final = dict.fromkeys(_OBEYED, "�") | {0x09: "\t", 0x0A: "\n", 0x0D: None}


def plain(text: str) -> str:
    """A text whose control characters but tabs and line breaks are shown as U+FFFD."""
    return text.translate(_SHOWN)


def plain_console(stderr: bool = False) -> Console:
    """A console that prints what it is given in this way."""
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
    from rich.segment import Segment

    class Plainly:
        def __init__(self, shown: ConsoleRenderable) -> None:
            self.shown = shown

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
            for segment in console.render(self.shown, options):
                yield segment if segment.control else Segment(plain(segment.text), segment.style)

    class Hook(RenderHook):
        def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
            return [Plainly(shown) for shown in renderables]

    made = Console(stderr=stderr, highlight=False)
    made.push_render_hook(Hook())
    return made
