// The model picker: a list that is filtered and walked by keyboard, and takes a name that is not in it.
import { select, walk } from "./listbox.js";

const dialog = document.getElementById("model-dialog");
const filter = document.getElementById("model-filter");
const count = document.getElementById("model-count");
export const list = document.getElementById("model-options");
let chosen = () => ({});
let picked = () => {};

/** ``current`` gives the provider and the model that are chosen, ``pick`` is told the option that was picked. */
export function configure(current, pick) {
  chosen = current;
  picked = pick;
}

export function open() {
  dialog.showModal();
}

export function isOpen() {
  return dialog.open;
}

export function onClose(handler) {
  dialog.addEventListener("close", handler);
}

/** The name that an option stands for, as a button shows it. */
export function nameOf(option) {
  return option.hasAttribute("data-free") ? `${option.dataset.label} ${option.dataset.model}` : option.dataset.label;
}

function shown() {
  return [...list.querySelectorAll("[role=option]:not([hidden], [aria-disabled])")];
}

function apply() {
  const words = filter.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
  const name = filter.value.trim();
  let matches = 0;
  for (const option of list.querySelectorAll("[role=option]")) {
    if (option.hasAttribute("data-free")) {
      option.hidden = !name;
      option.dataset.model = name;
      option.querySelector("[data-free-name]").textContent = name;
    } else {
      const text = (option.dataset.label ?? "").toLowerCase();
      option.hidden = !words.every((word) => text.includes(word));
      if (!option.hidden && option.dataset.model) matches += 1;
    }
  }
  count.textContent = matches === 1 ? "1 model" : `${matches.toLocaleString("en")} models`;
  const options = shown();
  const { provider, model } = chosen();
  const current = options.find((option) => option.dataset.model === model && option.dataset.provider === provider);
  // What is listed comes before what could be meant as the name of a model that is not.
  select(filter, list.querySelectorAll("[role=option]"), (!name && current) || options.find((option) => !option.hasAttribute("data-free")) || options[0]);
}

export async function load() {
  if (list.childElementCount) return apply();
  count.textContent = "Asking the providers…";
  await htmx.ajax("GET", list.dataset.url, { target: list, swap: "innerHTML" });
}

function pick(option) {
  picked(option);
  dialog.close();
}

// However it was opened.
new MutationObserver(() => {
  if (!dialog.open) return;
  filter.value = "";
  load();
}).observe(dialog, { attributeFilter: ["open"] });

list.addEventListener("htmx:afterSettle", apply);
list.addEventListener("htmx:responseError", () => { count.textContent = "The list could not be fetched. Try Refresh."; });
list.addEventListener("htmx:sendError", () => { count.textContent = "The server could not be reached. Try Refresh."; });
filter.addEventListener("input", apply);
walk(filter, shown, pick);
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]:not([aria-disabled])");
  if (option) pick(option);
});
