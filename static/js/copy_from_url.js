// <a data-copy-url href="..."> copies the text at its address instead of going there.
import { showCopied } from "./copy.js";

document.addEventListener("click", async (event) => {
  const link = event.target.closest("[data-copy-url]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    const response = await fetch(link.href);
    if (!response.ok) throw new Error(response.statusText);
    await navigator.clipboard.writeText(await response.text());
    showCopied(link);
  } catch {
    window.location.assign(link.href);
  }
});
