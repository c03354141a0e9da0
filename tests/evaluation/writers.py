"""For tests of what a model writes: a tokenizer of bytes, a model that learnt nothing, and one that recites."""

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from octavo.evaluation.speaker import Speaker
from octavo.modeling.init import initialise
from octavo.modeling.llama import LlamaConfig

BEGIN, END = 256, 257


def byte_tokenizer() -> Tokenizer:
    """A token a byte."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: n for n, letter in enumerate(letters)} | {"<s>": BEGIN, "</s>": END}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "</s>"])
    return tokenizer


def untrained(context: int = 256, seed: int = 1) -> Speaker:
    """Writes at random."""
    config = LlamaConfig(
        vocab_size=258,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=64,
        max_position_embeddings=context,
        initializer_range=0.3,
    )
    return Speaker(initialise(config, seed=seed).eval(), byte_tokenizer(), BEGIN, END)


class Scripted(Speaker):
    """Says what it is told, whatever is asked."""

    def __init__(self, lines, context=4096):
        super().__init__(untrained(context).model, byte_tokenizer(), BEGIN, END)
        object.__setattr__(self, "lines", lines)

    def say(self, prompts, ids, decoding, progress, note):
        found = [self.lines(self.decode([prompt])[0], decoding) for prompt in prompts]
        return [ids[: decoding.max_tokens] for ids in self.encode(found)]
