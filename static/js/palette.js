// The palette that Ctrl+K opens on every page: a field with a list of what can be opened.
import { select, walk } from "./listbox.js";

const dialog = document.getElementById("palette");
const field = document.getElementById("palette-query");
const list = document.getElementById("palette-options");
const status = document.getElementById("palette-status");
const DELAY = 60;
let timer = 0;
let isStale = false;
let isWaiting = false;

const options = () => [...list.querySelectorAll("[role=option]")];

function open(option) {
  location.assign(option.dataset.url);
}

/** What is listed may not be what was typed yet. */
function choose(option) {
  if (isStale) isWaiting = true;
  else open(option);
}

function load() {
  htmx.ajax("GET", `${dialog.dataset.url}?q=${encodeURIComponent(field.value)}`, { source: field, target: list, swap: "innerHTML" });
}

function toggle() {
  if (dialog.open) return dialog.close();
  field.value = "";
  dialog.showModal();
  load();
}

document.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey || event.isComposing) return;
  if (!dialog.open && document.querySelector("dialog[open]")) return;
  event.preventDefault();
  toggle();
});
document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-open-palette]");
  if (!opener) return;
  event.preventDefault();
  toggle();
});
field.addEventListener("input", () => {
  isStale = true;
  clearTimeout(timer);
  timer = setTimeout(load, DELAY);
});
list.addEventListener("htmx:afterSwap", () => {
  const all = options();
  isStale = false;
  select(field, all, all[0]);
  status.textContent = `${all.length} ${all.length === 1 ? "result" : "results"}`;
  if (isWaiting && all[0]) open(all[0]);
  isWaiting = false;
});
walk(field, options, choose);
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (option) open(option);
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog || event.target.closest("[data-close]")) dialog.close();
});
