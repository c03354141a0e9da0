"""The parts of benchmarks/peers.py that decide whether its comparison is a fair one."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.recipe.file import load

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
CHAIN = BENCHMARKS / "peers_chain"


@pytest.fixture(scope="module")
def part() -> Any:
    """Imports a module of the benchmarks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        yield importlib.import_module


def keywords(script: Path, call: str) -> dict[str, Any]:
    """The keywords of a call in a script that are written as plain values."""
    calls = [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.Call)]
    found = next(node for node in calls if isinstance(node.func, ast.Name) and node.func.id == call)
    return {k.arg: k.value.value for k in found.keywords if k.arg and isinstance(k.value, ast.Constant)}


def test_both_sides_train_a_model_of_one_shape() -> None:
    recipe = load(CHAIN / "recipe.yaml", [])
    theirs = keywords(CHAIN / "train.py", "LlamaConfig")
    ours = recipe.model.model_dump()
    assert len(theirs) >= 7
    assert theirs == {name: ours[name] for name in theirs}
    assert ours["max_position_embeddings"] == recipe.sequence_length == 512
    assert recipe.training.sequences_per_step == 4
    assert "LENGTH, SEQUENCES = 512, 4" in (CHAIN / "train.py").read_text()


def test_only_code_counts_as_written(part: Any, tmp_path: Path) -> None:
    script, recipe = tmp_path / "script.py", tmp_path / "recipe.yaml"
    script.write_text(
        '"""Told."""\n\nimport sys  # why\n\n\ndef f(\n    x,\n):\n    """Told."""\n    return """a\nb"""\n'
    )
    recipe.write_text("# told\nname: a  # why\n\nmodel:\n  {hidden_size: 4}\n")
    written = part("code_lines").written
    assert written([script]) == (6, len("import sys" + "def f(" + "x," + "):" + 'return """a' + 'b"""'))
    assert written([recipe]) == (3, len("name: a" + "model:" + "{hidden_size: 4}"))
    assert written([script, recipe]).lines == 9


def test_held_out_works_and_their_copies_are_not_trained_on(
    part: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = part("held_out_passages")
    monkeypatch.setattr(module, "PASSAGE", 600)
    folder, documents = tmp_path / "folder", tmp_path / "documents"
    folder.mkdir()
    texts = {f"work-{n}#s{k}": " ".join(f"w{n}x{k}x{i}" for i in range(200)) for n in range(40) for k in (1, 2)} | {
        "note": "Too short to be measured."
    }
    rows = [{"identifier": name, "text": text, "lang": "en"} for name, text in texts.items()]
    pq.write_table(pa.Table.from_pylist(rows), folder / "en.parquet")
    passages, copies, _ = module.divide(folder, documents, 1)
    trained = pq.read_table(documents).column("identifier").to_pylist()
    held = {name.partition("#")[0] for name in texts} - {name.partition("#")[0] for name in trained}
    assert (len(held), len(trained), copies) == (10, 61, 0)
    assert [len(passage) for passage in passages["en"]] == [600] * 10
    assert all(any(p in texts[f"{work}#s{k}"] for work in held for k in (1, 2)) for p in passages["en"])

    next(row for row in rows if row["identifier"] == trained[0])["text"] = f"A copy: {passages['en'][0]}"
    pq.write_table(pa.Table.from_pylist(rows), folder / "en.parquet")
    again = module.divide(folder, tmp_path / "again", 1)
    assert again.copies == 1
    assert trained[0] not in pq.read_table(tmp_path / "again").column("identifier").to_pylist()


@given(text=st.text(alphabet="ab \n", max_size=5000))
def test_pieces_are_the_whole_text(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCHMARKS))
        module: ModuleType = importlib.import_module("exported_bits")
    pieces = list(module.pieces(text))
    assert "".join(pieces) == text
    assert all(0 < len(piece) <= module.PIECE for piece in pieces)


def test_a_model_that_knows_nothing_needs_the_bits_of_its_vocabulary(part: Any, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: place for place, letter in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=256,
            hidden_size=8,
            intermediate_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            max_position_embeddings=64,
            bos_token_id=0,
        )
    )
    model.lm_head.weight.data.zero_()
    model.save_pretrained(tmp_path)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    found = part("exported_bits").measure({"a": tmp_path}, {"fr": ["Où est-il ?", "Là."], "en": ["x" * 99, "abc"]})
    assert found.sizes == {"fr": 16, "en": 3}
    assert found.left_out == 1
    assert found.bits["a"] == pytest.approx({"fr": 8, "en": 8})
