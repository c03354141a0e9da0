"""What each of nanotron's settings is in a recipe: tables by rule, which is the key alike for all generations."""

from __future__ import annotations

from typing import Any

TAKEN = {
    "general.seed": "seed",
    **{
        f"model.model_config.{name}": f"model.{name}"
        for name in (
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "num_key_value_heads",
            "intermediate_size",
            "max_position_embeddings",
            "rope_theta",
            "rms_norm_eps",
            "tie_word_embeddings",
        )
    },
    "model.model_config.vocab_size": "tokenizer.vocab_size",
    "model.init_method.std": "model.initializer_range",
    "optimizer.learning_rate_scheduler.learning_rate": "training.optimizer.learning_rate",
    "optimizer.weight_decay": "training.optimizer.weight_decay",
    "optimizer.adam_eps": "training.optimizer.eps",
    "checkpoints.checkpoint_interval": "training.checkpoint.every_steps",
    "logging.iteration_step_info_interval": "training.log_every",
}
"""Settings that the recipe has too: rule, field."""

DEFAULTS = {
    "general.seed": 42,
    "model.model_config.hidden_size": 4096,
    "model.model_config.num_hidden_layers": 32,
    "model.model_config.num_attention_heads": 32,
    "model.model_config.intermediate_size": 11008,
    "model.model_config.max_position_embeddings": 2048,
    "model.model_config.rope_theta": 10_000.0,
    "model.model_config.rms_norm_eps": 1e-6,
    "model.model_config.tie_word_embeddings": False,
    "model.model_config.vocab_size": 32_000,
    "logging.iteration_step_info_interval": 1,
}
"""What nanotron takes where these are missing or null, and so does the import."""

NEEDED: dict[str, tuple[tuple[Any, ...], str]] = {
    "model.model_config.is_llama_config": ((True,), "true: octavo makes Llama models"),
    "model.model_config.is_starcoder2_config": ((False,), "a Llama: octavo makes no StarCoder2 models"),
    "model.model_config.hidden_act": (("silu",), "silu, as a Llama has it"),
    "model.model_config.attention_bias": ((False, None), "false: a Llama has no biases"),
    "model.model_config.rope_scaling": ((None,), "null: octavo does not scale rotary positions"),
    "model.model_config.moe_config": ((None,), "null: a Llama has no experts"),
    "model.model_config.sliding_window_size": ((None,), "null: a Llama attends to the whole sequence"),
    "model.model_config.no_rope_layer": ((None,), "null: a Llama has rotary positions in each layer"),
    "model.model_config.flex_attention_mask": ((None, "document"), "null or document: a Llama's window is whole"),
}
"""Settings that a Llama must have so: rule, values, what is expected. Qwen2's own are a Llama's with these."""

ALIKE: dict[str, tuple[tuple[Any, ...], str]] = {
    "general.step": ((None,), "a recipe begins at step 0"),
    "general.consumed_train_samples": ((None,), "a recipe begins at step 0"),
    "model.make_vocab_size_divisible_by": ((1, None), "octavo has as many entries as the tokenizer"),
    "model.init_method.scaling_method": (
        ("NUM_LAYERS", None),
        "octavo divides the matrices that write into the stream by the square root of twice the layers",
    ),
    "model.model_config.is_qwen2_config": ((True, False), "without biases, experts and windows it is a Llama"),
    "model.model_config.bos_token_id": ((1,), "the tokenizer says it"),
    "model.model_config.eos_token_id": ((2,), "the tokenizer says it"),
    "model.model_config.pad_token_id": ((None,), "octavo packs and pads nothing"),
    "model.model_config.pretraining_tp": ((1, None), "octavo splits no matrix over processes"),
    "model.model_config.rope_interleaved": (
        (False, None),
        "octavo lays the halves of a head as Hugging Face does; it matters for existing weights alone",
    ),
    "model.model_config._use_doc_masking": ((True,), "octavo always keeps documents apart"),
    "optimizer.accumulate_grad_in_fp32": ((True,), "octavo keeps gradients in float32"),
    "optimizer.torch_adam_is_fused": ((True, None), "octavo's is fused"),
    "optimizer.name": (("adamW", "adamw"), "octavo takes AdamW"),
    "optimizer.zero_stage": ((0, None), "how memory is shared among processes is not the recipe's"),
    "parallelism.pp": ((1,), "octavo has no pipeline"),
    "parallelism.tp": ((1,), "octavo splits no matrix over processes"),
    "parallelism.expert_parallel_size": ((1, None), "a Llama has no experts"),
    "parallelism.context_parallel_size": ((1, None), "octavo splits no sequence over processes"),
    "parallelism.recompute_layer": ((False, None), "octavo recomputes what the compiler chooses"),
    "tokens.limit_val_batches": ((0, None), "octavo measures all held-out texts, up to evaluation.max_bytes"),
    "tokens.limit_test_batches": ((0, None), "octavo measures all held-out texts, up to evaluation.max_bytes"),
    "checkpoints.resume_checkpoint_path": ((None,), "octavo goes on from its own checkpoints"),
    "checkpoints.save_initial_state": ((False, None), "octavo saves no initial weights; their seed gives them"),
    "checkpoints.save_final_state": ((True,), "octavo always saves the last step"),
    "checkpoints.load_optimizer": ((True, None), "octavo always goes on with the optimizer's state"),
    "checkpoints.load_lr_scheduler": ((True, None), "octavo's learning rate depends on the step alone"),
    "data.dataset": ((None,), "octavo trains on documents"),
    "data.dataset.dataset_max_tokens": ((None,), "octavo takes what training.tokens asks for"),
    "data.dataset.hf_dataset_splits": (("train", None), "octavo takes a dataset's train split"),
    "data.dataset.hf_dataset_config_name": ((None,), "octavo takes a dataset's default"),
    "data.dataset.shuffle_files": ((False, None), "the seed gives the order of sequences"),
    "data.dataset.pad_samples_to_global_batch_size": ((False, None), "octavo packs and pads nothing"),
    "data.dataset.skip_in_stream": ((False, None), "the order of sequences needs no state"),
}
"""Settings that say, with these values, what octavo does anyway: rule, values, what it does."""

