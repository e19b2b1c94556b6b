// The Markdown behind an answer: copied, or shown in place of what is made of it.
import { toast } from "../toasts.js";
import { copy } from "./code.js";
import { messages } from "./page.js";

async function sourceFrom(url) {
  const response = await fetch(url);
  if (!response.ok || response.redirected) throw new Error(`HTTP ${response.status}`);
  return response.text();
}

export async function copySource(button) {
  copy(await sourceFrom(button.dataset.copySource), button);
}

async function switchRaw(button) {
  const answer = button.closest(".answer");
  const raw = answer.querySelector(".raw");
  if (raw.hidden) raw.textContent = await sourceFrom(button.dataset.raw);
  raw.hidden = !raw.hidden;
  answer.querySelector(".prose").hidden = !raw.hidden;
  answer.querySelector(".tail").hidden = !raw.hidden;
  button.setAttribute("aria-pressed", String(!raw.hidden));
  button.closest("[popover]").hidePopover();
}

messages.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy-source], [data-raw]");
  if (!button) return;
  try {
    await (button.dataset.raw ? switchRaw(button) : copySource(button));
  } catch {
    toast("The text could not be fetched. Check the connection and try again.", "error");
  }
});
