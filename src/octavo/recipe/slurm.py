"""The recipe's section on Slurm: what a job asks for."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from octavo.recipe.section import Positive, Section, impossible

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.,+-]*$")]
Features = Annotated[str, Field(pattern=r'^[^\s"\\]+$')]
Option = Annotated[str, Field(pattern=r'^--[a-z][a-z-]*(=[^\s"\\]+)?$')]

SETTLED = (
    "--account --array --chdir --constraint --cpus-per-task --error --gpus-per-node --job-name --mem --no-requeue "
    "--nodes --ntasks --ntasks-per-node --open-mode --output --partition --requeue --signal --time"
)
"""Options that other fields set, or without which a job could not go on."""


class Slurm(Section):
    """The job of `octavo launch --slurm`; none of it is a reason to do a stage again."""

    nodes: Positive = 1
    """Machines that train together."""
    gpus_per_node: Annotated[int, Field(ge=0)] = 0
    """GPUs of each, one a process."""
    processes_per_node: Positive | None = None
    """Processes on each; null takes one a GPU, or one where there are no GPUs."""
    cpus_per_process: Positive = 8
    """Cores of each process."""
    memory: Annotated[str, Field(pattern=r"^[0-9]+[KMGT]?$")] | None = None
    """Memory of each machine, such as 64G; 0 is all of it, null what the cluster gives."""
    time: Annotated[str, Field(pattern=r"^([0-9]+-)?[0-9]{1,2}:[0-5][0-9]:[0-5][0-9]$")] = "24:00:00"
    """Limit of one job, HH:MM:SS or D-HH:MM:SS; a training that takes longer is queued again."""
    warning_seconds: Annotated[int, Field(gt=0, le=65_535)] = 120
    """How long before the limit training is told to save and leave; Slurm may do so a minute earlier."""
    partition: Name | None = None
    """Partition; null takes the cluster's default."""
    account: Name | None = None
    """Account to charge; null takes yours."""
    constraint: Features | None = None
    """Features that the machines must have, such as h100 or a100&nvlink."""
    options: list[Option] = []
    """More options of sbatch, such as --qos=long or --exclude=node7."""
    setup: list[str] = []
    """Lines of the shell before training, such as module load cuda."""

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        if self.gpus_per_node and self.processes > self.gpus_per_node:
            raise impossible("processes_per_node", self.processes, f"at most gpus_per_node ({self.gpus_per_node})")
        days, _, clock = self.time.rpartition("-")
        hours, minutes, seconds = map(int, clock.split(":"))
        if ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds <= self.warning_seconds:
            raise impossible("time", self.time, f"more than warning_seconds ({self.warning_seconds} s)")
        for option in self.options:
            if option.partition("=")[0] in SETTLED.split():
                raise impossible("options", option, "an option that octavo does not set itself")
        return self

    @property
    def processes(self) -> int:
        """Processes on each machine."""
        return self.processes_per_node or self.gpus_per_node or 1
