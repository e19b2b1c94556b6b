// "Save as prompt" takes the branch that is shown, where it is of the conversation on the page.
import { chat } from "./page.js";

document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-save-prompt]");
  if (!link || link.dataset.savePrompt !== chat.dataset.conversation) return;
  const url = new URL(link.href);
  url.searchParams.set("leaf", document.querySelector("#composer-ids [name=parent]").value);
  link.href = url;
});
