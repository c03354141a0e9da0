"""Whoever changes anything of a run or a release is found out, by the file and the claim."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from octavo.audit import reruns
from octavo.audit.audit import audit
from octavo.audit.claims import is_held
from octavo.audit.opening import open_release
from octavo.audit.quantised import measured_again
from octavo.corpus.schema import content_hash
from octavo.errors import InputError
from octavo.progress import Progress
from octavo.release.checksums import SUMS, write_checksums
from octavo.release.quantised_figures import read_quantised
from octavo.release.signature import sign
from tests.audit.forging import (
    change_json,
    change_rows,
    copy_run,
    cover_up,
    flip_a_bit,
    part,
    replace,
    write,
    write_manifest,
)

Tamper = Callable[[Path], None]

BITS = [
    "release/README.md",
    "release/config.json",
    "release/generation_config.json",
    "release/model.safetensors",
    "release/tokenizer.json",
    "release/tokenizer_config.json",
    "release/special_tokens_map.json",
    "release/gguf/small-BF16.gguf",
    "release/gguf/small-Q8_0.gguf",
    "release/quantised.json",
    "release/evaluation/report.html",
    "release/evaluation/report.json",
    "release/compliance/manifest.json",
    "release/compliance/training-summary.md",
    "release/compliance/training-summary.html",
    "release/compliance/training-summary.json",
    "release/compliance/technical-documentation.md",
    "release/compliance/model-documentation-form.json",
    "release/compliance/copyright-policy.md",
    "release/compliance/croissant.json",
    "release/compliance/spdx3.json",
    "release/compliance/bom.cdx.json",
    "release/lineage/recipe.yaml",
    "release/lineage/training.json",
    "release/lineage/curation.json",
    "release/stage.json",
    "recipe.yaml",
    "metrics.jsonl",
    "documents/000-000000-0000.parquet",
    "documents/stage.json",
    "corpus/kept/000-000000-0000.parquet",
    "corpus/removed/000-000000-0000.parquet",
    "corpus/originals/000-000000-0000.parquet",
    "corpus/ledger.parquet",
    "corpus/passages.parquet",
    "corpus/report.json",
    "corpus/report.html",
    "corpus/stage.json",
    "tokenizer/tokenizer.json",
    "tokenizer/report.json",
    "tokens/000-000000-0000.ds",
    "tokens/000-000000-0000.ds.index",
    "tokens/000-000000-0000.ds.documents.arrow",
    "tokens/000-000000-0000.ds.metadata",
    "tokens/stage.json",
    "checkpoints/latest",
    "checkpoints/step-00000118/__0_0.distcp",
    "checkpoints/step-00000118/.metadata",
    "checkpoints/step-00000118/manifest.json",
    "checkpoints/stage.json",
    "evaluation/bits_per_byte.json",
    "evaluation/toxicity.json",
    "evaluation/repetition.svg",
    "evaluation/stage.json",
    "trace/stage.json",
    "trace/index.json",
    "trace/part-00000/text.bin",
    "trace/part-00000/suffixes.bin",
    "trace/part-00000/documents.arrow",
]


def found_out(run: Path, full: bool = False) -> set[str]:
    """The files that claims failed of."""
    claims = audit(run, full, Progress())
    return {claim.file for claim in claims if claim.outcome == "failed"}


@pytest.fixture
def run(small_run: Path, tmp_path: Path) -> Path:
    return copy_run(small_run, tmp_path / "small")


LEADING = [file for file in BITS if file.endswith((".json", ".yaml", "/latest"))]
"""Files by which others are found or judged: each by itself, as its damage might hide another's."""


