// The page around the tables: its theme, its contents, paper; and where all begins.

const THEMES = ["auto", "light", "dark"];

function remembered(theme) {
  try {
    if (theme) localStorage.setItem("disentbench.theme", theme);
    return localStorage.getItem("disentbench.theme");
  } catch {
    return theme ?? null; // where a page may store nothing
  }
}

function addTheme() {
  const root = document.documentElement;
  const button = element("button", { type: "button", id: "theme" });
  const apply = (theme) => {
    root.classList.remove(...THEMES);
    root.classList.add(theme);
    button.textContent = `theme: ${theme}`;
  };
  let theme = THEMES.includes(remembered()) ? remembered() : "auto";
  button.addEventListener("click", () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    remembered(theme);
    apply(theme);
  });
  apply(theme);
  document.querySelector("header").append(button);
}

/** Marks in the contents where the reader is. */
function followContents() {
  const links = [...document.querySelectorAll("nav a")];
  const idOf = (link) => decodeURIComponent(link.hash.slice(1));
  const targets = [...new Set(links.map((link) => document.getElementById(idOf(link))))].filter(Boolean);
  const mark = () => {
    const line = innerHeight / 4;
    const above = targets.filter((target) => target.getBoundingClientRect().top <= line);
    const here = above.at(-1) ?? targets[0];
    for (const link of links) {
      if (idOf(link) === here.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  const observer = new IntersectionObserver(mark, { rootMargin: "0px 0px -75% 0px" });
  for (const target of targets) observer.observe(target);
  mark();
  const menu = document.querySelector("nav.top details");
  menu.addEventListener("click", (event) => {
    if (event.target.closest("a")) menu.open = false;
  });
  closeOutside(menu);
}

/** On paper all is open; afterwards as before. */
function openForPaper() {
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("main details:not([open]):not(.columns)")];
    for (const folded of closed) folded.open = true;
  });
  addEventListener("afterprint", () => {
    for (const folded of closed) folded.open = false;
  });
}

/** What a link leads to may lie in something folded. */
function unfold() {
  const folded = address.target()?.closest("details");
  if (folded) folded.open = true;
}

document.documentElement.classList.add("scripted");
addTheme();
for (const table of document.querySelectorAll("table[data-table]:not(.runs)")) enhance(table);
for (const table of document.querySelectorAll("table[data-table=leaderboard]")) {
  const refresh = rankable(table);
  if (refresh) rankings.push(refresh);
}
for (const refresh of rankings) refresh();
address.goto();
browseRuns(document.querySelector("table.runs"));
cueAll();
followContents();
openForPaper();
unfold();
addEventListener("hashchange", unfold);
