"""EPUB: the chapters in reading order, read from the archive in memory and never unpacked to disk."""

from __future__ import annotations

import io
import lzma
import posixpath
import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from lxml import etree

from octavo.corpus.locations import Location
from octavo.corpus.readers import html
from octavo.corpus.readers.plain_text import one_document, title_of
from octavo.corpus.readers.reading import KEPT_BYTES, Pieces, RefusedError, Unreadable, read_whole
from octavo.recipe.schema import Source

FILE_BYTES = 256 * 1024**2
UNPACKED_BYTES = 512 * 1024**2
ENTRIES = 10_000
RATIO = 100
RATIO_BYTES = 1024**2
"""What unpacks to less than this may be packed as tightly as it likes."""

CHUNK_BYTES = 64 * 1024
DOCUMENT_TYPES = {
    "application/xhtml+xml",
    "text/html",
    "application/html+xml",
    "text/x-oeb1-document",
    "application/xml",
    "text/xml",
}
NAVIGATION = "application/x-dtbncx+xml"
FONT_OBFUSCATIONS = {"http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"}
_FONT = re.compile(r"\.(?:otf|ttf|ttc|woff2?)$", re.I)
_GUTENBERG_ADDRESS = re.compile(r"https?://(?:www\.)?gutenberg\.org/(?:ebooks/)?(\d+)")

_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    EOFError,
    OSError,
    ValueError,
    KeyError,
    IndexError,
    OverflowError,
    RuntimeError,
)
"""What zipfile raises on archives that are damaged, or packed in a way of their own."""


@dataclass(frozen=True)
class _Chapter:
    name: str
    media_type: str
    properties: str


@dataclass(frozen=True)
class _Package:
    """What a book's package document says: its chapters in reading order, and its metadata."""

    chapters: list[_Chapter]
    metadata: dict[str, str]


class _Archive:
    """A ZIP archive that is read only as far as it unpacks to a size that a book may have."""

    def __init__(self, content: bytes) -> None:
        self.zip = zipfile.ZipFile(io.BytesIO(content))
        self.unpacked = 0
        entries = self.zip.infolist()
        if len(entries) > ENTRIES:
            raise RefusedError(f"a ZIP archive of {len(entries)} entries, over {ENTRIES}")
        if sum(entry.file_size for entry in entries) > UNPACKED_BYTES:
            raise RefusedError(f"a ZIP archive that unpacks to over {UNPACKED_BYTES} bytes")
        for entry in entries:
            self._check_ratio(entry, entry.file_size)
            if entry.flag_bits & 0x1:
                raise RefusedError("encrypted with a password")
        self.names = {entry.filename for entry in entries}

    def read(self, name: str) -> bytes:
        """An entry, unpacked; what the archive declares of its size is not believed."""
        entry = self.zip.getinfo(name)
        content = bytearray()
        with self.zip.open(entry) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                content += chunk
                self.unpacked += len(chunk)
                if self.unpacked > UNPACKED_BYTES:
                    raise RefusedError(f"a ZIP archive that unpacks to over {UNPACKED_BYTES} bytes")
                self._check_ratio(entry, len(content))
        return bytes(content)

    def _check_ratio(self, entry: zipfile.ZipInfo, size: int) -> None:
        if size > RATIO_BYTES and size > RATIO * entry.compress_size:
            raise RefusedError(f"a ZIP archive whose {entry.filename!r} unpacks to over {RATIO} times its size")


def read(location: Location, source: Source) -> Pieces:
    """Read a book as one document; a chapter that cannot be read is set aside, and the rest of the book kept."""
    yield from read_whole(location, FILE_BYTES, lambda content: _pieces(content, location), KEPT_BYTES)


def _pieces(content: bytes, location: Location) -> Pieces:
    texts: list[str] = []
    try:
        archive = _Archive(content)
        _refuse_rights_management(archive)
        package = _package(archive)
        for piece in _chapters(archive, package, location.name):
            if isinstance(piece, Unreadable):
                yield piece
            elif piece:
                texts.append(piece)
    except RefusedError as error:
        raise RefusedError(f"not read as EPUB: {error}") from None
    except _DAMAGES as error:
        raise RefusedError(f"a damaged EPUB: {_said(error)}") from None
    if not texts:
        raise RefusedError("an EPUB without text")
    body = html.without_gutenberg(html.HtmlDocument("\n\n".join(texts)))
    # The package's metadata is made with more care than the lines of a text file.
    yield one_document({"identifier": location.name, "title": title_of(location)} | body | package.metadata)


