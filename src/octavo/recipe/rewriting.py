"""The recipe's section `rewriting`: who rewrites flagged passages, at what pace and price, and what is taken."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from octavo.recipe.rewriting_prompts import PROMPTS, Prompt
from octavo.recipe.section import Language, Positive, Section, Share, impossible

Amount = Annotated[float, Field(ge=0)]


class Rewriting(Section):
    """Who rewrites flagged passages, at what pace and price, and what is taken of the answers."""

    endpoint: Annotated[str, Field(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]
    """Base address of an OpenAI-compatible server, such as http://127.0.0.1:8080/v1."""
    model: Annotated[str, Field(min_length=1)]
    """The model's name as the server knows it."""
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    """Environment variable that holds the key; the key itself is never written anywhere. Null sends none."""
    temperature: Annotated[float, Field(ge=0, le=2)] = 0.0
    """Sampling temperature."""
    max_tokens: Positive = 1024
    """Most tokens of an answer."""
    concurrency: Positive = 8
    """Most requests that are open at once."""
    requests_per_minute: Positive | None = None
    """Most requests sent in any minute; null sets no limit."""
    tokens_per_minute: Positive | None = None
    """Most tokens, sent and received, in any minute; null sets no limit."""
    timeout: Annotated[float, Field(gt=0)] = 120.0
    """Seconds in which an answer must be complete."""
    tries: Positive = 6
    """Times that a request is sent in all, where the server fails or asks to wait."""
    first_wait: Annotated[float, Field(gt=0)] = 1.0
    """Seconds of the first wait after a failure, at most; the next may be twice as long, up to a minute."""
    budget_tokens: Positive | None = None
    """Most tokens, sent and received, for all answers in the cache folder; null sets no limit."""
    budget_cost: Annotated[float, Field(gt=0)] | None = None
    """Most money for all answers in the cache folder, in the currency of the prices; null sets no limit."""
    price_in: Amount = 0.0
    """Price of a million tokens sent."""
    price_out: Amount = 0.0
    """Price of a million tokens received."""
    score_below: Annotated[float, Field(gt=0, le=3)] = 1.0
    """Each dimension of a rewrite must score below this."""
    shortest: Amount = 0.6
    """Least length of a rewrite, as a multiple of the passage's characters."""
    longest: Amount = 1.5
    """Greatest length of a rewrite, as a multiple of the passage's characters."""
    retention: Share = 0.9
    """Least information retention; numbers and dates must be kept in any case."""
    words: Share = 0.4
    """Least share of the passage's longer words that a rewrite must have too."""
    prompts: dict[Language, Prompt] = Field(default_factory=lambda: dict(PROMPTS))
    """What the model is asked, by language of the passage. What is given here is laid over the defaults."""

    @field_validator("endpoint")
    @classmethod
    def _has_a_host(cls, address: str) -> str:
        import httpx2  # heavy, and for this section alone

        try:
            parts = httpx2.URL(address)
            reachable = bool(parts.host) and (parts.port is None or 1 <= parts.port <= 65_535)
        except httpx2.InvalidURL:  # brackets that do not close, a port that is no number
            reachable = False
        if not reachable:
            raise impossible("endpoint", address, "an address with a host, and a port from 1 to 65535 or none")
        return address

    @field_validator("prompts")
    @classmethod
    def _over_the_defaults(cls, given: dict[str, Prompt]) -> dict[str, Prompt]:
        return {**PROMPTS, **given}

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.shortest > self.longest:
            raise impossible("shortest", self.shortest, f"at most longest ({self.longest})")
        if self.budget_cost is not None and not (self.price_in or self.price_out):
            raise impossible("budget_cost", self.budget_cost, "none, or the prices that it is reckoned by")
        return self

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """What tokens cost, in the currency of the prices."""
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6