def flip_in_the_middle(run: Path, file: str) -> None:
    flip_a_bit(run / file, (run / file).stat().st_size // 2)


@pytest.mark.parametrize("file", LEADING)
def test_one_bit(run: Path, file: str) -> None:
    flip_in_the_middle(run, file)
    found = found_out(run)
    assert file.removeprefix("release/") in found or file in found, found


def test_one_bit_in_each_of_many_files(run: Path) -> None:
    others = {file for file in BITS if file not in LEADING}
    assert not found_out(run)
    for file in others:
        flip_in_the_middle(run, file)
    found = found_out(run)
    assert {file for file in others if file not in found and file.removeprefix("release/") not in found} == set()


def test_one_bit_of_the_record_for_tensorboard(run: Path) -> None:
    (file,) = (run / "tensorboard").iterdir()
    flip_a_bit(file)
    assert f"tensorboard/{file.name}" in found_out(run)


# What follows is covered up: all hashes fit again.


def in_the_card(run: Path) -> None:
    replace(run / "release/README.md", "| Steps | 118", "| Steps | 218")


def in_the_training_summary(run: Path) -> None:
    file = run / "release/compliance/training-summary.md"
    write(file, file.read_bytes().replace(b"CC0-1.0", b"CC-BY-4.0", 1))


def in_the_manifest_and_all_papers(run: Path) -> None:
    content = json.loads((run / "release/compliance/manifest.json").read_bytes())
    content["corpus"]["kept"]["documents"] += 1
    write_manifest(run, content)


def training_tokens_in_the_manifest(run: Path) -> None:
    content = json.loads((run / "release/compliance/manifest.json").read_bytes())
    content["training"]["flops"] = 1e18
    write_manifest(run, content)


def a_paper_is_left_out(run: Path) -> None:
    (run / "release/compliance/copyright-policy.md").unlink()


def a_paper_is_added(run: Path) -> None:
    write(run / "release/compliance/certificate.md", b"Certified.\n")


def the_text_of_a_document(run: Path) -> None:
    def swap(rows: list[dict]) -> None:
        rows[3]["text"] = "Another text altogether."
        rows[3]["content_hash"] = content_hash(rows[3]["text"])

    change_rows(part(run, "corpus/kept"), swap)


def the_text_but_not_its_hash(run: Path) -> None:
    def swap(rows: list[dict]) -> None:
        rows[3]["text"] += " And more."

    change_rows(part(run, "corpus/kept"), swap)


def two_documents_change_places(run: Path) -> None:
    def swap(rows: list[dict]) -> None:
        rows[0]["text"], rows[1]["text"] = rows[1]["text"], rows[0]["text"]

    change_rows(part(run, "corpus/kept"), swap)


def the_name_of_a_document(run: Path) -> None:
    def rename(rows: list[dict]) -> None:
        rows[0]["identifier"] = "somebody/else"

    change_rows(part(run, "corpus/kept"), rename)


def a_document_that_came_in_is_gone(run: Path) -> None:
    change_rows(part(run, "documents"), lambda rows: rows.pop(5))


def a_removed_document_is_gone(run: Path) -> None:
    change_rows(part(run, "corpus/removed"), lambda rows: rows.pop(0))


def the_licence_in_the_ledger(run: Path) -> None:
    def change(rows: list[dict]) -> None:
        next(row for row in rows if row["fate"] == "kept")["spdx"] = "CC-BY-4.0"

    change_rows(run / "corpus/ledger.parquet", change)


def the_licence_of_a_document(run: Path) -> None:
    def change(rows: list[dict]) -> None:
        rows[0]["license"] = "CC-BY-NC-4.0"

    change_rows(part(run, "corpus/kept"), change)


def a_line_of_the_ledger_is_gone(run: Path) -> None:
    change_rows(run / "corpus/ledger.parquet", lambda rows: rows.pop(7))


def a_line_of_the_ledger_twice(run: Path) -> None:
    change_rows(run / "corpus/ledger.parquet", lambda rows: rows.append(rows[7]))


def a_removed_document_counts_as_kept(run: Path) -> None:
    def change(rows: list[dict]) -> None:
        row = next(row for row in rows if row["fate"] == "removed")
        row |= {"fate": "kept", "content_hash_out": row["content_hash_in"]}

    change_rows(run / "corpus/ledger.parquet", change)


def the_report_of_curation(run: Path) -> None:
    def change(report: dict) -> None:
        report["removed"]["documents"] = 0

    change_json(run / "corpus/report.json", change)


def the_tokens_in_the_record_of_tokenization(run: Path) -> None:
    def change(record: dict) -> None:
        record["figures"]["tokens"] *= 2

    change_json(run / "tokens/stage.json", change)


def the_documents_in_the_record_of_the_corpus(run: Path) -> None:
    def change(record: dict) -> None:
        record["figures"]["documents"] += 1000

    change_json(run / "documents/stage.json", change)


def the_loss(run: Path) -> None:
    def change(record: dict) -> None:
        record["figures"]["loss"] = 1.0

    change_json(run / "checkpoints/stage.json", change)


def the_compute(run: Path) -> None:
    def change(record: dict) -> None:
        record["figures"]["flops"] //= 2

    change_json(run / "checkpoints/stage.json", change)


FORGED = {
    "checkpoints": {
        "epochs": 0.5,
        "discarded_tokens": 0.0,
        "learning_rate": 1e-4,
        "folders": {"a": {"tokens": 1, "epochs": 0.1}},
        "chosen_step": 3,
        "passed_over_steps": 2,
    },
    "tokens": {
        "bytes_per_token": {"en": 9.0},
        "folders": {"a": {"files": 1, "tokens": 1, "documents": 1}},
    },
}
"""By stage, figures that are other than they were, or that there were none of."""


def the_energy(run: Path) -> None:
    def change(record: dict) -> None:
        record["energy"]["joules"] = 0.1

    change_json(run / "checkpoints/stage.json", change)


def the_bits_per_byte_in_the_record_of_the_evaluation(run: Path) -> None:
    def change(record: dict) -> None:
        record["figures"]["mean"]["model"] = 0.9

    change_json(run / "evaluation/stage.json", change)


def the_harm_in_the_record_of_the_evaluation(run: Path) -> None:
    def change(record: dict) -> None:
        record["figures"]["harm"]["shares"][0]["share"] += 0.25

    change_json(run / "evaluation/stage.json", change)


def the_language_that_is_kept_in_the_report(run: Path) -> None:
    def change(report: dict) -> None:
        report["models"][0]["adherence"][0]["of_all"]["value"] = 0.999

    for home in ("evaluation", "release/evaluation"):
        change_json(run / home / "report.json", change)


def the_bits_of_a_language_everywhere_but_in_its_works(run: Path) -> None:
    def change(figures: dict) -> None:
        figures["languages"]["de"]["bits_per_byte"]["model"] -= 1

    change_json(run / "evaluation/bits_per_byte.json", change)


def what_came_of_harmful_passages(run: Path) -> None:
    def change(report: dict) -> None:
        report["toxicity"]["flagged"] += 1

    change_json(run / "corpus/report.json", change)
    change_json(run / "corpus/stage.json", lambda record: change(record["figures"]))


def the_recipe(run: Path) -> None:
    replace(run / "recipe.yaml", "learning_rate: 0.01", "learning_rate: 0.02")


def a_document_that_opts_out_and_stays(run: Path) -> None:
    name = pq.read_table(part(run, "corpus/kept"), columns=["identifier"])["identifier"][0].as_py()
    replace(run / "recipe.yaml", "opt_outs:\n    identifiers: []", f"opt_outs:\n    identifiers: [{name}]")


def a_stage_that_was_not_done(run: Path) -> None:
    def change(record: dict) -> None:
        record["done"] = False

    change_json(run / "evaluation/stage.json", change)


def the_record_of_another_stage(run: Path) -> None:
    def change(record: dict) -> None:
        record["stage"] = "evaluation"

    change_json(run / "tokens/stage.json", change)


def other_weights_in_the_release(run: Path) -> None:
    flip_a_bit(run / "release/model.safetensors")


def other_weights_in_a_gguf_file(run: Path) -> None:
    flip_a_bit(run / "release/gguf/small-Q8_0.gguf")


def change_loss(run: Path, **figures: object) -> None:
    """Of the file in Q8_0."""

    def change(content: dict) -> None:
        (file,) = (file for file in content["files"] if file["format"] == "Q8_0")
        file.update(figures)

    change_json(run / "release/quantised.json", change)


def a_loss_in_the_card(run: Path) -> None:
    (file,) = (file for file in read_quantised(run / "release").files if file.format == "Q8_0")
    before, bits = f"| `{file.path}` | {file.bytes / 1e6:.1f} |", file.bits_per_byte["mean"]
    replace(run / "release/README.md", f"{before} {bits:.4f} |", f"{before} {bits - 0.1:.4f} |")


def a_loss_where_it_was_measured(run: Path) -> None:
    (file,) = (file for file in read_quantised(run / "release").files if file.format == "Q8_0")
    change_loss(run, lost=dict.fromkeys(file.lost, 0.0))


def greedy_texts_that_a_file_does_not_write(run: Path) -> None:
    found = read_quantised(run / "release")
    change_loss(run, same_tokens=found.tokens - 1, same_texts=found.texts - 1)


def the_size_of_a_gguf_file(run: Path) -> None:
    change_loss(run, bytes=1_000)


def the_types_of_a_gguf_file(run: Path) -> None:
    change_loss(run, tensors={"F32": 100})


def losses_that_nobody_measured(run: Path) -> None:
    (run / "release/quantised.json").unlink()


def the_decoding_that_is_recommended(run: Path) -> None:
    replace(run / "release/generation_config.json", '"repetition_penalty": 1.1', '"repetition_penalty": 1.0')


def the_tokenizer_of_the_release(run: Path) -> None:
    replace(run / "release/tokenizer_config.json", "<|end_of_text|>", "<|pad|>")


def a_format_is_left_out(run: Path) -> None:
    (run / "release/gguf/small-F32.gguf").unlink()


def a_pickle_in_the_release(run: Path) -> None:
    write(run / "release/pytorch_model.bin", b"\x80\x04.")


def a_pickle_under_another_name(run: Path) -> None:
    write(run / "release/notes.txt", b"\x80\x04.")


def another_report(run: Path) -> None:
    replace(run / "release/evaluation/report.html", "</html>", "<p>The best model of all.</p></html>")


def a_record_of_no_stage(run: Path) -> None:
    write(run / "release/lineage/certification.json", b"{}")


COVERED_UP: list[tuple[Tamper, str]] = [
    (in_the_card, "README.md"),
    (in_the_training_summary, "compliance/training-summary.md"),
    (in_the_manifest_and_all_papers, "compliance/manifest.json"),
    (training_tokens_in_the_manifest, "compliance/manifest.json"),
    (a_paper_is_left_out, "compliance/copyright-policy.md"),
    (a_paper_is_added, "compliance/certificate.md"),
    (the_text_of_a_document, "corpus/kept"),
    (the_text_but_not_its_hash, "corpus/kept/000-000000-0000.parquet"),
    (two_documents_change_places, "corpus/kept/000-000000-0000.parquet"),
    (the_name_of_a_document, "corpus/kept"),
    (a_document_that_came_in_is_gone, "documents/"),
    (a_removed_document_is_gone, "corpus/removed"),
    (the_licence_in_the_ledger, "corpus/ledger.parquet"),
    (the_licence_of_a_document, "corpus/kept/000-000000-0000.parquet"),
    (a_line_of_the_ledger_is_gone, "corpus/ledger.parquet"),
    (a_line_of_the_ledger_twice, "documents/"),
    (a_removed_document_counts_as_kept, "corpus/kept"),
    (the_report_of_curation, "corpus/report.json"),
    (the_tokens_in_the_record_of_tokenization, "lineage/tokenization.json"),
    (the_documents_in_the_record_of_the_corpus, "lineage/corpus.json"),
    (the_loss, "lineage/training.json"),
    (the_compute, "lineage/training.json"),
    (the_energy, "lineage/training.json"),
    (the_bits_per_byte_in_the_record_of_the_evaluation, "lineage/evaluation.json"),
    (the_harm_in_the_record_of_the_evaluation, "lineage/evaluation.json"),
    (the_language_that_is_kept_in_the_report, "evaluation/report.json"),
    (the_bits_of_a_language_everywhere_but_in_its_works, "evaluation/bits_per_byte.json"),
    (what_came_of_harmful_passages, "lineage/curation.json"),
    (the_recipe, "lineage/training.json"),
    (a_document_that_opts_out_and_stays, "corpus/kept/000-000000-0000.parquet"),
    (a_stage_that_was_not_done, "lineage/evaluation.json"),
    (the_record_of_another_stage, "lineage/tokenization.json"),
    (other_weights_in_the_release, "model.safetensors"),
    (other_weights_in_a_gguf_file, "gguf/small-Q8_0.gguf"),
    (a_loss_in_the_card, "README.md"),
    (a_loss_where_it_was_measured, "compliance/manifest.json"),
    (greedy_texts_that_a_file_does_not_write, "README.md"),
    (the_size_of_a_gguf_file, "gguf/small-Q8_0.gguf"),
    (the_types_of_a_gguf_file, "gguf/small-Q8_0.gguf"),
    (losses_that_nobody_measured, "quantised.json"),
    (the_decoding_that_is_recommended, "generation_config.json"),
    (the_tokenizer_of_the_release, "tokenizer_config.json"),
    (a_format_is_left_out, "gguf/small-F32.gguf"),
    (a_pickle_in_the_release, "pytorch_model.bin"),
    (a_pickle_under_another_name, "notes.txt"),
    (another_report, "evaluation/report.html"),
    (a_record_of_no_stage, "lineage/certification.json"),
]


@pytest.mark.parametrize(("tamper", "file"), COVERED_UP, ids=[tamper.__name__ for tamper, _ in COVERED_UP])
def test_covered_up(run: Path, tamper: Tamper, file: str) -> None:
    tamper(run)
    cover_up(run)
    assert file in found_out(run)


def test_covering_up_alone_is_no_tampering(run: Path) -> None:
    """Else the tests above could not fail for what they are about."""
    cover_up(run)
    assert found_out(run) == set()


@pytest.mark.parametrize(
    "tamper",
    [the_loss, the_compute, the_tokens_in_the_record_of_tokenization, the_energy],
    ids=lambda tamper: tamper.__name__,
)
def test_a_figure_that_is_forged_in_the_records_and_in_every_paper(run: Path, tamper: Tamper) -> None:
    tamper(run)
    cover_up(run, papers=True)
    assert any(file.startswith("lineage/") for file in found_out(run))


def test_each_figure_that_is_forged_is_told(run: Path) -> None:
    for stage, figures in FORGED.items():
        change_json(run / stage / "stage.json", lambda record, forged=figures: record["figures"].update(forged))
    cover_up(run)
    told = " ".join(claim.found for claim in audit(run, False, Progress()) if claim.file.startswith("lineage/"))
    for name in (name for figures in FORGED.values() for name in figures):
        assert name in told


def test_a_file_is_missing(run: Path) -> None:
    (run / "release/config.json").unlink()
    assert "config.json" in found_out(run)


def test_a_file_is_renamed(run: Path) -> None:
    (run / "release/model.safetensors").rename(run / "release/model-2.safetensors")
    assert {"model.safetensors", "model-2.safetensors"} <= found_out(run)


def test_a_file_is_added(run: Path) -> None:
    write(run / "release/extra.json", b"{}")
    assert "extra.json" in found_out(run)


@pytest.mark.parametrize("name", ["000-000001-0000.parquet", "backup.parquet", "007-x.parquet"])
def test_a_file_of_the_corpus_is_added(run: Path, name: str) -> None:
    shutil.copy(part(run, "corpus/kept"), run / "corpus/kept" / name)
    assert f"corpus/kept/{name}" in found_out(run)


@pytest.mark.parametrize("table", [pa.table({"identifier": ["a"]}), pa.table({"identifier": ["a"], "text": [1]})])
def test_a_part_of_the_corpus_is_another_table(run: Path, table: pa.Table) -> None:
    file = part(run, "corpus/kept")
    file.unlink()  # else it is changed in the run that this one is a copy of
    pq.write_table(table, file)
    assert f"corpus/kept/{file.name}" in found_out(run)


def test_a_stage_is_gone(run: Path) -> None:
    shutil.rmtree(run / "evaluation")
    assert "evaluation/stage.json" in found_out(run)


def test_an_index_that_was_made_of_other_tokens(run: Path) -> None:
    def change(record: dict) -> None:
        name = next(name for name in record["inputs"] if name.endswith(".ds"))
        record["inputs"][name]["blake3"] = "0" * 64

    change_json(run / "trace/stage.json", change)
    assert found_out(run) == {"trace/stage.json"}


def test_a_link_leads_out_of_the_release(run: Path, tmp_path: Path) -> None:
    write(tmp_path / "other.json", (run / "release/config.json").read_bytes())
    (run / "release/config.json").unlink()
    (run / "release/config.json").symlink_to(tmp_path / "other.json")
    assert "config.json" in found_out(run)


def test_one_bit_of_the_checksums(run: Path) -> None:
    """It is the file that no longer fits which is named."""
    flip_a_bit(run / "release" / SUMS, 100)
    assert found_out(run)


@pytest.mark.parametrize("lines", [lambda text: [], lambda text: text[1:], lambda text: ["nonsense", *text]])
def test_checksums_that_were_edited(run: Path, lines: Callable[[list[str]], list[str]]) -> None:
    file = run / "release" / SUMS
    write(file, "".join(f"{line}\n" for line in lines(file.read_text().splitlines())).encode())
    assert found_out(run)


def test_checksums_are_gone(run: Path) -> None:
    (run / "release" / SUMS).unlink()
    assert SUMS in found_out(run)


def keys(folder: Path, name: str) -> tuple[Path, Path]:
    """A private and a public key."""
    made = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(made.private_bytes(*form))
    public.write_bytes(
        made.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return private, public


def signed_by(run: Path, public: Path) -> bool:
    return is_held(audit(run, False, Progress(), public))


def test_a_signature_that_fits_holds(run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "provider")
    sign(run / "release", private)
    assert signed_by(run, public)


def test_what_is_no_key_is_a_mistake_and_no_failed_claim(run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "provider")
    sign(run / "release", private)
    for given, told in (
        (tmp_path / "gone.pem", "gone.pem: cannot be read"),
        (private, "expected an EC public key"),
    ):
        with pytest.raises(InputError, match=told):
            signed_by(run, given)
    with pytest.raises(InputError, match="found neither or both"):
        audit(run, False, Progress(), public, [public])


def test_a_part_of_a_release_that_is_signed_again_by_another(run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "provider")
    sign(run / "release", private)
    (run / "release/gguf/small-BF16.gguf").unlink()
    cover_up(run)
    other, other_public = keys(tmp_path, "other")
    sign(run / "release", other)
    assert not signed_by(run, public)
    assert not signed_by(run, other_public)  # the signature fits, and the release still is not whole


def test_a_part_of_a_release_without_its_run_signed_again(run: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    (run / "release/gguf/small-BF16.gguf").unlink()
    cover_up(run)
    shutil.copytree(run / "release", alone)
    private, public = keys(tmp_path, "other")
    sign(alone, private)
    claims = audit(alone, False, Progress(), public)
    assert "gguf/small-BF16.gguf" in {claim.file for claim in claims if claim.outcome == "failed"}


def test_the_signature_of_another_release(run: Path, small_run: Path, tmp_path: Path) -> None:
    private, public = keys(tmp_path, "provider")
    other = copy_run(small_run, tmp_path / "other")
    write(other / "release/README.md", b"Another.\n")
    write_checksums(other / "release")
    sign(other / "release", private)
    shutil.copy(other / "release/model.sig", run / "release/model.sig")
    assert not signed_by(run, public)


def test_a_signature_that_is_gone_though_a_key_was_given(run: Path, tmp_path: Path) -> None:
    assert not signed_by(run, keys(tmp_path, "provider")[1])


# What only doing it again can find.


def test_tokens_that_are_not_those_of_the_text(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "DOCUMENTS", 1000)
    file = run / "tokens/000-000000-0000.ds"
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    write(file, bytes(content))
    cover_up(run)
    assert "tokens/000-000000-0000.ds" in found_out(run, full=True)


def test_bits_per_byte_that_are_not_the_models(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "WORKS", 1000)

    def change(figures: dict) -> None:
        figures["works"][0]["bits"] *= 0.9

    change_json(run / "evaluation/bits_per_byte.json", change)
    cover_up(run)
    assert "evaluation/bits_per_byte.json" in found_out(run, full=True)


def test_a_sample_that_the_model_did_not_write(run: Path) -> None:
    content = json.loads((run / "release/compliance/manifest.json").read_bytes())
    content["samples"]["en"]["continuation"] = " was a wise and gentle man."
    write_manifest(run, content)
    cover_up(run, papers=True)
    assert "compliance/manifest.json" in found_out(run, full=True)


def test_a_loss_that_a_gguf_file_does_not_have_in_every_paper(run: Path) -> None:
    def measured() -> list[str]:
        audited, _ = open_release(run / "release", run)
        assert audited
        return [claim.found for claim in measured_again(audited, run, Progress()) if claim.outcome != "held"]

    assert measured() == []
    (file,) = (file for file in read_quantised(run / "release").files if file.format == "Q8_0")
    change_loss(run, lost=file.lost | {"mean": file.lost["mean"] - 0.001}, same_texts=file.same_texts + 2)
    cover_up(run, papers=True)
    assert found_out(run) == set()
    assert [what.split(" is ")[0] for what in measured()] == ["Q8_0: lost.mean", "Q8_0: same_texts"]


def test_losses_that_the_training_did_not_have(run: Path) -> None:
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        line["loss"] -= 0.5
    write(run / "metrics.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())

    def change(record: dict) -> None:
        record["figures"]["loss"] = lines[-1]["loss"]

    change_json(run / "checkpoints/stage.json", change)
    cover_up(run, papers=True)
    found = found_out(run, full=True)
    assert "metrics.jsonl" in found or "checkpoints/step-00000118" in found
