// A fragment swapped into #dialog-content opens the dialog; focus goes in and comes back by itself.
const dialog = document.getElementById("dialog");

/** What stood in a menu is gone when the dialog closes; what opened the menu is still there. */
function leaveMenus() {
  const menu = document.activeElement.closest(":popover-open");
  if (!menu) return;
  menu.hidePopover();
  leaveMenus();
}

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id !== "dialog-content") return;
  if (dialog.open) {
    dialog.querySelector("[autofocus]")?.focus();
    return;
  }
  leaveMenus();
  dialog.showModal();
});
dialog.addEventListener("click", (event) => {
  if (event.target !== dialog && !event.target.closest("[data-dialog-close]")) return;
  event.preventDefault();
  dialog.close();
});
dialog.addEventListener("close", () => {
  // The event comes with the next frame: the dialog may have been opened anew.
  if (!dialog.open) document.getElementById("dialog-content").replaceChildren();
});
