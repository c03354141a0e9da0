"""Token files that others made: taken where the tokenizer made them, refused with a reason where it did not."""

import re
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from octavo.errors import InputError
from octavo.progress import Progress
from octavo.tokenization.encode import load_tokenizer
from octavo.tokenization.entries import begin_and_end
from octavo.tokenization.given import begin_with, check_given, count_given, token_files
from octavo.tokenization.shards import token_dtype, write_shard

FILE = "tokenizer.json"
TEXTS = [
    f"{a} {b} {c}" for a in ("The old", "A new", "One") for b in ("mill", "house") for c in ("fell.", "stood.")
]


def trained(*special, entries=300, texts=TEXTS):
    """A byte-level tokenizer of another program, with these special entries first."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=entries,
            special_tokens=list(special),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return tokenizer


def written(folder, documents, name="00000.ds", highest=1000, made_by="someone/tokenizer"):
    folder.mkdir(exist_ok=True)
    write_shard(
        folder / name, iter([[np.array(d) for d in documents]] if documents else []), token_dtype(highest), made_by
    )
    return str(folder)


@pytest.fixture(scope="module")
def llama():
    """With a begin and an end of text, as Llama's."""
    return trained("<s>", "</s>")


def ids(tokenizer, begin=(), end=()):
    return [[*begin, *tokenizer.encode(text).ids, *end] for text in TEXTS]


def test_documents_between_begin_and_end_are_taken(llama, tmp_path):
    folder = written(tmp_path / "a", ids(llama, [0], [1]))
    assert check_given([folder], llama, FILE) == (0, 1)
    figures = count_given([folder], llama.get_vocab_size(), Progress())[folder]
    assert (figures["files"], figures["documents"]) == (1, len(TEXTS))
    assert figures["tokens"] == sum(map(len, ids(llama, [0], [1])))
    assert figures["tokenizers"] == ["someone/tokenizer"]


def test_where_documents_only_end_the_end_begins_the_next(llama, tmp_path):
    """As datatrove writes them: else nothing would keep them apart, as no begin is in the files."""
    folder = written(tmp_path / "a", ids(llama, [], [1]))
    edges = check_given([folder], llama, FILE)
    assert edges == (1, 1)
    tokenizer = Tokenizer.from_str(llama.to_str())
    begin_with(tokenizer, edges)
    assert begin_and_end(tokenizer, FILE) == (1, 1)
    assert tokenizer.encode("The old").ids == [1, *llama.encode("The old").ids]
    assert begin_and_end(llama, FILE) == (0, 1)


def test_a_tokenizer_without_a_begin_uses_its_end(tmp_path):
    gpt = trained("<|endoftext|>")
    folder = written(tmp_path / "a", ids(gpt, [], [0]))
    assert check_given([folder], gpt, FILE) == (0, 0)


def test_pieces_of_documents_are_taken_as_the_begin_is_inside(llama, tmp_path):
    """Datatrove can mix pieces of a fixed size, and then its index has their ends."""
    stream = np.concatenate([np.array(d) for d in ids(llama, [0], [1])])
    folder = written(tmp_path / "a", [stream[n : n + 7] for n in range(0, len(stream), 7)])
    assert check_given([folder], llama, FILE) == (0, 1)


def test_documents_that_nothing_keeps_apart_are_refused(llama, tmp_path):
    folder = written(tmp_path / "a", ids(llama))
    with pytest.raises(InputError, match="0 begin with id 0 and 0 end with id 1, expected all to begin so"):
        check_given([folder], llama, FILE)


def test_folders_whose_documents_begin_in_different_ways_are_refused(llama, tmp_path):
    folders = [written(tmp_path / "a", ids(llama, [0], [1])), written(tmp_path / "b", ids(llama, [], [1]))]
    with pytest.raises(
        InputError, match=f"{tmp_path}/b: documents begin with </s>, expected <s>, as in {tmp_path}/a"
    ):
        check_given(folders, llama, FILE)


