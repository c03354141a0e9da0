"""The commands of document work, as a person meets them: files in and out, and what is told of mistakes."""

from __future__ import annotations

import json
import re
import shutil
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from lxml import etree

from octavo.cli.app import main
from octavo.errors import OctavoError
from octavo.evaluation.speaker import Speaker
from octavo.recipe.file import dump
from octavo.tuning.ocr import files as ocr_files
from octavo.tuning.vocabulary import task_vocabulary
from tests.conftest import small_recipe
from tests.tuning.small_tunes import ENGLISH, GERMAN, SENTENCES, task_recipe

TEXT = "He carried a lantern and a smaIl book.\n\nThe old kecper went down to the harbour.\n"
TEI = (
    '<TEI xmlns="http://www.tei-c.org/ns/1.0"><teiHeader><fileDesc><titleStmt><title>A day</title></titleStmt>'
    "</fileDesc></teiHeader><text><body><head>Morning</head><p>The old kecper went <hi>down</hi> to the harbour.</p>"
    '<pb n="2"/><p>He carried a lantern.</p></body></text></TEI>'
)
ALTO = (
    '<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout><Page ID="p1"><PrintSpace><TextBlock ID="b1">'
    '<TextLine ID="l1"><String CONTENT="The" HPOS="10" VPOS="5" WIDTH="30" HEIGHT="9"/><SP/>'
    '<String CONTENT="kecper" HPOS="50" VPOS="5" WIDTH="60" HEIGHT="9"/></TextLine>'
    '<TextLine ID="l2"><String CONTENT="went" HPOS="10" VPOS="20" WIDTH="40" HEIGHT="9"/></TextLine>'
    "</TextBlock></PrintSpace></Page></Layout></alto>"
)
FILES = {"letter.txt": TEXT, "edition.xml": TEI, "page.xml": ALTO}


class Done(NamedTuple):
    """How a command ended."""

    status: int
    out: str
    err: str


