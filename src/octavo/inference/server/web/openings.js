/** Beginnings, written for this page: in each language one of today, and one in the spelling of old prints. */

export const OPENINGS = [
  {
    lang: "en",
    name: "English",
    today: "The harbour had been quiet since the frost, and every morning the old keeper",
    old: "In the Yeare 1611. there dwelt at Norwich a Booke-binder, who ſold alſo Inke, and who ſaid, that",
  },
  {
    lang: "fr",
    name: "French",
    today: "Le dimanche, quand la rivière était basse, les enfants du moulin",
    old: "Au moys de May mil cinq cens quarante, vn Libraire de Lyon feit vn liure, auquel eſtoit eſcript, que",
  },
  {
    lang: "es",
    name: "Spanish",
    today: "La imprenta estaba al final de la calle, y por la ventana abierta se oía",
    old: "En la villa de Medina, año de mil y quinientos y ſetenta, viuia vn mercader de libros, el qual dezia que",
  },
  {
    lang: "de",
    name: "German",
    today: "Im Winter, wenn der Fluss zugefroren war, trug der Buchbinder",
    old: "Anno 1642. iſt in dieſer Stadt ein alter Buchdrucker geweſen, der hat allezeit geſagt, daß",
  },
  {
    lang: "it",
    name: "Italian",
    today: "La biblioteca del paese occupava una sola stanza, sopra il forno, e",
    old: "Era in Venetia, l'anno del Signore M. D. LXX. vn ſtampatore, huomo da bene, il quale ſoleua dire, che",
  },
  {
    lang: "nl",
    name: "Dutch",
    today: "Op zolder, achter de kist met zeekaarten, vond de bibliothecaris",
    old: "In den Jare 1637. woonde tot Leyden een Boeckdrucker, die ſeyde dat alle menſchen",
  },
  {
    lang: "la",
    name: "Latin",
    today: "Erat olim in monasterio frater quidam, qui libros",
    old: "Anno Domini M. D. XL. typographus quidam Baſileenſis, vir ſanè doctus, hæc in margine ſcripſit:",
  },
  {
    lang: "pt",
    name: "Portuguese",
    today: "Na rua de baixo havia um livreiro que, todas as tardes,",
    old: "No anno de 1592. havia em Coimbra hum impreſſor, homem velho & honrado, o qual dizia, que",
  },
];

/** The language code of a name such as "French", or of a code itself; "" where neither is known. */
export function languageCode(language) {
  const given = (language ?? "").trim().toLowerCase();
  const known = OPENINGS.find(({ lang, name }) => given === lang || given === name.toLowerCase());
  return known?.lang ?? (/^[a-z]{2,3}(-[a-z0-9]+)*$/.test(given) ? given : "");
}
