"use strict";
// The comparison. The address says what is shown: #<model>/<notebook>/<notebook>[/<notebook>][/<cell>].
// A notebook's cells arrive by a script of their own, for pages opened as files may not fetch.

const rosetta = (() => {
  const loaded = new Map();
  const waiting = new Map();
  const find = (id) => document.getElementById(id);
  const tags = JSON.parse(find("tags").textContent);
  const options = find("options").content;
  const families = [...options.querySelectorAll("option")].map((o) => o.value);
  let shown = "";

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

  // What the address asks for, with whatever it leaves out.
  function read() {
    const parts = location.hash.slice(1).split("/");
    const model = Object.hasOwn(tags, parts[0]) ? parts[0] : Object.keys(tags)[0];
    const able = having(model);
    const columns = parts.filter((part) => able.includes(part)).slice(0, 3);
    while (columns.length < 2) columns.push(able.find((f) => !columns.includes(f)) ?? able[0]);
    return { model, columns, cell: parts.find((part) => tags[model].includes(part)) };
  }

  function address({ model, columns, cell }) {
    return "#" + [model, ...columns, ...(cell ? [cell] : [])].join("/");
  }

  function go(choice) {
    location.hash = address(choice);
  }

  function labelled(prefix) {
    return options.querySelector(`option[value="${prefix}"]`);
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
      const names = [columns[index - 1], columns[index]].map((c) => labelled(c).textContent);
      box.prepend(element("button", {
        id: `swap-${index}`, type: "button", class: "swap",
        title: "Swap", "aria-label": `Swap ${names[0]} and ${names[1]}`,
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
    const who = element("p", { class: "who" }, labelled(prefix).textContent);
    const box = element("article", { "data-family": prefix }, who);
    const prose = html("div", { class: "prose" }, found?.prose ?? "");
    box.append(prose);
    if (tag === "title") prose.append(...links(name));
    if (found?.code) {
      const label = `${tag}, ${labelled(prefix).textContent}`;
      const pre = element("pre", {}, html("code", {}, found.code));
      box.append(element("div", { class: "code" },
        element("button", { class: "copy", type: "button", "aria-label": `Copy: ${label}` }, "Copy"),
        pre));
    }
    return box;
  }

  function row(choice, tag) {
    const { model, columns } = choice;
    const title = tag[0].toUpperCase() + tag.slice(1);
    const section = element("section", { class: "row", id: `row-${tag}`, "data-columns": columns.length });
    if (tag !== "title") {
      const link = element("a", { href: address({ ...choice, cell: tag }), title: "Link to this row" }, title);
      section.append(element("h2", {}, link));
    }
    section.append(...columns.map((prefix) => cell(`${prefix}_${model}`, prefix, tag)));
    return section;
  }

  function draw(choice) {
    const { model, columns } = choice;
    const focused = document.activeElement?.id;
    find("heads").replaceChildren(...columns.map((_, index) => head(choice, index)));
    find("heads").dataset.columns = columns.length;
    find("rows").replaceChildren(...tags[model].map((tag) => row(choice, tag)));
    find("steps").replaceChildren(...tags[model].filter((tag) => tag !== "title").map((tag) =>
      element("a", { href: address({ ...choice, cell: tag }) }, tag)));
    find("more").hidden = columns.length > 2;
    for (const radio of document.querySelectorAll("input[name=model]")) {
      radio.checked = radio.value === model;
    }
    if (focused) find(focused)?.focus({ preventScroll: true });
    const names = columns.map((c) => labelled(c).textContent);
    document.title = `${names.join(" | ")}: ${model} side by side`;
  }

  async function show() {
    const choice = read();
    const wanted = address({ ...choice, cell: undefined });
    if (wanted !== shown) {
      try {
        await Promise.all(choice.columns.map((c) => load(`${c}_${choice.model}`)));
      } catch (error) {
        find("rows").textContent = `cells/${error.message}.js cannot be loaded.`;
        return;
      }
      if (address({ ...read(), cell: undefined }) !== wanted) return; // chosen anew meanwhile
      draw(choice);
      shown = wanted;
    }
    if (choice.cell) find(`row-${choice.cell}`).scrollIntoView();
  }

  function start() {
    addEventListener("hashchange", show);
    for (const radio of document.querySelectorAll("input[name=model]")) {
      radio.addEventListener("change", () => go({ ...read(), model: radio.value, cell: undefined }));
    }
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
