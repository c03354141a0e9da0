import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, normalizers, pre_tokenizers

from octavo.errors import InputError, OctavoError
from octavo.inference.converting import cache_folder, converted, precision
from octavo.inference.engine import open_engine
from octavo.inference.server.served_model import open_served_model
from octavo.inference.torch_engine import TorchEngine
from octavo.modeling.decoding import Decoding, whole
from octavo.modeling.gguf.header import gguf_settings
from octavo.modeling.gguf.reading import load_gguf


@pytest.fixture
def folder(small_run, tmp_path, monkeypatch):
    """A Hugging Face directory without a GGUF file, and a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    home = tmp_path / "model"
    home.mkdir()
    for name in ("config.json", "generation_config.json", "model.safetensors", "tokenizer.json"):
        shutil.copy(small_run / "release" / name, home)
    return home


def edit(folder, change):
    """Change the directory's weights."""
    weights = change(load_file(folder / "model.safetensors"))
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def test_a_directory_without_a_gguf_file_goes_to_llama_cpp(folder, capsys):
    before = sorted(folder.rglob("*"))
    engine = open_engine(folder)
    assert engine.name == "llama.cpp"
    assert engine.gguf.parent == cache_folder() / "gguf" == folder.parent / "cache/octavo/gguf"
    told = capsys.readouterr()
    assert told.out == ""
    assert f"{folder}: converted to GGUF (BF16, without loss) once, into {engine.gguf}" in told.err
    assert sorted(folder.rglob("*")) == before
    changed = engine.gguf.stat().st_mtime_ns
    assert open_engine(folder, "llama.cpp").gguf.stat().st_mtime_ns == changed
    assert capsys.readouterr().err == ""


def test_a_text_begins_and_ends_with_what_config_json_states(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"bos_token_id": 4, "eos_token_id": [5, 2]}))
    for engine in ("torch", "llama.cpp"):
        assert open_engine(folder, engine).encode("a")[0] == 4
    assert TorchEngine(folder).end == 5
    assert gguf_settings(converted(folder))["tokenizer.ggml.eos_token_id"] == 5


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32])
def test_nothing_is_lost_whatever_the_weights_precision(folder, dtype):
    torch.manual_seed(0)
    edit(folder, lambda weights: {n: (w + torch.randn(w.shape) / 50).to(dtype) for n, w in weights.items()})
    file = converted(folder)
    assert file.stem.endswith("BF16" if dtype == torch.bfloat16 else "F32")
    ours, theirs = TorchEngine(folder).model.state_dict(), load_gguf(file).model.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_norms_in_float32_beside_matrices_in_bf16_are_kept(folder):
    edit(folder, lambda weights: {n: w.float() if w.ndim == 1 else w for n, w in weights.items()})
    assert precision([folder / "model.safetensors"]) == "BF16"
    edit(folder, lambda weights: {n: w.float() if "mlp" in n else w for n, w in weights.items()})
    assert precision([folder / "model.safetensors"]) == "F32"


def test_another_content_is_another_file(folder):
    first = converted(folder)
    edit(folder, lambda weights: {n: w * 1.5 for n, w in weights.items()})
    second = converted(folder)
    assert first != second
    assert first.exists()
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"rope_theta": 20_000.0, "rope_parameters": None}))
    assert converted(folder) not in (first, second)
    copy = shutil.copytree(folder, folder.parent / "copy")
    assert converted(copy) == converted(folder)


def test_of_those_who_ask_at_once_one_makes_the_file(folder, capsys):
    with ThreadPoolExecutor(4) as pool:  # its lock is held against threads as against processes
        (file,) = set(pool.map(converted, [folder] * 4))
    assert capsys.readouterr().err.count("converted to GGUF") == 1
    assert [p.name for p in file.parent.iterdir() if p.suffix != ".lock"] == [file.name]
    load_gguf(file)


def test_what_a_killed_conversion_left_is_made_anew(folder):
    file = converted(folder)
    content = file.read_bytes()
    file.unlink()
    file.with_suffix(".unfinished").write_bytes(content[:1000])
    assert converted(folder).read_bytes() == content
    assert not file.with_suffix(".unfinished").exists()


def test_what_a_full_disk_cut_short_is_taken_away(folder, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("octavo.inference.converting.os.fsync", full)
    with pytest.raises(OctavoError, match=r"cannot be written \(No space left on device\)"):
        converted(folder)
    assert [left.suffix for left in (cache_folder() / "gguf").iterdir()] == [".lock"]


def test_a_served_directory_is_called_by_its_own_name_and_fits_its_context(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 64}))
    served = open_served_model(folder, 1, None)
    copy = open_served_model(shutil.copytree(folder, folder.parent / "copy"), 1, None)
    assert (served.name, copy.name) == ("model", "copy")
    assert served.engine.gguf == copy.engine.gguf
    assert (served.engine.context, served.defaults.max_tokens) == (64, 64)


def test_a_cache_that_cannot_be_written_is_told(folder, tmp_path, monkeypatch):
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    with pytest.raises(OctavoError, match=r"cannot be written \(Not a directory\); XDG_CACHE_HOME"):
        converted(folder)


def test_torch_writes_where_llama_cpp_would_read_text_otherwise(folder, capsys):
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    split = tokenizer.pre_tokenizer
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.save(str(folder / "tokenizer.json"))
    assert open_engine(folder).name == "torch"
    assert "llama.cpp knows no tokenizer equal to this model's; so torch writes" in capsys.readouterr().err
    tokenizer.normalizer = None
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), split])
    tokenizer.save(str(folder / "tokenizer.json"))
    assert open_engine(folder).name == "torch"
    assert "llama.cpp knows no tokenizer equal to this model's; so torch writes" in capsys.readouterr().err
    with pytest.raises(InputError, match=r"llama\.cpp knows no tokenizer"):
        open_engine(folder, "llama.cpp")
    assert not (cache_folder() / "gguf").exists()


def test_a_directory_that_is_no_model_is_refused_and_nothing_is_cached(folder):
    (folder / "model.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="is it cut short"):
        open_engine(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"found no \.safetensors file"):
        open_engine(folder)
    assert not list(folder.parent.glob("cache/octavo/gguf/*.gguf"))


def test_both_engines_write_the_same_of_a_directory_in_float32(folder):
    edit(folder, lambda weights: {n: w.float() for n, w in weights.items()})
    ours, theirs = open_engine(folder, "torch"), open_engine(folder)
    for text in ("The old keeper", "Erat olim in monte"):
        tokens = theirs.encode(text)
        assert tokens == ours.encode(text)
        assert whole(ours.stream(tokens, Decoding(40))) == whole(theirs.stream(tokens, Decoding(40)))