def test_another_tokenizers_tokens_are_refused_although_all_ids_are_known(llama, tmp_path):
    other = trained("<s>", "</s>", texts=[text[::-1] for text in TEXTS])
    folder = written(tmp_path / "a", ids(other, [0], [1]))
    said = (
        r"found tokens \(by their metadata of someone/tokenizer\) of which \d+% come out again .* another tokenizer"
    )
    with pytest.raises(InputError, match=said):
        check_given([folder], llama, FILE)


def test_an_id_past_the_vocabulary_is_told_with_its_place(llama, tmp_path):
    """The last of many documents, which a sample may miss."""
    documents = [*ids(llama, [0], [1]) * 50, [0, 999, 1]]
    folder = written(tmp_path / "a", documents)
    place = sum(map(len, documents)) - 2
    with pytest.raises(InputError, match=f"a/00000.ds: token {place:,}: found id 999, expected ids under 284"):
        count_given([folder], llama.get_vocab_size(), Progress())


def test_an_index_that_goes_backwards_is_refused(llama, tmp_path):
    folder = written(tmp_path / "a", ids(llama, [0], [1]))
    index = np.fromfile(tmp_path / "a/00000.ds.index", "<u8")
    index[[0, 1]] = index[[1, 0]]
    index.tofile(tmp_path / "a/00000.ds.index")
    with pytest.raises(InputError, match=r"00000.ds.index: found ends that go backwards"):
        count_given([folder], llama.get_vocab_size(), Progress())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda a: None, "a: no such folder, expected one of training.data"),
        (lambda a: a.mkdir(), "a: found no token files (.ds), expected some"),
        (lambda a: written(a, []), "a: found no documents in its token files"),
    ],
)
def test_a_folder_without_documents_is_refused(make, said, llama, tmp_path):
    make(tmp_path / "a")
    with pytest.raises(InputError, match=re.escape(said)):
        check_given([str(tmp_path / "a")], llama, FILE)


def test_one_folder_by_two_names_is_refused(llama, tmp_path):
    """They would be two folders with an order each, and sequences come twice an epoch."""
    folder = written(tmp_path / "a", ids(llama, [0], [1]))
    with pytest.raises(InputError, match=r"which is .* by another name"):
        check_given([folder, f"{tmp_path}/./a"], llama, FILE)


def test_files_that_datatrove_writes_are_taken(tmp_path):
    """With its own tokenizer step, from texts to merged files."""
    from datatrove.data import Document
    from datatrove.pipeline.tokens import DocumentTokenizer

    tokenizer = trained("<s>", "</s>")
    tokenizer.save(str(tmp_path / FILE))
    step = DocumentTokenizer(
        str(tmp_path / "tokens"),
        tokenizer_name_or_path=str(tmp_path / FILE),
        eos_token="</s>",
        shuffle_documents=False,
    )
    step.run((Document(text, str(n)) for n, text in enumerate(TEXTS)), 0, 1)
    folder = str(tmp_path / "tokens")
    assert check_given([folder], load_tokenizer(tmp_path / FILE), FILE) == (1, 1)
    figures = count_given([folder], tokenizer.get_vocab_size(), Progress())[folder]
    assert (figures["documents"], figures["tokens"]) == (len(TEXTS), sum(map(len, ids(tokenizer, [], [1]))))
    assert figures["tokenizers"] == [str(tmp_path / FILE)]


def test_what_octavo_writes_is_taken_with_and_without_its_document_index(small_run, tmp_path):
    tokenizer = load_tokenizer(small_run / "tokenizer" / FILE)
    folder = Path(shutil.copytree(small_run / "tokens", tmp_path / "tokens"))
    assert check_given([str(folder)], tokenizer, FILE) == begin_and_end(tokenizer, FILE)
    assert {file.suffix for file in token_files([str(folder)])} == {".ds", ".index", ".metadata", ".arrow"}
    for file in folder.glob("*.documents.arrow"):
        file.unlink()
    figures = count_given([str(folder)], tokenizer.get_vocab_size(), Progress())[str(folder)]
    kept = pq.read_table(small_run / "corpus/kept", columns=["split"]).column("split").to_pylist()
    assert figures["documents"] == kept.count("train")
