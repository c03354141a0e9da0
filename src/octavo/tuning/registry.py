"""The tasks, by the names that recipes give them."""

from __future__ import annotations

from typing import Final

from octavo.tuning.answers import task as answers_task
from octavo.tuning.ocr import task as ocr_task
from octavo.tuning.tasks import Task
from octavo.tuning.translation import task as translation_task

TASKS: Final[dict[str, Task]] = {
    "ocr": ocr_task.TASK,
    "translation": translation_task.TASK,
    "rag": answers_task.TASK,
}
