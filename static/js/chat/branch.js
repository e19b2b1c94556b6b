// What is saved, exported or duplicated is the branch that is shown, where it is of the conversation on the page.
import { chat } from "./page.js";

function leafOf(element) {
  if (element?.dataset.branch !== chat.dataset.conversation) return "";
  return document.querySelector("#composer-ids [name=parent]").value;
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-branch]");
  const leaf = leafOf(link);
  if (!leaf) return;
  const url = new URL(link.href);
  url.searchParams.set("leaf", leaf);
  link.href = url;
});
document.addEventListener("submit", ({ target }) => {
  const leaf = target.matches("form[data-branch]") && leafOf(target);
  if (leaf) target.elements.parent.value = leaf;
});
