"""The names of the road's stages; alone here, as the command line must start at once."""

from __future__ import annotations

from typing import Literal

StageName = Literal["corpus", "curation", "tokenization", "pairs", "training", "evaluation", "release", "trace"]
