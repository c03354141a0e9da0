from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.corpus.licence_terms import is_allowed, obligation
from octavo.corpus.licences import normalise, reserves_rights
from octavo.curation.licences import check_allowed
from octavo.errors import InputError
from octavo.recipe.curation import Licences

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
        ("CC BY-SA 3.0 DE", "CC-BY-SA-3.0-DE"),
        ("CC-BY-3.0-IGO", "CC-BY-3.0-IGO"),
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
        ("https://creativecommons.org/licenses/by-sa/2.1/jp/", "CC-BY-SA-2.1-JP"),
        ("http://creativecommons.org/licenses/by/2.1/es/deed.es", "LicenseRef-CC-BY-2.1"),
        ("https://creativecommons.org/licenses/by/4.0/deed.pt-br", "CC-BY-4.0"),
        ("http://creativecommons.org/licenses/by-nd-nc/1.0/", "CC-BY-NC-ND-1.0"),
        ("CC BY (4.0)", "CC-BY-4.0"),
        ("CC BY 4", "CC-BY-4.0"),
        ("Creative Commons Attribution 4.0 International (CC BY 4.0)", "CC-BY-4.0"),
        ("Namensnennung 4.0 International", "CC-BY-4.0"),
        (
            "Creative Commons Namensnennung - Weitergabe unter gleichen Bedingungen 3.0 Deutschland",
            "CC-BY-SA-3.0-DE",
        ),
        ("Attribution - Partage dans les Mêmes Conditions 4.0 International", "CC-BY-SA-4.0"),
        ("Attribution - Pas d’Utilisation Commerciale - Pas de Modification 4.0", "CC-BY-NC-ND-4.0"),
        ("Creative Commons Atribución-NoComercial-CompartirIgual 4.0 Internacional", "CC-BY-NC-SA-4.0"),
        ("Reconocimiento-NoComercial-SinObraDerivada 3.0 España", "CC-BY-NC-ND-3.0"),
        ("Attribuzione - Non commerciale - Condividi allo stesso modo 4.0", "CC-BY-NC-SA-4.0"),
        ("Naamsvermelding-GelijkDelen 4.0", "CC-BY-SA-4.0"),
        ("Atribuição-NãoComercial-SemDerivações 4.0", "CC-BY-NC-ND-4.0"),
        ("This work is licensed under a Creative Commons Attribution 4.0 International License.", "CC-BY-4.0"),
        (
            "Copyright: © 2013 Doe et al. This is an open-access article distributed under the terms of the Creative "
            "Commons Attribution License, which permits unrestricted use, distribution, and reproduction in any medium, "
            "provided the original author and source are credited.",
            "LicenseRef-CC-BY",
        ),
        ("Text licensed under CC BY 4.0", "CC-BY-4.0"),
        ("All content on this site is available under CC BY-SA 3.0", "CC-BY-SA-3.0"),
        ("CC0 1.0 Universal (CC0 1.0) Public Domain Dedication", "CC0-1.0"),
        ("Not in copyright", "LicenseRef-Public-Domain"),
        ("Œuvre du domaine public", "LicenseRef-Public-Domain"),
        ("pubblico dominio", "LicenseRef-Public-Domain"),
        ("CC-PDM-1.0", "LicenseRef-PDM-1.0"),
        ("Public domain in the USA.", "LicenseRef-rightsstatements-NoC-US"),
        ("https://rightsstatements.org/page/NoC-US/1.0/?language=en", "LicenseRef-rightsstatements-NoC-US"),
        ("http://rightsstatements.org/vocab/InC-OW-EU/1.0/", "LicenseRef-rightsstatements-InC-OW-EU"),
        ("In Copyright", "LicenseRef-rightsstatements-InC"),
        ("No known copyright restrictions", "LicenseRef-rightsstatements-NKC"),
        ("Copyright Undetermined", "LicenseRef-rightsstatements-UND"),
        ("Licence Ouverte v2.0", "etalab-2.0"),
        ("Licence Ouverte 1.0", "LicenseRef-etalab-1.0"),
        ("Open Government Licence v2.0", "OGL-UK-2.0"),
        ("http://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/", "OGL-UK-3.0"),
        ("Open Government Licence - Canada", "OGL-Canada-2.0"),
        ("NLOD 1.0", "NLOD-1.0"),
        ("https://data.norge.no/nlod/en/2.0", "NLOD-2.0"),
        ("Free Art License 1.3", "LAL-1.3"),
        ("Licence Art Libre", "LAL-1.3"),
        ("https://www.govdata.de/dl-de/by-2-0", "DL-DE-BY-2.0"),
        ("Open Database License", "ODbL-1.0"),
        ("https://opendatacommons.org/licenses/by/1-0/", "ODC-By-1.0"),
        ("The MIT License (MIT)", "MIT"),
        ("Apache License, Version 2.0", "Apache-2.0"),
        ("http://www.apache.org/licenses/LICENSE-2.0", "Apache-2.0"),
        ("BSD-3-Clause License", "BSD-3-Clause"),
        ("New BSD License", "BSD-3-Clause"),
        ("https://opensource.org/license/mit/", "MIT"),
        ("Mozilla Public License 2.0", "MPL-2.0"),
        ("GNU General Public License v2.0 or later", "GPL-2.0-or-later"),
        ("GPLv3", "GPL-3.0-only"),
        ("https://www.gnu.org/licenses/agpl-3.0.html", "AGPL-3.0-only"),
        ("GNU Free Documentation License", "LicenseRef-GFDL"),
        ("GNU Free Documentation License 1.2 or later", "GFDL-1.2-or-later"),
        ("GFDL 1.3 no invariants", "GFDL-1.3-no-invariants-only"),
        ("(MIT OR Apache 2.0) AND CC BY 4.0", "(MIT OR Apache-2.0) AND CC-BY-4.0"),
        ("CC0; Public Domain", "CC0-1.0 AND LicenseRef-Public-Domain"),
        ("GPL-2.0-or-later WITH Classpath-exception-2.0", "GPL-2.0-or-later WITH Classpath-exception-2.0"),
        ("LicenseRef-Acme", "LicenseRef-Acme"),
        ("licenseref-public-domain", "LicenseRef-Public-Domain"),
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
        "The text is freely available",
        "copyright free",
        "BSD",
        "CC BY 9.9",
        "https://creativecommons.org/",
        "MIT OR",
        "MIT OR see website",
        "Creative Commons Attribution (CC BY-NC 4.0)",
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
        "Images excluded, text licensed under CC BY 4.0, not for commercial use",
        "Photographs licensed under CC BY 4.0",
        "Data available under CC0",
        "Supplementary data are available under CC0",
        "The abstract is licensed under CC BY 4.0",
        "Cover licensed under CC BY 4.0",
        "Translation licensed under CC BY 4.0",
        "Metadata and abstracts are made available under CC0",
        "Not licensed under CC BY 4.0",
        "CC BY 4.0; all rights reserved",
        "© 2020 Doe. All rights reserved. CC BY 4.0",
        "Distributed under the Creative Commons Attribution License, which permits unrestricted non-commercial use, "
        "distribution, and reproduction in any medium",
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
    check_allowed(["CC-PDM-1.0", "LicenseRef-Acme", "GFDL-1.3-no-invariants-only"])
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


