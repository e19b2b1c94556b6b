// The model picker for forms with fields for provider and model. A field for the endpoint is filled in where there is one.
import "./chat/dialogs.js";
import { configure, open } from "./model_dialog.js";

let form = null;

function set(name, value) {
  const field = form.elements[name];
  if (!field) return;
  field.value = value;
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

configure(() => {
  const { provider, model, endpoint } = form?.elements ?? {};
  return { provider: provider?.value, model: model?.value, endpoint: endpoint?.value };
}, ({ dataset }) => {
  set("provider", dataset.provider);
  set("model", dataset.model);
  set("endpoint", dataset.endpoint);
});

document.addEventListener("click", ({ target }) => {
  const button = target.closest("[data-choose-model]");
  if (!button) return;
  form = button.form;
  open();
});
// A provider that is chosen by hand is called with its default key.
document.addEventListener("change", ({ target }) => {
  if (target.name === "provider" && target.form.elements.endpoint) target.form.elements.endpoint.value = "";
});
