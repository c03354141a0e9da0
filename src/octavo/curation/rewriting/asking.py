"""Flagged passages rewritten by a model behind an OpenAI-compatible endpoint, or refused with the reason.

A passage is asked for once, and once more with what was wrong. What is refused then is to be removed by the
caller. Every answer is kept before it is judged, so that a run which was stopped or killed pays for none twice.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

from octavo.curation.answers import Answers, key_of
from octavo.curation.completions import Completion, Endpoint, NoAnswerError, Pace, Sleep, most_tokens
from octavo.curation.rewriting.guards import Reason, Score, Verdict, judge, problems_of
from octavo.curation.rewriting.prompts import Question, ask
from octavo.errors import InputError, OctavoError
from octavo.progress import Progress, StoppedError
from octavo.recipe.rewriting import Rewriting
from octavo.recipe.rewriting_prompts import Problem

ATTEMPTS: Final = 2
"""Times that a passage is asked for: once, and once more with what was wrong."""


class Passage(NamedTuple):
    """A flagged passage."""

    id: str
    text: str
    lang: str
    """ISO 639-1."""
    dimensions: tuple[str, ...]
    """What it was flagged for."""


@dataclass(frozen=True)
class Attempt:
    """An answer, and what the guards say of it."""

    answer: Completion
    verdict: Verdict
    cost: float
    """In the currency of the prices, whenever it was paid."""

    def as_json(self) -> dict[str, Any]:
        """The figures for the ledger, without the text."""
        return {
            **self.verdict.as_json(),
            "model": self.answer.model,
            "tokens_in": self.answer.tokens_in,
            "tokens_out": self.answer.tokens_out,
            "cost": round(self.cost, 8),
        }


@dataclass(frozen=True)
class Rewrite:
    """What became of a passage."""

    id: str
    text: str | None
    """The rewrite, or None where none was taken and the passage is to be removed."""
    model: str
    """The model's name in the settings; each attempt has the name that the server gives."""
    attempts: tuple[Attempt, ...]

    @property
    def reason(self) -> Reason | None:
        """Why the last answer was refused; None where it was taken."""
        return None if self.text is not None else self.attempts[-1].verdict.reasons[0]

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens sent and received for it."""
        answers = [attempt.answer for attempt in self.attempts]
        return sum(answer.tokens_in for answer in answers), sum(answer.tokens_out for answer in answers)

    @property
    def cost(self) -> float:
        """In the currency of the prices."""
        return sum(attempt.cost for attempt in self.attempts)

    def as_json(self) -> dict[str, Any]:
        """The evidence for the ledger."""
        return {
            "model": self.model,
            "reason": self.reason,
            "attempts": [attempt.as_json() for attempt in self.attempts],
        }


def check_prompts(settings: Rewriting, languages: Sequence[str]) -> None:
    """Raise InputError where the settings have no prompt for a language."""
    for lang in languages:
        if lang not in settings.prompts:
            known = ", ".join(sorted(settings.prompts))
            raise InputError(f"rewriting.prompts: found none for {lang!r}, expected one beside those for {known}")


class Rewriter:
    """Rewrites passages; its pace, its budget and its answers hold over all calls."""

    def __init__(
        self,
        settings: Rewriting,
        score: Score,
        folder: Path,
        now: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`folder` keeps the answers. Raises OctavoError where another process is at them."""
        self.settings = settings
        self.score = score
        self.answers = Answers(folder)
        self.pace = Pace(settings.requests_per_minute, settings.tokens_per_minute, now)
        self.sleep = sleep
        self.reserved = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answers.__exit__(kind, error, trace)

    @property
    def spent(self) -> tuple[int, int, float]:
        """Tokens sent and received, and their cost, of all answers in the folder."""
        tokens = self.answers.tokens_in, self.answers.tokens_out
        return *tokens, self.settings.cost(*tokens)

    def rewrite(self, passages: Sequence[Passage], progress: Progress | None = None) -> list[Rewrite]:
        """What became of each passage, in their order.

        Raises OctavoError where the endpoint does not answer, refuses or the budget is spent, InputError where
        the settings are the reason, and StoppedError where the person asked for it: nothing is left open then,
        the answers are kept, and the next call goes on from there.
        """
        check_prompts(self.settings, [passage.lang for passage in passages])
        same: dict[tuple[str, str, tuple[str, ...]], list[int]] = {}
        for place, passage in enumerate(passages):
            same.setdefault(passage[1:], []).append(place)
        unlike = [(places[0], passages[places[0]]) for places in same.values()]
        # First what is answered already, so that a budget that is spent tells truly what is left.
        first = dict(sorted(unlike, key=lambda found: self.kept(self.request(self.question(found[1]))) is None))
        done = asyncio.run(_Work(self, first, progress or Progress()).run())
        found = {place: done[places[0]] for places in same.values() for place in places}
        return [replace(found[place], id=passage.id) for place, passage in enumerate(passages)]

    def question(self, passage: Passage, problems: Sequence[Problem] = ()) -> Question:
        """How a passage is put to the model, the second time with the problems of the first answer."""
        return ask(self.settings.prompts[passage.lang], passage.text, passage.dimensions, problems)

    def request(self, question: Question) -> dict[str, Any]:
        """What is sent for a question; it is also what its answer is kept by."""
        return {
            "model": self.settings.model,
            "messages": question.messages,
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
        }

    def kept(self, request: Mapping[str, Any]) -> Completion | None:
        """The answer to a request that an earlier one has paid for, or None."""
        answer = self.answers.get(key_of(request))
        return answer if answer and answer.may_be_kept else None

    def over_budget(self, tokens_in: int, tokens_out: int) -> str | None:
        """Which budget would not bear so many tokens beside what is spent and reserved; None where all do."""
        ahead_in = self.answers.tokens_in + self.reserved[0] + tokens_in
        ahead_out = self.answers.tokens_out + self.reserved[1] + tokens_out
        most, money = self.settings.budget_tokens, self.settings.budget_cost
        spent_in, spent_out, cost = self.spent
        if most is not None and ahead_in + ahead_out > most:
            return f"budget_tokens: found {spent_in + spent_out:,} of {most:,} tokens spent"
        if money is not None and self.settings.cost(ahead_in, ahead_out) > money:
            return f"budget_cost: found {cost:,.4f} of {money:,.4f} spent"
        return None

    def reserve(self, tokens_in: int, tokens_out: int) -> None:
        """Set tokens aside, or with negative numbers free them."""
        self.reserved = self.reserved[0] + tokens_in, self.reserved[1] + tokens_out


