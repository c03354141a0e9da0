"""A passage as it is put to the model that rewrites it: as data within the prompt."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from blake3 import blake3

from octavo.recipe.rewriting_prompts import Problem, Prompt

Message = dict[str, str]


class Question(NamedTuple):
    """A passage as it is put to a model."""

    messages: list[Message]
    code: str
    """What the lines around the passage carry, and an answer must not."""


_CODE_CHARACTERS: Final = 16
_TOKEN: Final = re.compile(
    r"(?=(<[|｜/]?[A-Za-z_▁|｜][^<>\n]{0,60}>|<<SYS>>|<</SYS>>"
    r"|\[/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|THINK)\]))[<\[]"
)
"""The first sign of a token with which chat templates part the speakers: <|im_end|>, </s>, <start_of_turn>, [INST].
Markup such as <i> looks the same."""


def ask(prompt: Prompt, text: str, dimensions: Sequence[str], problems: Sequence[Problem] = ()) -> Question:
    """The messages that ask for a rewrite of a passage, the second time with the problems of the first answer."""
    code = fence_code(text)
    named = ", ".join(prompt.dimensions.get(name, name.replace("_", " ")) for name in dimensions)
    sentences = [prompt.instructions, *(prompt.again[problem] for problem in problems)]
    places = {"{begin}": f"[PASSAGE {code}]", "{end}": f"[/PASSAGE {code}]", "{dimensions}": named}
    system = re.sub(r"\{(?:begin|end|dimensions)\}", lambda place: places[place[0]], "\n".join(sentences))
    passage = f"{places['{begin}']}\n{defused(text)}\n{places['{end}']}"
    return Question([{"role": "system", "content": system}, {"role": "user", "content": passage}], code)


def fence_code(text: str) -> str:
    """A code that the passage does not hold: a part of a hash of it, which nobody can write into it beforehand."""
    digest = blake3(text.encode())
    sent = defused(text)
    while (code := digest.hexdigest()[:_CODE_CHARACTERS]) in sent:
        digest = blake3(digest.digest())
    return code


def defused(text: str) -> str:
    """The passage with a space within what a server would read as the end of a speaker's turn."""
    return _TOKEN.sub(lambda sign: sign[0] + " ", text)


def restored(answer: str, text: str) -> str:
    """An answer without the spaces that `defused` put into the passage, and that the model has copied."""
    for token in sorted(set(tokens(text)), key=len, reverse=True):
        if (sent := defused(token)) not in text:
            answer = answer.replace(sent, token)
    return answer


def tokens(text: str) -> list[str]:
    """What chat templates, or markup, would have as a token."""
    return _TOKEN.findall(text)
