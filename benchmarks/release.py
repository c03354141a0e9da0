"""How long the papers, the signature and the audit of a finished run take.

    python benchmarks/release.py RUN [--full]

The papers are made as the release makes them: the manifest counted from the run's files, then all papers of it,
into a temporary folder. The audit is that of `octavo audit`, and every claim must hold. The run itself is only
read; it is signed in a copy. Figures are of this machine and this moment; it refuses to time beside other work
unless told (--busy).
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from figures import Figure, figure, idle_machine, show

from octavo.audit.audit import audit
from octavo.evaluation.model_files import model_config
from octavo.lineage import read_record
from octavo.progress import Progress
from octavo.recipe.file import load
from octavo.release.gathering import gather
from octavo.release.signature import sign, verify
from octavo.release.writing import write_papers
from octavo.stages import stages_to


def keys(folder: Path) -> tuple[Path, Path]:
    made = ec.generate_private_key(ec.SECP256R1())
    private, public = folder / "key.pem", folder / "key.pub.pem"
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    private.write_bytes(made.private_bytes(*form))
    public_form = (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public.write_bytes(made.public_key().public_bytes(*public_form))
    return private, public


def measure(run: Path, full: bool) -> dict[str, Figure]:
    recipe, release = load(run / "recipe.yaml"), run / "release"
    stages = stages_to(recipe, "evaluation")
    records = {stage.name: record for stage in stages if (record := read_record(run / stage.home))}
    figures = records.get("curation", records["training"]).figures
    size = sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
    documents = figures["in"]["documents"] if "in" in figures else 0
    how = f"{documents:,} documents, {size / 1e6:,.0f} MB in the run"
    found: dict[str, Figure] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.perf_counter()
        manifest = gather(recipe, run, release, model_config(release), records, {})
        gathered = time.perf_counter()
        write_papers(manifest, folder / "compliance")
        written = time.perf_counter()
        found["manifest"] = figure(gathered - started, "s", "", True, how)
        whole = written - started
        found["manifest and papers"] = figure(whole, "s", "< 30", whole < 30, how)
        copy = shutil.copytree(release, folder / "release")
        private, public = keys(folder)
        started = time.perf_counter()
        sign(copy, private)
        signed = time.perf_counter()
        verify(copy, public)
        verified = time.perf_counter()
        size = sum(file.stat().st_size for file in copy.rglob("*") if file.is_file())
        of = f"{size / 1e6:,.0f} MB of release"
        found["signing"] = figure(signed - started, "s", "", True, of)
        found["verifying"] = figure(verified - signed, "s", "", True, of)
    for kind, limit in (("--quick", 60), *((("--full", None),) if full else ())):
        started = time.perf_counter()
        claims = audit(run, kind == "--full", Progress(), seed=1789)
        seconds = time.perf_counter() - started
        outcomes = Counter(claim.outcome for claim in claims)
        if outcomes["failed"]:
            sys.exit("\n".join(f"{c.file}: {c.claim}: {c.found}" for c in claims if c.outcome == "failed"))
        words = f"{len(claims)} claims, {outcomes['held']} held"
        reach = f"< {limit}" if limit else ""
        found[f"audit {kind}"] = figure(seconds, "s", reach, limit is None or seconds < limit, f"{words}; {how}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--full", action="store_true", help="time the full audit, too")
    parser.add_argument("--busy", action="store_true", help="measure although the machine is at work")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    machine = idle_machine(options.busy)
    show(measure(options.run, options.full), machine, options.json)


if __name__ == "__main__":
    main()