DROPPED = {
    "general.project": "octavo has runs, no projects",
    "general.benchmark_csv_path": "metrics.jsonl has the figures",
    "general.ignore_sanity_checks": "octavo always checks",
    "model.ddp_bucket_cap_mb": "PyTorch's own size is taken",
    "model.init_method.path": "octavo begins with fresh weights",
    "model.init_method.use_mup": "octavo's initialisation is normal",
    "model.model_config.initializer_range": "nanotron does not use it; model.init_method.std is taken",
    "model.model_config.use_cache": "it is for generating alone",
    "model.model_config._attn_implementation": "octavo takes PyTorch's attention",
    "model.model_config._fused_rms_norm": "the compiler fuses",
    "model.model_config._fused_rotary_emb": "the compiler fuses",
    "model.model_config._use_qkv_packed": "octavo always keeps them in one matrix",
    "parallelism.pp_engine": "octavo has no pipeline",
    "parallelism.tp_mode": "octavo splits no matrix over processes",
    "parallelism.tp_linear_async_communication": "octavo splits no matrix over processes",
    "parallelism.tp_recompute_allgather": "octavo splits no matrix over processes",
    "parallelism.moe_layer_recompute": "a Llama has no experts",
    "tokenizer.tokenizer_max_length": "octavo encodes whole texts",
    "tokenizer.tokenizer_revision": "octavo reads a file",
    "checkpoints.checkpoints_path": "the run's directory has them",
    "checkpoints.checkpoints_path_is_shared_file_system": "the run's directory has them",
    "logging.log_level": "octavo tells progress and problems alone",
    "logging.log_level_replica": "octavo tells progress and problems alone",
    "data.num_loading_workers": "token files are mapped into memory",
    "data.seed": "one seed serves the whole recipe",
    "data.dataset.dataset_read_path": "octavo makes token files of documents",
    "data.dataset.dataset_overwrite_cache": "what is done is known by its content",
    "data.dataset.dataset_processing_num_proc_per_process": "octavo takes all cores",
    "data.dataset.return_positions": "octavo always keeps documents apart",
    "data.dataset.token_size_in_bytes": "the vocabulary decides it",
    "data.dataset.tokenizer_name": "the tokenizer is one for the whole recipe",
    "data.dataset.vocab_size": "model.model_config.vocab_size is taken",
    "data.dataset.use_old_brrr_dataloader": "octavo has one reader of token files",
}
"""Settings without a meaning here: rule, why."""

DROPPED_SECTIONS = {
    "lighteval": "octavo evaluates by itself",
    "metrics_logging": "metrics.jsonl has the figures",
    "profiler": "octavo has no profiler",
    "s3_upload": "octavo uploads nothing",
}
"""Sections without a meaning here."""

LEAVES = {
    "model.model_config.rope_scaling",
    "model.model_config.moe_config",
    "data.dataset.dataset_folder",
    "data.dataset.hf_dataset_or_datasets",
}
"""Settings whose value may be a mapping."""

BATCH = ("tokens.micro_batch_size", "tokens.batch_accumulation_per_replica", "parallelism.dp")
"""What a step's sequences are the product of."""

RATE = "optimizer.learning_rate_scheduler."
SCHEDULE = tuple(
    f"{RATE}{name}"
    for name in (
        "lr_warmup_steps",
        "lr_warmup_style",
        "lr_decay_style",
        "lr_decay_starting_step",
        "lr_decay_steps",
        "min_decay_lr",
    )
)
"""The settings of the learning rate, beside its peak."""

NO_CLIP = 1e9
"""Norm of a gradient that stands for no clipping."""
