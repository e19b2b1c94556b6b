// The model of each panel.
import { configure, list, open } from "../model_dialog.js";
import { save } from "./autosave.js";

let form = null;

function pick(option) {
  const { provider, model, endpoint } = option.dataset;
  form.elements.provider.value = provider;
  form.elements.model.value = model;
  form.elements.endpoint.value = endpoint;
  form.querySelector("[data-model-name]").textContent = model;
  form.querySelector("[data-provider-name]").textContent = option.dataset.endpointName;
  save(form);
}

if (list) configure(() => (form ? { provider: form.elements.provider.value, model: form.elements.model.value, endpoint: form.elements.endpoint.value } : {}), pick);

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-choose-model]");
  if (!button) return;
  form = button.form;
  open();
});
