// Messages: those in the page, those the server appends to a fragment, and failed requests.
const region = document.getElementById("toasts");
const shownFor = 8000;
const icons = { success: "circle-check", warning: "triangle-alert", error: "circle-alert", info: "info" };

/** Show a message; level is "info", "success", "warning" or "error". */
export function toast(text, level = "info") {
  const copy = document.getElementById("toast-template").content.firstElementChild.cloneNode(true);
  copy.dataset.level = level;
  const icon = copy.querySelector("use");
  icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#${icons[level]}`));
  copy.querySelector("[data-toast-text]").textContent = text;
  region.append(copy);
}

function expire(element) {
  if (element.dataset.level === "error" || element.dataset.level === "warning") return;
  setTimeout(() => {
    if (element.matches(":hover, :focus-within")) expire(element);
    else element.remove();
  }, shownFor);
}

let cameFrom = null;
region.addEventListener("focusin", ({ relatedTarget }) => {
  if (!region.contains(relatedTarget)) cameFrom = relatedTarget;
});

region.addEventListener("click", (event) => {
  const button = event.target.closest("[data-toast-close]");
  if (!button) return;
  const hadFocus = button === document.activeElement;
  button.closest(".toast").remove();
  if (hadFocus) (region.querySelector("[data-toast-close]") ?? cameFrom ?? document.getElementById("content")).focus();
});

new MutationObserver((changes) => {
  for (const change of changes) {
    for (const node of change.addedNodes) if (node.matches?.(".toast")) expire(node);
  }
}).observe(region, { childList: true });

// Screen readers announce what is added to a live region, not what it holds when the page loads.
const early = [...region.children];
region.replaceChildren();
setTimeout(() => region.append(...early), 100);

document.addEventListener("htmx:beforeSwap", (event) => {
  // Our own error answers name the toast region as their target; anything else (a proxy's page) is not shown.
  if (event.detail.xhr.getResponseHeader("HX-Retarget") === "#toasts") event.detail.shouldSwap = true;
});
document.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.getResponseHeader("HX-Retarget")) return;
  toast(`The server returned ${xhr.status} ${xhr.statusText}. Nothing was changed. Try again.`, "error");
});
document.addEventListener("htmx:sendError", () => {
  toast("The server could not be reached. Check the connection and try again.", "error");
});
