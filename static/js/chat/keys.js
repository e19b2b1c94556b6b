// Keys of every conversation, also of one that is only read. Single letters are off while typing and can be switched
// off; the switch is kept in this browser.
import { messages, store, stored } from "./page.js";

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

function copy(event) {
  if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.code !== "KeyC") return false;
  [...messages.querySelectorAll("[data-copy-source]")].at(-1)?.click();
  return true;
}

function startNew(event) {
  if (!(event.ctrlKey || event.metaKey) || !event.shiftKey || event.code !== "KeyO") return false;
  document.querySelector("#chat-list .bar a").click();
  return true;
}

/** Calls each with a key that was pressed, until one says that it was meant. An open dialog or popover has its own. */
export function onKey(...handlers) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], :popover-open")) return;
    if (handlers.some((handle) => handle(event))) event.preventDefault();
  });
}

onKey(copy, startNew, single);
