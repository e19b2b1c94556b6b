// A list is swapped while its filters are in use: what is open stays open, and what is being typed is kept.
const LIST = "list";
let open = [];
let typed;

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== LIST) return;
  const control = document.activeElement;
  open = [...detail.target.querySelectorAll(":popover-open")].map((each) => each.id);
  typed = control.matches("#list input[type=search]") && { id: control.id, value: control.value, at: control.selectionStart };
});
document.addEventListener("htmx:afterSettle", () => {
  for (const id of open) document.getElementById(id)?.showPopover();
  open = [];
  const input = typed && document.getElementById(typed.id);
  if (!input) return;
  const isBehind = input.value !== typed.value;
  input.value = typed.value;
  input.focus();
  input.setSelectionRange(typed.at, typed.at);
  typed = undefined;
  if (isBehind) input.dispatchEvent(new Event("input", { bubbles: true }));
});
