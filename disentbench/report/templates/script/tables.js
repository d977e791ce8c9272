// Tables that sort by any column, keep the rows that hold a text, and hide columns.

const FEW_ROWS = 8;
const FEW_COLUMNS = 4;

const nameOf = (th) => th.dataset.column ?? th.textContent.trim();
const headers = (table) => [...table.tHead.rows[0].cells];
const collator = new Intl.Collator(undefined, { numeric: true });

/** Numbers by size, words by letter, and what is missing last, whichever way. */
function compared(a, b, direction) {
  if (a === null || b === null) return (a === null) - (b === null);
  const order = typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  return direction * order;
}

/** What a cell sorts by: its digits, else the number that it begins with, else its words. */
function keyOf(cell) {
  if (!cell) return null;
  if (cell.dataset.v !== undefined) return cell.dataset.v === "" ? null : Number(cell.dataset.v);
  const text = cell.textContent.replaceAll("\u2009", "").replace("−", "-").trim();
  if (text === "" || text === "–") return null;
  const digits = text.match(/^[<+]?\s*(-?\d+(\.\d+)?(e-?\d+)?)/);
  return digits ? Number(digits[1]) : text;
}

/** The order of rows that a reader asks for at a header: the better end first, then back, then none. */
function nextOrder(th, current) {
  const name = nameOf(th);
  const first = th.dataset.better === "higher" ? `-${name}` : name;
  const second = first === name ? `-${name}` : name;
  return current === first ? second : current === second ? "" : first;
}

/** Headers that are buttons; `sort` is told the column's name and the direction. */
function makeSortable(table, key, sort) {
  const apply = (order) => {
    const descending = order.startsWith("-");
    const name = order.replace(/^-/, "");
    for (const th of headers(table)) {
      const state = nameOf(th) !== name || !order ? "none" : descending ? "descending" : "ascending";
      th.setAttribute("aria-sort", state);
    }
    sort(name, descending ? -1 : 1);
  };
  for (const th of headers(table)) {
    th.dataset.column = nameOf(th);
    const press = () => {
      const order = nextOrder(th, address.get(`${key}.sort`));
      address.set(`${key}.sort`, order);
      apply(order);
    };
    const button = element("button", { type: "button", class: "sort", on: { click: press } });
    button.append(...[...th.childNodes].filter((node) => node.nodeName !== "SMALL"));
    th.prepend(button);
  }
  const order = address.get(`${key}.sort`);
  if (order) apply(order);
}

/** A menu of columns; `show` is told the names of those to be shown. */
function columnMenu(key, columns, shown, show) {
  const boxes = columns.map(([value, text]) =>
    labelled(text, element("input", { type: "checkbox", value, on: { change } })),
  );
  const inputs = boxes.map((box) => box.querySelector("input"));
  for (const box of boxes) box.prepend(box.querySelector("input"));
  mark(address.get(`${key}.columns`) ? address.get(`${key}.columns`).split(",") : shown);
  function mark(names) {
    for (const input of inputs) input.checked = names.includes(input.value);
  }
  function names() {
    return inputs.filter((input) => input.checked).map((input) => input.value);
  }
  function change() {
    address.set(`${key}.columns`, names().join(",") === shown.join(",") ? "" : names().join(","));
    show(names());
  }
  const menu = element("details", { class: "columns" }, element("summary", {}, "columns"), element("div", {}, ...boxes));
  closeOutside(menu);
  return {
    menu,
    names,
    set(chosen) {
      mark(chosen);
      change();
    },
  };
}

