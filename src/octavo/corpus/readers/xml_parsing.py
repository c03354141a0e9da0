"""XML parsed without any trust: no DTD and no entity is ever loaded or expanded by the parser.

The document type is cut out before it sees the file. Names for single characters, as old TEI and JATS files use
(`&eacute;`), are replaced here.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from functools import cache
from html.entities import html5

import pyarrow as pa
from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers.elements import local
from octavo.corpus.readers.reading import Pieces, RefusedError
from octavo.recipe.schema import Source

FILE_BYTES = 256 * 1024**2
"""A larger file is set aside: its tree would not fit in memory."""
CHARACTER_BYTES = 32
"""What a declared entity may stand for at most; longer ones are not characters."""

_PREDEFINED = (b"amp", b"lt", b"gt", b"quot", b"apos")
# What is left open goes to the end, and nothing is read twice: each pattern takes time in the size of a file alone.
_DOCTYPE = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?><\?.*?\?>\s*|<!--.*?-->\s*)*+(<!DOCTYPE\b)", re.DOTALL)
_DOCTYPE_TOKEN = re.compile(rb"<!--(?:.*?-->|.*\Z)|<\?(?:.*?\?>|.*\Z)|\"[^\"]*\"|'[^']*'|[\[\]<>]", re.DOTALL)
_ENTITY = re.compile(
    rb"<!--(?:.*?-->|.*\Z)|<\?(?:.*?\?>|.*\Z)|<!ENTITY\s+(?P<parameter>%\s+)?(?P<name>[^\s\"'<>%&;]+)\s+"
    rb"(?:(?P<external>SYSTEM|PUBLIC)\b(?P<place>(?:\"[^\"]*\"|'[^']*'|[^>\"'])*)"
    rb"|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)')[^>]*>",
    re.DOTALL,
)
_NAMED = re.compile(rb"&(?!(?:amp|lt|gt|quot|apos);)[A-Za-z_:]")
_REFERENCE = re.compile(
    rb"<!\[CDATA\[(?:.*?\]\]>|.*\Z)|<!--(?:.*?-->|.*\Z)|<\?(?:.*?\?>|.*\Z)|&([A-Za-z_:][\w:.\-]*);", re.DOTALL
)
_OTHER_UNICODE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Documents = Callable[["etree._Element", Location, Source], Iterator[pa.Table]]
"""Takes the root of a file of one format; yields its documents."""


def read_tree(root: etree._Element, documents: Documents, location: Location, source: Source) -> Pieces:
    """The documents of a parsed file; RefusedError where there is none in it."""
    found = False
    try:
        for table in documents(root, location, source):
            found = True
            yield table
    except RecursionError:
        raise RefusedError("XML with elements nested too deeply") from None
    if not found:
        raise RefusedError(f"XML with root <{local(str(root.tag))}>, but no text in it")


def parse(content: bytes, cut_short: bool = False) -> etree._Element:
    """The root element of an XML file, without comments and processing instructions.

    With `cut_short`, elements that the end of the file left open are closed there. Raises RefusedError where it is
    not well-formed otherwise, or declares entities other than characters.
    """
    content = without_doctype(_as_bytes_of_ascii(content))
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
        recover=cut_short,
    )
    try:
        root = etree.fromstring(content, parser)
        if root is None:
            raise ValueError("no root element")
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        reason = str(error).removesuffix(f" (<string>, line {getattr(error, 'lineno', None)})") or "no root element"
        raise RefusedError(f"not well-formed XML: {reason}") from None
    if root.getroottree().docinfo.internalDTD is not None:
        raise RefusedError("XML with a document type where none can be checked (in an unusual encoding)")
    return root


def without_doctype(content: bytes) -> bytes:
    """XML with its document type cut out, and the characters that it names in their place.

    Raises RefusedError where it declares external or nested entities, or uses a name that stands for no character.
    """
    declared: dict[bytes, bytes] = {}
    match = _DOCTYPE.match(content)
    if match:
        end, subset = doctype_end(content, match.end())
        declared = declared_characters(subset)
        # Its line ends stay, so that a parser's error names the line of the file.
        lines = b"\n" * content.count(b"\n", match.start(1), end)
        content = content[: match.start(1)] + lines + content[end:]
    if not _NAMED.search(content):
        return content

    def character(reference: re.Match[bytes]) -> bytes:
        name = reference[1]
        if name is None or name in _PREDEFINED:
            return reference[0]
        value = declared.get(name)
        return value if value is not None else _html_character(name)

    content = _REFERENCE.sub(character, content)
    if len(content) > FILE_BYTES:
        raise RefusedError(f"XML of over {FILE_BYTES} bytes once its entities are replaced")
    return content


def doctype_end(content: bytes, start: int) -> tuple[int, bytes]:
    """Where a document type ends, and its internal subset."""
    subset_start = depth = 0
    subset = b""
    for token in _DOCTYPE_TOKEN.finditer(content, start):
        mark = token[0]
        if mark == b"<":
            depth += 1
        elif mark == b">" and depth:
            depth -= 1
        elif mark == b">":
            return token.end(), subset
        elif mark == b"[" and not subset_start:
            subset_start = token.end()
        elif mark == b"]" and not depth:
            subset = content[subset_start : token.start()]
    raise RefusedError("not well-formed XML: a document type that does not end")


def declared_characters(subset: bytes) -> dict[bytes, bytes]:
    """The characters that an internal subset names.

    Parameter entities and unparsed ones (pictures) are passed over: nothing ever loads them.
    """
    characters: dict[bytes, bytes] = {}
    for declaration in _ENTITY.finditer(subset):
        name = declaration["name"]
        if name is None or declaration["parameter"]:
            continue
        shown = name.decode("utf-8", "replace")
        if declaration["external"]:
            if b"NDATA" not in declaration["place"]:
                raise RefusedError(f"XML that declares the external entity {shown!r}, which is not loaded")
            continue
        value = declaration["double"] if declaration["double"] is not None else declaration["single"]
        if re.search(rb"&(?!#|(?:amp|lt|gt|quot|apos);)", value):
            raise RefusedError(f"XML that declares the entity {shown!r}, made of other entities")
        if len(value) <= CHARACTER_BYTES and b"<" not in value:
            characters.setdefault(name, value)
    return characters


@cache
def _html_character(name: bytes) -> bytes:
    """The character reference for a name that HTML shares with the ISO sets of SGML."""
    characters = html5.get(name.decode("utf-8", "replace") + ";")
    if characters is None:
        shown = name.decode("utf-8", "replace")
        raise RefusedError(f"XML with the entity &{shown};, which stands for no character that it declares")
    return "".join(f"&#{ord(c)};" for c in characters).encode()


def _as_bytes_of_ascii(content: bytes) -> bytes:
    """UTF-16 and UTF-32 as UTF-8, so that what is looked for in bytes is found."""
    for mark, encoding in _OTHER_UNICODE:
        if content.startswith(mark):
            try:
                text = content.decode(encoding)
            except UnicodeDecodeError as error:
                raise RefusedError(f"not {encoding.upper()}, though its byte-order mark says so: {error}") from None
            return re.sub(r"\A\s*<\?xml\b.*?\?>", "", text, count=1, flags=re.DOTALL).encode("utf-8", "replace")
    return content
