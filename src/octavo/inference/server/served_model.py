"""All that a server knows of the model that it serves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from gguf import GGUFReader, LlamaFileType

from octavo.inference.belonging import belonging
from octavo.inference.converting import cache_folder
from octavo.inference.defaults import default_decoding
from octavo.inference.engine import open_engine
from octavo.inference.llama_cpp import LlamaCppEngine
from octavo.inference.server.corpus_index import index_of
from octavo.inference.server.papers import Paper, read_papers
from octavo.inference.server.vocabulary import Vocabulary, read_vocabulary
from octavo.modeling.decoding import Decoding
from octavo.modeling.gguf.writing import ROPE_DIVISORS
from octavo.tracing.index.reading import Index, open_index
from octavo.tracing.trace import trace as trace_text


@dataclass(frozen=True)
class ServedModel:
    """A model that is open, with its papers and the index of its corpus."""

    name: str
    engine: LlamaCppEngine
    vocabulary: Vocabulary
    parameters: int
    format: str
    """Of its matrices, as BF16."""
    defaults: Decoding
    papers: tuple[Paper, ...]
    index: Index | None


def open_served_model(model: Path, slots: int, trace: Path | None) -> ServedModel:
    """Open a run, a release, a Hugging Face directory or a .gguf file for serving.

    `trace` is the folder of the index; without it, the run's own is taken where there is one. Raises InputError
    where llama.cpp cannot open the model, or the index is none.
    """
    index = open_index(trace) if trace else index_of(model)
    if index is not None:
        _search_once(index)
    release = belonging(model).release
    engine = open_engine(model, "llama.cpp", slots)
    assert isinstance(engine, LlamaCppEngine)
    reader = GGUFReader(engine.gguf)
    defaults = default_decoding(model)
    return ServedModel(
        name=_name(reader, engine.gguf, model),
        engine=engine,
        vocabulary=read_vocabulary(reader, engine.gguf),
        parameters=sum(int(tensor.n_elements) for tensor in reader.tensors if tensor.name != ROPE_DIVISORS),
        format=_format(reader),
        defaults=replace(defaults, max_tokens=min(defaults.max_tokens, engine.context)),
        papers=read_papers(release) if release else (),
        index=index,
    )


def _search_once(index: Index) -> None:
    """Trace the corpus's beginning, as the first search of all compiles: no visitor should wait for that."""
    trace_text(index, bytes(index.parts[0].text[:400]).decode("utf-8", "replace"))


def _name(reader: GGUFReader, gguf: Path, model: Path) -> str:
    """What the file says; of one in the cache, which may have been made of another copy, the directory's."""
    if gguf.is_relative_to(cache_folder()):
        return model.resolve().name
    field = reader.fields.get("general.name")
    return str(field.contents()) if field and field.contents() else model.absolute().stem


def _format(reader: GGUFReader) -> str:
    field = reader.fields.get("general.file_type")
    try:
        name = LlamaFileType(int(field.contents())).name if field else "unknown"
    except ValueError:
        name = "unknown"
    return name.removeprefix("MOSTLY_").removeprefix("ALL_")
