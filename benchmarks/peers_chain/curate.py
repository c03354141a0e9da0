"""documents/ to curated/ with datatrove: languages, Gopher's rules, near copies by MinHash."""

from importlib import import_module

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.filters import GopherQualityFilter, GopherRepetitionFilter, LambdaFilter, LanguageFilter
from datatrove.pipeline.readers import JsonlReader, ParquetReader
from datatrove.pipeline.writers import JsonlWriter

WORKERS = 2
LANGUAGES = ["en", "fr", "es", "de", "it", "nl", "la", "pt"]


def run(name, *steps, tasks=WORKERS):
    LocalPipelineExecutor(list(steps), tasks=tasks, workers=WORKERS, logging_dir=f"logs/{name}").run()


def gopher(language):
    # datatrove's own stop words are English. Its 0.8 takes two in five of such books and laws, as punctuation is
    # counted as words.
    stop_words = import_module(f"spacy.lang.{language}.stop_words").STOP_WORDS
    return (
        GopherRepetitionFilter(language=language),
        GopherQualityFilter(stop_words=stop_words, max_non_alpha_words_ratio=0.7, language=language),
    )


def main():
    rules = {language: gopher(language) for language in LANGUAGES}

    def good(document):  # a rule answers True, or False and the reason
        language = document.metadata["language"]
        return language in rules and all(rule.filter(document) is True for rule in rules[language])

    run(
        "quality",
        ParquetReader("documents", id_key="identifier"),
        LanguageFilter(LANGUAGES, language_threshold=0.2),  # its 0.65 takes most Latin texts
        LambdaFilter(good),
        JsonlWriter("good"),
    )
    run("signatures", JsonlReader("good"), MinhashDedupSignature("signatures"))
    run("buckets", MinhashDedupBuckets("signatures", "buckets"), tasks=MinhashConfig().num_buckets)
    run("clusters", MinhashDedupCluster("buckets", "clusters"), tasks=1)
    run("copies", JsonlReader("good"), MinhashDedupFilter("clusters"), JsonlWriter("curated"))


if __name__ == "__main__":
    main()
