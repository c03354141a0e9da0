/** The page: a person begins a text, the model goes on, and what stands in the corpus is found. */

import { Trouble, about, trace, useKey, weigh, write } from "./api.js";
import { byId, counted, element, outward } from "./element.js";
import { OPENINGS } from "./openings.js";
import { closePanel, openPanel, panelIsOpen } from "./panel.js";
import { tables, tokenButton, walkTokens } from "./probabilities.js";
import { settings } from "./settings.js";
import { edited, groups, setInType, textOf, weighed } from "./sheet.js";
import { findings, note, sources } from "./sources.js";

const draft = byId("draft");
const text = byId("text");
const probabilities = byId("probabilities");

const ALTERNATIVES = 5;

let parts = [];
let found = [];
/** What "Bring back the last text" brings back. */
let former = null;
/** Stops what is under way: the model's writing, looking it up, or weighing it. */
let writing = null;
let looking = null;
let weighing = null;
let server = null;
let values = null;

// Modes: a draft that a person edits, or a text set in type.

function showDraft() {
  stopAsking();
  closePanel();
  draft.value = textOf(parts);
  text.hidden = true;
  byId("notes").hidden = true;
  draft.hidden = false;
  fit();
  showTools();
}

function showText() {
  draft.hidden = true;
  text.hidden = false;
  const known = new WeakMap();
  const token = (run) => {
    const button = tokenButton(run);
    known.set(button, run.tokens);
    return button;
  };
  shownTokens = known;
  text.replaceChildren(...setInType(parts, found, probabilities.checked, { onFound: openSources, token }));
  firstToken();
  byId("notes").firstElementChild.replaceChildren(
    ...found.map((group, index) => note(group, (opener) => openSources(index, opener))),
  );
  byId("notes").hidden = found.length === 0;
  byId("legend").hidden = !text.querySelector(".token");
  showTools();
}

let shownTokens = new WeakMap();
const firstToken = walkTokens(text, (button, enter) => {
  openPanel(button.ariaLabel, tables(shownTokens.get(button)), button, enter);
});

text.addEventListener("click", ({ target }) => {
  if (target.matches(".token")) target.focus();
});

function openSources(index, opener) {
  const group = found[index];
  openPanel(`Note ${index + 1}`, sources(group), opener, true);
}

function showTools() {
  const reading = draft.hidden && !writing;
  byId("go").textContent = writing ? "Stop" : "Continue";
  // Not on the whole sheet, as what its status tells must be heard meanwhile.
  text.setAttribute("aria-busy", String(Boolean(writing)));
  for (const id of ["edit", "copy"]) byId(id).hidden = !reading;
  byId("anew").hidden = writing !== null || !(parts.length || draft.value);
  byId("back").hidden = writing !== null || former === null;
}

/** Browsers that cannot let a text area grow with its text are told its height. */
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  draft.style.height = "auto";
  draft.style.height = `${draft.scrollHeight}px`;
}

// What is told.

function say(...sentences) {
  const follows = endIsInView();
  byId("status").textContent = sentences.filter(Boolean).join(" ");
  if (follows) byId("status").scrollIntoView({ block: "nearest" });
}

const endIsInView = () => byId("end").getBoundingClientRect().top < innerHeight;

function clearTrouble() {
  byId("trouble").replaceChildren();
  byId("key").hidden = true;
}

let again = null;

function tell(error, retry) {
  again = retry;
  if (error.status === 401) return askForKey(error.message);
  if (!(error instanceof Trouble)) console.error(error);
  const button = element("button", { type: "button" }, "Try again");
  button.addEventListener("click", () => {
    clearTrouble();
    byId("go").focus(); // this button is gone
    retry();
  });
  byId("trouble").replaceChildren(element("p", { class: "trouble" }, error.message, " ", button));
}

function askForKey(message) {
  byId("trouble").replaceChildren(element("p", { class: "trouble" }, message));
  byId("key").hidden = false;
  byId("secret").focus();
}

byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("secret").value);
  byId("secret").value = "";
  clearTrouble();
  byId("go").focus();
  again?.();
  again = null;
});

// Writing.

async function goOn() {
  stopAsking();
  clearTrouble();
  if (!draft.hidden) parts = edited(parts, draft.value);
  const prompt = textOf(parts);
  if (!prompt) {
    say("Begin with a few words of your own, or pick an opening.");
    return draft.focus();
  }
  const chosen = values?.();
  if (!chosen) return server ? undefined : start();
  closePanel();
  byId("go").focus();
  found = [];
  writing = new AbortController();
  showText();
  say("Writing …");
  let written = "";
  let ending;
  const asked = probabilities.checked;
  try {
    const request = { model: server.model.id, prompt, ...chosen, ...(asked && { logprobs: ALTERNATIVES }) };
    const pieces = write(request, writing.signal);
    for (;;) {
      const { value, done } = await pieces.next();
      if (done) {
        ending = endings[value] ?? "";
        break;
      }
      written += value.text;
      parts.push({ by: "model", ...value });
      append(value);
    }
  } catch (error) {
    if (error.name === "AbortError") ending = "Stopped.";
    else ending = error;
  }
  writing = null;
  showText();
  if (ending instanceof Error) {
    say(written && `${counted(count(written), "word")} written before it ended.`);
    return tell(ending, goOn);
  }
  await lookUp(`${counted(count(written), "word")} written.`, ending);
  if (probabilities.checked && !asked) await weighText(); // wished for since it began
}

