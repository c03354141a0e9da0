"""What becomes of harmful passages in a curation: decisions, changes, the ledger, rewriting, and how it goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from octavo.curation import weighing
from octavo.curation.flagging import levels_reached
from octavo.curation.toxicity.scoring import DIMENSIONS, load_classifier, score
from octavo.curation.weighing import deciding, together
from octavo.errors import InputError, OctavoError
from octavo.progress import Progress, StoppedError
from octavo.recipe.file import dump, load
from octavo.recipe.toxicity import Decision, Toxicity
from octavo.stages import STAGES
from tests.curation.chat_server import Reply, Server, passage_of, serving
from tests.curation.test_pipeline import (
    ENGLISH,
    EXACT,
    FRENCH,
    Curated,
    content,
    curate_documents,
    recipe_for,
    rows,
)

VILE = "All Jews are filthy vermin, and the whole race of them must be hanged and wiped out. Kill them all."
MILD = "All Jews are people as we are, and the whole race of them must be heard and spoken for. Hear them all."
CLEAN = [
    f"{ENGLISH} Of all this the {name} spoke for many years, and whoever heard him wrote it down in a book."
    for name in ("miller", "baker", "weaver", "sailor", "mason", "tanner")
]
TEXT = "\n\n".join([*CLEAN[:3], VILE, *CLEAN[3:]])
FULL = f"{VILE}\n\nSo he spoke to whoever would hear him."
PLAIN: dict[str, Any] = {**EXACT, "quality": {"enabled": False}}


def toxicity(**fields: Any) -> dict[str, Any]:
    return {**PLAIN, "toxicity": fields}


def decision(action: str, **fields: Any) -> dict[str, Any]:
    return {"action": action, **({} if "sum" in fields else {"score": 2.0}), **fields}


def rewriting(server: Server | str, **fields: Any) -> dict[str, Any]:
    address = server if isinstance(server, str) else server.address
    return {"endpoint": address, "model": "m", "first_wait": 0.01, "tries": 1, "words": 0.0, **fields}


def rewritten(server: Server | str, **fields: Any) -> dict[str, Any]:
    """Curation that has vile passages rewritten."""
    return toxicity(decisions=[decision("rewrite")], rewriting=rewriting(server, **fields))


def milder(request: dict[str, Any], number: int) -> str:
    return passage_of(request).replace(VILE, MILD)


def passages_of(home: Path) -> list[dict[str, Any]]:
    return rows(home / "corpus" / "passages.parquet")


def evidence_of(curated: Curated, identifier: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(curated.fate(identifier)["evidence"])["toxicity"]
    return found


def test_the_texts_of_these_tests_are_what_they_are_taken_for() -> None:
    classifier = load_classifier()
    assert max(score(VILE, classifier).values()) > 2.5
    assert max(max(score(text, classifier).values()) for text in (MILD, FRENCH, *CLEAN)) < 1


def test_by_default_a_vile_passage_is_cut_and_its_document_stays_with_the_original_beside_it(
    tmp_path: Path,
) -> None:
    curated = curate_documents(tmp_path, [{"text": TEXT, "title": "A book"}, {"text": FRENCH}], curation=PLAIN)
    row = curated.fate("d0")
    assert (row["fate"], row["rule"], row["rules"], row["synthetic_bytes"]) == (
        "repaired",
        "toxicity",
        ["toxicity"],
        0,
    )
    kept = next(d for d in curated.kept if d["identifier"] == "d0")
    assert kept["text"] == TEXT.replace(VILE, "")
    assert (kept["synthetic"], kept["harmful"]) == ([], [])
    assert [d["text"] for d in curated.originals] == [TEXT]
    (passage,) = passages_of(tmp_path)
    start = TEXT.index(VILE)
    assert (passage["identifier"], passage["title"], passage["spdx"]) == ("d0", "A book", "CC0-1.0")
    assert (passage["start"], passage["end"], passage["text"]) == (start, start + len(VILE), VILE)
    assert (passage["action"], passage["decision"], passage["outcome"]) == ("remove", 0, "removed")
    assert (passage["second"], passage["instead"], passage["rewrite"]) == (None, None, None)
    highest = {name: round(value, 3) for name, value in score(VILE, load_classifier()).items()}
    assert evidence_of(curated, "d0") == {
        "passages": {"removed": 1},
        "removed_bytes": len(VILE),
        "rewritten_bytes": 0,
        "highest": pytest.approx(highest, abs=0.002),
    }


def test_an_annotated_passage_stays_and_its_place_is_noted_beside_the_text(tmp_path: Path) -> None:
    text = TEXT.replace(CLEAN[0], f"{CLEAN[0]} Écrit à la main.")
    settings = toxicity(decisions=[decision("annotate")])
    curated = curate_documents(tmp_path, [{"text": text}], languages=["en"], curation=settings)
    row = curated.fate("d0")
    assert (row["fate"], row["rule"], row["rules"]) == ("kept", None, [])
    assert evidence_of(curated, "d0")["passages"] == {"annotated": 1}
    (kept,) = curated.kept
    (span,) = kept["harmful"]
    assert kept["text"].encode()[span["start"] : span["end"]].decode() == VILE
    assert span["religion"] == pytest.approx(score(VILE, load_classifier())["religion"], abs=1e-5)


def test_a_document_of_which_too_much_is_to_be_removed_goes_whole(tmp_path: Path) -> None:
    share = round(len(VILE) / len(FULL), 4)
    curated = curate_documents(tmp_path / "a", [{"text": FULL}, {"text": ENGLISH}], curation=PLAIN)
    row = curated.fate("d0")
    assert (row["fate"], row["rule"], row["bytes_out"]) == ("removed", "toxicity", 0)
    assert [d["text"] for d in curated.removed] == [FULL]
    assert (evidence_of(curated, "d0")["share"], evidence_of(curated, "d0")["threshold"]) == (share, 0.5)
    assert [p["outcome"] for p in passages_of(tmp_path / "a")] == ["document-removed"]
    patient = curate_documents(
        tmp_path / "b", [{"text": FULL}, {"text": ENGLISH}], curation=toxicity(max_removed=share + 0.01)
    )
    assert patient.fate("d0")["fate"] == "repaired"


def test_a_copy_that_is_removed_has_no_flagged_passages_and_a_held_out_work_is_treated_like_any(
    tmp_path: Path,
) -> None:
    other = TEXT.replace("miller", "priest")
    curated = curate_documents(
        tmp_path,
        [{"text": TEXT}, {"text": TEXT}, {"text": other}],
        curation={**PLAIN, "held_out": {"fraction": 0.5}},
    )
    assert curated.fate("d1")["rule"] == "duplicate"
    assert [p["identifier"] for p in passages_of(tmp_path)] == ["d0", "d2"]
    assert {d["split"] for d in curated.kept} == {"train", "held-out"}
    assert all(VILE not in d["text"] for d in curated.kept)


def test_a_vile_passage_that_stands_in_many_works_is_cut_once_and_goes_on_record_as_cut(tmp_path: Path) -> None:
    long = f"{VILE} {ENGLISH}"
    texts = ["\n\n".join([long, *(f"{text} In book {n}." for text in CLEAN)]) for n in range(4)]
    settings = {**toxicity(decisions=[decision("annotate")]), "held_out": {"fraction": 0.0}}
    curated = curate_documents(tmp_path, [{"text": text} for text in texts], curation=settings)
    assert [p["outcome"] for p in passages_of(tmp_path)] == ["annotated", "cut", "cut", "cut"]
    assert [len(d["harmful"]) for d in curated.kept] == [1, 0, 0, 0]
    assert [d["text"] for d in curated.kept] == [texts[0], *(text.replace(long, "") for text in texts[1:])]


def test_where_the_first_copy_of_a_repeated_passage_goes_whole_the_others_keep_it(tmp_path: Path) -> None:
    notice = f"{ENGLISH} He was an old man by then, and alone."
    texts = [f"{notice}\n\n{VILE}\n\n{VILE} Again.\n\n{VILE} Now."] + [
        f"{notice}\n\n{text} In book." for text in CLEAN[:4]
    ]
    settings = {**PLAIN, "held_out": {"fraction": 0.0}}
    curated = curate_documents(tmp_path, [{"text": text} for text in texts], curation=settings)
    assert curated.fate("d0")["rule"] == "toxicity"
    assert all(notice in d["text"] for d in curated.kept)


def test_where_the_first_copy_of_a_repeated_passage_is_cut_as_harmful_the_others_are_decided_on_by_themselves(
    tmp_path: Path,
) -> None:
    long = f"{VILE} {ENGLISH}"
    documents = [
        {
            "text": "\n\n".join([long, *(f"{text} In book {n}." for text in CLEAN)]),
            "collection": "Laws" if n else "Novels",
        }
        for n in range(4)
    ]
    decisions = [decision("keep", collections=["Laws"]), decision("remove")]
    settings = {**toxicity(decisions=decisions), "held_out": {"fraction": 0.0}}
    curated = curate_documents(tmp_path, documents, curation=settings)
    assert [p["outcome"] for p in passages_of(tmp_path)] == ["removed", "kept", "kept", "kept"]
    assert [long in d["text"] for d in curated.kept] == [False, True, True, True]


def flagged(scores: list[list[float]], **columns: list[Any]) -> tuple[pa.Table, Any]:
    given = {
        "collection": pa.array(columns.get("collection", [None] * len(scores)), pa.large_string()),
        "lang": pa.array(columns.get("lang", ["en"] * len(scores)), pa.large_string()),
        "century": pa.array(columns.get("century", [None] * len(scores)), pa.int32()),
    }
    return pa.table(given), np.array(scores, np.float32)


def test_the_first_decision_that_is_about_a_passage_decides() -> None:
    settings = Toxicity(
        decisions=[
            Decision(action="keep", score=1.0, collections=["Novels"], centuries=[18, 19]),
            Decision(action="remove", score=2.0),
            Decision(action="remove", score=1.5, dimensions=["religion"], languages=["fr"]),
            Decision(action="annotate", sum=3.0),
        ]
    )
    table, scores = flagged(
        [
            *([[2.5, 0, 0, 0, 0]] * 3),
            *([[0, 0, 1.5, 0, 0]] * 2),
            [1, 1, 1, 0, 0],
            [0, 1.9, 0, 0, 0],
            [2, 0, 0, 0, 0],
            [1.999, 0, 0, 0, 0],
        ],
        collection=["Novels", "Novels", "Laws", None, None, None, None, None, None],
        century=[19, None, 19, None, None, None, None, None, None],
        lang=["en", "en", "en", "fr", "en", "en", "en", "en", "en"],
    )
    assert deciding(table, scores, settings).tolist() == [0, 1, 1, 2, -1, 3, -1, 1, -1]


def test_the_second_scores_take_the_place_of_the_first_where_there_are_any() -> None:
    nan = float("nan")
    first, second = (np.array([row], np.float32) for row in ([2.5, 0, 1, 0, 0], [0.5, nan, nan, 3, nan]))
    assert together(first, second).tolist() == [[0.5, 0, 1, 3, 0]]


def test_levels_are_counted_by_dimension_and_for_the_highest() -> None:
    found = levels_reached(np.array([[0.5, 1.7, 0, 0, 0.49]], np.float32)).reshape(6, 5)
    assert found.sum(axis=1).tolist() == [1, 3, 0, 0, 0, 3]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"decisions": [{"action": "remove", "score": 3.5}]}, "decisions[0].score: found 3.5, expected less than"),
        ({"decisions": [{"action": "remove"}]}, "decisions[0].score: found none, expected either score or sum"),
        (
            {"decisions": [{"action": "remove", "score": 1.0, "sum": 7.0}]},
            "decisions[0].score: found 1.0 beside sum 7.0, expected either score or sum",
        ),
        (
            {"decisions": [{"action": "remove", "sum": 7.0, "dimensions": ["religion"]}]},
            "decisions[0].dimensions: found some beside sum, expected null, as a sum is of all five",
        ),
        ({"decisions": [decision("remove", dimensions=["spite"])]}, 'decisions[0].dimensions[0]: found "spite"'),
        ({"decisions": [decision("remove", collections=[])]}, "decisions[0].collections: found an empty list"),
        ({"decisions": [decision("delete")]}, "decisions[0].action: found \"delete\", expected 'keep'"),
        (
            {"decisions": [decision("annotate", score=1.0), decision("remove")]},
            "decisions[1]: found only passages that decisions[0] decides on before it, expected the stricter one first",
        ),
        (
            {"decisions": [decision("rewrite")]},
            'decisions[0].action: found "rewrite", expected another action, or who rewrites, in '
            "curation.toxicity.rewriting",
        ),
        (
            {"rewriting": {"endpoint": "http://127.0.0.1:1/v1", "model": "m"}},
            "rewriting: found a model, expected null, or a decision in curation.toxicity.decisions to rewrite",
        ),
        ({"max_removed": 0.0}, "max_removed: found 0.0, expected greater than 0"),
        (
            {
                "decisions": [decision("rewrite")],
                "rewriting": {
                    "endpoint": "http://127.0.0.1:1/v1",
                    "model": "m",
                    "prompts": {"en": {"instructions": "{begin}{end}", "again": {}, "dimension": {}}},
                },
            },
            "rewriting.prompts.en.dimension: unknown field; the nearest is dimensions",
        ),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        recipe_for("builtin:starter", curation={"toxicity": given})
    assert f"curation.toxicity.{said}" in str(caught.value)


def test_a_broader_decision_may_follow_a_narrower_one_whatever_filters_it_by() -> None:
    for narrow in (
        {"collections": ["a"]},
        {"languages": ["en"]},
        {"centuries": [19]},
        {"dimensions": ["religion"]},
    ):
        recipe_for(
            "builtin:starter",
            curation={"toxicity": {"decisions": [decision("keep", score=1.0, **narrow), decision("remove")]}},
        )


def test_switched_off_nothing_is_scored_and_nothing_changes(tmp_path: Path) -> None:
    curated = curate_documents(tmp_path, [{"text": TEXT}], curation=toxicity(enabled=False))
    assert [(d["text"], d["synthetic"], d["harmful"]) for d in curated.kept] == [(TEXT, [], [])]
    assert "toxicity" not in curated.report
    assert not (tmp_path / "corpus" / "passages.parquet").exists()


def test_without_decisions_passages_are_only_counted(tmp_path: Path) -> None:
    curated = curate_documents(tmp_path, [{"text": TEXT}], curation=toxicity(decisions=[]))
    assert curated.fate("d0")["fate"] == "kept"
    shares = curated.report["toxicity"]["shares"]["en"]
    assert shares["before"] == shares["after"] == {"0.5": 1, "1.0": 1, "1.5": 1, "2.0": 1, "2.5": 1}


def test_the_report_counts_passages_before_and_after_by_language_dimension_collection_and_century(
    tmp_path: Path,
) -> None:
    documents = [
        {"text": TEXT, "collection": "Letters", "date": "1801"},
        {"text": FULL, "collection": "Posts", "date": "2001"},
        {"text": FRENCH, "collection": "Letters"},
    ]
    found = curate_documents(tmp_path, documents, curation=PLAIN).report["toxicity"]
    assert (found["passages"], found["flagged"]) == (10, 2)
    assert found["outcomes"] == {
        "document-removed": {"passages": 1, "bytes": len(VILE)},
        "removed": {"passages": 1, "bytes": len(VILE)},
    }
    assert found["actions"] == {"remove": {"passages": 2, "bytes": 2 * len(VILE)}}
    assert [d["passages"] for d in found["decisions"]] == [2, 0]
    assert {lang: (s["passages"], s["left"]) for lang, s in found["shares"].items()} == {"en": (9, 6), "fr": (1, 1)}
    assert {name: s["before"]["2.0"] for name, s in found["collections"].items()} == {"Letters": 1, "Posts": 1}
    assert {name: s["after"]["0.5"] for name, s in found["collections"].items()} == {"Letters": 0, "Posts": 0}
    assert {name: s["left"] for name, s in found["centuries"].items()} == {"19": 6, "21": 0, "None": 1}
    assert found["dimensions"]["ability"]["before"]["0.5"] == 0
    assert found["dimensions"]["any"]["before"]["2.5"] == 2


def test_a_rewritten_passage_takes_the_place_of_the_old_one_and_is_marked_as_synthetic(tmp_path: Path) -> None:
    with serving(milder) as server:
        curated = curate_documents(tmp_path, [{"text": TEXT}, {"text": FRENCH}], curation=rewritten(server))
    row = curated.fate("d0")
    kept = next(d for d in curated.kept if d["identifier"] == "d0")
    assert kept["text"] == TEXT.replace(VILE, MILD)
    (span,) = kept["synthetic"]
    assert (kept["text"].encode()[span["start"] : span["end"]].decode(), span["model"]) == (MILD, "m")
    assert (row["fate"], row["rules"], row["synthetic_bytes"]) == ("rewritten", ["toxicity"], len(MILD))
    assert [d["text"] for d in curated.originals] == [TEXT]
    (passage,) = passages_of(tmp_path)
    assert (passage["action"], passage["outcome"], passage["text"]) == ("rewrite", "rewritten", VILE)
    assert (passage["instead"], passage["model"], passage["retention"]) == (MILD, "m", 1.0)
    assert json.loads(passage["rewrite"])["reason"] is None
    report = curated.report["toxicity"]
    models = {"m": {"passages": 1, "bytes": len(MILD)}}
    assert {**report["synthetic"], "share": None} == {
        "bytes": len(MILD),
        "share": None,
        "documents": 1,
        "models": models,
    }
    assert report["shares"]["en"]["left"] == report["shares"]["en"]["passages"] == 7
    assert report["shares"]["en"]["after"]["1.0"] == 0
    assert curated.report["fates"]["rewritten"]["documents"] == 1


def test_a_refused_rewrite_leaves_the_passage_removed_with_the_reason(tmp_path: Path) -> None:
    with serving(lambda request, number: "I'm sorry, I cannot help with that.") as server:
        curated = curate_documents(tmp_path, [{"text": TEXT}], curation=rewritten(server))
    assert curated.kept[0]["text"] == TEXT.replace(VILE, "")
    (passage,) = passages_of(tmp_path)
    assert (passage["action"], passage["outcome"], passage["instead"]) == ("rewrite", "removed", None)
    assert json.loads(passage["rewrite"])["reason"] == "refusal"
    assert curated.fate("d0")["fate"] == "repaired"


def test_passages_of_a_document_that_goes_anyway_are_not_paid_for(tmp_path: Path) -> None:
    settings = toxicity(
        decisions=[decision("remove", languages=["en"]), decision("rewrite", languages=["fr"])],
        rewriting=rewriting("http://127.0.0.1:1/v1"),
    )
    curated = curate_documents(tmp_path, [{"text": FULL}, {"text": ENGLISH}], curation=settings)
    assert curated.fate("d0")["rule"] == "toxicity"


def many(count: int) -> list[dict[str, Any]]:
    return [
        {"text": TEXT.replace("miller", f"miller {n}").replace("Kill", f"In {n + 100} towns kill")}
        for n in range(count)
    ]


def gentle(request: dict[str, Any], number: int) -> str:
    return (
        passage_of(request)
        .replace("filthy vermin", "people as we are")
        .replace("must be hanged and wiped out", "must be heard and spoken for")
        .replace("kill them", "hear them")
    )


def test_a_stopped_curation_goes_on_and_pays_for_nothing_twice(tmp_path: Path) -> None:
    documents = many(4)
    with serving(gentle) as server:
        settings = rewritten(server, concurrency=1)
        stopping = Progress(stopping=lambda: len(server.requests) >= 2)
        with pytest.raises(StoppedError):
            curate_documents(tmp_path / "a", documents, stopping, curation=settings)
        paid = len(server.paid)
        assert 0 < paid < 4
        curated = curate_documents(tmp_path / "a", documents, curation=settings)
        assert len(server.paid) == len(set(server.paid)) == 4
    assert all(row["fate"] == "rewritten" for row in curated.ledger)
    with serving(gentle) as server:
        once = curate_documents(tmp_path / "b", documents, curation=rewritten(server))
    assert [d["text"] for d in once.kept] == [d["text"] for d in curated.kept]


def test_a_curation_done_again_asks_the_model_nothing_that_it_has_answered(tmp_path: Path) -> None:
    with serving(gentle) as server:
        curate_documents(tmp_path, many(2), curation=rewritten(server))
        first = content(tmp_path / "corpus" / "kept")
        (tmp_path / "corpus").rename(tmp_path / "superseded")
        curate_documents(tmp_path, many(2), curation=rewritten(server))
        assert len(server.requests) == 2
    assert content(tmp_path / "corpus" / "kept") == first


def dear(request: dict[str, Any], number: int) -> Reply:
    return Reply(gentle(request, number), usage=(1000, 500))


@pytest.mark.parametrize(
    ("reply", "fields", "said"),
    [
        (lambda request, number: Reply(status=401), {}, "curation.toxicity.rewriting.key_variable"),
        (lambda request, number: Reply(status=503), {}, "curation.toxicity.rewriting.endpoint: found status 503"),
        (dear, {"budget_tokens": 2500, "concurrency": 1}, "curation.toxicity.rewriting.budget_tokens: found"),
    ],
)
def test_a_dead_endpoint_a_wrong_key_and_a_spent_budget_stop_it_and_tell_what_is_left(
    tmp_path: Path, reply: Callable[[dict[str, Any], int], Reply | str], fields: dict[str, Any], said: str
) -> None:
    with serving(reply) as server, pytest.raises(OctavoError) as caught:
        curate_documents(tmp_path, many(3), curation=rewritten(server, **fields))
    assert said in str(caught.value)
    assert " of 3 passages are left to rewrite" in str(caught.value)
    assert not (tmp_path / "corpus" / "ledger.parquet").exists()
    with serving(gentle) as server:
        curated = curate_documents(tmp_path, many(3), curation=rewritten(server))
    assert [row["fate"] for row in curated.ledger] == ["rewritten"] * 3


def test_the_second_opinion_decides_where_it_is_asked_and_a_sample_tells_the_recall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from octavo.curation.second_opinion import asking as second_opinion

    asked: list[str] = []

    def milder_view(texts: list[str], settings: Any, progress: Any = None) -> Any:
        asked.extend(texts)
        scores = np.full((len(texts), len(DIMENSIONS)), np.nan, np.float32)
        scores[:, [0, 2, 4]] = [[0.5 if "vermin" in text else 0.1] * 3 for text in texts]
        return scores

    monkeypatch.setattr(second_opinion, "second_scores", milder_view)
    settings = toxicity(second_opinion={"model": "any", "sample": 3})
    curated = curate_documents(tmp_path, [{"text": TEXT}, {"text": FRENCH}], curation=settings)
    assert curated.fate("d0")["fate"] == "kept"
    (passage,) = passages_of(tmp_path)
    assert (passage["action"], passage["decision"], passage["outcome"]) == ("keep", None, "kept")
    assert passage["second"]["race_origin"] == 0.5
    assert passage["second"]["ability"] is None
    assert (asked.count(VILE), len(asked)) == (1, 4)
    recall = curated.report["toxicity"]["recall"]
    assert (recall["flagged"], recall["flagged_positive"], recall["sampled"], recall["unflagged"]) == (1, 0, 3, 7)


def test_a_classifier_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.safetensors: not found, expected a classifier's file"):
        curate_documents(
            tmp_path, [{"text": ENGLISH}], curation=toxicity(classifier=str(tmp_path / "missing.safetensors"))
        )


def test_the_dimensions_of_the_recipe_and_of_the_columns_are_the_classifiers() -> None:
    from typing import get_args

    from octavo.corpus.schema import HARMFUL
    from octavo.recipe.second_opinion import Dimension

    assert get_args(Dimension) == DIMENSIONS
    assert tuple(field.name for field in HARMFUL.value_type)[2:] == DIMENSIONS
    assert tuple(field.name for field in weighing.SCORES) == DIMENSIONS


def test_a_pace_a_price_or_a_budget_is_no_reason_to_curate_again_and_a_threshold_is() -> None:
    sections = next(stage for stage in STAGES if stage.name == "curation").sections

    def obeyed(**fields: Any) -> dict[str, Any]:
        curation = rewritten("http://127.0.0.1:1/v1", **fields)
        return sections(recipe_for("builtin:starter", curation=curation).model_dump(mode="json"))

    unchanged = {"budget_tokens": 9, "concurrency": 3, "price_in": 2.0, "key_variable": "KEY", "timeout": 9.0}
    assert obeyed(**unchanged) == obeyed()
    assert obeyed(temperature=0.5) != obeyed()
    assert obeyed(score_below=0.5) != obeyed()


def test_a_recipe_with_all_of_it_is_written_and_read_back_the_same(tmp_path: Path) -> None:
    curation = rewritten("http://127.0.0.1:1/v1")
    curation["toxicity"]["second_opinion"] = {"model": "any", "labels": {"toxic": {"religion": 3}}}
    recipe = recipe_for("builtin:starter", curation=curation)
    for comments in (False, True):
        (tmp_path / "recipe.yaml").write_text(dump(recipe, comments), encoding="utf-8")
        assert load(tmp_path / "recipe.yaml") == recipe
