"""Checkpoints read as data: PyTorch's own reader unpickles what it finds, which would run what a stranger wrote.

The metadata of a checkpoint is a pickle, and so are the settings of an optimizer in it. Of the first, only the
classes that hold numbers, names and places are unpickled; of the second, only what torch.load takes for weights.
"""

from __future__ import annotations

import io
import pathlib
import pickle
import re
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed.checkpoint.state_dict_loader as dcp_load
from torch.distributed import ProcessGroup
from torch.distributed.checkpoint import filesystem, metadata
from torch.distributed.checkpoint._traverse import set_element
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.default_planner import DefaultLoadPlanner
from torch.distributed.checkpoint.filesystem import FileSystemReader
from torch.distributed.checkpoint.metadata import BytesStorageMetadata, Metadata, TensorStorageMetadata
from torch.distributed.checkpoint.planner import ReadItem

from octavo.errors import OctavoError

METADATA: Final = ".metadata"
_FILE = re.compile(r"__\d+_\d+\.distcp")
_CLASSES: Final = {
    ("torch", "Size"): torch.Size,
    ("torch.serialization", "_get_layout"): lambda name: torch.strided,  # no layout but this one is written
    (filesystem.__name__, "_StorageInfo"): filesystem._StorageInfo,
} | {
    (metadata.__name__, name): getattr(metadata, name)
    for name in (
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
    )
}


def load_state(folder: Path, state: dict[str, Any], group: ProcessGroup | None) -> None:
    """Load a checkpoint's state into that of the same form, in place.

    Raises OctavoError that names the file where it holds something else than a state, or another state.
    """
    reader = _Reader(folder)
    try:
        dcp_load.load(state, storage_reader=reader, planner=_Planner(), process_group=group, no_dist=group is None)
    except CheckpointException as error:
        cause, _ = next(iter(error.failures.values()))
        raise OctavoError(f"{folder}: the checkpoint cannot be read: {cause}") from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """The class of a name, where checkpoints have it."""
        if module == "torch" and isinstance(getattr(torch, name, None), torch.dtype):
            return getattr(torch, name)
        if module in ("pathlib", "pathlib._local") and name in ("PosixPath", "WindowsPath"):
            return pathlib.PurePath  # where it was written; nothing is read by it
        if (module, name) not in _CLASSES:
            raise pickle.UnpicklingError(f"found {module}.{name} in it, which no checkpoint of octavo has")
        return _CLASSES[module, name]


class _Reader(FileSystemReader):
    """Takes the metadata that was read as data."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.metadata = _read_metadata(folder / METADATA)

    def read_metadata(self, *args: Any, **kwargs: Any) -> Metadata:
        """Where everything lies."""
        return self.metadata


class _Planner(DefaultLoadPlanner):
    """Unpickles what is no tensor as it does tensors: as data."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        """Take a setting of an optimizer."""
        place = self.mappings[read_item.dest_index.fqn]
        set_element(self.original_state_dict, place, torch.load(value, weights_only=True))


def _read_metadata(path: Path) -> Metadata:
    try:
        found = _Unpickler(io.BytesIO(path.read_bytes())).load()
    except OSError as error:
        raise OctavoError(f"{path}: cannot be read ({error.strerror})") from None
    except Exception as error:  # a pickle that is damaged, or made to do harm, raises whatever its parts do
        raise OctavoError(f"{path}: cannot be read as the metadata of a checkpoint: {error}") from None
    if not (isinstance(found, Metadata) and _is_whole(found)):
        raise OctavoError(f"{path}: found something else than the metadata of a checkpoint")
    return found


def _is_whole(found: Metadata) -> bool:
    """Whether what is described are tensors and bytes that lie, as they are, in files beside the metadata."""
    described, places = found.state_dict_metadata, found.storage_data
    return (
        isinstance(described, dict)
        and isinstance(places, dict)
        and all(isinstance(one, TensorStorageMetadata | BytesStorageMetadata) for one in described.values())
        and all(
            isinstance(place, filesystem._StorageInfo)
            and _FILE.fullmatch(str(getattr(place, "relative_path", None)))
            and not place.transform_descriptors
            for place in places.values()
        )
    )
