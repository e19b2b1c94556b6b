// A preset puts its values into the fields of the parameters, and empties those that it does not set.
const PREFIX = "param-";

document.addEventListener("click", ({ target }) => {
  const button = target.closest?.("[data-preset]");
  if (!button) return;
  const menu = button.closest("[data-fields]");
  const values = JSON.parse(button.dataset.preset);
  for (const field of document.querySelectorAll(`${menu.dataset.fields} [name^=${PREFIX}]`)) {
    field.value = values[field.name.slice(PREFIX.length)] ?? "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  menu.hidePopover();
});
