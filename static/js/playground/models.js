// The model of each panel. The panels may come anew while the dialog is open, so that they are known by their numbers.
import { configure, list, open } from "../model_dialog.js";
import { save } from "./autosave.js";

let panel = "";

function formOfPanel() {
  return document.querySelector(`[data-panel="${CSS.escape(panel)}"] form`);
}

function chosen() {
  const { provider, model, endpoint } = formOfPanel()?.elements ?? {};
  return { provider: provider?.value, model: model?.value, endpoint: endpoint?.value };
}

function pick({ dataset }) {
  const form = formOfPanel();
  if (!form) return;
  form.elements.provider.value = dataset.provider;
  form.elements.model.value = dataset.model;
  form.elements.endpoint.value = dataset.endpoint;
  form.querySelector("[data-model-name]").textContent = dataset.model;
  form.querySelector("[data-provider-name]").textContent = dataset.endpointName;
  save(form);
}

if (list) configure(chosen, pick);

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-choose-model]");
  if (!button) return;
  panel = button.closest("[data-panel]").dataset.panel;
  open();
});
