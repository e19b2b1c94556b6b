// How long ago something was, in words that stay true while the page is open.
const UNITS = [[90, 1, "s"], [5400, 60, "min"], [129600, 3600, "h"], [Infinity, 86400, "d"]];

function distance(seconds) {
  const size = Math.abs(seconds);
  const [, divisor, unit] = UNITS.find(([limit]) => size < limit);
  const words = `${Math.round(size / divisor).toLocaleString("en")} ${unit}`;
  return seconds >= 0 ? `${words} ago` : `in ${words}`;
}

function move() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const words = time.querySelector(".muted");
    if (words) words.textContent = `· ${distance((Date.now() - Date.parse(time.dateTime)) / 1000)}`;
  }
}
setInterval(move, 10_000);
document.addEventListener("visibilitychange", move);