@pytest.fixture
def octavo(monkeypatch, capsys):
    """Runs a command in this process, whose handlers of signals stay as they are."""
    stand_in = SimpleNamespace(wished=threading.Event(), saving=threading.Lock())
    monkeypatch.setattr("octavo.display.Stop", lambda: stand_in)

    def run(*arguments) -> Done:
        monkeypatch.setattr(sys, "argv", ["octavo", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return Done(ended.value.code or 0, said.out, said.err)

    return run


@pytest.fixture
def files(tmp_path):
    """A text, an edition and a page."""
    folder = tmp_path / "in"
    folder.mkdir()
    for name, content in FILES.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in FILES]


@pytest.fixture
def writing(monkeypatch):
    """Makes models write what a function makes of each prompt's text: a text, or tokens."""

    def write(answer):
        def say(self, prompts, ids, decoding, progress, note, stop=lambda tokens: False, allowed=None):
            vocabulary = task_vocabulary(self.tokenizer, "test")
            said = [answer(vocabulary, prompt) for prompt in prompts]
            return [vocabulary.encode([one])[0] if isinstance(one, str) else one for one in said]

        monkeypatch.setattr(Speaker, "say", say)

    return write


@pytest.fixture
def corrector(tuned, tmp_path, writing):
    """A release that reads two words right, and is sure of all."""
    model = shutil.copytree(tuned("ocr") / "release", tmp_path / "corrector")
    told = json.loads((model / "tuning.json").read_bytes())
    told["settings"]["margins"] = dict.fromkeys(told["settings"]["margins"], -1e6)
    (model / "tuning.json").write_text(json.dumps(told))
    right = {"smaIl": "small", "kecper": "keeper"}
    writing(
        lambda vocabulary, prompt: re.sub("|".join(right), lambda word: right[word[0]], vocabulary.decode(prompt))
    )
    return model


def structure(content: str) -> list[tuple[str, str | None]]:
    """The elements in order, without those that tell of the work done, and where they stand on a page."""
    root = etree.fromstring(content.encode())
    body = next(iter(root.iter("{*}text", "{*}Layout")))
    return [(etree.QName(one).localname, one.get("HPOS")) for one in body.iter("*")]


@pytest.mark.parametrize("what", ["run", "release"])
def test_files_are_corrected_each_in_its_own_format(what, octavo, tuned, files, tmp_path):
    model = tuned("ocr") / ("release" if what == "release" else "")
    done = octavo("correct", model, *files, "--out", tmp_path / "out", "--json")
    assert done.status == 0, done.err
    told = json.loads(done.out)
    assert [one["format"] for one in told] == ["text", "TEI", "ALTO"]
    assert [one["written"] for one in told] == [str(tmp_path / "out" / name) for name in FILES]
    for name in ("edition.xml", "page.xml"):
        assert structure((tmp_path / "out" / name).read_text("utf-8")) == structure(FILES[name])
    assert (tmp_path / "out/letter.txt").read_text("utf-8").count("\n\n") == 1
    assert [file.read_text("utf-8") for file in files] == list(FILES.values())


def test_what_the_model_reads_right_is_put_in_and_nothing_else_is_changed(octavo, corrector, files, tmp_path):
    done = octavo("correct", corrector, *files, "--out", tmp_path / "out")
    assert done.status == 0, done.err
    assert f"{tmp_path}/out/letter.txt: 2 changes in 2 passages, 0 refused" in done.out
    letter, edition, page = ((tmp_path / "out" / name).read_text("utf-8") for name in FILES)
    assert letter == TEXT.replace("smaIl", "small").replace("kecper", "keeper")
    assert "<p>The old keeper went <hi>down</hi> to the harbour.</p>" in edition
    assert structure(edition) == structure(TEI)
    assert re.findall('CONTENT="(.*?)"', page) == ["The", "keeper", "went"]
    assert structure(page) == structure(ALTO)


def test_what_is_done_is_written_before_the_next_files_are_begun(
    octavo, corrector, files, tmp_path, writing, monkeypatch
):
    monkeypatch.setattr(ocr_files, "AT_ONCE", 1)

    def breaks(vocabulary, prompt):
        text = vocabulary.decode(prompt)
        if "Morning" in text:
            raise OctavoError("the power is gone")
        return text.replace("kecper", "keeper")

    writing(breaks)
    done = octavo("correct", corrector, *files, "--out", tmp_path / "out")
    assert (done.status, [path.name for path in (tmp_path / "out").iterdir()]) == (1, ["letter.txt"])
    assert "keeper" in (tmp_path / "out/letter.txt").read_text("utf-8")


def test_what_is_there_is_replaced_only_when_asked(octavo, corrector, files, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "edition.xml").write_text("mine")
    refused = octavo("correct", corrector, *files, "--out", out)
    assert refused.status == 2
    assert refused.err == f"octavo: {out}/edition.xml: found a file there, expected a free name in --out\n"
    assert {path.name: path.read_text() for path in out.iterdir()} == {"edition.xml": "mine"}
    assert octavo("correct", corrector, *files, "--out", out, "--overwrite").status == 0
    assert "keeper" in (out / "edition.xml").read_text("utf-8")
    itself = octavo("correct", corrector, files[0], "--out", files[0].parent, "--overwrite")
    assert (itself.status, files[0].read_text("utf-8")) == (2, TEXT)
    assert "found the input itself there" in itself.err


def test_a_model_of_an_older_version_is_told(octavo, corrector, files, tmp_path):
    told = json.loads((corrector / "tuning.json").read_bytes())
    told["settings"] |= {"margin": 2.0}
    del told["settings"]["margins"]
    (corrector / "tuning.json").write_text(json.dumps(told))
    done = octavo("correct", corrector, files[0], "--out", tmp_path / "out")
    assert done.status == 2
    assert "settings.margins: found None, expected 7 of them" in done.err
    assert not (tmp_path / "out").exists()


def test_two_files_of_one_name_are_refused(octavo, corrector, files, tmp_path):
    other = tmp_path / "other/letter.txt"
    other.parent.mkdir()
    other.write_text("Another letter.")
    done = octavo("correct", corrector, files[0], other, "--out", tmp_path / "out")
    assert done.status == 2
    assert "out/letter.txt: found several files that would be written there, expected one of each name" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("task", "learnt", "arguments"),
    [
        ("ocr", "translation", ["correct", "{model}", "{file}", "--out", "{out}"]),
        ("translation", "ocr", ["translate", "{model}", "{file}", "--to", "en", "--out", "{out}"]),
        ("rag", "ocr", ["ask", "{model}", "Who?", "--sources", "{file}", "--index", "{out}"]),
    ],
)
def test_a_model_for_other_work_or_for_none_is_refused(
    task, learnt, arguments, octavo, tuned, tuning_home, files, tmp_path
):
    out = tmp_path / "out"

    def asked(model):
        return octavo(*(one.format(model=model, file=files[0], out=out) for one in arguments))

    done = asked(tuned(learnt))
    assert done.status == 2
    expected = f"found a model that was tuned for {learnt}, expected one for {task}"
    assert done.err.endswith(f"octavo: {tuned(learnt)}: {expected}\n")
    done = asked(tuning_home / "base")
    assert done.status == 2
    assert f"base: found no tuning.json, expected a model that octavo tune made for {task}" in done.err
    assert asked(tmp_path / "nowhere").status == 2
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere.txt", "cannot be read: No such file or directory; expected plain text"),
        ("table.ods", "found the ending .ods, expected plain text"),
        ("broken.xml", "broken.xml: "),
        ("empty.txt", "found an empty file, expected text"),
    ],
)
def test_a_file_that_cannot_be_worked_on_is_told_before_any_is(name, message, octavo, tuned, files, tmp_path):
    contents = {"table.ods": "a", "broken.xml": "<TEI><text>", "empty.txt": ""}
    file = tmp_path / name
    if name in contents:
        file.write_text(contents[name])
    done = octavo("correct", tuned("ocr"), files[0], file, "--out", tmp_path / "out")
    assert done.status == 2
    assert message in done.err
    assert not (tmp_path / "out").exists()


