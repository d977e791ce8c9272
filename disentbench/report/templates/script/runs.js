// The table of all runs: a hundred rows at a time, filtered and sorted over all of them.

const PAGE = 100;

const runOf = (run) => {
  const setting = DATA.settings[DATA.runs.setting[run]];
  return {
    dataset: DATA.datasets[DATA.runs.dataset[run]],
    objective: DATA.objectives[setting.objective],
    setting,
    seed: DATA.runs.seed[run],
    state: DATA.states[DATA.runs.state[run]],
  };
};

/** A run's name, as it stands in paths and in the address. */
function runName(run) {
  const { dataset, objective, setting, seed } = runOf(run);
  return [dataset.name, objective.name, setting.name, seed].join("/");
}

/** The columns that a run can be shown by: what it sorts by, what it reads, and how it is set. */
function runColumns() {
  const facts = {
    objective: ["objective", (run) => runOf(run).objective.label],
    dataset: ["data set", (run) => runOf(run).dataset.name],
    setting: ["setting", (run) => runOf(run).setting.text || "–"],
    strength: ["strength", (run) => runOf(run).setting.strength],
    seed: ["seed", (run) => DATA.runs.seed[run]],
  };
  const known = new Map(Object.entries(facts).map(([name, [label, of]]) => [name, { name, label, of, text: String }]));
  for (const value of DATA.values) {
    known.set(value.name, { name: value.name, label: value.label, of: (run) => DATA.scores[value.name][run], text: (n) => written(n, value) });
  }
  known.set("state", { name: "state", label: "state", of: (run) => runOf(run).state, text: String });
  return known;
}

/** Lets the script's rows take the place of those that the page came with. */
function browseRuns(table) {
  const columns = runColumns();
  const first = headers(table).map(nameOf);
  const body = element("tbody", { class: "live" });
  const more = element("button", { type: "button", class: "more-runs", hidden: true });
  const count = element("output", { class: "count" });
  const state = { shown: PAGE, runs: [], names: first, opened: new Set() };
  const render = () => {
    body.replaceChildren(...state.runs.slice(0, state.shown).flatMap((run) => runRows(run, state, columns)));
    const left = state.runs.length - state.shown;
    more.hidden = left <= 0;
    more.textContent = `Show ${Math.min(PAGE, left)} more`;
    const all = DATA.runs.seed.length;
    count.textContent = state.runs.length < all ? `${grouped(String(state.runs.length))} of ${counted(all, "run")}` : counted(all, "run");
  };
  const refresh = () => {
    state.runs = sortedRuns(columns);
    state.shown = PAGE;
    render();
  };
  more.addEventListener("click", () => {
    const place = state.shown;
    state.shown += PAGE;
    render();
    body.querySelectorAll("button.run")[place]?.focus();
  });
  body.addEventListener("keydown", closeByEscape);
  table.append(body);
  table.closest(".scroll").before(runToolbar(table, columns, first, state, count, refresh, render));
  table.closest(".scroll").after(more);
  openLinked(state, columns);
  refresh();
  revealLinked(state, render);
}

/** Escape closes the open run that holds the focus. */
function closeByEscape(event) {
  if (event.key !== "Escape") return;
  const row = event.target.closest("tr");
  const button = (row.matches(".detail") ? row.previousElementSibling : row).querySelector("button.run");
  if (button.getAttribute("aria-expanded") === "true") button.click();
  button.focus();
}

function sortedRuns(columns) {
  const order = address.get("runs.sort");
  const column = columns.get(order.replace(/^-/, ""));
  const kept = DATA.runs.seed.map((_, run) => run).filter(runFilter());
  if (!order || !column) return kept;
  const direction = order.startsWith("-") ? -1 : 1;
  const keys = new Map(kept.map((run) => [run, column.of(run)]));
  return kept.sort((a, b) => compared(keys.get(a), keys.get(b), direction));
}

/** Whether a run is one of those that the toolbar asks for. */
function runFilter() {
  const [words, objective, dataset, state] = ["filter", "objective", "dataset", "state"].map((name) => address.get(`runs.${name}`));
  return (run) => {
    const of = runOf(run);
    if (objective && of.objective.name !== objective) return false;
    if (dataset && of.dataset.name !== dataset) return false;
    if (state && of.state !== state) return false;
    return !words || holds(searched(run), words);
  };
}

const texts = [];

