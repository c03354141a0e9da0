from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.curation.personal_data import REDACTED, redact

SHARED = Path(__file__).parent.parent.parent.parent / "shared" / "corpus"

CAUGHT = [
    ("en", "Write to jane.roe@mail.example.org today.", "Write to [EMAIL] today.", "EMAIL"),
    ("en", "See mailto:jane@roe.example now", "See mailto:[EMAIL] now", "EMAIL"),
    ("en", "jane (at) roe (dot) org is hers", "[EMAIL] is hers", "EMAIL"),
    ("es", "escriba a ana [arroba] casa [punto] es hoy", "escriba a [EMAIL] hoy", "EMAIL"),
    ("en", "ftp://anna:s3cret@host.example/x", "ftp://[CREDENTIALS]@host.example/x", "CREDENTIALS"),
    ("en", "Call 555-0147 now", "Call [PHONE] now", "PHONE"),
    ("en", "at (212) 555-0147.", "at [PHONE].", "PHONE"),
    ("en", "her cell 212-555-0147 rang", "her cell [PHONE] rang", "PHONE"),
    ("de", "Handy 0171 2345678 gern", "Handy [PHONE] gern", "PHONE"),
    ("de", "Handy: 171 2345678 gern", "Handy: [PHONE] gern", "PHONE"),
    ("es", "móvil 612 345 678 hoy", "móvil [PHONE] hoy", "PHONE"),
    ("pt", "ligar +351 212 345 678 hoje", "ligar [PHONE] hoje", "PHONE"),
    ("en", "whois +1.2125550147 said", "whois [PHONE] said", "PHONE"),
    ("en", "card 4242 4242 4242 4242 test", "card [CARD] test", "CARD"),
    ("en", "paid 5500 0055 5555 5559 and", "paid [CARD] and", "CARD"),
    ("fr", "Tél. : 01 99 00 12 34.", "Tél. : [PHONE].", "PHONE"),
    ("fr", "joindre le 01 99 00 12 34 avant midi", "joindre le [PHONE] avant midi", "PHONE"),
    ("de", "Telefon: 030 23125 000", "Telefon: [PHONE]", "PHONE"),
    ("nl", "Telefoon 070 - 339 00 07.", "Telefoon [PHONE].", "PHONE"),
    ("es", "Teléfono 612 345 678", "Teléfono [PHONE]", "PHONE"),
    ("it", "chiamare +39 06 5550 010 subito", "chiamare [PHONE] subito", "PHONE"),
    ("pt", "Telefone: 212 345 678", "Telefone: [PHONE]", "PHONE"),
    ("la", "Fax 0033 1 99 00 12 34", "Fax [PHONE]", "PHONE"),
    ("en", "from 83.145.99.71 yesterday", "from [IP] yesterday", "IP"),
    ("en", "IP address 5.6.7.8 was", "IP address [IP] was", "IP"),
    ("en", "host 2a00:1450:4001:81b::200e up", "host [IP] up", "IP"),
    ("de", "IP 192.0.2.15, Kennung 4411", "IP [IP], Kennung 4411", "IP"),
    ("fr", "depuis 198.51.100.23 hier", "depuis [IP] hier", "IP"),
    ("en", "host 2001:db8:85a3::8a2e:370:7334 up", "host [IP] up", "IP"),
    ("de", "IBAN DE89 3704 0044 0532 0130 00.", "IBAN [IBAN].", "IBAN"),
    ("nl", "op NL91ABNA0417164300 over", "op [IBAN] over", "IBAN"),
    ("en", "card 4111 1111 1111 1111 expired", "card [CARD] expired", "CARD"),
    ("fr", "NIR 1 84 12 76 451 089 46 ici", "NIR [NATIONAL-ID] ici", "NATIONAL-ID"),
    ("es", "DNI 12345678Z en Madrid", "DNI [NATIONAL-ID] en Madrid", "NATIONAL-ID"),
    ("it", "codice RSSMRA85T10A562S fiscale", "codice [NATIONAL-ID] fiscale", "NATIONAL-ID"),
    ("de", "Steuer-ID: 86 095 742 719", "Steuer-ID: [NATIONAL-ID]", "NATIONAL-ID"),
    ("nl", "BSN 111222333 is", "BSN [NATIONAL-ID] is", "NATIONAL-ID"),
    ("pt", "NIF 123456789 e", "NIF [NATIONAL-ID] e", "NATIONAL-ID"),
    ("en", "National Insurance AB123456C of", "National Insurance [NATIONAL-ID] of", "NATIONAL-ID"),
    ("en", "SSN 123-45-6789 of", "SSN [NATIONAL-ID] of", "NATIONAL-ID"),
]
SPARED = [
    ("en", "In 1914-1918, pp. 123-145, vol. 12, 1 John 3:16-18, £1,234,567 and 1234567890."),
    ("en", "ISBN 978-3-16-148410-0, ISSN 0378-5955, doi:10.1371/journal.pone.0120924, arXiv:2101.01234"),
    ("en", "Version 91.0.4472.124 and section 10.20.30.40; 192.168.1.10, 192.0.2.15, 1.2.3.4."),
    ("en", "40.7128, -74.0060; pi = 3.14159265358979323846; +12345678 - 87654321; 5 @ 6.50"),
    ("en", "git@github.com:owner/name.git, getty@tty1.service, icon@2x.png, foo@1.2.3"),
    ("de", "§ 1.2.3.4 Abs. 5 BGBl. I S. 1234, 2345; Nr. 12 345 678 901; Bibl. 4° Cod. 123456789"),
    ("fr", "Article 1234-5, loi no 2004-575 du 21 juin 2004, 12 345 678 habitants, 1 789 000 000 francs"),
    ("es", "612 345 678 habitantes; 12345678A; Ley 39/2015, 1.234.567 pesetas"),
    ("it", "nel 1860, 345 678 lire; G.U. n. 123 del 12.03.1999; 06 1234567"),
    ("nl", "Stb. 1996, 411; artikel 4:34; 123456782; postbus 20301, 2500 EH Den Haag; tel 1914-1918"),
    ("la", "MDCCLXXVI, lib. 4. cap. 12. 13. 14. 15; 1789 1790 1791 1792"),
    ("pt", "Decreto-Lei n.º 123456789; 1.234.567,89; 123 456 789 réis"),
    ("en", "Fuel cell 0.5 1.2 3.4; cell 1998 1999 2000 2001; Call number 641.5944; fax 0.251 0.252 0.253"),
    ("nl", "Ik tel 100.000 inwoners en ik tel 125 300 boeken; telefoon 1998 1999 2000"),
    ("fr", "un excédent de +250 000 000 F; +3.14159265; +212 345 678 francs; le portable 120.500"),
    ("en", "Wheat 2421 2563 2644 2782 and 4021 4563 4644 4787; 2999 9999 9999 9992"),
    ("en", "1234 5678 9012 3456\n4000 1200 3400 5600 7800"),
]


