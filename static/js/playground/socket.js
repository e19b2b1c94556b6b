// The connection. What runs goes on at the server: after a loss the panels are fetched anew and watched again.
const LOGIN_NEEDED = 4401;
const NOT_FOUND = 4404;
const RETRIED = [1006, 1011, 1012, 1013];

const bench = document.getElementById("bench");
const banner = document.getElementById("connection");
let socket = null;
let isOpen = false;
let wasOpen = false;
const unsent = [];

htmx.config.wsReconnectDelay = (tries) => Math.min(5000, 400 * 2 ** tries) * (0.5 + Math.random() / 2);

export function send(message) {
  if (isOpen) socket.send(JSON.stringify(message));
  else unsent.push(message);
}

function show(text, link) {
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

bench.addEventListener("htmx:wsOpen", async (event) => {
  socket = event.detail.socketWrapper;
  isOpen = true;
  banner.hidden = true;
  if (wasOpen) await htmx.ajax("GET", bench.dataset.url, { target: "#panels-area", swap: "outerHTML" });
  wasOpen = true;
  send({ type: "watch" });
  for (const message of unsent.splice(0)) send(message);
});
bench.addEventListener("htmx:wsClose", (event) => {
  isOpen = false;
  const { code, reason } = event.detail.event;
  if (code === LOGIN_NEEDED) {
    const here = encodeURIComponent(location.pathname);
    return show("Your session has ended.", `${bench.dataset.loginUrl}?next=${here}`);
  }
  if (code === NOT_FOUND) return show("This playground was deleted, or is not shared with you any more.");
  show(`${reason || "Connection lost."} Reconnecting… Running answers go on at the server.`);
  if (!RETRIED.includes(code)) setTimeout(() => event.detail.socketWrapper.reconnect(), 1000);
});
