// The model of the next message.
import { configure, isOpen, list, load, onClose, open } from "../model_dialog.js";
import { chat, composer } from "./page.js";
import { values } from "./parameters.js";

let then = null;

/** ``parameters`` by the names of their fields; by default those that are set are kept. */
export async function pick(option, parameters = values()) {
  const { provider, model, endpoint, context, images = "maybe", pdfs = "maybe" } = option.dataset;
  composer.elements.provider.value = provider;
  composer.elements.model.value = model;
  composer.elements.endpoint.value = endpoint ?? "";
  document.getElementById("endpoint-gone")?.remove();
  name(option);
  const facts = document.getElementById("model-facts");
  facts.replaceChildren(...[...option.querySelector("[data-facts]").childNodes].map((node) => node.cloneNode(true)));
  Object.assign(facts.dataset, { context, model, images, pdfs });
  const next = then;
  then = null;
  const panel = document.getElementById("parameters");
  const url = list.dataset.url.replace("models", "parameters");
  await htmx.ajax("GET", url, { target: panel, swap: "innerHTML", values: { provider, model, ...parameters } });
  next?.();
}

function name(option) {
  const { provider, model, endpointName } = option.dataset;
  const isSandbox = provider === "echo";
  document.getElementById("model-name").textContent = isSandbox ? "Sandbox" : model;
  document.getElementById("model-provider").textContent = isSandbox ? "" : endpointName;
  document.getElementById("model-tile").textContent = endpointName.slice(0, 1).toUpperCase();
  // Once the dialog has given the focus back to what opened it.
  queueMicrotask(() => chat.dispatchEvent(new CustomEvent("chat:model")));
}

/** ``next`` runs once a model is chosen and its parameters are there. */
export function choose(next = null) {
  then = next;
  open();
}

/** Whoever has not chosen yet begins with the model that the server suggests of the provider at hand. */
async function suggest() {
  const { provider, model } = composer.elements;
  if (!provider.value || model.value) return;
  const offer = () => {
    const option = list.querySelector(`[data-suggested][data-provider="${CSS.escape(provider.value)}"]`);
    if (option && !model.value && !isOpen()) pick(option);
  };
  // The lists of the endpoints come one after the other.
  list.addEventListener("htmx:afterSettle", offer);
  await load();
  offer();
}

configure(() => {
  const { provider, model, endpoint } = composer.elements;
  return { provider: provider.value, model: model.value, endpoint: endpoint.value };
}, pick);
onClose(() => { then = null; });
suggest();

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-default-endpoint]")) {
    composer.elements.endpoint.value = "";
    document.getElementById("endpoint-gone").remove();
  }
  const button = event.target.closest("[data-other-model]");
  if (button) choose(() => button.form.requestSubmit());
});
