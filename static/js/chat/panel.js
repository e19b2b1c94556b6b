// The panel of parameters: a column where there is room for one, a popover elsewhere.
import { chat } from "./page.js";

const panel = document.getElementById("chat-parameters");
const wide = matchMedia("(min-width: 64rem)");
let opener = null;

function isShown() {
  return chat.dataset.parameters === "open" || panel.matches(":popover-open");
}

function mark() {
  for (const button of document.querySelectorAll("[data-panel]")) button.setAttribute("aria-expanded", String(isShown()));
}

function open() {
  if (wide.matches) chat.dataset.parameters = "open";
  else panel.showPopover();
  mark();
}

function close() {
  delete chat.dataset.parameters;
  if (panel.matches(":popover-open")) panel.hidePopover();
  mark();
  opener?.focus();
}

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-panel-close]")) return close();
  const button = event.target.closest("[data-panel]");
  if (!button) return;
  const field = button.dataset.panel && document.getElementById(button.dataset.panel);
  if (isShown() && !field) return close();
  opener = button;
  if (!isShown()) open();
  (field || panel.querySelector("[data-panel-close]")).focus();
});
panel.addEventListener("toggle", mark);
// A column becomes a popover, which nobody has opened.
wide.addEventListener("change", () => { delete chat.dataset.parameters; mark(); });
mark();
