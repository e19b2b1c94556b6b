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
  for (const place of document.querySelectorAll("[data-parameters-set]")) {
    place.textContent = set ? [set, place.dataset.parametersSet].filter(Boolean).join(" ") : "";
    place.closest(".chip-button")?.toggleAttribute("data-set", Boolean(set));
  }
  for (const field of inputs()) field.closest(".parameter").toggleAttribute("data-set", Boolean(field.value));
}

function sliderOf(field) {
  return panel.querySelector(`[data-of="${CSS.escape(field.id)}"]`);
}

/** A slider shows the value of its field, or the default. */
function follow(field) {
  const slider = sliderOf(field);
  if (slider) slider.value = field.value || slider.defaultValue;
}

panel.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reset]");
  if (!button) return;
  const field = document.getElementById(button.dataset.reset);
  field.value = "";
  follow(field);
  field.focus();
  count();
});
panel.addEventListener("input", ({ target }) => {
  if (target.dataset.of) document.getElementById(target.dataset.of).value = target.value;
  else follow(target);
  count();
});
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
