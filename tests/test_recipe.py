from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.errors import InputError
from octavo.recipe.file import dump, load, validate
from octavo.recipe.schema import LANGUAGES, Recipe, json_schema
from octavo.starters import STARTERS

SHORTEST = "name: letters\ncorpus:\n  sources:\n    - path: builtin:starter\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def problems(folder: Path, text: str, *settings: str) -> list[str]:
    """What is said of a recipe, a line a problem, with the folder left out."""
    with pytest.raises(InputError) as caught:
        load(written(folder, text), list(settings))
    return str(caught.value).replace(f"{folder}/", "").split("\n")


def test_a_name_and_a_source_are_enough(tmp_path: Path) -> None:
    recipe = load(written(tmp_path, SHORTEST))
    assert recipe.name == "letters"
    assert recipe.corpus.languages == list(LANGUAGES)
    assert recipe.sequence_length == recipe.model.max_position_embeddings


@pytest.mark.parametrize(
    ("addition", "said"),
    [
        pytest.param(
            "traning: {}\n",
            "recipe.yaml:5: traning: unknown field; the nearest is training",
            id="unknown at the top",
        ),
        pytest.param(
            "training:\n  optimizer:\n    lerning_rate: 1e-3\n",
            "recipe.yaml:7: training.optimizer.lerning_rate: unknown field; the nearest is learning_rate",
            id="unknown inside",
        ),
        pytest.param(
            "training:\n  sequence-length: 8\n",
            "recipe.yaml:6: training.sequence-length: unknown field; the nearest is sequence_length",
            id="unknown with a dash",
        ),
        pytest.param(
            "release:\n  zzz: 1\n",
            "recipe.yaml:6: release.zzz: unknown field; known are formats, license, prompts",
            id="unknown and near to nothing",
        ),
        pytest.param(
            "model:\n  hidden_size: wide\n",
            'recipe.yaml:6: model.hidden_size: found "wide", expected a valid integer',
            id="text for an integer",
        ),
        pytest.param(
            "seed: 1.5\n",
            "recipe.yaml:5: seed: found 1.5, expected a valid integer",
            id="a fraction for an integer",
        ),
        pytest.param(
            "training:\n  compile: yes\n",
            'recipe.yaml:6: training.compile: found "yes", expected a valid boolean',
            id="yes is text",
        ),
        pytest.param(
            "training:\n  precision: fp8\n",
            "recipe.yaml:6: training.precision: found \"fp8\", expected 'bfloat16' or 'float32'",
            id="none of the choices",
        ),
        pytest.param(
            "training:\n", "recipe.yaml:5: training: found nothing, expected a mapping", id="empty section"
        ),
        pytest.param(
            "training:\n  optimizer:\n    betas: [0.9]\n",
            "recipe.yaml:7: training.optimizer.betas: found a list of 1 item, expected at least 2 items",
            id="too few",
        ),
        pytest.param(
            "training:\n  optimizer:\n    learning_rate: .inf\n",
            "recipe.yaml:7: training.optimizer.learning_rate: found Infinity, expected a finite number",
            id="infinity",
        ),
        pytest.param(
            "model:\n  num_attention_heads: 7\n",
            "recipe.yaml:6: model.num_attention_heads: found 7, expected a divisor of hidden_size (1024)",
            id="heads that do not divide the width",
        ),
        pytest.param(
            "model:\n  num_key_value_heads: 5\n",
            "recipe.yaml:6: model.num_key_value_heads: found 5, expected a divisor of num_attention_heads (16)",
            id="key-value heads that do not divide the heads",
        ),
        pytest.param(
            "model:\n  hidden_size: 48\n",
            "recipe.yaml:5: model.num_attention_heads: found 16, "
            "expected heads of an even width, but hidden_size 48 gives 3",
            id="heads of an odd width",
        ),
        pytest.param(
            "model:\n  max_position_embeddings: 512\ntraining:\n  sequence_length: 1024\n",
            "recipe.yaml:8: training.sequence_length: found 1024, "
            "expected at most model.max_position_embeddings (512)",
            id="sequences longer than the context",
        ),
        pytest.param(
            "training:\n  tokens: 0\n",
            "recipe.yaml:6: training.tokens: found 0, expected greater than 0",
            id="no tokens",
        ),
        pytest.param(
            "training:\n  tokens: 1000\n",
            "recipe.yaml:6: training.tokens: found 1000, "
            "expected at least one step: sequences_per_step x sequence_length = 524288",
            id="less than a step",
        ),
        pytest.param(
            "training:\n  sequences_per_step: 10\n  sequences_per_pass: 4\n",
            "recipe.yaml:7: training.sequences_per_pass: found 4, expected a divisor of sequences_per_step (10)",
            id="passes that do not divide the step",
        ),
        pytest.param(
            "curation:\n  engine: spark\n",
            "recipe.yaml:6: curation.engine: found \"spark\", expected 'native' or 'ray'",
            id="an engine that there is not",
        ),
        pytest.param(
            "curation:\n  ray: ray://cluster:10001\n",
            'recipe.yaml:6: curation.ray: found "ray://cluster:10001", '
            "expected text of the form ^[^\\s/]+:[0-9]{1,5}$",
            id="the address of a Ray client's server",
        ),
        pytest.param(
            "release:\n  prompts:\n    english: Once upon a time\n",
            'recipe.yaml:7: release.prompts.english: found "english", expected text of the form ^[a-z]{2}$',
            id="a language's name for its code",
        ),
        pytest.param(
            "1789: seed\n",
            "recipe.yaml:5: 1789: unknown field; known are name, seed, provider, corpus, curation, tokenizer, "
            "model, tuning, training, evaluation, release, trace, slurm",
            id="a number for a key",
        ),
        pytest.param("name: again\n", "recipe.yaml:5: name: given twice", id="given twice"),
    ],
)
def test_a_mistake_is_told_in_one_line_with_its_place(tmp_path: Path, addition: str, said: str) -> None:
    assert problems(tmp_path, SHORTEST + addition) == [said]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "recipe.yaml:1: found nothing, expected a mapping with `name` and `corpus`"),
        ("- path: builtin:starter\n", "recipe.yaml:1: found a list, expected a mapping with `name` and `corpus`"),
        ("starter\n", "recipe.yaml:1: found text, expected a mapping with `name` and `corpus`"),
        ("name: [\n", "recipe.yaml:2: not valid YAML: expected the node content, but found '<stream end>'"),
        ("name: a\nseed: !!int many\n", 'recipe.yaml:2: not valid YAML: found "many", expected an integer'),
        ("name: &n [*n]\n", "recipe.yaml: found values nested without end, expected a recipe"),
        ("name: " + "[" * 5000 + "]" * 5000, "recipe.yaml: found values nested without end, expected a recipe"),
        ("corpus:\n  sources:\n    - path: a\n", "recipe.yaml: name: missing; it must be given"),
        (
            "name: letters\n",
            "recipe.yaml: corpus.sources: found none, expected at least one, or folders of token files in training.data",
        ),
        (
            "name: letters\ncorpus: {}\n",
            "recipe.yaml:2: corpus.sources: found none, expected at least one, or folders of token files in training.data",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - weights: {corpus: 1}\n",
            "recipe.yaml: corpus.sources: found none, expected at least one, or folders of token files in training.data",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - weights: {web: 1}\n",
            "recipe.yaml: tokenizer.path: found null, expected the tokenizer that made the token files of training.data",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - weights: {web: 1, books: null}\n",
            "recipe.yaml:4: training.data[0].weights: found numbers and nulls, expected a number for each folder, "
            "or null for each",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - weights: {web: 0}\n",
            "recipe.yaml:4: training.data[0].weights.web: found 0, expected greater than 0",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - weights: {}\n",
            "recipe.yaml:4: training.data[0].weights: found a mapping, expected at least 1 item",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - {first_step: 3, weights: {web: 1}}\n",
            "recipe.yaml:4: training.data[0].first_step: found 3, expected 1, as the first stage begins the training",
        ),
        (
            "name: letters\ntraining:\n  data:\n    - weights: {web: 1}\n    - weights: {books: 1}\n",
            "recipe.yaml:5: training.data[1].first_step: found 1, expected a step after 1",
        ),
        (
            "name: letters\ncorpus:\n  sources:\n    - license: MIT\n",
            "recipe.yaml:4: corpus.sources[0].path: missing; it must be given",
        ),
        (
            "name: letters\ncorpus:\n  sources: []\n",
            "recipe.yaml:3: corpus.sources: found none, expected at least one, or folders of token files in training.data",
        ),
        (
            "name: letters\ncorpus:\n  sources: [builtin:starter]\n",
            'recipe.yaml:3: corpus.sources[0]: found "builtin:starter", expected a mapping',
        ),
        (
            "name: letters\ncorpus:\n  sources:\n    - path: a\n      licence: MIT\n",
            "recipe.yaml:5: corpus.sources[0].licence: unknown field; the nearest is license",
        ),
        (
            "name: a/b\ncorpus:\n  sources:\n    - path: a\n",
            'recipe.yaml:1: name: found "a/b", expected text of the form ^[A-Za-z0-9][A-Za-z0-9._-]*$',
        ),
        (
            "name: letters\ncorpus:\n  languages: [en, fr, en]\n  sources:\n    - path: a\n",
            "recipe.yaml:3: corpus.languages: found ['en', 'fr', 'en'], expected each language once",
        ),
    ],
)
def test_a_recipe_that_is_none_is_refused_in_one_line(tmp_path: Path, text: str, said: str) -> None:
    assert problems(tmp_path, text) == [said]


