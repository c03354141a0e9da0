"""An Arrow file that is mapped and not read, whose texts lie within it.

Arrow believes what such a file says of where its texts lie, and reads there; so that of a damaged or hostile file
would be outside of the file, which ends the process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from octavo.errors import InputError


def open_arrow(path: Path, schema: pa.Schema) -> pa.Table:
    """The table of an Arrow file of this schema. Raises InputError where it is none; FileNotFoundError as it is."""
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        table.validate()
        found = table.column_names
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise InputError(f"{path}: found a file that cannot be read, expected an Arrow file") from None
    if table.schema != schema:
        raise InputError(f"{path}: found columns {found}, expected {schema.names}")
    for name in schema.names:
        if pa.types.is_large_string(schema.field(name).type):
            for chunk in table.column(name).chunks:
                if not _within(chunk):
                    raise InputError(f"{path}: {name}: found a text that lies outside of the file; is it damaged?")
        elif table.column(name).null_count:
            raise InputError(f"{path}: {name}: found a row without a number, expected one in each")
    return table


def _within(texts: pa.Array) -> bool:
    """Whether texts lie one after the other within their bytes."""
    _, offsets, content = texts.buffers()
    if not len(texts):
        return True
    if offsets is None:
        return False
    places = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    ordered = len(places) == len(texts) + 1 and places[0] >= 0 and not (places[1:] < places[:-1]).any()
    return bool(ordered and places[-1] <= (content.size if content is not None else 0))
