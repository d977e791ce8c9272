// What a run opens to: its setting, scores, curves, traversals, the end of its log, and its path.

const MISSING = 255;
const WIDE = 240;
const HIGH = 90;

function detailRow(run, columns) {
  const { dataset, objective, setting, seed, state } = runOf(run);
  const title = [objective.label, setting.text, `seed ${seed}`, DATA.datasets.length > 1 ? dataset.name : ""].filter(Boolean).join(", ");
  const content = element("div", {},
    element("p", {}, element("b", {}, title), state === "ok" ? "" : ` (${state})`, " ", permalink(run)),
    ...scoresOf(run), ...curvesOf(run), ...thumbnailOf(run), ...logOf(run),
    element("p", {}, "Files: ", element("code", { class: "path" }, pathOf(run)), ", below the study’s folder."));
  return element("tr", { class: "detail" }, element("td", { colspan: columns }, content));
}

function permalink(run) {
  return element("a", { href: `#${encodeURIComponent("all-runs")}?run=${encodeURIComponent(runName(run))}` }, "link to this run");
}

function pathOf(run) {
  const { dataset, objective, setting } = runOf(run);
  const [first, last] = DATA.blocks[DATA.runs.block[run]];
  const parts = { dataset: dataset.name, objective: objective.name, setting: setting.name, first, last };
  return DATA.path.replace(/\{(\w+)\}/g, (_, name) => parts[name]);
}

function scoresOf(run) {
  const pairs = DATA.values
    .filter(({ name }) => DATA.scores[name][run] !== null)
    .map((value) =>
      element("div", {}, element("dt", {}, value.label), element("dd", {}, written(DATA.scores[value.name][run], value) + unitOf(value))));
  return pairs.length ? [element("dl", { class: "scores" }, ...pairs)] : [element("p", { class: "note" }, "It has no scores.")];
}

const unitOf = ({ unit }) => (unit ? `\u00a0${unit}` : "");

function curvesOf(run) {
  const known = DATA.curves.runs[run];
  if (!known) {
    const why = DATA.curves.left_out ? "Its curves are left out: a page of so many runs would weigh too much." : "No history of its training is left.";
    return [element("p", { class: "note" }, why)];
  }
  const [place, ...sketches] = known;
  const steps = DATA.curves.steps[place];
  const figures = sketches.map((sketch, term) => sketch && curve(DATA.curves.terms[term], steps, sketch)).filter(Boolean);
  return [element("div", { class: "curves" }, ...figures)];
}

/** A term by step: the ends of its range are written, and the scale where it is by logarithm. */
function curve(term, steps, [low, high, log, bytes]) {
  const values = [...atob(bytes)].map((sign) => sign.charCodeAt(0));
  const from = steps[0];
  const length = steps.at(-1) - from || 1;
  const points = values.map((value, i) => [(WIDE * (steps[i] - from)) / length, HIGH * (1 - value / (MISSING - 1)), value]);
  const title = `${term}${log ? ", by logarithm" : ""}`;
  const alt = `${term} by step ${from} to ${steps.at(-1)}, between ${number(low)} and ${number(high)}${log ? ", by logarithm" : ""}`;
  const text = (x, y, words, anchor = "start") => drawn("text", { x, y, "text-anchor": anchor, fill: "currentColor" }, words);
  return drawn("svg", { class: "curve", role: "img", "aria-label": alt, viewBox: `0 0 ${WIDE + 4} ${HIGH + 40}` },
    text(0, 10, title), text(WIDE, 10, number(high), "end"),
    drawn("g", { transform: "translate(2 18)" }, ...lines(points).map((line) => drawn("polyline", { points: line }))),
    text(0, HIGH + 34, `step ${from} to ${grouped(String(steps.at(-1)))}`), text(WIDE, HIGH + 34, number(low), "end"));
}

/** The stretches without a gap. */
function lines(points) {
  const stretches = [[]];
  for (const [x, y, value] of points) {
    if (value === MISSING) stretches.push([]);
    else stretches.at(-1).push(`${x.toFixed(1)},${y.toFixed(1)}`);
  }
  return stretches.filter((stretch) => stretch.length).map((stretch) => stretch.join(" "));
}

/** What the run makes of images: its picture with a word to each row. */
function thumbnailOf(run) {
  const picture = DATA.thumbnails[run];
  if (!picture) return [];
  const words = picture.rows.map(([name, detail]) => element("li", {}, element("b", {}, name), " ", element("small", {}, detail)));
  const alt = picture.rows.map((row) => row.join(" ")).join("; ");
  const image = element("img", { class: "thumbnail", src: picture.uri, alt, width: 2 * picture.width, height: 2 * picture.height });
  return [element("div", { class: "pictured" }, element("ol", { "aria-hidden": "true" }, ...words), image)];
}

function logOf(run) {
  const text = DATA.logs.packs[pathOf(run)];
  if (text) return [element("p", { class: "note" }, "The last lines of the log of its training, which is of its whole pack:"), element("pre", { class: "log" }, text)];
  const why = DATA.logs.left_out ? "The end of its log is left out: the logs together weigh too much." : "";
  return why ? [element("p", { class: "note" }, why)] : [];
}
