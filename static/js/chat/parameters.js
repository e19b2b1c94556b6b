// Parameters: reset, how many are set, and errors beside their field.
import { composer, onChange } from "./page.js";

const panel = document.getElementById("parameters");

function inputs() {
  return [...panel.querySelectorAll("[name^=param-]")];
}

export function values() {
  return Object.fromEntries(inputs().filter((field) => field.value).map((field) => [field.name, field.value]));
}

function count() {
  const set = inputs().filter((field) => field.value).length;
  for (const place of document.querySelectorAll("[data-parameters-set]")) place.textContent = set ? `${set} set` : "";
}

panel.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reset]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reset);
  field.value = "";
  field.focus();
  count();
});
panel.addEventListener("input", count);
onChange(count);
count();

/** Errors stand in the list above the message and beside their field. */
function mark() {
  const errors = [...document.querySelectorAll("#composer-errors li")];
  for (const field of composer.elements) {
    const error = errors.find((item) => item.dataset.field === field.name);
    if (error && field.type !== "hidden") field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    const place = field.name && document.querySelector(`[data-error-of="${CSS.escape(field.name)}"]`);
    if (place) place.textContent = error?.textContent ?? "";
  }
}
onChange(mark);
