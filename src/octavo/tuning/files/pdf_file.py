"""PDF: its text can be read but not put back, so that what is written is plain text, page after page."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import pypdfium2

from octavo.corpus.readers.pdf import FILE_BYTES, reason_of, texts_of_pages
from octavo.corpus.readers.reading import RefusedError
from octavo.tuning.files.passages import Change, Passage, Rebuild, Rebuilt, UnfitError


def opened(content: bytes) -> tuple[list[Passage], Rebuild]:
    """The paragraphs of the pages. Raises UnfitError where it is damaged, encrypted or without a text layer."""
    if len(content) > FILE_BYTES:
        raise UnfitError(f"found a file of over {FILE_BYTES} bytes")
    try:
        pages = [text.split("\n\n") if text else [] for text in texts_of_pages(content)]
    except pypdfium2.PdfiumError as error:
        raise UnfitError(f"found {reason_of(error)}, expected a PDF with text") from None
    except RefusedError as error:
        raise UnfitError(f"found {error}, expected a PDF with text") from None
    passages = [Passage(paragraph, f"page {number}") for number, page in enumerate(pages, 1) for paragraph in page]
    return passages, partial(_rebuilt, pages)


def _rebuilt(pages: list[list[str]], new: Mapping[int, str], change: Change) -> Rebuilt:
    numbers = iter(range(sum(map(len, pages))))
    texts = ["\n\n".join(new.get(next(numbers), paragraph) for paragraph in page) for page in pages]
    return Rebuilt("\n\f".join(texts).encode() + b"\n", [])
