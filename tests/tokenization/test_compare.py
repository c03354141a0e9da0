"""What compare-tokenizers measures, against numbers counted by hand."""

import base64
import json
import lzma
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from typer.testing import CliRunner

from octavo.cli.app import app
from octavo.errors import InputError
from octavo.tokenization.compare import ERROR_RATE, Text, compare, count_words, damage, read_texts
from octavo.tokenization.compare_plot import comparison_plot
from octavo.tokenization.compare_table import print_comparison
from octavo.tokenization.vocabularies import open_vocabularies

LETTERS = sorted(pre_tokenizers.ByteLevel.alphabet())


def tokenizer_file(folder: Path, *merges: tuple[str, str], normalizer: object = None) -> Path:
    """A byte-level tokenizer that splits at spaces, with these merges alone."""
    vocab = {letter: n for n, letter in enumerate([*LETTERS, *(a + b for a, b in merges)])}
    tokenizer = Tokenizer(models.BPE(vocab, list(merges)))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(" ?[^ ]+"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    folder.mkdir(exist_ok=True)
    (folder / "tokenizer.json").write_text(tokenizer.to_str())
    return folder / "tokenizer.json"


def test_the_figures_are_those_counted_by_hand(tmp_path):
    """With 'th' and 'the' as entries beside the bytes."""
    paths = [tokenizer_file(tmp_path / "ours", ("t", "h"), ("th", "e")), tokenizer_file(tmp_path / "bytes")]
    texts = [
        Text("the cat", "en", 19, "a"),  # the| |c|a|t: 5 tokens, 7 bytes, 2 words, one split
        Text("été the", "fr", None, "b"),  # 5 bytes, a space, the: 7 tokens, 9 bytes, 2 words, one split
        Text("... 12", "en", 20, "a"),  # no word, 6 tokens
    ]
    ours, by_byte = compare(open_vocabularies(paths), texts)["tokenizers"]
    assert (ours["name"], by_byte["name"]) == ("ours", "bytes")
    assert ours["entries"] == 258
    assert (ours["documents"], ours["bytes"], ours["words"], ours["tokens"]) == (3, 22, 4, 18)
    assert (ours["bytes_per_token"], ours["tokens_per_word"], ours["words_split"]) == (1.2222, 4.5, 0.5)
    assert (by_byte["tokens"], by_byte["tokens_to_first"], by_byte["words_split"]) == (22, 1.2222, 1.0)
    # the, space, c, a, t; the two bytes of é; the full stop, 1 and 2
    assert (ours["entries_used"], ours["share_used"]) == (10, round(10 / 258, 4))
    english, french = ours["by"]["language"]["en"], ours["by"]["language"]["fr"]
    assert (english["documents"], english["bytes"], english["tokens"]) == (2, 13, 11)
    assert (french["cost"], english["cost"]) == (1.0, round(11 / 13 / (7 / 9), 4))
    assert by_byte["by"]["language"]["fr"]["cost"] == by_byte["by"]["language"]["en"]["cost"] == 1.0
    assert list(ours["by"]["century"]) == ["19", "20", ""]
    assert ours["by"]["century"]["20"]["tokens_per_word"] is None
    assert {source: figures["bytes"] for source, figures in ours["by"]["source"].items()} == {"a": 13, "b": 9}


@pytest.mark.parametrize(
    ("text", "ends", "expected"),
    [
        ("the cat", [3, 7], (2, 0)),
        ("the cat", [7], (2, 0)),  # one token over both is no split
        ("the cat", [2, 7], (2, 1)),
        ("the cat", [2, 5, 7], (2, 2)),
        ("the cat", [4, 7], (2, 0)),  # between the words
        ("été", [1, 5], (1, 1)),  # inside a letter
        ("e\u0301te\u0301", [1, 7], (1, 1)),  # a mark belongs to its letter
        ("l'ami 12", [2, 5, 8], (2, 0)),
        ("", [], (0, 0)),
        ("12 ...", [1, 6], (0, 0)),
        ("日本𐌰", [6, 10], (1, 1)),
    ],
)
def test_a_word_is_split_where_a_token_ends_inside_it(text, ends, expected):
    assert count_words(text, np.array(ends, np.int64)) == expected


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_damage_is_the_same_at_each_call_and_changes_what_it_counts(text):
    damaged, errors = damage(text)
    assert (damaged, errors) == damage(text)
    assert (damaged == text) == (errors == 0)
    assert abs(len(damaged) - len(text)) <= errors


def test_damage_is_about_as_frequent_as_it_says():
    text = "Es war einmal ein Müller, der war arm, aber er hatte eine ſchöne Tochter. " * 400
    assert damage(text)[1] / len(text) == pytest.approx(ERROR_RATE, rel=0.2)


def test_an_error_adds_tokens_where_it_breaks_an_entry(tmp_path):
    paths = [tokenizer_file(tmp_path / "ours", ("t", "h"), ("th", "e")), tokenizer_file(tmp_path / "bytes")]
    ours, by_byte = compare(open_vocabularies(paths), [Text("the " * 500, "en", None, "a")])["tokenizers"]
    assert ours["tokens_per_error"] > 0.5
    assert abs(by_byte["tokens_per_error"]) < 0.2  # letters lost and spaces added are about as many


def test_a_normaliser_is_applied_before_the_text_is_divided(tmp_path):
    path = tokenizer_file(tmp_path / "lower", ("t", "h"), ("th", "e"), normalizer=normalizers.Lowercase())
    (found,) = compare(open_vocabularies([path]), [Text("THE Cat", "en", None, "a")])["tokenizers"]
    assert (found["tokens"], found["bytes"], found["words_split"]) == (5, 7, 0.5)


def test_a_tokenizer_that_is_not_byte_level_is_measured_by_the_characters_its_tokens_cover(tmp_path):
    vocab = {piece: n for n, piece in enumerate(["<unk>", "▁", "▁the", "c", "at", "é", "t"])}
    tokenizer = Tokenizer(
        models.BPE(
            vocab | {"▁t": 7, "▁th": 8, "h": 9, "e": 10, "a": 11},
            [("▁", "t"), ("▁t", "h"), ("▁th", "e"), ("a", "t")],
            unk_token="<unk>",
        )
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    (found,) = compare(open_vocabularies([tmp_path]), [Text("the cat", "en", None, "a")])["tokenizers"]
    assert (found["tokens"], found["words"], found["words_split"]) == (4, 2, 0.5)  # ▁the ▁ c at


def ranks_file(folder: Path) -> Path:
    entries = [bytes([byte]) for byte in range(256)] + [b"th", b"the", b" t", b" th", b" the", b"he"]
    ranks = " ".join(f"{base64.b64encode(entry).decode()}:{rank}" for rank, entry in enumerate(entries))
    content = {"pat_str": r" ?[^\s]+|\s+", "special_tokens": {"<|endoftext|>": 262}, "ranks": ranks}
    file = folder / "small.tiktoken.json.xz"
    file.write_bytes(lzma.compress(json.dumps(content).encode()))
    return file


def test_a_file_of_ranks_is_read_as_tiktoken_reads_it(tmp_path):
    (vocabulary,) = open_vocabularies([ranks_file(tmp_path)])
    assert (vocabulary.name, vocabulary.size) == ("small", 263)
    (ids, ends), (special, _) = vocabulary.divide(["the the hé", "<|endoftext|>"])
    assert ids.tolist() == [257, 260, ord(" "), ord("h"), 0xC3, 0xA9]
    assert ends.tolist() == [3, 7, 8, 9, 10, 11]
    assert 262 not in special.tolist()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "found nothing there, expected a tokenizer.json, a run, a release or a model directory"),
        (b"[]", "found no JSON object, expected a tokenizer.json or ranks"),
        (b"\xff\xfe", "found no JSON object, expected a tokenizer.json or ranks"),
        (b"{}", "found no tokenizer.json that can be read"),
        (b'{"ranks": "?:1"}', "found ranks that cannot be read"),
        (b'{"ranks": "YQ==:1"}', "found ranks that cannot be read"),
    ],
)
def test_what_is_no_tokenizer_is_refused_by_name(tmp_path, content, expected):
    file = tmp_path / "given.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError, match=f"given.json: {expected}"):
        open_vocabularies([file])
    (tmp_path / "given.json.xz").write_bytes(b"no xz")
    with pytest.raises(InputError, match=r"given\.json\.xz: found a file that xz cannot read"):
        open_vocabularies([tmp_path / "given.json.xz"])