def test_control_characters_are_told_in_one_line(tmp_path: Path) -> None:
    said = problems(tmp_path, SHORTEST + "seed: \0\n")
    assert len(said) == 1
    assert said[0].startswith("recipe.yaml: not valid YAML: unacceptable character #x0000")


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = SHORTEST + "seed: -1\nmodel:\n  hidden_size: wide\ntraning: {}\n"
    assert problems(tmp_path, text) == [
        "recipe.yaml:5: seed: found -1, expected greater than or equal to 0",
        'recipe.yaml:7: model.hidden_size: found "wide", expected a valid integer',
        "recipe.yaml:8: traning: unknown field; the nearest is training",
    ]


def test_a_recipe_that_is_not_there_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such recipe; `octavo init DIR` writes one"):
        load(tmp_path / "recipe.yaml")


def test_a_folder_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found a folder, expected a recipe"):
        load(tmp_path)


def test_a_path_through_a_file_is_no_recipe(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load(written(tmp_path, SHORTEST) / "recipe.yaml")


def test_a_recipe_in_another_encoding_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes("name: é\n".encode("latin-1"))
    with pytest.raises(InputError, match="found bytes that are not UTF-8 at offset 6"):
        load(path)


def test_scalars_are_read_as_people_write_them(tmp_path: Path) -> None:
    text = SHORTEST + (
        "seed: 0042\n"
        "provider: {name: no, contact: 2026-01-01}\n"
        "training: {tokens: 4_000_000, optimizer: {learning_rate: 3e-3}}\n"
        "release: {prompts: {no: off}}\n"
    )
    recipe = load(written(tmp_path, text))
    assert recipe.seed == 42
    assert recipe.training.optimizer.learning_rate == 0.003
    assert recipe.training.tokens == 4_000_000
    assert (recipe.provider.name, recipe.provider.contact) == ("no", "2026-01-01")
    assert recipe.release.prompts == {"no": "off"}


def test_settings_are_laid_over_the_recipe(tmp_path: Path) -> None:
    settings = ["training.optimizer.learning_rate=1e-4", "provider.name=no", "corpus.languages=[la]", "seed=7"]
    recipe = load(written(tmp_path, SHORTEST), settings)
    assert recipe.training.optimizer.learning_rate == 0.0001
    assert recipe.provider.name == "no"
    assert recipe.corpus.languages == ["la"]
    assert recipe.seed == 7


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("traning.tokens=5", "--set traning.tokens=5: traning: unknown field; the nearest is training"),
        (
            "training.token=5",
            "--set training.token=5: training.token: unknown field; the nearest is tokens",
        ),
        ("name.first=a", "--set name.first=a: name.first: found no mapping to set it in"),
        (
            "corpus.sources.0.path=a",
            "--set corpus.sources.0.path=a: corpus.sources.0.path: found no mapping to set it in",
        ),
        (
            "training.tokens=many",
            '--set training.tokens=many: training.tokens: found "many", expected a valid integer',
        ),
        ("training.tokens=[", "--set training.tokens=[: the value is not valid YAML"),
        ("seed=!!int x", "--set seed=!!int x: the value is not valid YAML"),
        ("training.tokens", "--set training.tokens: expected a.b=value"),
        ("=5", "--set =5: expected a.b=value"),
    ],
)
def test_a_setting_that_cannot_be_is_told_by_itself(tmp_path: Path, setting: str, said: str) -> None:
    assert problems(tmp_path, SHORTEST, setting) == [said]


