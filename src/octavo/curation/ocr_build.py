"""Builds the OCR rule's statistics from simplemma's word lists and octavo's own starter texts.

    pip install simplemma==2.0.0
    python -m octavo.curation.ocr_build

writes ocr_statistics.npz beside this file; ocr_statistics.md there says what is in it, and its licence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from octavo.curation import ocr, ocr_measures, spelling

STARTER = Path(__file__).parent.parent / "corpus" / "starter.parquet"

ORDERS = 4
DISCOUNT = 0.75
TOKEN_WEIGHT = 20.0
"""Of a word of running text, against 1 for a form of the word list."""


def main() -> None:
    """Write the statistics of all languages."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for language in ocr.LANGUAGES:
        words, running = word_list(language), running_words(language)
        arrays |= {f"{language}.{name}": held for name, held in build(words, running, language).items()}
    np.savez_compressed(Path(__file__).parent / ocr_measures.STATISTICS, allow_pickle=False, **arrays)


def word_list(language: str) -> list[str]:
    """The forms and lemmas that simplemma knows."""
    from simplemma.strategies.dictionaries.dictionary_factory import DefaultDictionaryFactory

    entries = DefaultDictionaryFactory().get_dictionary(language)
    return sorted({*entries, *entries.values()})


def running_words(language: str) -> list[str]:
    """The words of the starter texts, repeated as they are there, in old spelling too."""
    names = {
        "de": "German",
        "en": "English",
        "es": "Spanish",
        "fr": "French",
        "it": "Italian",
        "la": "Latin",
        "nl": "Dutch",
        "pt": "Portuguese",
    }
    texts = pq.read_table(STARTER, columns=["language", "text"]).to_pylist()
    return [word for t in texts if t["language"] == names[language] for word in t["text"].split()]


