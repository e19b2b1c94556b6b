// A conversation gets its address and title with its first message.
import { chat, onChange } from "./page.js";

function adopt() {
  const { url, title } = document.getElementById("page-url").dataset;
  if (!url || chat.dataset.conversation !== "new") return;
  chat.dataset.conversation = url.split("/").at(-2);
  history.replaceState(history.state, "", url);
  document.title = document.title.replace(/^.*(?= · [^·]*$)/, () => title);
  document.getElementById("conversation-title").textContent = title;
  document.querySelector(`#conversation-list a[href="${url}"]`)?.setAttribute("aria-current", "page");
}
onChange(adopt);