def redacted(text: str | None, lang: str | None) -> tuple[str | None, dict[str, int]]:
    (row,) = redact(pa.array([text], pa.large_string()), pa.array([lang], pa.large_string())).to_pylist()
    return row["text"], json.loads(row["changes"] or "{}")


@pytest.mark.parametrize(("lang", "text", "expected", "kind"), CAUGHT)
def test_personal_data_is_replaced_by_its_kind(lang: str, text: str, expected: str, kind: str) -> None:
    assert redacted(text, lang) == (expected, {kind: 1})


@pytest.mark.parametrize(("lang", "text"), SPARED)
def test_other_numbers_stay(lang: str, text: str) -> None:
    assert redacted(text, lang) == (text, {})


@pytest.mark.parametrize("text", ["IBAN DE89 3704 0044 0532 0130 01", "NIR 1 84 12 76 451 089 47", "BSN 111222334"])
def test_a_wrong_check_digit_is_no_personal_number(text: str) -> None:
    assert redacted(text, "de") == (text, {})


def test_the_language_may_be_unknown() -> None:
    rows = redact(pa.array(["+39 06 5550 010", None, "x"])).to_pylist()
    assert [row["text"] for row in rows] == ["[PHONE]", None, "x"]


ANY = st.lists(
    st.text(st.characters(codec="utf-8"), max_size=20)
    | st.from_regex(r"\+?[0-9 .:/()-]{1,20}", fullmatch=True)
    | st.sampled_from(["Tel. ", "@", "a.b", ".org ", "IP ", "BSN ", "(at)", " ", "\n", *(c[1] for c in CAUGHT)]),
    max_size=8,
).map("".join)


@given(ANY, st.sampled_from([None, "en", "fr", "de", "es", "it", "nl", "pt", "la"]))
def test_any_text_is_redacted_once_and_for_all(text: str, lang: str | None) -> None:
    langs = pa.array([lang], pa.large_string())
    once = redact(pa.array([text], pa.large_string()), langs)
    assert once.type == REDACTED
    assert redact(once.field("text"), langs).to_pylist() == [
        {"text": once.field("text")[0].as_py(), "changes": None}
    ]
    assert (once.field("text")[0].as_py() == text) == (once.field("changes")[0].as_py() is None)


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the real corpus is not beside the repository")
def test_of_the_dirty_texts_the_invented_data_is_redacted() -> None:
    rows = pq.read_table(SHARED / "dirty" / "dirty.parquet", columns=["text", "lang", "issue"]).to_pylist()
    invented = [r for r in rows if r["issue"] == "pii"]
    found = [redacted(r["text"], r["lang"])[1] for r in invented]
    assert {} not in found
    historical = [r for r in rows if r["issue"] == "clean_control"]
    assert [redacted(r["text"], r["lang"])[1] for r in historical] == [{}] * len(historical)
