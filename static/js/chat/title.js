// A conversation gets its address and title with its first message, and maybe another title later.
import { chat, onChange } from "./page.js";

const heading = document.getElementById("conversation-title");

function adopt() {
  const { url, title } = document.getElementById("page-url").dataset;
  const isNew = chat.dataset.conversation === "new";
  if (!url || (!isNew && heading.textContent === title)) return;
  heading.textContent = title;
  document.title = document.title.replace(/^.*(?= · [^·]*$)/, () => title);
  const row = document.querySelector(`#conversation-list a[href="${url}"]`);
  row?.setAttribute("title", title);
  row?.querySelector(".truncate").replaceChildren(title);
  if (!isNew) return;
  chat.dataset.conversation = url.split("/").at(-2);
  history.replaceState(history.state, "", url);
  row?.setAttribute("aria-current", "page");
}
onChange(adopt);