/** A menu closes by Escape and by a press elsewhere. */
function closeOutside(menu) {
  document.addEventListener("pointerdown", (event) => {
    if (!menu.contains(event.target)) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}

function textFilter(key, change) {
  const input = element("input", { name: "filter", type: "search", value: address.get(`${key}.filter`), size: 16 });
  input.addEventListener("input", () => {
    address.set(`${key}.filter`, input.value);
    change();
  });
  return input;
}

/** Whether a text in small letters holds every word of another. */
function holds(text, words) {
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** The rows of a table that are compared; levels stay below them. */
function rowsOf(table) {
  return [...table.tBodies[0].rows].filter((row) => !row.classList.contains("level"));
}

function isPlain(table) {
  return table.tHead?.rows.length === 1 && table.tBodies.length === 1 && !table.querySelector("[rowspan], [colspan]");
}

/** Sorting, filtering and columns for a table that stands on the page whole. */
function enhance(table) {
  if (!isPlain(table)) return;
  const key = [table.dataset.table, table.dataset.dataset].filter(Boolean).join("-");
  const rows = rowsOf(table);
  makeSortable(table, key, (name, direction) => sortRows(table, rows, name, direction));
  const bar = element("div", { class: "toolbar", "data-for": key });
  if (rows.length >= FEW_ROWS) bar.append(...filters(table, key, rows));
  if (headers(table).length >= FEW_COLUMNS) bar.append(columnsOf(table, key));
  const all = table.closest(".board-box")?.querySelector(".all-values");
  if (all) bar.prepend(all);
  if (bar.childNodes.length) table.closest(".scroll").before(bar);
}

function sortRows(table, rows, name, direction) {
  const index = headers(table).findIndex((th) => nameOf(th) === name);
  const keys = new Map(rows.map((row) => [row, keyOf(row.cells[index])]));
  const order = index < 0 ? rows : [...rows].sort((a, b) => compared(keys.get(a), keys.get(b), direction));
  table.tBodies[0].prepend(...order);
}

function filters(table, key, rows) {
  const count = element("output", { class: "count" });
  const objectives = [...new Set(rows.map((row) => row.dataset.objective).filter(Boolean))];
  const input = textFilter(key, apply);
  const choose = (value) => {
    address.set(`${key}.objective`, value);
    apply();
  };
  const labels = DATA.objectives.filter(({ name }) => objectives.includes(name)).map(({ name, label }) => [name, label]);
  const only = select("objective", [["", "all"], ...labels], address.get(`${key}.objective`), choose);
  function apply() {
    for (const row of rows) {
      row.hidden = !holds(row.textContent.toLowerCase(), input.value) || (only.value !== "" && row.dataset.objective !== only.value);
    }
    const left = rows.filter((row) => !row.hidden).length;
    count.textContent = left < rows.length ? `${left} of ${counted(rows.length, "row")}` : "";
  }
  apply();
  return [labelled("find", input), labels.length > 1 ? labelled("objective", only) : "", count];
}

/** The menu of a table's columns; on a leaderboard it and the box for all values say the same. */
function columnsOf(table, key) {
  const all = headers(table).slice(1);
  const names = all.map(nameOf);
  const brief = all.filter((th) => !th.classList.contains("more")).map(nameOf);
  const box = table.closest(".board-box")?.querySelector("[name=all-values]");
  const { menu, names: shown, set } = columnMenu(key, all.map((th) => [nameOf(th), headText(th)]), brief, show);
  table.classList.add("managed");
  function show(chosen) {
    names.forEach((name, place) => {
      for (const row of [table.tHead.rows[0], ...table.tBodies[0].rows]) {
        row.cells[place + 1].hidden = !chosen.includes(name);
      }
    });
    if (box) box.checked = chosen.length === names.length;
    cue(table.closest(".scroll"));
  }
  box?.addEventListener("change", () => set(box.checked ? names : brief));
  show(box?.checked ? names : shown());
  return menu;
}

/** The words of a header, without its unit. */
function headText(th) {
  const copy = th.cloneNode(true);
  for (const small of copy.querySelectorAll("small")) small.prepend(", ");
  return copy.textContent.trim();
}

/** Says how many columns are out of sight. */
function cue(box) {
  const table = [...(box?.querySelectorAll("table") ?? [])].find((table) => !table.hidden);
  if (!table?.tHead) return;
  const edge = box.getBoundingClientRect().left + box.clientWidth + 1;
  const cut = [...table.tHead.rows].at(-1).cells;
  const out = [...cut].filter((th) => !th.hidden && th.offsetWidth && th.getBoundingClientRect().right > edge).length;
  let line = box.nextElementSibling;
  if (!line?.classList.contains("cue")) {
    line = element("p", { class: "cue", hidden: true });
    box.after(line);
  }
  const sideways = box.scrollWidth > box.clientWidth + 1;
  line.hidden = !sideways || !out;
  line.textContent = `Scroll sideways: ${counted(out, "more column")}.`;
}

function cueAll() {
  const sizes = new ResizeObserver((entries) => entries.forEach(({ target }) => cue(target.closest(".scroll"))));
  for (const box of document.querySelectorAll(".scroll")) {
    box.addEventListener("scroll", () => cue(box), { passive: true });
    sizes.observe(box);
    for (const table of box.querySelectorAll("table")) sizes.observe(table);
  }
}
