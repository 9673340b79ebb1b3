// Runs the server's check of a batch and shows each step as its line arrives.

const form = document.querySelector("[data-verify]");

const shown = (check) => {
  const item = document.createElement("li");
  if (!check.holds) item.className = "fails";
  const name = document.createElement("span");
  name.textContent = check.proof === null ? check.step : `${check.step} (proof ${check.proof})`;
  const took = document.createElement("span");
  took.className = "took";
  took.textContent = `${check.seconds.toFixed(2)} s`;
  const found = document.createElement("span");
  found.className = "found";
  found.textContent = check.meaning ? `${check.meaning}: ${check.found}` : check.found;
  item.append(name, took, found);
  return item;
};

const lines = async function* (body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) if (part) yield JSON.parse(part);
  }
};

const verdict = (kind, title, text) => {
  const box = document.createElement("div");
  box.className = `banner ${kind}`;
  const head = document.createElement("h2");
  head.textContent = title;
  const body = document.createElement("p");
  body.textContent = text;
  box.append(head, body);
  document.getElementById("verdict").replaceChildren(box);
};

if (form) {
  const button = form.querySelector("button");
  const status = document.getElementById("verify-status");
  const steps = document.getElementById("steps");
  button.disabled = false;
  document.getElementById("no-script").remove();
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    steps.replaceChildren();
    document.getElementById("verdict").replaceChildren();
    status.textContent = "Reading L1";
    status.classList.add("working");
    let count = 0;
    try {
      const answer = await fetch(form.action, { method: "POST" });
      if (!answer.ok) throw new Error(answer.status === 429 ? "Many batches are being verified; try again in a while." : `The server answered ${answer.status}.`);
      for await (const line of lines(answer.body)) {
        if (line.outcome === undefined) {
          steps.append(shown(line));
          status.textContent = `${++count} checks so far`;
        } else if (line.outcome === "holds") {
          verdict("good", "It holds", `All ${count} checks passed.`);
        } else if (line.outcome === "fails") {
          verdict("", "It does not hold", "The failed step is the last one above.");
        } else {
          verdict("note", "The check could not be finished", `${line.why} This says nothing about the batch.`);
        }
      }
      status.textContent = "";
    } catch (error) {
      status.textContent = "";
      verdict("note", "The check could not be started", error.message || "The server does not answer.");
    }
    status.classList.remove("working");
    button.disabled = false;
  });
}