def build(words: list[str], running: list[str], language: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a language's statistics."""
    short, lengths = spelling.word_hashes(running + OLD_WORDS[language].split(), language)
    lexicon, _ = spelling.word_hashes(words + running + OLD_WORDS[language].split(), language)
    hashes = lexicon.astype(np.int64)
    gaps = hashes - np.concatenate([[0], hashes[:-1]])
    counts = gram_counts(words, language) + TOKEN_WEIGHT * gram_counts(running, language)
    return {"gaps": in_bytes(gaps), "short": short[lengths < 4], "surprise": surprises(counts)}


def in_bytes(gaps: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """Gaps as bytes: 255 for each 255 that a gap holds, then what is left."""
    full = gaps // 255
    steps = np.full(int((full + 1).sum()), 255, np.uint8)
    steps[np.cumsum(full + 1) - 1] = gaps % 255
    return steps


def gram_counts(words: list[str], language: str) -> npt.NDArray[np.float64]:
    """How often each letter or end follows each three letters or beginning."""
    codes = spelling.normal_form(spelling.code_points("\n".join(words) + "\n"), language).codes
    inside = codes > 0
    inside[1:] |= codes[:-1] > 0
    return np.bincount(ocr_measures.grams(codes)[:-1][inside], minlength=ocr_measures.GRAM_SIDE**ORDERS).astype(
        np.float64
    )


def surprises(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Negative log-probabilities in bytes, by interpolated absolute discounting (Ney, Essen and Kneser, 1994)."""
    table = counts.reshape([ocr_measures.GRAM_SIDE] * ORDERS)
    probability = np.full(ocr_measures.GRAM_SIDE, 1 / ocr_measures.GRAM_SIDE)
    for order in range(1, ORDERS + 1):
        seen = table.sum(axis=tuple(range(ORDERS - order)))
        total = seen.sum(axis=-1, keepdims=True)
        left = DISCOUNT * (seen > 0).sum(axis=-1, keepdims=True)
        share = np.where(total > 0, left / np.maximum(total, 1), 1.0)
        own = np.maximum(seen - DISCOUNT, 0) / np.maximum(total, 1)
        probability = own + share * probability
    nats = -np.log(np.maximum(probability.ravel(), 1e-12))
    return np.asarray(np.minimum(np.rint(nats * ocr_measures.STEPS_PER_NAT), 255), np.uint8)


OLD_WORDS = {
    "de": "vnd vnnd vnnde vnde vmb vff auff jn jm jr jhr jhm jhn jst yn ym yr yhm yst seyn sey bey zwey drey auß "
    "daz dasz dz wz nit nicht mit myt vnnß uns ouch och ouff uff umb darumb warumb kompt nimpt geyst weyß "
    "wider jtzt itzt jetzo ohn ist ward wart hat het hett han ha gen nun nu so do da wo wie wer was wan "
    "wann dan dann als also all alle an am im in ir er es si sie wir ich mich dich sich dem den der des die "
    "ein eyn eine eyner eynem eim zum zu zuo zur bis biß bisz durch für vor von vom ob od oder ye yetzt sol "
    "solt kan mag muß mus gut guot tag got gott thun thuon etc cap fol lib item vel et de ad non",
    "en": "ye yt yn thou thee thy thine hee shee wee mee bee doe goe soe hath doth saith quoth anie verie onely "
    "owne sunne sonne haue loue giue euer neuer ouer vs vp vpon vnto vnder is his it its in on of or to at "
    "as an a i he she we me my be by do go if no not nor now out our you your yee was has had did may men "
    "man all and any are but can for god her him how let new old one own say see so the too two use who why "
    "yet nay ere oft tis twas ile wil ll re ve st nd rd th mr mrs dr sir jr co esq vol chap cap etc viz ie "
    "eg am pm",
    "es": "la el los las un una de del al y e o u a en es no se le les lo me te nos os mi tu su sus que con por "
    "sin ya si mas muy fue fué era ser ha han he hay sea son soy dos tan tal asi assi ansi dize hazer haze "
    "desta deste della dello vn vna vno vd vm aun aunque quando qual quien rey dios san don fin via dar da "
    "di va ve vi voy oy hoy ay ni sr sra",
    "fr": "le la les un une vn vne de du des au aux et ou où en es est ès ne pas se ce ces cet sa son ses ma mon "
    "mes ta ton tes il ils elle on je tu me te moy toy soy luy lui leur que qui quoy qu y a ont sont fut "
    "estoit auoit auec sur par pour si sy mais or ains ainsi bien roy roys loy foy dit dict dieu sainct mil "
    "cil icel cest ceste icelle iceulx ung li el as ja ny ni nul vos noz voz nos feu lez sus sou jour an "
    "ans eu vu dû ici mr mme ii iii",
    "it": "il lo la i gli le un uno una vn vna di del dei al ai da dal in nel su sul con per tra fra e ed et o od "
    "a ad non ne si se mi ti ci vi che chi cui ma mai già più piu giù sì così qui ho ha hai hanno hò hà è "
    "era fu fù sia son sono sa so tu io noi voi lor suo sua suoi mio mia tuo tua re dio fa fai va do dà sta "
    "sto san huomo hor hora sig st",
    "la": "et in ad ab ac at aut an de ex e a o non nec ne ut vt si se sed sub per pro cum qui quae quod quo qua "
    "quid quis quam quem hic hoc hac hec huc is ea id eo eis ei eum eam eius est es esse sit sint sum sunt "
    "erat fuit tu te tibi me mihi mi nos vos vel ve que iam nam tam ita ubi vbi vnde vna uno una unus duo "
    "tres rex lex res rei re vir vis via bis ter di dei deo deum deus dis os ora ius aes ais ait cur fas "
    "nisi quia do da dat det ego eos eas his hi ii iis cap lib sec sic tot tum tunc dum mox vae vi vix",
    "nl": "de het een den des der t is in op aan aen van tot te met en ende of ofte maar maer als dat die dit "
    "deze dese wat wie hoe hy hij ghy gy gij ick ik wy wij sy zy zij se ze so soo zo sijn zijn haer haar "
    "hem hen hun ons onse uw v uwe mijn myn my mij u nu na nae niet geen gheen noch nog dan daer daar waer "
    "waar wel al alle by bij om omme uit uyt wt ten ter tes sal zal moet mach mag kan can wil was waren "
    "heeft had soude zoude ja god heer men man mr heb zee dag dagh wet art lid",
    "pt": "o a os as um uma hum huma de do da dos das ao à aos às em no na nos nas por pelo com sem e ou que quem "
    "se si sim não nao naõ nem já mas mais muy mui me te lhe lhes vos meu teu seu sua eu tu ele elle ella "
    "he é era foi são sam há ha ser tem tão tam vai vem vê viu ver dar dá deu rei rey lei ley fé pé só sò "
    "até dom el dia mar sr sra dr qual quando assi",
}
"""By language, frequent words in old spelling and the short words of old print, which no modern list has."""


if __name__ == "__main__":
    main()
