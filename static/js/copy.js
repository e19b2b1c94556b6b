// <button data-copy="text"> copies its text, <button data-copy-from="#id"> the text of an element.
import { toast } from "./toasts.js";

const shownFor = 1500;
const pending = new WeakMap();

function paint(button, { icon, name }) {
  button.querySelector("use")?.setAttribute("href", icon);
  if (button.ariaLabel) button.ariaLabel = name;
  else button.lastChild.textContent = name;
}

/** Shows "Copied" on the button for a moment, and says it to screen readers. */
export function showCopied(button) {
  const icon = button.querySelector("use")?.getAttribute("href");
  const before = pending.get(button)?.before ?? { icon, name: button.ariaLabel ?? button.lastChild.textContent };
  clearTimeout(pending.get(button)?.timer);
  paint(button, { icon: before.icon?.replace(/#.*/, "#check"), name: button.ariaLabel ? "Copied" : " Copied" });
  document.getElementById("announcer").textContent = "Copied";
  const timer = setTimeout(() => {
    paint(button, before);
    pending.delete(button);
    document.getElementById("announcer").textContent = "";
  }, shownFor);
  pending.set(button, { before, timer });
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.querySelector(button.dataset.copyFrom).textContent;
  try {
    await navigator.clipboard.writeText(text);
    showCopied(button);
  } catch {
    toast("The browser blocked the clipboard. Select the text and copy it manually.", "error");
  }
});