class _Work:
    """One call: workers that each take a passage after the other, until all are done or something stops them."""

    def __init__(self, rewriter: Rewriter, passages: Mapping[int, Passage], progress: Progress) -> None:
        self.rewriter = rewriter
        self.passages = passages
        self.progress = progress
        self.waiting: Iterator[tuple[int, Passage]] = iter(passages.items())
        self.done: dict[int, Rewrite] = {}
        self.stop: Exception | None = None
        self.idle: set[asyncio.Task[Any]] = set()
        """Tasks that wait for no answer, and can be ended without losing one."""
        self.settled = asyncio.Condition()
        self.endpoint: Endpoint | None = None

    async def run(self) -> dict[int, Rewrite]:
        """What became of each passage, by its place."""
        workers = [asyncio.create_task(self._work()) for _ in range(self.rewriter.settings.concurrency)]
        watch = asyncio.create_task(self._watch())
        try:
            await asyncio.gather(*workers, return_exceptions=True)
        finally:
            watch.cancel()
            if self.endpoint:
                await self.endpoint.close()
        if self.stop is None:
            return self.done
        if not isinstance(self.stop, OctavoError):
            raise self.stop
        left = len(self.passages) - len(self.done)
        raise type(self.stop)(
            f"{self.stop}; {left:,} of {len(self.passages):,} passages are left to rewrite. The answers so far are"
            f" kept in {self.rewriter.answers.path}, and the next run goes on from there"
        ) from None

    async def _work(self) -> None:
        for place, passage in self.waiting:
            self._look()
            if self.stop is not None:
                return
            try:
                self.done[place] = await self._rewrite(passage)
            except Exception as error:
                self._end(error)
                return
            tokens_in, tokens_out, cost = self.rewriter.spent
            note = f"{tokens_in + tokens_out:,} tokens" + (f", cost {cost:,.2f}" if cost else "")
            self.progress.update(len(self.done), len(self.passages), note)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            self._look()

    def _look(self) -> None:
        if self.stop is None and self.progress.stopping():
            self._end(StoppedError())

    def _end(self, error: Exception) -> None:
        """Send nothing more; what is on its way may still arrive."""
        self.stop = self.stop or error
        for task in self.idle:
            task.cancel()

    async def _rewrite(self, passage: Passage) -> Rewrite:
        settings = self.rewriter.settings
        attempts: list[Attempt] = []
        problems: list[Problem] = []
        while True:
            question = self.rewriter.question(passage, problems)
            try:
                answer = await self._answer(passage, self.rewriter.request(question))
            except NoAnswerError as error:
                answer = Completion(None, None, None, 0, 0, str(error))
                verdict = Verdict(("no-answer",), str(error))
            else:
                verdict = judge(passage.text, passage.lang, question, answer, settings, self.rewriter.score)
            cost = settings.cost(answer.tokens_in, answer.tokens_out)
            attempts.append(Attempt(answer, verdict, cost))
            problems = problems_of(verdict.reasons)
            if not problems or len(attempts) == ATTEMPTS:
                text = None if verdict.reasons else verdict.text
                return Rewrite(passage.id, text, settings.model, tuple(attempts))

    async def _answer(self, passage: Passage, request: Mapping[str, Any]) -> Completion:
        """The answer to a request for a passage, kept or new.

        Raises NoAnswerError where this request alone is not answered, OctavoError where none is.
        """
        if kept := self.rewriter.kept(request):
            return kept
        key = key_of(request)
        try:
            return await self._new_answer(key, request)
        except NoAnswerError as error:
            await self._probe(passage, error)
        try:  # what kept it from an answer may have passed just before the probe
            return await self._new_answer(key, request)
        except NoAnswerError as error:
            if error.busy:
                raise self._unanswered(error) from None
            raise

    async def _probe(self, passage: Passage, error: NoAnswerError) -> None:
        """Raise OctavoError unless the server answers the same question about a harmless text."""
        if error.busy:
            raise self._unanswered(error)
        harmless = self.rewriter.request(self.rewriter.question(passage._replace(text=_HARMLESS)))
        try:
            answer = await self._new_answer(key_of({"probe": time.time_ns()}), harmless)
        except NoAnswerError:
            raise self._unanswered(error) from None
        if not answer.may_be_kept:
            raise self._unanswered(error)

    def _unanswered(self, error: NoAnswerError) -> OctavoError:
        endpoint = self.rewriter.settings.endpoint
        return OctavoError(f"rewriting.endpoint: found {error} at {endpoint}, expected an answer")

    async def _new_answer(self, key: bytes, request: Mapping[str, Any]) -> Completion:
        """Ask within the budget, and keep the answer under its key."""
        most = most_tokens(request)
        await self._reserve(*most)
        try:
            if self.endpoint is None:
                self.endpoint = Endpoint(self.rewriter.settings, self.rewriter.pace, self._pause)
            answer = await self.endpoint.complete(request)
            if answer.may_be_kept:
                self.rewriter.answers.put(key, answer)
            return answer
        finally:
            self.rewriter.reserve(-most[0], -most[1])
            async with self.settled:
                self.settled.notify_all()

    async def _reserve(self, tokens_in: int, tokens_out: int) -> None:
        """Set a request's tokens aside; wait where only those of others, still on their way, are too many."""
        async with self.settled:
            while over := self.rewriter.over_budget(tokens_in, tokens_out):
                if self.rewriter.reserved == (0, 0):
                    raise OctavoError(
                        f"rewriting.{over}, expected enough for the next request"
                        f" (up to {tokens_in:,} tokens sent and {tokens_out:,} received)"
                    )
                await self.settled.wait()
                self._check()
            self._check()
            self.rewriter.reserve(tokens_in, tokens_out)

    async def _pause(self, seconds: float) -> None:
        """Sleep, unless or until all is stopped."""
        self._check()
        task = asyncio.current_task()
        assert task is not None
        self.idle.add(task)
        try:
            await self.rewriter.sleep(seconds)
        finally:
            self.idle.discard(task)

    def _check(self) -> None:
        if self.stop is not None:
            raise StoppedError


_HARMLESS: Final = "The sun was high, and the children played in the garden behind the old house."
"""What shows whether an endpoint answers at all, asked as a passage is."""
_WATCH_SECONDS: Final = 0.2
"""How often it is looked whether the person asked to stop."""
