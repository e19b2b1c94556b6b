// The page of a conversation that somebody else shares: it shows what comes, and sends nothing but the wish to watch.
import "../base.js";
import "./branch.js";
import "./code.js";
import "./dialogs.js";
import "./focus.js";
import "./keys.js";
import "./live.js";
import "./questions.js";
import "./scroll.js";
import "./source.js";
import "./times.js";
import "./window.js";
import { chat } from "./page.js";
import { follow } from "./socket.js";

let shown = document.getElementById("news").dataset.newest;

// The server tells the id of the newest message; which of them belong to this branch only the thread can tell.
chat.addEventListener("htmx:wsAfterMessage", () => {
  const { newest } = document.getElementById("news").dataset;
  if (newest === shown) return;
  shown = newest;
  follow();
});
