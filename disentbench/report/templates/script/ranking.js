// The leaderboard by another value than the report's own, from the runs themselves.

const NOTE = "Tests, figures and the finding stand for the report’s own rule";

/** The runs of each setting of a data set: places in the columns of DATA.runs, by seed. */
function runsOf(dataset) {
  const bySetting = DATA.settings.map(() => []);
  DATA.runs.dataset.forEach((of, run) => {
    if (of === dataset) bySetting[DATA.runs.setting[run]].push(run);
  });
  return bySetting;
}

/** Mean, standard deviation and n of the runs that have a value. */
function summary(runs, value) {
  const numbers = runs.map((run) => DATA.scores[value][run]).filter((number) => number !== null);
  const n = numbers.length;
  const mean = n ? numbers.reduce((sum, number) => sum + number, 0) / n : null;
  const squares = numbers.reduce((sum, number) => sum + (number - mean) ** 2, 0);
  return { n, mean, sd: n > 1 ? Math.sqrt(squares / (n - 1)) : null };
}

/** Student's 95 % interval of the mean, cut at the value's range; null where there is none. */
function interval({ n, mean, sd }, value) {
  if (n < 2 || value.shared) return null;
  const half = (DATA.t[n] * sd) / Math.sqrt(n);
  const low = value.low === null ? -Infinity : Math.min(value.low, mean);
  const high = value.high === null ? Infinity : Math.max(value.high, mean);
  return [Math.max(low, mean - half), Math.min(high, mean + half)];
}

const signOf = (value) => (VALUES.get(value).better === "lower" ? -1 : 1);

/** The settings of an objective of which enough runs have the values. */
function candidates(runsBySetting, objective, values, needed) {
  const enough = (runs) => values.every((value) => summary(runs, value).n >= needed);
  return DATA.settings.map((_, setting) => setting)
    .filter((setting) => DATA.settings[setting].objective === objective && enough(runsBySetting[setting]));
}

/** The best of some settings by the mean of a value over some runs; null where none has the value. */
function bestSetting(settings, runsBySetting, value) {
  const tie = DATA.values.find(({ tie }) => tie)?.name;
  let best = null;
  for (const setting of settings) {
    const { mean } = summary(runsBySetting[setting], value);
    if (mean === null) continue;
    const score = signOf(value) * mean;
    const tied = tie ? (summary(runsBySetting[setting], tie).mean ?? Infinity) : 0;
    if (!best || score > best.score || (score === best.score && tied < best.tied)) best = { setting, score, tied };
  }
  return best && best.setting;
}

/** For each objective its setting and the runs that stand for it, the best objective first. */
function ruled(place, { rank, choose, on }) {
  const { needed } = DATA.datasets[place];
  const runs = runsOf(place);
  const rows = DATA.objectives.map((_, objective) => {
    const settings = candidates(runs, objective, [rank, choose], needed);
    const setting = bestSetting(settings, runs, choose);
    if (setting === null) return null;
    const fitted = on === "others" ? crossFitted(settings, runs, choose) : null;
    return { objective, setting, runs: fitted?.runs ?? runs[setting], agreeing: fitted?.settings.filter((s) => s === setting).length };
  });
  const scored = rows.filter(Boolean).map((row) => ({ ...row, score: summary(row.runs, rank).mean }));
  return scored.sort((a, b) => compared(a.score, b.score, -signOf(rank)));
}

/** Each seed's run at the setting that is best by all other seeds. */
function crossFitted(settings, runs, value) {
  const result = { runs: [], settings: [] };
  for (const seed of new Set(settings.flatMap((setting) => runs[setting]).map((run) => DATA.runs.seed[run]))) {
    const others = runs.map((list) => list.filter((run) => DATA.runs.seed[run] !== seed));
    const setting = bestSetting(settings, others, value);
    const own = setting === null ? [] : runs[setting].filter((run) => DATA.runs.seed[run] === seed);
    result.runs.push(...own);
    result.settings.push(...own.map(() => setting));
  }
  return result;
}

