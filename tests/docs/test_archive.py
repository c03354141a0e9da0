"""The how-to for archives can be followed word for word, from deliveries of scans to documents that the law finds free."""

import os
import re
import subprocess
import sys
from html import escape
from importlib.resources import files
from pathlib import Path

import pyarrow.parquet as pq

from .blocks import ROOT, blocks

PAGE = ROOT / "docs" / "how-to" / "archive.md"


def alto(text: str) -> str:
    words = "<SP/>".join(f'<String CONTENT="{escape(word)}" WC="0.9"/>' for word in text.split())
    block = f"<TextBlock><TextLine>{words}</TextLine></TextBlock>"
    page = f"<Page><PrintSpace>{block}</PrintSpace></Page>"
    return f'<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#"><Layout>{page}</Layout></alto>'


def deliver(folder: Path) -> None:
    """Scans of the volumes in the page's catalogue, two pages each, and an edition."""
    texts = iter(pq.read_table(files("octavo.corpus") / "starter.parquet", columns=["text"])["text"].to_pylist())
    for volume in ("gazette-1868-04", "herbal-1722"):
        (folder / "deliveries" / volume).mkdir(parents=True)
        for page in ("0001.xml", "0002.xml"):
            (folder / "deliveries" / volume / page).write_text(alto(next(texts)), encoding="utf-8")
    (folder / "tei").mkdir()
    head = "<teiHeader><fileDesc><titleStmt><title>Brief</title></titleStmt></fileDesc></teiHeader>"
    body = "<text><body><p>Lieber Freund, das Wasser ist gestiegen.</p></body></text>"
    tei = f'<TEI xmlns="http://www.tei-c.org/ns/1.0">{head}{body}</TEI>'
    (folder / "tei" / "brief.xml").write_text(tei, encoding="utf-8")


def test_the_page_can_be_followed_word_for_word(tmp_path):
    deliver(tmp_path)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for block in blocks(PAGE, "sh", "yaml", "csv", "python"):
        if block.language == "csv":
            (tmp_path / "catalogue.csv").write_text(block.text, encoding="utf-8")
        elif name := re.match(r"name: (\w+)", block.text):
            (tmp_path / f"{name[1]}.yaml").write_text(block.text, encoding="utf-8")
        elif block.language != "yaml":
            program = {"sh": ["bash", "-e", "-c"], "python": [sys.executable, "-c"]}[block.language]
            done = subprocess.run(
                [*program, block.text], cwd=tmp_path, env=environment, capture_output=True, text=True
            )
            assert done.returncode == 0, f"{block.where}\n{done.stderr}"
    [part] = (tmp_path / "runs/editions/documents").glob("*.parquet")
    read = pq.read_table(part).to_pylist()
    assert [(row["title"], row["license"]) for row in read] == [("Brief", None)]
    ledger = pq.read_table(tmp_path / "runs/archive/corpus/ledger.parquet").to_pylist()
    assert [(row["identifier"], row["fate"], row["century"]) for row in ledger] == [
        ("pages/gazette-1868-04#0001.xml", "kept", 19),
        ("pages/gazette-1868-04#0002.xml", "kept", 19),
        ("pages/herbal-1722#0001.xml", "kept", 18),
        ("pages/herbal-1722#0002.xml", "kept", 18),
    ]
    [shown] = re.findall(r"such as `(public domain by rule; .*?)`\.", PAGE.read_text(encoding="utf-8"))
    assert ledger[0]["basis"] == shown
