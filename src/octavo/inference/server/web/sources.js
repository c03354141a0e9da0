/** The passages found in the corpus, with the documents they come from. */

import { counted, element, outward } from "./element.js";
import { licence, spoken } from "./licences.js";
import { languageCode } from "./openings.js";

/** The address of a document's source where it is one of the web, else null. */
function webAddress(address) {
  try {
    const url = new URL(address);
    return /^https?:$/.test(url.protocol) ? url : null;
  } catch {
    return null;
  }
}

/** A note under the text, which opens the sources of a group of spans. */
export function note(group, open) {
  const documents = group.spans.flatMap((span) => span.documents);
  const [first] = documents;
  const button = element(
    "button",
    { type: "button" },
    ...(first
      ? [
          element("cite", { lang: languageCode(first.language) || null }, first.title || first.identifier),
          [first.creator, first.date].filter(Boolean).map((each) => `, ${each}`).join(""),
          ...(first.licence ? [". ", element("span", { class: "whole" }, spoken(first.licence))] : []),
        ]
      : ["The corpus"]),
    new Set(documents.map(({ identifier }) => identifier)).size > 1 ? " and others" : "",
  );
  button.addEventListener("click", () => open(button));
  return element("li", {}, button);
}

/** All that is known of a group of spans: each with its documents. */
export function sources(group) {
  return group.spans.map((span) =>
    element(
      "section",
      { class: "span" },
      element("blockquote", {}, span.text),
      element("p", { class: "small" }, `${counted(span.words, "word")}, ${places(span.count)} in the corpus`),
      ...span.documents.map(source),
    ),
  );
}

const places = (count) => (count === 1 ? "once" : count === 2 ? "twice" : counted(count, "time"));

function source(document) {
  const { title, identifier, creator, date, language, collection, before, passage, after } = document;
  const url = webAddress(document.url);
  const code = languageCode(language);
  const facts = [
    ["By", creator],
    ["Date", date],
    ["Language", code ? new Intl.DisplayNames(["en"], { type: "language" }).of(code) : language],
    ["Collection", collection],
    ["Licence", document.licence && licence(document.licence)],
    ["Source", url ? outward(url.href, url.host) : document.url],
    ["Identifier", title ? identifier : null],
  ];
  return element(
    "article",
    {},
    element("h3", { lang: code || null }, title || identifier),
    element(
      "dl",
      {},
      ...facts
        .filter(([, fact]) => fact)
        .map(([name, fact]) => element("div", {}, element("dt", {}, name), element("dd", {}, ...[fact].flat()))),
    ),
    element("p", { class: "passage", lang: code || null }, before, element("mark", {}, passage), after),
  );
}

/** What tracing found, in a sentence. */
export function findings(traced) {
  const number = traced.spans.length;
  if (number) {
    const verb = number === 1 ? "stands" : "stand";
    return `${counted(number, "passage")} of this ${verb} word for word in the corpus.`;
  }
  const most = traced.longest ? `, but for phrases of at most ${counted(traced.longest, "word")}` : "";
  return `Nothing of this stands word for word in the corpus${most}.`;
}