/** The toolbar above a leaderboard, and the leaderboard that it asks for in the place of the report's. */
function rankable(table) {
  const place = DATA.datasets.findIndex(({ name }) => name === table.dataset.dataset);
  const dataset = DATA.datasets[place];
  const directed = dataset.values.filter((name) => VALUES.get(name).better !== "neither");
  if (!dataset.rule || !directed.length) return null;
  const said = element("p", { class: "ruled", role: "status", hidden: true });
  const form = element("form", { class: "ranking", "data-dataset": dataset.name, "aria-label": DATA.datasets.length > 1 ? `Ranking on ${dataset.name}` : "Ranking" });
  form.addEventListener("submit", (event) => event.preventDefault());
  table.closest(".board-box").before(form, said);
  const refresh = () => {
    const rule = chosenRule(dataset, directed);
    form.replaceChildren(...controls(rule, directed, dataset));
    swap(table, place, rule, said);
  };
  return refresh;
}

function chosenRule(dataset, directed) {
  const known = (name) => (directed.includes(name) ? name : null);
  const rank = known(address.get("rank")) ?? dataset.rule.value;
  const usual = rank === dataset.rule.value ? dataset.rule.choose : rank;
  const choose = known(address.get("choose")) ?? usual;
  const on = address.get("on") === "others" ? "others" : "all";
  return { rank, choose, usual, on, own: rank === dataset.rule.value && choose === usual && on === "all" };
}

function controls(rule, directed, dataset) {
  const options = directed.map((name) => [name, VALUES.get(name).label]);
  const choose = (key, own) => (value) => {
    address.set(key, value === own ? "" : value);
    if (key === "rank") address.set("choose", "");
    rankAgain(key, dataset.name);
  };
  const same = options.map(([name, label]) => [name, name === rule.rank ? "the same value" : label]);
  same.sort(([a], [b]) => (b === rule.rank) - (a === rule.rank));
  const seeds = [["all", "all seeds"], ["others", "the other seeds (cross-fitted)"]];
  const reset = element("button", { type: "button", class: "reset", name: "reset", disabled: rule.own }, "reset");
  reset.addEventListener("click", () => {
    for (const key of ["rank", "choose", "on"]) address.set(key, "");
    rankAgain("rank", dataset.name);
  });
  return [
    labelled("Rank by", select("rank", options, rule.rank, choose("rank", dataset.rule.value))),
    labelled("choose settings by", select("choose", same, rule.choose, choose("choose", rule.usual))),
    dataset.planned > 2 ? labelled("on", select("on", seeds, rule.on, choose("on", "all"))) : null,
    reset,
  ].filter(Boolean);
}

/** Every leaderboard follows; the control that was used keeps the focus. */
function rankAgain(name, dataset) {
  for (const refresh of rankings) refresh();
  const form = [...document.querySelectorAll(".ranking")].find((form) => form.dataset.dataset === dataset);
  form.elements[name].focus();
}

const rankings = [];

function swap(table, place, rule, said) {
  table.parentNode.querySelector(".live")?.remove();
  const box = table.closest(".board-box");
  box.classList.toggle("reranked", !rule.own);
  table.hidden = !rule.own;
  said.hidden = rule.own;
  if (!rule.own) {
    const live = liveBoard(table, place, rule);
    const rows = rowsOf(live);
    table.after(live);
    makeSortable(live, `reranked-${table.dataset.dataset}`, (name, direction) => sortRows(live, rows, name, direction));
    said.replaceChildren(...sentences(DATA.datasets[place], rule));
  }
  cue(table.closest(".scroll"));
}

