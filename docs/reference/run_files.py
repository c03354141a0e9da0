"""What lies in the directory of a run: the file, the stage that writes it, and what it holds."""

RUN_FILES = (
    ("`recipe.yaml`", "each run", "the recipe as it was run, complete with defaults and with what `--set` changed"),
    ("`documents/*.parquet`", "corpus", "the documents as they came in, in one schema"),
    (
        "`documents/*.json`",
        "corpus",
        "one inventory for each source file: how many documents, bytes and unreadable pieces",
    ),
    ("`documents/unreadable.jsonl`", "corpus", "what could not be read; only there if something could not"),
    (
        "`corpus/kept/*.parquet`",
        "curation",
        "the documents that stay, as curation leaves them, with language, licence and split",
    ),
    ("`corpus/originals/*.parquet`", "curation", "those that it changed, as they came in"),
    ("`corpus/removed/*.parquet`", "curation", "the documents that go, whole, with the rule and its evidence"),
    ("`corpus/ledger.parquet`", "curation", "one row for every document that came in"),
    ("`corpus/passages.parquet`", "curation", "passages that were flagged as harmful, and what became of them"),
    (
        "`corpus/report.html`, `report.json`",
        "curation",
        "the page to read, and counts by fate, rule, language, licence, obligation, century and genre",
    ),
    ("`tokenizer/tokenizer.json`", "tokenization", "the tokenizer, in Hugging Face's format"),
    ("`tokenizer/report.json`", "tokenization", "its size, and its bytes a token in each language's held-out text"),
    (
        "`tokens/*.ds`",
        "tokenization",
        "the training documents as tokens; beside each file `.ds.index`, `.ds.metadata`, and in "
        "`.ds.documents.arrow` which document each token is of",
    ),
    ("`checkpoints/step-N/`", "training", "the training state; `latest` names the last one"),
    ("`metrics.jsonl`", "training", "one line a logged step"),
    ("`tensorboard/`", "training", "the same for TensorBoard"),
    (
        "`evaluation/report.html`, `report.json`",
        "evaluation",
        "the page to read: what the model is good for and what it is not, with samples",
    ),
    ("`evaluation/bits_per_byte.json`", "evaluation", "the figures on the held-out works"),
    (
        "`evaluation/toxicity.json`",
        "evaluation",
        "what the model said to neutral and provoking prompts, and how harmful it is",
    ),
    (
        "`evaluation/adherence.json`, `orthography.json`, `repetition.json`",
        "evaluation",
        "what the model wrote after held-out openings, its language, spelling and repetition",
    ),
    ("`evaluation/memorization.json`", "evaluation", "what the model gives back of its training texts"),
    (
        "`release/`",
        "release",
        "the model in the formats that others read, with a model card, the report and the papers",
    ),
    ("`trace/`", "trace", "the index by which a text is traced to the documents that hold it"),
    ("`*/stage.json`", "every stage", "what the stage was made from, and what it made"),
)
