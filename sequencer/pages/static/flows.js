// Keeps the picture of flows up to date: asks every two seconds, changes only what differs.

const SVG = "http://www.w3.org/2000/svg";
const EVERY_MS = 2000;
const picture = document.getElementById("flows");
const sum = document.getElementById("flow-sum");

const energy = (wh) =>
  wh < 10000 ? `${wh.toLocaleString("en")} Wh` : `${(wh / 1000).toLocaleString("en", { minimumFractionDigits: 3 })} kWh`;

const made = (name, attributes) => {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
};

const set = (element, name, value) => {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
};

const drawStreams = (streams) => {
  const layer = picture.querySelector(".wires");
  const known = new Set(streams.map((one) => one.key));
  for (const path of [...layer.children]) if (!known.has(path.dataset.key)) path.remove();
  for (const one of streams) {
    const key = CSS.escape(one.key);
    let wire = layer.querySelector(`.wire[data-key="${key}"]`);
    let flow = layer.querySelector(`.flow[data-key="${key}"]`);
    if (!wire || !flow) {
      wire = layer.appendChild(made("path", { class: "wire", "data-key": one.key }));
      flow = layer.appendChild(made("path", { class: "flow", "data-key": one.key }));
    }
    set(wire, "d", one.path);
    set(flow, "d", one.path);
    set(flow, "class", `flow strength-${one.strength}`);
  }
};

const newHome = (index) => {
  const link = made("a", { "data-index": index, href: `/homes/${index}` });
  link.append(made("circle", { r: 25 }), made("path", { class: "roof" }), made("text", {}), made("text", { class: "says" }));
  link.querySelector("text").textContent = `Home ${index}`;
  return link;
};

const drawHomes = (homes) => {
  const layer = picture.querySelector(".homes");
  const known = new Set(homes.map((one) => String(one.index)));
  for (const link of [...layer.children]) if (!known.has(link.dataset.index)) link.remove();
  for (const one of homes) {
    const link = layer.querySelector(`[data-index="${one.index}"]`) ?? layer.appendChild(newHome(one.index));
    const [name, says] = link.querySelectorAll("text");
    const net = one.sold_wh - one.bought_wh;
    set(link, "class", `home ${one.role}`);
    set(link, "aria-label", `Home ${one.index}: sold ${one.sold_wh} Wh, bought ${one.bought_wh} Wh in the last minute`);
    set(link.querySelector("circle"), "cx", String(one.x));
    set(link.querySelector("circle"), "cy", String(one.y));
    set(link.querySelector(".roof"), "d", `M${one.x - 11} ${one.y + 1}l11 -10l11 10M${one.x - 7} ${one.y - 1}v11h14v-11`);
    set(name, "x", String(one.x));
    set(name, "y", String(one.y + 44));
    set(says, "x", String(one.x));
    set(says, "y", String(one.y + 61));
    const text = net > 0 ? `sold ${energy(net)}` : net < 0 ? `bought ${energy(-net)}` : "";
    if (says.textContent !== text) says.textContent = text;
  }
};

const look = async () => {
  const paused = document.documentElement.classList.contains("paused");
  if (!paused && !document.hidden) {
    try {
      const answer = await fetch("/live/flows", { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const found = await answer.json();
      if (!picture) {
        if (found.homes.length) location.reload();
      } else {
        drawStreams(found.streams);
        drawHomes(found.homes);
        sum.textContent = found.reporting ? `${energy(found.recent_wh)}, ` : "";
      }
      document.dispatchEvent(new CustomEvent("wattlane:answers", { detail: true }));
    } catch {
      document.dispatchEvent(new CustomEvent("wattlane:answers", { detail: false }));
    }
  }
  setTimeout(look, EVERY_MS);
};

setTimeout(look, EVERY_MS);