function sentences(dataset, { rank, choose, on }) {
  const value = VALUES.get(rank);
  const chosen = choose === rank ? "the same value" : VALUES.get(choose).label;
  const seeds = on === "others"
    ? "on the other seeds: each run stands at the setting that is best by all seeds but its own, so that no run chooses itself; the mean has no interval, as its runs share in their choice"
    : "on all seeds";
  const command = `disentbench report STUDY --rank-by ${rank} --choose-by ${choose}`;
  return [
    `Ranked by ${value.label} (${value.better} is better), settings chosen by ${chosen} ${seeds}. ${NOTE}: ${dataset.rule.text}. For a page by this rule: `,
    element("code", {}, command),
  ];
}

/** The leaderboard by a rule, its columns in the report's order but for the value that ranks. */
function liveBoard(table, place, rule) {
  const { values, rule: own } = DATA.datasets[place];
  const brief = [rule.rank, ...DATA.brief.filter((name) => name !== own.value && values.includes(name))];
  const shown = [...new Set([...brief, ...values])];
  const rows = ruled(place, rule);
  const columns = shown.map((name) => column(name, rows, rule.on === "all"));
  const head = element("tr", {}, columnHead("objective", "objective"), columnHead("runs", "runs"), ...shown.map(valueHead));
  const body = rows.map((row, i) => boardRow(row, columns.map((cells) => cells[i]), DATA.datasets[place].planned));
  const live = element("table", { class: "board live", "data-table": "leaderboard", "aria-label": "Leaderboard by the chosen rule" },
    element("thead", {}, head), element("tbody", {}, ...body, ...levelRows(table, shown)));
  live.dataset.dataset = table.dataset.dataset;
  for (const row of live.rows) {
    shown.forEach((name, i) => row.cells[i + 2].classList.toggle("more", !brief.includes(name)));
  }
  return live;
}

function columnHead(name, ...content) {
  return element("th", { scope: "col", "data-column": name, "data-better": VALUES.get(name)?.better }, ...content);
}

function valueHead(name) {
  const { label, unit, better } = VALUES.get(name);
  const arrow = { higher: " ↑", lower: " ↓", neither: "" }[better];
  return columnHead(name, label + arrow, unit ? element("small", {}, unit) : null);
}

/** The cells of a value, alike in their decimals. */
function column(name, rows, intervals) {
  const sums = rows.map(({ runs }) => summary(runs, name));
  const decimals = places(sums.map(({ mean }) => mean ?? NaN));
  return sums.map((sum) => {
    const ends = intervals ? interval(sum, VALUES.get(name)) : null;
    return element("td", { "data-v": sum.mean ?? "" },
      fixed(sum.mean, decimals),
      sum.sd === null ? null : element("span", { class: "sd" }, ` ± ${fixed(sum.sd, decimals)}`),
      ends && element("small", {}, ends.map((end) => fixed(end, decimals)).join(" to ")));
  });
}

function boardRow({ objective, setting, runs, agreeing }, cells, planned) {
  const { name, label, swatch } = DATA.objectives[objective];
  const text = DATA.settings[setting].text;
  const sweeps = DATA.settings.filter((other) => other.objective === objective).length > 1;
  const often = agreeing === undefined || !sweeps ? "" : `chosen for ${agreeing} of ${counted(runs.length, "run")}`;
  const head = element("th", { scope: "row" }, element("img", { class: "swatch", src: swatch, alt: "" }), element("span", {}, label),
    text ? element("small", {}, text) : null, often ? element("small", {}, often) : null);
  const scored = Math.max(...DATA.values.map((value) => summary(runs, value.name).n));
  return element("tr", { "data-objective": name }, head, element("td", { "data-v": scored }, String(scored), element("small", {}, `of ${planned}`)), ...cells);
}

/** What is scored by chance and the like, as the report's own leaderboard has it. */
function levelRows(table, shown) {
  const places = shown.map((name) => headers(table).findIndex((th) => nameOf(th) === name));
  return [...table.querySelectorAll(".level")].map((row) =>
    element("tr", { class: "level" }, element("th", { scope: "row" }, row.cells[0].textContent), element("td"),
      ...places.map((place) => element("td", {}, row.cells[place]?.textContent ?? ""))));
}
