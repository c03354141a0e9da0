"""curated/ to tokenizer/ and tokens/: a byte-level BPE of the kept texts, and their tokens."""

import sys

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.tokens import DocumentTokenizer
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

END = "<|endoftext|>"


def main(vocab_size):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[END], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator((document.text for document in JsonlReader("curated")()), trainer)
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END).save_pretrained("tokenizer")

    steps = [
        JsonlReader("curated"),
        DocumentTokenizer("tokens", "tokenizer/tokenizer.json", eos_token=END, seed=1),
    ]
    LocalPipelineExecutor(steps, tasks=2, logging_dir="logs/tokens").run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
