// The buttons of code blocks.
import { toast } from "../toasts.js";

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied", "success");
  } catch {
    toast("The browser refused the clipboard. Select the text and copy it by hand.", "error");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("figure.code button");
  if (!button) return;
  const figure = button.closest("figure");
  if (button.classList.contains("copy-code")) copy(figure.querySelector("code").textContent);
  else button.setAttribute("aria-pressed", String(figure.classList.toggle("wrapped")));
});
