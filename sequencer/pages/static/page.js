// What every page does: copy commands, pause what is live, and say when nobody answers.

const showCopies = () => {
  if (navigator.clipboard) for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
};
showCopies();
document.body.addEventListener("htmx:afterSwap", showCopies);
document.body.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  button.textContent = "Copied";
  setTimeout(() => (button.textContent = "Copy"), 2000);
});

const unreachable = document.getElementById("unreachable");
const answers = (well) => {
  if (unreachable) unreachable.hidden = well;
};
document.addEventListener("wattlane:answers", (event) => answers(event.detail));
document.body.addEventListener("htmx:sendError", () => answers(false));
document.body.addEventListener("htmx:responseError", () => answers(false));
document.body.addEventListener("htmx:afterOnLoad", () => answers(true));

const pause = document.getElementById("pause");
const isPaused = () => pause?.getAttribute("aria-pressed") === "true";
if (pause) {
  pause.hidden = false;
  pause.addEventListener("click", () => {
    const now = !isPaused();
    pause.setAttribute("aria-pressed", String(now));
    document.documentElement.classList.toggle("paused", now);
  });
}

// Nothing is swapped away under a reader's hands: neither while paused or hidden, nor around focus.
document.body.addEventListener("htmx:beforeRequest", (event) => {
  const target = event.detail.target;
  if (isPaused() || document.hidden || target.contains(document.activeElement)) {
    event.preventDefault();
  }
});
