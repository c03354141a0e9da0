/** Elements made of text: nothing that a person, a model or a document wrote is ever read as HTML. */

/** A new element. An attribute that is null or false is left out; strings among the children become text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(attribute, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** A link that leaves this page as it is, and tells the other nothing of it. */
export function outward(href, ...children) {
  const attributes = { href, target: "_blank", rel: "noopener noreferrer" };
  return element("a", attributes, ...children, element("span", { class: "unseen" }, " (in a new tab)"));
}

/** "1 word", "2 words", "12,345 words". */
export function counted(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}
