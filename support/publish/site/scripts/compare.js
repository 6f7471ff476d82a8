"use strict";
// The comparison. The address says what is shown: #<model>/<notebook>/<notebook>[/<notebook>][/<cell>][/all].
// A notebook's cells arrive by a script of their own, for pages opened as files may not fetch.

const rosetta = (() => {
  const loaded = new Map();
  const waiting = new Map();
  const find = (id) => document.getElementById(id);
  const data = (id) => JSON.parse(find(id).textContent);
  const tags = data("tags");
  const traps = data("traps");
  const frame = new Set(data("frame")); // cells that are much the same everywhere
  const options = find("options").content;
  const families = [...options.querySelectorAll("option")].map((o) => o.value);
  const ALL = "all";
  let shown = ""; // what is drawn
  let aimed; // the cell that was last jumped to

  function add(name, notebook) {
    loaded.set(name, notebook);
    waiting.get(name)?.();
  }

  function load(name) {
    if (loaded.has(name)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = `cells/${name}.js`;
      script.onerror = () => reject(new Error(name));
      waiting.set(name, resolve);
      document.head.append(script);
    });
  }

  // The families that have a notebook of the model.
  function having(model) {
    return families.filter((f) => labelled(f).dataset.models.split(" ").includes(model));
  }

  // What the address asks for, with whatever it leaves out; `unknown` is what it asks for in vain.
  function read() {
    const parts = decoded(location.hash.slice(1)).split("/").filter(Boolean);
    const model = parts.find((part) => Object.hasOwn(tags, part)) ?? Object.keys(tags)[0];
    const able = having(model);
    const columns = parts.filter((part) => able.includes(part)).slice(0, 3);
    while (columns.length < 2) columns.push(able.find((f) => !columns.includes(f)) ?? able[0]);
    const cell = parts.find((part) => tags[model].includes(part));
    const known = [model, ...able, cell, ALL];
    const unknown = parts.filter((part) => !known.includes(part));
    return { model, columns, cell, all: parts.includes(ALL), unknown };
  }

  function decoded(text) {
    try {
      return decodeURIComponent(text);
    } catch {
      return text;
    }
  }

  function address({ model, columns, cell, all }) {
    return "#" + [model, ...columns, ...(cell ? [cell] : []), ...(all ? [ALL] : [])].join("/");
  }

  function go(choice) {
    location.hash = address(choice);
  }

  function labelled(prefix) {
    return options.querySelector(`option[value="${prefix}"]`);
  }

  function label(prefix) {
    return labelled(prefix).textContent;
  }

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  }

  function html(name, attributes, content) {
    const made = element(name, attributes);
    made.innerHTML = content; // cleaned when the site was built
    return made;
  }

  function head(choice, index) {
    const { model, columns } = choice;
    const select = element("select", {
      id: `column-${index}`,
      "aria-label": `Column ${index + 1}`,
      onchange: (event) => go({ ...read(), columns: columns.with(index, event.target.value) }),
    });
    select.append(options.cloneNode(true));
    for (const option of select.querySelectorAll("option")) {
      option.disabled = !option.dataset.models.split(" ").includes(model);
    }
    select.value = columns[index];
    const box = element("div", { class: "head" }, select);
    if (index > 0) {
      const swapped = columns.with(index - 1, columns[index]).with(index, columns[index - 1]);
      box.prepend(element("button", {
        id: `swap-${index}`, type: "button", class: "swap", title: "Swap",
        "aria-label": `Swap ${label(columns[index - 1])} and ${label(columns[index])}`,
        onclick: () => go({ ...read(), columns: swapped }),
      }, "⇄"));
    }
    if (index > 1) {
      box.append(element("button", {
        id: "remove", type: "button", class: "plain", "aria-label": "Remove the third column",
        onclick: () => go({ ...read(), columns: columns.slice(0, 2) }),
      }, "×"));
    }
    return box;
  }

  // On a phone, one column at a time.
  function tab(prefix, index) {
    return element("button", {
      type: "button", class: "plain", "aria-pressed": String(index === chosenTab()),
      onclick: () => keepingPlace(() => choose(index)),
    }, label(prefix));
  }

  function chosenTab() {
    return Number(find("rows").dataset.tab ?? 0);
  }

  function choose(index) {
    find("rows").dataset.tab = index;
    [...find("tabs").children].forEach((button, at) => {
      button.setAttribute("aria-pressed", String(at === index));
    });
  }

  function links(name) {
    const list = element("p", { class: "links" },
      element("a", { href: `notebooks/${name}.html` }, "Open the notebook"),
      element("a", { href: `notebooks/${name}.ipynb`, download: "" }, "Download"));
    const { copies } = loaded.get(name);
    if (!copies.length) return [list];
    const items = copies.map((c) => element("li", {}, element("a", { href: c.page }, c.title)));
    return [list, element("details", { class: "copies" },
      element("summary", {}, `Executed copies with outputs (${copies.length})`),
      element("ul", {}, ...items))];
  }

  function cell(name, prefix, tag) {
    const found = loaded.get(name).cells[tag];
    const who = element("p", { class: "who" }, label(prefix));
    const box = element("article", { "data-family": prefix }, who);
    const prose = html("div", { class: "prose" }, found?.prose ?? "");
    box.append(prose);
    if (tag === "title") prose.append(...links(name));
    if (found?.code) {
      const pre = element("pre", {}, html("code", {}, found.code));
      box.append(element("div", { class: "code" }, copyButton(`${tag}, ${label(prefix)}`), pre));
    }
    return box;
  }

  // The traps in which the first two columns do different things, at cells of this model.
  function between({ model, columns: [one, other] }) {
    return traps.filter(({ places, says }) =>
      says[one] && says[other] && says[one] !== says[other] &&
      places.some((place) => place.startsWith(`${model}/`)));
  }

  function at({ places }, model) {
    return places.find((place) => place.startsWith(`${model}/`)).split("/")[1];
  }

  function warning(choice) {
    const found = between(choice);
    const [one, other] = choice.columns.map(label);
    if (!found.length) return "";
    const items = found.map((trap) => element("li", {},
      element("a", { href: address({ ...choice, cell: at(trap, choice.model) }) }, trap.title)));
    const title = `${found.length} trap${found.length > 1 ? "s" : ""} between ${one} and ${other}`;
    return element("details", { class: "traps" },
      element("summary", {}, title), element("ul", {}, ...items));
  }

  function note(trap, { columns: [one, other] }) {
    const says = (prefix) => `${label(prefix)}: ${trap.options[trap.says[prefix]]}. `;
    return element("p", { class: "trap-note" },
      element("a", { href: `results/false-friends.html#${trap.anchor}` }, trap.title), ": ",
      says(one), says(other));
  }

  function row(choice, tag) {
    const { model, columns } = choice;
    const title = tag[0].toUpperCase() + tag.slice(1);
    const cells = columns.map((prefix) => cell(`${prefix}_${model}`, prefix, tag));
    const section = element("section",
      { class: "row", id: `row-${tag}`, "data-columns": columns.length });
    if (tag === "title") {
      section.append(...cells);
      return section;
    }
    const heading = element("h2", { tabindex: "-1" }, title + " ", element("a", {
      href: address({ ...choice, cell: tag }), class: "permanent",
      "aria-label": `Link to ${tag}`,
    }, "#"));
    const notes = between(choice).filter((trap) => at(trap, model) === tag)
      .map((trap) => note(trap, choice));
    section.append(heading, ...notes, ...cells);
    if (!frame.has(tag)) return section;
    const folded = element("details", { class: "folded", id: `fold-${tag}` },
      element("summary", {}, title), section);
    folded.open = choice.all || choice.cell === tag;
    return folded;
  }

  function draw(choice) {
    const { model, columns } = choice;
    const focused = document.activeElement?.id;
    find("heads").replaceChildren(...columns.map((_, index) => head(choice, index)));
    find("heads").dataset.columns = columns.length;
    if (chosenTab() >= columns.length) find("rows").dataset.tab = 0;
    find("tabs").replaceChildren(...columns.map(tab));
    find("warning").replaceChildren(warning(choice));
    find("rows").replaceChildren(...tags[model].map((tag) => row(choice, tag)));
    find("steps").replaceChildren(...tags[model].filter((tag) => tag !== "title").map((tag) =>
      element("a", { href: address({ ...choice, cell: tag }) }, tag)));
    find("more").hidden = columns.length > 2;
    find("all").checked = choice.all;
    for (const radio of document.querySelectorAll("input[name=model]")) {
      radio.checked = radio.value === model;
    }
    if (focused) find(focused)?.focus({ preventScroll: true });
    document.title = `${columns.map(label).join(" | ")}: ${model} side by side`;
  }

  // What the reader looks at stays where it is while `change` is made.
  function keepingPlace(change) {
    const under = find("desk").getBoundingClientRect().bottom;
    const box = (id) => find(id)?.getBoundingClientRect();
    const rows = [...document.querySelectorAll("#rows .row")].map((one) => one.id);
    const id = scrollY > 0 && rows.find((one) => box(one).bottom > under);
    const before = id && box(id).top;
    change();
    if (id && box(id)) scrollBy(0, box(id).top - before);
  }

  function jump(tag) {
    const section = find(`row-${tag}`);
    const folded = section.closest("details");
    if (folded) folded.open = true;
    section.scrollIntoView();
    section.querySelector("h2")?.focus({ preventScroll: true });
  }

  function complain(unknown) {
    find("unknown").hidden = !unknown.length;
    const { model } = read();
    const reasons = unknown.map((part) =>
      families.includes(part) ? `${label(part)} has no ${model}` : `nothing is called “${part}”`);
    find("unknown").textContent = `Of this page’s address: ${reasons.join(", ")}.`;
  }

  async function show() {
    const choice = read();
    const wanted = address({ ...choice, cell: undefined });
    const first = !shown;
    if (wanted !== shown) {
      try {
        await Promise.all(choice.columns.map((c) => load(`${c}_${choice.model}`)));
      } catch (error) {
        find("rows").textContent = `cells/${error.message}.js cannot be loaded.`;
        return;
      }
      if (address({ ...read(), cell: undefined }) !== wanted) return; // another choice meanwhile
      keepingPlace(() => draw(choice));
      const moved = aimed !== choice.cell;
      shown = wanted;
      complain(choice.unknown);
      if (!first && !moved) return; // another framework, at the same cell
    }
    aimed = choice.cell;
    if (choice.cell) jump(choice.cell);
  }


  function start() {
    // jumps end below what stays at the top
    new ResizeObserver(([{ target }]) => {
      document.documentElement.style.setProperty("--desk", `${target.offsetHeight}px`);
    }).observe(find("desk"));
    addEventListener("hashchange", show);
    // a link to where the address already points leads there once more
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[href^='#']");
      if (link && link.hash === location.hash && read().cell) jump(read().cell);
    });
    for (const radio of document.querySelectorAll("input[name=model]")) {
      radio.addEventListener("change", () => go({ ...read(), model: radio.value }));
    }
    find("all").addEventListener("change", () => go({ ...read(), all: find("all").checked }));
    find("more").addEventListener("click", () => {
      const choice = read();
      const able = having(choice.model);
      const other = able.find((f) => !choice.columns.includes(f)) ?? able[0];
      go({ ...choice, columns: [...choice.columns, other] });
    });
    show();
  }

  return { add, start };
})();

rosetta.start();