@pytest.mark.parametrize("name", STARTERS)
@pytest.mark.parametrize("comments", [False, True])
def test_the_recipes_that_init_writes_read_back_as_they_are(tmp_path: Path, name: str, comments: bool) -> None:
    recipe = STARTERS[name]()
    assert load(written(tmp_path, dump(recipe, comments))) == recipe


def test_a_dump_with_comments_explains_every_field() -> None:
    text = dump(STARTERS["starter"](), comments=True)
    values = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert len(comments) == len(values)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40) | st.sampled_from(
    [
        "no",
        "1e5",
        "0x1F",
        "1:30",
        "2026-01-01",
        "~",
        "null",
        ".5",
        "1_000",
        "a: b",
        "- a",
        "#",
        "two\nlines",
        "a b " * 2000,
    ]
)
RECIPES = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,9}", fullmatch=True),
        "seed": st.integers(0, 2**63 - 1),
        "provider": st.fixed_dictionaries({"name": st.none() | TEXTS}),
        "corpus": st.fixed_dictionaries(
            {
                "sources": st.lists(
                    st.fixed_dictionaries(
                        {
                            "path": TEXTS,
                            "license": st.none() | TEXTS,
                            "columns": st.dictionaries(TEXTS, TEXTS, max_size=2),
                        }
                    ),
                    min_size=1,
                    max_size=3,
                ),
                "languages": st.lists(
                    st.from_regex(r"[a-z]{2}", fullmatch=True), min_size=1, max_size=4, unique=True
                ),
            }
        ),
        "training": st.fixed_dictionaries(
            {
                "optimizer": st.fixed_dictionaries(
                    {"learning_rate": st.floats(0, exclude_min=True, allow_infinity=False, allow_nan=False)}
                )
            }
        ),
    }
)


