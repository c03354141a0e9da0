"""Nanotron's settings (huggingface/nanotron), written from a recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from octavo.recipe.schema import Recipe
from octavo.recipe.training import OWN_TOKENS, DataStage
from octavo.training.nanotron.data import own_tokens
from octavo.training.nanotron.keys import NO_CLIP


def export(recipe: Recipe, vocab_size: int) -> str:
    """The recipe as nanotron's settings, in YAML, for its versions from April 2024 on.

    What nanotron has no setting for stands in comments on top.
    """
    training, schedule, optimizer = recipe.training, recipe.training.schedule, recipe.training.optimizer
    steps, warmup = recipe.steps, min(schedule.warmup_steps, max(recipe.steps - 1, 0))
    stable = steps - round(schedule.decay_fraction * steps)
    start = warmup if schedule.name == "cosine" else max(warmup, stable)
    least = optimizer.learning_rate * (schedule.final_ratio if start < steps else 1)
    model = recipe.model
    settings: dict[str, Any] = {
        "checkpoints": {
            "checkpoint_interval": training.checkpoint.every_steps,
            "checkpoints_path": f"runs/{recipe.name}/nanotron",
            "checkpoints_path_is_shared_file_system": False,
            "resume_checkpoint_path": None,
            "save_final_state": True,
            "save_initial_state": False,
        },
        "data_stages": _data_stages(recipe),
        "general": {
            "benchmark_csv_path": None,
            "consumed_train_samples": None,
            "ignore_sanity_checks": True,
            "project": recipe.name,
            "run": recipe.name,
            "seed": recipe.seed,
            "step": None,
        },
        "logging": {
            "iteration_step_info_interval": training.log_every,
            "log_level": "info",
            "log_level_replica": "info",
        },
        "model": {
            "ddp_bucket_cap_mb": 25,
            "dtype": training.precision,
            "init_method": {"std": model.initializer_range},
            "make_vocab_size_divisible_by": 1,
            "model_config": {
                "bos_token_id": 1,
                "eos_token_id": 2,
                "hidden_act": "silu",
                "hidden_size": model.hidden_size,
                "initializer_range": model.initializer_range,
                "intermediate_size": model.intermediate_size,
                "is_llama_config": True,
                "max_position_embeddings": model.max_position_embeddings,
                "num_attention_heads": model.num_attention_heads,
                "num_hidden_layers": model.num_hidden_layers,
                "num_key_value_heads": model.num_key_value_heads,
                "pad_token_id": None,
                "pretraining_tp": 1,
                "rms_norm_eps": model.rms_norm_eps,
                "rope_interleaved": False,
                "rope_scaling": model.rope_scaling,
                "rope_theta": model.rope_theta,
                "tie_word_embeddings": model.tie_word_embeddings,
                "use_cache": True,
                "vocab_size": vocab_size,
                **({"z_loss_enabled": True, "z_loss_coefficient": training.z_loss} if training.z_loss else {}),
            },
        },
        "optimizer": {
            "accumulate_grad_in_fp32": True,
            "clip_grad": None if optimizer.gradient_clip >= NO_CLIP else optimizer.gradient_clip,
            "learning_rate_scheduler": {
                "learning_rate": optimizer.learning_rate,
                "lr_decay_starting_step": start,
                "lr_decay_steps": steps - start,
                "lr_decay_style": "cosine" if schedule.name == "cosine" else "linear",
                "lr_warmup_steps": warmup,
                "lr_warmup_style": "linear",
                "min_decay_lr": least,
            },
            "optimizer_factory": {
                "adam_beta1": optimizer.betas[0],
                "adam_beta2": optimizer.betas[1],
                "adam_eps": optimizer.eps,
                "name": "adamW",
                "torch_adam_is_fused": True,
            },
            "weight_decay": optimizer.weight_decay,
            "weight_decay_exclude_named_params": [".*layernorm.*", ".*layer_norm.*"],
            "zero_stage": 0,
        },
        "parallelism": {
            "dp": 1,
            "expert_parallel_size": 1,
            "pp": 1,
            "pp_engine": "1f1b",
            "recompute_layer": False,
            "tp": 1,
            "tp_linear_async_communication": True,
            "tp_mode": "REDUCE_SCATTER",
        },
        "tokenizer": {
            "tokenizer_max_length": None,
            "tokenizer_name_or_path": (
                str(Path(recipe.tokenizer.path).parent)
                if recipe.tokenizer.path
                else f"runs/{recipe.name}/tokenizer"
            ),
            "tokenizer_revision": None,
        },
        "tokens": {
            "batch_accumulation_per_replica": training.sequences_per_step // training.sequences_per_pass,
            "limit_test_batches": 0,
            "limit_val_batches": 0,
            "micro_batch_size": training.sequences_per_pass,
            "sequence_length": recipe.sequence_length,
            "train_steps": steps,
            "val_check_interval": training.evaluate_every_steps or -1,
        },
    }
    comments = [
        f"# Nanotron's settings for octavo's recipe {recipe.name}.",
        "# Under runs/ are token files and tokenizer as octavo makes them.",
        "# Curation, evaluation and release are octavo's.",
        "# One replica here: with dp replicas, divide batch_accumulation_per_replica by dp.",
    ]
    if optimizer.name != "adamw":
        comments.append(f"# The recipe's optimizer is {optimizer.name}, which nanotron has not: AdamW stands here.")
    if optimizer.width not in (None, recipe.model.hidden_size):
        comments.append(
            f"# The recipe scales its learning rate and initial weights from a hidden size of {optimizer.width}, "
            "part by part: here they stand as they are."
        )
    return "\n".join(comments) + "\n" + yaml.safe_dump(settings, sort_keys=True)


def _data_stages(recipe: Recipe) -> list[dict[str, Any]]:
    """The recipe's stages, or one over its own documents; nanotron wants a name of its own for each."""
    stages = recipe.training.data or [DataStage(weights={OWN_TOKENS: 1.0})]
    names: list[str] = []
    for number, stage in enumerate(stages, 1):
        name = stage.name or ("training" if len(stages) == 1 else f"stage {number}")
        names.append(name if name not in names else f"{name} {number}")
    return [
        {
            "data": {
                "dataset": {
                    "dataset_folder": [own_tokens(recipe.name) if f == OWN_TOKENS else f for f in stage.weights],
                    "dataset_weights": None if None in stage.weights.values() else list(stage.weights.values()),
                },
                "num_loading_workers": 1,
                "seed": recipe.seed,
            },
            "name": name,
            "start_training_step": stage.first_step,
        }
        for name, stage in zip(names, stages, strict=True)
    ]