const endings = {
  stop: "The model ended the text here.",
  length: "",
  get context() {
    const context = counted(server.model.context, "token");
    return `The model’s context of ${context} is full: it can go on no further. Shorten the text, or begin anew.`;
  },
};

const count = (words) => words.split(/\s+/).filter(Boolean).length;

/** A piece that has just been written; the rest stays as it is. */
function append({ text: piece, tokens }) {
  const follows = endIsInView();
  const last = text.lastElementChild;
  if (probabilities.checked && tokens.length) {
    const button = tokenButton({ text: piece, by: "model", tokens });
    shownTokens.set(button, tokens);
    text.append(button);
  } else if (last?.className === "model") {
    last.firstChild.appendData(piece);
  } else {
    text.append(element("span", { class: "model" }, piece));
  }
  if (follows) byId("end").scrollIntoView({ block: "nearest" });
}

// Looking up what is written.

async function lookUp(...told) {
  if (!server.trace) return say(...told, "It cannot be looked up in the corpus: this model came without an index.");
  looking = new AbortController();
  const { signal } = looking;
  say(...told, "Looking it up in the corpus …");
  try {
    const traced = await trace(textOf(parts), signal);
    found = groups(textOf(parts), traced.spans);
    showText();
    say(...told, findings(traced));
  } catch (error) {
    if (error.name === "AbortError") return;
    say(...told, "It was not looked up in the corpus.");
    tell(error, () => lookUp(...told));
  }
}

/** Asks for the probabilities of what was written without them. */
async function weighText() {
  if (weighing || parts.every(({ by, tokens }) => by === "person" || tokens.length)) return;
  clearTrouble();
  weighing = new AbortController();
  say("Weighing each word …");
  try {
    parts = weighed(parts, await weigh(textOf(parts), ALTERNATIVES, weighing.signal));
    showText();
    say("Each of the model’s words has its probability.");
  } catch (error) {
    if (error.name === "AbortError") return;
    say("");
    tell(error, weighText);
  } finally {
    weighing = null;
  }
}

/** Gives up what is being asked about a text that is not there any more. */
function stopAsking() {
  looking?.abort();
  weighing?.abort();
}

// Beginning.

/** Puts another text on the sheet, and keeps the one that was there for the button that brings it back. */
function replace(next, lang) {
  stopAsking();
  const now = { parts: draft.hidden ? parts : edited(parts, draft.value), lang: text.lang };
  former = now.parts.length ? now : null;
  parts = next;
  found = [];
  draft.lang = text.lang = lang;
  clearTrouble();
  say();
  showDraft();
  draft.focus();
  draft.setSelectionRange(draft.value.length, draft.value.length);
}

function layOutOpenings() {
  for (const { lang, name, today, old } of OPENINGS) {
    const pick = (opening, note) => {
      const button = element("button", { type: "button" }, element("span", { lang }, opening), note);
      button.addEventListener("click", () => {
        if (!writing) replace([{ by: "person", text: opening, tokens: [] }], lang);
      });
      return element("dd", {}, button);
    };
    const spelling = element("small", {}, " old spelling");
    const entry = element("div", {}, element("dt", {}, name), pick(today, ""), pick(old, spelling));
    byId("openings").lastElementChild.append(entry);
  }
}

byId("go").addEventListener("click", () => (writing ? writing.abort() : goOn()));
byId("edit").addEventListener("click", () => {
  say();
  showDraft();
  draft.focus();
});
byId("anew").addEventListener("click", () => replace([], ""));
byId("back").addEventListener("click", () => replace(former.parts, former.lang));
byId("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(textOf(parts));
    say("Copied.");
  } catch {
    getSelection().selectAllChildren(text);
    say("This browser lets no page copy: the text is marked, for you to copy it.");
  }
});
draft.addEventListener("input", () => {
  fit();
  showTools();
});
probabilities.addEventListener("change", () => {
  if (!draft.hidden || writing) return;
  closePanel();
  showText();
  if (probabilities.checked) weighText();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !writing) {
    event.preventDefault();
    goOn();
  } else if (event.key === "Escape") {
    if (panelIsOpen()) closePanel(true);
    else writing?.abort();
  }
});

async function start() {
  try {
    server = await about();
  } catch (error) {
    return tell(error, start);
  }
  const { model, defaults, limits, papers, trace: index, key_required: locked } = server;
  document.title = `${model.id} · octavo`;
  byId("model").textContent = model.id;
  byId("lead").append(` What you write goes to ${location.host}, where it runs, and nowhere else.`);
  byId("papers").replaceChildren(...papers.map(({ title, url }) => element("li", {}, outward(url, title))));
  byId("colophon").textContent = [
    model.id,
    counted(model.parameters, "parameter"),
    model.format,
    `reads ${counted(model.context, "token")} at most`,
    index
      ? `a corpus of ${counted(index.documents, "document")} and ${counted(index.words, "word")}`
      : "its corpus is not indexed",
  ].join(" · ");
  const changed = (number) => (byId("settled").textContent = number ? `${number} changed` : "as recommended");
  values = settings(byId("settings").querySelector("form"), defaults, limits, changed);
  if (locked) askForKey("This server is for those who have a key.");
}

layOutOpenings();
showTools();
start();
