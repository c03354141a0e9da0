"""What a server counts, in Prometheus' format; nothing of what is written or asked is among it."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from octavo.inference.server.limits import Turns

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_TOKEN_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)


class Metrics:
    """The counts of one server, in a registry of its own."""

    def __init__(self, turns: Turns) -> None:
        self.registry = CollectorRegistry()
        into = self.registry
        self.requests = Counter("octavo_requests", "Requests answered.", ["endpoint", "status"], registry=into)
        self.cancelled = Counter("octavo_requests_cancelled", "Requests whose client went away.", registry=into)
        self.read = Counter("octavo_prompt_tokens", "Tokens of prompts.", registry=into)
        self.written = Counter("octavo_completion_tokens", "Tokens written.", registry=into)
        self.first_token = Histogram(
            "octavo_time_to_first_token_seconds",
            "From a request's admission to its first token.",
            buckets=_SECONDS,
            registry=into,
        )
        self.token = Histogram(
            "octavo_time_per_output_token_seconds",
            "Between the tokens of a text, as its mean.",
            buckets=_TOKEN_SECONDS,
            registry=into,
        )
        self.trace = Histogram("octavo_trace_seconds", "To trace a text.", buckets=_SECONDS, registry=into)
        for name, what, value in (
            ("octavo_requests_admitted", "Requests that are being answered or wait.", lambda: turns.admitted),
            ("octavo_choices_running", "Texts that are being written.", lambda: turns.running),
            ("octavo_choices_waiting", "Texts that wait for a slot.", lambda: turns.waiting),
            ("octavo_slots", "Texts that can be written at once.", lambda: turns.slots),
        ):
            Gauge(name, what, registry=into).set_function(value)

    def text(self) -> bytes:
        """All counts as Prometheus reads them."""
        return generate_latest(self.registry)
