"""A page's bytes as markup that an HTML parser takes as it is meant, and in good time."""

from __future__ import annotations

import codecs
import re

_DECLARED = (
    re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']\s*([\w.:-]+)", re.I),
    re.compile(rb"<meta\b[^>]{0,300}?charset\s*=\s*[\"']?\s*([\w.:-]+)", re.I),
)
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_VOID = "area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr"
_EMPTY_ELEMENT = re.compile(rf"<(?!(?:{_VOID})\b)([A-Za-z][\w:.-]*)((?:\s[^<>]*)?)/>", re.I)
# What is read of a tag that does not end is not read again, so the time is that of the page's size.
_TAG = re.compile(r"<(/?)([A-Za-z][^\s/>]{0,2000}+)[^>]{0,2000}+(>?)")
_UNNESTED = frozenset(f"{_VOID}|p|li|dt|dd|td|th|tr|tbody|thead|tfoot|option|html|head|body".split("|"))
DEPTH = 500
"""Elements within elements; those further in are taken as text. Browsers have the same limit."""


def decoded(content: bytes) -> str:
    """Bytes as text: as the byte-order mark says, in UTF-8, as the page declares, or in Windows-1252."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    for encoding in ("utf-8", _declared(content)):
        # UTF-8 comes before what is declared: nothing else is valid UTF-8 by chance, and declarations go stale.
        try:
            return content.decode(encoding)
        except (UnicodeError, LookupError):
            continue
    mended = content.decode("utf-8", "replace")
    broken = mended.count("\ufffd")
    whole = sum(1 for character in mended if character > "\x7f") - broken
    return mended if whole > broken else content.decode("windows-1252", "replace")


def _declared(content: bytes) -> str:
    beginning = content[:4096]
    found = [match[1].decode("ascii", "ignore") for rule in _DECLARED if (match := rule.search(beginning))]
    name = found[-1].lower() if found else "utf-8"
    # As browsers do: bytes 0x80 to 0x9f are meant as Windows has them; and UTF-16 cannot declare itself.
    if name in {"iso-8859-1", "latin1", "latin-1", "iso8859-1", "us-ascii", "ascii"}:
        return "windows-1252"
    return "utf-8" if name.startswith("utf-16") else name


def parsable(markup: str) -> str:
    """XHTML as an HTML parser takes it: `<title/>` would otherwise open a title that never ends."""
    beginning = markup[:2048]
    if "http://www.w3.org/1999/xhtml" in beginning or beginning.lstrip().startswith("<?xml"):
        markup = _EMPTY_ELEMENT.sub(r"<\1\2></\1>", markup)
    # A lone surrogate has no place in UTF-8.
    return _shallow(markup.encode("utf-8", "replace").decode())


def _shallow(markup: str) -> str:
    """Markup without the start tags below DEPTH, as a parser's time grows with the square of the depth."""
    depth = 0

    def kept(tag: re.Match[str]) -> str:
        nonlocal depth
        if not tag[3] or tag[2].lower() in _UNNESTED or tag[0].endswith("/>"):
            return tag[0]
        depth = max(0, depth - 1) if tag[1] else depth + 1
        return tag[0] if tag[1] or depth <= DEPTH else ""

    return _TAG.sub(kept, markup) if markup.count("<") > DEPTH else markup
