// Loaded before the first paint: only the browser knows what "follow system" means.
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint() {
  const theme = document.documentElement.dataset.theme;
  document.documentElement.classList.toggle("dark", theme === "dark" || (theme !== "light" && dark.matches));
}

paint();
dark.addEventListener("change", paint);
// The server sends this event (HX-Trigger) when it has stored a new choice.
document.addEventListener("theme", (event) => {
  document.documentElement.dataset.theme = event.detail.value;
  for (const button of document.querySelectorAll("button[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === event.detail.value));
  }
  paint();
});
