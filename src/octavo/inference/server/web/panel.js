/** The panel beside the text; a sheet from below on a phone. */

import { byId } from "./element.js";

let opener = null;

export const panelIsOpen = () => !byId("panel").hidden;

/** Shows something under a title; `enter` moves the focus there, and closing moves it back to `from`. */
export function openPanel(title, content, from, enter) {
  opener = from;
  byId("panel-title").textContent = title;
  byId("panel-body").replaceChildren(...content);
  byId("panel").hidden = false;
  byId("panel").scrollTop = 0;
  document.body.classList.add("with-panel");
  if (enter) byId("panel-title").focus({ preventScroll: true });
  from.scrollIntoView({ block: "nearest" });
}

export function closePanel(giveBack = false) {
  if (!panelIsOpen()) return;
  byId("panel").hidden = true;
  document.body.classList.remove("with-panel");
  if (giveBack) (opener?.isConnected ? opener : byId("sheet")).focus();
}

byId("close").addEventListener("click", () => closePanel(true));
