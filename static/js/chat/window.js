// The page shows a part of a long conversation: links lead to the messages around the one they name, and earlier ones are
// put before those that are read, which stay in their place.
import { announce, chat, messages } from "./page.js";

const page = document.scrollingElement;
let reading = null;

messages.addEventListener("htmx:beforeSwap", ({ target }) => {
  if (target.id === "earlier") reading = { turn: target.nextElementSibling, top: target.nextElementSibling.getBoundingClientRect().top };
});
messages.addEventListener("htmx:afterRequest", () => {
  if (!reading) return;
  const { turn, top } = reading;
  reading = null;
  page.scrollTop += turn.getBoundingClientRect().top - top;
  turn.tabIndex = -1;
  turn.focus({ preventScroll: true });
  announce("Earlier messages are shown above.");
});

/** The message that the address names may not be on the page. */
function openLinked() {
  const id = /^#message-(\d+)$/.exec(location.hash)?.[1];
  if (!id || document.getElementById(`message-${id}`)) return;
  htmx.ajax("GET", `${chat.dataset.threadUrl}?leaf=${id}`, { source: messages, target: messages, swap: "innerHTML" });
}
addEventListener("hashchange", openLinked);
openLinked();
