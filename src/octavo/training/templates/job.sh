#!/bin/bash
# The Slurm job of the run {{ recipe.name }}. Written by octavo launch; change the recipe's section slurm instead.
# Whichever job runs this script goes on where the one before it stopped.

# What it asks for.
#SBATCH --job-name={{ recipe.name }}
#SBATCH --nodes={{ slurm.nodes }}
#SBATCH --ntasks-per-node={{ slurm.processes }}
#SBATCH --cpus-per-task={{ slurm.cpus_per_process }}
{% if slurm.gpus_per_node %}
#SBATCH --gpus-per-node={{ slurm.gpus_per_node }}
{% endif %}
{% if slurm.memory %}
#SBATCH --mem={{ slurm.memory }}
{% endif %}
#SBATCH --time={{ slurm.time }}
{% if slurm.partition %}
#SBATCH --partition={{ slurm.partition }}
{% endif %}
{% if slurm.account %}
#SBATCH --account={{ slurm.account }}
{% endif %}
{% if slurm.constraint %}
#SBATCH --constraint="{{ slurm.constraint }}"
{% endif %}
{% for option in slurm.options %}
{% set name, equals, value = option.partition("=") %}
#SBATCH {{ name }}{% if equals %}="{{ value }}"{% endif %}

{% endfor %}

# The warning before the time limit, for this script, which hands it on.
#SBATCH --signal=B:USR1@{{ slurm.warning_seconds }}
# Queued again by Slurm itself where another job takes its place, or a machine fails.
#SBATCH --requeue

# Where it works, and where it says what it does, from its first start to its last.
#SBATCH --chdir="{{ folder }}"
#SBATCH --output="{{ output }}"
#SBATCH --open-mode=append

set -e
echo "octavo: job $SLURM_JOB_ID on $SLURM_JOB_NODELIST, started again ${SLURM_RESTART_COUNT:-0} times, $(date)"
{% if slurm.setup %}

# What the recipe has done first.
{% for line in slurm.setup %}
{{ line }}
{% endfor %}
{% endif %}

# Where the processes meet: on the first machine, at a port of the job's own.
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
MASTER_PORT=$((15000 + SLURM_JOB_ID % 15000))
OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK
export MASTER_ADDR MASTER_PORT OMP_NUM_THREADS

# One task a process, each told which it is. Where one fails, the others end too; those that are
# done may leave before the first, which evaluates and releases alone.
srun --cpus-per-task="$SLURM_CPUS_PER_TASK" --distribution=block --export=ALL --label \
    --kill-on-bad-exit=1 --wait=0 \
    bash -c '
        export RANK=$SLURM_PROCID WORLD_SIZE=$SLURM_NTASKS
        export LOCAL_RANK=$SLURM_LOCALID LOCAL_WORLD_SIZE=$SLURM_NTASKS_PER_NODE
        exec "$@"
    ' octavo \
    {{ command }} &
step=$!

# Warned, all processes save and leave with status 130; srun hands them the signal.
warnings=0
trap 'warnings=$((warnings + 1)); kill -USR1 "$step"' USR1
seen=
until [ "$seen" = "$warnings" ]; do # a warning ends the wait, but not yet the step
    seen=$warnings
    status=0
    wait "$step" || status=$?
done

# Then the job goes back into the queue. Any other failure ends it, as it would come again.
if [ "$status" -eq 130 ] || { [ "$status" -ne 0 ] && [ "$warnings" -gt 0 ]; }; then
    echo "octavo: job $SLURM_JOB_ID goes back into the queue, $(date)"
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
