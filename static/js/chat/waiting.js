// A run that waits to try again: its countdown, and the three ways out of it.
import { announce, chat, messages, running } from "./page.js";
import { stop } from "./composer.js";
import { connected, send } from "./socket.js";

function countDown() {
  const bar = messages.querySelector("[data-wait]");
  if (!bar) return;
  const words = bar.parentElement.querySelector("[data-wait-words]");
  if (!bar.dataset.until) {
    bar.dataset.until = String(performance.now() + Number(bar.dataset.wait) * 1000);
    announce(words.parentElement.textContent);
  }
  const left = Math.max(0, (Number(bar.dataset.until) - performance.now()) / 1000);
  bar.value = left;
  const text = left ? `Retrying in ${Math.ceil(left).toLocaleString("en")} s` : "Retrying now";
  if (words.textContent !== text) words.textContent = text;
}

messages.addEventListener("click", ({ target }) => {
  if (target.closest("[data-stop]")) stop();
  if (target.closest("[data-retry-now]") && connected()) send({ type: "retry", generation: running().dataset.generation });
});
chat.addEventListener("htmx:wsAfterMessage", countDown);
setInterval(countDown, 250);
