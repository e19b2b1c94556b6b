// The model picker: a list that is filtered and walked by keyboard, and takes a name that is not in it.
import { select, walk } from "./listbox.js";

const dialog = document.getElementById("model-dialog");
const filter = document.getElementById("model-filter");
const count = document.getElementById("model-count");
const others = document.getElementById("model-others");
export const list = document.getElementById("model-options");
let chosen = () => ({});
let picked = () => {};
// Whether the reader has gone through the list: lists that come later leave the selection where it is.
let hasMoved = false;

/** ``current`` gives the provider, the endpoint and the model that are chosen, ``pick`` is told the option that was picked. */
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
  return `${option.dataset.endpointName} ${option.dataset.model}`;
}

function options() {
  return [...list.querySelectorAll("[role=option]")];
}

function shown() {
  return options().filter((option) => !option.hidden);
}

function isCurrent(option) {
  const { provider, endpoint, model } = chosen();
  const { dataset } = option;
  return dataset.model === model && dataset.provider === provider && (!endpoint || dataset.endpoint === endpoint);
}

function matches(option, words) {
  if (option.hasAttribute("data-other") && others.getAttribute("aria-pressed") !== "true") return false;
  const text = `${option.dataset.endpointName} ${option.dataset.model}`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** A name that no list has can be used at every endpoint; the one at hand comes first by being selected. */
function offerFree(name, isOffered) {
  for (const option of list.querySelectorAll("[data-free]")) {
    option.hidden = !isOffered;
    option.dataset.model = name;
    option.querySelector("[data-free-name]").textContent = name;
  }
}

function tell(found) {
  const models = new Set(found.map(({ dataset }) => `${dataset.endpoint || dataset.provider} ${dataset.model}`));
  const words = models.size === 1 ? "1 model" : `${models.size.toLocaleString("en")} models`;
  count.textContent = models.size || !filter.value ? words : "No models match";
  const left = list.querySelectorAll("[data-other]").length;
  others.hidden = !left;
  others.textContent = others.getAttribute("aria-pressed") === "true" ? "Chat models only" : `Show all (${left.toLocaleString("en")} more)`;
}

function apply() {
  const name = filter.value.trim();
  const words = name.toLowerCase().split(/\s+/).filter(Boolean);
  const named = options().filter((option) => !option.hasAttribute("data-free"));
  for (const option of named) {
    option.hidden = !matches(option, words);
    option.toggleAttribute("data-current", isCurrent(option));
  }
  const found = named.filter((option) => !option.hidden);
  // Words may still be found in a list that is on its way; an ID is one word.
  const isLoading = list.querySelector("[aria-busy]") !== null;
  offerFree(name, Boolean(name) && !found.length && !(isLoading && words.length > 1));
  for (const group of list.querySelectorAll("[role=group]")) {
    group.toggleAttribute("data-empty", Boolean(name) && !group.querySelector("[role=option]:not([hidden], [data-free])"));
  }
  tell(found);
  const kept = hasMoved && found.find((option) => option.getAttribute("aria-selected") === "true");
  const { provider, endpoint } = chosen();
  const here = (option) => option.dataset.provider === provider && (!endpoint || option.dataset.endpoint === endpoint);
  select(filter, options(), kept || (!name && found.find(isCurrent)) || found[0] || shown().find(here) || shown()[0]);
}

export async function load() {
  if (list.childElementCount) return apply();
  count.textContent = "Loading models…";
  await htmx.ajax("GET", list.dataset.url, { target: list, swap: "innerHTML" });
}

function pick(option) {
  picked(option);
  dialog.close();
}

async function star(option) {
  const { provider, endpoint, model } = option.dataset;
  const isOn = !option.querySelector("[data-star]").hasAttribute("data-on");
  for (const same of options()) {
    if (same.dataset.model !== model || same.dataset.provider !== provider || same.dataset.endpoint !== endpoint) continue;
    same.querySelector("[data-star]")?.toggleAttribute("data-on", isOn);
  }
  const target = document.getElementById("model-pinned");
  await htmx.ajax("POST", list.dataset.favouriteUrl, { target, swap: "innerHTML", values: { provider, endpoint, model } });
}

// However it was opened.
new MutationObserver(() => {
  if (!dialog.open) return;
  filter.value = "";
  hasMoved = false;
  load();
}).observe(dialog, { attributeFilter: ["open"] });

list.addEventListener("htmx:afterSettle", apply);
list.addEventListener("htmx:responseError", () => { count.textContent = "The list could not be loaded. Try Refresh."; });
list.addEventListener("htmx:sendError", () => { count.textContent = "The server could not be reached. Try Refresh."; });
filter.addEventListener("input", () => {
  hasMoved = false;
  apply();
});
filter.addEventListener("keydown", ({ key }) => { hasMoved ||= /^(Arrow|Page)(Up|Down)$/.test(key); });
walk(filter, shown, pick);
filter.addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() !== "d" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  const option = list.querySelector("[aria-selected=true]:not([data-free])");
  if (option) star(option);
});
others.addEventListener("click", () => {
  others.setAttribute("aria-pressed", String(others.getAttribute("aria-pressed") !== "true"));
  apply();
  filter.focus();
});
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]");
  if (!option) return;
  if (event.target.closest("[data-star]") && !option.hasAttribute("data-free")) star(option);
  else pick(option);
});
