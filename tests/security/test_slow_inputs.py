"""A document or a recipe of some kilobytes does not take minutes to read, whatever stands in it.

Each of these took from seconds to years before: the patterns that read them went back over what they had read.
"""

import contextlib
import time

import pyarrow as pa
import pytest
from pyarrow import fs

from octavo.corpus.licences import normalise
from octavo.corpus.locations import Location
from octavo.corpus.public_domain import persons
from octavo.corpus.readers import html, xml
from octavo.corpus.readers.reading import RefusedError
from octavo.curation.personal_data import redact
from octavo.errors import InputError
from octavo.recipe.file import load
from octavo.recipe.schema import Source

SECONDS = 3.0
PLACE = Location("x.xml", "xml", fs.LocalFileSystem(), "x.xml")


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """What is compiled on its first call."""
    redact(pa.array(["a@b.org Tel. +49 30 1234567"]))


@pytest.fixture(autouse=True)
def soon(_compiled):
    """A test that takes much longer than any input here should, in time of the processor, as others may be at work."""
    began = time.process_time()
    yield
    assert time.process_time() - began < SECONDS


def read_xml(content: bytes) -> None:
    with contextlib.suppress(RefusedError):
        list(xml._pieces(content, PLACE, Source(path="x.xml")))


@pytest.mark.parametrize("unit", [b"<?a?>", b"<!--a-->", b"<!--", b"<?", b" ", b"<?a?> <!-- -->"])
def test_what_stands_before_a_document_type(unit):
    read_xml(unit * 50_000 + b"<TEI/>")
    read_xml(unit * 50_000 + b"<!DOCTYPE TEI><TEI/>")


@pytest.mark.parametrize("unit", [b"<!--", b"<?", b'<!ENTITY a "', b"<!ENTITY % ", b'"', b"'", b"[", b"]>", b"&a;"])
def test_what_stands_in_a_document_type_or_after_it(unit):
    read_xml(b"<!DOCTYPE a [" + unit * 50_000 + b"]><a/>")
    read_xml(b'<!DOCTYPE a [<!ENTITY e "x">]><a>' + unit * 50_000 + b"</a>")


@pytest.mark.parametrize("unit", ["p", "div", "hi", "list><item", "table><row><cell"])
def test_elements_within_elements_without_end(unit):
    ends = "".join(f"</{name}>" for name in reversed(unit.split("><")))
    body = f"<{unit}>" * 20_000 + "x" + ends * 20_000
    read_xml(f'<TEI xmlns="http://www.tei-c.org/ns/1.0"><text><body>{body}</body></text></TEI>'.encode())
    html.text_of(body.encode())


@pytest.mark.parametrize("unit", [" ", "\t", "&nbsp;", "&nbsp; ", "\n "])
def test_spaces_in_a_page(unit):
    assert html.text_of(f"<pre>a{unit * 100_000}x</pre>".encode()).text.endswith("x")


def test_spaces_before_a_line_break_still_go():
    assert html.text_of(b"<pre>a \t&nbsp;\nb &nbsp;c</pre>").text == "a\nb \xa0c"


@pytest.mark.parametrize("unit", [" ", ",", ", ", ".", "(", "\n", "1", "BY-", "version ", " AND ", "a OR (", "/"])
def test_statements_of_licences(unit):
    for size in (1_900, 200_000):
        assert normalise("x" + unit * (size // len(unit)) + "!") is None


@pytest.mark.parametrize("unit", [" ", "\n", "(", "a; ", "1745-", "ed. "])
def test_names_of_creators(unit):
    persons("x" + unit * (60_000 // len(unit)) + "!")


@pytest.mark.parametrize("unit", ["'", "a", "a.", "a@", "1", "1 ", "1-", "+", "http://", "(", "0 0"])
def test_patterns_of_personal_data(unit):
    signs = " a@b.org http://b.org/?a=1 Tel. +49 30 1234567 IBAN DE02 1203 0000 0000 2020 51 192.168.0.1 "
    text = unit * (100_000 // len(unit))
    redact(pa.array([signs + text + "!", text + signs, f"a@b.org{text}@b.org"]))


def test_aliases_of_aliases_in_a_recipe(tmp_path):
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefghijk", "bcdefghijkl", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    (tmp_path / "recipe.yaml").write_text("\n".join(lines))
    with pytest.raises(InputError, match="found over 100,000 fields, expected a recipe"):
        load(tmp_path / "recipe.yaml")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name: !!python/object/apply:os.system [true]", "not valid YAML: could not determine a constructor"),
        ("a: " * 2 + "{a: " * 5_000, "not valid YAML|nested without end"),
        ("training: " + "{a: " * 5_000, "nested without end"),
        ("name: ../../x", "name: found"),
        ('name: "\\ud800"', "name: found"),
        ("name: x\nseed: 1e999", "seed: found Infinity"),
        ("training: {optimizer: {learning_rate: .nan}}", "learning_rate: found NaN, expected a finite number"),
    ],
)
def test_values_that_no_recipe_has(content, said, tmp_path):
    (tmp_path / "recipe.yaml").write_text(content)
    with pytest.raises(InputError, match=said):
        load(tmp_path / "recipe.yaml")
