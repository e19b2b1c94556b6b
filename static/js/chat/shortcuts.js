// Keys. Single letters are off while typing and can be switched off; the switch is kept in this browser.
import { composer, input, messages, running, store, stored } from "./page.js";
import { stop } from "./composer.js";
import { edit } from "./edit.js";

const KEY = "chat:single-keys-off";
const singleKeys = document.getElementById("single-keys");
const help = document.getElementById("help-dialog");

singleKeys.checked = !stored(KEY);
singleKeys.addEventListener("change", () => store(KEY, singleKeys.checked ? "" : "1"));

function isTyping(target) {
  return target.matches("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

function search() {
  const side = document.getElementById("chat-list");
  if (getComputedStyle(side).display === "none") side.showPopover();
  document.getElementById("conversation-search").focus();
}

function single(event) {
  const action = { "/": search, "?": () => help.showModal() }[event.key];
  if (!action || !singleKeys.checked || isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return false;
  action();
  return true;
}

function withControl(event) {
  if (!event.ctrlKey && !event.metaKey) return false;
  const form = event.target.closest("form[ws-send]") ?? composer;
  if (event.key === "Enter") form.requestSubmit();
  else if (event.shiftKey && event.code === "KeyC") [...messages.querySelectorAll("[data-copy-source]")].at(-1)?.click();
  else return false;
  return true;
}

function plain(event) {
  if (event.key === "Escape" && running()) stop();
  else if (event.key === "ArrowUp" && event.target === input && !input.value && !running()) {
    const last = [...messages.querySelectorAll(".question")].at(-1);
    if (!last) return false;
    edit(last);
  } else return false;
  return true;
}

document.addEventListener("keydown", (event) => {
  // An open dialog or popover has its own keys.
  if (event.isComposing || document.querySelector("dialog[open], :popover-open")) return;
  if (withControl(event) || plain(event) || single(event)) event.preventDefault();
});
