// <button data-copy="text"> copies its text, <button data-copy-from="#id"> the text of an element.
import { toast } from "./toasts.js";

const shownFor = 1500;
const pending = new WeakMap();

function paint(button, { icon, label, text }) {
  button.querySelector("use")?.setAttribute("href", icon);
  if (label !== null) button.ariaLabel = label;
  if (text !== null) button.lastChild.textContent = text;
}

/** The icon, the name and the words of a button; null for what it has not. */
function lookOf(button) {
  const icon = button.querySelector("use")?.getAttribute("href") ?? null;
  const label = button.ariaLabel;
  return { icon, label, text: icon && label ? null : button.lastChild.textContent };
}

function copied({ icon, label, text }) {
  const words = icon ? " Copied" : "Copied";
  return { icon: icon?.replace(/#.*/, "#check"), label: label && "Copied", text: text && words };
}

/** Shows "Copied" on the button for a moment, and says it to screen readers. */
export function showCopied(button) {
  const before = pending.get(button)?.before ?? lookOf(button);
  clearTimeout(pending.get(button)?.timer);
  paint(button, copied(before));
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