def _said(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__


def _chapters(archive: _Archive, package: _Package, book: str) -> Iterator[str | Unreadable]:
    for chapter in package.chapters:
        where = f"{book}!{chapter.name}"
        kind = chapter.media_type
        if kind.startswith("image/") or kind == NAVIGATION or "nav" in chapter.properties.split():
            continue
        if chapter.name not in archive.names:
            yield Unreadable(where, "in the book's reading order, but not in its archive", b"")
            continue
        content = archive.read(chapter.name)
        if kind not in DOCUMENT_TYPES:
            yield Unreadable(
                where, f"a chapter of type {kind or 'unknown'}, which is not read", content[:KEPT_BYTES]
            )
            continue
        if len(content) > html.MARKUP_BYTES:
            yield Unreadable(where, f"a chapter of over {html.MARKUP_BYTES} bytes", content[:KEPT_BYTES])
            continue
        yield html.text_of(content).text


def _refuse_rights_management(archive: _Archive) -> None:
    """Raise RefusedError where more than fonts is encrypted."""
    name = "META-INF/encryption.xml"
    if name not in archive.names:
        return
    for data in _tree(archive, name).iter("{*}EncryptedData"):
        methods = {node.get("Algorithm", "") for node in data.iterfind("{*}EncryptionMethod")}
        addresses = [node.get("URI", "") for node in data.iter("{*}CipherReference")]
        is_font = bool(methods & FONT_OBFUSCATIONS) or all(_FONT.search(address) for address in addresses)
        if not is_font:
            raise RefusedError("encrypted by rights management (META-INF/encryption.xml)")


def _tree(archive: _Archive, name: str) -> etree._Element:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True, remove_comments=True
    )
    content = archive.read(name)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        raise RefusedError(f"{name} is no XML ({error})") from None
    if root is None:
        raise RefusedError(f"{name} is no XML")
    return root


def _package(archive: _Archive) -> _Package:
    name = _package_name(archive)
    root = _tree(archive, name)
    folder = posixpath.dirname(name)
    items: dict[str, _Chapter] = {}
    for item in root.iter("{*}item"):
        # A path out of the archive is just a name that the archive lacks.
        path = posixpath.normpath(posixpath.join(folder, unquote(item.get("href", "").split("#")[0])))
        chapter = _Chapter(path, item.get("media-type", ""), item.get("properties", ""))
        items.setdefault(item.get("id", ""), chapter)
    order = dict.fromkeys(reference.get("idref", "") for reference in root.iter("{*}itemref"))
    chapters = list(dict.fromkeys(items[key] for key in order if key in items))
    if not chapters:
        raise RefusedError(f"{name} names no chapter")
    return _Package(chapters, _metadata(root))


def _package_name(archive: _Archive) -> str:
    container = "META-INF/container.xml"
    if container in archive.names:
        for node in _tree(archive, container).iter("{*}rootfile"):
            if (path := node.get("full-path", "")) in archive.names:
                return path
    packages = sorted(name for name in archive.names if name.lower().endswith(".opf"))
    if not packages:
        raise RefusedError("no package document (.opf) in it")
    return packages[0]


_DC = "{http://purl.org/dc/elements/1.1/}"
_OPF = "{http://www.idpf.org/2007/opf}"


def _metadata(root: etree._Element) -> dict[str, str]:
    metadata = {
        "title": _first(root, "title"),
        "creator": "; ".join(_creators(root)),
        "language": _first(root, "language"),
        "license": _first(root, "rights") or _linked_licence(root),
        "date": _date(root),
    }
    addresses = [_words(node) for name in ("identifier", "source") for node in root.iter(f"{_DC}{name}")]
    gutenberg = next((found for address in addresses if (found := _GUTENBERG_ADDRESS.match(address))), None)
    if gutenberg:
        metadata["source_url"] = f"https://www.gutenberg.org/ebooks/{gutenberg[1]}"
        metadata["date"] = ""  # the day of the transcription, not of the book
    return {name: value for name, value in metadata.items() if value}


def _words(node: etree._Element) -> str:
    return " ".join("".join(str(piece) for piece in node.itertext(with_tail=False)).split())


def _first(root: etree._Element, name: str) -> str:
    return next((words for node in root.iter(f"{_DC}{name}") if (words := _words(node))), "")


def _creators(root: etree._Element) -> list[str]:
    """Authors, or whoever is named where no role says author."""
    roles = {
        node.get("refines", "").removeprefix("#"): _words(node)
        for node in root.iter("{*}meta")
        if node.get("property") == "role"
    }
    people = [
        (words, node.get(f"{_OPF}role") or roles.get(node.get("id", ""), "aut"))
        for node in root.iter(f"{_DC}creator")
        if (words := _words(node))
    ]
    authors = [words for words, role in people if role == "aut"]
    return list(dict.fromkeys(authors or [words for words, _ in people]))


def _date(root: etree._Element) -> str:
    """The day of publication, not that of the file."""
    dates = {(node.get(f"{_OPF}event") or "publication"): _words(node) for node in reversed(_dates(root))}
    return dates.get("original-publication") or dates.get("publication") or ""


def _dates(root: etree._Element) -> list[etree._Element]:
    return list(root.iter(f"{_DC}date"))


def _linked_licence(root: etree._Element) -> str:
    for node in root.iter("{*}link", "{*}meta"):
        relation = node.get("rel") or node.get("property") or ""
        if relation in {"cc:license", "dcterms:license", "dcterms:rights", "license"}:
            return (node.get("href") or _words(node)).strip()
    return ""
