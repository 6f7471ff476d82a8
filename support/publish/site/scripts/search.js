"use strict";
// Search. The address keeps it: #q=…&frameworks=A,B. Pagefind reads its index over HTTP alone.

const form = document.getElementById("search");
const query = document.getElementById("query");
const boxes = [...form.querySelectorAll("input[name=framework]")];
const found = document.getElementById("found");
const count = document.getElementById("count");
const KINDS = { task: "Tasks", trap: "Traps", page: "Pages", cell: "Cells" };
const MOST = { task: 8, trap: 5, page: 8, cell: 12 };
const SERVED = "Search needs the site to be served: python run_all.py site --serve. " +
  "In pages opened as files, the phrasebook's own filter finds names and words.";
let engine;
let asked = 0;

function load() {
  if (location.protocol === "file:") throw new Error(SERVED);
  engine ??= import(new URL("pagefind/pagefind.js", location.href).href)
    .then(async (pagefind) => { await pagefind.options({ excerptLength: 20 }); return pagefind; });
  return engine;
}

function make(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function link(meta) {
  return make("a", { href: meta.path }, meta.title);
}

function translated(meta) {
  const said = JSON.parse(meta.said);
  const chosen = boxes.filter((box) => box.checked);
  const list = make("dl", { class: "facts" });
  for (const box of chosen.length ? chosen : boxes) {
    const names = said[box.value] ?? [];
    if (!names.length) continue;
    const codes = names.flatMap((name) => [make("code", {}, name.replaceAll("`", "")), " "]);
    list.append(make("div", {}, make("dt", {}, box.dataset.label), make("dd", {}, ...codes)));
  }
  return list;
}

function item(data) {
  const line = make("li", {}, link(data.meta));
  if (data.meta.kind === "task") line.append(translated(data.meta));
  else if (data.meta.kind !== "page") {
    const excerpt = make("p", { class: "about" });
    excerpt.innerHTML = data.excerpt; // text that Pagefind escaped, with its marks
    line.append(excerpt);
  }
  return line;
}

async function show() {
  const words = query.value.trim();
  const mine = ++asked;
  if (!words) {
    found.replaceChildren();
    count.textContent = "";
    return;
  }
  let all;
  try {
    const pagefind = await load();
    const { results } = await pagefind.search(words);
    all = await Promise.all(results.slice(0, 80).map((result) => result.data()));
  } catch {
    engine = undefined;
    count.textContent = SERVED;
    return;
  }
  if (mine !== asked) return; // asked again meanwhile
  const sections = Object.entries(KINDS).map(([kind, title]) => {
    const mine = all.filter(({ meta }) => meta.kind === kind).slice(0, MOST[kind]);
    if (!mine.length) return "";
    return make("section", {}, make("h2", {}, title), make("ul", { class: "hits" }, ...mine.map(item)));
  });
  found.replaceChildren(...sections);
  count.textContent = all.length ? `${all.length} places` : `Nothing has “${words}”.`;
}

function remember() {
  const chosen = boxes.filter((box) => box.checked).map((box) => box.value);
  const parts = query.value ? ["q=" + encodeURIComponent(query.value)] : [];
  if (chosen.length) parts.push("frameworks=" + chosen.join(","));
  history.replaceState(null, "", "#" + parts.join("&"));
}

function recall() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const chosen = (wanted.get("frameworks") ?? "").split(",");
  query.value = wanted.get("q") ?? "";
  for (const box of boxes) box.checked = chosen.includes(box.value);
  show();
}

form.addEventListener("input", () => { remember(); show(); });
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", recall);
recall();