/** What a text is looked for in; made once. */
function searched(run) {
  const { objective, setting, seed, state } = runOf(run);
  texts[run] ??= `${runName(run)} ${objective.label} ${setting.text} seed ${seed} ${state}`.toLowerCase();
  return texts[run];
}

function runToolbar(table, columns, first, state, count, refresh, render) {
  const choose = (name) => (value) => {
    address.set(`runs.${name}`, value);
    refresh();
  };
  const picker = (name, text, options) =>
    options.length > 1 ? labelled(text, select(name, [["", "all"], ...options], address.get(`runs.${name}`), choose(name))) : null;
  const show = (names) => {
    const kept = first.filter((name) => name !== "state" && names.includes(name));
    state.names = [...new Set(["objective", ...kept, ...names])];
    headRow(table, columns, state.names);
    makeSortable(table, "runs", refresh);
    render();
    cue(table.closest(".scroll"));
  };
  const all = [...columns.values()].filter(({ name }) => name !== "objective" && (name !== "dataset" || DATA.datasets.length > 1));
  const { menu, names } = columnMenu("runs", all.map(({ name, label }) => [name, label]), first.slice(1), show);
  show(names());
  const input = labelled("find", textFilter("runs", refresh));
  const reset = element("button", { type: "button", class: "reset" }, "reset");
  reset.addEventListener("click", () => resetRuns(bar, first, state, show, refresh));
  const bar = element("div", { class: "toolbar", "data-for": "runs" }, input,
    picker("objective", "objective", DATA.objectives.map(({ name, label }) => [name, label])),
    picker("dataset", "data set", DATA.datasets.map(({ name }) => [name, name])),
    picker("state", "state", DATA.states.filter((_, i) => DATA.runs.state.includes(i)).map((name) => [name, name])),
    menu, reset, count);
  return bar;
}

function resetRuns(bar, first, state, show, refresh) {
  address.forget("runs.");
  address.set("run", "");
  state.opened.clear();
  for (const control of bar.querySelectorAll("select, input[type=search]")) control.value = "";
  for (const input of bar.querySelectorAll(".columns input")) input.checked = first.includes(input.value);
  show(first.slice(1));
  refresh();
}

function headRow(table, columns, names) {
  const cells = names.map((name) => (VALUES.has(name) ? valueHead(name) : columnHead(name, columns.get(name).label)));
  for (const th of cells) if (["dataset", "setting"].includes(nameOf(th))) th.className = "words";
  table.tHead.rows[0].replaceChildren(...cells);
}

/** A run's row, and below it what it opens to. */
function runRows(run, state, columns) {
  const open = state.opened.has(run);
  const button = element("button", { type: "button", class: "run", "aria-expanded": String(open), "data-run": runName(run) },
    columns.get("objective").of(run));
  const cells = state.names.slice(1).map((name) => runCell(run, columns.get(name)));
  const row = element("tr", {}, element("th", { scope: "row" }, button), ...cells);
  button.addEventListener("click", () => toggle(run, row, button, state));
  return open ? [row, detailRow(run, state.names.length)] : [row];
}

function runCell(run, { name, of, text }) {
  const value = of(run);
  const missing = value === null;
  const bad = name === "state" && value !== "ok";
  const look = ["dataset", "setting"].includes(name) ? "words" : bad ? "bad" : null;
  return element("td", { class: look, "data-v": typeof value === "number" ? value : missing ? "" : null }, missing ? "–" : text(value));
}

function toggle(run, row, button, state) {
  const open = !state.opened.has(run);
  button.setAttribute("aria-expanded", String(open));
  if (open) {
    state.opened.add(run);
    row.after(detailRow(run, state.names.length));
  } else {
    state.opened.delete(run);
    row.nextElementSibling.remove();
  }
  address.set("run", open ? runName(run) : "");
}

/** Opens the run that the address names. */
function openLinked(state) {
  const name = address.get("run");
  const run = name ? DATA.runs.seed.findIndex((_, place) => runName(place) === name) : -1;
  if (run >= 0) state.opened.add(run);
}

/** Shows as many rows as it takes to see it. */
function revealLinked(state, render) {
  const [run] = state.opened;
  const place = state.runs.indexOf(run);
  if (place < 0) return;
  state.shown = PAGE * Math.ceil((place + 1) / PAGE);
  render();
  document.querySelector(".run[aria-expanded=true]").scrollIntoView({ block: "center" });
}
