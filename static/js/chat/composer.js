// Sending: every form in the chat sends with the composer's settings, once, and keeps its text until it is accepted.
import { toast } from "../toasts.js";
import { uuid } from "../uuid.js";
import { announce, chat, composer, input, messages, onChange, running } from "./page.js";
import { clear, digestsOf, problem } from "./files.js";
import { pending, put, settle, withdraw } from "./outbox.js";
import { enqueue, onTurn } from "./queue.js";
import { connected, send } from "./socket.js";

const button = document.getElementById("send");

/** Once the thread shows the message the server has stored it: only then may the text go. */
function settleAccepted() {
  const sent = pending();
  if (!sent || !messages.querySelector(`[data-client-id="${sent.client_id}"]`)) return;
  const isFromComposer = sent.text === input.value && sent.attachments === digestsOf(composer);
  settle();
  if (isFromComposer) empty();
}

function empty() {
  input.value = "";
  clear();
}

/** What the form asks for, with the settings as the page shows them. */
function messageOf(form) {
  const { text, prompt, prompt_version, ...settings } = Object.fromEntries(new FormData(composer));
  const attachments = digestsOf(form);
  if (form === composer) return { ...settings, text, prompt, prompt_version, attachments };
  const own = Object.fromEntries(new FormData(form));
  return { ...settings, ...own, attachments, client_id: uuid() };
}

function refusal(message, form) {
  if (pending()) return "Still sending the last message.";
  if (message.type === "run" && !message.text.trim() && !message.attachments) return "Write a message first.";
  if (!message.model) return "Choose a model first.";
  return problem(form);
}

chat.addEventListener("htmx:wsConfigSend", (event) => {
  // Sent from here, because htmx would queue it where a lost connection has to be caught up with first.
  event.preventDefault();
  event.detail.triggeringEvent?.preventDefault();
  const message = messageOf(event.target);
  const why = refusal(message, event.target);
  if (why) return toast(why, "warning");
  document.getElementById("composer-errors").replaceChildren();
  if (!running()) return dispatch(message);
  if ("instead" in event.target.dataset) return replace({ ...message, parent: questionOf(event.target) });
  if (event.target !== composer) return toast("Wait for the answer to finish, or press Esc to stop it.", "warning");
  enqueue(message);
  empty();
});

function dispatch(message) {
  put(message);
  chat.dispatchEvent(new CustomEvent("chat:sent"));
  if (connected()) send(message);
}

let replacement = null;

function questionOf(form) {
  return form.closest(".answer").previousElementSibling.id.replace("message-", "");
}

/** Sent once what is running now has been stopped. */
function replace(message) {
  replacement = message;
  stop();
}

// Below the answer it has waited for.
onTurn((message) => dispatch({ ...message, parent: composer.elements.parent.value, client_id: composer.elements.client_id.value }));

/** Stop the answer that is coming, or the one to the message that was just sent. */
export function stop() {
  const meta = running();
  if (meta && !connected()) return;
  if (!meta) withdraw();
  const whose = meta ? { generation: meta.dataset.generation } : { client_id: pending().client_id };
  // Without a connection, the stop follows the message as soon as there is one.
  if (connected()) send({ type: "stop", ...whose });
  announce("Stopping.");
}

// While an answer is coming the button stops it, and the focus stays where it is.
button.addEventListener("mousedown", (event) => event.preventDefault());
button.addEventListener("click", (event) => {
  if (!running()) return;
  event.preventDefault();
  // The second click of a double click on Send must not stop what the first one began.
  if (event.detail < 2) stop();
});

function sync() {
  settleAccepted();
  if (document.querySelector("#composer-errors li")) settle();
  composer.toggleAttribute("data-running", Boolean(running()));
  chat.toggleAttribute("data-running", Boolean(running()));
  if (replacement && !running() && !pending()) dispatch(replacement);
  if (!running()) replacement = null;
  messages.setAttribute("aria-busy", String(Boolean(running())));
}
onChange(sync);
sync();
