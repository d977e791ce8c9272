// What the page's data are, how elements are made of them, and how numbers are written.
// Text is only ever text: nothing here parses markup, whatever a study's names hold.

const DATA = JSON.parse(document.getElementById("data").textContent);
const VALUES = new Map(DATA.values.map((value) => [value.name, value]));
const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners under `on`, and children; what is null or false is left out. */
function element(tag, { on = {}, ...attributes } = {}, ...children) {
  return furnished(document.createElement(tag), on, attributes, children);
}

/** The same of SVG. */
function drawn(tag, attributes = {}, ...children) {
  return furnished(document.createElementNS(SVG, tag), {}, attributes, children);
}

function furnished(node, on, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) {
      node.setAttribute(name, value === true ? "" : value);
    }
  }
  for (const [event, listener] of Object.entries(on)) node.addEventListener(event, listener);
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function select(name, options, chosen, change) {
  const made = options.map(([value, text]) => element("option", { value }, text));
  const node = element("select", { name, on: { change: () => change(node.value) } }, ...made);
  node.value = chosen;
  return node;
}

function labelled(text, control) {
  return element("label", {}, element("span", {}, text), control);
}

/** `1 run`, `12 600 runs`. */
function counted(n, noun) {
  return `${grouped(String(n))} ${noun}${n === 1 ? "" : "s"}`;
}

function grouped(digits) {
  return digits.replace(/\B(?=(\d{3})+$)/g, "\u2009");
}

/** So many decimals, a thin space between thousands and a true minus sign. */
function fixed(value, decimals) {
  if (value === null || !Number.isFinite(value)) return "–";
  const [whole, rest] = Math.abs(value).toFixed(decimals).split(".");
  const text = grouped(whole) + (rest ? `.${rest}` : "");
  return value < 0 && /[1-9]/.test(text) ? `−${text}` : text;
}

/** Three significant digits, without an exponent where it can be read without. */
function number(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size && (size < 1e-3 || size >= 1e6)) {
    return value.toExponential(2).replace("e+", "e").replaceAll("-", "−");
  }
  return fixed(value, places([value], 4));
}

/** A value's number; a count has no decimals. */
function written(n, value) {
  return value.whole && Number.isInteger(n) ? fixed(n, 0) : number(n);
}

/** Decimals that give the middle one of some numbers three significant digits. */
function places(values, most = 3) {
  const sizes = values.map(Math.abs).filter((size) => size > 0 && Number.isFinite(size)).sort((a, b) => a - b);
  if (!sizes.length) return 0;
  const half = sizes.length >> 1;
  const middle = sizes.length % 2 ? sizes[half] : (sizes[half - 1] + sizes[half]) / 2;
  return Math.min(most, Math.max(0, 2 - Math.floor(Math.log10(Number(middle.toPrecision(3))))));
}
