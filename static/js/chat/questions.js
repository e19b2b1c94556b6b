// Long questions are folded until somebody wants to read them.
import { messages } from "./page.js";

messages.addEventListener("click", (event) => {
  const button = event.target.closest("[data-unfold]");
  if (!button) return;
  const isFolded = document.getElementById(button.getAttribute("aria-controls")).toggleAttribute("data-folded");
  button.setAttribute("aria-expanded", String(!isFolded));
  button.textContent = isFolded ? "Show all" : "Show less";
});
