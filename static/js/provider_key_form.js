// A preset fills in name and base URL, as long as they are empty or were filled in by another preset.
const filled = new Map();

function fill(field, value) {
  if (!field || (field.value && field.value !== filled.get(field.name))) return;
  field.value = value;
  filled.set(field.name, value);
}

document.addEventListener("change", ({ target }) => {
  if (!target.matches("#key-form [name=provider]")) return;
  const { name = "", baseUrl = "" } = target.selectedOptions[0].dataset;
  fill(target.form.elements.label, name);
  fill(target.form.elements.base_url, baseUrl);
  htmx.trigger("#base-url-hint", "preset");
});
