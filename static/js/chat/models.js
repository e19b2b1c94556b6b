// The model picker: a list that is filtered and walked by keyboard, and takes a name that is not in it.
import { select, walk } from "./listbox.js";
import { composer } from "./page.js";
import { values } from "./parameters.js";

const dialog = document.getElementById("model-dialog");
const filter = document.getElementById("model-filter");
const list = document.getElementById("model-options");
const count = document.getElementById("model-count");
let onPicked = null;

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
  const current = options.find((option) => option.dataset.model === composer.elements.model.value && option.dataset.provider === composer.elements.provider.value);
  // What is listed comes before what could be meant as the name of a model that is not.
  select(filter, list.querySelectorAll("[role=option]"), (!name && current) || options.find((option) => !option.hasAttribute("data-free")) || options[0]);
}

async function load() {
  if (list.childElementCount) return apply();
  count.textContent = "Asking the providers…";
  await htmx.ajax("GET", list.dataset.url, { target: list, swap: "innerHTML" });
}

/** ``parameters`` by the names of their fields; by default those that are set are kept. */
export async function pick(option, parameters = values()) {
  const { provider, model, label, context } = option.dataset;
  const isFree = option.hasAttribute("data-free");
  composer.elements.provider.value = provider;
  composer.elements.model.value = model;
  document.getElementById("model-name").textContent = isFree ? `${label} ${model}` : label;
  const facts = document.getElementById("model-facts");
  facts.replaceChildren(...[...option.querySelector("[data-facts]").childNodes].map((node) => node.cloneNode(true)));
  facts.dataset.context = context;
  const then = onPicked;
  dialog.close();
  const panel = document.getElementById("parameters");
  const url = list.dataset.url.replace("models", "parameters");
  await htmx.ajax("GET", url, { target: panel, swap: "innerHTML", values: { provider, model, ...parameters } });
  then?.();
}

/** ``then`` runs once a model is chosen and its parameters are there. */
export function choose(then = null) {
  onPicked = then;
  dialog.showModal();
}

/** Whoever has not chosen yet begins with the model that the server suggests of the provider at hand. */
async function suggest() {
  const { provider, model } = composer.elements;
  if (!provider.value || model.value) return;
  await load();
  const option = list.querySelector(`[data-suggested][data-provider="${CSS.escape(provider.value)}"]`);
  if (option && !model.value && !dialog.open) await pick(option);
}
suggest();

// However it was opened.
new MutationObserver(() => {
  if (!dialog.open) return;
  filter.value = "";
  load();
}).observe(dialog, { attributeFilter: ["open"] });
dialog.addEventListener("close", () => { onPicked = null; });

list.addEventListener("htmx:afterSettle", apply);
list.addEventListener("htmx:responseError", () => { count.textContent = "The list could not be fetched. Try Refresh."; });
list.addEventListener("htmx:sendError", () => { count.textContent = "The server could not be reached. Try Refresh."; });
filter.addEventListener("input", apply);
walk(filter, shown, pick);
list.addEventListener("click", (event) => {
  const option = event.target.closest("[role=option]:not([aria-disabled])");
  if (option) pick(option);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-other-model]");
  if (button) choose(() => button.form.requestSubmit());
});
