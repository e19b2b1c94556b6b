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
chat.addEventListener("chat:sent", () => { following = true; });
jump.addEventListener("click", () => {
  following = true;
  // A hidden button has no focus to keep.
  (input ?? messages.querySelector(".turn:last-child :is(a, button)"))?.focus({ preventScroll: true });
  toEnd();
  show();
});
if (messages.childElementCount) toEnd();