@given(RECIPES, st.booleans())
def test_a_dumped_recipe_reads_back_as_it_was(tmp_path_factory: Any, data: dict[str, Any], comments: bool) -> None:
    recipe = validate(data, {}, "recipe.yaml")
    path = tmp_path_factory.getbasetemp() / "round-trip.yaml"
    path.write_text(dump(recipe, comments), encoding="utf-8", newline="")
    assert load(path) == recipe


def test_the_json_schema_describes_every_field() -> None:
    schema = json_schema()
    sections = {"Recipe": schema, **schema["$defs"]}
    undescribed = [
        f"{name}.{field}"
        for name, section in sections.items()
        for field, said in section["properties"].items()
        if not said.get("description")
    ]
    assert undescribed == []
    assert set(schema["properties"]) == set(Recipe.model_fields)


@given(st.integers(1, 10**7), st.integers(1, 64), st.integers(2, 4096))
def test_the_steps_are_the_fewest_that_see_all_tokens(tokens: int, sequences: int, length: int) -> None:
    per_step = sequences * length
    data = {
        "name": "steps",
        "corpus": {"sources": [{"path": "builtin:starter"}]},
        "model": {"max_position_embeddings": length},
        "training": {"tokens": tokens + per_step, "sequences_per_step": sequences, "sequences_per_pass": sequences},
    }
    recipe = validate(data, {}, "recipe.yaml")
    assert (recipe.steps - 1) * per_step < tokens + per_step <= recipe.steps * per_step
