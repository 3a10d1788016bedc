// Counts the open clocks down between two loads of a page, and keeps a form from being sent twice.
// Everything works without it.
"use strict";

const zh = document.documentElement.lang.startsWith("zh");
const units = zh ? ["天", "小时", "分钟", "秒"] : ["d", "h", "min", "s"];

function span(seconds) {
  const parts = [Math.floor(seconds / 86400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const first = parts.findIndex((part) => part > 0);
  if (first < 0) return `0 ${units[3]}`;
  const fine = first === 2 && parts[2] >= 10;
  const next = first < 3 && parts[first + 1] > 0 && !fine ? ` ${parts[first + 1]} ${units[first + 1]}` : "";
  return `${parts[first]} ${units[first]}${next}`;
}

// The page says what time it was made by the collector's clock; a phone's own clock may be wrong.
const made = Number(document.querySelector("[data-now]")?.dataset.now ?? Date.now());
const loaded = performance.now();

function tick() {
  const now = made + (performance.now() - loaded);
  for (const clock of document.querySelectorAll("[data-due]")) {
    const seconds = Math.trunc((Number(clock.dataset.due) - now) / 1000);
    clock.textContent = `${seconds < 0 ? clock.dataset.over : clock.dataset.left} ${span(Math.abs(seconds))}`;
    if (seconds < 0) clock.classList.add("late");
  }
}

if (document.querySelector("[data-due]")) {
  tick();
  setInterval(tick, 1000);
}

for (const form of document.querySelectorAll("form")) {
  form.addEventListener("submit", () => {
    // After this turn, so that the pressed button's value is still sent.
    setTimeout(() => form.querySelectorAll("button").forEach((button) => (button.disabled = true)), 0);
  });
}
// Coming back with the browser's button must find the forms alive.
addEventListener("pageshow", () => document.querySelectorAll("button").forEach((button) => (button.disabled = false)));