def _into_english(vocabulary, prompt):
    """What stands in the prompt, translated sentence by sentence."""
    source = vocabulary.decode(prompt[prompt.index(vocabulary.entries["<|original|>"]) :])
    return " ".join(english for german, english in zip(GERMAN, ENGLISH, strict=True) if german in source)


def test_files_are_translated_each_in_its_own_format(octavo, tuned, writing, tmp_path):
    writing(_into_english)
    edition = tmp_path / "edition.xml"
    body = f"<body><p>{GERMAN[0]}</p><pb n='2'/><p>{GERMAN[2]}</p></body>"
    edition.write_text(re.sub("<body>.*</body>", body, TEI), "utf-8")
    letter = tmp_path / "letter.txt"
    letter.write_text(f"{GERMAN[1]}\n\n{GERMAN[4]}\n", "utf-8")
    done = octavo("translate", tuned("translation"), letter, edition, "--to", "en", "--out", tmp_path / "out")
    assert done.status == 0, done.err
    assert f"{tmp_path}/out/letter.txt: 2 passages from de to en" in done.out
    assert (tmp_path / "out/letter.txt").read_text("utf-8") == f"{ENGLISH[1]}\n\n{ENGLISH[4]}\n"
    written = (tmp_path / "out/edition.xml").read_text("utf-8")
    assert f"<p>{ENGLISH[0]}</p>" in written
    assert f"<p>{ENGLISH[2]}</p>" in written
    assert structure(written) == structure(edition.read_text("utf-8"))
    told = octavo(
        "translate", tuned("translation") / "release", letter, "--from", "de", "--to", "en", "--out", tmp_path / "two",
        "--json",
    )  # fmt: skip
    [one] = json.loads(told.out)
    assert (one["from"], one["to"], one["format"], one["warnings"]) == ("de", "en", "text", [])


def test_a_random_model_still_leaves_a_file_of_as_many_paragraphs(octavo, tuned, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text(f"{GERMAN[1]}\n\n{GERMAN[4]}\n", "utf-8")
    done = octavo("translate", tuned("translation"), letter, "--to", "en", "--out", tmp_path / "out", "--json")
    assert done.status == 0, done.err
    assert json.loads(done.out)[0]["passages"] == 2
    assert (tmp_path / "out/letter.txt").read_text("utf-8").strip()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--to", "xx"], "--to: found xx, expected one of en, fr"),
        (["--to", "en", "--from", "klingon"], "--from: found klingon, expected one of en, fr"),
        (["--to", "fr"], "found de to fr, expected a pair that translation learnt: "),
        (["--to", "de"], "found text in de, expected another language than --to de"),
    ],
)
def test_languages_that_cannot_be_are_told(options, message, octavo, tuned, tmp_path):
    letter = tmp_path / "letter.txt"
    letter.write_text(f"{GERMAN[1]}\n\n{GERMAN[4]}\n", "utf-8")
    done = octavo("translate", tuned("translation"), letter, *options, "--out", tmp_path / "out")
    assert done.status == 2
    assert message in done.err
    assert not (tmp_path / "out").exists()


def test_a_page_is_not_translated(octavo, tuned, files, tmp_path):
    done = octavo("translate", tuned("translation"), files[2], "--to", "en", "--out", tmp_path / "out")
    assert done.status == 2
    assert "page.xml: found ALTO, whose words have places on a page that a translation cannot keep" in done.err
    assert not (tmp_path / "out").exists()


