"""model/ to GGUF with llama.cpp's own script: convert.py LLAMA_CPP MODEL [OPTION ...]."""

import sys

sys.path.insert(0, sys.argv.pop(1))
import convert_hf_to_gguf
from conversion.base import TextModel

# llama.cpp knows a pre-tokenizer by the ids of a published vocabulary: of one's own it must be told.
TextModel.get_vocab_base_pre = lambda self, tokenizer: "gpt-2"
convert_hf_to_gguf.main()
