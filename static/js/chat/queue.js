// The message that waits for the answer that is coming; what is written meanwhile joins it.
import { chat, composer, input, messages, onChange, running } from "./page.js";
import { pending } from "./outbox.js";

const row = document.getElementById("queued");
let waiting = null;
let deliver = () => {};

/** ``send`` is given the message once the answer has ended. */
export function onTurn(send) {
  deliver = send;
}

export function queued() {
  return waiting;
}

function show() {
  row.hidden = !waiting;
  row.querySelector("[data-queued-text]").textContent = waiting?.text ?? "";
  input.placeholder = running() ? (waiting ? "Queue another message…" : "Queue the next message…") : input.dataset.placeholder;
}

export function enqueue(message) {
  waiting = waiting ? { ...message, text: `${waiting.text}\n\n${message.text}` } : message;
  show();
}

function take() {
  const message = waiting;
  waiting = null;
  show();
  return message;
}

/** A failure is for the reader to look at first. */
function next() {
  show();
  if (!waiting || running() || pending()) return;
  const status = messages.querySelector(".turn:last-child .meta")?.dataset.status;
  if (["succeeded", "stopped"].includes(status)) deliver(take());
}

row.addEventListener("click", ({ target }) => {
  if (target.closest("[data-queued-remove]")) take();
  else if (target.closest("[data-queued-edit]")) {
    input.value = [take().text, input.value].filter(Boolean).join("\n\n");
    input.dispatchEvent(new Event("input", { bubbles: true }));
  } else return;
  input.focus();
});
input.dataset.placeholder = input.placeholder;
onChange(next);
chat.addEventListener("chat:sent", show);
show();
