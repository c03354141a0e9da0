"""Where a model comes from, told from where it lies."""

import pytest

from octavo.errors import InputError
from octavo.inference.belonging import belonging
from octavo.inference.server.corpus_index import index_of, needed_index


def test_all_forms_of_a_released_run_belong_to_it(small_run):
    release = small_run / "release"
    for model in (small_run, release, release / "gguf/small-BF16.gguf"):
        assert belonging(model) == (small_run, release)
        assert index_of(model).documents > 100


@pytest.mark.parametrize("file", ["model.gguf", "gguf/model.gguf"])
def test_a_file_belongs_to_the_model_directory_that_it_lies_in(tmp_path, file):
    assert belonging(tmp_path / file) == (None, None)
    (tmp_path / "config.json").write_text("{}")
    assert belonging(tmp_path / file) == (None, tmp_path)
    assert belonging(tmp_path) == (None, tmp_path)


def test_a_model_directory_with_a_folder_named_release_is_no_run(tmp_path):
    (tmp_path / "release").mkdir()
    (tmp_path / "config.json").write_text("{}")
    assert belonging(tmp_path) == (None, tmp_path)


def test_an_index_that_is_not_done_is_none(tmp_path):
    for folder in ("release", "trace/part-00000"):
        (tmp_path / folder).mkdir(parents=True)
    assert index_of(tmp_path) is None


def test_where_there_is_no_index_it_is_told(tmp_path):
    assert index_of(tmp_path) is None
    with pytest.raises(InputError, match="found no trace index of its corpus, expected the folder trace"):
        needed_index(tmp_path)