def test_of_a_choice_the_open_side_says_what_is_asked() -> None:
    assert obligation("MIT OR GPL-3.0-only") == "attribution"
    assert obligation("CC-BY-NC-4.0 OR CC-BY-SA-4.0", OPEN) == "share-alike"
    assert obligation("CC0-1.0 OR (MIT AND CC-BY-SA-4.0)", OPEN) == "none"


@pytest.mark.parametrize(
    "stated",
    [
        "All rights reserved",
        "Tous droits réservés.",
        "Alle Rechte vorbehalten",
        "Todos los derechos reservados",
        "Todos os direitos reservados",
        "Tutti i diritti riservati",
        "Alle rechten voorbehouden",
        "© 1987 Doe",
        "Copyright 2012, the publisher. No reproduction without permission.",
        "proprietary",
        "Research use only",
        "Liberamente accessibile per uso personale",
        "Non-commercial use (conditions of the library)",
        "CC BY 4.0 (non-commercial)",
    ],
)
def test_words_that_keep_rights_back_are_known(stated: str) -> None:
    assert normalise(stated) is None
    assert reserves_rights(stated)


@pytest.mark.parametrize(
    "stated",
    ["See website", "unknown", "free", "", "CC BY 4.0", "Public Domain", "No known copyright", "copyright free"],
)
def test_words_that_keep_nothing_back_are_not_taken_for_it(stated: str) -> None:
    assert not reserves_rights(stated)


def test_what_gates_ask_in_their_own_names_is_one_licence() -> None:
    assert is_allowed("LicenseRef-PDM-1.0", ("CC-PDM-1.0",))
    assert is_allowed("LicenseRef-CC-BY-2.1", ("CC-BY-*",))
    assert not is_allowed("LicenseRef-CC-BY-NC-2.1", ("CC-BY-*",))
    assert is_allowed("NLOD-1.0", OPEN)
    assert is_allowed("LAL-1.3", OPEN)
    assert is_allowed("GFDL-1.3-no-invariants-or-later", OPEN)
    for closed in (
        "GFDL-1.3-only",
        "GPL-3.0-only",
        "LicenseRef-GFDL",
        "LicenseRef-rightsstatements-NoC-US",
        "MPL-2.0",
    ):
        assert not is_allowed(closed, OPEN)


STATEMENTS = st.sampled_from(
    [
        "InC",
        "InC-OW-EU",
        "InC-EDU",
        "InC-NC",
        "InC-RUU",
        "NoC-CR",
        "NoC-NC",
        "NoC-OKLR",
        "NoC-US",
        "CNE",
        "UND",
        "NKC",
    ]
)


@given(STATEMENTS, st.sampled_from(["vocab", "page", "data"]), st.sampled_from(["http", "https"]), st.booleans())
def test_every_rights_statement_is_read_and_none_is_on_the_list(
    name: str, kind: str, scheme: str, slash: bool
) -> None:
    spdx = normalise(f"{scheme}://rightsstatements.org/{kind}/{name}/1.0{'/' * slash}")
    assert spdx == f"LicenseRef-rightsstatements-{name}"
    assert normalise(spdx) == spdx
    assert not is_allowed(spdx, OPEN)


@given(st.sampled_from(OPEN))
def test_an_entry_of_the_list_is_its_own_name(entry: str) -> None:
    spdx = entry.replace("-*", "-3.0" if not entry.startswith("NLOD") else "-1.0")
    assert normalise(spdx) == spdx
    assert normalise(spdx.lower()) == spdx
    assert is_allowed(spdx, OPEN)
