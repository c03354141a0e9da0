/**
 * The text on the sheet: who wrote what of it, and what of it was found.
 *
 * It is a list of parts, {by: "person" | "model", text, tokens}; each piece that the model wrote is one of its own.
 */

import { element } from "./element.js";

export const textOf = (parts) => parts.map(({ text }) => text).join("");

/** The parts after an edit: what is new is the person's, what stayed on both sides whose it was. */
export function edited(parts, text) {
  const before = textOf(parts);
  const most = Math.min(before.length, text.length);
  let head = 0;
  while (head < most && before[head] === text[head]) head++;
  if (splits(text, head) || splits(before, head)) head--;
  let tail = 0;
  while (tail < most - head && before.at(-1 - tail) === text.at(-1 - tail)) tail++;
  if (splits(text, text.length - tail) || splits(before, before.length - tail)) tail--;
  const added = text.slice(head, text.length - tail);
  return [
    ...cut(parts, 0, head),
    ...(added ? [{ by: "person", text: added, tokens: [] }] : []),
    ...cut(parts, before.length - tail, before.length),
  ];
}

const splits = (text, at) => /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(Math.max(0, at - 1), at + 1));

/** The parts of a stretch of the text; one that is cut has no tokens any more. */
function cut(parts, start, end) {
  const kept = [];
  let at = 0;
  for (const part of parts) {
    const text = part.text.slice(Math.max(0, start - at), Math.max(0, end - at));
    if (text) kept.push(text === part.text ? part : { ...part, text, tokens: [] });
    at += part.text.length;
  }
  return kept;
}

/** The parts after all of the text was weighed, in pieces: the model's have their tokens. */
export function weighed(parts, pieces) {
  let at = 0;
  return pieces.flatMap(({ text, tokens }) => {
    const found = cut(parts, at, (at += text.length));
    return found.every(({ by }) => by === "model") ? { by: "model", text, tokens } : found;
  });
}

/**
 * Spans that overlap brought together, in the order of the text: {start, end, spans}, in UTF-16 units.
 *
 * The server counts code points; what lies outside of the basic plane has two units in JavaScript.
 */
export function groups(text, spans) {
  const units = [0];
  for (const character of text) units.push(units.at(-1) + character.length);
  const found = [];
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const [start, end] = [units[span.start], units[span.end]];
    const last = found.at(-1);
    if (last && start < last.end) {
      last.end = Math.max(last.end, end);
      last.spans.push(span);
    } else {
      found.push({ start, end, spans: [span] });
    }
  }
  for (const group of found) group.spans.sort((a, b) => spans.indexOf(a) - spans.indexOf(b));
  return found;
}

/** The text as elements: links where it was found, and, with `probabilities`, a button for each token. */
export function setInType(parts, found, probabilities, { onFound, token }) {
  const nodes = [];
  let link = null;
  for (const run of runs(parts, found, probabilities)) {
    const node = run.tokens ? token(run) : element("span", { class: run.by }, run.text);
    if (run.group === null || run.tokens) {
      link = null;
      if (run.group !== null) node.classList.add("found");
      nodes.push(node);
    } else if (link?.group === run.group) {
      link.node.append(node);
    } else {
      const attributes = { class: "found", href: "#panel", "aria-description": "found in the corpus" };
      link = { group: run.group, node: element("a", attributes, node) };
      link.node.addEventListener("click", (event) => {
        event.preventDefault();
        onFound(run.group, event.currentTarget);
      });
      nodes.push(link.node);
    }
    if (run.group !== null && run.end >= found[run.group].end) nodes.at(-1).dataset.note = run.group + 1;
  }
  return nodes;
}

/** Stretches that look the same throughout: {text, by, end, group, tokens}; group is an index or null. */
function runs(parts, found, probabilities) {
  const cuts = found.flatMap(({ start, end }) => [start, end]);
  const made = [];
  let at = 0;
  for (const { by, text, tokens } of parts) {
    const end = at + text.length;
    const shown = probabilities && tokens.length > 0;
    const edges = shown ? [at, end] : [at, ...cuts.filter((place) => at < place && place < end), end];
    for (let index = 1; index < edges.length; index++) {
      const [from, to] = [edges[index - 1], edges[index]];
      const place = found.findIndex((group) => group.start < to && from < group.end);
      const group = place < 0 ? null : place;
      const last = made.at(-1);
      const piece = text.slice(from - at, to - at);
      if (last && !shown && !last.tokens && last.by === by && last.group === group) {
        last.text += piece;
        last.end = to;
      } else {
        made.push({ text: piece, by, end: to, group, tokens: shown ? tokens : null });
      }
    }
    at = end;
  }
  return made;
}
