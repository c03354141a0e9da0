"""The tasks, by the names that recipes give them."""

from __future__ import annotations

from typing import Final

from octavo.tuning import answers_task, ocr_task, translation_task
from octavo.tuning.tasks import Task

TASKS: Final[dict[str, Task]] = {
    "ocr": ocr_task.TASK,
    "translation": translation_task.TASK,
    "rag": answers_task.TASK,
}
