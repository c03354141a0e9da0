/** How the model writes: each setting with the recommended value and a sentence on what it does. */

import { element } from "./element.js";

const FIELDS = [
  {
    name: "max_tokens",
    label: "Tokens",
    range: { min: 1, step: 1 },
    says: "How much it writes at most; a token is a word or a part of one.",
  },
  {
    name: "temperature",
    label: "Temperature",
    range: { min: 0, max: 2, step: "any" },
    says: "0 takes the likeliest token each time: best for small base models. Over 0 it draws; 0.7 is lively.",
  },
  {
    name: "repetition_penalty",
    label: "Repetition penalty",
    range: { min: 1, max: 2, step: "any" },
    says: "Holds it back from what it has written already. 1.1 to 1.2 keeps small models out of loops; 1 is none.",
  },
  {
    name: "top_p",
    label: "Top-p",
    range: { min: 0.01, max: 1, step: "any" },
    says: "Draws from the likeliest tokens that make up this share; 1 is all. Counts only over temperature 0.",
  },
  {
    name: "top_k",
    label: "Top-k",
    range: { min: 0, step: 1 },
    says: "Draws from this many of the likeliest tokens; 0 is all. Counts only over temperature 0.",
  },
  {
    name: "min_p",
    label: "Min-p",
    range: { min: 0, max: 1, step: "any" },
    says: "Leaves out what is less likely than this share of the likeliest. Counts only over temperature 0.",
  },
  {
    name: "seed",
    label: "Seed",
    range: { min: 0, max: 2 ** 31 - 1, step: 1 },
    says: "The same seed draws the same text again. Counts only over temperature 0.",
  },
  { name: "stop", label: "Stop at", says: "It ends before one of these, one a line; \\n is a line’s end." },
];

/** Fills the form; returns what reads it (null where a value is not valid). `changed` is told how many differ. */
export function settings(form, defaults, limits, changed) {
  const fields = FIELDS.map(({ name, label, range, says }) => {
    const attributes = { id: `set-${name}`, "aria-describedby": `says-${name}`, name };
    const input = range
      ? element("input", { ...attributes, type: "number", required: true, inputmode: "decimal", ...range })
      : element("textarea", { ...attributes, rows: "2" });
    if (name === "max_tokens") input.max = limits.max_tokens;
    const recommended = name === "stop" ? lines(defaults.stop) : String(defaults[name]);
    // A model may recommend what is past the usual.
    if (range) input.min = Math.min(input.min, recommended);
    if (range && input.max) input.max = Math.max(input.max, recommended);
    const shown = recommended || "none";
    form.append(
      element(
        "div",
        { class: "setting" },
        element("label", { for: input.id }, label),
        input,
        element("p", { id: `says-${name}` }, `${says} Recommended: ${shown}.`),
      ),
    );
    return { name, input, recommended };
  });
  const reset = element("button", { type: "reset" }, "Reset to recommended");
  form.append(reset);
  const restore = () => fields.forEach(({ input, recommended }) => (input.value = recommended));
  const report = () => changed(fields.filter(({ input, recommended }) => input.value !== recommended).length);
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    restore();
    report();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", report);
  restore();
  return () => {
    if (!form.checkValidity()) {
      form.closest("details").open = true;
      form.reportValidity();
      return null;
    }
    return Object.fromEntries(fields.map(({ name, input }) => [name, valueOf(name, input)]));
  };
}

const lines = (stops) => stops.map((stop) => stop.replaceAll("\n", "\\n")).join("\n");

function valueOf(name, input) {
  if (name !== "stop") return input.valueAsNumber;
  return input.value.split("\n").filter(Boolean).map((line) => line.replaceAll("\\n", "\n"));
}
