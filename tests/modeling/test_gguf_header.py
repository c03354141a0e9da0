import contextlib
import struct

import pytest
from gguf import GGUFReader, GGUFWriter
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.modeling.gguf.header import gguf_settings


@pytest.fixture
def file(tmp_path):
    """A file with a setting of every type between lists."""
    path = tmp_path / "all.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_array("words", ["one", "", "drei ſ"])
    for number, add in enumerate(
        (
            writer.add_uint8,
            writer.add_int8,
            writer.add_uint16,
            writer.add_int16,
            writer.add_uint32,
            writer.add_int32,
            writer.add_uint64,
            writer.add_int64,
            writer.add_float32,
            writer.add_float64,
        )
    ):
        add(f"number.{number}", 100 + number)
        writer.add_array(f"numbers.{number}", [1.5, 2.5])
    writer.add_bool("yes", True)
    writer.add_string("name", "Œuvre")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    return path


def test_settings_are_those_that_the_gguf_package_reads(file, small_run):
    for path in (file, small_run / "release/gguf/small-BF16.gguf"):
        fields = {name: field.contents() for name, field in GGUFReader(path).fields.items() if "GGUF." not in name}
        expected = {name: value for name, value in fields.items() if not isinstance(value, list)}
        found = gguf_settings(path)
        assert found == expected
        assert {name: type(value) for name, value in found.items()} == {
            name: type(value) for name, value in expected.items()
        }


@given(st.floats(0, 1), st.binary(max_size=9))
def test_a_file_that_is_cut_or_damaged_is_refused(tmp_path_factory, small_run, share, damage):
    content = (small_run / "release/gguf/small-BF16.gguf").read_bytes()[:60_000]
    path = tmp_path_factory.mktemp("damaged") / "x.gguf"
    at = int(share * 20_000)
    path.write_bytes(content[:at])
    with pytest.raises(InputError, match="found no GGUF model that can be read"):
        gguf_settings(path)
    path.write_bytes(content[:at] + damage + content[at + len(damage) :])
    with contextlib.suppress(InputError):  # and nothing else
        gguf_settings(path)


def test_what_is_none_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        gguf_settings(tmp_path / "nowhere.gguf")
    (tmp_path / "old.gguf").write_bytes(b"GGUF" + struct.pack("<IQQ", 1, 0, 0))
    with pytest.raises(InputError, match="version 2 or 3"):
        gguf_settings(tmp_path / "old.gguf")
    with pytest.raises(InputError, match="found no GGUF model"):
        gguf_settings(tmp_path)
