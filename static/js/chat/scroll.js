// The page follows the text only while the reader is at its end.
import { chat, input, messages, onChange } from "./page.js";

const NEAR = 48;
const page = document.scrollingElement;
const jump = document.getElementById("jump");
let following = true;
let lastTop = 0;

function atEnd() {
  return page.scrollHeight - innerHeight - page.scrollTop < NEAR;
}

function toEnd() {
  page.scrollTop = page.scrollHeight;
  lastTop = page.scrollTop;
}

function show() {
  jump.hidden = following || atEnd();
}

/** The message that the address names, where it is not for the page's end to show it. */
function linked() {
  const { hash, search } = location;
  if (hash.startsWith("#message-")) return document.getElementById(hash.slice(1));
  return document.getElementById("later") && document.getElementById(`message-${new URLSearchParams(search).get("leaf")}`);
}

/** A part of the conversation that was asked for is read from there on. */
function begin() {
  const turn = linked();
  following = !turn;
  if (turn) bring(turn);
  else toEnd();
  lastTop = page.scrollTop;
}

/** Turns out of sight are laid out only when they come near: what stands above may change its height after the first step. */
function bring(turn, steps = 4) {
  turn.scrollIntoView();
  lastTop = page.scrollTop;
  if (steps) requestAnimationFrame(() => { if (page.scrollTop === lastTop || steps > 2) bring(turn, steps - 1); });
}

addEventListener("scroll", () => {
  // Growing text does not scroll; only a step upwards is the reader's wish to stay.
  if (atEnd()) following = true;
  else if (page.scrollTop < lastTop) following = false;
  lastTop = page.scrollTop;
  show();
}, { passive: true });

onChange(() => {
  if (following) toEnd();
  show();
});
// Not when the thread is fetched anew: the reader has gone on meanwhile.
messages.addEventListener("htmx:afterSettle", ({ target, detail }) => {
  if (target === messages && detail.requestConfig && linked()) begin();
});
chat.addEventListener("chat:sent", () => { following = true; });
jump.addEventListener("click", () => {
  following = true;
  // A hidden button has no focus to keep.
  (input ?? messages.querySelector(".turn:last-child :is(a, button)"))?.focus({ preventScroll: true });
  toEnd();
  show();
});
if (messages.childElementCount) begin();
