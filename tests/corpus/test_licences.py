from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.licences import is_allowed, normalise, obligation
from octavo.curation.licences import check_allowed
from octavo.errors import InputError
from octavo.recipe import Licences

OPEN = tuple(Licences().allow)
CC_BY = ("CC-BY-*", "CC-BY-SA-*")


@pytest.mark.parametrize(
    ("stated", "spdx"),
    [
        ("Public Domain", "LicenseRef-Public-Domain"),
        ("public domain.", "LicenseRef-Public-Domain"),
        ("Domaine public", "LicenseRef-Public-Domain"),
        ("Gemeinfrei", "LicenseRef-Public-Domain"),
        ("Domínio Público", "LicenseRef-Public-Domain"),
        ("Public Domain Mark 1.0", "LicenseRef-PDM-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "LicenseRef-PDM-1.0"),
        ("CC0", "CC0-1.0"),
        ("cc0-1.0", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/zero/1.0/deed.fr", "CC0-1.0"),
        ("CC-By", "LicenseRef-CC-BY"),
        ("CC-By-SA", "LicenseRef-CC-BY-SA"),
        ("CC BY 4.0", "CC-BY-4.0"),
        ("cc-by-4.0", "CC-BY-4.0"),
        ("CC BY-SA 3.0 DE", "CC-BY-SA-3.0"),
        ("CC-BY-3.0-IGO", "CC-BY-3.0"),
        ("Creative Commons Attribution 4.0 International", "CC-BY-4.0"),
        ("Attribution-ShareAlike 3.0 Unported", "CC-BY-SA-3.0"),
        ("http://creativecommons.org/licenses/by/4.0/", "CC-BY-4.0"),
        ("https://www.creativecommons.org/licenses/by-sa/4.0/legalcode", "CC-BY-SA-4.0"),
        ("creativecommons.org/licenses/by-nc-nd/3.0/fr/", "CC-BY-NC-ND-3.0"),
        ("CC BY-NC-ND 3.0", "CC-BY-NC-ND-3.0"),
        ("Creative Commons Attribution-NonCommercial-NoDerivatives 4.0", "CC-BY-NC-ND-4.0"),
        ("Licence Ouverte", "etalab-2.0"),
        ("MIT", "MIT"),
        ("apache-2.0", "Apache-2.0"),
        ("https://spdx.org/licenses/MIT.html", "MIT"),
        ("https://spdx.org/licenses/CC-BY-4.0", "CC-BY-4.0"),
        ("MIT OR Apache-2.0", "MIT OR Apache-2.0"),
    ],
)
def test_a_sources_words_become_an_spdx_expression(stated: str, spdx: str) -> None:
    assert normalise(stated) == spdx


@pytest.mark.parametrize(
    "stated",
    [
        "",
        " ",
        "All rights reserved",
        "See website",
        "Open license",
        "free",
        "unknown",
        "CC",
        "by",
        "By Ada",
        "attribution",
        "(",
        "AND",
        "©",
    ],
)
def test_words_that_state_no_known_licence_mean_none(stated: str) -> None:
    assert normalise(stated) is None


@pytest.mark.parametrize(
    "stated",
    [
        "CC BY 4.0 NC",
        "CC-BY-3.0-nd",
        "CC BY 4.0 non-commercial",
        "CC BY (non-commercial)",
        "CC BY + NC",
        "CC BY non commercial",
    ],
)
def test_a_restriction_in_an_unusual_place_is_never_dropped(stated: str) -> None:
    spdx = normalise(stated)
    assert spdx is None or "NC" in spdx or "ND" in spdx


@given(st.text(max_size=60))
def test_any_words_at_all_are_either_a_licence_or_none(stated: str) -> None:
    spdx = normalise(stated)
    assert spdx is None or normalise(spdx) == spdx


SEPARATORS = st.sampled_from([" ", "-", "_", "  "])
STATED = st.builds(
    lambda prefix, gap, parts, version, port: f"{prefix}{gap}BY{''.join(gap + p for p in parts)}{version}{port}",
    st.sampled_from(["CC", "cc", "Creative Commons"]),
    SEPARATORS,
    st.lists(st.sampled_from(["NC", "ND", "SA", "nc", "NonCommercial", "NoDerivs", "ShareAlike"]), max_size=3),
    st.sampled_from(["", " 4.0", "-3.0", "-2.5", " v4.0"]),
    st.sampled_from(["", " International", " Unported", "-DE", " NC", "-nd", " fr"]),
)


@given(STATED)
def test_a_known_licence_is_read_the_same_when_it_is_read_again(stated: str) -> None:
    spdx = normalise(stated)
    assert spdx is None or normalise(spdx) == spdx


@given(STATED)
def test_a_non_commercial_or_no_derivatives_licence_never_passes_a_cc_by_pattern(stated: str) -> None:
    said = stated.casefold()
    restricted = any(word in said for word in ("nc", "nd", "noncommercial", "noderivs"))
    spdx = normalise(stated)
    if restricted and spdx is not None:
        assert not is_allowed(spdx, CC_BY)
        assert not is_allowed(spdx, OPEN)


VERSIONS = st.sampled_from(["1.0", "2.0", "2.5", "3.0", "4.0"])


@given(st.sampled_from(["NC", "ND", "NC-SA", "NC-ND"]), VERSIONS, st.sampled_from(["", "-DE", "-IGO"]))
def test_the_spdx_id_of_a_restricted_licence_passes_no_open_list(parts: str, version: str, port: str) -> None:
    for spdx in (f"CC-BY-{parts}-{version}{port}", f"LicenseRef-CC-BY-{parts}"):
        assert not is_allowed(spdx, OPEN)
        assert not is_allowed(spdx, CC_BY)


@given(VERSIONS)
def test_a_star_stands_for_any_version_and_for_none(version: str) -> None:
    assert is_allowed(f"CC-BY-{version}", ("CC-BY-*",))
    assert is_allowed(f"CC-BY-{version}-DE", ("CC-BY-*",))
    assert is_allowed("LicenseRef-CC-BY", ("CC-BY-*",))
    assert not is_allowed(f"CC-BY-SA-{version}", ("CC-BY-*",))


def test_a_licence_without_a_star_is_taken_to_the_letter() -> None:
    assert is_allowed("CC-BY-4.0", ("CC-BY-4.0",))
    assert not is_allowed("CC-BY-3.0", ("CC-BY-4.0",))


def test_an_entry_of_the_allow_list_that_no_licence_has_is_refused() -> None:
    check_allowed(Licences().allow)
    with pytest.raises(InputError, match=r"licences.allow\[1\]: found 'CC-BV-\*', which no licence has for its id"):
        check_allowed(["MIT", "CC-BV-*"])
    with pytest.raises(InputError, match=r"the nearest is Apache-2\.0"):
        check_allowed(["Apache-2"])


def test_of_a_choice_one_side_must_pass_and_of_a_sum_every_side() -> None:
    assert is_allowed("MIT OR GPL-3.0-only", OPEN)
    assert not is_allowed("MIT AND GPL-3.0-only", OPEN)
    assert is_allowed("MIT AND Apache-2.0", OPEN)
    assert not is_allowed("MIT AND (GPL-3.0-only OR CC-BY-NC-4.0)", OPEN)
    assert is_allowed("MIT AND (GPL-3.0-only OR CC0-1.0)", OPEN)


@pytest.mark.parametrize(
    ("spdx", "asked"),
    [
        ("LicenseRef-Public-Domain", "none"),
        ("CC0-1.0", "none"),
        ("CC0-1.0 OR LicenseRef-Public-Domain", "none"),
        ("CC-BY-4.0", "attribution"),
        ("LicenseRef-CC-BY", "attribution"),
        ("MIT", "attribution"),
        ("CC-BY-SA-4.0", "share-alike"),
        ("LicenseRef-CC-BY-SA", "share-alike"),
        ("ODbL-1.0", "share-alike"),
        ("MIT AND CC-BY-SA-4.0", "share-alike"),
    ],
)
def test_a_licence_says_what_it_obliges_to(spdx: str, asked: str) -> None:
    assert obligation(spdx) == asked
