// Show-password buttons, and one submit per form however often the button is pressed.
import { keepForms } from "./kept_forms.js";
import { toast } from "./toasts.js";

function offerReveal(root) {
  for (const button of root.querySelectorAll("[data-reveal]")) button.hidden = false;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reveal]");
  if (!button) return;
  const input = document.getElementById(button.dataset.reveal);
  const shown = input.type === "password";
  input.type = shown ? "text" : "password";
  button.textContent = shown ? "Hide" : "Show";
  button.setAttribute("aria-pressed", String(shown));
  input.focus();
});

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post") || form.hasAttribute("ws-send")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "true";
});

// A page that comes back from the browser's back/forward cache may be sent again.
addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.forms) delete form.dataset.sent;
});

document.addEventListener("htmx:load", (event) => offerReveal(event.target));
offerReveal(document);
keepForms(toast);
