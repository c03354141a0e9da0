/** How likely the model held each token that it wrote, and what it might have written instead. */

import { element } from "./element.js";

const STEPS = [0.9, 0.6, 0.3, 0.1, 0.02];

/** How full the shade behind a token is, from 0 (at 90 % and more) to 5 (under 2 %). */
const fullness = (probability) => STEPS.filter((step) => probability < step).length;

export function percent(probability) {
  if (probability < 0.001) return "under 0.1 %";
  return `${(100 * probability).toFixed(probability < 0.1 ? 1 : 0)} %`;
}

/** A token's text with what is blank made visible. */
export function visible(text) {
  return text.replaceAll("\n", "¶").replaceAll("\t", "⇥").replace(/^ | $/g, "␣") || "(no text)";
}

/** The element of a piece of text: a button that is named by its text and its probability. */
export function tokenButton({ text, by, tokens }) {
  // A character of several tokens is as likely as all of them together.
  const probability = Math.exp(tokens.reduce((sum, { logprob }) => sum + logprob, 0));
  const attributes = {
    class: `${by} token p${fullness(probability)}`,
    role: "button",
    tabindex: "-1",
    "aria-label": `“${text.trim() || visible(text)}”, ${percent(probability)}`,
  };
  return element("span", attributes, text);
}

/** A table for each token of a piece: its likeliest alternatives, and itself. */
export function tables(tokens) {
  return tokens.map(({ text, logprob, alternatives }) => {
    const rows = alternatives.some(([other]) => other === text) ? alternatives : [...alternatives, [text, logprob]];
    return element(
      "table",
      { class: "alternatives" },
      element("caption", {}, "What the model held likeliest here, before penalty and temperature"),
      element("thead", {}, element("tr", {}, heading("Text"), heading("Probability"))),
      element("tbody", {}, ...rows.map(([other, each]) => row(other, Math.exp(each), other === text))),
    );
  });
}

const heading = (text) => element("th", { scope: "col" }, text);

function row(text, probability, written) {
  const meter = element("meter", { min: "0", max: "1", value: String(probability), "aria-hidden": "true" });
  return element(
    "tr",
    { class: written ? "written" : null },
    element("th", { scope: "row" }, visible(text), written ? element("small", {}, " written") : null),
    element("td", {}, meter, element("span", {}, percent(probability))),
  );
}

/** One stop of the Tab key for all tokens, arrow keys from each to the next; `show` is told which is looked at. */
export function walkTokens(container, show) {
  const all = () => [...container.querySelectorAll(".token")];
  const stop = (token) => {
    for (const other of all()) other.tabIndex = other === token ? 0 : -1;
  };
  container.addEventListener("keydown", (event) => {
    const tokens = all();
    const at = tokens.indexOf(event.target);
    if (at < 0) return;
    const [before, after, last] = [at - 1, at + 1, tokens.length - 1];
    const next = { ArrowRight: after, ArrowDown: after, ArrowLeft: before, ArrowUp: before, Home: 0, End: last };
    if (event.key in next) {
      event.preventDefault();
      tokens[next[event.key]]?.focus();
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      show(event.target, true);
    }
  });
  container.addEventListener("focusin", ({ target }) => {
    if (!target.matches(".token")) return;
    stop(target);
    show(target, false);
  });
  container.addEventListener("pointerover", ({ target, pointerType }) => {
    if (pointerType === "mouse" && target.matches(".token")) show(target, false);
  });
  return () => stop(all()[0]);
}
