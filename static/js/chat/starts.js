// Suggestions of a new chat: one click asks them.
import { composer, input } from "./page.js";

document.getElementById("starts")?.addEventListener("click", (event) => {
  const start = event.target.closest("[data-start]");
  if (!start) return;
  input.value = start.dataset.start;
  composer.requestSubmit();
});
