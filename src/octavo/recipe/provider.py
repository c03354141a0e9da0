"""The recipe's section `provider`: what only a person knows, for the papers of a release."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from octavo.recipe.section import Section

Date = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$")]


class Provider(Section):
    """Who is answerable for the model, and what they say of it. What is null is marked in the papers as to be
    completed, by its field's name."""

    name: str | None = None
    """Name of the person or body that provides the model."""
    address: str | None = None
    """Postal address."""
    contact: str | None = None
    """Where to write to: an address that will be read."""
    representative: str | None = None
    """Authorised representative in the European Union, with an address; `none` for a provider inside it."""
    small: bool | None = None
    """Whether the provider is a small or medium-sized enterprise, a start-up or no enterprise at all."""
    country: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    """Where the machines stand (ISO 3166-1 alpha-3, such as FRA), for the CO2eq of their electricity."""
    version: str | None = None
    """Version of the model, such as 1.0."""
    earlier_summaries: list[str] | None = None
    """Links to the public summaries of earlier versions; an empty list where there are none."""
    placed_on_market: Date | None = None
    """Day on which the model is offered in the European Union for the first time, as YYYY-MM-DD."""
    training_goes_on: bool | None = None
    """Whether the model will be trained further after its release."""
    channels: list[str] | None = None
    """Where the model can be had, such as [https://huggingface.co/OWNER/NAME]."""
    intended_uses: str | None = None
    """What the model is meant for."""
    acceptable_use: str | None = None
    """What it may not be used for, or where that is written; `none` where nothing is ruled out."""
    signatory: bool | None = None
    """Whether the provider has signed the Code of Practice for general-purpose AI."""
    rights_reservations: str | None = None
    """What is done, beside the recipe's opt-outs, to find and honour reservations of rights against text and data
    mining, before documents come in."""
    crawlers: str | None = None
    """Of sources that the provider crawled: names of the crawlers, what they were for, and how they behave towards
    robots.txt, paywalls and captchas."""
    illegal_content: str | None = None
    """What is done, beside the recipe's rules, to keep illegal content out of the training data."""
    complaints: str | None = None
    """Where rights holders can complain."""
    base_summary: str | None = None
    """For a tune: link to the public summary of its base."""
    other_data: str | None = None
    """Of what corpus.sources does not name, the pairs of a tune and token files that were given: what they are and
    where they are from, whether they are public, licensed, crawled, of users, synthetic or the provider's own, and
    under which licences."""
