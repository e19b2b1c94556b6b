// The connection: opened by htmx, told apart here into open, lost and refused, and caught up with after a loss.
import { announce, chat, messages, running } from "./page.js";
import { pending, withdrawn } from "./outbox.js";

const LOGIN_NEEDED = 4401;
const NOT_FOUND = 4404;
// htmx connects again by itself after these.
const RETRIED = [1006, 1011, 1012, 1013];
const OUT_OF_REACH = "The database or the cache does not answer at the moment.";
const SILENCE = 3000;
const SHOWN_AFTER = 1000;

const banner = document.getElementById("connection");
let socket = null;
let isOpen = false;
let wasOpen = false;
let failures = 0;
let sessionEnded = false;
// What the server has said is out of reach.
let outage = "";
let heard = 0;
let bannerTimer = 0;

htmx.config.wsReconnectDelay = (tries) => Math.min(5000, 400 * 2 ** tries) * (0.5 + Math.random() / 2);
htmx.config.refreshOnHistoryMiss = true;

export function connected() {
  return isOpen;
}

/** Only while connected. */
export function send(message) {
  socket.send(JSON.stringify(message));
}

function show(text, link) {
  clearTimeout(bannerTimer);
  banner.textContent = text;
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.className = "link";
    anchor.textContent = "Log in again";
    banner.append(" ", anchor);
  }
  banner.hidden = false;
}

function lost() {
  // It goes on trying: whoever logs in again in another tab needs do nothing here.
  if (sessionEnded) return;
  clearTimeout(bannerTimer);
  const text = `${outage || "Connection lost."} Reconnecting… What you write is kept, and a running answer goes on at the server.`;
  bannerTimer = setTimeout(() => show(text), wasOpen || outage ? 0 : SHOWN_AFTER);
}

function loggedOut() {
  sessionEnded = true;
  const here = encodeURIComponent(location.pathname + location.search);
  show("Your session has ended. What you write is kept in this browser.", `${chat.dataset.loginUrl}?next=${here}`);
}

/** The thread as it is stored, null where it is not stored (yet); throws while the server is away. */
async function fetchThread() {
  const shown = [...messages.querySelectorAll(".turn")].map((turn) => turn.id.replace("message-", ""));
  const headers = { "HX-Request": "true", "HX-Target": "messages", "X-Poll": "1" };
  const response = await fetch(`${chat.dataset.threadUrl}?leaf=${shown.at(-1) ?? ""}&from=${shown[0] ?? ""}`, { headers });
  if (response.status === 404) return null;
  if (!response.ok || response.redirected) throw new Error(`HTTP ${response.status}`);
  return response.text();
}

function swap(html) {
  htmx.swap(messages, html, { swapStyle: "innerHTML", swapDelay: 0, settleDelay: 0 });
}

async function catchUp() {
  const html = await fetchThread();
  if (html !== null) swap(html);
}

/** An answer that ended between the rendering of the page and the watch would be shown as running for ever. */
async function checkSilence() {
  const since = heard;
  await new Promise((resolve) => setTimeout(resolve, SILENCE));
  if (!running() || heard !== since || !isOpen) return;
  const html = await fetchThread();
  if (html !== null && !html.includes('data-status="running"')) swap(html);
}

async function opened(event) {
  socket = event.detail.socketWrapper;
  isOpen = true;
  sessionEnded = false;
  outage = "";
  failures = 0;
  clearTimeout(bannerTimer);
  banner.hidden = true;
  if (wasOpen) announce("Connected again.");
  const isFirst = !wasOpen;
  const sent = pending();
  wasOpen = true;
  if (!isFirst) await catchUp();
  send({ type: "watch" });
  // Written while there was no connection, or lost with it. The server takes a message that it has only once.
  if (pending()) send(pending());
  if (sent && withdrawn()) send({ type: "stop", client_id: sent.client_id });
  if (running()) await checkSilence();
}

async function closed(event) {
  isOpen = false;
  failures += 1;
  const { code, reason } = event.detail.event;
  if (code === LOGIN_NEEDED) return loggedOut();
  if (code === NOT_FOUND) return show("This conversation was deleted, or is not shared with you any more. What you write is kept in this browser.");
  outage ||= reason;
  lost();
  if (!RETRIED.includes(code)) setTimeout(() => event.detail.socketWrapper.reconnect(), 1000);
  // A refused handshake looks like a lost connection: ask the page itself.
  if (failures % 3 === 0) {
    const answer = await fetch(location.href, { method: "HEAD", redirect: "manual", headers: { "X-Poll": "1" } });
    if (isOpen) return;
    if (answer.type === "opaqueredirect") return loggedOut();
    outage = answer.status === 503 ? OUT_OF_REACH : "";
    lost();
  }
}

/** The server may vanish at any moment; the next connection catches up. */
function patiently(handler) {
  return (event) => handler(event).catch(() => lost());
}

/** Fetch the thread anew and watch what is running in it. */
export const follow = patiently(async () => {
  await catchUp();
  if (!isOpen || !running()) return;
  send({ type: "watch" });
  await checkSilence();
});

chat.addEventListener("htmx:wsOpen", patiently(opened));
chat.addEventListener("htmx:wsClose", patiently(async (event) => closed(event)));
chat.addEventListener("htmx:wsAfterMessage", () => { heard += 1; });
// Another branch was chosen: watch what is running in it.
messages.addEventListener("htmx:afterSettle", (event) => {
  if (event.target === messages && isOpen && running()) send({ type: "watch" });
});
addEventListener("online", () => { if (socket && !isOpen) socket.reconnect(); });
