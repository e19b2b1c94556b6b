// What was open of the filters stays open when the list is swapped beneath it.
const LIST = "list";
let open = [];

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.id !== LIST) return;
  open = [...detail.target.querySelectorAll(":popover-open")].map((each) => each.id);
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  if (detail.target.id !== LIST) return;
  for (const id of open) document.getElementById(id)?.showPopover();
  open = [];
});
