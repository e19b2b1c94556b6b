// Folds the sidebar to its icons; the cookie lets the server draw it folded from the first paint.
const button = document.querySelector("[data-fold-sidebar]");
const wide = matchMedia("(min-width: 48rem)");

function offer() {
  button.hidden = !wide.matches;
}

button.addEventListener("click", () => {
  const folded = document.documentElement.dataset.sidebar !== "folded";
  document.documentElement.dataset.sidebar = folded ? "folded" : "";
  button.setAttribute("aria-pressed", String(folded));
  document.cookie = `sidebar=${folded ? "folded" : ""}; path=/; max-age=31536000; samesite=lax`;
});
wide.addEventListener("change", offer);
offer();
