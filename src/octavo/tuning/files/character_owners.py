"""Which character of an old text each character of a new one stands for."""

from __future__ import annotations

from octavo.tuning.ocr.alignment import Change, changes


def owners(old: str, new: str) -> list[int]:
    """For each character of `new` the place in `old` that it stands for; never falling, by Levenshtein's distance.

    Of a replaced stretch, characters stand for each other in order and the rest for the last. What was inserted
    belongs to the character before, or to the one after at the beginning and after whitespace. `old` is not empty.
    """
    if old == new:
        return list(range(len(new)))
    places: list[int] = []
    place = 0
    for change in changes(old, new):
        places += range(place, change.start)
        places += _replaced(old, new, change)
        place = change.end
    return places + list(range(place, len(old)))


def _replaced(old: str, new: str, change: Change) -> list[int]:
    """The owners of what was put in for a stretch; letters that changed their case alone stand for each other."""
    start, end, stop = change.start, change.end, change.other_end
    if start == end:
        follows = start < len(old) and (start == 0 or old[start - 1].isspace())
        return [start if follows else start - 1] * (stop - change.other_start)
    while end > start and stop > change.other_start and old[end - 1].lower() == new[stop - 1].lower():
        end, stop = end - 1, stop - 1
    last = max(end - 1, start)
    first = [min(start + n, last) for n in range(stop - change.other_start)]
    return first + list(range(change.end - (change.other_end - stop), change.end))
