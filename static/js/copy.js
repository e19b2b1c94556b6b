// <button data-copy="text"> copies its text, <button data-copy-from="#id"> the text of an element.
import { toast } from "./toasts.js";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  const text = button.dataset.copy ?? document.querySelector(button.dataset.copyFrom).textContent;
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied", "success");
  } catch {
    toast("The browser refused the clipboard. Select the text and copy it by hand.", "error");
  }
});
