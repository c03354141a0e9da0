"""tokens/ to model/ with transformers' Trainer: a Llama, AdamW, cosine, BF16 autocast, compiled."""

import sys

import torch
from datatrove.utils.dataset import DatatroveFolderDataset
from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM, Trainer, TrainingArguments

LENGTH, SEQUENCES = 512, 4


def collate(rows):
    tokens = torch.stack([row["input_ids"] for row in rows])
    return {"input_ids": tokens, "labels": tokens}


def main(tokens, learning_rate):
    tokenizer = AutoTokenizer.from_pretrained("tokenizer")
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=256,
        num_hidden_layers=6,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=640,
        max_position_embeddings=LENGTH,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    steps = round(tokens / (SEQUENCES * (LENGTH - 1)))  # nothing is predicted of a sequence's first token
    arguments = TrainingArguments(
        "checkpoints",
        max_steps=steps,
        per_device_train_batch_size=SEQUENCES,
        learning_rate=learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=min(100, steps // 10),
        optim="adamw_torch_fused",
        adam_beta2=0.95,
        weight_decay=0.1,
        bf16=True,
        use_cpu=True,
        torch_compile=True,
        logging_steps=10,
        report_to="none",
    )
    trainer = Trainer(
        LlamaForCausalLM(config),
        arguments,
        train_dataset=DatatroveFolderDataset("tokens", LENGTH - 1),  # and one token more
        data_collator=collate,
        processing_class=tokenizer,
    )
    trainer.train()
    trainer.save_model("model")


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