def test_two_tokenizers_of_one_name_are_told_apart_by_their_paths(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    paths = [tokenizer_file(tmp_path / "a" / "same"), tokenizer_file(tmp_path / "b" / "same")]
    assert [v.name for v in open_vocabularies(paths)] == [str(path) for path in paths]


def test_of_a_run_only_what_was_held_out_is_measured(tmp_path):
    kept = tmp_path / "run" / "corpus" / "kept"
    kept.mkdir(parents=True)
    rows = [("learnt", "train", 19), ("held out", "held-out", 18)]
    columns = {
        "text": [text for text, _, _ in rows],
        "lang": ["en", "la"],
        "century": pa.array([century for _, _, century in rows], pa.int32()),
        "collection": ["c", None],
        "source": ["x.txt", "folder/y.txt"],
        "split": [split for _, split, _ in rows],
    }
    pq.write_table(pa.table(columns), kept / "000.parquet")
    assert list(read_texts([str(tmp_path / "run")])) == [Text("held out", "la", 18, "y.txt")]


def test_texts_of_any_format_are_read_and_their_language_is_found(tmp_path):
    (tmp_path / "a.txt").write_text(
        "Die Mühle stand am Bach, und der Müller schlief bei offenem Fenster bis zum Morgen."
    )
    line = {"text": "The mill stood by the brook, and the miller slept.", "date": "1888", "collection": "Mills"}
    (tmp_path / "b.jsonl").write_text(json.dumps(line) + "\n")
    german, english = read_texts([str(tmp_path)])
    assert (german.language, german.century, german.source) == ("de", None, "a.txt")
    assert (english.language, english.century, english.source) == ("en", 19, "Mills")


def test_the_table_and_the_plot_show_each_tokenizer_and_language(tmp_path, capsys):
    paths = [tokenizer_file(tmp_path / name, ("t", "h")) for name in ("first", "a<b", "third", "fourth", "fifth")]
    texts = [Text("the cat " * 50, "en", 19, "a"), Text("le chat " * 50, "fr", 18, "b"), Text("", "xx", None, "c")]
    compared = compare(open_vocabularies(paths), texts)
    print_comparison(compared)
    printed = capsys.readouterr().out
    for words in ("first", "a<b", "English (en)", "1801-1900", "not known"):
        assert words in printed
    plot = comparison_plot(compared)
    assert plot == comparison_plot(compared)
    titles = [e.text for e in ElementTree.fromstring(plot).iter("{http://www.w3.org/2000/svg}title")]
    assert sum("English (en)" in (title or "") for title in titles) == 2 * len(paths)
    assert "prefers-color-scheme: dark" in plot


def test_the_command_prints_json_and_writes_the_plot(tmp_path):
    (tmp_path / "text.txt").write_text("the cat sat on the mat")
    file = tokenizer_file(tmp_path / "ours", ("t", "h"))
    arguments = ["compare-tokenizers", str(file), "--texts", str(tmp_path / "text.txt"), "--json"]
    done = CliRunner().invoke(app, [*arguments, "--plot", str(tmp_path / "plot.svg")])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["tokenizers"]
    assert (found["name"], found["documents"], found["tokens"]) == ("ours", 1, 20)
    assert ElementTree.parse(tmp_path / "plot.svg").getroot().tag.endswith("svg")
    refused = CliRunner().invoke(app, [*arguments, "--plot", str(tmp_path / "none" / "plot.svg")])
    assert isinstance(refused.exception, InputError)
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(InputError, match="found no text in it"):
        compare(open_vocabularies([file]), read_texts([str(tmp_path / "empty.jsonl")]))
