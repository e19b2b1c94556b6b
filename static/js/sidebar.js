// Collapses the sidebar to its icons; the cookie lets the server draw it collapsed from the first paint.
const button = document.querySelector("[data-fold-sidebar]");

function isFolded() {
  return document.documentElement.dataset.sidebar === "folded";
}

function name() {
  button.ariaLabel = `${isFolded() ? "Expand" : "Collapse"} sidebar`;
  button.title = button.ariaLabel;
}

button.addEventListener("click", () => {
  document.documentElement.dataset.sidebar = isFolded() ? "" : "folded";
  document.cookie = `sidebar=${document.documentElement.dataset.sidebar}; path=/; max-age=31536000; samesite=lax`;
  name();
});
button.hidden = false;
name();
