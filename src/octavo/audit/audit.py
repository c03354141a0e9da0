"""The audit of a release: all that it says of itself, and of the run that made it, checked part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from octavo.audit.chain import check_chain, check_run
from octavo.audit.claims import Claim, unknown
from octavo.audit.documents import check_documents
from octavo.audit.figures import check_figures
from octavo.audit.files import check_files, check_signature
from octavo.audit.opening import Audited, open_release, release_and_run
from octavo.audit.papers import check_papers
from octavo.audit.quantised import check_quantised
from octavo.audit.reruns import check_again
from octavo.audit.weights import check_weights
from octavo.progress import Progress
from octavo.release.signature import check_verifier


def audit(
    path: Path,
    full: bool,
    progress: Progress,
    public_key: Path | None = None,
    chain: Sequence[Path] = (),
    seed: int = 0,
) -> list[Claim]:
    """Check every claim of the release that `path` names, and of its run where that is beside it.

    `full` does samples of the work again, which `seed` draws. The signature is verified by a public key or by
    certificates that are trusted. Raises InputError where there is no release to audit, or nothing in what is given
    to verify by.
    """
    release, run = release_and_run(path)
    if public_key or chain:
        check_verifier(public_key, chain)
    claims: list[Claim] = []

    def told(what: str, found: Iterator[Claim]) -> None:
        progress.update(len(claims), len(claims) + 1, what)
        claims.extend(found)

    told("files", check_files(release))
    told("signature", check_signature(release, public_key, chain))
    audited, read = open_release(release, run)
    claims += read
    if audited is None:
        why = "what they rest on cannot be read"
        claims.append(unknown("lineage", ".", "the other claims of the release", why))
        return claims
    told("lineage", check_chain(audited))
    told("papers", check_papers(audited))
    told("GGUF files", check_quantised(audited))
    if run is None:
        why = "the run is not beside the release"
        said = "the figures, documents, licences and weights are those of the run"
        claims.append(unknown("figures", ".", said, why))
        return claims
    checks: list[tuple[str, Callable[[Audited, Path], Iterator[Claim]]]] = [
        ("files of the run", check_run),
        ("documents and licences", check_documents),
        ("figures", check_figures),
        ("weights", check_weights),
    ]
    for what, check in checks:
        told(what, check(audited, run))
    if full:
        told("again", check_again(audited, run, seed, progress))
    else:
        claims.append(unknown("re-runs", ".", "samples of the work, done again, give the same", "--full does them"))
    return claims