def _quoting(words):
    """Answers with these words and the number of the first source."""

    def answer(vocabulary, prompt):
        ids, (text, number) = vocabulary.entries, vocabulary.encode([words, "1"])
        return [ids["<|quote|>"], *text, ids["<|cited|>"], *number, ids["<|end_of_quote|>"], vocabulary.end]

    return answer


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "sources"
    folder.mkdir()
    (folder / "shore.txt").write_text(f"{SENTENCES[5]}\n", "utf-8")
    return folder


@pytest.mark.parametrize("what", ["run", "release"])
def test_a_question_is_answered_in_the_words_of_a_document(what, octavo, tuned, writing, sources):
    writing(_quoting("312 barrels"))
    model = tuned("rag") / ("release" if what == "release" else "")
    asked = ("ask", model, "How many barrels did they count?", "--sources", sources)
    done = octavo(*asked)
    assert done.status == 0, done.err
    answer, quotation = done.out.splitlines()
    assert answer == "312 barrels"
    assert quotation.startswith('[1] "312 barrels" (')
    assert "shore.txt" in quotation
    told = json.loads(octavo(*asked, "--json").out)
    assert (told["text"], told["refused"]) == ("312 barrels", False)
    [quoted] = told["quotations"]
    assert SENTENCES[5][quoted["start"] : quoted["end"]] == quoted["text"]
    assert Path(f"{sources}.index").is_dir()


def test_words_that_no_source_has_are_not_shown(octavo, tuned, writing, sources):
    writing(_quoting("313 barrels"))
    done = octavo("ask", tuned("rag"), "How many barrels did they count?", "--sources", sources)
    assert (done.status, done.out) == (0, "No answer: no quotation stands word for word in its source\n")


def test_an_untouched_model_answers_or_says_why_not(octavo, tuned, sources):
    done = octavo("ask", tuned("rag"), "How many barrels did they count?", "--sources", sources, "--json")
    told = json.loads(done.out)
    assert told["refused"] == (not told["quotations"])
    assert all(SENTENCES[5][one["start"] : one["end"]] == one["text"] for one in told["quotations"])
    nothing = octavo("ask", tuned("rag"), "Xylophone?", "--sources", sources)
    assert nothing.out == "No answer: no passage has a word of the question\n"


def test_without_sources_nothing_is_asked(octavo, tuned, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    for place in (tmp_path / "nowhere", empty):
        done = octavo("ask", tuned("rag"), "Who?", "--sources", place)
        assert done.status == 2
        assert str(place) in done.err
        assert not Path(f"{place}.index").exists()


def test_an_empty_question_is_no_question(octavo, tuned, sources):
    done = octavo("ask", tuned("rag"), "  ", "--sources", sources)
    assert (done.status, done.err) == (2, "octavo: question: found nothing, expected a question\n")
    assert not Path(f"{sources}.index").exists()


def test_a_tunes_recipe_is_run_and_its_status_told(octavo, tuned, tuning_home, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(task_recipe(tuning_home, "rag")))
    for command in ("run", "tune"):
        done = octavo(command, file, "--out", tuned("rag"), "--json")
        assert done.status == 0, done.err
        assert list(json.loads(done.out)["stages"]) == ["pairs", "training", "evaluation", "release"]
        assert done.err.count("done already") == 4
    status = octavo("status", tuned("rag"))
    assert status.status == 0
    assert re.findall(r"(pairs|training|evaluation|release) +done", status.out) == [
        "pairs", "training", "evaluation", "release",
    ]  # fmt: skip


def test_a_recipe_without_a_base_is_not_tuned(octavo, tmp_path):
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(small_recipe()))
    done = octavo("tune", file, "--out", tmp_path / "run")
    assert done.status == 2
    assert done.err == (
        f"octavo: {file}: tuning: found none, expected the base to tune and the task; octavo run trains anew\n"
    )
    assert not (tmp_path / "run").exists()


def test_pairs_that_are_broken_are_told_by_the_command(octavo, tuning_home, tmp_path):
    pairs = tmp_path / "pairs.jsonl"
    pairs.write_text('{"id": "a", "doc": "d", "lang": "en", "ocr": "Tbe"}\n')
    file = tmp_path / "recipe.yaml"
    file.write_text(dump(task_recipe(tuning_home, "ocr", pairs=[str(pairs)])))
    done = octavo("tune", file, "--out", tmp_path / "run")
    assert (done.status, done.err) == (2, f"octavo: {pairs}: line 1: gt: found nothing, expected a text\n")
    assert not (tmp_path / "run").exists()
